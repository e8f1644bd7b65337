#pragma once

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
};

/// What the hints of a port's endpoints say (kep.k8s.io/2433, 3015).
enum class Topology : std::uint8_t { kAnywhere, kThisZone, kThisNode };

/// The endpoints of a port, ascending, each once: should slices disagree about one for a while,
/// what speaks for it wins.
std::vector<Candidate> candidates(const SliceSet& slices, std::string_view port_name,
                                  api::Protocol protocol, Family family, std::string_view zone,
                                  std::string_view node);

/// Hints count only if every ready endpoint has one, and one of them names this Node or zone.
Topology topology_of(const std::vector<Candidate>& endpoints);

/// For a traffic policy Cluster: the ready ones, as near as the topology says; if there is none,
/// those that terminate but still serve.
std::vector<Backend> choose_cluster(const std::vector<Candidate>& endpoints);
/// For a traffic policy Local: the same among this Node's endpoints, whatever the topology.
std::vector<Backend> choose_local(const std::vector<Candidate>& endpoints);
/// Those that are not to be cut off: ready, or still serving.
std::vector<Backend> serving(const std::vector<Candidate>& endpoints);

}  // namespace antrea::proxy
