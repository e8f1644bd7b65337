#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/networking.h"

/// controlplane.antrea.io/v1beta2: what the controller tells the agents (antrea:
/// pkg/apis/controlplane/v1beta2/types.go).
namespace antrea::api::controlplane {

/// What these objects have of metav1.ObjectMeta. There are very many of them, so it holds no more.
struct Metadata {
  std::string name;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool initial_events_end = false;  ///< the annotation k8s.io/initial-events-end of a BOOKMARK
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

enum class PolicyType : std::uint8_t {
  kK8sNetworkPolicy,
  kAntreaClusterNetworkPolicy,
  kAntreaNetworkPolicy,
  kAdminNetworkPolicy,
  kBaselineAdminNetworkPolicy,
  kClusterNetworkPolicy,
};
ANTREA_API std::string_view to_string(PolicyType type);  ///< "K8sNetworkPolicy", …

/// The policy object of the user that an internal one was made from.
struct NetworkPolicyReference {
  PolicyType type = PolicyType::kK8sNetworkPolicy;
  std::string namespace_;
  std::string name;
  std::string uid;
  /// "K8sNetworkPolicy:namespace/name"
  ANTREA_API std::string to_string() const;
  friend auto operator<=>(const NetworkPolicyReference&, const NetworkPolicyReference&) = default;
};

enum class Direction : std::uint8_t { kIn, kOut };
enum class RuleAction : std::uint8_t { kAllow, kDrop, kReject, kPass };

/// What a rule matches beside its peers. The IP protocols of `ServiceProtocol` include ICMP and
/// IGMP.
enum class ServiceProtocol : std::uint8_t {
  kTcp = 6,
  kUdp = 17,
  kSctp = 132,
  kIcmp = 1,
  kIgmp = 2
};
struct Service {
  std::optional<ServiceProtocol> protocol;  ///< absent: TCP
  std::optional<IntOrString> port;          ///< absent: all ports
  std::optional<std::int32_t> end_port;
  std::optional<std::int32_t> icmp_type, icmp_code, igmp_type;
  std::string group_address;
  std::optional<std::int32_t> src_port, src_end_port;
  friend auto operator<=>(const Service&, const Service&) = default;
};

struct ServiceReference {
  std::string namespace_, name;
  friend auto operator<=>(const ServiceReference&, const ServiceReference&) = default;
};

struct NetworkPolicyPeer {
  std::vector<std::string> address_groups;
  std::vector<IpBlock> ip_blocks;
  std::vector<std::string> fqdns;
  std::vector<ServiceReference> to_services;
  std::vector<std::uint32_t> label_identities;
  bool empty() const {
    return address_groups.empty() && ip_blocks.empty() && fqdns.empty() && to_services.empty() &&
           label_identities.empty();
  }
  friend bool operator==(const NetworkPolicyPeer&, const NetworkPolicyPeer&) = default;
};

/// What a rule allows inside connections; absent parts match everything. Exactly one of them is
/// given.
struct HttpProtocol {
  std::string host, method, path;
  friend bool operator==(const HttpProtocol&, const HttpProtocol&) = default;
};
struct TlsProtocol {
  std::string sni;
  friend bool operator==(const TlsProtocol&, const TlsProtocol&) = default;
};
struct L7Protocol {
  std::optional<HttpProtocol> http;
  std::optional<TlsProtocol> tls;
  friend bool operator==(const L7Protocol&, const L7Protocol&) = default;
};

struct NetworkPolicyRule {
  Direction direction = Direction::kIn;
  bool enable_logging = false;
  std::optional<RuleAction> action;  ///< absent: the rule only isolates
  std::int32_t priority = -1;        ///< index of the rule in its policy; -1 for K8s policies
  NetworkPolicyPeer peers;           ///< `from` of direction In, `to` of direction Out
  std::vector<Service> services;
  std::vector<std::string> applied_to_groups;
  std::string name;
  std::string log_label;
  std::vector<L7Protocol> l7_protocols;
  friend bool operator==(const NetworkPolicyRule&, const NetworkPolicyRule&) = default;
};

/// The internal form of a policy. `metadata.name` = `metadata.uid` = the source's uid.
struct NetworkPolicy {
  Metadata metadata;
  std::vector<NetworkPolicyRule> rules;
  std::vector<std::string> applied_to_groups;
  std::optional<double> priority;
  std::optional<std::int32_t> tier_priority;
  NetworkPolicyReference source_ref;
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

struct NamedPort {
  std::int32_t port = 0;
  std::string name;
  Protocol protocol = Protocol::kTcp;
  friend auto operator<=>(const NamedPort&, const NamedPort&) = default;
};

enum class MemberKind : std::uint8_t { kPod, kExternalEntity, kNode, kService };

struct GroupMember {
  MemberKind kind = MemberKind::kPod;
  ObjectKey key;  ///< of a Node only the name
  std::vector<IpAddress> ips;
  std::vector<NamedPort> ports;
  friend auto operator<=>(const GroupMember&, const GroupMember&) = default;
};

/// The addresses that peers of rules stand for.
struct AddressGroup {
  Metadata metadata;
  std::vector<GroupMember> members;  ///< sorted, no duplicates
  friend bool operator==(const AddressGroup&, const AddressGroup&) = default;
};

/// The Pods that policies are applied to. An agent is told only of members on its own Node.
struct AppliedToGroup {
  Metadata metadata;
  std::vector<GroupMember> members;  ///< sorted, no duplicates
  friend bool operator==(const AppliedToGroup&, const AppliedToGroup&) = default;
};

/// The Pods that an Egress selects; its name is that of the Egress. An agent is told only of
/// members on its own Node, and of these only the names.
struct EgressGroup {
  Metadata metadata;
  std::vector<GroupMember> members;  ///< sorted, no duplicates
  friend bool operator==(const EgressGroup&, const EgressGroup&) = default;
};

/// Members that came and went.
struct GroupPatch {
  Metadata metadata;
  std::vector<GroupMember> added;
  std::vector<GroupMember> removed;
  friend bool operator==(const GroupPatch&, const GroupPatch&) = default;
};

struct AddressGroupPatch : GroupPatch {
  friend bool operator==(const AddressGroupPatch&, const AddressGroupPatch&) = default;
};
struct AppliedToGroupPatch : GroupPatch {
  friend bool operator==(const AppliedToGroupPatch&, const AppliedToGroupPatch&) = default;
};
struct EgressGroupPatch : GroupPatch {
  friend bool operator==(const EgressGroupPatch&, const EgressGroupPatch&) = default;
};

/// A Pod whose policies the controller has computed: all that concern it have been sent, or will be
/// before this is.
struct EvaluatedPod {
  ObjectKey pod;
  std::string uid;
  friend auto operator<=>(const EvaluatedPod&, const EvaluatedPod&) = default;
};

/// The Pods of one Node that the controller has evaluated, so that an agent tells "no policy" from
/// "not yet known". An addition to the API: the original controller does not serve it, and its
/// agents do not ask for it.
struct EvaluatedPods {
  Metadata metadata;               ///< metadata.name is the Node
  std::vector<EvaluatedPod> pods;  ///< sorted, no duplicates
  friend bool operator==(const EvaluatedPods&, const EvaluatedPods&) = default;
};

struct EvaluatedPodsPatch {
  Metadata metadata;
  std::vector<EvaluatedPod> added;
  std::vector<EvaluatedPod> removed;
  friend bool operator==(const EvaluatedPodsPatch&, const EvaluatedPodsPatch&) = default;
};

/// What an agent reports about a policy: POST networkpolicies/NAME/status.
struct NetworkPolicyNodeStatus {
  std::string node_name;
  std::int64_t generation = 0;
  bool realization_failure = false;
  std::string message;
  friend bool operator==(const NetworkPolicyNodeStatus&, const NetworkPolicyNodeStatus&) = default;
};
struct NetworkPolicyStatus {
  Metadata metadata;  ///< metadata.name is the policy's
  std::vector<NetworkPolicyNodeStatus> nodes;
  friend bool operator==(const NetworkPolicyStatus&, const NetworkPolicyStatus&) = default;
};

}  // namespace antrea::api::controlplane
