#pragma once

#include <boost/dynamic_bitset.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "antrea/egress/scheduler.h"

namespace antrea::egress {

/// What a member goes by: which members, by their number, it counts in, and which of them return.
struct View {
  boost::dynamic_bitset<> alive, returning;
  friend bool operator==(const View&, const View&) = default;
};

/// Where addresses are in the view of one member or another: one Scheduler for all of them, which
/// is led from view to view. Their placements follow from objects and view alone, which
/// `SchedulerHistory.PlacementsFollowFromWhoIsAliveAndWhoReturns` proves; so a thousand members
/// need no thousand Schedulers with ten thousand addresses each.
class SharedPlacements {
 public:
  /// `names`: of the members, by their number.
  SharedPlacements(const SchedulerInput& objects, std::vector<std::string> names);

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
  const std::set<IpAddress>& addresses() const { return addresses_; }

 private:
  std::vector<Asked> in_short_steps(std::vector<Asked> all) const;
  void look_through(const View& view);
  void apply(SchedulerInput input);
  std::set<std::string> names_of(const boost::dynamic_bitset<>& members) const;

  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  Scheduler scheduler_;
  TimePoint now_{};
  View view_;
  std::set<IpAddress> addresses_;
  std::map<EgressIp, std::size_t> owners_;
  std::vector<std::set<IpAddress>> had_;  // by each member
};

}  // namespace antrea::egress
