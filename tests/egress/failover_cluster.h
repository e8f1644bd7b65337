#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/egress/shared_placements.h"
#include "tests/egress/virtual_cluster.h"

// Membership, liveness and scheduler together, in virtual time.
namespace antrea::egress {

/// A cluster each of whose members decides alone about the addresses of one pool: who is there, and
/// who has just come back, by a Scheduler of its own; what follows for the addresses, by one that
/// it shares with the others.
class FailoverCluster {
 public:
  FailoverCluster(std::uint64_t seed, std::size_t nodes, std::size_t addresses);

  void run_for(Duration time);
  /// One random fault, or the end of one. Most members stay up.
  void disturb();
  void restart(std::size_t who);
  void heal();

  /// Those that serve each address now: the members that have taken it and are not cut off.
  std::map<IpAddress, std::set<std::size_t>> owners();
  /// All addresses have one owner, or none where no side has a majority.
  bool settled();
  /// How many members of one side are up.
  std::size_t strength(int side) const;
  /// Those that all of the side that has a majority count in, and nobody of them takes for one that
  /// has just come back; none where no side has one.
  std::set<std::size_t> entitled() const;
  /// Where the members that run believe the addresses to be: for each, as many answers as there
  /// are.
  std::map<IpAddress, std::size_t> opinions();
  /// All members count in whom their decisions go by.
  bool consistent() const;
  /// What is not as it should be.
  std::string describe();

  mutable VirtualCluster cluster;

 private:
  /// As a Node does it: what a living Node had is taken only when that one knows, too.
  static constexpr Duration kTakeover = std::chrono::milliseconds(100);

  struct Decider {
    Scheduler returns{SchedulerConfig()};    // knows no addresses: who returns, and until when
    std::set<std::string> alive, comebacks;  // what the members have told
    View view;                               // what follows
    View acted_on;                           // when it was last looked at
    TimePoint viewed_at{};                   // since when `view` is what it is
    TimePoint deadline = TimePoint::max();   // of `returns`
    std::map<IpAddress, TimePoint> takes{};  // what it owns, and from when
    bool says_returning = false, cut_off = false;
  };

  bool runs(std::size_t who) const {
    return cluster.nodes()[who].membership && !cluster.nodes()[who].paused;
  }
  void take_in(const VirtualCluster::Seen& seen);
  void decide();
  /// Others may have acted without it.
  void withdraw(std::size_t who);
  void note_view(std::size_t who);
  void tell_returning(std::size_t who);
  /// Members whose view is another one than they acted on act on it.
  void act();

  Random random_;
  SchedulerInput nodes_only_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  SharedPlacements placements_;
  std::vector<Decider> deciders_;
  std::set<std::size_t> changed_, outvoted_, decided_, to_act_;
};

}  // namespace antrea::egress
