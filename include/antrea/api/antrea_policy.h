#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/networking.h"

/// crd.antrea.io: Antrea's own policies and the groups they speak of (antrea:
/// pkg/apis/crd/v1beta1/types.go; ExternalEntity: v1alpha2). Their JSON form is in policy_json.h.
namespace antrea::api::crd {

using controlplane::L7Protocol;
using controlplane::RuleAction;

/// Which Namespaces a peer means, by those that the policy is applied to. Exactly one is given.
struct PeerNamespaces {
  bool match_self = false;               ///< each Namespace only itself
  std::vector<std::string> same_labels;  ///< keys: all Namespaces with the same values
  friend bool operator==(const PeerNamespaces&, const PeerNamespaces&) = default;
};

enum class PeerScope : std::uint8_t { kCluster, kClusterSet };

/// Whom a rule is about. `pod_selector` alone means the policy's Namespace, or all Namespaces in a
/// ClusterNetworkPolicy. Everything but the selectors and `namespaces` stands alone.
struct NetworkPolicyPeer {
  std::optional<IpBlock> ip_block;
  std::optional<LabelSelector> pod_selector;
  std::optional<LabelSelector> namespace_selector;
  std::optional<PeerNamespaces> namespaces;  ///< ClusterNetworkPolicy only; may join pod_selector
  std::optional<LabelSelector> external_entity_selector;  ///< NetworkPolicy only
  std::string group;                         ///< a ClusterGroup, or a Group of the same Namespace
  std::string fqdn;                          ///< egress only; "*" stands for any characters
  std::optional<ObjectKey> service_account;  ///< ClusterNetworkPolicy only
  std::optional<LabelSelector> node_selector;
  PeerScope scope = PeerScope::kCluster;  ///< ingress only
  friend bool operator==(const NetworkPolicyPeer&, const NetworkPolicyPeer&) = default;
};

/// What a policy or a rule is applied to.
struct AppliedTo {
  std::optional<LabelSelector> pod_selector;
  std::optional<LabelSelector> namespace_selector;        ///< ClusterNetworkPolicy only
  std::optional<LabelSelector> external_entity_selector;  ///< NetworkPolicy only
  std::string group;
  std::optional<ObjectKey> service_account;    ///< ClusterNetworkPolicy only
  std::optional<ObjectKey> service;            ///< ClusterNetworkPolicy only: its NodePorts
  std::optional<LabelSelector> node_selector;  ///< ClusterNetworkPolicy's spec only
  friend bool operator==(const AppliedTo&, const AppliedTo&) = default;
};

struct NetworkPolicyPort {
  Protocol protocol = Protocol::kTcp;
  std::optional<IntOrString> port;  ///< absent: all ports of the protocol
  std::optional<std::int32_t> end_port;
  std::optional<std::int32_t> source_port, source_end_port;
  friend bool operator==(const NetworkPolicyPort&, const NetworkPolicyPort&) = default;
};

/// Both numbers 0 to 255; the same ones are meant in ICMP and in ICMPv6.
struct IcmpProtocol {
  std::optional<std::int32_t> type, code;
  friend bool operator==(const IcmpProtocol&, const IcmpProtocol&) = default;
};
struct IgmpProtocol {
  /// 0x11 (query; ingress), 0x12, 0x16, 0x22 (reports; egress); absent: all reports.
  std::optional<std::int32_t> type;
  std::string group_address;
  friend bool operator==(const IgmpProtocol&, const IgmpProtocol&) = default;
};
/// Exactly one is given.
struct NetworkPolicyProtocol {
  std::optional<IcmpProtocol> icmp;
  std::optional<IgmpProtocol> igmp;
  friend bool operator==(const NetworkPolicyProtocol&, const NetworkPolicyProtocol&) = default;
};

struct PeerService {
  ObjectKey service;
  PeerScope scope = PeerScope::kCluster;
  friend bool operator==(const PeerService&, const PeerService&) = default;
};

/// A rule of either direction: `peers` is `from` or `to`. Without peers it is about everybody,
/// without ports and protocols about everything.
struct Rule {
  RuleAction action = RuleAction::kAllow;
  std::vector<NetworkPolicyPeer> peers;
  std::vector<NetworkPolicyPort> ports;
  std::vector<NetworkPolicyProtocol> protocols;
  std::vector<L7Protocol> l7_protocols;
  std::vector<PeerService> to_services;  ///< egress only; excludes peers, ports and protocols
  std::string name;                      ///< unique in the policy
  bool enable_logging = false;
  std::string log_label;
  std::vector<AppliedTo> applied_to;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// `applied_to` is given here or in every rule.
struct PolicySpec {
  std::string tier;     ///< lower-case if it is one of `kStaticTiers`
  double priority = 1;  ///< 1 to 10000; the smaller one comes first
  std::vector<AppliedTo> applied_to;
  std::vector<Rule> ingress, egress;  ///< in order of precedence
  friend bool operator==(const PolicySpec&, const PolicySpec&) = default;
};

enum class PolicyPhase : std::uint8_t { kPending, kRealizing, kRealized, kFailed };

struct Condition {
  std::string type;
  std::string status;  ///< "True", "False" or "Unknown"
  std::string reason, message;
  std::string last_transition_time;  ///< RFC 3339
  friend bool operator==(const Condition&, const Condition&) = default;
};

struct PolicyStatus {
  std::optional<PolicyPhase> phase;  ///< absent: nobody has looked at the policy yet
  std::int64_t observed_generation = 0;
  std::int32_t current_nodes_realized = 0, desired_nodes_realized = 0;
  std::vector<Condition> conditions;
  friend bool operator==(const PolicyStatus&, const PolicyStatus&) = default;
};

struct NetworkPolicy {
  ObjectMeta metadata;
  PolicySpec spec;
  PolicyStatus status;
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};
struct ClusterNetworkPolicy {
  ObjectMeta metadata;
  PolicySpec spec;
  PolicyStatus status;
  friend bool operator==(const ClusterNetworkPolicy&, const ClusterNetworkPolicy&) = default;
};

struct Tier {
  ObjectMeta metadata;
  std::int32_t priority = 0;  ///< 0 to 255; the smaller one comes first
  std::string description;
  friend bool operator==(const Tier&, const Tier&) = default;
};

/// The tiers that always exist.
inline constexpr std::array<std::pair<std::string_view, std::int32_t>, 6> kStaticTiers{{
    {"emergency", 50},
    {"securityops", 100},
    {"networkops", 150},
    {"platform", 200},
    {"application", 250},
    {"baseline", 253},
}};
inline constexpr std::string_view kDefaultTier = "application";
inline constexpr std::string_view kBaselineTier = "baseline";
inline constexpr std::int32_t kDefaultTierPriority = 250;
inline constexpr std::int32_t kClusterAdminTierPriority = 220;  ///< ClusterNetworkPolicies (Admin)
inline constexpr std::int32_t kAdminTierPriority = 251;         ///< AdminNetworkPolicies
inline constexpr std::int32_t kBaselineTierPriority = 253;
inline constexpr std::int32_t kBaselineAdminTierPriority =
    254;  ///< BaselineAdminNetworkPolicies, ClusterNetworkPolicies (Baseline)

/// What is in a group: selectors, blocks, a Service's Pods or other groups; only one kind of them.
struct GroupSpec {
  std::optional<LabelSelector> pod_selector;
  std::optional<LabelSelector> namespace_selector;
  std::optional<LabelSelector> external_entity_selector;
  std::optional<LabelSelector> node_selector;  ///< ClusterGroup only
  std::vector<IpBlock> ip_blocks;
  std::optional<ObjectKey> service_reference;
  std::vector<std::string> child_groups;  ///< one level only
  friend bool operator==(const GroupSpec&, const GroupSpec&) = default;
};
struct Group {
  ObjectMeta metadata;
  GroupSpec spec;
  std::vector<Condition> conditions;  ///< of the status
  friend bool operator==(const Group&, const Group&) = default;
};
struct ClusterGroup {
  ObjectMeta metadata;
  GroupSpec spec;
  std::vector<Condition> conditions;
  friend bool operator==(const ClusterGroup&, const ClusterGroup&) = default;
};

/// Something outside the cluster that policies can speak of by labels.
struct ExternalEntity {
  struct Endpoint {
    IpAddress ip;
    std::string name;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };
  ObjectMeta metadata;
  std::vector<Endpoint> endpoints;
  std::vector<controlplane::NamedPort> ports;
  std::string external_node;  ///< whose agent enforces policies on it
  friend bool operator==(const ExternalEntity&, const ExternalEntity&) = default;
};

}  // namespace antrea::api::crd
