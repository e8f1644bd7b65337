#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/antrea_policy.h"
#include "antrea/base/export.h"

namespace antrea::controlplane {

/// The condition GroupMembersComputed of Groups and ClusterGroups (antrea:
/// pkg/controller/networkpolicy/clustergroup.go): True once the members are known, which is when
/// the group is; False, with the reason ChildGroupsNestingExceeded, while a child of it has
/// children itself: then it has no members.
///
/// An engine: groups as they are in, the conditions that differ from what they show out.
class ANTREA_API GroupConditions {
 public:
  struct Change {
    api::ObjectKey group;  ///< without Namespace: a ClusterGroup
    api::crd::Condition condition;
    friend bool operator==(const Change&, const Change&) = default;
  };

  /// `shown`: the conditions that the object has. `now`: RFC 3339, becomes the time at which a
  /// condition changed.
  std::vector<Change> set(const api::ObjectKey& group, const std::vector<std::string>& children,
                          const std::vector<api::crd::Condition>& shown, std::string_view now);
  std::vector<Change> remove(const api::ObjectKey& group, std::string_view now);

 private:
  struct Group {
    std::vector<std::string> children;
    std::optional<api::crd::Condition> shown;
  };
  void link(const api::ObjectKey& group, const std::vector<std::string>& children, bool add);
  void judge(const api::ObjectKey& group, std::string_view now, std::vector<Change>& changes);
  void judge_parents(const api::ObjectKey& group, std::string_view now,
                     std::vector<Change>& changes);

  std::map<api::ObjectKey, Group> groups_;
  std::map<api::ObjectKey, std::set<api::ObjectKey>> parents_;
};

}  // namespace antrea::controlplane
