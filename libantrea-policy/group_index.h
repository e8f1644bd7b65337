#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/antrea_policy.h"
#include "entities.h"
#include "group_finder.h"

namespace antrea::policy {

/// The label that each Pod carries for groups: the name of its ServiceAccount.
inline constexpr std::string_view kServiceAccountLabel = "internal.antrea.io/service-account";

/// Which Pods, ExternalEntities or Nodes a selector picks, kept up to date (antrea:
/// pkg/controller/grouping). All three are its entities; Nodes live in the Namespace "".
///
/// Entities of a kind with the same Namespace and labels share a *label item*; a group is linked to
/// the label items that its selector matches. So a selector is matched once per distinct label set,
/// not per Pod, and a change of a Pod touches only the groups linked to its old and new label item.
/// Which groups can match a label item, and the other way round, is looked up by one label that the
/// selector asks for (CompiledSelector::anchors).
///
/// Changes are collected in a journal until `end_batch`: for each (group, entity) pair that was
/// touched, whether the entity belonged to the group before. Groups made in the same batch are not
/// journalled: all their members are new.
class GroupIndex {
 public:
  struct Touch {
    GroupId group;
    EntityId entity;
    bool was_member;
  };

  /// So many of them are about to be told: room for them at once, not growing again and again.
  void expect(std::size_t pods, std::size_t policies);
  /// False if nothing changed, here and below.
  bool set_namespace(std::string_view name, const api::Labels& labels);
  bool remove_namespace(std::string_view name);
  void set_pod(const api::Pod& pod);
  void set_external_entity(const api::crd::ExternalEntity& entity);
  void set_node(const api::Node& node);
  void remove(EntityKind kind, std::string_view namespace_, std::string_view name);

  /// The Namespaces that are known, in no order.
  template <typename Function>
  void for_each_namespace(Function function) const {
    for (const auto& [id, ns] : namespaces_)
      if (ns.known) function(pool_[id]);
  }
  bool namespace_known(std::string_view name) const { return known_namespace(name) != nullptr; }
  bool namespace_matches(std::string_view name, const api::LabelSelector& selector) const;
  /// The value of a label; null if the Namespace is not known or lacks it.
  const std::string* namespace_label(std::string_view name, std::string_view key) const;

  /// One more user of the group; makes it if need be.
  GroupId acquire(const GroupSelectorView& selector);
  void acquire(GroupId group) { ++groups_[group].references; }
  /// A group without users goes away at the end of the batch.
  void release(GroupId group);

  std::string name(GroupId group) const { return to_string(groups_[group].uuid); }
  EntityKind kind(GroupId group) const { return groups_[group].kind; }
  /// The Service that a group of kind kService stands for.
  api::ObjectKey service(GroupId group) const;
  /// Whether policies applied to the group would reach into another Namespace than this.
  bool reaches_beyond(GroupId group, std::string_view namespace_) const;
  bool is_member(GroupId group, EntityId entity) const;
  std::size_t member_count(GroupId group) const {
    std::size_t count = 0;
    for (const ItemId item : groups_[group].items) count += items_[item].members.size();
    return count;
  }
  template <typename Function>
  void for_each_member(GroupId group, Function function) const {
    for (const ItemId item : groups_[group].items)
      for (const EntityId entity : items_[item].members) function(entity);
  }

  /// See `Entities`.
  EntityKind kind_of(EntityId entity) const { return entities_.kind(entity); }
  bool exists(EntityId entity) const { return entities_.exists(entity); }
  bool existed(EntityId entity) const { return entities_.existed(entity); }
  const EntityState& state(EntityId entity) const { return entities_.state(entity); }
  const EntityState& old_state(EntityId entity) const { return entities_.old_state(entity); }
  std::vector<EntityId> touched_entities() const { return entities_.touched(); }
  const std::string& namespace_of(EntityId entity) const {
    return pool_[entities_.namespace_of(entity)];
  }
  const std::string& name_of(EntityId entity) const { return pool_[entities_.name_of(entity)]; }
  std::string_view text(StringId id) const { return pool_[id]; }

  /// The pairs touched in this batch, sorted by group and entity.
  std::vector<Touch> touches() const;
  /// The groups that `end_batch` will remove, once each.
  std::vector<GroupId> unused_groups() const;
  void end_batch();

  std::size_t label_item_count() const { return items_.count(); }
  std::size_t string_count() const { return pool_.count(); }

 private:
  StringId namespace_at(std::string_view name);
  void drop_if_unused(StringId namespace_);
  const NamespaceRecord* known_namespace(std::string_view name) const;
  bool relabel_namespace(StringId id, bool known, LabelSet labels);
  void select_namespace(GroupId group, NamespaceRecord& ns, bool selected);
  void set_entity(EntityKind kind, const api::ObjectMeta& meta, const LabelSet& labels,
                  EntityState state);
  ItemId item_for(EntityKind kind, StringId namespace_, const LabelSet& labels);
  void remove_item(ItemId item);
  void link(GroupId group, ItemId item);
  void unlink(GroupId group, ItemId item);
  void detach(EntityId entity);
  void touch(GroupId group, EntityId entity);
  void remove_group(GroupId group);
  void release_later(StringId id) { releases_.push_back(id); }

  StringPool pool_;
  Entities entities_{pool_};
  EntityReader reader_{pool_};
  LabelItems items_{pool_, entities_};
  StringPool group_texts_;    // normalised selectors; each group has the number of its text
  std::deque<IndexedGroup> groups_;  // by GroupId
  std::string scratch_;
  NamespaceRecords namespaces_;
  StringId last_namespace_ = StringPool::kNone;  // found last: mostly it is asked for again
  GroupFinder finder_{groups_, items_, namespaces_};

  boost::unordered_flat_map<std::uint64_t, bool> touches_;
  std::vector<StringId> releases_;
  std::vector<GroupId> released_groups_, fresh_groups_;

 public:
  GroupIndex() = default;
  GroupIndex(const GroupIndex&) = delete;
  GroupIndex& operator=(const GroupIndex&) = delete;
};

}  // namespace antrea::policy
