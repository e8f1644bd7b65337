#include <benchmark/benchmark.h>

#include "antrea/egress/consistent_hash.h"

namespace antrea::egress {
namespace {

std::string node_name(unsigned i) { return "node-" + std::to_string(i); }

ConsistentHash ring_of(unsigned nodes) {
  ConsistentHash ring;
  for (unsigned i = 0; i < nodes; ++i) ring.add(node_name(i));
  return ring;
}

void ConsistentHashOwner(benchmark::State& state) {
  const auto ring = ring_of(static_cast<unsigned>(state.range(0)));
  std::uint32_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ring.owner("10.10." + std::to_string(i++ % 60000)));
}
BENCHMARK(ConsistentHashOwner)->ArgName("nodes")->Arg(10)->Arg(1000);

void ConsistentHashOneNode(benchmark::State& state) {
  auto ring = ring_of(static_cast<unsigned>(state.range(0)));
  for (auto _ : state) {
    ring.remove("node-7");
    ring.add("node-7");
  }
}
BENCHMARK(ConsistentHashOneNode)->ArgName("nodes")->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace antrea::egress
