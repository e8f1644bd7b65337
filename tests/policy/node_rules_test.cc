#include "antrea/policy/node_rules.h"

#include <gtest/gtest.h>

#include "antrea/policy/rule_cache.h"
#include "builders.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

struct Draft {
  double priority = 1;
  cp::RuleAction action = cp::RuleAction::kDrop;
  std::vector<IpPrefix> peers;
};

CompletedRule completed(const std::string& id, const Draft& draft) {
  auto identity = std::make_shared<RuleIdentity>();
  identity->id = id;
  identity->action = draft.action;
  identity->tier_priority = 250;
  identity->policy_priority = draft.priority;
  identity->rule_priority = 0;
  return {id, identity, {}, draft.peers, std::nullopt, {}};
}

std::vector<std::string> keys(const NodeRules& rules) {
  std::vector<std::string> keys;
  for (const NodeRule& rule : rules.rules) keys.push_back(rule.key);
  return keys;
}

TEST(NodeRules, ComeInTheOrderOfTiersAndTheStricterFirst) {
  const std::vector any{cidr("0.0.0.0/0")};
  const std::vector rules{
      completed("late", {.priority = 5, .peers = any}),
      completed("allow", {.priority = 2, .action = cp::RuleAction::kAllow, .peers = any}),
      completed("reject", {.priority = 2, .action = cp::RuleAction::kReject, .peers = any}),
      completed("first", {.priority = 1.5, .peers = any})};
  EXPECT_EQ(keys(compile_node_rules(rules)),
            (std::vector<std::string>{"first", "reject", "allow", "late"}));
}

TEST(NodeRules, NameNoAddressTwiceAndLeaveOutWhatMatchesNobody) {
  const std::vector rules{
      completed("nested", {.peers = {cidr("10.0.0.0/8"), cidr("10.1.0.0/16"), cidr("10.1.2.3/32"),
                                     cidr("11.0.0.0/8"), cidr("fd00::/8"), cidr("fd00::1/128")}}),
      completed("nobody", {})};
  const NodeRules out = compile_node_rules(rules);
  ASSERT_EQ(keys(out), std::vector<std::string>{"nested"});
  EXPECT_EQ(out.rules[0].peers,
            (std::vector{cidr("10.0.0.0/8"), cidr("11.0.0.0/8"), cidr("fd00::/8")}));
}

TEST(NodeRules, TellWhatAHostCannotFilter) {
  std::vector<CompletedRule> rules;
  const auto add = [&](const std::string& id, auto change) {
    CompletedRule rule = completed(id, {.peers = {cidr("10.0.0.0/8")}});
    auto identity = std::make_shared<RuleIdentity>(*rule.identity);
    change(*identity, rule);
    rule.identity = identity;
    rules.push_back(rule);
  };
  add("pass", [](RuleIdentity& identity, auto&) { identity.action = cp::RuleAction::kPass; });
  add("names", [](RuleIdentity& identity, auto&) { identity.learns_names = true; });
  add("inside", [](RuleIdentity& identity, auto&) { identity.layer7 = true; });
  add("igmp", [](RuleIdentity& identity, auto&) { identity.igmp = true; });
  add("fine", [](auto&, auto&) {});
  const NodeRules out = compile_node_rules(rules);
  EXPECT_EQ(keys(out), std::vector<std::string>{"fine"});
  std::vector<std::string> left;
  for (const auto& rule : out.unrealized) left.push_back(rule->id);
  EXPECT_EQ(left, (std::vector<std::string>{"igmp", "inside", "names", "pass"}));
}

TEST(NodeRules, AreLoggedWithinTheKernelsRoom) {
  CompletedRule rule =
      completed("r", {.action = cp::RuleAction::kReject, .peers = {cidr("10.0.0.0/8")}});
  auto identity = std::make_shared<RuleIdentity>(*rule.identity);
  identity->enable_logging = true;
  identity->log_label = "a-label-that-is-long";
  identity->direction = cp::Direction::kOut;
  rule.identity = identity;
  const NodeRules out = compile_node_rules({&rule, 1});
  EXPECT_EQ(out.rules.at(0).log_prefix, "Antrea:O:Reject:a-label-that:");
  EXPECT_LE(out.rules.at(0).log_prefix.size(), 29U);
}

// What the controller says of a policy that is applied to this Node.
class NodeRuleCache : public ::testing::Test {
 protected:
  void apply(std::vector<RuleInput> batch) {
    const auto changes = cache.apply(batch);
    ASSERT_TRUE(changes) << changes.error().to_string();
    EXPECT_TRUE(changes->empty()) << "nothing of it is for the switch";
  }
  static RuleInput applied_to(cp::MemberKind kind) {
    cp::AppliedToGroup group;
    group.metadata.name = "nodes";
    group.members = {{kind, {"", "node-1"}, {}, {}}};
    return std::make_shared<const cp::AppliedToGroup>(group);
  }
  static RuleInput peers(std::vector<std::string> ips) {
    cp::AddressGroup group;
    group.metadata.name = "peers";
    for (const auto& each : ips)
      group.members.push_back({cp::MemberKind::kPod, {"default", each}, {ip(each)}, {}});
    return std::make_shared<const cp::AddressGroup>(group);
  }
  static RuleInput policy() {
    auto policy = std::make_shared<cp::NetworkPolicy>();
    policy->metadata.name = "p";
    policy->source_ref.type = cp::PolicyType::kAntreaClusterNetworkPolicy;
    policy->tier_priority = 250;
    policy->priority = 5;
    policy->applied_to_groups = {"nodes"};
    policy->rules.emplace_back();
    policy->rules[0].action = cp::RuleAction::kDrop;
    policy->rules[0].priority = 0;
    policy->rules[0].peers.address_groups = {"peers"};
    return PolicyUpserted(policy);
  }
  RuleCache cache;
};

TEST_F(NodeRuleCache, KeepsThemApartFromThoseOfPods) {
  EXPECT_TRUE(cache.take_node_rules()->empty());
  EXPECT_FALSE(cache.take_node_rules()) << "as they were";
  apply({policy(), applied_to(cp::MemberKind::kNode)});
  EXPECT_FALSE(cache.take_node_rules().value_or(std::vector<CompletedRule>{}).size())
      << "its peers are not known yet";
  apply({peers({"10.0.0.1"})});
  auto rules = cache.take_node_rules();
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->size(), 1U);
  EXPECT_EQ(rules->front().peers, std::vector{cidr("10.0.0.1/32")});
  EXPECT_EQ(cache.counts().rules, 1U);

  cp::GroupPatch patch;
  patch.metadata.name = "peers";
  patch.added = {{cp::MemberKind::kPod, {"default", "other"}, {ip("10.0.0.2")}, {}}};
  apply({AddressGroupPatched{patch}});
  rules = cache.take_node_rules();
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->front().peers, (std::vector{cidr("10.0.0.1/32"), cidr("10.0.0.2/32")}));

  apply({PolicyDeleted{"p"}});
  rules = cache.take_node_rules();
  ASSERT_TRUE(rules);
  EXPECT_TRUE(rules->empty());
}

TEST_F(NodeRuleCache, AGroupMayComeToMeanPodsInstead) {
  apply({policy(), applied_to(cp::MemberKind::kNode), peers({"10.0.0.1"})});
  ASSERT_EQ(cache.take_node_rules()->size(), 1U);
  const std::vector<RuleInput> pods{applied_to(cp::MemberKind::kPod)};
  const auto changes = cache.apply(pods);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->added.size(), 1U);
  EXPECT_TRUE(cache.take_node_rules()->empty());
  const std::vector<RuleInput> node{applied_to(cp::MemberKind::kNode)};
  const auto back = cache.apply(node);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->removed.size(), 1U);
  EXPECT_EQ(cache.take_node_rules()->size(), 1U);
}

}  // namespace
}  // namespace antrea::policy
