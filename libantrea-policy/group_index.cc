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

std::size_t hash_labels(StringId namespace_, std::span<const Label> labels) {
  std::uint64_t hash = namespace_ * 0x9e3779b97f4a7c15ULL;
  for (const Label label : labels) {
    hash ^= label;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

std::size_t GroupIndex::ItemHash::operator()(ItemId item) const {
  return hash_labels(index->items_[item].namespace_, index->items_[item].labels);
}
std::size_t GroupIndex::ItemHash::operator()(const ItemKey& key) const {
  return hash_labels(key.namespace_, key.labels);
}
bool GroupIndex::ItemEqual::operator()(const ItemKey& a, ItemId b) const {
  const LabelItem& item = index->items_[b];
  return a.namespace_ == item.namespace_ && std::ranges::equal(a.labels, item.labels);
}

// --- Namespaces ---

void GroupIndex::set_namespace(std::string_view name, const api::Labels& labels) {
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
  relabel_namespace(id, true, std::move(set));
}

void GroupIndex::remove_namespace(std::string_view name) {
  const StringId id = pool_.find(name);
  if (id == StringPool::kNone || !namespaces_.contains(id)) return;
  relabel_namespace(id, false, {});
  drop_if_unused(id);
}

StringId GroupIndex::namespace_at(std::string_view name) {
  if (const StringId id = pool_.find(name); id != StringPool::kNone && namespaces_.contains(id))
    return id;
  const StringId id = pool_.acquire(name);
  Namespace& ns = namespaces_[id];
  for (const GroupId group : cluster_groups_of_any_namespace_)
    if (groups_[group].open() && namespace_matches(groups_[group], false, {}))
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
bool GroupIndex::namespace_matches(const Group& group, bool known, const LabelSet& labels) {
  return group.namespace_selector.match_all() ||
         (known && group.namespace_selector.matches(labels));
}

void GroupIndex::relabel_namespace(StringId id, bool known, LabelSet labels) {
  Namespace& ns = namespaces_.at(id);
  if (ns.known == known && ns.labels == labels) {
    release_labels(labels, pool_);
    return;
  }
  std::vector<GroupId> candidates = cluster_groups_of_any_namespace_;
  for (const LabelSet* set : {&ns.labels, &labels})
    for (const Label label : *set)
      for (const GroupId group : look_up(cluster_groups_by_namespace_label_, label))
        candidates.push_back(group);
  sort_unique(candidates);
  for (const GroupId group : candidates) {
    const bool before = namespace_matches(groups_[group], ns.known, ns.labels);
    const bool after = namespace_matches(groups_[group], known, labels);
    if (before != after) select_namespace(group, ns, after);
  }

  for (const Label label : ns.labels) remove_from(namespaces_by_label_, label, id);
  for (const Label label : labels) add_to(namespaces_by_label_, label, id);
  release_labels(ns.labels, pool_);
  ns.known = known;
  ns.labels = std::move(labels);
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
    if (!groups_[group].pod_selector.matches(items_[item].labels)) continue;
    for (const PodId pod : items_[item].pods) touch(group, pod);
    if (selected)
      link(group, item);
    else
      unlink(group, item);
  }
}

// --- Pods ---

PodState GroupIndex::state_of(const api::Pod& pod) {
  PodState state;
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

PodId GroupIndex::set_pod(const api::Pod& pod) {
  const StringId ns = namespace_at(pod.metadata.namespace_);
  StringId name = pool_.acquire(pod.metadata.name);
  PodId id = 0;
  if (const auto found = pods_by_key_.find(pod_key(ns, name)); found != pods_by_key_.end()) {
    id = found->second;
    pool_.release(name);
  } else {
    if (free_pods_.empty()) {
      id = static_cast<PodId>(pods_.size());
      pods_.emplace_back();
    } else {
      id = free_pods_.back();
      free_pods_.pop_back();
    }
    pool_.acquire(ns);
    pods_[id] = {.namespace_ = ns, .name = name, .item = kNone};
    pods_by_key_.emplace(pod_key(ns, name), id);
  }

  PodState state = state_of(pod);
  const LabelSet labels = acquire_labels(pod.metadata.labels, pool_);
  const ItemId item = item_for(ns, labels);
  release_labels(labels, pool_);
  const ItemId old_item = pods_[id].item;
  remember(id);
  if (item != old_item || !(state == pods_[id].state)) {
    if (old_item != kNone)
      for (const GroupId group : items_[old_item].groups) touch(group, id);
    if (item != old_item) {
      for (const GroupId group : items_[item].groups) touch(group, id);
      if (old_item != kNone) detach(id);
      attach(id, item);
    }
  }
  if (pods_[id].state.scheduled()) release_later(pods_[id].state.node);
  pods_[id].state = std::move(state);
  return id;
}

PodId GroupIndex::remove_pod(std::string_view namespace_, std::string_view name) {
  const StringId ns = pool_.find(namespace_), pod_name = pool_.find(name);
  if (ns == StringPool::kNone || pod_name == StringPool::kNone) return kNone;
  const auto found = pods_by_key_.find(pod_key(ns, pod_name));
  if (found == pods_by_key_.end() || !exists(found->second)) return kNone;
  const PodId id = found->second;
  remember(id);
  for (const GroupId group : items_[pods_[id].item].groups) touch(group, id);
  detach(id);
  pods_[id].item = kNone;
  drop_if_unused(ns);
  return id;
}

void GroupIndex::attach(PodId pod, ItemId item) {
  pods_[pod].item = item;
  pods_[pod].position = static_cast<std::uint32_t>(items_[item].pods.size());
  items_[item].pods.push_back(pod);
}

void GroupIndex::detach(PodId pod) {
  const ItemId item = pods_[pod].item;
  std::vector<PodId>& pods = items_[item].pods;
  const PodId last = pods.back();
  pods[pods_[pod].position] = last;
  pods_[last].position = pods_[pod].position;
  pods.pop_back();
  if (pods.empty()) remove_item(item);
}

void GroupIndex::remember(PodId pod) {
  old_states_.try_emplace(pod, OldState{exists(pod), pods_[pod].state});
}

void GroupIndex::touch(GroupId group, PodId pod) {
  if (groups_[group].fresh) return;
  touches_.try_emplace(static_cast<std::uint64_t>(group) << 32 | pod, is_member(group, pod));
}

bool GroupIndex::is_member(GroupId group, PodId pod) const {
  return exists(pod) && std::ranges::binary_search(groups_[group].items, pods_[pod].item);
}

// --- Label items ---

GroupIndex::ItemId GroupIndex::item_for(StringId namespace_, const LabelSet& labels) {
  if (const auto found = items_by_labels_.find(ItemKey{namespace_, labels});
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
    if (groups_[group].pod_selector.matches(item.labels)) link(group, id);
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
      if (namespace_matches(groups_[group], ns.known, ns.labels)) try_link(group);
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
  group.references = 1;
  // Without a Namespace and a selector of Namespaces it looks into all of them.
  if (!selector.namespace_selector && !selector.namespace_.empty())
    group.namespace_ = namespace_at(selector.namespace_);
  if (selector.namespace_selector) group.namespace_selector = {*selector.namespace_selector, pool_};
  if (selector.pod_selector) group.pod_selector = {*selector.pod_selector, pool_};
  groups_by_text_.emplace(group.text, id);
  fresh_groups_.push_back(id);
  index_group(id, true);
  link_matching_items(id);
  return id;
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
    change(local_groups_by_label_, group.pod_selector.anchors());
    return;
  }
  change(cluster_groups_by_label_, group.pod_selector.anchors());
  change(cluster_groups_by_namespace_label_, group.namespace_selector.anchors());
  if (group.namespace_selector.anchors().empty()) change_list(cluster_groups_of_any_namespace_);
}

/// A new group: finds the label items it matches, by the shortest list that holds them all.
void GroupIndex::link_matching_items(GroupId id) {
  Group& group = groups_[id];
  const auto try_items = [&](std::span<const ItemId> items, auto&& in_scope) {
    for (const ItemId item : items)
      if (in_scope(items_[item]) && group.pod_selector.matches(items_[item].labels))
        group.items.push_back(item);
  };
  const auto always = [](const LabelItem&) { return true; };
  const auto anchors = group.pod_selector.anchors();
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
        return namespace_matches(group, ns.known, ns.labels);
      });
  } else {
    const auto try_namespace = [&](Namespace& ns) {
      if (!namespace_matches(group, ns.known, ns.labels)) return;
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
  index_group(id, false);
  if (!group.local() && group.open()) {
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
  group.pod_selector.release(pool_);
  group = {};
  free_groups_.push_back(id);
}

// --- The journal ---

std::vector<GroupIndex::Touch> GroupIndex::touches() const {
  std::vector<Touch> touches;
  touches.reserve(touches_.size());
  for (const auto& [key, was_member] : touches_)
    touches.push_back({static_cast<GroupId>(key >> 32), static_cast<PodId>(key), was_member});
  std::ranges::sort(touches, [](const Touch& a, const Touch& b) {
    return std::pair(a.group, a.pod) < std::pair(b.group, b.pod);
  });
  return touches;
}

std::vector<PodId> GroupIndex::touched_pods() const {
  std::vector<PodId> pods;
  pods.reserve(old_states_.size());
  for (const auto& [pod, old] : old_states_) pods.push_back(pod);
  return pods;
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
  for (const auto& [pod, old] : old_states_) {
    if (exists(pod)) continue;
    PodRecord& record = pods_[pod];
    pods_by_key_.erase(pod_key(record.namespace_, record.name));
    if (record.state.scheduled()) pool_.release(record.state.node);
    pool_.release(record.namespace_);
    pool_.release(record.name);
    record = {};
    free_pods_.push_back(pod);
  }
  for (const StringId id : releases_) pool_.release(id);
  releases_.clear();
  touches_ = {};
  old_states_ = {};
  released_groups_.clear();
  fresh_groups_.clear();
}

}  // namespace antrea::policy
