#pragma once

#include <string>
#include <vector>

#include "policy_builder.h"

namespace antrea::policy {

/// A rule ready to be put into the policy, but for its groups.
struct RuleDraft {
  api::controlplane::NetworkPolicyRule rule;
  std::vector<GroupSelector> peers;
  api::controlplane::NetworkPolicyPeer& peer() { return rule.peers; }
};

/// The groups of these targets, each once.
std::vector<GroupId> use_targets(PolicyBuilder& builder,
                                 const std::vector<GroupSelector>& selectors);
/// Adds the rule for these targets; not at all if there is nobody on one of its sides.
/// `own_targets`: the policy as a whole has none.
void add_rule(PolicyBuilder& builder, RuleDraft draft, const std::vector<GroupId>& targets,
              bool own_targets);

/// As DNS names are compared.
std::string lower_case(std::string name);

}  // namespace antrea::policy
