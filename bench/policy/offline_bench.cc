// The offline questions on clusters of 2,000 Pods.
#include <benchmark/benchmark.h>

#include "antrea/policy/check.h"
#include "antrea/policy/compare.h"
#include "antrea/policy/turn.h"
#include "scenario.h"

namespace antrea::policy {
namespace {

using bench::Scenario;

/// 500 Namespaces with 4 Pods and 3 policies each, or 2,000 Pods each with a policy and labels of
/// its own: the worst case, since no two Pods are of one kind.
Scenario scenario_of(const benchmark::State& state) {
  return state.range(0) == 0 ? Scenario::small_namespaces(500) : Scenario::policy_per_pod(1000);
}

/// The same, but one policy says something else.
std::vector<ObjectChange> changed(const Scenario& scenario) {
  std::vector<ObjectChange> objects = scenario.objects;
  for (ObjectChange& object : objects)
    if (auto* policy = std::get_if<std::shared_ptr<const api::NetworkPolicy>>(&object);
        policy != nullptr && !(*policy)->ingress.empty()) {
      auto other = std::make_shared<api::NetworkPolicy>(**policy);
      other->egress.push_back({{}, {{api::Protocol::kUdp, api::IntOrString{53, {}}, {}}}});
      object = std::shared_ptr<const api::NetworkPolicy>(std::move(other));
      break;
    }
  return objects;
}

void count(benchmark::State& state, const Scenario& scenario) {
  state.counters["pods"] = static_cast<double>(scenario.pods);
  state.counters["policies"] = static_cast<double>(scenario.policies);
}

void CompareOneChange(benchmark::State& state) {
  const Scenario scenario = scenario_of(state);
  const auto after = changed(scenario);
  for (auto _ : state) {
    const Comparison found = compare(scenario.objects, after);
    if (found.changes.empty()) state.SkipWithError("found no change");
  }
  count(state, scenario);
}
void ProveEqual(benchmark::State& state) {
  const Scenario scenario = scenario_of(state);
  for (auto _ : state)
    if (!find_difference(scenario.objects, scenario.objects).equivalent())
      state.SkipWithError("not equal to itself");
  count(state, scenario);
}
void CheckAll(benchmark::State& state) {
  const Scenario scenario = scenario_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(check(scenario.objects).flows);
  count(state, scenario);
}
void JudgeEveryPair(benchmark::State& state) {
  const Scenario scenario = scenario_of(state);
  const Evaluator evaluator(scenario.objects);
  std::vector<ConversationEnd> ends;
  for (const api::ObjectKey& pod : evaluator.pods())
    ends.push_back({pod, evaluator.addresses_of(pod).front()});
  for (auto _ : state)
    for (const ConversationEnd& from : ends)
      for (const ConversationEnd& to : ends) {
        Conversation c;
        c.from = from;
        c.to = to;
        c.port = 80;
        benchmark::DoNotOptimize(evaluator.judge(c, api::controlplane::Direction::kIn).verdict);
      }
  count(state, scenario);
}
BENCHMARK(CompareOneChange)
    ->ArgName("all_different")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(ProveEqual)->ArgName("all_different")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(CheckAll)->ArgName("all_different")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(JudgeEveryPair)->ArgName("all_different")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::policy
