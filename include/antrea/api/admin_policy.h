#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "antrea/api/controlplane.h"

/// policy.networking.k8s.io: the policies of a cluster's administrator. v1alpha1 has two kinds, of
/// which v1alpha2 made one (network-policy-api: apis/v1alpha1, apis/v1alpha2). Their JSON form is
/// in policy_json.h.
namespace antrea::api::admin {

struct NamespacedPods {
  LabelSelector namespace_selector, pod_selector;
  friend bool operator==(const NamespacedPods&, const NamespacedPods&) = default;
};

/// Exactly one is given.
struct Subject {
  std::optional<LabelSelector> namespaces;
  std::optional<NamespacedPods> pods;
  friend bool operator==(const Subject&, const Subject&) = default;
};

/// At most one is given. None: a kind of peer that this version of the API does not know; rules
/// with it fail closed.
struct Peer {
  std::optional<LabelSelector> namespaces;
  std::optional<NamespacedPods> pods;
  std::optional<LabelSelector> nodes;     ///< egress only
  std::vector<IpPrefix> networks;         ///< egress only
  std::vector<std::string> domain_names;  ///< egress only; a leading "*." is one or more labels
  bool unknown() const {
    return !namespaces && !pods && !nodes && networks.empty() && domain_names.empty();
  }
  friend bool operator==(const Peer&, const Peer&) = default;
};

/// Ports `start` to `end` of a protocol.
struct PortRange {
  Protocol protocol = Protocol::kTcp;
  std::int32_t start = 0, end = 0;
  friend bool operator==(const PortRange&, const PortRange&) = default;
};
/// Numbers, or the name of a container's port in whatever protocol.
using Port = std::variant<PortRange, std::string>;

struct Rule {
  std::string name;
  /// kDrop is spelled "Deny", and kAllow "Accept" in v1alpha2. Not kReject; in a
  /// BaselineAdminNetworkPolicy not kPass.
  controlplane::RuleAction action = controlplane::RuleAction::kAllow;
  std::vector<Peer> peers;
  std::vector<Port> ports;  ///< empty: all
  friend bool operator==(const Rule&, const Rule&) = default;
};

struct AdminNetworkPolicy {
  ObjectMeta metadata;
  std::int32_t priority = 0;  ///< 0 to 1000; the smaller one comes first
  Subject subject;
  std::vector<Rule> ingress, egress;
  friend bool operator==(const AdminNetworkPolicy&, const AdminNetworkPolicy&) = default;
};

/// There is one, named "default".
struct BaselineAdminNetworkPolicy {
  ObjectMeta metadata;
  Subject subject;
  std::vector<Rule> ingress, egress;
  friend bool operator==(const BaselineAdminNetworkPolicy&,
                         const BaselineAdminNetworkPolicy&) = default;
};

/// Where a ClusterNetworkPolicy stands: before all others that administrators and Namespaces make,
/// or where these say nothing.
enum class Tier : std::uint8_t { kAdmin, kBaseline };

/// v1alpha2. `domain_names` are only given in rules that allow.
struct ClusterNetworkPolicy {
  ObjectMeta metadata;
  Tier tier = Tier::kAdmin;
  std::int32_t priority = 0;  ///< in the tier, 0 to 1000; the smaller one comes first
  Subject subject;
  std::vector<Rule> ingress, egress;
  friend bool operator==(const ClusterNetworkPolicy&, const ClusterNetworkPolicy&) = default;
};

}  // namespace antrea::api::admin
