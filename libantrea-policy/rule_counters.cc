#include "antrea/policy/rule_counters.h"

#include "antrea/api/pipeline.h"

namespace antrea::policy {
namespace {

namespace pipeline = api::pipeline;
using openflow::FieldId;

/// What a flow of a metric table counts, see `FlowSpec::key`.
struct Counted {
  std::uint32_t conjunction = 0;
  bool sessions = false;
};

Counted counted_by(const openflow::Flow& flow) {
  const openflow::Match& match = flow.match;
  if (const auto denied_by = match.get(openflow::reg_field(pipeline::reg::kApConjId.reg)))
    return {static_cast<std::uint32_t>(denied_by->value.lo), true};
  const auto allowed_by = match.get(FieldId::kCtLabel);
  const auto state = match.get(FieldId::kCtState);
  if (!allowed_by || !state) return {};
  const bool egress = flow.table.value == static_cast<std::uint8_t>(pipeline::Table::kEgressMetric);
  const unsigned offset = egress ? pipeline::kCtLabelEgressOffset : pipeline::kCtLabelIngressOffset;
  return {static_cast<std::uint32_t>((allowed_by->value >> offset).lo),
          (state->value.lo & openflow::ct_state::kNew) != 0};
}

}  // namespace

std::map<std::uint32_t, RuleCounters> count_rules(std::span<const openflow::FlowStats> flows) {
  std::map<std::uint32_t, RuleCounters> counters;
  for (const auto& [flow, statistics] : flows) {
    if (flow.cookie != pipeline::cookie(pipeline::CookieCategory::kNetworkPolicy) ||
        flow.priority != pipeline::kPriorityNormal)
      continue;
    const Counted counted = counted_by(flow);
    if (counted.conjunction == 0) continue;
    RuleCounters& sum = counters[counted.conjunction];
    const std::uint64_t packets = statistics.packets.value_or(0);
    sum.packets += packets;
    sum.bytes += statistics.bytes.value_or(0);
    if (counted.sessions) sum.sessions += packets;
  }
  return counters;
}

}  // namespace antrea::policy
