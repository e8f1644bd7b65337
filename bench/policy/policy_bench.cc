#include <benchmark/benchmark.h>
#include <malloc.h>

#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "scenario.h"

namespace antrea::policy {
namespace {

using bench::Scenario;
namespace cp = api::controlplane;

double allocated_megabytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / 1e6;
}

/// Compiler from nothing to everything. `held_MB`: the compiler with its output, without the
/// objects of the users.
void initial_compile(benchmark::State& state, const Scenario& scenario) {
  double held = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const double before = allocated_megabytes();
    auto compiler = std::make_unique<Compiler>();
    state.ResumeTiming();
    auto changes = std::make_unique<cp::Changes>(compiler->apply(scenario.objects));
    benchmark::DoNotOptimize(changes->policies.size());
    state.PauseTiming();
    held = allocated_megabytes() - before;
    changes.reset();
    compiler.reset();
    state.ResumeTiming();
  }
  state.counters["held_MB"] = held;
  state.counters["pods"] = static_cast<double>(scenario.pods);
  state.counters["policies"] = static_cast<double>(scenario.policies);
}
void InitialCompileSmallNamespaces(benchmark::State& state) {
  initial_compile(state, Scenario::small_namespaces(static_cast<std::size_t>(state.range(0))));
}
void InitialCompileOneNamespace(benchmark::State& state) {
  initial_compile(state, Scenario::one_namespace(static_cast<std::size_t>(state.range(0))));
}
void InitialCompilePolicyPerPod(benchmark::State& state) {
  initial_compile(state, Scenario::policy_per_pod(static_cast<std::size_t>(state.range(0))));
}
void InitialCompileNamespaceIsolation(benchmark::State& state) {
  initial_compile(state, Scenario::namespace_isolation(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(InitialCompileNamespaceIsolation)
    ->ArgName("namespaces")
    ->Arg(2500)
    ->Arg(25000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(InitialCompileSmallNamespaces)
    ->ArgName("namespaces")
    ->Arg(2500)
    ->Arg(25000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(InitialCompileOneNamespace)->ArgName("each")->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK(InitialCompilePolicyPerPod)->ArgName("pairs")->Arg(5000)->Unit(benchmark::kMillisecond);

/// One Pod of an established cluster changes its label to and fro: out of one group pair, into
/// another.
void one_label_change(benchmark::State& state, const Scenario& scenario, const api::Labels& other) {
  Compiler compiler;
  compiler.apply(scenario.objects);
  std::shared_ptr<const api::Pod> pod;
  for (const ObjectChange& object : scenario.objects)
    if (const auto* found = std::get_if<std::shared_ptr<const api::Pod>>(&object)) pod = *found;
  auto changed = std::make_shared<api::Pod>(*pod);
  changed->metadata.labels = other;
  const std::array<ObjectChange, 2> states{std::shared_ptr<const api::Pod>(changed), pod};
  std::size_t i = 0, touched = 0;
  for (auto _ : state) {
    const cp::Changes changes = compiler.apply(states[i++ % 2]);
    touched =
        changes.address_groups.size() + changes.applied_to_groups.size() + changes.policies.size();
    benchmark::DoNotOptimize(touched);
  }
  state.counters["objects_changed"] = static_cast<double>(touched);
}
void OneLabelChangeSmallNamespaces(benchmark::State& state) {
  one_label_change(state, Scenario::small_namespaces(static_cast<std::size_t>(state.range(0))),
                   {{"app-1", "scale-1"}});
}
void OneLabelChangeOneNamespace(benchmark::State& state) {
  one_label_change(state, Scenario::one_namespace(static_cast<std::size_t>(state.range(0))),
                   {{"other", "x"}});
}
BENCHMARK(OneLabelChangeSmallNamespaces)
    ->ArgName("namespaces")
    ->Arg(2500)
    ->Arg(25000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(OneLabelChangeOneNamespace)->ArgName("each")->Arg(1000)->Unit(benchmark::kMicrosecond);

std::vector<IpPrefix> addresses(std::uint32_t first, std::size_t count) {
  std::vector<IpPrefix> list;
  for (std::size_t i = 0; i < count; ++i)
    list.push_back(IpPrefix::host(IpAddress::v4(first + static_cast<std::uint32_t>(i))));
  return list;
}

/// An egress rule with `addresses` targets, as many peers, and one port. In theory: one match flow
/// per address of each side and one for the port, one flow that the conjunction leads to, two that
/// count, one drop per target.
CompletedRule large_rule(std::size_t count) {
  auto identity = std::make_shared<RuleIdentity>();
  identity->id = "0123456789abcdef";
  identity->direction = cp::Direction::kOut;
  identity->action = cp::RuleAction::kAllow;
  CompletedRule rule{identity->id,
                     identity,
                     {},
                     addresses(0x0b000000, count),
                     std::vector{cp::Service{.protocol = cp::ServiceProtocol::kTcp,
                                             .port = api::IntOrString{80, {}}}}};
  for (std::size_t i = 0; i < count; ++i)
    rule.targets.push_back({{"ns", "pod-" + std::to_string(i)},
                            static_cast<std::uint32_t>(i + 1),
                            {IpAddress::v4(0x0a000000 + static_cast<std::uint32_t>(i))}});
  return rule;
}

void FlowsOfLargeRule(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  RuleChanges changes;
  changes.added.push_back(large_rule(count));
  double flows = 0, held = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const double before = allocated_megabytes();
    auto compiler = std::make_unique<FlowCompiler>(FlowCompiler::Options{.ipv6 = false});
    state.ResumeTiming();
    {
      const openflow::Changes out = compiler->apply(changes);
      flows = static_cast<double>(out.flows.size());
    }
    state.PauseTiming();
    held = allocated_megabytes() - before;
    compiler.reset();
    state.ResumeTiming();
  }
  state.counters["flows"] = flows;
  state.counters["theory"] = static_cast<double>(3 * count + 4);
  state.counters["bytes_per_flow"] = held * 1e6 / flows;
}
BENCHMARK(FlowsOfLargeRule)->ArgName("addresses")->Arg(10000)->Unit(benchmark::kMillisecond);

void OneAddressOfLargeRule(benchmark::State& state) {
  FlowCompiler compiler(FlowCompiler::Options{.ipv6 = false});
  RuleChanges changes;
  changes.added.push_back(large_rule(static_cast<std::size_t>(state.range(0))));
  const std::string key = changes.added.front().key;
  compiler.apply(changes);
  RuleChanges add, remove;
  add.updated.push_back({.key = key, .added_peers = addresses(0x0c000000, 1)});
  remove.updated.push_back({.key = key, .removed_peers = addresses(0x0c000000, 1)});
  std::size_t flows = 0;
  for (auto _ : state) {
    flows = compiler.apply(add).flows.size();
    benchmark::DoNotOptimize(compiler.apply(remove).remove_flows.size());
  }
  state.counters["flows_sent"] = static_cast<double>(flows);
}
BENCHMARK(OneAddressOfLargeRule)->ArgName("addresses")->Arg(10000)->Unit(benchmark::kMicrosecond);

/// A rule comes between `rules` others with tiers, and goes: its own flows, if no other has to
/// move.
void OneRuleBetweenTiers(benchmark::State& state) {
  const auto rule_at = [](std::int32_t tier, double priority) {
    auto identity = std::make_shared<RuleIdentity>();
    identity->id = std::to_string(tier) + "/" + std::to_string(priority);
    identity->policy.type = cp::PolicyType::kAntreaClusterNetworkPolicy;
    identity->direction = cp::Direction::kIn;
    identity->action = cp::RuleAction::kDrop;
    identity->tier_priority = tier;
    identity->policy_priority = priority;
    identity->rule_priority = 0;
    return CompletedRule{identity->id,
                         identity,
                         {{{"ns", "pod"}, 7, {IpAddress::v4(0x0a000001)}}},
                         addresses(0x0b000000 + static_cast<std::uint32_t>(priority * 16), 2)};
  };
  FlowCompiler compiler(FlowCompiler::Options{.ipv6 = false});
  RuleChanges all;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    all.added.push_back(rule_at(250, 1 + static_cast<double>(i) / 16));
  compiler.apply(all);
  RuleChanges add, remove;
  add.added.push_back(rule_at(250, 1 + static_cast<double>(state.range(0)) / 32 + 1.0 / 64));
  remove.removed = {add.added.front().key};
  std::size_t flows = 0, most = 0;
  for (auto _ : state) {
    flows = compiler.apply(add).flows.size();
    most = std::max(most, flows);
    benchmark::DoNotOptimize(compiler.apply(remove).remove_flows.size());
  }
  state.counters["flows_sent"] = static_cast<double>(flows);
  state.counters["flows_sent_at_most"] = static_cast<double>(most);
}
BENCHMARK(OneRuleBetweenTiers)->ArgName("rules")->Arg(10000)->Unit(benchmark::kMicrosecond);

/// `rules` rules of one Pod that name the same group of 1000: one member comes and goes, from the
/// patch to the flow.
void OneMemberOfSharedGroup(benchmark::State& state) {
  const auto member = [](std::uint32_t i) {
    cp::GroupMember m;
    m.key = api::ObjectKey{"ns", "peer-" + std::to_string(i)};
    m.ips = {IpAddress::v4(0x0b000000 + i)};
    return m;
  };
  auto group = std::make_shared<cp::AddressGroup>();
  group->metadata.name = "peers";
  for (std::uint32_t i = 0; i < 1000; ++i) group->members.push_back(member(i));
  auto target = std::make_shared<cp::AppliedToGroup>();
  target->metadata.name = "targets";
  target->members.push_back({.key = {"ns", "pod"}});
  std::vector<RuleInput> inputs{AddressGroupUpserted(group), AppliedToGroupUpserted(target),
                                InterfaceUpserted{{"ns", "pod"}, 7, {IpAddress::v4(0x0a000001)}}};
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    auto policy = std::make_shared<cp::NetworkPolicy>();
    policy->metadata.name = policy->metadata.uid = "policy-" + std::to_string(i);
    policy->source_ref.uid = policy->metadata.uid;
    policy->applied_to_groups = {"targets"};
    cp::NetworkPolicyRule rule;
    rule.peers.address_groups = {"peers"};
    rule.action = cp::RuleAction::kAllow;
    policy->rules.push_back(rule);
    inputs.emplace_back(PolicyUpserted(policy));
  }
  RuleCache cache;
  FlowCompiler compiler(FlowCompiler::Options{.ipv6 = false});
  compiler.apply(*cache.apply(inputs));
  cp::GroupPatch add, remove;
  add.metadata.name = remove.metadata.name = "peers";
  add.added = remove.removed = {member(5000)};
  const RuleInput added = AddressGroupPatched{add}, removed = AddressGroupPatched{remove};
  std::size_t flows = 0;
  for (auto _ : state) {
    flows = compiler.apply(*cache.apply(added)).flows.size();
    benchmark::DoNotOptimize(compiler.apply(*cache.apply(removed)).remove_flows.size());
  }
  state.counters["flows_sent"] = static_cast<double>(flows);
}
BENCHMARK(OneMemberOfSharedGroup)
    ->ArgName("rules")
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace antrea::policy
