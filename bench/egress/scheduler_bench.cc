// 1,000 Nodes and 10,000 Egress IPs: from nothing, one Node lost and back, one Egress more and
// less.
#include <benchmark/benchmark.h>

#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

SchedulerInput everything(unsigned nodes, unsigned ips) {
  SchedulerInput input;
  input.alive.emplace();
  for (unsigned i = 0; i < nodes; ++i) {
    const std::string name = "node-" + std::to_string(i);
    input.nodes.push_back(make_node(name, {{"kubernetes.io/os", "linux"}}));
    input.alive->insert(name);
  }
  input.pools = {make_pool("pool")};
  for (unsigned i = 0; i < ips; ++i)
    input.egresses.push_back(
        make_egress("egress-" + std::to_string(i),
                    {"10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)}));
  return input;
}

void SchedulerFromNothing(benchmark::State& state) {
  const auto input =
      everything(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)));
  for (auto _ : state) {
    Scheduler scheduler;
    benchmark::DoNotOptimize(scheduler.apply(input, TimePoint()));
  }
}
BENCHMARK(SchedulerFromNothing)
    ->ArgNames({"nodes", "ips"})
    ->Args({5, 100})
    ->Args({1000, 10000})
    ->Unit(benchmark::kMillisecond);

/// One Node goes and comes back, again and again. How many placements change each time.
double lose_and_regain(benchmark::State& state, const SchedulerInput& input) {
  Scheduler scheduler({.return_delay = Duration(0)});
  scheduler.apply(input, TimePoint());
  SchedulerInput lost, back;
  lost.alive = back.alive = *input.alive;
  lost.alive->erase("node-3");
  bool gone = false;
  double changes = 0, applied = 0;
  for (auto _ : state) {
    gone = !gone;
    changes += static_cast<double>(scheduler.apply(gone ? lost : back, TimePoint()).size());
    ++applied;
  }
  return changes / applied;
}

void SchedulerOneNodeLostOrBack(benchmark::State& state) {
  const auto input =
      everything(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)));
  // An address moves, or only its standby does; on average 2 of as many as there are Nodes.
  state.counters["changes"] = lose_and_regain(state, input);
  state.counters["least"] =
      2.0 * static_cast<double>(state.range(1)) / static_cast<double>(state.range(0));
}
BENCHMARK(SchedulerOneNodeLostOrBack)
    ->ArgNames({"nodes", "ips"})
    ->Args({5, 100})
    ->Args({1000, 10000})
    ->Unit(benchmark::kMicrosecond);

// After an outage that has cut off everybody, all return at once, and some do not come.
void SchedulerOneNodeLostOrBackWhileAllReturn(benchmark::State& state) {
  auto input = everything(1000, 10000);
  input.returning = *input.alive;
  state.counters["changes"] = lose_and_regain(state, input);
}
BENCHMARK(SchedulerOneNodeLostOrBackWhileAllReturn)->Unit(benchmark::kMicrosecond);

void SchedulerOneEgress(benchmark::State& state) {
  Scheduler scheduler;
  scheduler.apply(everything(1000, 10000), TimePoint());
  SchedulerInput come, go;
  come.egresses = {make_egress("another", {"10.9.0.1"})};
  go.removed_egresses = {"another"};
  bool there = false;
  for (auto _ : state) {
    there = !there;
    benchmark::DoNotOptimize(scheduler.apply(there ? come : go, TimePoint()));
  }
}
BENCHMARK(SchedulerOneEgress)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace antrea::egress
