#include <benchmark/benchmark.h>

#include "antrea/node/host_network.h"
#include "antrea/node/pipeline.h"

namespace antrea::node {
namespace {

NodeConfig config() {
  NodeConfig out;
  out.name = "node-1";
  out.node_ips = {IpAddress::v4(0xac120001)};
  out.pod_cidrs = {IpPrefix(IpAddress::v4(0x0a0a0000), 24)};
  out.gateway_mac = MacAddress::from_bits(0x0a0000000001);
  return out;
}
PodInterface pod(unsigned n) {
  return {"pod-" + std::to_string(n),
          n,
          MacAddress::from_bits(0x0a0000000000 + n),
          {IpAddress::v4(0x0a0a0000 + n)}};
}
PeerNode peer(unsigned n) {
  return {"node-" + std::to_string(n),
          IpAddress::v4(0xac120000 + n),
          {IpPrefix(IpAddress::v4(0x0b000000 + (n << 8)), 24)}};
}

void PipelineAddAndRemovePod(benchmark::State& state) {
  Pipeline pipeline(config());
  pipeline.start();
  for (unsigned n = 2; n < 112; ++n) pipeline.add_pod(pod(n));
  for (auto _ : state) {
    benchmark::DoNotOptimize(pipeline.add_pod(pod(200)));
    benchmark::DoNotOptimize(pipeline.remove_pod("pod-200"));
  }
}
BENCHMARK(PipelineAddAndRemovePod)->Unit(benchmark::kMicrosecond);

void PipelinePeers(benchmark::State& state) {
  for (auto _ : state) {
    Pipeline pipeline(config());
    for (unsigned n = 0; n < static_cast<unsigned>(state.range(0)); ++n)
      benchmark::DoNotOptimize(pipeline.add_peer(peer(n)));
  }
}
BENCHMARK(PipelinePeers)->ArgName("peers")->Arg(5000)->Unit(benchmark::kMillisecond);

void HostNetworkPlanOnePeer(benchmark::State& state) {
  std::vector<PeerNode> peers;
  for (unsigned n = 0; n < static_cast<unsigned>(state.range(0)); ++n) peers.push_back(peer(n));
  const auto actual = desired_host_state(config(), peers);
  peers.push_back(peer(60000));
  for (auto _ : state)
    benchmark::DoNotOptimize(plan_host_network(desired_host_state(config(), peers), actual));
}
BENCHMARK(HostNetworkPlanOnePeer)->ArgName("peers")->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::node
