#include "group_finder.h"

#include <algorithm>

namespace antrea::policy {

template <typename Function>
void GroupFinder::for_each_namespace_of(const IndexedGroup& group, Function function) const {
  if (group.namespace_selector.anchors().empty()) {
    for (auto& [id, ns] : namespaces_) function(ns);
    return;
  }
  for (const Label label : group.namespace_selector.anchors())
    for (const StringId id : look_up(namespaces_by_label_, label)) function(namespaces_.at(id));
}

void GroupFinder::change(GroupId id, bool add) {
  const IndexedGroup& group = groups_[id];
  const auto change_map = [&](auto& map, std::span<const Label> labels) {
    for (const Label label : labels) {
      if (add)
        add_to(map, label, id);
      else
        remove_from(map, label, id);
    }
  };
  const auto change_list = [&](auto& list) {
    if (add)
      list.push_back(id);
    else
      remove_one(list, id);
  };
  if (group.local()) {
    NamespaceRecord& ns = namespaces_.at(group.namespace_);
    change_list(group.open() ? ns.open_groups : ns.anchored_groups);
    change_map(local_by_label_, group.selector.anchors());
    return;
  }
  change_map(cluster_by_label_, group.selector.anchors());
  change_map(cluster_by_namespace_label_, group.namespace_selector.anchors());
  if (group.namespace_selector.anchors().empty()) change_list(of_any_namespace_);
  if (!group.open()) return;
  for_each_namespace_of(group, [&](NamespaceRecord& ns) {
    if (!add)
      remove_one(ns.selecting_open_groups, id);
    else if (group.selects_namespace(ns.known, ns.labels))
      ns.selecting_open_groups.push_back(id);
  });
}

void GroupFinder::add(GroupId group) { change(group, true); }
void GroupFinder::remove(GroupId group) { change(group, false); }

FewIds GroupFinder::items_of(GroupId id) const {
  const IndexedGroup& group = groups_[id];
  FewIds found;
  const auto try_items = [&](std::span<const ItemId> items, auto&& in_scope) {
    for (const ItemId item : items)
      if (in_scope(items_[item]) && group.matches(items_[item])) found.push_back(item);
  };
  const auto always = [](const LabelItem&) { return true; };
  const auto anchors = group.selector.anchors();
  if (group.local()) {
    const NamespaceRecord& ns = namespaces_.at(group.namespace_);
    if (group.open() || ns.items.size() <= items_.count_with(anchors)) {
      try_items(ns.items, always);
    } else {
      for (const Label label : anchors)
        try_items(items_.with(label),
                  [&](const LabelItem& item) { return item.namespace_ == group.namespace_; });
    }
  } else if (!group.open()) {
    for (const Label label : anchors)
      try_items(items_.with(label), [&](const LabelItem& item) {
        const NamespaceRecord& ns = namespaces_.at(item.namespace_);
        return group.selects_namespace(ns.known, ns.labels);
      });
  } else {
    for_each_namespace_of(group, [&](const NamespaceRecord& ns) {
      if (group.selects_namespace(ns.known, ns.labels)) try_items(ns.items, always);
    });
  }
  std::ranges::sort(found);
  return found;
}

void GroupFinder::add_namespace(NamespaceRecord& ns) const {
  for (const GroupId group : of_any_namespace_)
    if (groups_[group].open() && groups_[group].selects_namespace(false, {}))
      ns.selecting_open_groups.push_back(group);
}

std::vector<GroupId> GroupFinder::selecting(const LabelSet& these, const LabelSet& those) const {
  std::vector<GroupId> candidates = of_any_namespace_;
  for (const LabelSet* labels : {&these, &those})
    for (const Label label : *labels)
      for (const GroupId group : look_up(cluster_by_namespace_label_, label))
        candidates.push_back(group);
  sort_unique(candidates);
  return candidates;
}

void GroupFinder::relabel_namespace(StringId ns, const LabelSet& before, const LabelSet& after) {
  for (const Label label : before) remove_from(namespaces_by_label_, label, ns);
  for (const Label label : after) add_to(namespaces_by_label_, label, ns);
}

}  // namespace antrea::policy
