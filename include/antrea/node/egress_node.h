#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/core.h"
#include "antrea/egress/scheduler.h"
#include "antrea/node/egress_director.h"

namespace antrea::node {

/// Who is there, as the gossip says it.
struct EgressMembers {
  std::set<std::string> alive;      ///< this Node too
  std::set<std::string> returning;  ///< of the others, those that say that they have just come back
  bool cut_off = false;
};

/// What a Node is to do about addresses that move.
struct EgressOutcome {
  EgressDecision decision;
  std::set<IpAddress> services;  ///< addresses of Services that this Node has
  /// Whether this Node is to say that it has just come back: what it had it has given up by then.
  bool returning = false;
  bool settled = false;  ///< `EgressView::settled`: placements count
};

/// Engine: all that a Node decides about addresses that move, of Egresses and of Services. It asks
/// the Scheduler where they are to be and the Director what follows.
///
/// - Nothing is decided before everything is known: Egresses, pools, groups and Services. The
/// switch
///   goes on with what it has.
/// - Who is there counts only when all Nodes have been heard, or `kSettle` after the gossip has
///   begun: a Node that has just started must not take the others for dead.
/// - If addresses are given out then, it comes back to a cluster that went on, as it does whenever
///   others may have acted without it. If none is, the cluster begins: members that do not know yet
///   whether others went on begin with it, and get their share, for `kSettle` at most.
class ANTREA_API EgressNode {
 public:
  static constexpr Duration kSettle = std::chrono::seconds(3);

  enum class Known { kEgresses, kPools, kGroups, kServices };

  /// `exceptions`: destinations that no Egress is for.
  EgressNode(std::string name, egress::SchedulerConfig config, std::vector<IpPrefix> exceptions);

  /// Marks of an earlier life, before all else.
  void adopt(std::map<IpAddress, EgressMark> marks) { director_.adopt(std::move(marks)); }
  /// Egresses, pools and Services that changed, and what of theirs is gone.
  void take(const egress::SchedulerInput& objects, TimePoint now);
  /// All Nodes there are.
  void take_nodes(const std::map<std::string, api::Node>& nodes, TimePoint now);
  void take_groups(const std::map<std::string, api::controlplane::EgressGroup>& groups);
  /// All that were there before this have been told.
  void known(Known what, TimePoint now);
  void gossip_begins(TimePoint now);
  /// `missed`: this Node was outvoted, cut off or reconnected, so that others may have acted.
  void take_members(EgressMembers members, bool missed, TimePoint now);
  void attached(const api::ObjectKey& pod, std::uint32_t port);
  void detached(const api::ObjectKey& pod, std::uint32_t port);
  /// Of this Node, but for the Egress device; asked for while `wants_local_addresses`.
  void take_local_addresses(std::set<IpAddress> addresses);
  bool wants_local_addresses() const;

  /// What is to be done now; nothing before everything is known. `now` never goes back.
  std::optional<EgressOutcome> decide(TimePoint now);
  /// When `decide` is to be called again though nothing happened.
  std::optional<TimePoint> next_deadline() const;

  const egress::Scheduler& scheduler() const { return scheduler_; }
  const std::map<std::string, api::crd::Egress>& egresses() const { return view_.egresses; }
  /// Addresses of other Nodes that have an agent, which is to be a member.
  const std::map<std::string, IpAddress>& nodes() const { return view_.nodes; }

 private:
  bool everything_known() const;
  bool given_out() const;
  void settle_if_due(TimePoint now);
  void tell_members(TimePoint now);
  std::set<IpAddress> services_here() const;

  std::string name_;
  std::vector<IpPrefix> exceptions_;
  egress::Scheduler scheduler_;
  EgressDirector director_;
  EgressView view_;
  std::set<std::string> known_nodes_;
  std::set<Known> known_;
  TimePoint settles_at_ = TimePoint::max();
  std::set<std::string> say_returning_;  // the others that do
  std::set<std::string> beginners_;      // of them, those that count as if they did not
  TimePoint begun_at_{};                 // until when
};

}  // namespace antrea::node
