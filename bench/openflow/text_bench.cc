#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"

// Printing, beside ovs-ofctl that prints the same bytes.
namespace antrea::openflow {
namespace {

/// Flows in the manner of an Antrea pipeline: 8 match fields and 5 actions.
Flow sample_flow(std::uint32_t number) {
  Flow flow;
  flow.table = TableId{12};
  flow.priority = 200;
  flow.cookie = 0x1030000000000;
  flow.match.ip_src(IpAddress::v4(0x0a0a0000 + number))
      .ip_dst(IpAddress::v4(0x0a60000a))
      .tcp_dst(443)
      .set_reg(0, 0, 4, 2)
      .set_reg(3, 0x0a0a0005)
      .ct_state("+new+trk")
      .metadata(7);
  Ct ct;
  ct.commit = true;
  ct.zone = 65520;
  ct.table = TableId{13};
  ct.actions = {load(Subfield{FieldId::kCtMark, 4, 1}, 1)};
  flow.apply_actions = {set_field(FieldId::kEthSrc, MacAddress::from_bits(0x0a0000000001)),
                        load(reg_bits(4, 16, 18), 2), load(reg_bits(0, 9, 9), 1), DecTtl{}, ct};
  return flow;
}

constexpr std::uint32_t kFlows = 200;
/// A flow stats reply of some 60 KiB.
std::vector<std::byte> sample_reply() {
  FlowStatsReply reply;
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    FlowStats stats{sample_flow(i), {}};
    stats.statistics.duration = FlowStatistics::Duration{12, 345000000};
    stats.statistics.packets = i;
    stats.statistics.bytes = 100 * i;
    reply.flows.push_back(std::move(stats));
  }
  std::vector<std::byte> wire;
  encode(1, MultipartReply{false, reply}, wire);
  return wire;
}

void PrintMatch(benchmark::State& state) {
  const Match match = sample_flow(1).match;
  for (auto _ : state) benchmark::DoNotOptimize(to_string(match));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PrintMatch);

void PrintFlow(benchmark::State& state) {
  const Flow flow = sample_flow(1);
  for (auto _ : state) benchmark::DoNotOptimize(to_string(flow));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PrintFlow);

/// Decoded and printed.
void PrintFlowStatsReply(benchmark::State& state) {
  const auto wire = sample_reply();
  std::string text;
  for (auto _ : state) {
    text.clear();
    print_message(wire, text);
    benchmark::DoNotOptimize(text.data());
  }
  state.SetItemsProcessed(state.iterations() * kFlows);
}
BENCHMARK(PrintFlowStatsReply);

/// The peer: the same bytes many times in one file, so that its start does not count.
void OvsOfctlFlowStatsReply(benchmark::State& state) {
  constexpr int kCopies = 200;
  const auto wire = sample_reply();
  const auto path = std::filesystem::temp_directory_path() / "antrea_text_bench.bin";
  {
    std::ofstream file(path, std::ios::binary);
    for (int i = 0; i < kCopies; ++i)
      file.write(reinterpret_cast<const char*>(wire.data()),
                 static_cast<std::streamsize>(wire.size()));
  }
  const std::string command = "ovs-ofctl ofp-parse " + path.string() + " >/dev/null 2>&1";
  for (auto _ : state)
    if (std::system(command.c_str()) != 0) {
      state.SkipWithError("needs ovs-ofctl");
      break;
    }
  std::filesystem::remove(path);
  state.SetItemsProcessed(state.iterations() * kFlows * kCopies);
}
BENCHMARK(OvsOfctlFlowStatsReply)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::openflow
