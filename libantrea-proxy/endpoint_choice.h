#pragma once

#include <span>

#include "slice_set.h"

namespace antrea::proxy {

/// What is known of an endpoint, as bits.
namespace endpoint_flags {
inline constexpr std::uint8_t kLocal = 1, kReady = 2, kServing = 4, kTerminating = 8,
                              kZoneHint = 16, kThisZone = 32, kNodeHint = 64, kThisNode = 128;
}

/// An endpoint of one port of a Service.
struct Candidate {
  Backend backend;
  std::uint8_t flags = 0;  ///< `endpoint_flags`
  bool all(std::uint8_t wanted) const { return (flags & wanted) == wanted; }
  bool hinted() const {
    return (flags & (endpoint_flags::kZoneHint | endpoint_flags::kNodeHint)) != 0;
  }
};

/// What the hints of a port's endpoints say (kep.k8s.io/2433, 3015).
enum class Topology : std::uint8_t { kAnywhere, kThisZone, kThisNode };

/// A port of a Service in one family, as it is looked for in slices, and where.
struct PortOnNode {
  std::string_view name;
  api::Protocol protocol = api::Protocol::kTcp;
  Family family = Family::kIPv4;
  std::string_view zone, node;
};

/// The endpoints of a port, ascending, each once: should slices disagree about one for a while,
/// what speaks for it wins.
std::vector<Candidate> candidates(const SliceSet& slices, const PortOnNode& port);
/// The same of what is, or was, listed at one address.
std::vector<Candidate> candidates(const SliceSet& slices, const PortOnNode& port,
                                  std::span<const SliceSet::Listing> listings);

/// How many of a port's endpoints have what the choice among them depends on.
class Tally {
 public:
  void add(const Candidate& endpoint) { count(endpoint, 1); }
  void remove(const Candidate& endpoint) { count(endpoint, -1); }

  /// Hints count only if every ready endpoint has one, and one of them names this Node or zone.
  Topology topology() const;
  /// What the endpoints have that a traffic policy Cluster chooses: the ready ones, as near as the
  /// topology says; if there is none, those that terminate but still serve.
  std::uint8_t wanted_by_cluster() const;
  /// For a traffic policy Local: the same among this Node's endpoints, whatever the topology.
  std::uint8_t wanted_by_local() const;

 private:
  void count(const Candidate& endpoint, int by);

  // Of those that are ready, and of this Node's.
  std::uint32_t ready_ = 0, local_ = 0;
  std::uint32_t zone_hints_ = 0, this_zone_ = 0, node_hints_ = 0, this_node_ = 0;
};
Tally tally_of(const std::vector<Candidate>& endpoints);

/// Those that have all that is wanted.
std::vector<Backend> choose(const std::vector<Candidate>& endpoints, std::uint8_t wanted);
/// Those that are not to be cut off: ready, or still serving.
std::vector<Backend> serving(const std::vector<Candidate>& endpoints);

}  // namespace antrea::proxy
