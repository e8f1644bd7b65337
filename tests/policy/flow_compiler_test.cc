#include "antrea/policy/flow_compiler.h"

#include <gtest/gtest.h>

#include <random>

#include "antrea/api/pipeline.h"
#include "builders.h"
#include "flow_interpreter.h"
#include "libantrea-policy/conjunction_ids.h"
#include "libantrea-policy/flow_spec.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using api::pipeline::Table;
using openflow::Match;

constexpr openflow::TableId id_of(Table table) {
  return openflow::TableId{static_cast<std::uint8_t>(table)};
}

CompletedRule rule(const std::string& key, cp::Direction direction,
                   std::vector<PodInterface> targets, std::optional<std::vector<IpPrefix>> peers,
                   std::optional<std::vector<cp::Service>> services = {}, bool log = false) {
  auto identity = std::make_shared<RuleIdentity>();
  identity->id = key;
  identity->direction = direction;
  identity->enable_logging = log;
  if (peers || services) identity->action = cp::RuleAction::kAllow;
  return {key, identity, std::move(targets), std::move(peers), std::move(services)};
}
PodInterface web(std::uint32_t ofport = 5, const std::string& address = "10.0.0.1") {
  return {{"default", "web-" + std::to_string(ofport)}, ofport, {ip(address)}};
}
cp::Service tcp(int port, std::optional<std::int32_t> end = {}) {
  return {
      .protocol = cp::ServiceProtocol::kTcp, .port = api::IntOrString{port, {}}, .end_port = end};
}

class FlowCompilerTest : public ::testing::Test {
 protected:
  openflow::Changes apply(RuleChanges changes) {
    openflow::Changes out = compiler.apply(changes);
    table.apply(out);
    return out;
  }
  const openflow::Flow& flow(Table at, std::uint16_t priority, const Match& match) {
    return table.flows().at({id_of(at), priority, match});
  }
  FlowCompiler compiler{FlowCompiler::Options{.ipv6 = false}};
  FlowTable table;
};

TEST_F(FlowCompilerTest, ARuleIsOneConjunctionAndAnIsolation) {
  apply({.added = {rule("r", cp::Direction::kOut, {web()}, std::vector{cidr("10.1.0.0/16")},
                        std::vector{tcp(80)})}});
  const std::uint32_t id = *compiler.conjunction_of("r");
  EXPECT_GE(id, 2U);
  EXPECT_EQ(compiler.rule_of(id)->id, "r");
  EXPECT_EQ(table.flows().size(), 7U);
  using openflow::Conjunction;
  const auto says = [&](const Match& match, Conjunction conjunction) {
    return flow(Table::kEgressRule, 200, match).apply_actions == openflow::Actions{conjunction};
  };
  // From, To, Service; the clauses count from zero here.
  EXPECT_TRUE(says(Match().ip_src(ip("10.0.0.1")), {id, 0, 3}));
  EXPECT_TRUE(says(Match().ip_dst(cidr("10.1.0.0/16")), {id, 1, 3}));
  EXPECT_TRUE(says(Match().ip(Family::kIPv4).tcp_dst(80), {id, 2, 3}));

  const openflow::Flow& allow =
      flow(Table::kEgressRule, 190, Match().ip(Family::kIPv4).conj_id(id));
  ASSERT_EQ(allow.apply_actions.size(), 2U);
  EXPECT_EQ(allow.apply_actions[0],
            openflow::Action(openflow::load(openflow::reg_bits(5, 0, 31), id)));
  const auto& ct = std::get<openflow::Ct>(allow.apply_actions[1]);
  EXPECT_TRUE(ct.commit);
  EXPECT_EQ(ct.zone, api::pipeline::kCtZone);
  EXPECT_EQ(ct.table, id_of(Table::kEgressMetric));
  EXPECT_EQ(ct.actions,
            openflow::Actions{openflow::load({openflow::FieldId::kCtLabel, 32, 32}, id)});

  const openflow::Flow& drop = flow(Table::kEgressDefaultRule, 200, Match().ip_src(ip("10.0.0.1")));
  EXPECT_TRUE(drop.empty());
  for (const char* state : {"+new", "-new"})
    EXPECT_EQ(
        flow(Table::kEgressMetric, 200,
             Match()
                 .ip(Family::kIPv4)
                 .ct_state(state)
                 .ct_label(openflow::FieldValue(id) << 32, openflow::FieldValue::ones(32) << 32))
            .goto_table,
        id_of(Table::kL3Forwarding));
  for (const auto& [key, f] : table.flows())
    EXPECT_EQ(f.cookie, api::pipeline::cookie(api::pipeline::CookieCategory::kNetworkPolicy));
}

TEST_F(FlowCompilerTest, IngressMatchesTargetsByOutputPort) {
  apply({.added = {rule("r", cp::Direction::kIn, {web(9)}, std::vector{cidr("0.0.0.0/0")})}});
  const std::uint32_t id = *compiler.conjunction_of("r");
  EXPECT_EQ(flow(Table::kIngressRule, 200, Match().ip(Family::kIPv4)).apply_actions,
            openflow::Actions{(openflow::Conjunction{id, 0, 2})});
  EXPECT_EQ(flow(Table::kIngressRule, 200, Match().set_reg(1, 9)).apply_actions,
            openflow::Actions{(openflow::Conjunction{id, 1, 2})});
  EXPECT_TRUE(flow(Table::kIngressDefaultRule, 200, Match().set_reg(1, 9)).empty());
}

TEST_F(FlowCompilerTest, DenyAllIsOnlyTheIsolation) {
  const openflow::Changes changes =
      apply({.added = {rule("r", cp::Direction::kIn, {web(9)}, std::nullopt)}});
  ASSERT_EQ(changes.flows.size(), 1U);
  EXPECT_EQ(changes.flows[0].table, id_of(Table::kIngressDefaultRule));
  EXPECT_FALSE(compiler.conjunction_of("r"));
}

TEST_F(FlowCompilerTest, RulesShareMatchesAndIsolation) {
  apply({.added = {rule("a", cp::Direction::kIn, {web()}, std::vector{cidr("10.1.0.1/32")}),
                   rule("b", cp::Direction::kIn, {web()},
                        std::vector{cidr("10.1.0.1/32"), cidr("10.1.0.2/32")})}});
  const Match shared = Match().ip_src(ip("10.1.0.1"));
  EXPECT_EQ(flow(Table::kIngressRule, 200, shared).apply_actions.size(), 2U);
  const openflow::Changes changes = apply({.removed = {"a"}});
  EXPECT_EQ(flow(Table::kIngressRule, 200, shared).apply_actions.size(), 1U);
  // Its own conj_id and two counting flows go; the two shared matches are told anew; the isolation
  // stays.
  EXPECT_EQ(changes.remove_flows.size(), 3U);
  EXPECT_EQ(changes.flows.size(), 2U);
  apply({.removed = {"b"}});
  EXPECT_TRUE(table.flows().empty());
}

TEST_F(FlowCompilerTest, OneAddressIsOneFlow) {
  apply({.added = {rule("a", cp::Direction::kIn, {web()}, std::vector{cidr("10.1.0.1/32")}),
                   rule("b", cp::Direction::kIn, {web()}, std::vector{cidr("10.1.0.1/32")})}});
  const auto both = [](auto member, const std::string& peer) {
    RuleChanges changes;
    for (const char* key : {"a", "b"}) {
      RuleUpdate update{.key = key};
      update.*member = {cidr(peer)};
      changes.updated.push_back(std::move(update));
    }
    return changes;
  };
  EXPECT_EQ(apply(both(&RuleUpdate::added_peers, "10.1.0.2/32")).flows.size(), 1U);
  EXPECT_EQ(apply(both(&RuleUpdate::removed_peers, "10.1.0.2/32")).remove_flows.size(), 1U);
  EXPECT_TRUE(apply({}).empty());
}

TEST_F(FlowCompilerTest, ALargeRuleIsTheSumOfItsSides) {
  constexpr std::size_t kCount = 10'000;
  CompletedRule large =
      rule("r", cp::Direction::kOut, {}, std::vector<IpPrefix>{}, std::vector{tcp(80)});
  for (std::uint32_t i = 0; i < kCount; ++i) {
    large.targets.push_back(
        {{"default", std::to_string(i)}, i + 1, {IpAddress::v4(0x0a000000 + i)}});
    large.peers->push_back(IpPrefix::host(IpAddress::v4(0x0b000000 + i)));
  }
  // A match for each of both sides and the port, an isolation for each target; what the rule leads
  // to, and two flows that count.
  EXPECT_EQ(apply({.added = {large}}).flows.size(), 3 * kCount + 4);
  EXPECT_EQ(apply({.updated = {{.key = "r", .added_peers = {cidr("10.99.0.1/32")}}}}).flows.size(),
            1U);
}

TEST_F(FlowCompilerTest, AnotherPodWithTheSameAddressKeepsTheFlow) {
  PodInterface successor = web();
  successor.pod.name = "successor";
  apply({.added = {rule("a", cp::Direction::kOut, {web(), successor},
                        std::vector{cidr("10.1.0.1/32")})}});
  EXPECT_TRUE(apply({.updated = {{.key = "a", .removed_targets = {web()}}}}).empty());
  const std::size_t gone =
      apply({.updated = {{.key = "a", .removed_targets = {successor}}}}).remove_flows.size();
  EXPECT_EQ(gone, 2U);  // its match and its isolation
}

TEST_F(FlowCompilerTest, FamiliesThatAreOffGetNoFlows) {
  PodInterface dual = web();
  dual.ips.push_back(ip("fd00::1"));
  apply({.added = {rule("r", cp::Direction::kOut, {dual},
                        std::vector{cidr("0.0.0.0/0"), cidr("::/0")})}});
  for (const auto& [key, f] : table.flows()) {
    const auto type = key.match.get(openflow::FieldId::kEthType);
    EXPECT_TRUE(!type || type->value == openflow::FieldValue(0x800));
  }
  FlowCompiler both;
  EXPECT_GT(both.apply({.added = {rule("r", cp::Direction::kOut, {dual},
                                       std::vector{cidr("0.0.0.0/0"), cidr("::/0")})}})
                .flows.size(),
            table.flows().size());
}

TEST_F(FlowCompilerTest, FlowsDependOnlyOnTheRules) {
  std::vector<CompletedRule> rules;
  for (int i = 0; i < 30; ++i)
    rules.push_back(rule("rule-" + std::to_string(i),
                         i % 2 ? cp::Direction::kIn : cp::Direction::kOut,
                         {web(static_cast<std::uint32_t>(i % 5))},
                         std::vector{cidr("10.1.0.0/16"), cidr("10.2.0.1/32")},
                         std::vector{tcp(80, 80 + i)}, i % 3 == 0));
  std::mt19937 random(7);
  std::optional<FlowTable> expected;
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(rules, random);
    FlowCompiler other(FlowCompiler::Options{.ipv6 = false, .first_id = 2, .last_id = 40});
    FlowTable its;
    for (const CompletedRule& r : rules) its.apply(other.apply({.added = {r}}));
    // Some leave and come back, which moves those that collided with them.
    for (int i = 0; i < 10; ++i)
      its.apply(other.apply({.removed = {rules[static_cast<std::size_t>(i)].key}}));
    for (int i = 0; i < 10; ++i)
      its.apply(other.apply({.added = {rules[static_cast<std::size_t>(i)]}}));
    if (!expected) expected = its;
    ASSERT_EQ(its.flows(), expected->flows());
    FlowTable dumped;
    dumped.apply(other.flows());
    ASSERT_EQ(dumped.flows(), its.flows());
  }
}

TEST(ConjunctionIds, AreWhatAssigningInOrderGives) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    ConjunctionIds incremental(2, 33);
    std::set<std::string> keys;
    for (int step = 0; step < 80; ++step) {
      const std::string key = "key-" + std::to_string(random() % 40);
      if (keys.contains(key)) {
        keys.erase(key);
        incremental.release(key);
      } else if (keys.size() < 30) {
        keys.insert(key);
        incremental.assign(key);
      }
    }
    ConjunctionIds ordered(2, 33);
    std::set<std::uint32_t> taken;
    for (const std::string& key : keys) ordered.assign(key);
    for (const std::string& key : keys) {
      ASSERT_EQ(incremental.id_of(key), ordered.id_of(key));
      ASSERT_TRUE(taken.insert(ordered.id_of(key)).second);
      ASSERT_EQ(*incremental.key_of(ordered.id_of(key)), key);
    }
    ASSERT_FALSE(incremental.key_of(1));
  }
}

TEST(PortMasks, CoverExactlyTheRangeWithoutOverlap) {
  std::mt19937 random(11);
  const auto check = [](std::uint32_t first, std::uint32_t last) {
    const auto masks =
        port_masks(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last));
    for (std::uint32_t port = 0; port < 0x10000; ++port) {
      const auto hits =
          std::ranges::count_if(masks, [&](PortMask m) { return (port & m.mask) == m.value; });
      ASSERT_EQ(hits, port >= first && port <= last ? 1 : 0)
          << first << "-" << last << " port " << port;
    }
    ASSERT_LE(masks.size(), 30U);
  };
  check(0, 65535);
  check(1, 65535);
  check(65535, 65535);
  for (int i = 0; i < 15; ++i) {
    const std::uint32_t a = random() % 0x10000, b = random() % 0x10000;
    check(std::min(a, b), std::max(a, b));
  }
  // 1000-1999, as ovs-fields(7) splits it.
  EXPECT_EQ(port_masks(1000, 1999), (std::vector<PortMask>{{0x03e8, 0xfff8},
                                                           {0x03f0, 0xfff0},
                                                           {0x0400, 0xfe00},
                                                           {0x0600, 0xff00},
                                                           {0x0700, 0xff80},
                                                           {0x0780, 0xffc0},
                                                           {0x07c0, 0xfff0}}));
}

}  // namespace
}  // namespace antrea::policy::testing
