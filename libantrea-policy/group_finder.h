#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "label_items.h"

namespace antrea::policy {

/// A selector, and the label items that it matches.
struct IndexedGroup {
  GroupUuid uuid{};
  EntityKind kind{};
  StringId namespace_ = StringPool::kNone;  // kNone: by namespace_selector
  CompiledSelector namespace_selector;
  CompiledSelector selector;
  FewIds items;  // ItemId, sorted
  std::uint32_t references = 0;
  bool fresh = true;  // made in this batch

  bool local() const { return namespace_ != StringPool::kNone; }
  bool open() const { return selector.anchors().empty(); }
  bool matches(const LabelItem& item) const {
    return kind == item.kind && selector.matches(item.labels);
  }
  /// Whether it looks into a Namespace, if it is no group of one. A selector that asks for
  /// something cannot match one whose labels are not known yet.
  bool selects_namespace(bool known, const LabelSet& labels) const {
    return namespace_selector.match_all() || (known && namespace_selector.matches(labels));
  }
};

/// A Namespace, what is in it, and who looks into it.
struct NamespaceRecord {
  bool known = false;
  LabelSet labels;
  FewIds items;  // ItemId
  // Groups that look here: of this Namespace only, with an anchor in the Pods' labels and without
  // ("open"); and the open ones whose namespace selector matches.
  FewIds anchored_groups, open_groups, selecting_open_groups;
  bool unused() const {
    return !known && items.empty() && anchored_groups.empty() && open_groups.empty();
  }
};
using NamespaceRecords = std::unordered_map<StringId, NamespaceRecord>;

/// Which groups can match a label item, and the other way round: by one label that the selector
/// asks for (CompiledSelector::anchors), or by Namespace, whichever is the shorter way.
class GroupFinder {
 public:
  /// It looks into all three, and keeps the lists of groups in the Namespaces.
  GroupFinder(const std::deque<IndexedGroup>& groups, const LabelItems& items,
              NamespaceRecords& namespaces)
      : groups_(groups), items_(items), namespaces_(namespaces) {}

  void add(GroupId group);
  void remove(GroupId group);
  /// The items that match a group that was just added; ascending.
  FewIds items_of(GroupId group) const;
  /// Calls `function` with each group that the item matches.
  template <typename Function>
  void for_each_group_of(const LabelItem& item, Function function) const;

  /// A Namespace that nothing is known of yet.
  void add_namespace(NamespaceRecord& ns) const;
  /// Groups of several Namespaces that may select those with these labels, or with those; sorted.
  std::vector<GroupId> selecting(const LabelSet& these, const LabelSet& those) const;
  void relabel_namespace(StringId ns, const LabelSet& before, const LabelSet& after);

 private:
  void change(GroupId group, bool add);
  template <typename Function>
  void for_each_namespace_of(const IndexedGroup& group, Function function) const;

  const std::deque<IndexedGroup>& groups_;
  const LabelItems& items_;
  NamespaceRecords& namespaces_;

  using Groups = boost::unordered_flat_map<Label, std::vector<GroupId>>;
  boost::unordered_flat_map<Label, std::vector<StringId>> namespaces_by_label_;
  Groups local_by_label_;                  // of one Namespace
  Groups cluster_by_label_;                // of several, by their anchor in the items' labels
  Groups cluster_by_namespace_label_;      // the same, by that in the Namespaces'
  std::vector<GroupId> of_any_namespace_;  // no anchor in the Namespaces' labels
};

template <typename Function>
void GroupFinder::for_each_group_of(const LabelItem& item, Function function) const {
  const NamespaceRecord& ns = namespaces_.at(item.namespace_);
  const auto try_group = [&](GroupId group) {
    if (groups_[group].matches(item)) function(group);
  };
  for (const GroupId group : ns.open_groups) try_group(group);
  for (const GroupId group : ns.selecting_open_groups) try_group(group);
  // Anchored groups of this Namespace: by the Namespace or by the labels, whichever list is
  // shorter.
  if (ns.anchored_groups.size() <= count_all(local_by_label_, item.labels)) {
    for (const GroupId group : ns.anchored_groups) try_group(group);
  } else {
    for (const Label label : item.labels)
      for (const GroupId group : look_up(local_by_label_, label))
        if (groups_[group].namespace_ == item.namespace_) try_group(group);
  }
  for (const Label label : item.labels)
    for (const GroupId group : look_up(cluster_by_label_, label))
      if (groups_[group].selects_namespace(ns.known, ns.labels)) try_group(group);
}

}  // namespace antrea::policy
