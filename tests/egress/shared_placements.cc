#include "tests/egress/shared_placements.h"

#include <algorithm>
#include <limits>

namespace antrea::egress {

SharedPlacements::SharedPlacements(const SchedulerInput& objects, std::vector<std::string> names)
    // Who returns is said to it: what it sees for itself is where it was led from.
    : names_(std::move(names)),
      scheduler_({.return_delay = Duration::zero()}),
      had_(names_.size()) {
  for (std::size_t i = 0; i < names_.size(); ++i) numbers_.emplace(names_[i], i);
  for (const auto& egress : objects.egresses)
    for (const auto& address : egress.spec.addresses) addresses_.insert(*address.ip);
  apply(objects);
}

const std::map<EgressIp, Placement>& SharedPlacements::in(const View& view) {
  look_through(view);
  return scheduler_.placements();
}

/// The nearest one next, over and over.
std::vector<SharedPlacements::Asked> SharedPlacements::in_short_steps(
    std::vector<Asked> all) const {
  const auto distance = [](const View& a, const View& b) {
    if (a.alive.size() != b.alive.size()) return std::numeric_limits<std::size_t>::max();
    return (a.alive ^ b.alive).count() + (a.returning ^ b.returning).count();
  };
  const View* here = &view_;
  for (auto next = all.begin(); next != all.end(); ++next) {
    auto nearest = next;
    auto least = std::numeric_limits<std::size_t>::max();
    for (auto each = next; each != all.end() && least > 0; ++each) {
      const auto far = distance(*here, *each->view);
      if (far < least) std::tie(nearest, least) = std::pair(each, far);
    }
    std::iter_swap(next, nearest);
    here = next->view;
  }
  return all;
}

void SharedPlacements::look_through(const View& view) {
  if (view == view_) return;
  view_ = view;
  apply({.alive = names_of(view.alive), .returning = names_of(view.returning)});
}

void SharedPlacements::apply(SchedulerInput input) {
  for (const auto& [key, placement] : scheduler_.apply(input, ++now_)) {
    if (const auto before = owners_.find(key); before != owners_.end()) {
      had_[before->second].erase(key.ip);
      owners_.erase(before);
    }
    if (!placement || placement->owner.empty()) continue;
    const auto owner = numbers_.find(placement->owner)->second;
    owners_.emplace(key, owner);
    had_[owner].insert(key.ip);
  }
}

std::set<std::string> SharedPlacements::names_of(const boost::dynamic_bitset<>& members) const {
  std::set<std::string> names;
  for (auto i = members.find_first(); i != members.npos; i = members.find_next(i))
    names.insert(names_[i]);
  return names;
}

}  // namespace antrea::egress
