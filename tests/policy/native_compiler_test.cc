// What the oracle does not see: policies applied to what is no Pod, and what becomes of those that
// cannot be realised.

#include <gmock/gmock.h>

#include "builders.h"
#include "manifests.h"
#include "model.h"

namespace antrea::policy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const api::Node> node(const std::string& name, api::Labels labels = {}) {
  auto made = std::make_shared<api::Node>();
  made->metadata.name = name;
  made->metadata.labels = std::move(labels);
  made->internal_ips = {ip("192.0.2.1")};
  return made;
}

class NativeCompiler : public ::testing::Test {
 protected:
  void apply(const std::vector<ObjectChange>& batch) { store.apply(compiler.apply(batch)); }
  const StoreModel::Policy& only_policy() const { return store.policies.begin()->second; }
  const auto& only_target() const { return store.applied_to_groups.begin()->second; }

  Compiler compiler;
  StoreModel store;
};

TEST_F(NativeCompiler, AServiceIsAMemberOnEveryNode) {
  apply({node("a"), acnp(R"(
metadata: {name: p, uid: u}
spec: {priority: 1, appliedTo: [{service: {name: s, namespace: ns}}],
       ingress: [{action: Drop, from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}
)")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"a"}));
  ASSERT_EQ(only_target().at("a").size(), 1U);
  EXPECT_EQ(only_target().at("a")[0].key, (api::ObjectKey{"ns", "s"}));
  EXPECT_EQ(store.applied_to_groups.begin()->first, "813ad22b-1a73-5ee5-a8c8-e5a7d8aa44ca");
  apply({node("b")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"a", "b"}));
  apply({ObjectDeleted{ObjectKind::kNode, {{}, "a"}}});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"b"}));
  EXPECT_FALSE(only_target().contains("a"));
}

TEST_F(NativeCompiler, NodesAreTargetsWhereTheyAre) {
  apply({node("a", {{"role", "db"}}), node("b"), acnp(R"(
metadata: {name: p, uid: u}
spec: {priority: 1, appliedTo: [{nodeSelector: {matchLabels: {role: db}}}],
       ingress: [{action: Drop}]}
)")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"a"}));
  EXPECT_EQ(only_target().at("a").at(0).key.name, "a");
  apply({node("b", {{"role", "db"}})});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"a", "b"})) << "a Node labelled after the policy";
}

TEST_F(NativeCompiler, EntitiesAreTargetsOfTheirAgent) {
  auto entity = std::make_shared<api::crd::ExternalEntity>();
  entity->metadata.namespace_ = "ns";
  entity->metadata.name = "vm";
  entity->metadata.labels = {{"a", "b"}};
  entity->endpoints = {{ip("192.0.2.7"), "eth0"}};
  entity->external_node = "vm-1";
  apply({entity, annp(R"(
metadata: {name: p, namespace: ns, uid: u}
spec: {priority: 1, appliedTo: [{externalEntitySelector: {matchLabels: {a: b}}}],
       ingress: [{action: Drop, from: [{externalEntitySelector: {}}]}]}
)")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"vm-1"}));
  EXPECT_EQ(only_target().at("vm-1").at(0).key, (api::ObjectKey{"ns", "vm"}));
  const auto& members = store.address_groups.begin()->second.members;
  ASSERT_EQ(members.size(), 1U);
  EXPECT_THAT(members[0].ips, ElementsAre(ip("192.0.2.7")));
}

TEST_F(NativeCompiler, APolicyThatReachesBeyondItsNamespaceIsNowhere) {
  const auto group = object<api::decode_group>(
      "metadata: {name: g, namespace: default}\nspec: {namespaceSelector: {}, podSelector: {}}");
  auto foreign = pod("foreign", {}, "node-1", {"10.0.0.2"});
  foreign->metadata.namespace_ = "other";
  apply({pod("own", {}, "node-1", {"10.0.0.1"}), group, annp(R"(
metadata: {name: p, namespace: default, uid: u}
spec: {priority: 1, appliedTo: [{group: g}], ingress: [{action: Drop}]}
)")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"node-1"}));
  EXPECT_THAT(compiler.unrealizable(), IsEmpty());
  apply({foreign});
  EXPECT_TRUE(only_policy().span.empty());
  ASSERT_EQ(compiler.unrealizable().size(), 1U);
  EXPECT_EQ(compiler.unrealizable()[0].to_string(), "AntreaNetworkPolicy:default/p");
  apply({ObjectDeleted{ObjectKind::kPod, {"other", "foreign"}}});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"node-1"}));
  EXPECT_THAT(compiler.unrealizable(), IsEmpty());
}

TEST_F(NativeCompiler, TellsOfAPolicyThatCannotBeRealizedEvenIfItsNodesStay) {
  apply({object<api::decode_group>(
             "metadata: {name: g, namespace: default}\nspec: {namespaceSelector: {}}"),
         annp(R"(
metadata: {name: p, namespace: default, uid: u}
spec: {priority: 1, appliedTo: [{group: g}], ingress: [{action: Drop}]}
)")});
  EXPECT_FALSE(only_policy().unrealizable);
  auto foreign = pod("foreign", {}, "node-1", {"10.0.0.2"});
  foreign->metadata.namespace_ = "other";
  apply({foreign});
  EXPECT_TRUE(only_policy().span.empty());
  EXPECT_TRUE(only_policy().unrealizable);
}

TEST_F(NativeCompiler, RulesAboutIgmpSayTypeAndGroup) {
  apply({pod("web", {}, "node-1", {"10.0.0.1"}), acnp(R"(
metadata: {name: p, uid: u}
spec:
  priority: 1
  appliedTo: [{podSelector: {}}]
  ingress: [{action: Drop, protocols: [{igmp: {igmpType: 17, groupAddress: 224.0.0.1}}]}]
  egress: [{action: Drop, protocols: [{igmp: {groupAddress: 225.1.2.3}}]}]
)")});
  const auto& rules = only_policy().object->rules;
  EXPECT_THAT(rules.at(0).services, ElementsAre(cp::Service{.protocol = cp::ServiceProtocol::kIgmp,
                                                            .igmp_type = 17,
                                                            .group_address = "224.0.0.1"}));
  EXPECT_THAT(rules.at(1).services, ElementsAre(cp::Service{.protocol = cp::ServiceProtocol::kIgmp,
                                                            .group_address = "225.1.2.3"}));
  EXPECT_EQ(only_policy().span, cp::NodeSet({"node-1"}));
}

TEST_F(NativeCompiler, ANodePolicyGoesWithItsPeersToItsNodesOnly) {
  apply({node("a", {{"role", "db"}}), node("b"), pod("web", {{"app", "web"}}, "b", {"10.0.0.1"}),
         acnp(R"(
metadata: {name: p, uid: u}
spec:
  priority: 1
  appliedTo: [{nodeSelector: {matchLabels: {role: db}}}]
  ingress: [{action: Drop, from: [{podSelector: {matchLabels: {app: web}}}]}]
  egress: [{action: Drop, toServices: [{name: s, namespace: ns}]}]
)")});
  EXPECT_EQ(only_policy().span, cp::NodeSet({"a"}));
  EXPECT_EQ(store.address_groups.begin()->second.span, cp::NodeSet({"a"}));
  EXPECT_THAT(only_policy().object->rules.at(1).peers.to_services,
              ElementsAre(cp::ServiceReference{"ns", "s"}));
}

TEST_F(NativeCompiler, ClusterNetworkPoliciesStandInTwoTiers) {
  const auto of = [&](std::string_view tier) {
    apply({pod("web", {}, "node-1", {"10.0.0.1"}),
           cnp("metadata: {name: p, uid: u, generation: 3}\nspec: {tier: " + std::string(tier) +
               R"(, priority: 9, subject: {namespaces: {}}, egress: [
               {name: a, action: Pass, to: [{namespaces: {}}],
                protocols: [{destinationNamedPort: web}]},
               {name: b, action: Accept, to: [{domainNames: ["*.Example.com."]}]},
               {name: c, action: Deny, to: [{somethingNew: {}}]},
               {name: d, action: Accept, to: [{somethingNew: {}}]}]})")});
    return *only_policy().object;
  };
  const cp::NetworkPolicy admin = of("Admin");
  EXPECT_EQ(admin.source_ref.to_string(), "ClusterNetworkPolicy:p");
  EXPECT_EQ(admin.tier_priority, 220);
  EXPECT_EQ(admin.priority, 9);
  EXPECT_EQ(admin.metadata.generation, 3);
  ASSERT_EQ(admin.rules.size(), 3U) << "whom nobody knows is accepted nowhere";
  EXPECT_EQ(admin.rules[0].action, cp::RuleAction::kPass);
  EXPECT_THAT(admin.rules[0].services, ElementsAre(cp::Service{.port = api::IntOrString{0, "web"}}))
      << "in whatever protocol";
  EXPECT_THAT(admin.rules[1].peers.fqdns, ElementsAre("*.example.com"));
  EXPECT_EQ(admin.rules[2].action, cp::RuleAction::kDrop);
  EXPECT_EQ(admin.rules[2].peers.ip_blocks.size(), 2U) << "and denied everywhere";

  const cp::NetworkPolicy baseline = of("Baseline");
  EXPECT_EQ(baseline.tier_priority, 254);
  EXPECT_EQ(baseline.rules[0].action, cp::RuleAction::kAllow) << "nothing comes behind";
}

TEST_F(NativeCompiler, RulesSayWhatTheirSourceSays) {
  apply({node("node-1"), ns("default", {{"team", "a"}}), pod("web", {}, "node-1", {"10.0.0.1"}),
         acnp(R"(
metadata: {name: p, uid: u, generation: 7}
spec:
  tier: late
  priority: 5.5
  appliedTo: [{podSelector: {}}]
  ingress:
  - {action: Drop}
  - {action: Pass, name: self, from: [{namespaces: {match: Self}}], enableLogging: true, logLabel: l,
     ports: [{protocol: UDP, port: 5, endPort: 9, sourcePort: 1, sourceEndPort: 2}],
     protocols: [{icmp: {icmpType: 3, icmpCode: 1}}]}
  egress:
  - {action: Reject, to: [{fqdn: "*.Example.com"}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}
  - {action: Drop, toServices: [{name: s, namespace: ns}]}
  - {action: Drop, to: [{group: missing}]}
)")});
  const cp::NetworkPolicy policy = *only_policy().object;
  EXPECT_EQ(policy.metadata.generation, 7);
  EXPECT_EQ(policy.metadata.name, "u");
  EXPECT_EQ(policy.source_ref.to_string(), "AntreaClusterNetworkPolicy:p");
  EXPECT_EQ(policy.priority, 5.5);
  EXPECT_EQ(policy.tier_priority, 250) << "as long as the tier does not exist";
  EXPECT_THAT(policy.applied_to_groups, IsEmpty()) << "peers by Namespace make it per rule";
  ASSERT_EQ(policy.rules.size(), 4U) << "a rule about nobody is left out";
  EXPECT_EQ(policy.rules[0].peers.ip_blocks.size(), 2U);
  const cp::NetworkPolicyRule& self = policy.rules[1];
  EXPECT_EQ(self.name, "self");
  EXPECT_EQ(self.priority, 1);
  EXPECT_EQ(self.action, cp::RuleAction::kPass);
  EXPECT_TRUE(self.enable_logging);
  EXPECT_EQ(self.log_label, "l");
  EXPECT_THAT(self.services, ElementsAre(cp::Service{.protocol = cp::ServiceProtocol::kUdp,
                                                     .port = api::IntOrString{5, {}},
                                                     .end_port = 9,
                                                     .src_port = 1,
                                                     .src_end_port = 2},
                                         cp::Service{.protocol = cp::ServiceProtocol::kIcmp,
                                                     .icmp_type = 3,
                                                     .icmp_code = 1}));
  EXPECT_THAT(policy.rules[2].peers.fqdns, ElementsAre("*.example.com"));
  EXPECT_EQ(policy.rules[2].peers.ip_blocks[0].except.size(), 1U);
  EXPECT_EQ(policy.rules[3].peers.to_services[0], (cp::ServiceReference{"ns", "s"}));

  apply({object<api::decode_tier>("metadata: {name: late}\nspec: {priority: 7}")});
  EXPECT_EQ(only_policy().object->tier_priority, 7) << "the tier came after its policy";
}

}  // namespace
}  // namespace antrea::policy::testing
