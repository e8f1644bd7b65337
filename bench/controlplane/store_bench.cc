#include <benchmark/benchmark.h>

#include <string>

#include "antrea/controlplane/store.h"

namespace {

using namespace antrea::api::controlplane;
using antrea::controlplane::Store;

std::string node(std::int64_t i) { return "node-" + std::to_string(i); }

// Policies with one rule; each on `span` of 1000 Nodes.
Changes make_policies(std::int64_t count, std::int64_t span) {
  Changes changes;
  for (std::int64_t i = 0; i < count; ++i) {
    auto policy = std::make_shared<NetworkPolicy>();
    policy->metadata.name = policy->metadata.uid =
        "00000000-0000-4000-8000-" + std::to_string(100000000000 + i);
    NetworkPolicyRule rule;
    rule.peers.address_groups = {"0c2d1c7e-5f5a-5b0e-9d5e-7d6d0c0f8a11"};
    rule.services = {{.protocol = ServiceProtocol::kTcp, .port = antrea::api::IntOrString{80, {}}}};
    rule.action = RuleAction::kAllow;
    policy->rules = {rule};
    policy->applied_to_groups = {"9b0c7a52-2a7f-5a94-8f0c-1e9a1a4e6f10"};
    policy->source_ref = {PolicyType::kK8sNetworkPolicy, "namespace", "policy-" + std::to_string(i),
                          policy->metadata.uid};
    std::vector<std::string> nodes;
    for (std::int64_t j = 0; j < span; ++j) nodes.push_back(node((i + j) % 1000));
    changes.policies.push_back({policy, NodeSet(std::move(nodes)), {}});
  }
  return changes;
}

// One agent connects and is sent all policies, nobody before it.
void InitialSetCold(benchmark::State& state, Format format) {
  Store store;
  (void)store.apply(make_policies(state.range(0), 1));
  std::size_t size = 0;
  for (auto _ : state) {
    const auto id = store.watch({.resource = Resource::kNetworkPolicies, .format = format});
    size = 0;
    for (const auto& frame : store.take(id).frames) size += frame->size();
    store.unwatch(id);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK_CAPTURE(InitialSetCold, Protobuf, Format::kProtobuf)
    ->Arg(10000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(InitialSetCold, Json, Format::kJson)->Arg(10000)->Unit(benchmark::kMillisecond);

// The same while another agent has not taken its set yet: what a restart of the controller looks
// like.
void InitialSetShared(benchmark::State& state) {
  Store store;
  (void)store.apply(make_policies(state.range(0), 1));
  (void)store.watch({.resource = Resource::kNetworkPolicies, .format = Format::kProtobuf});
  for (auto _ : state) {
    const auto id =
        store.watch({.resource = Resource::kNetworkPolicies, .format = Format::kProtobuf});
    benchmark::DoNotOptimize(store.take(id));
    store.unwatch(id);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(InitialSetShared)->Arg(10000)->Unit(benchmark::kMillisecond);

// One of 1000 Nodes connects; 10 of 10,000 policies concern it.
void InitialSetOfANode(benchmark::State& state) {
  Store store;
  (void)store.apply(make_policies(state.range(0), 1));
  for (auto _ : state) {
    const auto id = store.watch(
        {.resource = Resource::kNetworkPolicies, .format = Format::kProtobuf, .node = node(7)});
    benchmark::DoNotOptimize(store.take(id));
    store.unwatch(id);
  }
}
BENCHMARK(InitialSetOfANode)->Arg(10000)->Unit(benchmark::kMicrosecond);

// One policy changes and 1000 agents are told.
void FanOut(benchmark::State& state) {
  Store store;
  std::vector<antrea::controlplane::WatcherId> watchers;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    watchers.push_back(store.watch(
        {.resource = Resource::kNetworkPolicies, .format = Format::kProtobuf, .node = node(i)}));
  Changes changes = make_policies(1, state.range(0));
  auto policy = std::make_shared<NetworkPolicy>(*changes.policies[0].policy);
  for (auto _ : state) {
    policy = std::make_shared<NetworkPolicy>(*policy);
    ++policy->metadata.generation;
    changes.policies[0].policy = policy;
    for (const auto id : store.apply(changes)) benchmark::DoNotOptimize(store.take(id));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(FanOut)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
