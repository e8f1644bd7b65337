#include <arpa/inet.h>
#include <benchmark/benchmark.h>

#include "antrea/base/ip.h"

namespace {

void ParseIpv4(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(antrea::IpAddress::parse("10.128.13.254"));
}
BENCHMARK(ParseIpv4);

void ParseIpv4Peer_inet_pton(benchmark::State& state) {
  in_addr address;
  for (auto _ : state) benchmark::DoNotOptimize(inet_pton(AF_INET, "10.128.13.254", &address));
}
BENCHMARK(ParseIpv4Peer_inet_pton);

void SubtractHoles(benchmark::State& state) {
  std::vector<antrea::IpPrefix> holes;
  for (std::uint32_t i = 0; i < 16; ++i)
    holes.push_back(antrea::IpPrefix::host(antrea::IpAddress::v4(0x0a000000 | i * 4099)));
  const auto whole = antrea::IpPrefix::parse("10.0.0.0/8").value();
  for (auto _ : state) benchmark::DoNotOptimize(antrea::subtract(whole, holes));
}
BENCHMARK(SubtractHoles);

}  // namespace
