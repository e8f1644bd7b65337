#pragma once

#include <string>
#include <vector>

#include "endpoint_choice.h"

namespace antrea::proxy {

/// A select group to be, under the name of what it stands for.
struct GroupSpec {
  std::string identity;  ///< "namespace/name:port/TCP/IPv4/cluster"
  Family family = Family::kIPv4;
  api::Protocol protocol = api::Protocol::kTcp;
  bool affinity = false;
  bool dsr = false;
  std::vector<Backend> backends;   ///< ascending
  std::vector<std::uint8_t> away;  ///< with dsr, of each backend: behind the tunnel
  bool is_away(std::size_t backend) const { return dsr && away[backend] != 0; }
  /// With dsr, of UDP: endpoints, ascending, that connections may stay at.
  std::vector<Backend> kept;
  /// Whether the switch's group is the same.
  bool looks_like(const GroupSpec& other) const {
    return affinity == other.affinity && dsr == other.dsr && backends == other.backends &&
           away == other.away;
  }
};

inline constexpr std::uint32_t kNoGroup = 0xffffffff;

/// What a frontend's flows depend on, groups by their place in `CompiledService::groups`, or by
/// their ID in the switch.
struct FrontendFlows {
  std::uint32_t group = kNoGroup;
  std::uint32_t local_clients_group = kNoGroup;  ///< of clients on this Node, where another one
  std::uint32_t from_tunnel_group = kNoGroup;    ///< of what another Node has sent on unchanged
  std::uint16_t affinity_timeout = 0;            ///< seconds; 0: none
  bool external = false;
  bool dsr = false;
  bool host_allowed = false;      ///< with `sources`: this Node is among them
  std::vector<IpPrefix> sources;  ///< who may; empty: all
  friend bool operator==(const FrontendFlows&, const FrontendFlows&) = default;
};
struct FrontendSpec {
  Frontend at;
  FrontendKind kind = FrontendKind::kClusterIp;
  std::uint32_t serving = kNoGroup;  ///< of UDP: place in `CompiledService::serving`
  FrontendFlows flows;
};
/// A port of a Service in one family: what its endpoints come to.
struct CompiledPort {
  std::uint32_t port = 0;  ///< place in `ServiceInput::ports`
  Family family = Family::kIPv4;
  Tally tally;
  /// Places in `CompiledService::groups`, where needed, and of UDP in `CompiledService::serving`.
  std::uint32_t cluster = kNoGroup, local = kNoGroup, serving = kNoGroup;
};
struct CompiledService {
  std::vector<CompiledPort> ports;
  std::vector<GroupSpec> groups;        ///< by identity
  std::vector<FrontendSpec> frontends;  ///< by frontend
  /// For stale UDP connections: endpoints that are not to be cut off, ascending.
  std::vector<std::vector<Backend>> serving;
  std::optional<HealthCheck> health_check;
  bool hinted = false;  ///< what it comes to depends on this Node's zone
};

PortOnNode on_node(const ServiceInput& service, const CompiledPort& port,
                   const BalancerConfig& config, const NodeFacts& node);

/// The decision: which frontends lead to which endpoints.
CompiledService compile_service(const api::ObjectKey& key, const ServiceInput& service,
                                const SliceSet& slices, const BalancerConfig& config,
                                const NodeFacts& node);

}  // namespace antrea::proxy
