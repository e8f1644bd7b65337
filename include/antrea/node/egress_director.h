#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/egress.h"
#include "antrea/base/clock.h"
#include "antrea/egress/scheduler.h"
#include "antrea/node/egress_flows.h"
#include "antrea/node/egress_host.h"

namespace antrea::node {

/// All that a Node knows of Egress.
struct EgressView {
  std::map<std::string, api::crd::Egress> egresses;
  std::map<std::string, api::crd::ExternalIPPool> pools;
  std::map<std::string, std::vector<api::ObjectKey>> groups;  ///< the Pods that each selects
  std::map<api::ObjectKey, std::set<std::uint32_t>> pods;     ///< ports of Pods of this Node
  std::map<std::string, IpAddress> nodes;                     ///< other Nodes' addresses
  std::set<std::string> alive;                                ///< members, this Node too
  std::set<std::string> returning;      ///< other members that say that they have just come back
  std::set<IpAddress> local_addresses;  ///< of this Node, but for the Egress device
  std::set<IpPrefix> exceptions;
  /// Who is alive is known: placements count. Before, what the Egresses' status says is kept up,
  /// and nothing is served.
  bool settled = false;
  /// Nobody is heard, or this Node was out for so long that others may have acted.
  bool cut_off = false;
};

/// What follows from it.
struct EgressDecision {
  EgressPaths paths;
  std::vector<LocalEgressIp> local;
  std::set<IpAddress> owned;  ///< assigned to this Node: to be announced
  /// What this Node is to have and cannot have: why. Nothing leaves with it.
  std::map<IpAddress, std::string> refused;
  std::set<EgressSubnet> subnets;  ///< of all pools
  /// Other Nodes that have addresses, or are next to have them, and are to be asked for now: before
  /// a packet has to go there, new ones, and all again every `kProbeAgain`.
  std::set<IpAddress> probes;
  /// Whether the lease is to be renewed.
  bool serving = false;
};

/// Engine: what a Node does for Egress.
///
/// - Of several Egresses that select a Pod, the oldest has it; among equals, the first by name. Of
///   several addresses of an Egress, a Pod has the same one for as long as these are.
/// - An address whose owner is not alive, or has just come back and so given up what it had, is
///   taken over at once.
/// - An address whose owner is alive is handed over, so that nothing is lost: the new owner
///   translates at once. The old one gives the address up at once and goes on translating for
///   `kRetirement`; what comes in that is not of its connections, it sends on. All Nodes send what
///   their own Pods say to the old one until `kSwitchover`, when both have learned of it. The new
///   one has the address and announces it only after `kTakeover`, when all send to it.
/// - An address in a subnet that cannot be served here (of a VLAN, or beyond `kMostEgressSubnets`)
/// is
///   refused by its owner, as is one for which no mark is left.
/// - Marks of addresses are kept as long as these are; of a new one a hash decides, then the next
///   that is free.
class ANTREA_API EgressDirector {
 public:
  static constexpr Duration kSwitchover = std::chrono::milliseconds(200);
  static constexpr Duration kTakeover = std::chrono::milliseconds(500);
  static constexpr Duration kRetirement = std::chrono::seconds(3);

  /// A userspace datapath forgets where Nodes are after 15 minutes.
  static constexpr Duration kProbeAgain = std::chrono::minutes(5);

  explicit EgressDirector(std::string self) : self_(std::move(self)) {}

  /// Marks of an earlier life, before all else.
  void adopt(std::map<IpAddress, EgressMark> marks);
  /// `now` never goes back.
  EgressDecision decide(const EgressView& view,
                        const std::map<egress::EgressIp, egress::Placement>& placements,
                        TimePoint now);
  /// When `decide` is to be called again though nothing happened.
  std::optional<TimePoint> next_deadline() const { return next_; }

 private:
  struct Standing {
    std::string owner;
    std::string before;                   // the owner, until a planned move
    TimePoint switches_at{};              // until when traffic still goes to `before`
    TimePoint takes_at{};                 // from when a new owner has the address
    std::optional<TimePoint> retires_at;  // of an old owner
    IpAddress successor;
  };
  struct Wish {
    std::string owner, standby;
    std::optional<EgressBandwidth> bandwidth;
    const api::crd::ExternalIPPool* pool = nullptr;  // of `view`; null: none, or not known
  };
  std::map<IpAddress, Wish> wishes(
      const EgressView& view,
      const std::map<egress::EgressIp, egress::Placement>& placements) const;
  void follow(const EgressView& view, const std::map<IpAddress, Wish>& wishes, TimePoint now);
  bool serves(const EgressView& view, const std::string& node) const;
  std::set<IpAddress> probe(const std::set<IpAddress>& peers, TimePoint now);
  void wake_at(TimePoint when, TimePoint now) {
    if (when > now && (!next_ || when < *next_)) next_ = when;
  }
  std::optional<EgressMark> mark_of(const IpAddress& ip);
  static void choose_for_pods(const EgressView& view, EgressPaths& paths);

  std::string self_;
  std::map<IpAddress, EgressMark> marks_;
  std::map<IpAddress, Standing> standings_;
  std::map<IpAddress, TimePoint> probed_;
  std::set<std::string> returning_;  // at the last decision
  std::optional<TimePoint> next_;
};

}  // namespace antrea::node
