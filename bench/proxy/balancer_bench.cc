// 10,000 Services of 10 endpoints: from nothing, and one endpoint more or less. Beside them what a
// naive proxy does at each change: compute everything again and compare.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <map>

#include "bench/proxy/objects.h"

namespace antrea::proxy {
namespace {

const BalancerConfig kConfig{.node_name = "node-1"};

double heap_mib() {
  return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd) / 0x100000;
}

// The time is that of deciding; giving memory back afterwards is left out.
void BalancerFromNothing(benchmark::State& state) {
  const auto services = static_cast<unsigned>(state.range(0)),
             endpoints = static_cast<unsigned>(state.range(1));
  const auto input = everything(services, endpoints);
  for (auto _ : state) {
    state.PauseTiming();
    {
      const double before = heap_mib();
      state.ResumeTiming();
      Balancer balancer(kConfig);
      auto changes = balancer.apply(input).pipeline;
      benchmark::DoNotOptimize(changes);
      state.PauseTiming();
      state.counters["flows_and_groups"] =
          static_cast<double>(changes.flows.size() + changes.groups.size());
      state.counters["MiB_with_changes"] = heap_mib() - before;
      changes = {};
      state.counters["MiB_kept"] = heap_mib() - before;
    }
    state.ResumeTiming();
  }
}
BENCHMARK(BalancerFromNothing)
    ->ArgNames({"services", "endpoints"})
    ->Args({10000, 10})
    ->Args({1, 10000})
    ->Unit(benchmark::kMillisecond);

void BalancerOneEndpoint(benchmark::State& state) {
  const auto services = static_cast<unsigned>(state.range(0)),
             endpoints = static_cast<unsigned>(state.range(1));
  Balancer balancer(kConfig);
  balancer.apply(everything(services, endpoints));
  const unsigned in_slice = std::min(endpoints, kMostInSlice);
  const auto less = make_slice(0, in_slice - 1), all = make_slice(0, in_slice);
  bool removed = false;
  for (auto _ : state) {
    removed = !removed;
    benchmark::DoNotOptimize(balancer.apply(removed ? less : all));
  }
}
BENCHMARK(BalancerOneEndpoint)
    ->ArgNames({"services", "endpoints"})
    ->Args({10000, 10})
    ->Args({1, 10000})
    ->Unit(benchmark::kMicrosecond);

void RecomputeAndCompare(benchmark::State& state) {
  const auto input =
      everything(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)));
  std::map<openflow::GroupId, openflow::Group> groups;
  for (auto _ : state) {
    Balancer balancer(kConfig);
    auto changes = balancer.apply(input).pipeline;
    std::size_t different = 0;
    for (auto& group : changes.groups) {
      auto& old = groups[group.id];
      if (old == group) continue;
      ++different;
      old = std::move(group);
    }
    benchmark::DoNotOptimize(different);
  }
}
BENCHMARK(RecomputeAndCompare)
    ->ArgNames({"services", "endpoints"})
    ->Args({10000, 10})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace antrea::proxy
