#include "antrea/policy/node_rules.h"

#include <algorithm>

#include "antrea/base/sorted.h"
#include "priority_assigner.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

constexpr std::size_t kLogLabelSize = 12;  // antrea: what the kernel's prefix has room for

bool can_be_filtered(const CompletedRule& rule) {
  const RuleIdentity& identity = *rule.identity;
  return identity.action && *identity.action != cp::RuleAction::kPass && !identity.beyond_flows() &&
         !identity.learns_names && identity.tier_priority && rule.peer_services.empty();
}

/// Sorted prefixes come behind those that contain them.
std::vector<IpPrefix> without_nested(std::vector<IpPrefix> prefixes) {
  std::ranges::sort(prefixes);
  std::vector<IpPrefix> rest;
  for (const IpPrefix& prefix : prefixes)
    if (rest.empty() || !rest.back().contains(prefix)) rest.push_back(prefix);
  return rest;
}

std::string log_prefix(const RuleIdentity& identity) {
  if (!identity.enable_logging) return {};
  static constexpr std::string_view kActions[] = {"Allow", "Drop", "Reject", "Pass"};
  return std::string("Antrea:") + (identity.direction == cp::Direction::kIn ? "I:" : "O:") +
         std::string(kActions[static_cast<std::size_t>(*identity.action)]) + ":" +
         identity.log_label.substr(0, kLogLabelSize) + ":";
}

}  // namespace

NodeRules compile_node_rules(std::span<const CompletedRule> rules) {
  NodeRules out;
  std::vector<const CompletedRule*> ordered;
  for (const CompletedRule& rule : rules)
    if (can_be_filtered(rule))
      ordered.push_back(&rule);
    else
      out.unrealized.push_back(rule.identity);
  std::ranges::sort(ordered, [](const CompletedRule* a, const CompletedRule* b) {
    const RuleOrder first(*a->identity), second(*b->identity);
    return first == second ? a->key < b->key : first < second;
  });
  for (const CompletedRule* const rule : ordered) {
    if ((rule->peers && rule->peers->empty()) || (rule->services && rule->services->empty()))
      continue;
    NodeRule& filter = out.rules.emplace_back();
    filter.key = rule->key;
    filter.direction = rule->identity->direction;
    filter.action = *rule->identity->action;
    if (rule->peers) filter.peers = without_nested(*rule->peers);
    filter.services = rule->services;
    filter.log_prefix = log_prefix(*rule->identity);
  }
  std::ranges::sort(out.unrealized, {}, [](const auto& rule) { return rule->id; });
  keep_first(out.unrealized, [](const auto& rule) -> const std::string& { return rule->id; });
  return out;
}

}  // namespace antrea::policy
