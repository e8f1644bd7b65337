#include <benchmark/benchmark.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "antrea/api/controlplane_codec.h"
#include "antrea/api/json.h"

namespace {

using namespace antrea::api::controlplane;

// An AddressGroup of Pods with one IPv4 address each.
AddressGroup make_group(std::int64_t members) {
  AddressGroup group;
  group.metadata.name = group.metadata.uid = "0c2d1c7e-5f5a-5b0e-9d5e-7d6d0c0f8a11";
  for (std::int64_t i = 0; i < members; ++i)
    group.members.push_back(
        {.key = {"namespace", "pod-" + std::to_string(1000000 + i)},
         .ips = {antrea::IpAddress::v4(0x0a000000U + static_cast<std::uint32_t>(i))}});
  return group;
}

void EncodeGroup(benchmark::State& state, Format format) {
  const AddressGroup group = make_group(state.range(0));
  std::size_t size = 0;
  for (auto _ : state) {
    const std::string body = encode(group, format);
    size = body.size();
    benchmark::DoNotOptimize(body.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes/member"] = static_cast<double>(size) / static_cast<double>(state.range(0));
}
BENCHMARK_CAPTURE(EncodeGroup, Protobuf, Format::kProtobuf)->Arg(1000);
BENCHMARK_CAPTURE(EncodeGroup, Json, Format::kJson)->Arg(1000);

void DecodeGroup(benchmark::State& state, Format format) {
  const std::string body = encode(make_group(state.range(0)), format);
  for (auto _ : state) benchmark::DoNotOptimize(decode_as<AddressGroup>(body, format));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(DecodeGroup, Protobuf, Format::kProtobuf)->Arg(1000);
BENCHMARK_CAPTURE(DecodeGroup, Json, Format::kJson)->Arg(1000);

std::string recorded_pod() {
  std::ifstream in(std::string(ANTREA_SOURCE_DIR) + "/tests/api/recordings/pod.json");
  return {std::istreambuf_iterator<char>(in), {}};
}

void DecodePod(benchmark::State& state) {
  const auto json = boost::json::parse(recorded_pod());
  for (auto _ : state) benchmark::DoNotOptimize(antrea::api::decode_pod(json));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecodePod);

// The floor: the same text taken apart, and not looked at.
void DecodePodFloor_parse_only(benchmark::State& state) {
  const std::string text = recorded_pod();
  for (auto _ : state) benchmark::DoNotOptimize(boost::json::parse(text));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecodePodFloor_parse_only);

}  // namespace
