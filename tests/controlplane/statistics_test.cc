#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "antrea/controlplane/node_statistics.h"
#include "antrea/controlplane/policy_statistics.h"

namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
using policy::RuleCounters;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

NetworkPolicyReference reference(PolicyType type, const std::string& name) {
  return {type, type == PolicyType::kAntreaClusterNetworkPolicy ? "" : "shop", name,
          "uid-of-" + name};
}
const auto kKnp = reference(PolicyType::kK8sNetworkPolicy, "knp");
const auto kAcnp = reference(PolicyType::kAntreaClusterNetworkPolicy, "acnp");
const auto kAnnp = reference(PolicyType::kAntreaNetworkPolicy, "annp");

/// Conjunctions 1 and 2 are of one NetworkPolicy, 3 and 4 of one rule of a ClusterNetworkPolicy, 5
/// of another one, 6 of a kind without statistics; others have gone.
std::shared_ptr<const policy::RuleIdentity> rule_of(std::uint32_t conjunction) {
  auto rule = std::make_shared<policy::RuleIdentity>();
  switch (conjunction) {
    case 1:
    case 2:
      rule->policy = kKnp;
      return rule;
    case 3:
    case 4:
      rule->policy = kAcnp;
      rule->name = "one";
      return rule;
    case 5:
      rule->policy = kAcnp;
      rule->name = "two";
      return rule;
    case 6:
      rule->policy = reference(PolicyType::kAdminNetworkPolicy, "anp");
      return rule;
    default:
      return nullptr;
  }
}

TEST(NodeStatistics, ReportWhatCameSinceTheStart) {
  NodeStatistics node("n1");
  EXPECT_TRUE(node.due({{1, {5, 50, 500}}}, rule_of).empty()) << "of an earlier life";
  node.told();
  const auto summary = node.due({{1, {6, 52, 520}}, {2, {1, 1, 10}}, {9, {1, 1, 1}}}, rule_of);
  EXPECT_EQ(summary.metadata.name, "n1");
  ASSERT_THAT(summary.network_policies, SizeIs(1));
  EXPECT_EQ(summary.network_policies[0].policy, kKnp);
  EXPECT_EQ(summary.network_policies[0].traffic, (TrafficStats{3, 30, 2}));
  EXPECT_THAT(summary.network_policies[0].rules, IsEmpty());
  node.told();
  EXPECT_TRUE(node.due({{1, {6, 52, 520}}, {2, {1, 1, 10}}}, rule_of).empty());
}

TEST(NodeStatistics, ReportAgainWhatWasNotTaken) {
  NodeStatistics node("n1");
  (void)node.due({}, rule_of);
  node.told();
  EXPECT_EQ(node.due({{1, {1, 1, 10}}}, rule_of).network_policies.at(0).traffic.packets, 1);
  EXPECT_EQ(node.due({{1, {1, 3, 30}}}, rule_of).network_policies.at(0).traffic.packets, 3);
}

TEST(NodeStatistics, TellTheRulesOfAntreasPoliciesApart) {
  NodeStatistics node("n1");
  (void)node.due({}, rule_of);
  node.told();
  const auto summary =
      node.due({{3, {1, 2, 20}}, {4, {1, 1, 10}}, {5, {0, 4, 40}}, {6, {1, 1, 1}}}, rule_of);
  EXPECT_THAT(summary.network_policies, IsEmpty());
  EXPECT_THAT(summary.antrea_network_policies, IsEmpty());
  ASSERT_THAT(summary.antrea_cluster_network_policies, SizeIs(1));
  EXPECT_THAT(
      summary.antrea_cluster_network_policies[0].rules,
      ElementsAre(RuleTrafficStats{"one", {3, 30, 2}}, RuleTrafficStats{"two", {4, 40, 0}}));
}

TEST(NodeStatistics, CountersThatShrankBeganAnew) {
  NodeStatistics node("n1");
  (void)node.due({{1, {5, 50, 500}}}, rule_of);
  node.told();
  EXPECT_EQ(node.due({{1, {1, 2, 20}}}, rule_of).network_policies.at(0).traffic,
            (TrafficStats{2, 20, 1}));
}

Changes comes(const NetworkPolicyReference& policy) {
  auto object = std::make_shared<NetworkPolicy>();
  object->metadata.name = object->metadata.uid = policy.uid;
  object->source_ref = policy;
  Changes changes;
  changes.policies.push_back({object, {}, {}, false});
  return changes;
}
Changes goes(const NetworkPolicyReference& policy) {
  Changes changes;
  changes.policies.push_back({nullptr, {}, policy.uid, false});
  return changes;
}

TEST(PolicyStatistics, AddUpWhatNodesReport) {
  PolicyStatistics all;
  for (const auto& policy : {kKnp, kAcnp, kAnnp}) all.apply(comes(policy), "2026-01-01T00:00:00Z");
  ASSERT_THAT(all.list(PolicyType::kK8sNetworkPolicy), SizeIs(1));
  EXPECT_EQ(all.list(PolicyType::kK8sNetworkPolicy)[0]->traffic, TrafficStats{}) << "from zero";

  NodeStatsSummary summary;
  summary.network_policies = {{kKnp, {3, 30, 1}, {}}};
  summary.antrea_cluster_network_policies = {
      {kAcnp, {}, {{"one", {1, 10, 1}}, {"two", {2, 20, 0}}}}};
  for (const char* node : {"n1", "n2"}) {
    summary.metadata.name = node;
    all.apply(summary);
  }
  EXPECT_EQ(all.find(PolicyType::kK8sNetworkPolicy, "shop", "knp")->traffic,
            (TrafficStats{6, 60, 2}));
  const auto* const cluster = all.find(PolicyType::kAntreaClusterNetworkPolicy, "", "acnp");
  ASSERT_NE(cluster, nullptr);
  EXPECT_EQ(boost::json::serialize(encode_statistics(*cluster)),
            R"({"kind":"AntreaClusterNetworkPolicyStats","apiVersion":"stats.antrea.io/v1alpha1",)"
            R"("metadata":{"name":"acnp","uid":"uid-of-acnp",)"
            R"("creationTimestamp":"2026-01-01T00:00:00Z"},)"
            R"("trafficStats":{"packets":6,"bytes":60,"sessions":2},"ruleTrafficStats":[)"
            R"({"name":"one","trafficStats":{"packets":2,"bytes":20,"sessions":2}},)"
            R"({"name":"two","trafficStats":{"packets":4,"bytes":40,"sessions":0}}]})");

  // The same name again is another policy; what comes late of the old one is nobody's.
  auto again = kKnp;
  again.uid = "another";
  all.apply(goes(kKnp), "2026-01-01T00:00:01Z");
  EXPECT_EQ(all.find(PolicyType::kK8sNetworkPolicy, "shop", "knp"), nullptr);
  all.apply(comes(again), "2026-01-01T00:00:02Z");
  all.apply(summary);
  EXPECT_EQ(all.find(PolicyType::kK8sNetworkPolicy, "shop", "knp")->traffic, TrafficStats{});
  EXPECT_THAT(all.list(PolicyType::kK8sNetworkPolicy, "shop"), SizeIs(1));
  EXPECT_THAT(all.list(PolicyType::kK8sNetworkPolicy, "other"), IsEmpty());
}

}  // namespace
}  // namespace antrea::controlplane
