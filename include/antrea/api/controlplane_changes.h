#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"

/// What changed in the controller's internal objects: the policy compiler writes it, the
/// control-plane store reads it.
///
/// Each entry carries the state *after* the change; what it was before, the reader remembers. An
/// object is named once per `Changes`. The order of entries means nothing. `span` is the set of
/// Nodes that need the object.
namespace antrea::api::controlplane {

using NodeSet = std::set<std::string>;

struct PolicyChange {
  std::string name;                             ///< metadata.name of the internal policy
  std::shared_ptr<const NetworkPolicy> policy;  ///< null: it is gone
  NodeSet span;
};

struct AddressGroupChange {
  std::string name;
  std::shared_ptr<const AddressGroup> group;  ///< null: it is gone
  NodeSet span;
  /// Members that came and went since the last change; empty when only the span changed. Not read
  /// for new groups and for those that are gone.
  GroupPatch delta;
};

/// An AppliedToGroup's span is the set of Nodes in `members_by_node`.
struct AppliedToGroupChange {
  std::string name;
  std::shared_ptr<const AppliedToGroup>
      group;  ///< null: it is gone; `members` holds those of all Nodes
  std::map<std::string, std::vector<GroupMember>>
      members_by_node;  ///< sorted, no duplicates, no empty entries
};

/// Pods of a Node came under, or left, the compiler's eyes; see `EvaluatedPods`.
struct EvaluatedPodsChange {
  std::string node;
  std::vector<EvaluatedPod> added;
  std::vector<EvaluatedPod> removed;
};

struct Changes {
  std::vector<PolicyChange> policies;
  std::vector<AddressGroupChange> address_groups;
  std::vector<AppliedToGroupChange> applied_to_groups;
  std::vector<EvaluatedPodsChange> evaluated_pods;
  bool empty() const {
    return policies.empty() && address_groups.empty() && applied_to_groups.empty() &&
           evaluated_pods.empty();
  }
};

}  // namespace antrea::api::controlplane
