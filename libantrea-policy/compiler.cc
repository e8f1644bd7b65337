#include "antrea/policy/compiler.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "group_index.h"
#include "k8s_policy.h"

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

/// A group as the thing that policies are applied to.
struct AppliedToRole {
  bool published = false;
  bool dirty = false;
  std::vector<PolicyId> users;
  std::vector<GroupId> peer_groups;  // the AddressGroups of its users, each once
  NodeCounts nodes;                  // its members
  cp::NodeSet span;                  // as published
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
  std::vector<GroupId> applied_to, peers;
  std::shared_ptr<const cp::NetworkPolicy> published;
  cp::NodeSet span;
  bool dirty = false;
};

cp::GroupMember member_of(const GroupIndex& index, PodId pod, const PodState& state) {
  cp::GroupMember member;
  member.pod = {index.pod_namespace(pod), index.pod_name(pod)};
  if (state.ports) member.ports = *state.ports;
  return member;
}

cp::GroupMember peer_of(const GroupIndex& index, PodId pod, const PodState& state) {
  cp::GroupMember member = member_of(index, pod, state);
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
  std::unordered_map<api::ObjectKey, PolicyId> policies_by_key;
  std::unordered_map<std::string, std::vector<api::ObjectKey>> policies_by_namespace;
  std::unordered_set<std::string> logging_namespaces;
  std::vector<PolicyId> dirty_policies;
  std::vector<GroupId> dirty_applied_to, dirty_addresses;
  std::vector<api::ObjectKey> deleted_policies;
  std::size_t address_group_count = 0, applied_to_group_count = 0;

  // --- input ---

  void take(const std::shared_ptr<const api::Namespace>& ns) {
    index.set_namespace(ns->metadata.name, ns->metadata.labels);
    set_logging(ns->metadata.name, logging_enabled(*ns));
  }
  void take(const std::shared_ptr<const api::Pod>& pod) { index.set_pod(*pod); }
  void take(const std::shared_ptr<const api::NetworkPolicy>& policy) {
    const api::ObjectKey key = api::key_of(policy->metadata);
    const bool logging = logging_namespaces.contains(key.namespace_);
    set_policy(policy_at(key), convert(*policy, logging, index));
  }
  void take(const ObjectDeleted& deleted) {
    switch (deleted.kind) {
      case ObjectKind::kNamespace:
        index.remove_namespace(deleted.key.name);
        set_logging(deleted.key.name, false);
        break;
      case ObjectKind::kPod:
        index.remove_pod(deleted.key.namespace_, deleted.key.name);
        break;
      case ObjectKind::kNetworkPolicy:
        if (const auto found = policies_by_key.find(deleted.key); found != policies_by_key.end()) {
          set_policy(found->second, {});
          deleted_policies.push_back(deleted.key);
        }
        break;
    }
  }

  PolicyId policy_at(const api::ObjectKey& key) {
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
    policies_by_namespace[key.namespace_].push_back(key);
    return id;
  }

  void set_policy(PolicyId id, ConvertedPolicy converted) {
    PolicyRecord& policy = policies[id];
    if (policy.object && converted.object && *policy.object == *converted.object) {
      for (const GroupId group : converted.applied_to) index.release(group);
      for (const GroupId group : converted.peers) index.release(group);
      return;
    }
    // The new references first, so that what stays in use is never without a user.
    use_groups(id, converted.applied_to, converted.peers);
    drop_groups(id, policy.applied_to, policy.peers);
    policy.object = std::move(converted.object);
    policy.applied_to = std::move(converted.applied_to);
    policy.peers = std::move(converted.peers);
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
      const PolicyId id = policies_by_key.at(key);
      if (!policies[id].object) continue;
      auto changed = std::make_shared<cp::NetworkPolicy>(*policies[id].object);
      for (cp::NetworkPolicyRule& rule : changed->rules) rule.enable_logging = enabled;
      policies[id].object = std::move(changed);
      mark_policy(id);
    }
  }

  void use_groups(PolicyId id, const std::vector<GroupId>& targets,
                  const std::vector<GroupId>& peers) {
    for (const GroupId target : targets) {
      mark_applied_to(target);
      applied_to[target].users.push_back(id);
      for (const GroupId peer : peers) {
        mark_addresses(peer);
        if (++addresses[peer].links[target] > 1) continue;
        applied_to[target].peer_groups.push_back(peer);
        applied_to[target].nodes.for_each_node(
            [&](StringId node) { addresses[peer].add(node, 1); });
      }
    }
  }

  void drop_groups(PolicyId id, const std::vector<GroupId>& targets,
                   const std::vector<GroupId>& peers) {
    const auto erase_one = [](auto& values, auto value) {
      const auto found = std::ranges::find(values, value);
      *found = values.back();
      values.pop_back();
    };
    for (const GroupId target : targets) {
      mark_applied_to(target);
      erase_one(applied_to[target].users, id);
      for (const GroupId peer : peers) {
        mark_addresses(peer);
        const auto link = addresses[peer].links.find(target);
        if (--link->second > 0) continue;
        addresses[peer].links.erase(link);
        erase_one(applied_to[target].peer_groups, peer);
        applied_to[target].nodes.for_each_node(
            [&](StringId node) { addresses[peer].add(node, -1); });
      }
    }
    for (const GroupId group : targets) index.release(group);
    for (const GroupId group : peers) index.release(group);
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
    for (const api::ObjectKey& key : deleted_policies) forget_policy(key);
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
    const auto add = [&](PodId pod, const PodState& state) {
      change.delta_by_node[std::string(index.text(state.node))].added.push_back(
          member_of(index, pod, state));
    };
    if (!role.published) {
      index.for_each_member(group, [&](PodId pod) {
        const PodState& state = index.state(pod);
        if (!state.can_be_target()) return;
        count(state.node, 1);
        add(pod, state);
      });
    } else {
      for (const GroupIndex::Touch& touch : touches) {
        const PodState &old_state = index.old_state(touch.pod), &state = index.state(touch.pod);
        const bool before = touch.was_member && old_state.can_be_target();
        const bool after = index.is_member(group, touch.pod) && state.can_be_target();
        if (before && after && old_state.node == state.node &&
            (old_state == state ||
             member_of(index, touch.pod, old_state) == member_of(index, touch.pod, state)))
          continue;
        if (after) {
          count(state.node, 1);
          add(touch.pod, state);
        }
        if (before) {
          count(old_state.node, -1);
          change.delta_by_node[std::string(index.text(old_state.node))].removed.push_back(
              member_of(index, touch.pod, old_state));
        }
      }
    }
    for (auto& [node, delta] : change.delta_by_node) {
      std::ranges::sort(delta.added);
      std::ranges::sort(delta.removed);
    }
    if (span_changed) {
      if (cp::NodeSet span = role.nodes.nodes(index); span != role.span) {
        role.span = std::move(span);
        for (const PolicyId user : role.users) mark_policy(user);
      }
    }
    if (role.published && change.delta_by_node.empty()) return;
    if (!role.published) ++applied_to_group_count;
    role.published = true;
    changes.applied_to_groups.push_back(std::move(change));
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
      index.for_each_member(group, [&](PodId pod) {
        if (index.state(pod).can_be_peer())
          change.delta.added.push_back(peer_of(index, pod, index.state(pod)));
      });
    } else {
      for (const GroupIndex::Touch& touch : touches) {
        const PodState &old_state = index.old_state(touch.pod), &state = index.state(touch.pod);
        const bool before = touch.was_member && old_state.can_be_peer();
        const bool after = index.is_member(group, touch.pod) && state.can_be_peer();
        if (before && after &&
            (old_state == state ||
             peer_of(index, touch.pod, old_state) == peer_of(index, touch.pod, state)))
          continue;
        if (after) change.delta.added.push_back(peer_of(index, touch.pod, state));
        if (before) change.delta.removed.push_back(peer_of(index, touch.pod, old_state));
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

  cp::NodeSet span_of(const PolicyRecord& policy) const {
    if (policy.applied_to.size() == 1) return applied_to[policy.applied_to.front()].span;
    std::vector<std::string> nodes;
    for (const GroupId group : policy.applied_to)
      nodes.insert(nodes.end(), applied_to[group].span.begin(), applied_to[group].span.end());
    return cp::NodeSet(std::move(nodes));
  }

  void flush_evaluated_pods(cp::Changes& changes) {
    std::map<std::string, cp::EvaluatedPodsChange> by_node;
    for (const PodId pod : index.touched_pods()) {
      const PodState &old_state = index.old_state(pod), &state = index.state(pod);
      const bool before = index.existed(pod) && old_state.scheduled() && !old_state.host_network;
      const bool after = index.exists(pod) && state.scheduled() && !state.host_network;
      if (before && after && old_state.node == state.node && old_state.uid == state.uid) continue;
      const auto name = [&](const PodState& of) {
        return cp::EvaluatedPod{{index.pod_namespace(pod), index.pod_name(pod)}, of.uid};
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

  void forget_policy(const api::ObjectKey& key) {
    const auto found = policies_by_key.find(key);
    if (found == policies_by_key.end() || policies[found->second].object) return;
    policies[found->second] = {};
    free_policies.push_back(found->second);
    policies_by_key.erase(found);
    const auto in_namespace = policies_by_namespace.find(key.namespace_);
    std::erase(in_namespace->second, key);
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

Compiler::Counts Compiler::counts() const {
  return {.policies = impl_->policies_by_key.size(),
          .address_groups = impl_->address_group_count,
          .applied_to_groups = impl_->applied_to_group_count,
          .label_sets = impl_->index.label_item_count(),
          .strings = impl_->index.string_count()};
}

}  // namespace antrea::policy
