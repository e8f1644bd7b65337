#include "antrea/controlplane/group_conditions.h"

#include <algorithm>

namespace antrea::controlplane {

using api::ObjectKey;
using api::crd::Condition;

namespace {

constexpr std::string_view kType = "GroupMembersComputed";

}  // namespace

void GroupConditions::link(const ObjectKey& group, const std::vector<std::string>& children,
                           bool add) {
  for (const std::string& child : children) {
    const ObjectKey key{group.namespace_, child};
    if (add)
      parents_[key].insert(group);
    else if (const auto found = parents_.find(key);
             found != parents_.end() && found->second.erase(group) > 0 && found->second.empty())
      parents_.erase(found);
  }
}

std::vector<GroupConditions::Change> GroupConditions::set(const ObjectKey& key,
                                                          const std::vector<std::string>& children,
                                                          const std::vector<Condition>& shown,
                                                          std::string_view now) {
  std::vector<Change> changes;
  const auto [place, is_new] = groups_.try_emplace(key);
  Group& group = place->second;
  const bool others = is_new || group.children != children;
  if (others) {
    link(key, group.children, false);
    link(key, children, true);
    group.children = children;
  }
  const auto condition = std::ranges::find(shown, kType, &Condition::type);
  group.shown = condition == shown.end() ? std::nullopt : std::optional(*condition);
  judge(key, now, changes);
  if (others) judge_parents(key, now, changes);
  return changes;
}

std::vector<GroupConditions::Change> GroupConditions::remove(const ObjectKey& key,
                                                             std::string_view now) {
  std::vector<Change> changes;
  const auto found = groups_.find(key);
  if (found == groups_.end()) return changes;
  link(key, found->second.children, false);
  groups_.erase(found);
  judge_parents(key, now, changes);
  return changes;
}

void GroupConditions::judge_parents(const ObjectKey& key, std::string_view now,
                                    std::vector<Change>& changes) {
  const auto parents = parents_.find(key);
  if (parents == parents_.end()) return;
  for (const ObjectKey& parent : parents->second)
    if (parent != key) judge(parent, now, changes);
}

void GroupConditions::judge(const ObjectKey& key, std::string_view now,
                            std::vector<Change>& changes) {
  Group& group = groups_.at(key);
  Condition condition{std::string(kType), "True", {}, {}, std::string(now)};
  for (const std::string& child : group.children) {
    const auto found = groups_.find({key.namespace_, child});
    if (found == groups_.end() || found->second.children.empty()) continue;
    condition.status = "False";
    condition.reason = "ChildGroupsNestingExceeded";
    condition.message = "found child " + child + " with children itself, expected one level only";
    break;
  }
  if (group.shown && group.shown->status == condition.status) {
    condition.last_transition_time = group.shown->last_transition_time;
    if (*group.shown == condition) return;
  }
  group.shown = condition;
  changes.push_back({key, std::move(condition)});
}

}  // namespace antrea::controlplane
