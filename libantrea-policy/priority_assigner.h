#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "antrea/policy/rule.h"

namespace antrea::policy {

/// The place of a rule among those with tiers: the smaller one comes first. Rules of one place and
/// one action do the same, so that it does not matter which of them a packet meets; of different
/// actions the stricter one comes first.
struct RuleOrder {
  std::int32_t tier = 0;
  double policy = 0;
  std::int32_t rule = 0;
  std::uint8_t action = 0;  // Drop, Reject, Pass, Allow

  explicit RuleOrder(const RuleIdentity& identity);
  friend bool operator<(const RuleOrder& a, const RuleOrder& b) { return a.key() < b.key(); }
  friend bool operator==(const RuleOrder& a, const RuleOrder& b) { return a.key() == b.key(); }

 private:
  std::tuple<std::int32_t, double, std::int32_t, std::uint8_t> key() const {
    return {tier, policy, rule, action};
  }
};

/// Gives rules of a table OpenFlow priorities in their order: what comes first has the higher one
/// (antrea: pkg/agent/controller/networkpolicy/priority.go). A number stays as long as there is
/// room; when there is none, as few neighbours as needed move.
class PriorityAssigner {
 public:
  /// The priorities `low` to `high`. In a baseline table the tier does not count for the first
  /// guess.
  PriorityAssigner(std::uint16_t low, std::uint16_t high, bool baseline)
      : low_(low), high_(high), baseline_(baseline) {}

  /// Asks for a number at the next `assign`. `hint`: the one that it had in a former life, to be
  /// kept if its order still fits.
  void want(const RuleOrder& order, std::optional<std::uint16_t> hint);
  /// Numbers for what is wanted; those that moved, once each. What finds no room stays without.
  std::vector<RuleOrder> assign();
  void release(const RuleOrder& order) { assigned_.erase(order); }
  std::optional<std::uint16_t> find(const RuleOrder& order) const;

 private:
  using Assigned = std::map<RuleOrder, std::uint16_t>;
  struct Bounds {
    int lower, upper;  // exclusive
    int gap() const { return upper - lower - 1; }
  };

  int guess(const RuleOrder& order) const;
  Bounds bounds_of(const RuleOrder& order) const;
  void adopt_hints();
  void place(const std::vector<RuleOrder>& run, Bounds bounds);
  bool make_room(const std::vector<RuleOrder>& run, std::map<RuleOrder, std::uint16_t>& before);

  std::uint16_t low_, high_;
  bool baseline_;
  Assigned assigned_;
  std::map<RuleOrder, std::optional<std::uint16_t>> wanted_;
};

}  // namespace antrea::policy
