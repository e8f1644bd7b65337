#include "antrea/policy/turn.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "antrea/api/json.h"
#include "antrea/policy/manifest.h"
#include "antrea/policy/node_flows.h"
#include "offline_oracle.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using cp::RuleAction;
using ::testing::HasSubstr;

std::uint64_t cases(std::uint64_t otherwise) {
  const char* text = std::getenv("ANTREA_POLICY_CASES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) / 50 + 1 : otherwise;
}

/// Does to the cluster what the edit says.
class Apply {
 public:
  explicit Apply(Cluster& cluster) : cluster_(cluster) {}
  void operator()(const std::shared_ptr<const api::NetworkPolicy>& o) {
    cluster_.policies[key_of(o->metadata)] = *o;
  }
  void operator()(const std::shared_ptr<const api::crd::NetworkPolicy>& o) {
    cluster_.antrea_policies[key_of(o->metadata)] = *o;
  }
  void operator()(const std::shared_ptr<const api::crd::ClusterNetworkPolicy>& o) {
    cluster_.antrea_cluster_policies[o->metadata.name] = *o;
  }
  void operator()(const std::shared_ptr<const api::admin::AdminNetworkPolicy>& o) {
    cluster_.admin_policies[o->metadata.name] = *o;
  }
  void operator()(const std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>& o) {
    cluster_.baseline_policy = *o;
  }
  void operator()(const std::shared_ptr<const api::admin::ClusterNetworkPolicy>& o) {
    cluster_.cluster_network_policies[o->metadata.name] = *o;
  }
  void operator()(const ObjectDeleted& o) {
    EXPECT_EQ(o.kind, ObjectKind::kNetworkPolicy);
    EXPECT_EQ(cluster_.policies.erase(o.key), 1U);
  }
  template <typename Other>
  void operator()(const Other&) {
    ADD_FAILURE() << "an edit of something that is no policy";
  }

 private:
  Cluster& cluster_;
};

TEST(Turn, TurnsTheVerdictByTheOracle) {
  std::size_t allowed = 0, denied = 0, none = 0;
  for (std::uint64_t seed = 1; seed < cases(60) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, seed % 3 != 0);
    world.populate();
    world.cluster.resolved.clear();
    if (has_shared_address(world.cluster)) continue;
    const auto objects = world.everything();
    const Evaluator evaluator(objects);
    const auto probes = world.probes();
    if (probes.empty()) continue;
    for (int i = 0; i < 4; ++i) {
      const Probe& probe = probes[world.below(probes.size())];
      Conversation c;
      c.from = evaluator.end_of(probe.source);
      c.to = evaluator.end_of(probe.destination);
      if ((!c.from.pod && !c.to.pod) || c.from.pod == c.to.pod) continue;
      c.protocol = cp::ServiceProtocol{probe.protocol};
      c.port = probe.port;
      c.source_port = probe.source_port;
      c.icmp_type = probe.icmp_type;
      c.icmp_code = probe.icmp_code;
      const bool was = oracle_verdict(world.cluster, c) == RuleAction::kAllow;
      const auto turn = smallest_turn(objects, c);
      if (!turn) {
        ++none;
        continue;
      }
      Cluster after = world.cluster;
      for (const PolicyEdit& edit : turn->edits) std::visit(Apply(after), edit.now);
      EXPECT_NE(oracle_verdict(after, c) == RuleAction::kAllow, was) << turn->edits[0].text;
      EXPECT_TRUE(std::ranges::any_of(turn->changes, [&](const auto& s) { return holds(s, c); }));
      ++(was ? denied : allowed);
    }
  }
  EXPECT_GT(allowed, 30U);
  EXPECT_GT(denied, 30U);
  EXPECT_LT(none, (allowed + denied) / 6);
}

TEST(NodeFlows, TheFlowsThatAConversationMeetsSayWhatTheOracleSays) {
  std::size_t compared = 0, dropped = 0;
  for (std::uint64_t seed = 1; seed < cases(40) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, seed % 3 != 0);
    world.populate();
    world.cluster.resolved.clear();
    if (has_shared_address(world.cluster)) continue;
    const auto objects = world.everything();
    const Evaluator evaluator(objects);
    const NodeFlows flows(objects);
    for (const Probe& probe : world.probes()) {
      if (world.below(50) != 0) continue;
      Conversation c;
      c.from = evaluator.end_of(probe.source);
      c.to = evaluator.end_of(probe.destination);
      c.protocol = cp::ServiceProtocol{probe.protocol};
      c.port = probe.port;
      c.source_port = probe.source_port;
      c.icmp_type = probe.icmp_type;
      c.icmp_code = probe.icmp_code;
      for (const auto direction : {cp::Direction::kOut, cp::Direction::kIn}) {
        const auto& target = direction == cp::Direction::kIn ? c.to.pod : c.from.pod;
        if (!target) continue;
        Probe straight = probe;
        straight.service.reset();
        const Verdict said =
            oracle_judge(world.cluster, direction == cp::Direction::kIn, straight).verdict;
        const NodeFlows::Walk walk = flows.walk(c, direction);
        ASSERT_EQ(walk.dropped, said != Verdict::kAllow) << probe.to_string();
        EXPECT_FALSE(walk.dropped && walk.flows.empty());
        ++compared;
        dropped += walk.dropped ? 1 : 0;
      }
    }
  }
  EXPECT_GT(compared, 1000U);
  EXPECT_GT(dropped, 200U);
}

TEST(NodeFlows, MovingOnGivesWhatANewOneHas) {
  for (std::uint64_t seed = 1; seed < cases(40) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);  // priorities of rules with tiers depend on history
    world.populate();
    const auto before = world.everything();
    for (int i = 0; i < 5; ++i) (void)world.mutate();
    const auto after = world.everything();
    NodeFlows moved(before, after);
    std::map<std::string, std::map<openflow::FlowKey, openflow::Flow>> switches;
    for (const std::string& node : moved.nodes())
      for (const openflow::Flow& flow : moved.flows(node)) switches[node][flow.key()] = flow;
    for (const auto& [node, changes] : moved.move_to(after)) {
      for (const auto& key : changes.remove_flows) EXPECT_EQ(switches[node].erase(key), 1U);
      for (const auto& flow : changes.flows) switches[node][flow.key()] = flow;
    }
    const NodeFlows fresh(after, before);
    for (auto& [node, flows] : switches) {
      std::map<openflow::FlowKey, openflow::Flow> expected;
      for (const openflow::Flow& flow : fresh.flows(node)) expected[flow.key()] = flow;
      EXPECT_EQ(flows, expected) << node;
    }
  }
}

std::vector<ObjectChange> objects_of(std::string_view yaml) {
  std::vector<ObjectChange> objects;
  for (const auto& json : api::decode_manifest(yaml, "test").value())
    if (auto object = decode_object(json).value()) objects.push_back(*std::move(object));
  complete(objects);
  return objects;
}

constexpr std::string_view kShop = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: shop, labels: {app: job}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 5432}]
)";

TEST(Turn, ChoosesWhatChangesLeast) {
  const auto objects = objects_of(kShop);
  const Evaluator evaluator(objects);
  const auto ask = [&](const std::string& from, std::uint16_t port) {
    Conversation c;
    const auto end = [&](const std::string& name) {
      const api::ObjectKey key{"shop", name};
      return ConversationEnd{key, evaluator.addresses_of(key).at(0)};
    };
    c.from = end(from);
    c.to = end("db");
    c.port = port;
    const auto turn = smallest_turn(objects, c);
    return turn ? turn->edits[0].policy.to_string() + " " + turn->edits[0].field + ": " +
                      turn->edits[0].text + ", " + std::to_string(turn->pairs)
                : std::string("none");
  };
  EXPECT_EQ(ask("web", 80),
            "K8sNetworkPolicy:shop/db ingress[0].ports: add TCP/80 to its ports, 1");
  EXPECT_THAT(ask("job", 5432), HasSubstr("K8sNetworkPolicy:shop/db ingress"));
  EXPECT_THAT(ask("job", 5432), HasSubstr(", 1"));
  EXPECT_EQ(ask("web", 5432), "K8sNetworkPolicy:shop/db ingress[0]: remove the rule, 1");
}

}  // namespace
}  // namespace antrea::policy::testing
