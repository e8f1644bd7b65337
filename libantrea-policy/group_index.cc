#include "group_index.h"

#include <algorithm>

#include "index_maps.h"
#include "release_memory.h"

namespace antrea::policy {
namespace {

constexpr std::string_view kNamespaceNameLabel = "kubernetes.io/metadata.name";

}  // namespace

void GroupIndex::expect(std::size_t pods, std::size_t policies) {
  entities_.expect(EntityKind::kPod, pods);
  group_texts_.expect(policies);
}

// --- Namespaces ---

bool GroupIndex::set_namespace(std::string_view name, const api::Labels& labels) {
  const StringId id = namespace_at(name);
  LabelSet set;
  if (labels.find(kNamespaceNameLabel) == labels.end()) {
    api::Labels named =
        labels;  // the API server sets it on every Namespace; files need not have it
    named.emplace(kNamespaceNameLabel, name);
    set = acquire_labels(named, pool_);
  } else {
    set = acquire_labels(labels, pool_);
  }
  return relabel_namespace(id, true, std::move(set));
}

bool GroupIndex::remove_namespace(std::string_view name) {
  const StringId id = pool_.find(name);
  if (id == StringPool::kNone || !namespaces_.contains(id)) return false;
  const bool changed = relabel_namespace(id, false, {});
  drop_if_unused(id);
  return changed;
}

const NamespaceRecord* GroupIndex::known_namespace(std::string_view name) const {
  const auto found = namespaces_.find(pool_.find(name));
  return found != namespaces_.end() && found->second.known ? &found->second : nullptr;
}

bool GroupIndex::namespace_matches(std::string_view name,
                                   const api::LabelSelector& selector) const {
  const NamespaceRecord* ns = known_namespace(name);
  if (ns == nullptr) return false;
  api::Labels labels;
  for (const Label label : ns->labels)
    labels.emplace(pool_[static_cast<StringId>(label >> 32)], pool_[static_cast<StringId>(label)]);
  return selector.matches(labels);
}

const std::string* GroupIndex::namespace_label(std::string_view name, std::string_view key) const {
  const NamespaceRecord* ns = known_namespace(name);
  const StringId id = pool_.find(key);
  if (ns == nullptr || id == StringPool::kNone) return nullptr;
  for (const Label label : ns->labels)
    if (static_cast<StringId>(label >> 32) == id) return &pool_[static_cast<StringId>(label)];
  return nullptr;
}

StringId GroupIndex::namespace_at(std::string_view name) {
  if (last_namespace_ != StringPool::kNone && pool_[last_namespace_] == name)
    return last_namespace_;
  if (const StringId id = pool_.find(name); id != StringPool::kNone && namespaces_.contains(id))
    return last_namespace_ = id;
  const StringId id = last_namespace_ = pool_.acquire(name);
  finder_.add_namespace(namespaces_[id]);
  return id;
}

void GroupIndex::drop_if_unused(StringId namespace_) {
  const auto found = namespaces_.find(namespace_);
  if (found == namespaces_.end() || !found->second.unused()) return;
  namespaces_.erase(found);
  last_namespace_ = StringPool::kNone;
  release_later(namespace_);
}

bool GroupIndex::relabel_namespace(StringId id, bool known, LabelSet labels) {
  NamespaceRecord& ns = namespaces_.at(id);
  if (ns.known == known && ns.labels == labels) {
    release_labels(labels, pool_);
    return false;
  }
  for (const GroupId group : finder_.selecting(ns.labels, labels)) {
    const bool before = groups_[group].selects_namespace(ns.known, ns.labels);
    const bool after = groups_[group].selects_namespace(known, labels);
    if (before != after) select_namespace(group, ns, after);
  }
  finder_.relabel_namespace(id, ns.labels, labels);
  release_labels(ns.labels, pool_);
  ns.known = known;
  ns.labels = std::move(labels);
  return true;
}

/// The group's namespace selector begins or ceases to match the Namespace.
void GroupIndex::select_namespace(GroupId group, NamespaceRecord& ns, bool selected) {
  if (groups_[group].open()) {
    if (selected)
      ns.selecting_open_groups.push_back(group);
    else
      remove_one(ns.selecting_open_groups, group);
  }
  for (const ItemId item : ns.items) {
    if (!groups_[group].matches(items_[item])) continue;
    for (const EntityId entity : items_[item].members) touch(group, entity);
    if (selected)
      link(group, item);
    else
      unlink(group, item);
  }
}

// --- Entities ---

void GroupIndex::set_pod(const api::Pod& pod) {
  LabelSet labels = acquire_labels(pod.metadata.labels, pool_);
  if (!pod.service_account_name.empty()) {
    const Label account =
        make_label(pool_.acquire(kServiceAccountLabel), pool_.acquire(pod.service_account_name));
    labels.insert(std::ranges::lower_bound(labels, account), account);
  }
  set_entity(EntityKind::kPod, pod.metadata, std::move(labels), reader_.read(pod));
}

void GroupIndex::set_external_entity(const api::crd::ExternalEntity& entity) {
  set_entity(EntityKind::kExternalEntity, entity.metadata,
             acquire_labels(entity.metadata.labels, pool_), reader_.read(entity));
}

void GroupIndex::set_node(const api::Node& node) {
  set_entity(EntityKind::kNode, node.metadata, acquire_labels(node.metadata.labels, pool_),
             reader_.read(node));
}

void GroupIndex::set_entity(EntityKind kind, const api::ObjectMeta& meta, const LabelSet& labels,
                            EntityState state) {
  const StringId ns =
      namespace_at(kind == EntityKind::kNode ? std::string_view() : meta.namespace_);
  const EntityId id = entities_.at(kind, ns, meta.name);
  const ItemId item = item_for(kind, ns, labels), old_item = entities_.item(id);
  release_labels(labels, pool_);
  entities_.remember(id);
  if (item != old_item || !(state == entities_.state(id))) {
    if (old_item != Entities::kNone)
      for (const GroupId group : items_[old_item].groups) touch(group, id);
    if (item != old_item) {
      for (const GroupId group : items_[item].groups) touch(group, id);
      if (old_item != Entities::kNone) detach(id);
      items_.attach(id, item);
    }
  }
  entities_.set_state(id, std::move(state));
}

void GroupIndex::remove(EntityKind kind, std::string_view namespace_, std::string_view name_) {
  const StringId ns = pool_.find(namespace_), name = pool_.find(name_);
  if (ns == StringPool::kNone || name == StringPool::kNone) return;
  const EntityId id = entities_.find(kind, ns, name);
  if (id == Entities::kNone) return;
  entities_.remember(id);
  for (const GroupId group : items_[entities_.item(id)].groups) touch(group, id);
  detach(id);
  drop_if_unused(ns);
}

void GroupIndex::detach(EntityId entity) {
  const ItemId item = entities_.item(entity);
  items_.detach(entity);
  if (items_[item].members.empty()) remove_item(item);
}

void GroupIndex::touch(GroupId group, EntityId entity) {
  if (groups_[group].fresh) return;
  touches_.try_emplace(static_cast<std::uint64_t>(group) << 32 | entity, is_member(group, entity));
}

bool GroupIndex::is_member(GroupId group, EntityId entity) const {
  return exists(entity) && std::ranges::binary_search(groups_[group].items, entities_.item(entity));
}

// --- Label items ---

ItemId GroupIndex::item_for(EntityKind kind, StringId namespace_, const LabelSet& labels) {
  if (const ItemId found = items_.find(kind, namespace_, labels); found != Entities::kNone)
    return found;
  const ItemId item = items_.add(kind, namespace_, labels);
  namespaces_.at(namespace_).items.push_back(item);
  finder_.for_each_group_of(items_[item], [&](GroupId group) { link(group, item); });
  return item;
}

void GroupIndex::remove_item(ItemId id) {
  while (!items_[id].groups.empty()) unlink(items_[id].groups.back(), id);
  remove_one(namespaces_.at(items_[id].namespace_).items, id);
  items_.remove(id);
}

void GroupIndex::link(GroupId group, ItemId item) {
  auto& items = groups_[group].items;
  items.insert(std::ranges::lower_bound(items, item), item);
  items_[item].groups.push_back(group);
}

void GroupIndex::unlink(GroupId group, ItemId item) {
  auto& items = groups_[group].items;
  items.erase(std::ranges::lower_bound(items, item));
  auto& groups = items_[item].groups;
  if (groups.back() == group)
    groups.pop_back();
  else
    remove_one(groups, group);
}

// --- Groups ---

GroupId GroupIndex::acquire(const GroupSelectorView& selector) {
  scratch_.clear();
  append_normalized(selector, scratch_);
  if (const GroupId known = group_texts_.find(scratch_); known != StringPool::kNone) {
    ++groups_[known].references;
    return known;
  }
  const GroupId id = group_texts_.acquire(scratch_);
  if (id == groups_.size()) groups_.emplace_back();
  IndexedGroup& group = groups_[id];
  group.uuid = group_uuid(scratch_);
  group.kind = selector.kind;
  group.references = 1;
  // Without a Namespace and a selector of Namespaces it looks into all of them.
  const bool within = !selector.namespace_selector && !selector.namespace_.empty();
  if (selector.kind == EntityKind::kNode || (selector.kind != EntityKind::kService && within))
    group.namespace_ = namespace_at(selector.namespace_);
  if (selector.namespace_selector) group.namespace_selector = {*selector.namespace_selector, pool_};
  if (selector.selector) group.selector = {*selector.selector, pool_};
  fresh_groups_.push_back(id);
  if (selector.kind == EntityKind::kService) return id;  // named, not selected
  finder_.add(id);
  group.items = finder_.items_of(id);
  for (const ItemId item : group.items) items_[item].groups.push_back(id);
  return id;
}

api::ObjectKey GroupIndex::service(GroupId group) const {
  const std::string& text = group_texts_[group];
  const auto slash = text.find('/');
  return {text.substr(0, slash), text.substr(slash + 1)};
}

bool GroupIndex::reaches_beyond(GroupId group, std::string_view namespace_) const {
  return std::ranges::any_of(groups_[group].items, [&](ItemId item) {
    return pool_[items_[item].namespace_] != namespace_ &&
           std::ranges::any_of(items_[item].members, [&](EntityId entity) {
             return entities_.state(entity).can_be_target();
           });
  });
}

void GroupIndex::release(GroupId group) {
  if (--groups_[group].references == 0) released_groups_.push_back(group);
}

void GroupIndex::remove_group(GroupId id) {
  IndexedGroup& group = groups_[id];
  for (const ItemId item : group.items) remove_one(items_[item].groups, id);
  if (group.kind != EntityKind::kService) finder_.remove(id);
  if (group.local()) drop_if_unused(group.namespace_);
  group.namespace_selector.release(pool_);
  group.selector.release(pool_);
  group = {};
  group_texts_.release(id);
}

// --- The journal ---

std::vector<GroupIndex::Touch> GroupIndex::touches() const {
  std::vector<Touch> touches;
  touches.reserve(touches_.size());
  for (const auto& [key, was_member] : touches_)
    touches.push_back({static_cast<GroupId>(key >> 32), static_cast<EntityId>(key), was_member});
  std::ranges::sort(touches, [](const Touch& a, const Touch& b) {
    return std::pair(a.group, a.entity) < std::pair(b.group, b.entity);
  });
  return touches;
}

std::vector<GroupId> GroupIndex::unused_groups() const {
  std::vector<GroupId> unused;
  for (const GroupId group : released_groups_)
    if (groups_[group].references == 0) unused.push_back(group);
  sort_unique(unused);
  return unused;
}

void GroupIndex::end_batch() {
  for (const GroupId group : unused_groups()) remove_group(group);
  for (const GroupId group : fresh_groups_) groups_[group].fresh = false;
  entities_.end_batch();
  for (const StringId id : std::exchange(releases_, {})) pool_.release(id);
  release_memory(touches_);
  release_memory(released_groups_);
  release_memory(fresh_groups_);
}

}  // namespace antrea::policy
