#include "group_index.h"

#include <algorithm>

namespace antrea::policy {
namespace {

constexpr std::string_view kNamespaceNameLabel = "kubernetes.io/metadata.name";

template <typename Map, typename Value>
void add_to(Map& map, typename Map::key_type key, Value value) {
  map[key].push_back(value);
}

template <typename Value>
void remove_one(std::vector<Value>& values, Value value) {
  const auto found = std::ranges::find(values, value);
  if (found == values.end()) return;
  *found = values.back();
  values.pop_back();
}

template <typename Map, typename Value>
void remove_from(Map& map, typename Map::key_type key, Value value) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  remove_one(found->second, value);
  if (found->second.empty()) map.erase(found);
}

template <typename Map>
std::span<const typename Map::mapped_type::value_type> look_up(const Map& map,
                                                               typename Map::key_type key) {
  const auto found = map.find(key);
  if (found == map.end()) return {};
  return found->second;
}

template <typename Map>
std::size_t count_all(const Map& map, std::span<const Label> labels) {
  std::size_t count = 0;
  for (const Label label : labels) count += look_up(map, label).size();
  return count;
}

template <typename Value>
void sort_unique(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::size_t hash_labels(EntityKind kind, StringId namespace_, std::span<const Label> labels) {
  std::uint64_t hash =
      (static_cast<std::uint64_t>(kind) << 32 | namespace_) * 0x9e3779b97f4a7c15ULL;
  for (const Label label : labels) {
    hash ^= label;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

std::size_t GroupIndex::ItemHash::operator()(ItemId item) const {
  return hash_labels(index->items_[item].kind, index->items_[item].namespace_,
                     index->items_[item].labels);
}
std::size_t GroupIndex::ItemHash::operator()(const ItemKey& key) const {
  return hash_labels(key.kind, key.namespace_, key.labels);
}
bool GroupIndex::ItemEqual::operator()(const ItemKey& a, ItemId b) const {
  const LabelItem& item = index->items_[b];
  return a.kind == item.kind && a.namespace_ == item.namespace_ &&
         std::ranges::equal(a.labels, item.labels);
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

const GroupIndex::Namespace* GroupIndex::known_namespace(std::string_view name) const {
  const auto found = namespaces_.find(pool_.find(name));
  return found != namespaces_.end() && found->second.known ? &found->second : nullptr;
}

bool GroupIndex::namespace_matches(std::string_view name,
                                   const api::LabelSelector& selector) const {
  const Namespace* ns = known_namespace(name);
  if (ns == nullptr) return false;
  api::Labels labels;
  for (const Label label : ns->labels)
    labels.emplace(pool_[static_cast<StringId>(label >> 32)], pool_[static_cast<StringId>(label)]);
  return selector.matches(labels);
}

const std::string* GroupIndex::namespace_label(std::string_view name, std::string_view key) const {
  const Namespace* ns = known_namespace(name);
  const StringId id = pool_.find(key);
  if (ns == nullptr || id == StringPool::kNone) return nullptr;
  for (const Label label : ns->labels)
    if (static_cast<StringId>(label >> 32) == id) return &pool_[static_cast<StringId>(label)];
  return nullptr;
}

StringId GroupIndex::namespace_at(std::string_view name) {
  if (const StringId id = pool_.find(name); id != StringPool::kNone && namespaces_.contains(id))
    return id;
  const StringId id = pool_.acquire(name);
  Namespace& ns = namespaces_[id];
  for (const GroupId group : cluster_groups_of_any_namespace_)
    if (groups_[group].open() && selects(groups_[group], false, {}))
      ns.selecting_open_groups.push_back(group);
  return id;
}

void GroupIndex::drop_if_unused(StringId namespace_) {
  const auto found = namespaces_.find(namespace_);
  if (found == namespaces_.end() || !found->second.unused()) return;
  namespaces_.erase(found);
  release_later(namespace_);
}

/// A selector that asks for something cannot match a Namespace whose labels are not known yet.
bool GroupIndex::selects(const Group& group, bool known, const LabelSet& labels) {
  return group.namespace_selector.match_all() ||
         (known && group.namespace_selector.matches(labels));
}

bool GroupIndex::relabel_namespace(StringId id, bool known, LabelSet labels) {
  Namespace& ns = namespaces_.at(id);
  if (ns.known == known && ns.labels == labels) {
    release_labels(labels, pool_);
    return false;
  }
  std::vector<GroupId> candidates = cluster_groups_of_any_namespace_;
  for (const LabelSet* set : {&ns.labels, &labels})
    for (const Label label : *set)
      for (const GroupId group : look_up(cluster_groups_by_namespace_label_, label))
        candidates.push_back(group);
  sort_unique(candidates);
  for (const GroupId group : candidates) {
    const bool before = selects(groups_[group], ns.known, ns.labels);
    const bool after = selects(groups_[group], known, labels);
    if (before != after) select_namespace(group, ns, after);
  }

  for (const Label label : ns.labels) remove_from(namespaces_by_label_, label, id);
  for (const Label label : labels) add_to(namespaces_by_label_, label, id);
  release_labels(ns.labels, pool_);
  ns.known = known;
  ns.labels = std::move(labels);
  return true;
}

/// The group's namespace selector begins or ceases to match the Namespace.
void GroupIndex::select_namespace(GroupId group, Namespace& ns, bool selected) {
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

namespace {

/// Where a Node's own traffic comes from: its addresses and those of its gateway, the first of each
/// Pod CIDR (antrea: pkg/agent/util/net.go).
std::vector<IpAddress> addresses_of(const api::Node& node) {
  constexpr std::string_view kTransportAnnotation = "node.antrea.io/transport-addresses";
  std::vector<IpAddress> ips = node.internal_ips;
  ips.insert(ips.end(), node.external_ips.begin(), node.external_ips.end());
  for (const IpPrefix& cidr : node.pod_cidrs) ips.push_back(cidr.address().plus(1));
  if (const auto found = node.metadata.annotations.find(kTransportAnnotation);
      found != node.metadata.annotations.end()) {
    for (std::string_view rest = found->second; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (const auto ip = IpAddress::parse(rest.substr(0, comma))) ips.push_back(*ip);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  sort_unique(ips);
  return ips;
}

}  // namespace

EntityState GroupIndex::state_of(const api::Pod& pod) {
  EntityState state;
  if (!pod.node_name.empty()) state.node = pool_.acquire(pod.node_name);
  state.host_network = pod.host_network;
  state.terminated = pod.terminated();
  state.uid = pod.metadata.uid;
  state.ips = pod.pod_ips;
  std::vector<api::controlplane::NamedPort> ports;
  for (const api::Container& container : pod.containers)
    for (const api::ContainerPort& port : container.ports)
      if (!port.name.empty()) ports.push_back({port.container_port, port.name, port.protocol});
  if (!ports.empty()) {
    sort_unique(ports);
    // Replicas come one after the other and declare the same ports.
    if (!last_ports_ || *last_ports_ != ports)
      last_ports_ = std::make_shared<const std::vector<api::controlplane::NamedPort>>(ports);
    state.ports = last_ports_;
  }
  return state;
}

void GroupIndex::set_pod(const api::Pod& pod) {
  LabelSet labels = acquire_labels(pod.metadata.labels, pool_);
  if (!pod.service_account_name.empty()) {
    const Label account =
        make_label(pool_.acquire(kServiceAccountLabel), pool_.acquire(pod.service_account_name));
    labels.insert(std::ranges::lower_bound(labels, account), account);
  }
  set_entity(EntityKind::kPod, pod.metadata.namespace_, pod.metadata.name, std::move(labels),
             state_of(pod));
}

void GroupIndex::set_external_entity(const api::crd::ExternalEntity& entity) {
  EntityState state;
  if (!entity.external_node.empty()) state.node = pool_.acquire(entity.external_node);
  state.uid = entity.metadata.uid;
  for (const auto& endpoint : entity.endpoints) state.ips.push_back(endpoint.ip);
  if (!entity.ports.empty()) {
    std::vector<api::controlplane::NamedPort> ports = entity.ports;
    sort_unique(ports);
    state.ports =
        std::make_shared<const std::vector<api::controlplane::NamedPort>>(std::move(ports));
  }
  set_entity(EntityKind::kExternalEntity, entity.metadata.namespace_, entity.metadata.name,
             acquire_labels(entity.metadata.labels, pool_), std::move(state));
}

void GroupIndex::set_node(const api::Node& node) {
  EntityState state;
  state.node = pool_.acquire(node.metadata.name);
  state.uid = node.metadata.uid;
  state.ips = addresses_of(node);
  set_entity(EntityKind::kNode, {}, node.metadata.name, acquire_labels(node.metadata.labels, pool_),
             std::move(state));
}

void GroupIndex::set_entity(EntityKind kind, std::string_view namespace_, std::string_view name_,
                            LabelSet labels, EntityState state) {
  const StringId ns = namespace_at(namespace_), name = pool_.acquire(name_);
  EntityId id = 0;
  if (const auto found = by_key(kind).find(entity_key(ns, name)); found != by_key(kind).end()) {
    id = found->second;
    pool_.release(name);
  } else {
    if (free_entities_.empty()) {
      id = static_cast<EntityId>(entities_.size());
      entities_.emplace_back();
    } else {
      id = free_entities_.back();
      free_entities_.pop_back();
    }
    pool_.acquire(ns);
    entities_[id] = {.kind = kind, .namespace_ = ns, .name = name, .item = kNone};
    by_key(kind).emplace(entity_key(ns, name), id);
  }

  const ItemId item = item_for(kind, ns, labels);
  release_labels(labels, pool_);
  const ItemId old_item = entities_[id].item;
  remember(id);
  if (item != old_item || !(state == entities_[id].state)) {
    if (old_item != kNone)
      for (const GroupId group : items_[old_item].groups) touch(group, id);
    if (item != old_item) {
      for (const GroupId group : items_[item].groups) touch(group, id);
      if (old_item != kNone) detach(id);
      attach(id, item);
    }
  }
  if (entities_[id].state.scheduled()) release_later(entities_[id].state.node);
  entities_[id].state = std::move(state);
}

void GroupIndex::remove(EntityKind kind, std::string_view namespace_, std::string_view name) {
  const StringId ns = pool_.find(namespace_), name_id = pool_.find(name);
  if (ns == StringPool::kNone || name_id == StringPool::kNone) return;
  const auto found = by_key(kind).find(entity_key(ns, name_id));
  if (found == by_key(kind).end() || !exists(found->second)) return;
  const EntityId id = found->second;
  remember(id);
  for (const GroupId group : items_[entities_[id].item].groups) touch(group, id);
  detach(id);
  entities_[id].item = kNone;
  drop_if_unused(ns);
}

void GroupIndex::attach(EntityId entity, ItemId item) {
  entities_[entity].item = item;
  entities_[entity].position = static_cast<std::uint32_t>(items_[item].members.size());
  items_[item].members.push_back(entity);
}

void GroupIndex::detach(EntityId entity) {
  const ItemId item = entities_[entity].item;
  std::vector<EntityId>& members = items_[item].members;
  const EntityId last = members.back();
  members[entities_[entity].position] = last;
  entities_[last].position = entities_[entity].position;
  members.pop_back();
  if (members.empty()) remove_item(item);
}

void GroupIndex::remember(EntityId entity) {
  old_states_.try_emplace(entity, OldState{exists(entity), entities_[entity].state});
}

void GroupIndex::touch(GroupId group, EntityId entity) {
  if (groups_[group].fresh) return;
  touches_.try_emplace(static_cast<std::uint64_t>(group) << 32 | entity, is_member(group, entity));
}

bool GroupIndex::is_member(GroupId group, EntityId entity) const {
  return exists(entity) && std::ranges::binary_search(groups_[group].items, entities_[entity].item);
}

// --- Label items ---

GroupIndex::ItemId GroupIndex::item_for(EntityKind kind, StringId namespace_,
                                        const LabelSet& labels) {
  if (const auto found = items_by_labels_.find(ItemKey{kind, namespace_, labels});
      found != items_by_labels_.end())
    return *found;
  ItemId id = 0;
  if (free_items_.empty()) {
    id = static_cast<ItemId>(items_.size());
    items_.emplace_back();
  } else {
    id = free_items_.back();
    free_items_.pop_back();
  }
  LabelItem& item = items_[id];
  item.kind = kind;
  item.namespace_ = namespace_;
  item.labels = labels;
  for (const Label label : labels) {
    pool_.acquire(static_cast<StringId>(label >> 32));
    pool_.acquire(static_cast<StringId>(label));
    add_to(items_by_label_, label, id);
  }
  items_by_labels_.insert(id);
  namespaces_.at(namespace_).items.push_back(id);
  link_matching_groups(id);
  return id;
}

void GroupIndex::remove_item(ItemId id) {
  LabelItem& item = items_[id];
  while (!item.groups.empty()) unlink(item.groups.back(), id);
  items_by_labels_.erase(id);
  for (const Label label : item.labels) remove_from(items_by_label_, label, id);
  remove_one(namespaces_.at(item.namespace_).items, id);
  release_labels(item.labels, pool_);
  item = {};
  free_items_.push_back(id);
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

void GroupIndex::link_matching_groups(ItemId id) {
  const LabelItem& item = items_[id];
  const Namespace& ns = namespaces_.at(item.namespace_);
  const auto try_link = [&](GroupId group) {
    if (groups_[group].matches(item)) link(group, id);
  };
  for (const GroupId group : ns.open_groups) try_link(group);
  for (const GroupId group : ns.selecting_open_groups) try_link(group);
  // Anchored groups of this Namespace: by the Namespace or by the labels, whichever list is
  // shorter.
  if (ns.anchored_groups.size() <= count_all(local_groups_by_label_, item.labels)) {
    for (const GroupId group : ns.anchored_groups) try_link(group);
  } else {
    for (const Label label : item.labels)
      for (const GroupId group : look_up(local_groups_by_label_, label))
        if (groups_[group].namespace_ == item.namespace_) try_link(group);
  }
  for (const Label label : item.labels)
    for (const GroupId group : look_up(cluster_groups_by_label_, label))
      if (selects(groups_[group], ns.known, ns.labels)) try_link(group);
}

// --- Groups ---

GroupId GroupIndex::acquire(const GroupSelector& selector) {
  std::string text = normalized(selector);
  if (const auto found = groups_by_text_.find(text); found != groups_by_text_.end()) {
    ++groups_[found->second].references;
    return found->second;
  }
  GroupId id = 0;
  if (free_groups_.empty()) {
    id = static_cast<GroupId>(groups_.size());
    groups_.emplace_back();
  } else {
    id = free_groups_.back();
    free_groups_.pop_back();
  }
  Group& group = groups_[id];
  group = {};
  group.text = std::move(text);
  group.name = group_name(group.text);
  group.kind = selector.kind;
  group.references = 1;
  // Without a Namespace and a selector of Namespaces it looks into all of them.
  const bool within = !selector.namespace_selector && !selector.namespace_.empty();
  if (selector.kind == EntityKind::kNode || (selector.kind != EntityKind::kService && within))
    group.namespace_ = namespace_at(selector.namespace_);
  if (selector.namespace_selector) group.namespace_selector = {*selector.namespace_selector, pool_};
  if (selector.selector) group.selector = {*selector.selector, pool_};
  groups_by_text_.emplace(group.text, id);
  fresh_groups_.push_back(id);
  if (selector.kind == EntityKind::kService) return id;  // named, not selected
  index_group(id, true);
  link_matching_items(id);
  return id;
}

api::ObjectKey GroupIndex::service(GroupId group) const {
  const std::string& text = groups_[group].text;
  const auto slash = text.find('/');
  return {text.substr(0, slash), text.substr(slash + 1)};
}

bool GroupIndex::reaches_beyond(GroupId group, std::string_view namespace_) const {
  return std::ranges::any_of(groups_[group].items, [&](ItemId item) {
    return pool_[items_[item].namespace_] != namespace_ &&
           std::ranges::any_of(items_[item].members, [&](EntityId entity) {
             return entities_[entity].state.can_be_target();
           });
  });
}

void GroupIndex::release(GroupId group) {
  if (--groups_[group].references == 0) released_groups_.push_back(group);
}

void GroupIndex::index_group(GroupId id, bool add) {
  const Group& group = groups_[id];
  const auto change = [&](auto& map, std::span<const Label> labels) {
    for (const Label label : labels) {
      if (add)
        add_to(map, label, id);
      else
        remove_from(map, label, id);
    }
  };
  const auto change_list = [&](std::vector<GroupId>& list) {
    if (add)
      list.push_back(id);
    else
      remove_one(list, id);
  };
  if (group.local()) {
    Namespace& ns = namespaces_.at(group.namespace_);
    change_list(group.open() ? ns.open_groups : ns.anchored_groups);
    change(local_groups_by_label_, group.selector.anchors());
    return;
  }
  change(cluster_groups_by_label_, group.selector.anchors());
  change(cluster_groups_by_namespace_label_, group.namespace_selector.anchors());
  if (group.namespace_selector.anchors().empty()) change_list(cluster_groups_of_any_namespace_);
}

/// A new group: finds the label items it matches, by the shortest list that holds them all.
void GroupIndex::link_matching_items(GroupId id) {
  Group& group = groups_[id];
  const auto try_items = [&](std::span<const ItemId> items, auto&& in_scope) {
    for (const ItemId item : items)
      if (in_scope(items_[item]) && group.matches(items_[item])) group.items.push_back(item);
  };
  const auto always = [](const LabelItem&) { return true; };
  const auto anchors = group.selector.anchors();
  if (group.local()) {
    const Namespace& ns = namespaces_.at(group.namespace_);
    if (group.open() || ns.items.size() <= count_all(items_by_label_, anchors)) {
      try_items(ns.items, always);
    } else {
      for (const Label label : anchors)
        try_items(look_up(items_by_label_, label),
                  [&](const LabelItem& item) { return item.namespace_ == group.namespace_; });
    }
  } else if (!group.open()) {
    for (const Label label : anchors)
      try_items(look_up(items_by_label_, label), [&](const LabelItem& item) {
        const Namespace& ns = namespaces_.at(item.namespace_);
        return selects(group, ns.known, ns.labels);
      });
  } else {
    const auto try_namespace = [&](Namespace& ns) {
      if (!selects(group, ns.known, ns.labels)) return;
      ns.selecting_open_groups.push_back(id);
      try_items(ns.items, always);
    };
    if (group.namespace_selector.anchors().empty()) {
      for (auto& [ns_id, ns] : namespaces_) try_namespace(ns);
    } else {
      for (const Label label : group.namespace_selector.anchors())
        for (const StringId ns : look_up(namespaces_by_label_, label))
          try_namespace(namespaces_.at(ns));
    }
  }
  std::ranges::sort(group.items);
  for (const ItemId item : group.items) items_[item].groups.push_back(id);
}

void GroupIndex::remove_group(GroupId id) {
  Group& group = groups_[id];
  for (const ItemId item : group.items) remove_one(items_[item].groups, id);
  const bool indexed = group.kind != EntityKind::kService;
  if (indexed) index_group(id, false);
  if (indexed && !group.local() && group.open()) {
    if (group.namespace_selector.anchors().empty()) {
      for (auto& [ns_id, ns] : namespaces_) remove_one(ns.selecting_open_groups, id);
    } else {
      for (const Label label : group.namespace_selector.anchors())
        for (const StringId ns : look_up(namespaces_by_label_, label))
          remove_one(namespaces_.at(ns).selecting_open_groups, id);
    }
  }
  if (group.local()) drop_if_unused(group.namespace_);
  groups_by_text_.erase(group.text);
  group.namespace_selector.release(pool_);
  group.selector.release(pool_);
  group = {};
  free_groups_.push_back(id);
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

std::vector<EntityId> GroupIndex::touched_entities() const {
  std::vector<EntityId> entities;
  entities.reserve(old_states_.size());
  for (const auto& [entity, old] : old_states_) entities.push_back(entity);
  return entities;
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
  for (const auto& [entity, old] : old_states_) {
    if (exists(entity)) continue;
    EntityRecord& record = entities_[entity];
    by_key(record.kind).erase(entity_key(record.namespace_, record.name));
    if (record.state.scheduled()) pool_.release(record.state.node);
    pool_.release(record.namespace_);
    pool_.release(record.name);
    record = {};
    free_entities_.push_back(entity);
  }
  for (const StringId id : releases_) pool_.release(id);
  releases_.clear();
  touches_ = {};
  old_states_ = {};
  released_groups_.clear();
  fresh_groups_.clear();
}

}  // namespace antrea::policy
