#include "antrea/policy/compiler.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "directory.h"
#include "group_index.h"
#include "k8s_policy.h"
#include "native_policy.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

constexpr std::string_view kLoggingAnnotation = "networkpolicy.antrea.io/enable-logging";

/// As Go's strconv.ParseBool reads it.
bool logging_enabled(const api::Namespace& ns) {
  const auto found = ns.metadata.annotations.find(kLoggingAnnotation);
  constexpr std::array<std::string_view, 6> kTrue{"1", "t", "T", "TRUE", "true", "True"};
  return found != ns.metadata.annotations.end() &&
         std::ranges::find(kTrue, found->second) != kTrue.end();
}

/// How many of something there are on each Node; sorted by Node, no zeros.
class NodeCounts {
 public:
  /// True if the Node came or went.
  bool add(StringId node, std::int32_t change) {
    const auto at = std::ranges::lower_bound(counts_, node, {}, &Count::node);
    if (at == counts_.end() || at->node != node) {
      counts_.insert(at, {node, change});
      return true;
    }
    at->count += change;
    if (at->count != 0) return false;
    counts_.erase(at);
    return true;
  }
  template <typename Function>
  void for_each_node(Function function) const {
    for (const Count& count : counts_) function(count.node);
  }
  cp::NodeSet nodes(const GroupIndex& index) const {
    std::vector<std::string> names;
    names.reserve(counts_.size());
    for (const Count& count : counts_) names.emplace_back(index.text(count.node));
    return cp::NodeSet(std::move(names));
  }
  void clear() { counts_ = {}; }

 private:
  struct Count {
    StringId node;
    std::int32_t count;
  };
  std::vector<Count> counts_;
};

using PolicyId = std::uint32_t;

/// Policies of different kinds may have one name.
struct PolicyKey {
  cp::PolicyType type{};
  api::ObjectKey key;
  friend auto operator<=>(const PolicyKey&, const PolicyKey&) = default;
};
struct PolicyKeyHash {
  std::size_t operator()(const PolicyKey& key) const {
    return std::hash<api::ObjectKey>{}(key.key) * 7 + static_cast<std::size_t>(key.type);
  }
};

/// A policy whose conversion depends on more than itself.
using NativePolicy = std::variant<std::shared_ptr<const api::crd::NetworkPolicy>,
                                  std::shared_ptr<const api::crd::ClusterNetworkPolicy>,
                                  std::shared_ptr<const api::admin::AdminNetworkPolicy>,
                                  std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>>;

/// A group as the thing that policies are applied to.
struct AppliedToRole {
  bool published = false;
  bool dirty = false;
  std::vector<PolicyId> users;
  std::vector<GroupId> peer_groups;  // the AddressGroups of its users, each once
  NodeCounts nodes;                  // its members
  cp::NodeSet span;                  // as published
  bool confining = false;            // some user must not be applied beyond its Namespace
};

/// A group as addresses for peers. It is needed wherever a policy that uses it is applied: on the
/// Nodes of the AppliedToGroups that it is linked with, however many policies link the two.
struct AddressRole {
  bool published = false;
  bool dirty = false;
  std::unordered_map<GroupId, std::uint32_t> links;  // AppliedToGroup -> policies
  NodeCounts nodes;                                  // AppliedToGroups with members there
  bool nodes_changed = false;                        // `span` lags behind them
  cp::NodeSet span;

  bool add(StringId node, std::int32_t by) {
    if (!nodes.add(node, by)) return false;
    return nodes_changed = true;
  }
};

struct PolicyRecord {
  std::shared_ptr<const cp::NetworkPolicy> object;  // null: gone
  std::vector<GroupId> applied_to;
  std::vector<GroupLink> links;
  std::shared_ptr<const cp::NetworkPolicy> published;
  cp::NodeSet span;
  bool confined = false;  // to the Namespace of its source
  bool unrealizable = false;
  bool dirty = false;
};

cp::GroupMember member_of(const GroupIndex& index, EntityId entity, const EntityState& state) {
  cp::GroupMember member;
  switch (index.kind_of(entity)) {
    case EntityKind::kPod:
      member.pod = {index.namespace_of(entity), index.name_of(entity)};
      break;
    case EntityKind::kExternalEntity:
      member.external_entity = {index.namespace_of(entity), index.name_of(entity)};
      break;
    case EntityKind::kNode:
      member.node = index.name_of(entity);
      break;
    case EntityKind::kService:  // is no entity
      break;
  }
  if (state.ports) member.ports = *state.ports;
  return member;
}

cp::GroupMember peer_of(const GroupIndex& index, EntityId entity, const EntityState& state) {
  cp::GroupMember member = member_of(index, entity, state);
  member.ips = state.ips;
  return member;
}

}  // namespace

struct Compiler::Impl {
  GroupIndex index;
  std::vector<AppliedToRole> applied_to;  // by GroupId
  std::vector<AddressRole> addresses;     // by GroupId
  std::vector<PolicyRecord> policies;
  std::vector<PolicyId> free_policies;
  std::unordered_map<PolicyKey, PolicyId, PolicyKeyHash> policies_by_key;
  std::unordered_map<std::string, std::vector<api::ObjectKey>> policies_by_namespace;
  std::unordered_set<std::string> logging_namespaces;
  std::vector<PolicyId> dirty_policies;
  std::vector<GroupId> dirty_applied_to, dirty_addresses;
  std::vector<PolicyKey> deleted_policies;

  Directory directory;
  Dependencies<PolicyKey> dependencies;
  std::map<PolicyKey, NativePolicy> natives;
  std::set<PolicyKey> stale;  // natives to convert anew
  std::set<std::string> nodes;
  std::set<GroupId> service_groups;  // published AppliedToGroups that are a Service
  std::size_t address_group_count = 0, applied_to_group_count = 0;

  // --- input ---

  void take(const std::shared_ptr<const api::Namespace>& ns) {
    if (index.set_namespace(ns->metadata.name, ns->metadata.labels))
      mark_stale({Subject::Kind::kNamespaces, {}});
    set_logging(ns->metadata.name, logging_enabled(*ns));
  }
  void take(const std::shared_ptr<const api::Pod>& pod) { index.set_pod(*pod); }
  void take(const std::shared_ptr<const api::NetworkPolicy>& policy) {
    const api::ObjectKey key = api::key_of(policy->metadata);
    const bool logging = logging_namespaces.contains(key.namespace_);
    set_policy(policy_at({cp::PolicyType::kK8sNetworkPolicy, key}),
               convert(*policy, logging, index));
  }
  void take(const std::shared_ptr<const api::Service>& service) {
    set_service(api::key_of(service->metadata), service->selector);
  }
  void take(const std::shared_ptr<const api::Node>& node) {
    index.set_node(*node);
    if (nodes.insert(node->metadata.name).second) mark_service_groups();
  }
  void take(const std::shared_ptr<const api::crd::ExternalEntity>& entity) {
    index.set_external_entity(*entity);
  }
  void take(const std::shared_ptr<const api::crd::Tier>& tier) {
    set_tier(tier->metadata.name, tier->priority);
  }
  void take(const std::shared_ptr<const api::crd::Group>& group) {
    set_group(api::key_of(group->metadata), group->spec);
  }
  void take(const std::shared_ptr<const api::crd::ClusterGroup>& group) {
    set_group({{}, group->metadata.name}, group->spec);
  }
  void take(const std::shared_ptr<const api::crd::NetworkPolicy>& policy) {
    set_native({cp::PolicyType::kAntreaNetworkPolicy, api::key_of(policy->metadata)}, policy);
  }
  void take(const std::shared_ptr<const api::crd::ClusterNetworkPolicy>& policy) {
    set_native({cp::PolicyType::kAntreaClusterNetworkPolicy, {{}, policy->metadata.name}}, policy);
  }
  void take(const std::shared_ptr<const api::admin::AdminNetworkPolicy>& policy) {
    set_native({cp::PolicyType::kAdminNetworkPolicy, {{}, policy->metadata.name}}, policy);
  }
  void take(const std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>& policy) {
    set_native({cp::PolicyType::kBaselineAdminNetworkPolicy, {{}, policy->metadata.name}}, policy);
  }

  void take(const ObjectDeleted& deleted) {
    const api::ObjectKey& key = deleted.key;
    switch (deleted.kind) {
      case ObjectKind::kNamespace:
        if (index.remove_namespace(key.name)) mark_stale({Subject::Kind::kNamespaces, {}});
        set_logging(key.name, false);
        break;
      case ObjectKind::kPod:
        index.remove(EntityKind::kPod, key.namespace_, key.name);
        break;
      case ObjectKind::kNetworkPolicy:
        remove_policy({cp::PolicyType::kK8sNetworkPolicy, key});
        break;
      case ObjectKind::kService:
        set_service(key, {});
        break;
      case ObjectKind::kNode:
        index.remove(EntityKind::kNode, {}, key.name);
        if (nodes.erase(key.name) > 0) mark_service_groups();
        break;
      case ObjectKind::kExternalEntity:
        index.remove(EntityKind::kExternalEntity, key.namespace_, key.name);
        break;
      case ObjectKind::kTier:
        set_tier(key.name, std::nullopt);
        break;
      case ObjectKind::kGroup:
        set_group(key, std::nullopt);
        break;
      case ObjectKind::kClusterGroup:
        set_group({{}, key.name}, std::nullopt);
        break;
      case ObjectKind::kAntreaNetworkPolicy:
        remove_native({cp::PolicyType::kAntreaNetworkPolicy, key});
        break;
      case ObjectKind::kAntreaClusterNetworkPolicy:
        remove_native({cp::PolicyType::kAntreaClusterNetworkPolicy, {{}, key.name}});
        break;
      case ObjectKind::kAdminNetworkPolicy:
        remove_native({cp::PolicyType::kAdminNetworkPolicy, {{}, key.name}});
        break;
      case ObjectKind::kBaselineAdminNetworkPolicy:
        remove_native({cp::PolicyType::kBaselineAdminNetworkPolicy, {{}, key.name}});
        break;
    }
  }

  // --- what native policies look at ---

  void mark_stale(const Subject& subject) { dependencies.add_users(subject, stale); }

  void set_tier(const std::string& name, std::optional<std::int32_t> priority) {
    const auto found = directory.tiers.find(name);
    if (found == directory.tiers.end() ? !priority : priority == found->second) return;
    if (priority)
      directory.tiers.insert_or_assign(name, *priority);
    else
      directory.tiers.erase(found);
    mark_stale({Subject::Kind::kTier, {{}, name}});
  }

  void set_group(const api::ObjectKey& key, const std::optional<api::crd::GroupSpec>& spec) {
    const auto found = directory.groups.find(key);
    if (found == directory.groups.end() ? !spec : spec == found->second) return;
    if (spec)
      directory.groups.insert_or_assign(key, *spec);
    else
      directory.groups.erase(found);
    mark_stale({Subject::Kind::kGroup, key});
  }

  /// A Service without selector picks no Pods.
  void set_service(const api::ObjectKey& key, const api::Labels& selector) {
    const auto found = directory.services.find(key);
    if (found == directory.services.end() ? selector.empty() : selector == found->second) return;
    if (!selector.empty())
      directory.services.insert_or_assign(key, selector);
    else
      directory.services.erase(found);
    mark_stale({Subject::Kind::kService, key});
  }

  void mark_service_groups() {
    for (const GroupId group : service_groups) mark_applied_to(group);
  }

  // --- policies ---

  void set_native(const PolicyKey& key, NativePolicy policy) {
    natives.insert_or_assign(key, std::move(policy));
    stale.insert(key);
  }
  void remove_native(const PolicyKey& key) {
    natives.erase(key);
    stale.erase(key);
    dependencies.set(key, {});
    remove_policy(key);
  }
  void remove_policy(const PolicyKey& key) {
    const auto found = policies_by_key.find(key);
    if (found == policies_by_key.end()) return;
    set_policy(found->second, {});
    deleted_policies.push_back(key);
  }

  /// At the end of a batch, when all that they look at is known.
  void convert_stale() {
    for (const PolicyKey& key : std::exchange(stale, {})) {
      const auto native = natives.find(key);
      if (native == natives.end()) continue;
      Surroundings around{directory, index, {}};
      ConvertedPolicy converted =
          std::visit([&](const auto& policy) { return convert(*policy, around); }, native->second);
      dependencies.set(key, std::move(around.used));
      set_policy(policy_at(key), std::move(converted));
    }
  }

  PolicyId policy_at(const PolicyKey& key) {
    if (const auto found = policies_by_key.find(key); found != policies_by_key.end())
      return found->second;
    PolicyId id = 0;
    if (free_policies.empty()) {
      id = static_cast<PolicyId>(policies.size());
      policies.emplace_back();
    } else {
      id = free_policies.back();
      free_policies.pop_back();
    }
    policies_by_key.emplace(key, id);
    if (key.type == cp::PolicyType::kK8sNetworkPolicy)
      policies_by_namespace[key.key.namespace_].push_back(key.key);
    return id;
  }

  void set_policy(PolicyId id, ConvertedPolicy converted) {
    PolicyRecord& policy = policies[id];
    if (policy.object && converted.object && *policy.object == *converted.object &&
        policy.links == converted.links) {
      release(converted.applied_to, converted.links);
      return;
    }
    // The new references first, so that what stays in use is never without a user.
    policy.confined = !converted.confined_to.empty();
    use_groups(id, converted.applied_to, converted.links);
    drop_groups(id, policy.applied_to, policy.links);
    policy.object = std::move(converted.object);
    policy.applied_to = std::move(converted.applied_to);
    policy.links = std::move(converted.links);
    mark_policy(id);
  }

  void set_logging(const std::string& ns, bool enabled) {
    if (logging_namespaces.contains(ns) == enabled) return;
    if (enabled)
      logging_namespaces.insert(ns);
    else
      logging_namespaces.erase(ns);
    const auto found = policies_by_namespace.find(ns);
    if (found == policies_by_namespace.end()) return;
    for (const api::ObjectKey& key : found->second) {
      const PolicyId id = policies_by_key.at({cp::PolicyType::kK8sNetworkPolicy, key});
      if (!policies[id].object) continue;
      auto changed = std::make_shared<cp::NetworkPolicy>(*policies[id].object);
      for (cp::NetworkPolicyRule& rule : changed->rules) rule.enable_logging = enabled;
      policies[id].object = std::move(changed);
      mark_policy(id);
    }
  }

  void use_groups(PolicyId id, const std::vector<GroupId>& targets,
                  const std::vector<GroupLink>& links) {
    for (const GroupId target : targets) {
      mark_applied_to(target);
      applied_to[target].users.push_back(id);
      applied_to[target].confining |= policies[id].confined;
    }
    for (const auto& [peer, target] : links) {
      mark_addresses(peer);
      if (++addresses[peer].links[target] > 1) continue;
      applied_to[target].peer_groups.push_back(peer);
      applied_to[target].nodes.for_each_node([&](StringId node) { addresses[peer].add(node, 1); });
    }
  }

  void drop_groups(PolicyId id, const std::vector<GroupId>& targets,
                   const std::vector<GroupLink>& links) {
    const auto erase_one = [](auto& values, auto value) {
      const auto found = std::ranges::find(values, value);
      *found = values.back();
      values.pop_back();
    };
    for (const GroupId target : targets) {
      mark_applied_to(target);
      erase_one(applied_to[target].users, id);
    }
    for (const auto& [peer, target] : links) {
      mark_addresses(peer);
      const auto link = addresses[peer].links.find(target);
      if (--link->second > 0) continue;
      addresses[peer].links.erase(link);
      erase_one(applied_to[target].peer_groups, peer);
      applied_to[target].nodes.for_each_node([&](StringId node) { addresses[peer].add(node, -1); });
    }
    release(targets, links);
  }

  void release(const std::vector<GroupId>& targets, const std::vector<GroupLink>& links) {
    for (const GroupId group : targets) index.release(group);
    for_each_peer(links, [&](GroupId group) { index.release(group); });
  }

  void mark_policy(PolicyId id) {
    if (std::exchange(policies[id].dirty, true)) return;
    dirty_policies.push_back(id);
  }
  void mark_applied_to(GroupId group) {
    if (applied_to.size() <= group) applied_to.resize(group + 1);
    if (!std::exchange(applied_to[group].dirty, true)) dirty_applied_to.push_back(group);
  }
  void mark_addresses(GroupId group) {
    if (addresses.size() <= group) addresses.resize(group + 1);
    if (!std::exchange(addresses[group].dirty, true)) dirty_addresses.push_back(group);
  }

  // --- output ---

  cp::Changes flush() {
    convert_stale();
    cp::Changes changes;
    const std::vector<GroupIndex::Touch> touches = index.touches();
    for (const auto& touch : touches) {
      if (touch.group < applied_to.size() && applied_to[touch.group].published)
        mark_applied_to(touch.group);
      if (touch.group < addresses.size() && addresses[touch.group].published)
        mark_addresses(touch.group);
    }
    // Spans flow from AppliedToGroups to AddressGroups and policies, so these come first.
    std::ranges::sort(dirty_applied_to);
    changes.applied_to_groups.reserve(dirty_applied_to.size());
    for (const GroupId group : dirty_applied_to)
      flush_applied_to(group, touches_of(touches, group), changes);
    std::ranges::sort(dirty_addresses);
    changes.address_groups.reserve(dirty_addresses.size());
    for (const GroupId group : dirty_addresses)
      flush_addresses(group, touches_of(touches, group), changes);
    std::ranges::sort(dirty_policies);
    changes.policies.reserve(dirty_policies.size());
    for (const PolicyId id : dirty_policies) flush_policy(id, changes);
    flush_evaluated_pods(changes);

    dirty_applied_to.clear();
    dirty_addresses.clear();
    dirty_policies.clear();
    for (const PolicyKey& key : deleted_policies) forget_policy(key);
    deleted_policies.clear();
    index.end_batch();
    return changes;
  }

  static std::span<const GroupIndex::Touch> touches_of(const std::vector<GroupIndex::Touch>& all,
                                                       GroupId group) {
    const auto range = std::ranges::equal_range(all, group, {}, &GroupIndex::Touch::group);
    return {range.begin(), range.end()};
  }

  void flush_applied_to(GroupId group, std::span<const GroupIndex::Touch> touches,
                        cp::Changes& changes) {
    AppliedToRole& role = applied_to[group];
    role.dirty = false;
    if (role.users.empty()) {
      if (role.published) {
        changes.applied_to_groups.push_back({.name = index.name(group), .gone = true});
        --applied_to_group_count;
      }
      service_groups.erase(group);
      role = {};
      return;
    }
    cp::AppliedToGroupChange change{.name = index.name(group)};
    bool span_changed = false;
    const auto count = [&](StringId node, std::int32_t by) {
      if (!role.nodes.add(node, by)) return;
      span_changed = true;
      for (const GroupId peer : role.peer_groups)
        if (addresses[peer].add(node, by)) mark_addresses(peer);
    };
    const auto add = [&](EntityId entity, const EntityState& state) {
      change.delta_by_node[std::string(index.text(state.node))].added.push_back(
          member_of(index, entity, state));
    };
    if (index.kind(group) == EntityKind::kService) {
      span_changed = flush_service(group, change);
    } else if (!role.published) {
      index.for_each_member(group, [&](EntityId entity) {
        const EntityState& state = index.state(entity);
        if (!state.can_be_target()) return;
        count(state.node, 1);
        add(entity, state);
      });
    } else {
      for (const GroupIndex::Touch& touch : touches) {
        const EntityState &old_state = index.old_state(touch.entity),
                          &state = index.state(touch.entity);
        const bool before = touch.was_member && old_state.can_be_target();
        const bool after = index.is_member(group, touch.entity) && state.can_be_target();
        if (before && after && old_state.node == state.node &&
            (old_state == state ||
             member_of(index, touch.entity, old_state) == member_of(index, touch.entity, state)))
          continue;
        if (after) {
          count(state.node, 1);
          add(touch.entity, state);
        }
        if (before) {
          count(old_state.node, -1);
          change.delta_by_node[std::string(index.text(old_state.node))].removed.push_back(
              member_of(index, touch.entity, old_state));
        }
      }
    }
    for (auto& [node, delta] : change.delta_by_node) {
      std::ranges::sort(delta.added);
      std::ranges::sort(delta.removed);
    }
    if (span_changed) {
      cp::NodeSet span = index.kind(group) == EntityKind::kService
                             ? cp::NodeSet({nodes.begin(), nodes.end()})
                             : role.nodes.nodes(index);
      if (span != role.span) {
        role.span = std::move(span);
        for (const PolicyId user : role.users) mark_policy(user);
      }
    }
    if (role.confining)  // members came or went, perhaps those of other Namespaces
      for (const PolicyId user : role.users)
        if (policies[user].confined) mark_policy(user);
    if (role.published && change.delta_by_node.empty()) return;
    if (!role.published) ++applied_to_group_count;
    role.published = true;
    changes.applied_to_groups.push_back(std::move(change));
  }

  /// A Service is a member on every Node: whichever of them its clients come to.
  bool flush_service(GroupId group, cp::AppliedToGroupChange& change) {
    service_groups.insert(group);
    const cp::NodeSet& before = applied_to[group].span;
    cp::GroupMember member;
    const api::ObjectKey service = index.service(group);
    member.service = {service.namespace_, service.name};
    for (const std::string& node : nodes)
      if (!before.contains(node)) change.delta_by_node[node].added.push_back(member);
    for (const std::string& node : before)
      if (!nodes.contains(node)) change.delta_by_node[node].removed.push_back(member);
    return !change.delta_by_node.empty();
  }

  void flush_addresses(GroupId group, std::span<const GroupIndex::Touch> touches,
                       cp::Changes& changes) {
    AddressRole& role = addresses[group];
    role.dirty = false;
    if (role.links.empty()) {
      if (role.published) {
        changes.address_groups.push_back({.name = index.name(group), .gone = true});
        --address_group_count;
      }
      role = {};
      return;
    }
    cp::AddressGroupChange change{.name = index.name(group), .span = role.span};
    if (std::exchange(role.nodes_changed, false)) change.span = role.nodes.nodes(index);
    if (!role.published) {
      index.for_each_member(group, [&](EntityId entity) {
        if (index.state(entity).can_be_peer())
          change.delta.added.push_back(peer_of(index, entity, index.state(entity)));
      });
    } else {
      for (const GroupIndex::Touch& touch : touches) {
        const EntityState &old_state = index.old_state(touch.entity),
                          &state = index.state(touch.entity);
        const bool before = touch.was_member && old_state.can_be_peer();
        const bool after = index.is_member(group, touch.entity) && state.can_be_peer();
        if (before && after &&
            (old_state == state ||
             peer_of(index, touch.entity, old_state) == peer_of(index, touch.entity, state)))
          continue;
        if (after) change.delta.added.push_back(peer_of(index, touch.entity, state));
        if (before) change.delta.removed.push_back(peer_of(index, touch.entity, old_state));
      }
    }
    std::ranges::sort(change.delta.added);
    std::ranges::sort(change.delta.removed);
    if (role.published && change.delta.empty() && change.span == role.span) return;
    if (!role.published) ++address_group_count;
    role.published = true;
    role.span = change.span;
    changes.address_groups.push_back(std::move(change));
  }

  void flush_policy(PolicyId id, cp::Changes& changes) {
    PolicyRecord& policy = policies[id];
    policy.dirty = false;
    const std::string* published_name =
        policy.published ? &policy.published->metadata.name : nullptr;
    if (published_name && (!policy.object || policy.object->metadata.name != *published_name)) {
      changes.policies.push_back({.name = *published_name});
      policy.published = nullptr;
      policy.span = {};
    }
    if (!policy.object) return;
    cp::NodeSet span = span_of(policy);
    const bool same = policy.published && span == policy.span &&
                      (policy.published == policy.object || *policy.published == *policy.object);
    policy.published = policy.object;
    if (same) return;
    policy.span = span;
    changes.policies.push_back({policy.object->metadata.name, policy.object, std::move(span)});
  }

  /// Nowhere if the policy of a Namespace is applied to a group that reaches into others: it must
  /// not have power over them.
  cp::NodeSet span_of(PolicyRecord& policy) const {
    policy.unrealizable =
        policy.confined && std::ranges::any_of(policy.applied_to, [&](GroupId group) {
          return index.reaches_beyond(group, policy.object->source_ref.namespace_);
        });
    if (policy.unrealizable) return {};
    if (policy.applied_to.size() == 1) return applied_to[policy.applied_to.front()].span;
    std::vector<std::string> nodes;
    for (const GroupId group : policy.applied_to)
      nodes.insert(nodes.end(), applied_to[group].span.begin(), applied_to[group].span.end());
    return cp::NodeSet(std::move(nodes));
  }

  void flush_evaluated_pods(cp::Changes& changes) {
    std::map<std::string, cp::EvaluatedPodsChange> by_node;
    for (const EntityId pod : index.touched_entities()) {
      if (index.kind_of(pod) != EntityKind::kPod) continue;
      const EntityState &old_state = index.old_state(pod), &state = index.state(pod);
      const bool before = index.existed(pod) && old_state.scheduled() && !old_state.host_network;
      const bool after = index.exists(pod) && state.scheduled() && !state.host_network;
      if (before && after && old_state.node == state.node && old_state.uid == state.uid) continue;
      const auto name = [&](const EntityState& of) {
        return cp::EvaluatedPod{{index.namespace_of(pod), index.name_of(pod)}, of.uid};
      };
      if (after) by_node[std::string(index.text(state.node))].added.push_back(name(state));
      if (before)
        by_node[std::string(index.text(old_state.node))].removed.push_back(name(old_state));
    }
    for (auto& [node, change] : by_node) {
      change.node = node;
      std::ranges::sort(change.added);
      std::ranges::sort(change.removed);
      changes.evaluated_pods.push_back(std::move(change));
    }
  }

  void forget_policy(const PolicyKey& key) {
    const auto found = policies_by_key.find(key);
    if (found == policies_by_key.end() || policies[found->second].object) return;
    policies[found->second] = {};
    free_policies.push_back(found->second);
    policies_by_key.erase(found);
    if (key.type != cp::PolicyType::kK8sNetworkPolicy) return;
    const auto in_namespace = policies_by_namespace.find(key.key.namespace_);
    std::erase(in_namespace->second, key.key);
    if (in_namespace->second.empty()) policies_by_namespace.erase(in_namespace);
  }
};

Compiler::Compiler() : impl_(std::make_unique<Impl>()) {}
Compiler::~Compiler() = default;
Compiler::Compiler(Compiler&&) noexcept = default;
Compiler& Compiler::operator=(Compiler&&) noexcept = default;

api::controlplane::Changes Compiler::apply(std::span<const ObjectChange> batch) {
  for (const ObjectChange& change : batch)
    std::visit([&](const auto& value) { impl_->take(value); }, change);
  return impl_->flush();
}

std::vector<api::controlplane::NetworkPolicyReference> Compiler::unrealizable() const {
  std::vector<cp::NetworkPolicyReference> references;
  for (const PolicyRecord& policy : impl_->policies)
    if (policy.object && policy.unrealizable) references.push_back(policy.object->source_ref);
  std::ranges::sort(references);
  return references;
}

Compiler::Counts Compiler::counts() const {
  return {.policies = impl_->policies_by_key.size(),
          .address_groups = impl_->address_group_count,
          .applied_to_groups = impl_->applied_to_group_count,
          .label_sets = impl_->index.label_item_count(),
          .strings = impl_->index.string_count()};
}

}  // namespace antrea::policy
