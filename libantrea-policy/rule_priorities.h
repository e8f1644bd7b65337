#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "antrea/api/pipeline.h"
#include "priority_assigner.h"

namespace antrea::policy {

/// The priorities of the rules with tiers, in the tables of which they are the order.
class RulePriorities {
 public:
  using Table = api::pipeline::Table;
  RulePriorities();

  /// A conjunction had it in a former life.
  void adopt(Table table, std::uint32_t conjunction_id, std::uint16_t priority);
  /// Asks for one at the next `assign`.
  void want(const RuleIdentity& identity, std::uint32_t conjunction_id);
  /// Of the rules that are there: those that have to move, with their new priorities.
  std::vector<std::pair<std::uint32_t, std::uint16_t>> assign();
  /// Nothing: there is no room for it.
  std::optional<std::uint16_t> find(const RuleIdentity& identity) const;

  /// The rule of this index is there, or no longer is.
  void enter(const RuleIdentity& identity, std::uint32_t rule);
  void leave(const RuleIdentity& identity, std::uint32_t rule);

 private:
  struct Ordered {
    PriorityAssigner assigner;
    std::map<RuleOrder, std::vector<std::uint32_t>> rules;
    std::unordered_map<std::uint32_t, std::uint16_t> adopted;  // by conjunction ID
  };
  std::map<Table, Ordered> tables_;
};

}  // namespace antrea::policy
