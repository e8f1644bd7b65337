#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// One line of a packet filter on the Node itself: a rule of a policy that is applied to Nodes, or
/// one part of it. Absent and empty differ as in `CompletedRule`.
struct NodeRule {
  std::string key;  ///< of the completed rule
  api::controlplane::Direction direction{};
  api::controlplane::RuleAction action{};  ///< never Pass
  /// The addresses on the other side: sorted, and none within another. Absent: anybody.
  std::optional<std::vector<IpPrefix>> peers;
  std::optional<std::vector<api::controlplane::Service>> services;  ///< numbers only
  std::string log_prefix;  ///< of the kernel's log, at most 29 characters; empty: no log

  friend bool operator==(const NodeRule&, const NodeRule&) = default;
};

struct NodeRules {
  /// In the order in which they are to be looked at: the first that matches a connection's first
  /// packet decides on it, and what none matches is let through.
  std::vector<NodeRule> rules;
  /// Those that a packet filter of the host cannot carry: about names, the inside of connections or
  /// IGMP, or that pass to policies which Nodes do not have. Sorted by ID.
  std::vector<std::shared_ptr<const RuleIdentity>> unrealized;

  friend bool operator==(const NodeRules&, const NodeRules&) = default;
};

/// What the host has to filter for the rules that are applied to Nodes (`RuleCache::node_rules`);
/// antrea: pkg/agent/controller/networkpolicy/node_reconciler_linux.go. Rules that match nothing
/// are left out. Tiers come in their order, as for Pods.
ANTREA_API NodeRules compile_node_rules(std::span<const CompletedRule> rules);

}  // namespace antrea::policy
