#pragma once

#include <optional>
#include <string>
#include <vector>

#include "antrea/api/core.h"

namespace antrea::api {

/// networking.k8s.io/v1 IPBlock
struct IpBlock {
  IpPrefix cidr;
  std::vector<IpPrefix> except;
  friend auto operator<=>(const IpBlock&, const IpBlock&) = default;
};

struct NetworkPolicyPort {
  Protocol protocol = Protocol::kTcp;
  std::optional<IntOrString> port;       ///< absent: all ports of the protocol
  std::optional<std::int32_t> end_port;  ///< inclusive
  friend bool operator==(const NetworkPolicyPort&, const NetworkPolicyPort&) = default;
};

/// Exactly one of `ip_block` and the selectors is given.
struct NetworkPolicyPeer {
  std::optional<LabelSelector> pod_selector;
  std::optional<LabelSelector> namespace_selector;
  std::optional<IpBlock> ip_block;
  friend bool operator==(const NetworkPolicyPeer&, const NetworkPolicyPeer&) = default;
};

/// A rule of either direction: `peers` is `from` or `to`. Empty peers match everybody, empty ports
/// everything.
struct NetworkPolicyRule {
  std::vector<NetworkPolicyPeer> peers;
  std::vector<NetworkPolicyPort> ports;
  friend bool operator==(const NetworkPolicyRule&, const NetworkPolicyRule&) = default;
};

/// networking.k8s.io/v1 NetworkPolicy, defaulted: `policy_ingress` and `policy_egress` are the
/// policyTypes.
struct NetworkPolicy {
  ObjectMeta metadata;
  LabelSelector pod_selector;
  bool policy_ingress = false;
  bool policy_egress = false;
  std::vector<NetworkPolicyRule> ingress;
  std::vector<NetworkPolicyRule> egress;
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

}  // namespace antrea::api
