#include "rule_priorities.h"

#include "rule_flows.h"

namespace antrea::policy {

namespace pipeline = api::pipeline;

RulePriorities::RulePriorities() {
  using api::controlplane::Direction;
  for (const Direction direction : {Direction::kIn, Direction::kOut}) {
    const Stage& stage = stage_of(direction);
    tables_.emplace(stage.antrea, Ordered{{pipeline::kPriorityAntreaPolicyLow,
                                           pipeline::kPriorityAntreaPolicyHigh, false},
                                          {},
                                          {}});
    tables_.emplace(
        stage.defaults,
        Ordered{{pipeline::kPriorityBaselineLow, pipeline::kPriorityBaselineHigh, true}, {}, {}});
  }
}

void RulePriorities::adopt(Table table, std::uint32_t conjunction_id, std::uint16_t priority) {
  if (const auto found = tables_.find(table); found != tables_.end())
    found->second.adopted[conjunction_id] = priority;
}

void RulePriorities::want(const RuleIdentity& identity, std::uint32_t conjunction_id) {
  Ordered& table = tables_.at(table_of(identity));
  const auto adopted = table.adopted.find(conjunction_id);
  table.assigner.want(RuleOrder(identity), adopted == table.adopted.end()
                                               ? std::nullopt
                                               : std::optional(adopted->second));
}

std::vector<std::pair<std::uint32_t, std::uint16_t>> RulePriorities::assign() {
  std::vector<std::pair<std::uint32_t, std::uint16_t>> moves;
  for (auto& [name, table] : tables_)
    for (const RuleOrder& moved : table.assigner.assign())
      if (const auto users = table.rules.find(moved); users != table.rules.end())
        for (const std::uint32_t rule : users->second)
          moves.emplace_back(rule, *table.assigner.find(moved));
  return moves;
}

std::optional<std::uint16_t> RulePriorities::find(const RuleIdentity& identity) const {
  return tables_.at(table_of(identity)).assigner.find(RuleOrder(identity));
}

void RulePriorities::enter(const RuleIdentity& identity, std::uint32_t rule) {
  tables_.at(table_of(identity)).rules[RuleOrder(identity)].push_back(rule);
}

void RulePriorities::leave(const RuleIdentity& identity, std::uint32_t rule) {
  Ordered& table = tables_.at(table_of(identity));
  const auto found = table.rules.find(RuleOrder(identity));
  std::erase(found->second, rule);
  if (!found->second.empty()) return;
  table.assigner.release(found->first);
  table.rules.erase(found);
}

}  // namespace antrea::policy
