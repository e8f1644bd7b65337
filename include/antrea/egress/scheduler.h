#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/egress.h"
#include "antrea/base/clock.h"
#include "antrea/egress/service_claims.h"

namespace antrea::egress {

/// Annotations of Nodes. `kMaxEgressIps` (of the original) is a number that replaces
/// `SchedulerConfig::max_ips_per_node`; what is no number counts as absent. `kDrain` "true" moves
/// the Egress IPs of a Node to others, as far as there are others, before it is taken down.
inline constexpr std::string_view kMaxEgressIps = "node.antrea.io/max-egress-ips";
inline constexpr std::string_view kDrain = "node.antrea.io/egress-drain";

struct SchedulerConfig {
  std::uint32_t max_ips_per_node = 255;
  /// How long a Node that came back is given no addresses while others may have them.
  Duration return_delay = std::chrono::seconds(10);
  /// Give out addresses only where most of a pool's Nodes are alive. Off among agents of the
  /// original, which do not ask.
  bool majority = true;
};

/// What happened since the last time.
struct SchedulerInput {
  std::vector<api::crd::Egress> egresses;  ///< new or changed
  std::vector<std::string> removed_egresses;
  std::vector<ServiceClaim> services;  ///< new or changed
  std::vector<std::string> removed_services;
  std::vector<api::crd::ExternalIPPool> pools;  ///< new or changed
  std::vector<std::string> removed_pools;
  std::vector<api::Node> nodes;  ///< new or changed
  std::vector<std::string> removed_nodes;
  std::optional<std::set<std::string>> alive;  ///< all members that are alive, this Node too
  /// Of the others, those that say themselves that they have just come back.
  std::optional<std::set<std::string>> returning;
};

/// One address of one Egress, or of one Service. An address may be in several: it has one owner in
/// all.
struct EgressIp {
  std::string egress;  ///< its name; of a Service "namespace/name", which is no Egress's
  IpAddress ip;
  friend auto operator<=>(const EgressIp&, const EgressIp&) = default;
};

inline bool is_service(const EgressIp& key) { return key.egress.find('/') != std::string::npos; }

/// Why nobody owns an address.
enum class Unowned : std::uint8_t {
  kNo,          ///< somebody does
  kNoPool,      ///< its pool does not exist
  kNoMajority,  ///< too few Nodes of the pool are alive here: others may own it
  kNoNode,      ///< no Node that is alive matches the pool's selector
  kFull,        ///< all Nodes that could are at their limits
  kNoEndpoint,  ///< of a Service with externalTrafficPolicy Local: no Node that could has one
};
ANTREA_API std::string_view to_string(Unowned reason);  ///< "", or for people

/// Where an address is to be.
struct Placement {
  std::string pool;
  std::string owner;    ///< the Node that has it; empty: none
  std::string standby;  ///< who takes over if the owner fails; empty: nobody can
  Unowned unowned = Unowned::kNo;
  friend bool operator==(const Placement&, const Placement&) = default;
};

/// An entry that changed; without a placement it is gone.
struct PlacementChange {
  EgressIp key;
  std::optional<Placement> placement;
  friend bool operator==(const PlacementChange&, const PlacementChange&) = default;
};

/// Engine: which Node owns which Egress IP. Every agent computes it alone and comes to the same
/// result from the same objects and members (antrea: pkg/agent/controller/egress/ip_scheduler.go,
/// whose choice it makes where the rules below do not come in). Rules, first to last:
///
/// - An address without a pool is its user's business and is not placed.
/// - Services are placed as Egresses are, but at Nodes of their claims only, and beside the limits.
///   Of several that share an address, the first one's claim counts.
/// - A pool's Nodes are those that match its selector and, if they say, run Linux. Nobody owns an
///   address of a pool without a majority: most of its Nodes are alive; of exactly half, the half
///   with the first Node by name is one. Of a pool with less than three Nodes, all Linux Nodes of
///   the cluster are asked instead, as two Nodes cannot tell which one was cut off.
/// - Egresses are placed in order of creation, then name; an address that is already placed stays
///   there. Candidates are the Nodes of the pool that are alive, in the order of the ring
///   (consistent_hash.h) for the address, as far as they are below their limits.
/// - Of those, Nodes that came back within `return_delay` come after the others, and Nodes to be
///   drained after these. When a Node came back, it knows best: as soon as it says so, and until it
///   says no more, its word counts, so that all agree, even those that were not there to see it.
///   Among equals, those that own no other address of the same family of the
///   same Egress come first.
/// - The standby is the candidate that would come first if the owner were dead.
///
/// The result depends on the objects, on who is alive, and on who came back when; not on the order
/// of other changes. Cost: a placement for each address that a change can concern (those of a Node
/// that went, those whose walk a Node that came stands in), and for all others a glance; where some
/// Node has as many addresses as it may, a placement for each.
class ANTREA_API Scheduler {
 public:
  explicit Scheduler(SchedulerConfig config = {});
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  /// Takes what happened and returns what changes by it, ascending. `now` never goes back. A Node
  /// has come back when it is alive after it was not; those of the first `alive` have not. When
  /// that gives this side a majority of the cluster's Nodes which it lacked, it is this side that
  /// has come back, and not those it meets.
  std::vector<PlacementChange> apply(const SchedulerInput& input, TimePoint now);

  /// `node` came back at `now`, though it was not seen to go: for this Node itself, when it finds
  /// that others had taken it for dead.
  std::vector<PlacementChange> returned(std::string_view node, TimePoint now);

  /// Whether `node` counts as one that came back: what this Node is to say of itself.
  bool returning(std::string_view node) const;

  /// When `apply({}, …)` may have something to tell: a Node's return has taken long enough.
  std::optional<TimePoint> next_deadline() const;

  /// All of it.
  const std::map<EgressIp, Placement>& placements() const;

  /// Who reports about an Egress none of whose addresses has an owner: the owner of `key`, its
  /// first address as text or "", among all that are alive. Empty if none is.
  std::string reporter(std::string_view key) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace antrea::egress
