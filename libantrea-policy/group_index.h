#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "antrea/api/controlplane.h"
#include "selector.h"

namespace antrea::policy {

using PodId = std::uint32_t;
using GroupId = std::uint32_t;

/// What groups and policies need to know of a Pod, beside its labels.
struct PodState {
  StringId node = StringPool::kNone;
  bool host_network = false;
  bool terminated = false;
  std::string uid;
  std::vector<IpAddress> ips;
  std::shared_ptr<const std::vector<api::controlplane::NamedPort>> ports;  // null: none

  bool scheduled() const { return node != StringPool::kNone; }
  /// Whether policies can be applied to it.
  bool can_be_target() const { return scheduled() && !host_network && !terminated; }
  /// Whether its addresses stand for it in peers.
  bool can_be_peer() const { return !host_network && !terminated && !ips.empty(); }
  friend bool operator==(const PodState& a, const PodState& b) {
    return a.node == b.node && a.host_network == b.host_network && a.terminated == b.terminated &&
           a.uid == b.uid && a.ips == b.ips &&
           (a.ports == b.ports || (a.ports && b.ports && *a.ports == *b.ports));
  }
};

/// Which Pods a selector picks, kept up to date (antrea: pkg/controller/grouping).
///
/// Pods with the same Namespace and labels share a *label item*; a group is linked to the label
/// items that its selector matches. So a selector is matched once per distinct label set, not per
/// Pod, and a change of a Pod touches only the groups linked to its old and new label item. Which
/// groups can match a label item, and the other way round, is looked up by one label that the
/// selector asks for (CompiledSelector::anchors).
///
/// Changes are collected in a journal until `end_batch`: for each (group, Pod) pair that was
/// touched, whether the Pod belonged to the group before. Groups made in the same batch are not
/// journalled: all their members are new.
class GroupIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Touch {
    GroupId group;
    PodId pod;
    bool was_member;
  };

  void set_namespace(std::string_view name, const api::Labels& labels);
  void remove_namespace(std::string_view name);
  PodId set_pod(const api::Pod& pod);
  /// kNone if it is unknown.
  PodId remove_pod(std::string_view namespace_, std::string_view name);

  /// One more user of the group; makes it if need be.
  GroupId acquire(const GroupSelector& selector);
  void acquire(GroupId group) { ++groups_[group].references; }
  /// A group without users goes away at the end of the batch.
  void release(GroupId group);

  const std::string& name(GroupId group) const { return groups_[group].name; }
  bool is_member(GroupId group, PodId pod) const;
  template <typename Function>
  void for_each_member(GroupId group, Function function) const {
    for (const ItemId item : groups_[group].items)
      for (const PodId pod : items_[item].pods) function(pod);
  }

  /// Whether the Pod exists now; its name and state stay readable until the end of the batch.
  bool exists(PodId pod) const { return pods_[pod].item != kNone; }
  const std::string& pod_namespace(PodId pod) const { return pool_[pods_[pod].namespace_]; }
  const std::string& pod_name(PodId pod) const { return pool_[pods_[pod].name]; }
  const PodState& state(PodId pod) const { return pods_[pod].state; }
  /// The state before this batch; the current one if it did not change.
  const PodState& old_state(PodId pod) const {
    const auto found = old_states_.find(pod);
    return found == old_states_.end() ? pods_[pod].state : found->second.state;
  }
  bool existed(PodId pod) const {
    const auto found = old_states_.find(pod);
    return found == old_states_.end() ? exists(pod) : found->second.existed;
  }
  std::string_view text(StringId id) const { return pool_[id]; }

  /// The pairs touched in this batch, sorted by group and Pod.
  std::vector<Touch> touches() const;
  /// The Pods that appeared, changed or went in this batch, in no order.
  std::vector<PodId> touched_pods() const;
  /// The groups that `end_batch` will remove, once each.
  std::vector<GroupId> unused_groups() const;
  void end_batch();

  std::size_t label_item_count() const { return items_.size() - free_items_.size(); }
  std::size_t string_count() const { return pool_.count(); }

 private:
  using ItemId = std::uint32_t;

  struct PodRecord {
    StringId namespace_ = StringPool::kNone;
    StringId name = StringPool::kNone;
    ItemId item = kNone;         // kNone: gone
    std::uint32_t position = 0;  // in the item's list
    PodState state;
  };
  struct OldState {
    bool existed = false;
    PodState state;
  };
  /// All Pods of a Namespace that carry exactly these labels.
  struct LabelItem {
    StringId namespace_ = StringPool::kNone;
    LabelSet labels;
    std::vector<PodId> pods;
    std::vector<GroupId> groups;
  };
  struct Group {
    std::string text;
    std::string name;
    StringId namespace_ = StringPool::kNone;  // kNone: by namespace_selector
    CompiledSelector namespace_selector;
    CompiledSelector pod_selector;
    std::vector<ItemId> items;  // sorted
    std::uint32_t references = 0;
    bool fresh = true;  // made in this batch

    bool local() const { return namespace_ != StringPool::kNone; }
    bool open() const { return pod_selector.anchors().empty(); }
  };
  struct Namespace {
    bool known = false;
    LabelSet labels;
    std::vector<ItemId> items;
    // Groups that look here: of this Namespace only, with an anchor in the Pods' labels and without
    // ("open"); and the open ones whose namespace selector matches.
    std::vector<GroupId> anchored_groups, open_groups, selecting_open_groups;
    bool unused() const {
      return !known && items.empty() && anchored_groups.empty() && open_groups.empty();
    }
  };
  struct ItemKey {
    StringId namespace_;
    std::span<const Label> labels;
  };
  struct ItemHash {
    using is_transparent = void;
    const GroupIndex* index;
    std::size_t operator()(ItemId item) const;
    std::size_t operator()(const ItemKey& key) const;
  };
  struct ItemEqual {
    using is_transparent = void;
    const GroupIndex* index;
    bool operator()(ItemId a, ItemId b) const { return a == b; }
    bool operator()(const ItemKey& a, ItemId b) const;
    bool operator()(ItemId a, const ItemKey& b) const { return (*this)(b, a); }
  };

  static std::uint64_t pod_key(StringId namespace_, StringId name) {
    return static_cast<std::uint64_t>(namespace_) << 32 | name;
  }
  StringId namespace_at(std::string_view name);
  void drop_if_unused(StringId namespace_);
  static bool namespace_matches(const Group& group, bool known, const LabelSet& labels);
  void relabel_namespace(StringId id, bool known, LabelSet labels);
  void select_namespace(GroupId group, Namespace& ns, bool selected);
  ItemId item_for(StringId namespace_, const LabelSet& labels);
  void remove_item(ItemId item);
  void link(GroupId group, ItemId item);
  void unlink(GroupId group, ItemId item);
  void link_matching_groups(ItemId item);
  void link_matching_items(GroupId group);
  void attach(PodId pod, ItemId item);
  void detach(PodId pod);
  PodState state_of(const api::Pod& pod);
  void remember(PodId pod);
  void touch(GroupId group, PodId pod);
  void index_group(GroupId group, bool add);
  void remove_group(GroupId group);
  void release_later(StringId id) { releases_.push_back(id); }

  StringPool pool_;
  std::deque<PodRecord> pods_;
  std::vector<PodId> free_pods_;
  boost::unordered_flat_map<std::uint64_t, PodId> pods_by_key_;
  std::deque<LabelItem> items_;
  std::vector<ItemId> free_items_;
  boost::unordered_flat_set<ItemId, ItemHash, ItemEqual> items_by_labels_{0, ItemHash{this},
                                                                          ItemEqual{this}};
  std::deque<Group> groups_;
  std::vector<GroupId> free_groups_;
  boost::unordered_flat_map<std::string_view, GroupId> groups_by_text_;
  std::unordered_map<StringId, Namespace> namespaces_;

  boost::unordered_flat_map<Label, std::vector<ItemId>> items_by_label_;
  boost::unordered_flat_map<Label, std::vector<StringId>> namespaces_by_label_;
  boost::unordered_flat_map<Label, std::vector<GroupId>>
      local_groups_by_label_;  // of one Namespace
  boost::unordered_flat_map<Label, std::vector<GroupId>>
      cluster_groups_by_label_;  // by their Pod anchor
  boost::unordered_flat_map<Label, std::vector<GroupId>> cluster_groups_by_namespace_label_;
  std::vector<GroupId> cluster_groups_of_any_namespace_;  // no anchor in the Namespace's labels

  boost::unordered_flat_map<std::uint64_t, bool> touches_;
  boost::unordered_flat_map<PodId, OldState> old_states_;
  std::vector<StringId> releases_;
  std::vector<GroupId> released_groups_, fresh_groups_;
  std::shared_ptr<const std::vector<api::controlplane::NamedPort>> last_ports_;

 public:
  GroupIndex() = default;
  GroupIndex(const GroupIndex&) = delete;
  GroupIndex& operator=(const GroupIndex&) = delete;
};

}  // namespace antrea::policy
