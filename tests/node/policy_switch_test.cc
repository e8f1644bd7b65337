// What a restarted agent finds in a real Open vSwitch, and what the switch hands to the agent.
#include <algorithm>
#include <random>

#include "antrea/node/packet_in_meters.h"
#include "antrea/node/policy_packets.h"
#include "antrea/node/switch_facts.h"
#include "antrea/policy/flow_compiler.h"
#include "libantrea-node/pipeline_flows.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"
#include "tests/openflow_switch/switch_fixture.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using openflow::Changes;
using testing::in;
using testing::run;
using namespace std::chrono_literals;

class PolicySwitch : public openflow::SwitchTest {};

policy::CompletedRule rule(int number, double priority, cp::RuleAction action, bool log = false) {
  auto identity = std::make_shared<policy::RuleIdentity>();
  identity->id = "rule-" + std::to_string(number);
  identity->direction = cp::Direction::kIn;
  identity->action = action;
  identity->tier_priority = 100;
  identity->policy_priority = priority;
  identity->rule_priority = 0;
  identity->enable_logging = log;
  policy::CompletedRule rule;
  rule.key = identity->id;
  rule.identity = identity;
  rule.targets = {{{"default", "web"}, 2, {ip("10.0.0.2")}}};
  rule.peers = {IpPrefix::host(ip("10.1.0.0").plus(static_cast<unsigned>(number)))};
  return rule;
}

TEST_F(PolicySwitch, ARestartedAgentFindsItsPrioritiesAndWritesNothing) {
  std::vector<policy::CompletedRule> rules;
  for (int i = 0; i < 40; ++i)
    rules.push_back(rule(i, 5 + (i * 7 % 40) * 1e-9, static_cast<cp::RuleAction>(i % 4)));
  policy::FlowCompiler first;
  Changes desired;  // one after the other, so that the numbers tell of the order
  for (const auto& each : rules) desired.append(first.apply({.added = {each}}));
  start_agent(desired);
  wait_synced();
  const auto before = dump();
  stop_agent();

  agent_ = std::make_unique<openflow::Switch>(io_.get_executor(), options());
  ended_ = false;
  boost::asio::co_spawn(io_, agent_->run(), [this](std::exception_ptr) { ended_ = true; });
  const auto facts = run(io_, read_switch_facts(*agent_, in(20s)));
  ASSERT_TRUE(facts) << facts.error().to_string();
  EXPECT_TRUE(facts->meters);
  EXPECT_FALSE(facts->policy_flows.empty());
  EXPECT_EQ(agent_->statistics().messages, 0U);

  policy::FlowCompiler forgetful, second;
  std::ranges::reverse(rules);
  policy::RuleChanges all;
  all.added = rules;
  const auto other = [](const Changes& a, const Changes& b) {
    const auto sorted = [](Changes changes) {
      std::ranges::sort(changes.flows, {}, [](const auto& flow) { return flow.key(); });
      return changes;
    };
    return sorted(a) != sorted(b);
  };
  EXPECT_TRUE(other(forgetful.apply(all), first.flows())) << "the numbers tell nothing: no test";
  second.adopt(facts->policy_flows);
  ASSERT_TRUE(agent_->prepare(second.apply(all)));
  agent_->sync();
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 0U);
  const auto after = dump();
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [key, stats] : before) EXPECT_TRUE(after.contains(key));
}

TEST_F(PolicySwitch, MetersLimitWhatTheAgentSeesAndNothingElse) {
  constexpr int kSent = 200;
  constexpr std::uint32_t kRate = 10;
  policy::FlowCompiler compiler({.packet_in_meter = kPolicyMeter.id, .dns_meter = kDnsMeter.id});
  Changes desired = compiler.apply({.added = {rule(1, 5, cp::RuleAction::kDrop, true)}});
  desired.meters = packet_in_meters(kRate);
  // Packets of the test enter at the rules' table, as if bound for the target's port.
  start_agent(std::move(desired));
  wait_synced();
  const auto supported = run(io_, supports_meters(agent_->connection(), in(20s)));
  ASSERT_TRUE(supported);
  EXPECT_TRUE(*supported);

  const auto queue = agent_->connection().subscribe(1, 1000);
  openflow::PacketOut out;
  out.match.in_port(openflow::PortNo{1});
  out.actions = {openflow::set_field(openflow::reg_field(1), 2),
                 openflow::resubmit(table_id(Table::kAntreaPolicyIngressRule))};
  out.packet = frames::frame({.src = ip("10.1.0.1"), .dst = ip("10.0.0.2"), .protocol = 17});
  for (int i = 0; i < kSent; ++i) ASSERT_TRUE(agent_->packet_out(out));

  const auto denied = [&] {
    std::uint64_t packets = 0;
    for (const auto& [key, stats] : dump())
      if (key.table == table_id(Table::kIngressMetric))
        packets += stats.statistics.packets.value_or(0);
    return packets;
  };
  for (const auto deadline = in(20s);
       denied() != kSent && std::chrono::steady_clock::now() < deadline;) {
  }
  EXPECT_EQ(denied(), static_cast<std::uint64_t>(kSent)) << "every packet was judged";
  const auto drops = run(io_, read_meter_drops(agent_->connection(), in(20s)));
  ASSERT_TRUE(drops) << drops.error().to_string();
  const std::uint64_t dropped = drops->at(kPolicyMeter.id);
  EXPECT_GT(dropped, 0U);
  EXPECT_LT(dropped, static_cast<std::uint64_t>(kSent));
  expect_desired();  // the meters are as they were asked for
  // The others come, all of them.
  for (std::uint64_t seen = 0; seen < kSent - dropped; ++seen) {
    const auto next = run(io_, queue->next());
    ASSERT_TRUE(next);
    const auto packet = PolicyPacketIn::of(*next);
    ASSERT_TRUE(packet) << packet.error().to_string();
    EXPECT_EQ(packet->conjunction, compiler.conjunction_of("rule-1"));
    EXPECT_EQ(packet->table, Table::kAntreaPolicyIngressRule);
    EXPECT_EQ(packet->disposition, api::pipeline::Disposition::kDrop);
    EXPECT_EQ(packet->operations, 1);
    EXPECT_EQ(packet->out_port, 2U);
  }
}

}  // namespace
}  // namespace antrea::node
