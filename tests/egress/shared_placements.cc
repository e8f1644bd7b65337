#include "tests/egress/shared_placements.h"

#include <algorithm>
#include <limits>

namespace antrea::egress {

std::size_t ObjectHistory::add(Change change) {
  changes_.push_back(std::move(change));
  return size();
}

void ObjectHistory::forget_before(std::size_t number) {
  for (; forgotten_ < number && !changes_.empty(); ++forgotten_) changes_.pop_front();
}

SharedPlacements::SharedPlacements(const SchedulerInput& objects, std::vector<std::string> names,
                                   const ObjectHistory* history)
    // Who returns is said to it: what it sees for itself is where it was led from.
    : names_(std::move(names)),
      history_(history),
      scheduler_({.return_delay = Duration::zero()}),
      had_(names_.size()) {
  for (std::uint32_t i = 0; i < names_.size(); ++i) numbers_.emplace(names_[i], i);
  for (const auto& egress : objects.egresses)
    for (const auto& address : egress.spec.addresses) {
      address_numbers_.emplace(*address.ip, addresses_.size());
      addresses_.push_back(*address.ip);
    }
  owners_.assign(addresses_.size(), kNobody);
  apply(objects);
}

const std::map<EgressIp, Placement>& SharedPlacements::in(const View& view) {
  look_through(view);
  return scheduler_.placements();
}

const std::vector<std::uint32_t>& SharedPlacements::owners(const View& view) {
  look_through(view);
  return owners_;
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
  follow(view.objects);
  if (view == view_) return;
  view_ = view;
  apply({.alive = names_of(view.alive), .returning = names_of(view.returning)});
}

void SharedPlacements::follow(std::size_t objects) {
  for (; view_.objects < objects; ++view_.objects) apply(history_->after(view_.objects).forth);
  for (; view_.objects > objects; --view_.objects) apply(history_->after(view_.objects - 1).back);
}

void SharedPlacements::apply(const SchedulerInput& input) {
  for (const auto& [key, placement] : scheduler_.apply(input, ++now_)) {
    auto& owner = owners_[address_numbers_.find(key.ip)->second];
    if (owner != kNobody) had_[owner].erase(key.ip);
    const bool owned = placement && !placement->owner.empty();
    owner = owned ? numbers_.find(placement->owner)->second : kNobody;
    if (owned) had_[owner].insert(key.ip);
  }
}

std::set<std::string> SharedPlacements::names_of(const boost::dynamic_bitset<>& members) const {
  std::set<std::string> names;
  for (const auto& [name, number] : numbers_)
    if (number < members.size() && members.test(number)) names.insert(names.end(), name);
  return names;
}

}  // namespace antrea::egress
