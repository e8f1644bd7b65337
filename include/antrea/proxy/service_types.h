#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "antrea/api/core.h"
#include "antrea/openflow/group.h"

namespace antrea::proxy {

/// An address and port that connections are led to.
struct Backend {
  IpAddress ip;
  std::uint16_t port = 0;
  friend auto operator<=>(const Backend&, const Backend&) = default;
};

/// What packets are addressed to. A node port, which has many addresses, stands under
/// `node_port_ip`.
struct Frontend {
  IpAddress ip;
  std::uint16_t port = 0;
  api::Protocol protocol = api::Protocol::kTcp;
  friend auto operator<=>(const Frontend&, const Frontend&) = default;
};

/// 169.254.0.252 or fc01::aabb:ccdd:eefe: where the host sends packets for its node ports before
/// they enter the switch.
ANTREA_API IpAddress node_port_ip(Family family);

/// Why an address is served. Should two Services claim one frontend, the lower kind has it, then
/// the Service whose Namespace and name sort first: nobody takes a cluster IP away.
enum class FrontendKind : std::uint8_t { kClusterIp, kNodePort, kLoadBalancer, kExternalIp };
ANTREA_API std::string_view to_string(FrontendKind kind);  ///< "ClusterIP", "NodePort", …

/// How packets for a load balancer's address reach an endpoint on another Node: translated here,
/// with the answer coming back the same way, or unchanged, with the answer going to the client
/// directly (antrea: docs/antrea-proxy.md).
enum class LoadBalancerMode : std::uint8_t { kNat, kDsr };

/// What the engine knows of Nodes. It may change at any time.
struct NodeFacts {
  std::string zone;  ///< this Node's topology.kubernetes.io/zone, or empty
  /// Addresses of this Node at which node ports are served, loopback ones left out.
  std::set<IpAddress> node_port_addresses;
  /// Addresses of all Nodes: endpoints there are not behind the tunnel.
  std::set<IpAddress> node_ips;
  friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};

/// A port at which the host answers health checks of an external load balancer (Service
/// spec.healthCheckNodePort).
struct HealthCheck {
  std::uint16_t port = 0;
  std::size_t local_endpoints = 0;  ///< distinct ready addresses on this Node; 0: unhealthy
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// What must happen outside the switch, as desired state. Filled only where the proxy serves the
/// host (`BalancerConfig::proxy_all`).
struct HostServices {
  struct NodePort {
    Family family = Family::kIPv4;
    api::Protocol protocol = api::Protocol::kTcp;
    std::uint16_t port = 0;
    friend auto operator<=>(const NodePort&, const NodePort&) = default;
  };
  std::set<NodePort> node_ports;     ///< translated to `node_port_ip`
  std::set<IpAddress> external_ips;  ///< routed into the switch, untracked on the way
  /// The smallest prefixes that hold all cluster IPs, routed into the switch.
  std::optional<IpPrefix> cluster_ips_v4, cluster_ips_v6;
  std::map<api::ObjectKey, HealthCheck> health_checks;  ///< by Service
  friend bool operator==(const HostServices&, const HostServices&) = default;
};

/// Tracked UDP connections that must be forgotten, or their packets go on to where they went:
/// those addressed to `original` in the family's DNAT zone, and, if `endpoint` is there, answered
/// by it.
struct StaleConnections {
  Frontend original;
  std::optional<IpAddress> endpoint;
  friend auto operator<=>(const StaleConnections&, const StaleConnections&) = default;
};

}  // namespace antrea::proxy
