#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/ip.h"

namespace antrea::policy {

/// A Pod on this Node as the switch sees it.
struct PodInterface {
  api::ObjectKey pod;
  std::uint32_t ofport = 0;
  std::vector<IpAddress> ips;
  friend auto operator<=>(const PodInterface&, const PodInterface&) = default;
};

/// What stays the same during the life of a rule; shared by the conjunctions it is split into.
struct RuleIdentity {
  std::string id;  ///< 16 hex digits: a digest of everything the rule says, see RuleCache
  api::controlplane::NetworkPolicyReference policy;
  api::controlplane::Direction direction{};
  std::optional<api::controlplane::RuleAction> action;  ///< absent: the rule only isolates
  std::string name;
  std::string log_label;
  bool enable_logging = false;
  // The order among Antrea-native rules: tier, policy, index in the policy. Absent for Kubernetes
  // policies.
  std::optional<std::int32_t> tier_priority;
  std::optional<double> policy_priority;
  std::int32_t rule_priority = -1;
  bool layer7 = false;        ///< it is about what is inside connections
  bool igmp = false;          ///< it is about IGMP
  bool learns_names = false;  ///< its peers are known by DNS names

  /// Whether it is about what no flow, nor a host's packet filter, can match.
  bool beyond_flows() const { return layer7 || igmp; }
  /// Kubernetes policies isolate the Pods they select; Antrea-native ones do not.
  bool isolates() const { return policy.type == api::controlplane::PolicyType::kK8sNetworkPolicy; }
  friend bool operator==(const RuleIdentity&, const RuleIdentity&) = default;
};

/// A rule, or one part of it, with everything filled in: what the switch has to do.
///
/// A rule with named ports means different numbers at different Pods: it is split into parts with
/// one list of services each. Absent and empty differ: no `peers` means anybody and no `services`
/// anything; empty ones match nothing.
///
/// A rule is about packets to and from Pods, or with `at_node_ports` about what is sent to the
/// NodePorts of Services: its clients are then told by the address they had before any translation.
struct CompletedRule {
  std::string key;  ///< identity->id, and for a part "/" and its services
  std::shared_ptr<const RuleIdentity> identity;
  std::vector<PodInterface> targets;                                ///< sorted
  std::optional<std::vector<IpPrefix>> peers;                       ///< sorted, no duplicates
  std::optional<std::vector<api::controlplane::Service>> services;  ///< numbers only
  /// Also peers: what is sent to a Service, by its OpenFlow groups; only beside `peers`. Sorted.
  std::vector<std::uint32_t> peer_services;
  bool at_node_ports = false;
  /// In place of `targets`, with `at_node_ports`: the Services, by their OpenFlow groups. Sorted.
  std::vector<std::uint32_t> target_services;

  friend bool operator==(const CompletedRule& a, const CompletedRule& b) {
    return a.key == b.key && *a.identity == *b.identity && a.targets == b.targets &&
           a.peers == b.peers && a.peer_services == b.peer_services && a.services == b.services &&
           a.at_node_ports == b.at_node_ports && a.target_services == b.target_services;
  }
};

/// What came to and left the targets and peers of a rule that stays.
struct RuleUpdate {
  std::string key;
  std::vector<PodInterface> added_targets, removed_targets;
  std::vector<IpPrefix> added_peers, removed_peers;
  std::vector<std::uint32_t> added_peer_services, removed_peer_services;
  std::vector<std::uint32_t> added_target_services, removed_target_services;
  bool empty() const {
    return added_targets.empty() && removed_targets.empty() && added_peers.empty() &&
           removed_peers.empty() && added_peer_services.empty() && removed_peer_services.empty() &&
           added_target_services.empty() && removed_target_services.empty();
  }
};

/// The difference of the set of completed rules. A key is named once.
struct RuleChanges {
  std::vector<CompletedRule> added;
  std::vector<RuleUpdate> updated;
  std::vector<std::string> removed;
  bool empty() const { return added.empty() && updated.empty() && removed.empty(); }
};

}  // namespace antrea::policy
