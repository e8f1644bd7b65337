// The engines against a direct reading of the NetworkPolicy specification, on random clusters.
// ANTREA_POLICY_CASES sets how many; ANTREA_POLICY_SEED where they begin (to repeat a case that
// failed, with one case).

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "antrea/openflow/text.h"
#include "model.h"
#include "world.h"

namespace antrea::policy::testing {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What was compared, so that a test can tell that it looked at something.
struct Tally {
  std::size_t verdicts = 0;
  std::array<std::size_t, 3> native{};  // those that a native rule decided, by verdict
};

/// Compares the three readings of each probe. `sample`: one probe in that many.
void expect_agreement(World& world, const StoreModel& store, const std::vector<AgentModel>& agents,
                      std::size_t sample, Tally& tally) {
  const auto agent_of = [&](const api::Pod* pod) -> const AgentModel* {
    if (pod == nullptr || !oracle_is_member(*pod)) return nullptr;
    for (const AgentModel& agent : agents)
      if (agent.node() == pod->node_name) return &agent;
    return nullptr;
  };
  for (const Probe& probe : world.probes()) {
    if (sample > 1 && world.below(sample) != 0) continue;
    for (const bool ingress : {false, true}) {
      const AgentModel* agent = agent_of(ingress ? probe.to : probe.from);
      if (agent == nullptr) continue;
      const Judgement expected = oracle_judge(world.cluster, ingress, probe);
      ++tally.verdicts;
      if (!expected.deciders.empty()) ++tally.native[static_cast<std::size_t>(expected.verdict)];
      const std::string what = (ingress ? "ingress of " : "egress of ") + probe.to_string();
      const Judgement internal =
          internal_judge(store, world.cluster, agent->node(), ingress, probe);
      ASSERT_EQ(internal.verdict, expected.verdict) << "internal policies, " << what;
      ASSERT_EQ(internal.deciders, expected.deciders) << "internal policies, " << what;
      const FlowVerdict verdict = flows_judge(*agent, ingress, probe);
      ASSERT_EQ(verdict.verdict, expected.verdict) << "flows, " << what;
      if (!verdict.rule) {
        ASSERT_TRUE(expected.deciders.empty()) << "flows, " << what;
        continue;
      }
      const std::string rule = verdict.rule->policy.to_string() + "/" + verdict.rule->name;
      if (verdict.rule->tier_priority) {
        ASSERT_TRUE(expected.deciders.contains(rule)) << "attributed to " << rule << ", " << what;
        continue;
      }
      const auto policy =
          world.cluster.policies.find({verdict.rule->policy.namespace_, verdict.rule->policy.name});
      ASSERT_NE(policy, world.cluster.policies.end());
      ASSERT_TRUE(oracle_policy_allows(world.cluster, policy->second, ingress, probe))
          << "attributed to " << rule << ", " << what;
    }
  }
}

/// Agents that find in their switches what `before` left there.
std::vector<AgentModel> start_agents(const World& world, const StoreModel& store,
                                     FlowCompiler::Options options = {},
                                     const std::vector<AgentModel>& before = {}) {
  std::vector<AgentModel> agents;
  for (std::size_t i = 0; i < World::kNodes; ++i) {
    AgentModel& agent = agents.emplace_back(World::node_of(i), options);
    if (!before.empty()) {
      std::vector<openflow::Flow> found;
      for (const auto& [key, flow] : before[i].table.flows()) found.push_back(flow);
      agent.compiler.adopt(found);
    }
    std::vector<RuleInput> inputs = store.initial(agent.node());
    for (RuleInput& input : agent.local_changes(world.cluster)) inputs.push_back(std::move(input));
    agent.apply(inputs);
  }
  return agents;
}

/// Without and with policies beside Kubernetes'.
class PolicyOracle : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Policies, PolicyOracle, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Native") : std::string("Kubernetes");
});

TEST_P(PolicyOracle, RandomClustersAreJudgedAsTheSpecificationSays) {
  const std::uint64_t cases = from_environment("ANTREA_POLICY_CASES", 150);
  const std::uint64_t seed = from_environment("ANTREA_POLICY_SEED", 1);
  Tally tally;
  for (std::uint64_t i = seed; i < seed + cases; ++i) {
    SCOPED_TRACE("ANTREA_POLICY_CASES=1 ANTREA_POLICY_SEED=" + std::to_string(i));
    World world(i, GetParam());
    world.populate();
    Compiler compiler;
    StoreModel store;
    store.apply(compiler.apply(world.everything()));
    const std::vector<AgentModel> agents = start_agents(world, store);
    expect_agreement(world, store, agents, 5, tally);
    if (HasFailure()) return;
  }
  std::printf(
      "%zu verdicts compared in %llu clusters; by native rules %zu allowed, %zu dropped, %zu "
      "rejected\n",
      tally.verdicts, static_cast<unsigned long long>(cases), tally.native[0], tally.native[1],
      tally.native[2]);
  for (const std::size_t count : tally.native) {
    EXPECT_EQ(count > 0, GetParam());
    EXPECT_GE(count, GetParam() ? tally.verdicts / 50 : 0) << "too few to tell much";
  }
}

/// The flows that only one of them has, or "".
std::string difference(const FlowTable& a, const FlowTable& b) {
  std::string text;
  const auto add = [&](std::string_view sign, const FlowTable& has, const FlowTable& lacks) {
    for (const auto& [key, flow] : has.flows())
      if (const auto found = lacks.flows().find(key);
          found == lacks.flows().end() || found->second != flow)
        text.append(sign).append(openflow::to_string(flow)).append("\n");
  };
  add("- ", a, b);
  add("+ ", b, a);
  return text;
}

/// Histories through the whole chain, with each Node's watches lagging behind one another: whenever
/// all is delivered, every engine must be where a new one would be that sees only the present.
void run_history(std::uint64_t seed, bool native, int steps, FlowCompiler::Options options,
                 Tally& tally) {
  World world(seed, native);
  world.populate();
  Compiler compiler;
  StoreModel store;
  store.apply(compiler.apply(world.everything()));
  std::vector<AgentModel> agents = start_agents(world, store, options);
  std::vector<WatchModel> watches;
  for (const AgentModel& agent : agents) watches.emplace_back(agent.node());

  for (int step = 0; step < steps; ++step) {
    std::vector<ObjectChange> batch;
    do batch.push_back(world.mutate());
    while (world.chance(0.4));
    if (world.chance(0.1)) batch.push_back(batch.back());  // repeats change nothing
    if (native && world.chance(0.3)) world.resolve_names();
    const StoreModel before = store;
    const cp::Changes changes = compiler.apply(batch);
    store.apply(changes);
    for (std::size_t i = 0; i < agents.size(); ++i) {
      watches[i].follow(before, store, changes);
      agents[i].apply(agents[i].local_changes(world.cluster));
      const bool settle = step % 4 == 3;
      while (!watches[i].empty() && (settle || world.chance(0.6))) {
        // Any interleaving that keeps the order within each watch.
        std::vector<RuleInput> inputs;
        const std::array queues{&watches[i].policies, &watches[i].address_groups,
                                &watches[i].applied_to_groups};
        for (std::size_t n = 1 + world.below(5); n > 0; --n) {
          auto* queue = queues[world.below(3)];
          if (queue->empty()) continue;
          inputs.push_back(std::move(queue->front()));
          queue->pop_front();
        }
        agents[i].apply(inputs);
      }
    }
    if (::testing::Test::HasFailure()) return;
    if (step % 4 != 3) continue;

    // All was delivered: compare with newcomers.
    Compiler fresh_compiler;
    StoreModel fresh_store;
    fresh_store.apply(fresh_compiler.apply(world.everything()));
    ASSERT_EQ(store, fresh_store) << "after step " << step;
    const std::vector<AgentModel> fresh_agents = start_agents(world, fresh_store, options, agents);
    for (std::size_t i = 0; i < agents.size(); ++i) {
      ASSERT_TRUE(agents[i].cache.waiting_policies().empty());
      ASSERT_EQ(difference(agents[i].table, fresh_agents[i].table), "") << "after step " << step;
    }
    // A relist that finds nothing new touches nothing.
    for (AgentModel& agent : agents) {
      const auto same = agent.cache.apply(store.initial(agent.node()));
      ASSERT_TRUE(same);
      ASSERT_TRUE(same->empty());
    }
    expect_agreement(world, store, agents, 40, tally);
    if (::testing::Test::HasFailure()) return;
  }
  // Everything goes: nothing is left behind.
  std::vector<ObjectChange> goodbye;
  for (const auto& [key, pod] : world.cluster.pods)
    goodbye.emplace_back(ObjectDeleted{ObjectKind::kPod, key});
  for (const auto& [key, policy] : world.cluster.policies)
    goodbye.emplace_back(ObjectDeleted{ObjectKind::kNetworkPolicy, key});
  for (const auto& [name, ns] : world.cluster.namespaces)
    goodbye.emplace_back(ObjectDeleted{ObjectKind::kNamespace, {{}, name}});
  world.add_goodbyes(goodbye);
  world.shuffle(goodbye);
  store.apply(compiler.apply(goodbye));
  EXPECT_EQ(store, StoreModel{});
  const Compiler::Counts counts = compiler.counts();
  EXPECT_EQ(counts.policies + counts.address_groups + counts.applied_to_groups + counts.label_sets +
                counts.strings,
            0U)
      << "something is never forgotten";
  for (AgentModel& agent : agents) {
    agent.apply(store.initial(agent.node()));
    EXPECT_TRUE(agent.table.flows().empty());
    EXPECT_EQ(agent.compiler.counts().flows, 0U);
  }
}

TEST_P(PolicyOracle, HistoriesEndWhereTheirInputEnds) {
  const std::uint64_t cases = from_environment("ANTREA_POLICY_CASES", 30);
  const std::uint64_t seed = from_environment("ANTREA_POLICY_SEED", 1000);
  Tally tally;
  for (std::uint64_t i = seed; i < seed + cases; ++i) {
    SCOPED_TRACE("ANTREA_POLICY_CASES=1 ANTREA_POLICY_SEED=" + std::to_string(i));
    run_history(i, GetParam(), 32, {}, tally);
    if (HasFailure()) return;
  }
}

TEST_P(PolicyOracle, CollidingConjunctionIdsDependOnlyOnTheRules) {
  const std::uint64_t cases = from_environment("ANTREA_POLICY_CASES", 10);
  const std::uint64_t seed = from_environment("ANTREA_POLICY_SEED", 5000);
  Tally tally;
  for (std::uint64_t i = seed; i < seed + cases; ++i) {
    SCOPED_TRACE("ANTREA_POLICY_CASES=1 ANTREA_POLICY_SEED=" + std::to_string(i));
    run_history(i, GetParam(), 24, {.first_id = 2, .last_id = 600}, tally);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace antrea::policy::testing
