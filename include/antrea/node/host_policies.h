#pragma once

#include "antrea/node/host_network.h"
#include "antrea/policy/node_rules.h"

namespace antrea::node {

/// The table of nftables that filters what the Node itself sends and gets, for policies that are
/// applied to Nodes. It is apart from the other tables so that these stay when rules change.
inline constexpr std::string_view kNodePolicyTable = "inet antrea-policy";

/// Adds that table to what the host shall have; without rules, that it shall not be there. To be
/// called once the rules are known: until then the table of an earlier life stays.
///
/// A set of addresses per rule and family ("KEY-4", "KEY-6"), so that an address that comes or goes
/// is an element, and one change of the rules one transaction. What nft lists in other words than
/// these (ICMP types, TCP rejected in one family) a new process writes once more, to the same end.
/// What is accepted here may still be refused by tables of others. Always accepted: answers, what
/// the Node sends to itself, neighbour discovery, and what the Nodes' agents say to each other
/// (antrea: pkg/agent/route/route_linux.go).
ANTREA_API void add_node_policies(const policy::NodeRules& rules, HostState& state);

}  // namespace antrea::node
