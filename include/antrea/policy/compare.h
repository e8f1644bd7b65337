#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/policy/evaluator.h"
#include "antrea/policy/traffic.h"

namespace antrea::policy {

/// A Pod at one of its addresses.
struct PodAddress {
  api::ObjectKey pod;
  IpAddress ip;
  friend auto operator<=>(const PodAddress&, const PodAddress&) = default;
};

/// Ends of conversations: Pods, or addresses that are no Pod's. One of the lists is empty.
struct EndSet {
  std::vector<PodAddress> pods;  ///< sorted
  /// Ascending, disjoint. What is a Pod's of these does not count: it may lie within.
  std::vector<IpPrefix> outside;
  IpAddress example;  ///< one of those outside, if they are that
  friend bool operator==(const EndSet&, const EndSet&) = default;
};

/// Conversations whose verdict changes: each of `from` with each of `to` (but a Pod with itself),
/// with each of `traffic`.
struct ChangedConversations {
  EndSet from, to;
  std::vector<TrafficRange> traffic;                           ///< disjoint
  std::optional<api::controlplane::ServiceReference> service;  ///< only when sent to this Service
  bool by_node_port = false;       ///< only when sent to a NodePort of it, see Conversation
  std::vector<std::string> names;  ///< only to addresses that DNS gives for exactly these names
  api::controlplane::RuleAction was{}, becomes{};  ///< kAllow, kDrop or kReject
  /// One of them; its names are those above.
  Conversation example() const;
  friend bool operator==(const ChangedConversations&, const ChangedConversations&) = default;
};

/// How two sets of objects differ in what they let through.
struct Comparison {
  /// Every conversation that changes is in exactly one of them; none: the sets are equivalent.
  std::vector<ChangedConversations> changes;
  /// Pods, or addresses of Pods, that only one set has: their conversations are not compared.
  std::vector<PodAddress> only_old, only_new;
  /// Rules name so many DNS patterns that not all combinations of names behind one address were
  /// tried, only up to three at a time.
  bool left_out_names = false;
  bool equivalent() const {
    return changes.empty() && only_old.empty() && only_new.empty() && !left_out_names;
  }
};

/// Compares what both sets of complete objects (see manifest.h) say about every first packet:
/// between all Pods and all addresses, for all protocols, ports and source ports, ICMP types and
/// codes, straight, by way of the Services that rules name or the NodePorts that they are applied
/// to, to addresses behind the DNS names that rules name. Exact: it parts that space by the
/// boundaries of all rules of both sets and asks for one verdict per part.
///
/// Not compared: what rules say of the inside of connections (l7Protocols), multicast and IGMP,
/// rules that are applied to Nodes, what is logged. Endpoints of Services are the Pods that their
/// selectors choose.
///
/// Cost: of the order of C² for C kinds of Pods, those of one kind being in the same groups and
/// under the same rules. Pure; touches only its arguments.
ANTREA_API Comparison compare(std::span<const ObjectChange> old_objects,
                              std::span<const ObjectChange> new_objects);

/// The same, but stops at the first change: at most one entry, and of it only one conversation.
ANTREA_API Comparison find_difference(std::span<const ObjectChange> old_objects,
                                      std::span<const ObjectChange> new_objects);

}  // namespace antrea::policy
