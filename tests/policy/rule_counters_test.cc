#include "antrea/policy/rule_counters.h"

#include <gtest/gtest.h>

#include "antrea/api/pipeline.h"
#include "antrea/policy/flow_compiler.h"
#include "builders.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

CompletedRule rule(const std::string& id, cp::Direction direction, cp::RuleAction action) {
  auto identity = std::make_shared<RuleIdentity>();
  identity->id = id;
  identity->direction = direction;
  identity->action = action;
  identity->tier_priority = 250;
  identity->policy_priority = 5;
  identity->rule_priority = 0;
  CompletedRule rule;
  rule.key = id;
  rule.identity = identity;
  rule.targets = {{{"default", "web"}, 2, {ip("10.0.0.2"), ip("fd00::2")}}};
  rule.peers = {cidr("10.1.0.0/16")};
  return rule;
}

// Every flow has counted as many packets of ten bytes; those of other tables too.
TEST(RuleCounters, AreReadFromTheFlowsThatTheCompilerMade) {
  FlowCompiler compiler;
  const RuleChanges rules{.added = {rule("in", cp::Direction::kIn, cp::RuleAction::kAllow),
                                    rule("out", cp::Direction::kOut, cp::RuleAction::kAllow),
                                    rule("drop", cp::Direction::kIn, cp::RuleAction::kDrop),
                                    rule("reject", cp::Direction::kOut, cp::RuleAction::kReject),
                                    rule("pass", cp::Direction::kIn, cp::RuleAction::kPass)}};
  std::vector<openflow::FlowStats> flows;
  for (const openflow::Flow& flow : compiler.apply(rules).flows) {
    const bool metric =
        flow.table.value == static_cast<std::uint8_t>(api::pipeline::Table::kEgressMetric) ||
        flow.table.value == static_cast<std::uint8_t>(api::pipeline::Table::kIngressMetric);
    if (!metric) continue;
    flows.push_back({flow, {}});
    flows.back().statistics.packets = 7;
    flows.back().statistics.bytes = 70;
  }
  openflow::FlowStats foreign = flows.front();
  foreign.flow.cookie = 1;
  flows.push_back(foreign);

  std::map<std::uint32_t, RuleCounters> expected;
  for (const char* const allowed : {"in", "out"})  // first packets and others, of two families
    expected[*compiler.conjunction_of(allowed)] = {14, 28, 280};
  for (const char* const denied : {"drop", "reject"})
    expected[*compiler.conjunction_of(denied)] = {7, 7, 70};
  EXPECT_EQ(count_rules(flows), expected);
}

}  // namespace
}  // namespace antrea::policy
