#pragma once

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/sorted.h"

/// What changed in the controller's internal objects: the policy compiler writes it, the
/// control-plane store reads it.
///
/// Groups come as deltas, so that one Pod's change costs what it touches and not the size of the
/// groups it is in; the reader keeps the members (see `apply`). An object is named once per
/// `Changes`. The order of entries means nothing.
namespace antrea::api::controlplane {

/// Names of Nodes, sorted. An immutable value that is cheap to copy: thousands of policies that
/// are applied to the same Pods share one.
class NodeSet {
 public:
  NodeSet() = default;
  NodeSet(std::initializer_list<std::string> names) : NodeSet(std::vector<std::string>(names)) {}
  explicit NodeSet(std::vector<std::string> names) {
    if (names.empty()) return;
    sort_unique(names);
    names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  }

  auto begin() const { return names().begin(); }
  auto end() const { return names().end(); }
  std::size_t size() const { return names().size(); }
  bool empty() const { return !names_; }
  bool contains(std::string_view node) const {
    return std::binary_search(begin(), end(), node, std::less<>{});
  }
  friend bool operator==(const NodeSet& a, const NodeSet& b) {
    return a.names_ == b.names_ || a.names() == b.names();
  }

 private:
  const std::vector<std::string>& names() const {
    static const std::vector<std::string> kNone;
    return names_ ? *names_ : kNone;
  }
  std::shared_ptr<const std::vector<std::string>> names_;  // null: empty
};

struct PolicyChange {
  std::shared_ptr<const NetworkPolicy> policy;  ///< null: it is gone
  NodeSet span;                                 ///< the Nodes that need it, after the change
  std::string gone;                             ///< metadata.name of what is gone
  bool unrealizable = false;  ///< it would reach beyond its Namespace, so it is needed nowhere
  const std::string& name() const { return policy ? policy->metadata.name : gone; }
};

/// Members that came and went, both sorted. A member whose addresses or ports changed is in both.
struct MemberDelta {
  std::vector<GroupMember> added;
  std::vector<GroupMember> removed;
  bool empty() const { return added.empty() && removed.empty(); }
  friend bool operator==(const MemberDelta&, const MemberDelta&) = default;
};

/// Applies a delta to members kept sorted.
inline void apply(MemberDelta delta, std::vector<GroupMember>& members) {
  if (!delta.removed.empty()) {
    std::vector<GroupMember> rest;
    rest.reserve(members.size());
    std::set_difference(std::make_move_iterator(members.begin()),
                        std::make_move_iterator(members.end()), delta.removed.begin(),
                        delta.removed.end(), std::back_inserter(rest));
    members = std::move(rest);
  }
  if (members.empty()) {
    members = std::move(delta.added);
    return;
  }
  const auto middle = static_cast<std::ptrdiff_t>(members.size());
  members.insert(members.end(), std::make_move_iterator(delta.added.begin()),
                 std::make_move_iterator(delta.added.end()));
  std::inplace_merge(members.begin(), members.begin() + middle, members.end());
}

/// A name that the reader does not know yet is a new group: `delta.added` holds all its members.
struct AddressGroupChange {
  std::string name;   ///< metadata.name and metadata.uid of the group
  bool gone = false;  ///< nobody uses it any more; the rest is empty
  NodeSet span;       ///< the Nodes that need it, after the change
  MemberDelta delta;  ///< empty when only the span changed
};

/// A member of an AppliedToGroup, and the Node that it is on.
struct NodeMember {
  std::string node;
  GroupMember member;
  friend auto operator<=>(const NodeMember&, const NodeMember&) = default;
};

/// An AppliedToGroup's span is the set of Nodes on which it has members.
struct AppliedToGroupChange {
  std::string name;
  bool gone = false;
  std::vector<NodeMember> added, removed;  ///< both sorted
  bool empty() const { return added.empty() && removed.empty(); }
};

/// The same for an EgressGroup.
struct EgressGroupChange : AppliedToGroupChange {};

/// What it means for one Node; no members are taken out.
inline MemberDelta delta_on(std::string_view node, const AppliedToGroupChange& change) {
  MemberDelta delta;
  for (const auto& [from, to] :
       {std::pair(&change.added, &delta.added), std::pair(&change.removed, &delta.removed)})
    for (const NodeMember& each : equal_span(*from, node, &NodeMember::node))
      to->push_back(each.member);
  return delta;
}

/// Calls `function(node, delta)` for each Node with changes, in order; takes the members out.
template <typename Function>
void for_each_node(AppliedToGroupChange change, Function function) {
  auto added = change.added.begin(), removed = change.removed.begin();
  while (added != change.added.end() || removed != change.removed.end()) {
    const std::string node = removed == change.removed.end() ||
                                     (added != change.added.end() && added->node < removed->node)
                                 ? added->node
                                 : removed->node;
    MemberDelta delta;
    for (; added != change.added.end() && added->node == node; ++added)
      delta.added.push_back(std::move(added->member));
    for (; removed != change.removed.end() && removed->node == node; ++removed)
      delta.removed.push_back(std::move(removed->member));
    function(node, std::move(delta));
  }
}

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
  std::vector<EgressGroupChange> egress_groups;
  bool empty() const {
    return policies.empty() && address_groups.empty() && applied_to_groups.empty() &&
           evaluated_pods.empty() && egress_groups.empty();
  }
};

}  // namespace antrea::api::controlplane
