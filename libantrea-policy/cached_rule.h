#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "antrea/policy/rule.h"
#include "held_groups.h"

namespace antrea::policy {

/// Interfaces of Pods, sorted by value and shared by all rules that are applied to them.
using Targets = std::vector<std::shared_ptr<const PodInterface>>;

/// A rule, and what was last said of it.
struct CachedRule {
  std::shared_ptr<const RuleIdentity> identity;
  std::string policy;  // the name of the policy it is from
  std::vector<HeldAppliedToGroup*> applied_to;
  std::vector<std::string> applied_to_names;
  std::vector<HeldAddressGroup*> peer_groups;  // and the names behind DNS patterns
  std::vector<std::string> peer_group_names, patterns;
  std::vector<cp::ServiceReference> peer_services;
  bool any_peer = false;
  std::vector<IpPrefix> blocks;  // sorted
  std::vector<cp::Service> services;
  bool named = false;

  int references = 0;   // versions of its policy that hold it
  bool wanted = false;  // one of them is the current one
  bool completed = false;
  bool dirty = false;
  bool targets_dirty = false;
  bool at_node = false;                        // completed, and applied to the Node itself
  Targets targets;                             // as completed
  std::vector<std::uint32_t> service_groups;   // as completed
  bool at_node_ports = false;                  // as completed
  std::vector<std::uint32_t> target_services;  // as completed
  std::map<std::string, CompletedRule> parts;  // as completed, only with named ports

  bool effective() const {
    return std::ranges::any_of(applied_to, [](const auto* group) { return group->present; });
  }
  /// The Node itself is filtered by the host, not by the switch.
  bool applies_to_node() const {
    return std::ranges::any_of(applied_to, [](const auto* group) { return group->node; });
  }
  /// A group may hold Pods beside it.
  bool applies_to_node_only() const {
    return applies_to_node() &&
           std::ranges::all_of(applied_to, [](const auto* group) { return group->pods.empty(); });
  }
  /// Applied to Services; to nothing else beside (admission). A rule stays what it was when it was
  /// completed: groups do not change their kind.
  bool applies_to_services() const {
    return std::ranges::any_of(applied_to,
                               [](const auto* group) { return !group->services.empty(); });
  }
  bool realizable() const {
    return std::ranges::all_of(peer_groups, [](const auto* group) { return group->present; });
  }
  bool named_at_targets() const { return named && identity->direction == cp::Direction::kIn; }
};

/// Rules that may have to be said anew at the end of a batch, each once.
struct DirtyRules {
  std::vector<CachedRule*> all;
  void mark(CachedRule& rule) {
    if (!std::exchange(rule.dirty, true)) all.push_back(&rule);
  }
};

}  // namespace antrea::policy
