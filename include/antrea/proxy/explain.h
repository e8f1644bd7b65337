#pragma once

#include <span>
#include <string>
#include <vector>

#include "antrea/proxy/balancer.h"

namespace antrea::proxy {

/// Why connections to a frontend are, or are not, led to an endpoint.
enum class Reason : std::uint8_t {
  kReady,              ///< chosen
  kReadyHere,          ///< chosen: the policy is Local, and it is on this Node
  kHintedZone,         ///< chosen: hinted to this Node's zone
  kHintedNode,         ///< chosen: hinted to this Node
  kServesStill,        ///< chosen: it terminates but serves, and none is ready
  kOtherNode,          ///< the policy is Local, and it is on another Node
  kOtherZone,          ///< others are hinted to this Node's zone
  kHintedToOtherNode,  ///< others are hinted to this Node
  kTerminates,         ///< it serves still, but others are ready
  kNotReady,
};
bool ANTREA_API is_chosen(Reason reason);
ANTREA_API std::string_view describe(Reason reason);

struct ExplainedEndpoint {
  Backend backend;
  std::string node;                   ///< of the slice; may be empty
  std::optional<api::ObjectKey> pod;  ///< targetRef
  Reason reason = Reason::kNotReady;
};

struct ExplainedFrontend {
  Frontend frontend;
  FrontendKind kind = FrontendKind::kClusterIp;
  std::string port_name;
  api::TrafficPolicy policy = api::TrafficPolicy::kCluster;  ///< the one that counts here
  bool policy_is_external = false;
  bool refused_by_source = false;  ///< the client is in none of the source ranges: dropped
  std::uint16_t affinity_timeout = 0;
  openflow::GroupId group;                   ///< of this client
  std::vector<ExplainedEndpoint> endpoints;  ///< ascending
};

/// Who connects, and where his packets enter.
struct ExplainedClient {
  IpAddress address;
  bool on_this_node = true;   ///< a Pod of this Node, or the Node itself
  bool is_this_node = false;  ///< the Node itself
};

struct Explanation {
  std::vector<ExplainedFrontend> frontends;  ///< ascending, those of the client's family
  /// What this Service alone puts into the switch. Group IDs are the switch's own unless another
  /// Service's name has the same hash, which is one in four billion.
  openflow::Changes pipeline;
};

/// How a Node serves a Service to a client, worked out anew from the objects: the same engine and
/// the same choice as in `Balancer`, with the reasons. Empty: the Service is left alone.
ANTREA_API Explanation explain(const api::Service& service,
                               std::span<const api::EndpointSlice> slices,
                               const BalancerConfig& config, const NodeFacts& node,
                               const ExplainedClient& client);

}  // namespace antrea::proxy
