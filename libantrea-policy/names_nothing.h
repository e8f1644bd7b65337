#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "antrea/policy/check.h"
#include "rule_review.h"

namespace antrea::policy {

/// What policies name, read from the objects as users wrote them.
struct NamedThings {
  std::vector<Finding> findings;  ///< unknown tiers and references, selectors of nobody
  struct Rule {
    api::controlplane::NetworkPolicyReference policy;
    std::string name;
    bool looked_at = true;   ///< it is about Pods or NodePorts and the traffic that flows judge
    bool explained = false;  ///< a finding tells already why it meets nothing
  };
  std::map<RulePlace, Rule> rules;  ///< all there are
};
NamedThings read_names(std::span<const ObjectChange> objects);

/// "ingress[2]"
std::string field_of(api::controlplane::Direction direction, std::size_t index);

}  // namespace antrea::policy
