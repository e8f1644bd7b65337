#include "antrea/controlplane/store.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace antrea::controlplane {

using namespace api::controlplane;

namespace {

template <typename T>
inline constexpr Resource kResourceOf{};
template <>
inline constexpr Resource kResourceOf<NetworkPolicy> = Resource::kNetworkPolicies;
template <>
inline constexpr Resource kResourceOf<AddressGroup> = Resource::kAddressGroups;
template <>
inline constexpr Resource kResourceOf<AppliedToGroup> = Resource::kAppliedToGroups;
template <>
inline constexpr Resource kResourceOf<EvaluatedPods> = Resource::kEvaluatedPods;
template <>
inline constexpr Resource kResourceOf<EgressGroup> = Resource::kEgressGroups;

/// Groups whose members each Node is told of on its own.
template <typename T>
inline constexpr bool kByNode = std::is_same_v<T, AppliedToGroup> || std::is_same_v<T, EgressGroup>;
template <typename T>
using PatchOf =
    std::conditional_t<std::is_same_v<T, EgressGroup>, EgressGroupPatch, AppliedToGroupPatch>;

constexpr std::size_t index_of(Resource resource) { return static_cast<std::size_t>(resource); }
constexpr std::size_t index_of(Format format) { return static_cast<std::size_t>(format); }

/// An event that is encoded when the first watcher of a format needs it.
class Event {
 public:
  template <typename T>
  Event(EventType type, T object)
      : type_(type), encode_([object = std::move(object)](Format format) {
          return api::controlplane::encode(object, format);
        }) {}
  template <typename T>
  Event(EventType type, std::shared_ptr<const T> object)
      : type_(type), encode_([object = std::move(object)](Format format) {
          return api::controlplane::encode(*object, format);
        }) {}

  const Frame& frame(Format format) {
    Frame& frame = frames_[index_of(format)];
    if (!frame)
      frame = std::make_shared<const std::string>(encode_frame(type_, encode_(format), format));
    return frame;
  }

 private:
  EventType type_;
  std::function<std::string(Format)> encode_;
  std::array<Frame, 2> frames_;
};

/// What a DELETED event shows.
NetworkPolicy remains_of(const NetworkPolicy& policy) {
  NetworkPolicy remains;
  remains.metadata = policy.metadata;
  remains.source_ref = policy.source_ref;
  return remains;
}
template <typename T>
T remains_of(const T& object) {
  T remains;
  remains.metadata = object.metadata;
  return remains;
}

template <typename T>
std::vector<T> difference(const std::vector<T>& of, const std::vector<T>& without) {
  std::vector<T> rest;
  std::ranges::set_difference(of, without, std::back_inserter(rest));
  return rest;
}

Metadata meta_of_group(const std::string& name) {
  Metadata meta;
  meta.name = meta.uid = name;
  return meta;
}

struct Watcher {
  WatcherId id;
  WatchRequest request;
  std::deque<Frame> pending;
  std::size_t limit = 0;
  bool dropped = false;
  bool woken = false;  // named in the result of the `apply` under way
};

template <typename T, bool = kByNode<T>>
struct Entry {
  std::shared_ptr<const T> object;
  NodeSet span;
  /// The ADDED event, kept for as long as some watcher has not taken it.
  std::array<std::weak_ptr<const std::string>, 2> added;
};

/// Its parts are what Nodes are told; the whole is put together for the few who ask.
template <typename T>
struct Entry<T, true> {
  std::string name;
  std::map<std::string, std::vector<GroupMember>> members_by_node;

  T part(const std::vector<GroupMember>& members) const { return {meta_of_group(name), members}; }
  T whole() const {
    std::set<GroupMember> members;
    for (const auto& [node, on_node] : members_by_node)
      members.insert(on_node.begin(), on_node.end());
    return part({members.begin(), members.end()});
  }
};

template <typename T>
std::shared_ptr<const T> object_of(const Entry<T>& entry) {
  if constexpr (kByNode<T>)
    return std::make_shared<const T>(entry.whole());
  else
    return entry.object;
}

/// What a Node is shown of it, or everybody if `node` is empty; null: nothing.
template <typename T>
std::shared_ptr<const T> seen_by(std::string_view node, const Entry<T>& entry,
                                 const std::string& name) {
  if (node.empty()) return object_of(entry);
  if constexpr (kByNode<T>) {
    const auto members = entry.members_by_node.find(std::string(node));
    if (members == entry.members_by_node.end()) return nullptr;
    return std::make_shared<const T>(entry.part(members->second));
  } else {
    const bool shown = std::is_same_v<T, EvaluatedPods> ? name == node : entry.span.contains(node);
    return shown ? entry.object : nullptr;
  }
}

template <typename T>
using Table = std::map<std::string, Entry<T>, std::less<>>;

}  // namespace

struct Store::Impl {
  explicit Impl(StoreOptions given) : options(given), revision(given.first_revision) {}

  StoreOptions options;
  std::uint64_t revision;
  std::uint64_t last_id = 0;
  std::tuple<Table<NetworkPolicy>, Table<AddressGroup>, Table<AppliedToGroup>, Table<EvaluatedPods>,
             Table<EgressGroup>>
      tables;
  std::map<WatcherId, std::unique_ptr<Watcher>> watchers;
  // Per resource, by Node; those without Node under "".
  std::array<std::unordered_map<std::string, std::vector<Watcher*>>, kResources.size()> by_node;
  std::vector<WatcherId> woken;

  template <typename T>
  Table<T>& table() {
    return std::get<Table<T>>(tables);
  }
  template <typename T>
  const Table<T>& table() const {
    return std::get<Table<T>>(tables);
  }

  // --- Delivery
  // ------------------------------------------------------------------------------------

  void push(Watcher& watcher, const Frame& frame) {
    if (watcher.dropped) return;
    watcher.pending.push_back(frame);
    if (watcher.pending.size() > watcher.limit) {
      watcher.pending.clear();
      watcher.dropped = true;
    }
    if (!watcher.woken) woken.push_back(watcher.id);
    watcher.woken = true;
  }

  /// To the watchers of that Node; of none if it is empty.
  void deliver(Resource resource, const std::string& node, std::string_view name, Event& event) {
    auto& nodes = by_node[index_of(resource)];
    const auto found = nodes.find(node);
    if (found == nodes.end()) return;
    for (Watcher* watcher : found->second)
      if (watcher->request.name.empty() || watcher->request.name == name)
        push(*watcher, event.frame(watcher->request.format));
  }

  template <typename T>
  Frame added_frame(Entry<T>& entry, Format format) {
    auto& kept = entry.added[index_of(format)];
    if (auto frame = kept.lock()) return frame;
    Event event(EventType::kAdded, entry.object);
    kept = event.frame(format);
    return event.frame(format);
  }

  template <typename T>
  Frame bookmark(Format format, bool mark_initial_end) const {
    T object;
    object.metadata.resource_version = std::to_string(revision);
    object.metadata.initial_events_end = mark_initial_end;
    return Event(EventType::kBookmark, std::move(object)).frame(format);
  }
  Frame bookmark(const WatchRequest& request, bool mark_initial_end) const {
    switch (request.resource) {
      case Resource::kNetworkPolicies:
        return bookmark<NetworkPolicy>(request.format, mark_initial_end);
      case Resource::kAddressGroups:
        return bookmark<AddressGroup>(request.format, mark_initial_end);
      case Resource::kAppliedToGroups:
        return bookmark<AppliedToGroup>(request.format, mark_initial_end);
      case Resource::kEvaluatedPods:
        return bookmark<EvaluatedPods>(request.format, mark_initial_end);
      case Resource::kEgressGroups:
        return bookmark<EgressGroup>(request.format, mark_initial_end);
    }
    return {};
  }

  // --- Changes
  // -------------------------------------------------------------------------------------

  /// Policies and AddressGroups, whose events are the same for all Nodes of the span. A null
  /// `object`: it is gone; a null `modified`: it looks as before.
  template <typename T>
  void apply_spanned(const std::string& name, const std::shared_ptr<const T>& object,
                     const NodeSet& span, Event* modified) {
    constexpr Resource kResource = kResourceOf<T>;
    auto& all = table<T>();
    const auto found = all.find(name);
    const bool existed = found != all.end();
    if (!existed && !object) return;
    const NodeSet before = existed ? found->second.span : NodeSet{};
    if (existed) {
      Event deleted(EventType::kDeleted, remains_of(*found->second.object));
      if (!object) deliver(kResource, {}, name, deleted);
      if (!object || !(span == before))
        for (const auto& node : before)
          if (!object || !span.contains(node)) deliver(kResource, node, name, deleted);
    }
    if (!object) {
      all.erase(found);
      return;
    }
    Entry<T>& entry = existed ? found->second : all[name];
    if (!existed || modified != nullptr) entry.added = {};
    entry.object = object;
    entry.span = span;
    Event added(EventType::kAdded, object);
    if (!existed)
      deliver(kResource, {}, name, added);
    else if (modified != nullptr)
      deliver(kResource, {}, name, *modified);
    if (existed && modified == nullptr && span == before) return;
    for (const auto& node : span) {
      if (!before.contains(node))
        deliver(kResource, node, name, added);
      else if (modified != nullptr)
        deliver(kResource, node, name, *modified);
    }
  }

  void apply(const PolicyChange& change) {
    const auto found = table<NetworkPolicy>().find(change.name());
    const bool same = found != table<NetworkPolicy>().end() && change.policy &&
                      *found->second.object == *change.policy;
    Event modified(EventType::kModified, change.policy);
    apply_spanned(change.name(), change.policy, change.span, same ? nullptr : &modified);
  }

  void apply(const AddressGroupChange& change) {
    auto& all = table<AddressGroup>();
    const auto found = all.find(change.name);
    if (change.gone) return apply_spanned<AddressGroup>(change.name, nullptr, {}, nullptr);
    if (found != all.end() && change.delta.empty())
      return apply_spanned<AddressGroup>(change.name, found->second.object, change.span, nullptr);
    auto group = std::make_shared<AddressGroup>();
    group->metadata = meta_of_group(change.name);
    if (found != all.end()) {
      // Members are moved, not copied, unless a reader still holds the object.
      auto& kept = found->second.object;
      if (kept.use_count() == 1)
        group->members = std::move(std::const_pointer_cast<AddressGroup>(kept)->members);
      else
        group->members = kept->members;
    }
    api::controlplane::apply(change.delta, group->members);
    Event modified(EventType::kModified,
                   AddressGroupPatch{{group->metadata, change.delta.added, change.delta.removed}});
    apply_spanned<AddressGroup>(change.name, group, change.span, &modified);
  }

  void apply(const AppliedToGroupChange& change) { apply_by_node<AppliedToGroup>(change); }
  void apply(const EgressGroupChange& change) { apply_by_node<EgressGroup>(change); }

  template <typename T>
  void apply_by_node(const AppliedToGroupChange& change) {
    constexpr Resource kResource = kResourceOf<T>;
    auto& all = table<T>();
    const auto found = all.find(change.name);
    const bool existed = found != all.end();
    Event deleted(EventType::kDeleted, T{meta_of_group(change.name), {}});
    if (change.gone) {
      if (!existed) return;
      deliver(kResource, {}, change.name, deleted);
      for (const auto& [node, members] : found->second.members_by_node)
        deliver(kResource, node, change.name, deleted);
      all.erase(found);
      return;
    }
    Entry<T>& entry = all[change.name];
    entry.name = change.name;
    const bool seen_whole = is_watched(kResource, {});
    MemberDelta everywhere;
    for_each_node(change, [&](const std::string& node, const MemberDelta& delta) {
      auto [members, is_new] = entry.members_by_node.try_emplace(node);
      api::controlplane::apply(delta, members->second);
      if (seen_whole) {
        everywhere.added.insert(everywhere.added.end(), delta.added.begin(), delta.added.end());
        everywhere.removed.insert(everywhere.removed.end(), delta.removed.begin(),
                                  delta.removed.end());
      }
      if (members->second.empty()) {
        entry.members_by_node.erase(members);
        if (!is_new) deliver(kResource, node, change.name, deleted);
      } else if (is_new) {
        if (!is_watched(kResource, node)) return;
        Event added(EventType::kAdded, entry.part(members->second));
        deliver(kResource, node, change.name, added);
      } else {
        deliver_patch<T>(node, change.name, delta);
      }
    });
    if (existed)
      deliver_patch<T>({}, change.name, everywhere);
    else if (seen_whole) {
      Event added(EventType::kAdded, entry.whole());
      deliver(kResource, {}, change.name, added);
    }
  }

  bool is_watched(Resource resource, const std::string& node) const {
    return by_node[index_of(resource)].contains(node);
  }

  template <typename T>
  void deliver_patch(const std::string& node, const std::string& name, const MemberDelta& delta) {
    if (delta.empty() || !is_watched(kResourceOf<T>, node)) return;
    Event modified(EventType::kModified,
                   PatchOf<T>{{meta_of_group(name), delta.added, delta.removed}});
    deliver(kResourceOf<T>, node, name, modified);
  }

  void apply(const EvaluatedPodsChange& change) {
    auto& all = table<EvaluatedPods>();
    const auto found = all.find(change.node);
    const bool existed = found != all.end();
    const std::vector<EvaluatedPod> before =
        existed ? found->second.object->pods : std::vector<EvaluatedPod>();
    std::set<EvaluatedPod> pods(before.begin(), before.end());
    for (const auto& pod : change.removed) pods.erase(pod);
    pods.insert(change.added.begin(), change.added.end());
    auto object = std::make_shared<EvaluatedPods>();
    object->metadata.name = change.node;
    object->metadata.resource_version = std::to_string(revision);
    object->pods.assign(pods.begin(), pods.end());
    EvaluatedPodsPatch patch{object->metadata, difference(object->pods, before),
                             difference(before, object->pods)};
    if (patch.added.empty() && patch.removed.empty()) return;

    const auto tell = [&](Event event) {
      deliver(Resource::kEvaluatedPods, {}, change.node, event);
      deliver(Resource::kEvaluatedPods, change.node, change.node, event);
    };
    if (pods.empty()) {
      tell(Event(EventType::kDeleted, remains_of(*object)));
      all.erase(found);
      return;
    }
    if (existed)
      tell(Event(EventType::kModified, std::move(patch)));
    else
      tell(Event(EventType::kAdded, std::shared_ptr<const EvaluatedPods>(object)));
    all[change.node] = {std::move(object), {}, {}};
    tell_progress(change.node);
  }

  void tell_progress(const std::string& node) {
    for (const Resource resource : kResources) {
      auto& nodes = by_node[index_of(resource)];
      const auto found = nodes.find(node);
      if (found == nodes.end() || resource == Resource::kEvaluatedPods) continue;
      for (Watcher* watcher : found->second)
        if (watcher->request.progress) push(*watcher, bookmark(watcher->request, false));
    }
  }

  // --- Initial sets
  // --------------------------------------------------------------------------------

  template <typename T>
  void select(Watcher& watcher) {
    const WatchRequest& request = watcher.request;
    for (auto& [name, entry] : table<T>()) {
      if (!request.name.empty() && request.name != name) continue;
      if (auto frame = select_frame(entry, name, request))
        watcher.pending.push_back(std::move(frame));
    }
  }

  /// Null if the watcher does not get the object.
  template <typename T>
  Frame select_frame(Entry<T>& entry, const std::string& name, const WatchRequest& request) {
    auto object = seen_by(request.node, entry, name);
    if (!object) return {};
    if constexpr (kByNode<T>)
      return Event(EventType::kAdded, std::move(object)).frame(request.format);
    else
      return added_frame(entry, request.format);
  }
};

Store::Store(StoreOptions options) : impl_(std::make_unique<Impl>(options)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

std::vector<WatcherId> Store::apply(const Changes& changes) {
  if (changes.empty()) return {};
  ++impl_->revision;
  for (const auto& change : changes.policies) impl_->apply(change);
  for (const auto& change : changes.address_groups) impl_->apply(change);
  for (const auto& change : changes.applied_to_groups) impl_->apply(change);
  for (const auto& change : changes.egress_groups) impl_->apply(change);
  for (const auto& change : changes.evaluated_pods) impl_->apply(change);
  std::vector<WatcherId> woken = std::exchange(impl_->woken, {});
  for (const WatcherId id : woken) impl_->watchers.at(id)->woken = false;
  std::ranges::sort(woken);
  return woken;
}

WatcherId Store::watch(WatchRequest request) {
  auto watcher = std::make_unique<Watcher>();
  watcher->id = WatcherId{++impl_->last_id};
  watcher->request = std::move(request);
  switch (watcher->request.resource) {
    case Resource::kNetworkPolicies:
      impl_->select<NetworkPolicy>(*watcher);
      break;
    case Resource::kAddressGroups:
      impl_->select<AddressGroup>(*watcher);
      break;
    case Resource::kAppliedToGroups:
      impl_->select<AppliedToGroup>(*watcher);
      break;
    case Resource::kEvaluatedPods:
      impl_->select<EvaluatedPods>(*watcher);
      break;
    case Resource::kEgressGroups:
      impl_->select<EgressGroup>(*watcher);
      break;
  }
  watcher->pending.push_back(impl_->bookmark(watcher->request, watcher->request.mark_initial_end));
  watcher->limit = watcher->pending.size() + impl_->options.max_pending;
  const WatcherId id = watcher->id;
  const auto& kept = watcher->request;
  impl_->by_node[index_of(kept.resource)][kept.node].push_back(watcher.get());
  impl_->watchers.emplace(id, std::move(watcher));
  return id;
}

void Store::unwatch(WatcherId id) {
  const auto found = impl_->watchers.find(id);
  if (found == impl_->watchers.end()) return;
  const WatchRequest& request = found->second->request;
  auto& nodes = impl_->by_node[index_of(request.resource)];
  const auto group = nodes.find(request.node);
  std::erase(group->second, found->second.get());
  if (group->second.empty()) nodes.erase(group);
  impl_->watchers.erase(found);
}

Store::Pending Store::take(WatcherId id, std::size_t max_size) {
  const auto found = impl_->watchers.find(id);
  if (found == impl_->watchers.end()) return {{}, true};
  Watcher& watcher = *found->second;
  Pending taken;
  taken.dropped = watcher.dropped;
  std::size_t size = 0;
  while (!watcher.pending.empty()) {
    size += watcher.pending.front()->size();
    if (!taken.frames.empty() && size > max_size) break;
    taken.frames.push_back(std::move(watcher.pending.front()));
    watcher.pending.pop_front();
    if (watcher.limit > impl_->options.max_pending) --watcher.limit;  // of the initial set
  }
  return taken;
}

std::uint64_t Store::revision() const { return impl_->revision; }

std::size_t Store::watcher_count(Resource resource) const {
  std::size_t count = 0;
  for (const auto& [node, watchers] : impl_->by_node[index_of(resource)]) count += watchers.size();
  return count;
}

template <typename T>
std::vector<std::shared_ptr<const T>> Store::list(std::string_view node) const {
  std::vector<std::shared_ptr<const T>> all;
  for (const auto& [name, entry] : impl_->table<T>())
    if (auto object = seen_by(node, entry, name)) all.push_back(std::move(object));
  return all;
}

template <typename T>
std::shared_ptr<const T> Store::find(std::string_view name) const {
  const auto found = impl_->table<T>().find(name);
  return found != impl_->table<T>().end() ? object_of(found->second) : nullptr;
}

#define ANTREA_KEPT(T)                                                                       \
  template ANTREA_API std::vector<std::shared_ptr<const T>> Store::list<T>(std::string_view) \
      const;                                                                                 \
  template ANTREA_API std::shared_ptr<const T> Store::find<T>(std::string_view) const;
ANTREA_KEPT(NetworkPolicy)
ANTREA_KEPT(AddressGroup)
ANTREA_KEPT(AppliedToGroup)
ANTREA_KEPT(EvaluatedPods)
ANTREA_KEPT(EgressGroup)
#undef ANTREA_KEPT

}  // namespace antrea::controlplane
