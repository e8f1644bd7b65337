#include "priority_assigner.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace antrea::policy {
namespace {

constexpr int kTierSpace = 200, kPolicySpace = 20, kDefaultTierPolicySpace = 100;
constexpr int kBaselinePolicySpace = 10, kDefaultTier = 250;
constexpr int kZone = 5;  // free slots left beside a block whose guess does not fit

std::uint8_t rank_of(std::optional<api::controlplane::RuleAction> action) {
  using api::controlplane::RuleAction;
  switch (action.value_or(RuleAction::kAllow)) {
    case RuleAction::kDrop:
      return 0;
    case RuleAction::kReject:
      return 1;
    case RuleAction::kPass:
      return 2;
    case RuleAction::kAllow:
      return 3;
  }
  return 3;
}

}  // namespace

RuleOrder::RuleOrder(const RuleIdentity& identity)
    : tier(identity.tier_priority.value_or(0)),
      policy(identity.policy_priority.value_or(0)),
      rule(identity.rule_priority),
      action(rank_of(identity.action)) {}

void PriorityAssigner::want(const RuleOrder& order, std::optional<std::uint16_t> hint) {
  if (assigned_.contains(order)) return;
  auto& wanted = wanted_[order];
  if (!wanted) wanted = hint;
}

std::optional<std::uint16_t> PriorityAssigner::find(const RuleOrder& order) const {
  const auto found = assigned_.find(order);
  return found == assigned_.end() ? std::nullopt : std::optional(found->second);
}

int PriorityAssigner::guess(const RuleOrder& order) const {
  const double space = baseline_                    ? kBaselinePolicySpace
                       : order.tier == kDefaultTier ? kDefaultTierPolicySpace
                                                    : kPolicySpace;
  const double offset = (baseline_ ? 0 : static_cast<double>(order.tier) * kTierSpace) +
                        std::floor(order.policy * space) + order.rule;
  return static_cast<int>(std::clamp<double>(high_ - offset, low_, high_));
}

/// Between the numbers of those before and behind.
PriorityAssigner::Bounds PriorityAssigner::bounds_of(const RuleOrder& order) const {
  const auto next = assigned_.lower_bound(order);
  return {next == assigned_.end() ? low_ - 1 : next->second,
          next == assigned_.begin() ? high_ + 1 : std::prev(next)->second};
}

/// Keeps as many hints as fit together: the longest descending sequence of those that fit between
/// what is assigned.
void PriorityAssigner::adopt_hints() {
  struct Candidate {
    RuleOrder order;
    std::uint16_t hint;
    std::size_t before;  // its index plus 1; 0: none
  };
  std::vector<Candidate> candidates;
  std::vector<std::size_t> ends;  // by length: the best end of a sequence
  for (const auto& [order, wanted] : wanted_) {
    if (!wanted || *wanted < low_ || *wanted > high_) continue;
    const std::uint16_t hint = *wanted;
    const Bounds bounds = bounds_of(order);
    if (hint <= bounds.lower || hint >= bounds.upper) continue;
    const auto at = std::ranges::partition_point(
        ends, [&](std::size_t end) { return candidates[end].hint > hint; });
    candidates.push_back({order, hint, at == ends.begin() ? 0 : *std::prev(at) + 1});
    if (at == ends.end())
      ends.push_back(candidates.size() - 1);
    else
      *at = candidates.size() - 1;
  }
  for (std::size_t at = ends.empty() ? 0 : ends.back() + 1; at != 0;
       at = candidates[at - 1].before) {
    assigned_.emplace(candidates[at - 1].order, candidates[at - 1].hint);
    wanted_.erase(candidates[at - 1].order);
  }
}

std::vector<RuleOrder> PriorityAssigner::assign() {
  adopt_hints();
  std::map<RuleOrder, std::uint16_t> before;  // what was assigned and may have moved
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    const auto next = assigned_.lower_bound(it->first);
    std::vector<RuleOrder> run;
    for (; it != wanted_.end() && (next == assigned_.end() || it->first < next->first); ++it)
      run.push_back(it->first);
    const Bounds bounds = bounds_of(run.front());
    if (bounds.gap() >= static_cast<int>(run.size()))
      place(run, bounds);
    else
      make_room(run, before);
  }
  wanted_.clear();
  std::vector<RuleOrder> moved;
  for (const auto& [order, priority] : before)
    if (assigned_.at(order) != priority) moved.push_back(order);
  return moved;
}

/// Near the guesses, if they lie between the bounds; else in a block a few slots off the bound that
/// is in their way, or in the middle where that is too narrow.
void PriorityAssigner::place(const std::vector<RuleOrder>& run, Bounds bounds) {
  const int count = static_cast<int>(run.size()), gap = bounds.gap();
  const bool too_high = guess(run.front()) >= bounds.upper;
  const bool too_low = guess(run.back()) <= bounds.lower;
  std::vector<int> numbers(run.size());
  if (too_high || too_low) {
    int top = bounds.lower + (gap - count) / 2 + count;
    if (gap >= count + 2 * kZone)
      top = too_high ? bounds.upper - 1 - kZone : bounds.lower + kZone + count;
    for (int& number : numbers) number = top--;
  } else {
    int last = bounds.upper;
    for (std::size_t i = 0; i < run.size(); ++i)
      last = numbers[i] = std::min(guess(run[i]), last - 1);
    last = bounds.lower;
    for (std::size_t i = run.size(); i-- > 0;) last = numbers[i] = std::max(numbers[i], last + 1);
    // Guesses that crowd at an end would leave no room between: spread them.
    int displaced = 0;
    for (std::size_t i = 0; i < run.size(); ++i) displaced += numbers[i] != guess(run[i]) ? 1 : 0;
    if (displaced > count / 2 && gap >= 2 * count)
      for (int i = 0; i < count; ++i)
        numbers[static_cast<std::size_t>(i)] = bounds.upper - 1 - i * gap / count;
  }
  for (std::size_t i = 0; i < run.size(); ++i)
    assigned_.emplace(run[i], static_cast<std::uint16_t>(numbers[i]));
}

/// Spreads the run and its neighbours evenly over the least surroundings that are at most half
/// full, or over everything. False if there are more of them than slots.
bool PriorityAssigner::make_room(const std::vector<RuleOrder>& run,
                                 std::map<RuleOrder, std::uint16_t>& before) {
  auto first = assigned_.lower_bound(run.front()), last = first;  // the neighbours: [first, last)
  std::size_t neighbours = 0;
  for (std::size_t step = 1;; step *= 2) {
    for (std::size_t i = 0; i < step && first != assigned_.begin(); ++i, ++neighbours) --first;
    for (std::size_t i = 0; i < step && last != assigned_.end(); ++i, ++neighbours) ++last;
    const Bounds bounds{last == assigned_.end() ? low_ - 1 : last->second,
                        first == assigned_.begin() ? high_ + 1 : std::prev(first)->second};
    const auto count = static_cast<int>(run.size() + neighbours);
    const bool everything = first == assigned_.begin() && last == assigned_.end();
    if (everything && bounds.gap() < count) return false;
    if (!everything && bounds.gap() < 2 * count) continue;
    std::vector<RuleOrder> all;
    for (auto it = first; it != last; ++it) {
      all.push_back(it->first);
      before.emplace(*it);
    }
    all.insert(std::lower_bound(all.begin(), all.end(), run.front()), run.begin(), run.end());
    for (std::size_t i = 0; i < all.size(); ++i)
      assigned_.insert_or_assign(
          all[i], static_cast<std::uint16_t>(bounds.upper - 1 -
                                             static_cast<int>(i) * bounds.gap() / count));
    return true;
  }
}

}  // namespace antrea::policy
