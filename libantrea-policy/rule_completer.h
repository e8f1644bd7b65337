#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cached_rule.h"

namespace antrea::policy {

/// Fills rules in with what this Node knows: the ports of its Pods, the members of groups, the
/// OpenFlow groups of Services; and tells what changed since it last did.
class RuleCompleter {
 public:
  std::unordered_map<api::ObjectKey, std::shared_ptr<const PodInterface>> interfaces;
  std::map<cp::ServiceReference, std::vector<std::uint32_t>> services;

  /// Adds to `changes` how the rule differs from what was last said of it.
  void update(CachedRule& rule, RuleChanges& changes) const;

  static std::optional<std::vector<IpPrefix>> peers_of(const CachedRule& rule);
  std::vector<std::uint32_t> service_groups_of(const CachedRule& rule) const;
  /// Of a rule with named ports: by key.
  std::map<std::string, CompletedRule> parts_of(const CachedRule& rule) const;

 private:
  void update_parts(CachedRule& rule, RuleChanges& changes) const;
  Targets targets_of(const CachedRule& rule) const;
  std::vector<std::uint32_t> target_services_of(const CachedRule& rule) const;
  void add_groups_of(const cp::ServiceReference& service, std::vector<std::uint32_t>& groups) const;
};

}  // namespace antrea::policy
