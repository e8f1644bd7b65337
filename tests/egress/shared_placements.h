#pragma once

#include <boost/dynamic_bitset.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "antrea/egress/scheduler.h"

namespace antrea::egress {

/// What a member goes by: which members, by their number, it counts in, which of them return, and
/// how many changes of objects it has seen.
struct View {
  boost::dynamic_bitset<> alive, returning;
  std::size_t objects = 0;
  friend bool operator==(const View&, const View&) = default;
};

/// Changes of objects, one after the other, so that a Scheduler can be led forth and back.
class ObjectHistory {
 public:
  struct Change {
    SchedulerInput forth, back;
  };
  /// How many there are then.
  std::size_t add(Change change);
  std::size_t size() const { return forgotten_ + changes_.size(); }
  /// What leads from one number of changes to the next.
  const Change& after(std::size_t number) const { return changes_[number - forgotten_]; }
  /// Nobody has seen less than that many.
  void forget_before(std::size_t number);

 private:
  std::deque<Change> changes_;
  std::size_t forgotten_ = 0;
};

/// Where addresses are in the view of one member or another: one Scheduler for all of them, which
/// is led from view to view. Their placements follow from objects and view alone, which
/// `SchedulerHistory.PlacementsFollowFromWhoIsAliveAndWhoReturns` proves; so a thousand members
/// need no thousand Schedulers with ten thousand addresses each.
class SharedPlacements {
 public:
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  /// `names`: of the members, by their number. Each address is in one Egress. `history` outlives
  /// this.
  SharedPlacements(const SchedulerInput& objects, std::vector<std::string> names,
                   const ObjectHistory* history = nullptr);

  struct Asked {
    std::size_t who;
    const View* view;
  };
  /// Calls `tell(who, addresses)` with what each is to have, in an order of its own: views that are
  /// alike come one after the other.
  template <typename Tell>
  void ask(std::vector<Asked> all, Tell&& tell) {
    for (const auto& [who, view] : in_short_steps(std::move(all))) {
      look_through(*view);
      tell(who, had_[who]);
    }
  }

  /// All of it in one view, until something is asked again.
  const std::map<EgressIp, Placement>& in(const View& view);
  /// Who owns each address, by its number among `addresses`, in one view; until something is asked
  /// again.
  const std::vector<std::uint32_t>& owners(const View& view);
  /// Takes in all changes of objects, so that none before them is needed.
  void catch_up() { follow(history_->size()); }
  /// In the order of the first objects.
  const std::vector<IpAddress>& addresses() const { return addresses_; }

 private:
  std::vector<Asked> in_short_steps(std::vector<Asked> all) const;
  void look_through(const View& view);
  void follow(std::size_t objects);
  void apply(const SchedulerInput& input);
  std::set<std::string> names_of(const boost::dynamic_bitset<>& members) const;

  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  const ObjectHistory* history_;
  Scheduler scheduler_;
  TimePoint now_{};
  View view_;
  std::vector<IpAddress> addresses_;
  std::unordered_map<IpAddress, std::size_t> address_numbers_;
  std::vector<std::uint32_t> owners_;
  std::vector<std::set<IpAddress>> had_;  // by each member
};

}  // namespace antrea::egress
