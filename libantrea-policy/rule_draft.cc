#include "rule_draft.h"

#include <algorithm>

namespace antrea::policy {

void add_rule(PolicyBuilder& builder, RuleDraft draft, const std::vector<GroupId>& targets,
              bool own_targets) {
  std::vector<GroupId> groups;
  for (const GroupSelector& selector : draft.peers) {
    if (targets.empty()) break;
    const GroupId group = builder.peer(selector);
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  draft.peer().address_groups = builder.names(groups);
  if (targets.empty() || draft.peer().empty()) return;
  builder.link(targets, groups);
  if (own_targets) draft.rule.applied_to_groups = builder.names(targets);
  builder.policy().rules.push_back(std::move(draft.rule));
}

std::vector<GroupId> use_targets(PolicyBuilder& builder,
                                 const std::vector<GroupSelector>& selectors) {
  std::vector<GroupId> targets;
  for (const GroupSelector& selector : selectors) {
    const GroupId group = builder.target(selector);
    if (std::ranges::find(targets, group) == targets.end()) targets.push_back(group);
  }
  return targets;
}

std::string lower_case(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

}  // namespace antrea::policy
