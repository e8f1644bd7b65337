// What went wrong elsewhere in the agent's half (antrea: the number).

#include <gmock/gmock.h>

#include <set>

#include "antrea/openflow/text.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "builders.h"
#include "flow_interpreter.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;

cp::GroupMember member(const std::string& name, std::vector<cp::NamedPort> ports = {}) {
  cp::GroupMember made;
  made.key = {"default", name};
  made.ports = std::move(ports);
  return made;
}

/// A policy of Antrea or Kubernetes with one rule, applied to the group "targets".
std::shared_ptr<cp::NetworkPolicy> policy(const std::string& name,
                                          const cp::NetworkPolicyRule& rule,
                                          std::optional<double> priority) {
  auto made = std::make_shared<cp::NetworkPolicy>();
  made->metadata.name = made->metadata.uid = name;
  made->source_ref = {cp::PolicyType::kK8sNetworkPolicy, "default", name, name};
  made->applied_to_groups = {"targets"};
  made->rules = {rule};
  if (priority) {
    made->source_ref.type = cp::PolicyType::kAntreaClusterNetworkPolicy;
    made->tier_priority = 250;
    made->priority = priority;
    made->rules[0].priority = 0;
  }
  return made;
}

/// A Node with the Pods "web" (10.0.0.1, fd00::1, port 5) and "plain" (10.0.0.2, port 6), both in
/// the group "targets".
class AgentPitfalls : public ::testing::Test {
 protected:
  AgentPitfalls() {
    auto targets = std::make_shared<cp::AppliedToGroup>();
    targets->metadata.name = "targets";
    targets->members = {member("web", {{8080, "http"}}), member("plain")};
    apply({AppliedToGroupUpserted(targets),
           PodInterface{{"default", "web"}, 5, {ip("10.0.0.1"), ip("fd00::1")}},
           PodInterface{{"default", "plain"}, 6, {ip("10.0.0.2")}}});
  }
  openflow::Changes apply(const std::vector<RuleInput>& inputs) {
    openflow::Changes changes = compiler.apply(cache.apply(inputs).value());
    table.apply(changes);
    return changes;
  }
  /// The flows of a table, without cookies and table.
  std::set<std::string> flows(unsigned of_table) const {
    std::set<std::string> texts;
    for (const auto& [key, flow] : table.flows()) {
      if (key.table.value != of_table) continue;
      openflow::Flow plain = flow;
      plain.cookie = 0;
      const std::string text = openflow::to_string(plain);
      texts.insert(text.substr(text.find("priority")));
    }
    return texts;
  }
  /// Whether some flow has exactly this match.
  bool matches(unsigned in_table, const std::string& match) const {
    for (const std::string& flow : flows(in_table))
      if (flow.substr(flow.find(',') + 1).starts_with(match + " actions")) return true;
    return false;
  }

  RuleCache cache;
  FlowCompiler compiler{{.intercept_dns = true}};
  FlowTable table;
};

constexpr unsigned kAntreaIngress = 31, kIngress = 32, kIngressDefault = 33, kEgress = 19;

cp::NetworkPolicyRule rule(cp::Direction direction, std::vector<cp::Service> services) {
  cp::NetworkPolicyRule made;
  made.direction = direction;
  made.action = cp::RuleAction::kAllow;
  made.peers.ip_blocks = {{cidr("0.0.0.0/0"), {}}, {cidr("::/0"), {}}};
  made.services = std::move(services);
  return made;
}

TEST_F(AgentPitfalls, AProtocolWithoutPortIsAllItsPorts) {  // #882
  apply({PolicyUpserted(
      policy("p", rule(cp::Direction::kIn, {{.protocol = cp::ServiceProtocol::kUdp}}), {}))});
  EXPECT_TRUE(matches(kIngress, "udp"));
  EXPECT_TRUE(matches(kIngress, "udp6"));
  EXPECT_FALSE(matches(kIngress, "tcp"));
}

TEST_F(AgentPitfalls, ANamedPortWithoutProtocolTakesThePods) {  // #5370
  auto dns = std::make_shared<cp::AppliedToGroup>();
  dns->metadata.name = "targets";
  dns->members = {member("web", {{53, "dns", api::Protocol::kUdp}}), member("plain")};
  apply({AppliedToGroupUpserted(dns),
         PolicyUpserted(
             policy("p", rule(cp::Direction::kIn, {{.port = api::IntOrString{0, "dns"}}}), 5))});
  EXPECT_TRUE(matches(kAntreaIngress, "udp,tp_dst=53"));
  EXPECT_TRUE(matches(kAntreaIngress, "reg1=0x5"));
  EXPECT_FALSE(matches(kAntreaIngress, "tcp,tp_dst=53"));
  EXPECT_FALSE(matches(kAntreaIngress, "reg1=0x6")) << "who lacks the port is not meant";
}

// The original's part of a rule for those who lack its port forgets the priority.
TEST_F(AgentPitfalls, WhoLacksThePortOfARuleIsNotDenied) {
  cp::NetworkPolicyRule drop = rule(cp::Direction::kIn, {{.port = api::IntOrString{0, "http"}}});
  drop.action = cp::RuleAction::kDrop;
  apply({PolicyUpserted(policy("p", drop, 5))});
  EXPECT_TRUE(matches(kAntreaIngress, "reg1=0x5"));
  EXPECT_FALSE(matches(kAntreaIngress, "reg1=0x6"));
  EXPECT_THAT(flows(kIngressDefault), IsEmpty()) << "a rule with tier isolates nobody";
  apply({PolicyDeleted{"p"}});
  EXPECT_THAT(table.flows(), IsEmpty());
}

TEST_F(AgentPitfalls, SourcePortsAreOneMatchWithPorts) {
  apply({PolicyUpserted(policy("p",
                               rule(cp::Direction::kIn, {{.protocol = cp::ServiceProtocol::kTcp,
                                                          .port = api::IntOrString{80, {}},
                                                          .src_port = 1000,
                                                          .src_end_port = 1002}}),
                               {}))});
  EXPECT_TRUE(matches(kIngress, "tcp,tp_src=0x3e8/0xfffe,tp_dst=80"));
  EXPECT_TRUE(matches(kIngress, "tcp,tp_src=1002,tp_dst=80"));
}

TEST_F(AgentPitfalls, AnAddressAndItsBlockAreOneMatch) {  // an early release lost one of both
  cp::NetworkPolicyRule both = rule(cp::Direction::kIn, {});
  both.peers.ip_blocks = {{cidr("10.1.0.1/32"), {}}};
  both.peers.address_groups = {"peers"};
  auto peers = std::make_shared<cp::AddressGroup>();
  peers->metadata.name = "peers";
  peers->members = {member("db")};
  peers->members[0].ips = {ip("10.1.0.1")};
  apply({AddressGroupUpserted(peers), PolicyUpserted(policy("p", both, {}))});
  EXPECT_TRUE(matches(kIngress, "ip,nw_src=10.1.0.1"));
  cp::GroupPatch gone;
  gone.metadata.name = "peers";
  gone.removed = peers->members;
  EXPECT_TRUE(apply({AddressGroupPatched{gone}}).empty()) << "the block still stands";
  std::swap(gone.added, gone.removed);
  EXPECT_TRUE(apply({AddressGroupPatched{gone}}).empty());
}

TEST_F(AgentPitfalls, AnExceptionIsOfItsOwnBlockOnly) {
  cp::NetworkPolicyRule overlapping = rule(cp::Direction::kIn, {});
  overlapping.peers.ip_blocks = {{cidr("10.1.0.0/31"), {cidr("10.1.0.1/32")}},
                                 {cidr("10.1.0.1/32"), {}}};
  apply({PolicyUpserted(policy("p", overlapping, {}))});
  EXPECT_TRUE(matches(kIngress, "ip,nw_src=10.1.0.0"));
  EXPECT_TRUE(matches(kIngress, "ip,nw_src=10.1.0.1"));
}

TEST_F(AgentPitfalls, EverybodyOfAFamilyIsNobodyOfTheOther) {
  for (const auto& [block, family, other] :
       {std::tuple("0.0.0.0/0", "ip", "ipv6"), std::tuple("::/0", "ipv6", "ip")}) {
    cp::NetworkPolicyRule one = rule(cp::Direction::kOut, {});
    one.peers.ip_blocks = {{cidr(block), {}}};
    apply({PolicyUpserted(policy("p", one, {}))});
    EXPECT_TRUE(matches(kEgress, family)) << block;
    EXPECT_FALSE(matches(kEgress, other)) << block;
  }
}

TEST_F(AgentPitfalls, RulesOfOnePlaceShareAPriorityUntilTheLastGoes) {  // #1844
  const auto at = [](const std::string& name, double priority) {
    return PolicyUpserted(policy(name, rule(cp::Direction::kIn, {}), priority));
  };
  const auto priorities = [&] {
    std::set<std::uint16_t> all;
    for (const auto& [key, flow] : table.flows())
      if (key.table.value == kAntreaIngress && key.match.get(openflow::FieldId::kConjId))
        all.insert(key.priority);
    return all;
  };
  apply({at("a", 5), at("b", 5)});
  ASSERT_THAT(priorities(), SizeIs(1));
  const std::uint16_t shared = *priorities().begin();
  apply({PolicyDeleted{"a"}});
  EXPECT_THAT(priorities(), ElementsAre(shared));
  // Crowds around it want its number too.
  std::vector<RuleInput> crowd;
  for (int i = 1; i <= 40; ++i) {
    crowd.push_back(at("before-" + std::to_string(i), 5 - i / 1e6));
    crowd.push_back(at("behind-" + std::to_string(i), 5 + i / 1e6));
  }
  apply(crowd);
  EXPECT_THAT(priorities(), SizeIs(81));
}

// 171 priorities of the baseline fill up from one end, so that rules have to move: those without
// services too.
TEST_F(AgentPitfalls, ARuleWithoutServicesMoves) {  // #2730, #2758
  std::vector<std::string> order;
  for (int i = 0; i < 100; ++i) {
    order.push_back("p" + std::to_string(i));
    auto baseline = policy(order.back(), rule(cp::Direction::kIn, {}), 100 - i / 2.0);
    baseline->tier_priority = 253;
    apply({PolicyUpserted(baseline)});
  }
  std::map<std::uint16_t, std::set<std::string>> by_priority;
  for (const auto& [key, flow] : table.flows()) {
    if (key.table.value != kIngressDefault) continue;
    const std::string match = openflow::to_string(key.match);
    by_priority[key.priority].insert(match.substr(0, match.find("conj_id")));
  }
  EXPECT_THAT(by_priority, SizeIs(100));
  for (const auto& [priority, matches] : by_priority)
    EXPECT_THAT(matches, IsSupersetOf({"ip", "ipv6", "reg1=0x5", "reg1=0x6"})) << priority;
}

TEST_F(AgentPitfalls, AConjunctionsNumberIsNotGivenOn) {  // #7468
  const auto only = [&] {
    std::uint32_t id = 0;
    for (const auto& [key, flow] : table.flows())
      if (const auto found = key.match.get(openflow::FieldId::kConjId))
        id = static_cast<std::uint32_t>(found->value.lo);
    return id;
  };
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "p" + std::to_string(i);
    apply({PolicyUpserted(policy(name, rule(cp::Direction::kIn, {}), {}))});
    EXPECT_TRUE(seen.insert(only()).second) << "records of the past would name another rule";
    apply({PolicyDeleted{name}});
  }
}

// A copy of a packet may arrive when its rule's flows have gone.
TEST_F(AgentPitfalls, WhoWentIsStillNamedForAWhile) {  // #1411
  const auto id_of = [&](const std::string& name) {
    for (const auto& [key, flow] : table.flows())
      if (const auto found = key.match.get(openflow::FieldId::kConjId))
        if (const auto id = static_cast<std::uint32_t>(found->value.lo);
            compiler.rule_of(id)->policy.name == name)
          return id;
    return 0U;
  };
  apply({PolicyUpserted(policy("p", rule(cp::Direction::kIn, {}), 5))});
  const std::uint32_t gone = id_of("p");
  ASSERT_NE(gone, 0U);
  const auto priority = compiler.priority_of(gone);
  ASSERT_TRUE(priority);
  apply({PolicyDeleted{"p"}});
  ASSERT_NE(compiler.rule_of(gone), nullptr);
  EXPECT_EQ(compiler.rule_of(gone)->policy.name, "p");
  EXPECT_EQ(compiler.priority_of(gone), priority);
  for (int i = 0; i < 256; ++i) {
    apply({PolicyUpserted(policy("q", rule(cp::Direction::kIn, {}), 5 + i))});
    apply({PolicyDeleted{"q"}});
  }
  EXPECT_EQ(compiler.rule_of(gone), nullptr) << "not for ever";
  EXPECT_EQ(compiler.priority_of(gone), std::nullopt);
}

}  // namespace
}  // namespace antrea::policy::testing
