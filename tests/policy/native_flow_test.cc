// Flows of rules with tiers and actions, and their priorities.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "antrea/openflow/text.h"
#include "antrea/policy/flow_compiler.h"
#include "builders.h"
#include "flow_interpreter.h"
#include "libantrea-policy/priority_assigner.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using cp::RuleAction;

struct Place {
  std::int32_t tier = 250;
  double policy = 5;
  std::int32_t rule = 0;
};

std::shared_ptr<RuleIdentity> identity(const std::string& id, cp::Direction direction,
                                       RuleAction action, Place place = {}) {
  auto made = std::make_shared<RuleIdentity>();
  made->id = id;
  made->policy.type = cp::PolicyType::kAntreaClusterNetworkPolicy;
  made->policy.name = "p";
  made->direction = direction;
  made->action = action;
  made->tier_priority = place.tier;
  made->policy_priority = place.policy;
  made->rule_priority = place.rule;
  return made;
}

/// From 10.0.0.2 to port 5, or from 10.0.0.1 to 10.0.0.2.
CompletedRule rule(std::shared_ptr<const RuleIdentity> identity) {
  const std::string key = identity->id;
  return {key,
          std::move(identity),
          {PodInterface{{"default", "web"}, 5, {ip("10.0.0.1")}}},
          std::vector{cidr("10.0.0.2/32")}};
}

/// The flows but those of clauses, without cookies.
std::set<std::string> decisions(const FlowTable& table) {
  std::set<std::string> texts;
  for (const auto& [key, flow] : table.flows()) {
    openflow::Flow plain = flow;
    plain.cookie = 0;
    std::string text = openflow::to_string(plain);
    if (text.find("conjunction(") == std::string::npos) texts.insert(std::move(text));
  }
  return texts;
}

class NativeFlows : public ::testing::Test {
 protected:
  void apply(const RuleChanges& changes) { table.apply(compiler.apply(changes)); }
  std::uint16_t priority_of(const std::string& key) const {
    const auto id = compiler.conjunction_of(key);
    for (const auto& [flow_key, flow] : table.flows())
      if (const auto matched = flow_key.match.get(openflow::FieldId::kConjId);
          matched && matched->value == openflow::FieldValue(*id))
        return flow_key.priority;
    return 0;
  }
  static FlowCompiler::Options options() {
    return {.ipv6 = false, .packet_in_meter = openflow::MeterId{256}};
  }
  FlowCompiler compiler{options()};
  FlowTable table;
};

struct Decision {
  std::string_view name;
  cp::Direction direction;
  RuleAction action;
  bool log;
  std::set<std::string> flows;
};
void PrintTo(const Decision& c, std::ostream* os) { *os << c.name; }

// Tables 18 to 22 are AntreaPolicyEgressRule, EgressRule, EgressDefaultRule, EgressMetric and
// L3Forwarding; 31 to 35 AntreaPolicyIngressRule, …, ConntrackCommit. Registers as in antrea:
// pkg/agent/openflow/fields.go: reg0 bit 10 denied, 11 and 12 the disposition, 25 to 31 what the
// controller is to do; reg2 the table; reg3 who denied; reg5 and reg6 who allowed or passed.
const Decision kDecisions[] = {
    {"AllowEgress",
     cp::Direction::kOut,
     RuleAction::kAllow,
     false,
     {"table=18, priority=14489,conj_id=7777,ip actions=set_field:0x1e61->reg5,ct(commit,table=21,"
      "zone=65520,exec(set_field:0x1e6100000000/0xffffffff00000000->ct_label))",
      "table=21, priority=200,ct_state=+new,ct_label=0x1e6100000000/0xffffffff00000000,ip "
      "actions=goto_table:22",
      "table=21, priority=200,ct_state=-new,ct_label=0x1e6100000000/0xffffffff00000000,ip "
      "actions=goto_table:22"}},
    {"AllowIngressAndLog",
     cp::Direction::kIn,
     RuleAction::kAllow,
     true,
     {"table=31, priority=14489,conj_id=7777,ip actions=set_field:0x1e61->reg6,ct(commit,table=34,"
      "zone=65520,exec(set_field:0x1e61/0xffffffff->ct_label)),set_field:0/0x1800->reg0,"
      "set_field:0x2000000/0xfe000000->reg0,set_field:0x1f/0xff->reg2,"
      "controller(userdata=01.01,meter_id=256)",
      "table=34, priority=200,ct_state=+new,ct_label=0x1e61/0xffffffff,ip actions=goto_table:35",
      "table=34, priority=200,ct_state=-new,ct_label=0x1e61/0xffffffff,ip actions=goto_table:35"}},
    {"Drop",
     cp::Direction::kIn,
     RuleAction::kDrop,
     false,
     {"table=31, priority=14489,conj_id=7777,ip "
      "actions=set_field:0x1e61->reg3,set_field:0x400/0x400->reg0,goto_table:34",
      "table=34, priority=200,reg0=0x400/0x400,reg3=0x1e61 actions=drop"}},
    {"DropAndLog",
     cp::Direction::kOut,
     RuleAction::kDrop,
     true,
     {"table=18, priority=14489,conj_id=7777,ip "
      "actions=set_field:0x1e61->reg3,set_field:0x400/0x400->reg0,set_field:0x800/0x1800->reg0,"
      "set_field:0x2000000/0xfe000000->reg0,set_field:0x12/0xff->reg2,"
      "controller(userdata=01.01,meter_id=256),goto_table:21",
      "table=21, priority=200,reg0=0x400/0x400,reg3=0x1e61 actions=drop"}},
    {"RejectAndLog",
     cp::Direction::kIn,
     RuleAction::kReject,
     true,
     {"table=31, priority=14489,conj_id=7777,ip "
      "actions=set_field:0x1e61->reg3,set_field:0x400/0x400->reg0,set_field:0x1000/0x1800->reg0,"
      "set_field:0x6000000/0xfe000000->reg0,set_field:0x1f/0xff->reg2,"
      "controller(userdata=01.03,meter_id=256),goto_table:34",
      "table=34, priority=200,reg0=0x400/0x400,reg3=0x1e61 actions=drop"}},
    {"Reject",
     cp::Direction::kOut,
     RuleAction::kReject,
     false,
     {"table=18, priority=14489,conj_id=7777,ip "
      "actions=set_field:0x1e61->reg3,set_field:0x400/0x400->reg0,set_field:0x1000/0x1800->reg0,"
      "set_field:0x4000000/0xfe000000->reg0,set_field:0x12/0xff->reg2,"
      "controller(userdata=01.02,meter_id=256),goto_table:21",
      "table=21, priority=200,reg0=0x400/0x400,reg3=0x1e61 actions=drop"}},
    {"Pass",
     cp::Direction::kOut,
     RuleAction::kPass,
     false,
     {"table=18, priority=14489,conj_id=7777,ip "
      "actions=set_field:0x1e61->reg5,goto_table:19"}},
};

class NativeDecision : public ::testing::TestWithParam<Decision> {};
TEST_P(NativeDecision, HasTheFlowsOfThePipeline) {
  auto who = identity("r", GetParam().direction, GetParam().action);
  who->enable_logging = GetParam().log;
  FlowCompiler compiler{{.ipv6 = false,
                         .first_id = 7777,
                         .last_id = 7777,
                         .packet_in_meter = openflow::MeterId{256}}};
  FlowTable table;
  table.apply(compiler.apply({.added = {rule(who)}}));
  EXPECT_EQ(decisions(table), GetParam().flows);
  for (const auto& [key, flow] : table.flows())
    EXPECT_TRUE(openflow::parse_flow(openflow::to_string(flow))) << openflow::to_string(flow);
}
INSTANTIATE_TEST_SUITE_P(Actions, NativeDecision, ::testing::ValuesIn(kDecisions),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(NativeFlows, TiersChooseTheTable) {
  const auto table_of = [&](std::int32_t tier) {
    auto who = identity("tier-" + std::to_string(tier), cp::Direction::kIn, RuleAction::kAllow,
                        {.tier = tier});
    apply({.added = {rule(who)}});
    std::pair<int, int> found;
    for (const auto& [key, flow] : table.flows())
      if (key.match.get(openflow::FieldId::kConjId)) found = {key.table.value, key.priority};
    apply({.removed = {who->id}});
    EXPECT_TRUE(table.flows().empty());
    return found;
  };
  EXPECT_EQ(table_of(50).first, 31);
  EXPECT_EQ(table_of(251).first, 31);
  EXPECT_EQ(table_of(253).first, 33);
  EXPECT_EQ(table_of(254).first, 33);
  EXPECT_LE(table_of(253).second, 180) << "below the isolation by Kubernetes' policies";
  EXPECT_LE(table_of(0).second, 64989) << "below the bypass of established connections";
}

TEST_F(NativeFlows, RulesAtNodePortsMatchTheClientAsItWas) {
  compiler = FlowCompiler({.first_id = 7777, .last_id = 7777});
  CompletedRule at_service = rule(identity("r", cp::Direction::kIn, RuleAction::kDrop));
  at_service.targets.clear();
  at_service.peers = {cidr("10.0.0.0/30"), cidr("2001:db8::/64")};
  at_service.at_node_ports = true;
  at_service.target_services = {11};
  const auto clauses = [&] {
    std::set<std::string> texts;
    for (const auto& [key, flow] : table.flows())
      if (const std::string text = openflow::to_string(flow); text.find("conjunction(") + 1 != 0)
        texts.insert(text.substr(text.find("table=")));
    return texts;
  };
  apply({.added = {at_service}});
  EXPECT_EQ(clauses(),
            (std::set<std::string>{
                "table=31, priority=14489,ct_state=+new+trk,ct_nw_src=10.0.0.0/30,ip "
                "actions=conjunction(7777,1/2)",
                "table=31, priority=14489,ct_state=+new+trk,ct_ipv6_src=2001:db8::/64,ipv6 "
                "actions=conjunction(7777,1/2)",
                "table=31, priority=14489,reg4=0x80000/0x80000,reg7=0xb "
                "actions=conjunction(7777,2/2)"}));
  apply(
      {.updated = {{.key = "r", .added_target_services = {12}, .removed_target_services = {11}}}});
  EXPECT_FALSE(clauses().contains(
      "table=31, priority=14489,reg4=0x80000/0x80000,reg7=0xb actions=conjunction(7777,2/2)"));
  EXPECT_TRUE(clauses().contains(
      "table=31, priority=14489,reg4=0x80000/0x80000,reg7=0xc actions=conjunction(7777,2/2)"));
  apply({.removed = {"r"}});
  EXPECT_TRUE(table.flows().empty());
}

TEST_F(NativeFlows, AnIsolationLogsIfAnyOfItsPoliciesAsks) {
  const auto isolating = [](const std::string& id, bool log) {
    auto who = std::make_shared<RuleIdentity>();
    who->id = id;
    who->direction = cp::Direction::kIn;
    who->enable_logging = log;
    return CompletedRule{id, who, {PodInterface{{"default", "web"}, 5, {}}}, std::nullopt};
  };
  const std::string silent = "table=33, priority=200,reg1=0x5 actions=drop";
  const std::string loud =
      "table=33, priority=200,reg1=0x5 actions=set_field:0x800/0x1800->reg0,"
      "set_field:0x2000000/0xfe000000->reg0,set_field:0x21/0xff->reg2,"
      "controller(userdata=01.01,meter_id=256)";
  apply({.added = {isolating("a", false)}});
  EXPECT_EQ(decisions(table), std::set<std::string>{silent});
  apply({.added = {isolating("b", true), isolating("c", true)}});
  EXPECT_EQ(decisions(table), std::set<std::string>{loud});
  apply({.removed = {"b"}});
  EXPECT_EQ(decisions(table), std::set<std::string>{loud});
  apply({.removed = {"c"}});
  EXPECT_EQ(decisions(table), std::set<std::string>{silent});
}

TEST_F(NativeFlows, AnswersOfDnsServersAreHeldForWhoLearnsFromThem) {
  compiler = FlowCompiler({.ipv6 = false, .intercept_dns = true});
  auto who = identity("r", cp::Direction::kOut, RuleAction::kAllow);
  who->learns_names = true;
  auto other = std::make_shared<RuleIdentity>(*who);
  other->id = "other";
  apply({.added = {rule(who), rule(other)}});
  // The answer to the Pod, in the reverse direction of its connection.
  Packet answer;
  answer.set(openflow::FieldId::kEthType, 0x800);
  answer.set(openflow::FieldId::kIpSrc, ip("10.0.0.2"));
  answer.set(openflow::FieldId::kIpDst, ip("10.0.0.1"));
  answer.set(openflow::FieldId::kIpProto, 17);
  answer.set(openflow::FieldId::kUdpSrc, 53);
  answer.set(openflow::FieldId::kUdpDst, 4444);
  answer.set(openflow::FieldId::kCtState,
             openflow::ct_state::kEst | openflow::ct_state::kRpl | openflow::ct_state::kTrk);
  answer.set(openflow::reg_field(1), 5);
  const auto held = table.run(answer, {31, 32, 33, 34}, 35);
  ASSERT_EQ(held.copies.size(), 1U);
  EXPECT_TRUE(held.copies[0].pause);
  EXPECT_EQ(held.copies[0].userdata, std::vector<std::uint8_t>{2});
  answer.set(openflow::reg_field(1), 6);
  EXPECT_TRUE(table.run(answer, {31, 32, 33, 34}, 35).copies.empty()) << "of another Pod";
  apply({.removed = {"r"}});
  answer.set(openflow::reg_field(1), 5);
  EXPECT_EQ(table.run(answer, {31, 32, 33, 34}, 35).copies.size(), 1U) << "one rule still learns";
  apply({.removed = {"other"}});
  EXPECT_TRUE(table.flows().empty());
}

struct Answer {
  std::string_view name, from;
  std::uint8_t protocol;
  std::uint16_t source_port;
  std::uint32_t ct_state;
  bool held;
};
void PrintTo(const Answer& c, std::ostream* os) { *os << c.name; }
constexpr std::uint32_t kReply = openflow::ct_state::kRpl | openflow::ct_state::kTrk;
constexpr std::uint8_t kTcp = openflow::ip_proto::kTcp, kUdp = openflow::ip_proto::kUdp;
const Answer kAnswers[] = {
    {"Udp", "10.0.0.2", kUdp, 53, kReply | openflow::ct_state::kEst, true},
    {"Tcp", "10.0.0.2", kTcp, 53, kReply | openflow::ct_state::kEst, true},             // #5392
    {"UdpOfIpv6", "fd00::2", kUdp, 53, kReply | openflow::ct_state::kEst, true},        // #3869
    {"TcpOfIpv6", "fd00::2", kTcp, 53, kReply | openflow::ct_state::kEst, true},        // #3869
    {"NodeLocal", "169.254.20.10", kUdp, 53, kReply | openflow::ct_state::kEst, true},  // #3510
    {"TcpFromAnotherPort", "10.0.0.2", kTcp, 443, kReply | openflow::ct_state::kEst,
     false},  // #5078
    {"UdpFromAnotherPort", "10.0.0.2", kUdp, 5353, kReply | openflow::ct_state::kEst, false},
    {"AQuery", "10.0.0.2", kUdp, 53, openflow::ct_state::kNew | openflow::ct_state::kTrk, false},
};
class DnsAnswer : public ::testing::TestWithParam<Answer> {};
TEST_P(DnsAnswer, IsHeldIfItIsOne) {
  const Answer& c = GetParam();
  auto who = identity("r", cp::Direction::kOut, RuleAction::kAllow);
  who->learns_names = true;
  FlowCompiler compiler({.intercept_dns = true});
  FlowTable table;
  table.apply(compiler.apply({.added = {rule(who)}}));
  Packet answer;
  const bool v4 = ip(std::string(c.from)).is_v4();
  answer.set(openflow::FieldId::kEthType, v4 ? 0x800 : 0x86dd);
  answer.set(v4 ? openflow::FieldId::kIpSrc : openflow::FieldId::kIpv6Src,
             openflow::FieldValue(ip(std::string(c.from))));
  answer.set(openflow::FieldId::kIpProto, c.protocol);
  answer.set(c.protocol == kUdp ? openflow::FieldId::kUdpSrc : openflow::FieldId::kTcpSrc,
             c.source_port);
  answer.set(openflow::FieldId::kCtState, c.ct_state);
  answer.set(openflow::reg_field(1), 5);
  EXPECT_EQ(table.run(answer, {31, 32, 33, 34}, 35).copies.size(), c.held ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Answers, DnsAnswer, ::testing::ValuesIn(kAnswers),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(NativeFlows, PrioritiesAreInOrderAndStayWithARestart) {
  std::mt19937 random(5);
  std::vector<std::shared_ptr<RuleIdentity>> rules;
  for (int i = 0; i < 60; ++i)
    rules.push_back(identity("rule-" + std::to_string(i), cp::Direction::kIn,
                             static_cast<RuleAction>(random() % 4),
                             {.tier = static_cast<std::int32_t>(random() % 3 * 100),
                              .policy = 1 + static_cast<double>(random() % 4) / 1e7,
                              .rule = static_cast<std::int32_t>(random() % 3)}));
  for (const auto& each : rules) apply({.added = {rule(each)}});
  for (const auto& a : rules) {
    for (const auto& b : rules) {
      const RuleOrder first(*a), second(*b);
      ASSERT_EQ(first<second, priority_of(a->id)> priority_of(b->id));
    }
  }
  FlowCompiler restarted{options()};
  const auto before = compiler.flows();
  restarted.adopt(before.flows);
  RuleChanges all;
  for (const auto& each : rules) all.added.push_back(rule(each));
  FlowTable its;
  its.apply(restarted.apply(all));
  EXPECT_EQ(its.flows(), table.flows());
}

TEST_F(NativeFlows, ARuleWaitsForAPriority) {
  std::vector<std::shared_ptr<RuleIdentity>> rules;
  for (int i = 0; i < 172; ++i) {  // one more than there are from 10 to 180
    rules.push_back(identity("rule-" + std::to_string(i), cp::Direction::kIn, RuleAction::kDrop,
                             {.tier = 253, .policy = 1, .rule = i}));
    apply({.added = {rule(rules.back())}});
  }
  ASSERT_EQ(compiler.unrealized().size(), 1U);
  EXPECT_EQ(compiler.unrealized()[0], rules.back());
  apply({.updated = {{.key = rules.back()->id, .added_peers = {cidr("10.0.0.7/32")}}}});
  apply({.removed = {"rule-3"}});
  EXPECT_TRUE(compiler.unrealized().empty());
  EXPECT_NE(priority_of(rules.back()->id), 0);
  EXPECT_EQ(std::ranges::count_if(table.flows(),
                                  [](const auto& entry) {
                                    return entry.first.match ==
                                           openflow::Match().ip_src(cidr("10.0.0.7/32"));
                                  }),
            1);
}

TEST_F(NativeFlows, WhatFlowsCannotMatchIsNotRealized) {
  auto inside = identity("inside", cp::Direction::kIn, RuleAction::kAllow);
  inside->layer7 = true;
  auto report = identity("report", cp::Direction::kOut, RuleAction::kDrop);
  report->igmp = true;
  apply({.added = {rule(report), rule(inside)}});
  EXPECT_TRUE(table.flows().empty());
  EXPECT_THAT(compiler.unrealized(), ::testing::ElementsAre(inside, report));
  apply({.removed = {"inside"}});
  EXPECT_THAT(compiler.unrealized(), ::testing::ElementsAre(report));
  apply({.removed = {"report"}});
  EXPECT_TRUE(compiler.unrealized().empty());
}

TEST(PriorityAssigner, KeepsTheOrderAndMovesOnlyForRoom) {
  std::mt19937 random(9);
  for (int round = 0; round < 60; ++round) {
    const bool baseline = round % 2 == 0;
    const std::uint16_t low = 10, high = baseline ? 180 : 2000;
    PriorityAssigner assigner(low, high, baseline);
    std::map<RuleOrder, std::uint16_t> known;
    for (int step = 0; step < 150; ++step) {
      if (!known.empty() && random() % 3 == 0) {
        const auto gone = std::next(known.begin(), static_cast<int>(random() % known.size()));
        assigner.release(gone->first);
        known.erase(gone);
        continue;
      }
      std::set<RuleOrder> wanted;
      for (unsigned i = 0; i <= random() % 4 && known.size() + wanted.size() < 160; ++i) {
        const RuleOrder order(*identity("r", cp::Direction::kIn, RuleAction::kDrop,
                                        {.tier = static_cast<std::int32_t>(random() % 3),
                                         .policy = 1 + static_cast<double>(random() % 5) / 10,
                                         .rule = static_cast<std::int32_t>(random() % 30)}));
        if (!known.contains(order)) wanted.insert(order);
        std::optional<std::uint16_t> hint;
        if (random() % 2 == 0) hint = static_cast<std::uint16_t>(low + random() % (high - low));
        assigner.want(order, hint);
      }
      std::set<RuleOrder> moved;
      for (const RuleOrder& order : assigner.assign()) EXPECT_TRUE(moved.insert(order).second);
      for (auto& [order, priority] : known) {
        EXPECT_EQ(moved.contains(order), *assigner.find(order) != priority);
        priority = *assigner.find(order);
      }
      for (const RuleOrder& order : wanted) known.emplace(order, assigner.find(order).value());
      int last = high + 1;
      for (const auto& [order, priority] : known) {
        ASSERT_LT(priority, last);
        ASSERT_GE(priority, low);
        last = priority;
      }
    }
  }
}

TEST(PriorityAssigner, FirstGuessesAreThoseOfTheOriginal) {
  PriorityAssigner assigner(100, 64989, false);
  const auto order = [](Place place) {
    return RuleOrder(*identity("r", cp::Direction::kIn, RuleAction::kAllow, place));
  };
  const std::vector<std::pair<Place, int>> expected{
      {{50, 5, 0}, 64989 - (50 * 200 + 5 * 20)},
      {{50, 5, 3}, 64989 - (50 * 200 + 5 * 20 + 3)},
      {{250, 5.5, 1}, 64989 - (250 * 200 + 550 + 1)},
      {{251, 10000, 70000}, 100},  // far beyond 16 bits (#7496)
  };
  for (const auto& [place, priority] : expected) assigner.want(order(place), {});
  EXPECT_TRUE(assigner.assign().empty());
  for (const auto& [place, priority] : expected) EXPECT_EQ(assigner.find(order(place)), priority);
}

TEST(PriorityAssigner, LeavesRoomWhereGuessesCrowd) {
  PriorityAssigner assigner(100, 64989, false);
  const auto order = [](double policy) {
    return RuleOrder(
        *identity("r", cp::Direction::kIn, RuleAction::kAllow, {.tier = 250, .policy = policy}));
  };
  for (int i = 0; i < 10000; ++i) assigner.want(order(1 + i), {});
  EXPECT_TRUE(assigner.assign().empty());
  assigner.want(order(5000.5), {});
  EXPECT_TRUE(assigner.assign().empty()) << "nobody has to move for one more in their midst";
}

TEST(PriorityAssigner, AdoptsAsManyHintsAsFitTogether) {
  PriorityAssigner assigner(100, 1000, false);
  const auto order = [](int rule) {
    return RuleOrder(
        *identity("r", cp::Direction::kIn, RuleAction::kAllow, {.tier = 1, .rule = rule}));
  };
  const std::vector<int> hints{900, 200, 800, 700, 750, 600, 5000};
  for (int i = 0; i < 7; ++i)
    assigner.want(order(i), static_cast<std::uint16_t>(hints[static_cast<std::size_t>(i)]));
  EXPECT_TRUE(assigner.assign().empty());
  EXPECT_EQ(assigner.find(order(0)), 900);
  EXPECT_EQ(assigner.find(order(2)), 800);
  EXPECT_EQ(assigner.find(order(5)), 600);
  EXPECT_EQ((*assigner.find(order(3)) == 700) + (*assigner.find(order(4)) == 750), 1);
}

}  // namespace
}  // namespace antrea::policy::testing
