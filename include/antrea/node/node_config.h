#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "antrea/api/pipeline.h"
#include "antrea/base/ip.h"
#include "antrea/node/interface_name.h"

namespace antrea::node {

/// What a Node's data plane is told about the Node itself, once, at start.
struct NodeConfig {
  std::string name;
  std::vector<IpAddress> node_ips;  ///< transport addresses, at most one per family
  std::vector<IpPrefix> pod_cidrs;  ///< at most one per family
  std::string gateway_name{kGatewayName};
  MacAddress gateway_mac;
  std::uint32_t gateway_ofport = api::pipeline::kGatewayOfPort;
  std::uint32_t tunnel_ofport = api::pipeline::kTunnelOfPort;
  /// Open vSwitch forwards in userspace (datapath_type netdev): packet marks do not cross the
  /// gateway port, so that the host marks its own packets by a source MAC instead; see
  /// `kHostLocalMac`.
  bool userspace_datapath = false;
  unsigned mtu = 1450;  ///< of Pods and the gateway, bytes
  /// The Services of Pods are served here. If not, kube-proxy serves them on the host: what Pods
  /// send to `service_cidrs` leaves through the gateway and comes back translated.
  bool proxy = true;
  std::vector<IpPrefix> service_cidrs;  ///< without `proxy`; at most one per family
  /// With `proxy`: node ports, external IPs and the host's own clients of Services are served here,
  /// not by kube-proxy.
  bool proxy_all = false;
  /// Traffic of chosen Pods leaves with other addresses than the Node's; see `EgressFlows`.
  bool egress = false;
  bool dsr = false;  ///< load balancers may answer directly (IPv4); see `proxy::LoadBalancerMode`

  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

/// The source MAC that the host gives to packets of its own processes when they leave through the
/// gateway of a userspace datapath. Forwarded and masqueraded packets of others keep the gateway's
/// MAC, and nobody else can put it there: it counts only on the gateway port, behind which there is
/// nobody but the host's kernel.
inline constexpr std::uint64_t kHostLocalMac = 0xaabbccddeef1;

/// The device group of the host's ends of Pods' veth pairs. A userspace datapath taps these
/// devices, but the host's kernel hears them too: it would answer ARP for its own addresses and
/// route what a Pod sends to the device's MAC, past every policy. The host drops all that comes
/// from this group.
inline constexpr std::uint32_t kPodInterfaceGroup = 2583;

/// The gateway's address in a Pod CIDR: the first one behind the network address.
inline IpAddress gateway_ip(const IpPrefix& pod_cidr) { return pod_cidr.address().plus(1); }

/// Another Node as this one reaches it.
struct PeerNode {
  std::string name;
  IpAddress node_ip;                ///< the tunnel's far end
  std::vector<IpPrefix> pod_cidrs;  ///< at most one per family

  friend auto operator<=>(const PeerNode&, const PeerNode&) = default;
};

}  // namespace antrea::node
