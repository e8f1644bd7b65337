#include "antrea/policy/compiler.h"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <unordered_set>

#include "egress_groups.h"
#include "group_index.h"
#include "group_roles.h"
#include "k8s_policy.h"
#include "native_policies.h"
#include "policy_table.h"

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

PolicyKey cluster_key(cp::PolicyType type, const std::string& name) { return {type, {{}, name}}; }

/// The Pods that this batch brought to a Node, or took from it.
std::vector<cp::EvaluatedPodsChange> evaluated_pods(const GroupIndex& index) {
  boost::unordered_flat_map<StringId, cp::EvaluatedPodsChange> by_node;
  for (const EntityId pod : index.touched_entities()) {
    if (index.kind_of(pod) != EntityKind::kPod) continue;
    const EntityState &old_state = index.old_state(pod), &state = index.state(pod);
    const bool before = index.existed(pod) && old_state.scheduled() && !old_state.host_network;
    const bool after = index.exists(pod) && state.scheduled() && !state.host_network;
    if (before && after && old_state.node == state.node && old_state.uid == state.uid) continue;
    const auto named = [&](const EntityState& of) {
      return cp::EvaluatedPod{{index.namespace_of(pod), index.name_of(pod)}, of.uid};
    };
    if (after) by_node[state.node].added.push_back(named(state));
    if (before) by_node[old_state.node].removed.push_back(named(old_state));
  }
  std::vector<cp::EvaluatedPodsChange> changes;
  changes.reserve(by_node.size());
  for (auto& [node, change] : by_node) {
    change.node = index.text(node);
    std::ranges::sort(change.added);
    std::ranges::sort(change.removed);
    changes.push_back(std::move(change));
  }
  std::ranges::sort(changes, {}, &cp::EvaluatedPodsChange::node);
  return changes;
}

}  // namespace

struct Compiler::Impl {
  GroupIndex index;
  GroupRoles roles{index};
  PolicyTable policies{index, roles};
  NativePolicies natives;
  EgressGroups egress_groups{index};
  std::unordered_set<std::string> logging_namespaces;

  void expect(std::span<const ObjectChange> batch) {
    std::size_t pod_count = 0, policy_count = 0;
    for (const ObjectChange& change : batch) {
      pod_count += std::holds_alternative<std::shared_ptr<const api::Pod>>(change) ? 1 : 0;
      policy_count +=
          std::holds_alternative<std::shared_ptr<const api::NetworkPolicy>>(change) ? 1 : 0;
    }
    index.expect(pod_count, policy_count);
    policies.expect(policy_count);
  }

  void take(const std::shared_ptr<const api::Namespace>& ns) {
    if (index.set_namespace(ns->metadata.name, ns->metadata.labels)) natives.namespaces_changed();
    set_logging(ns->metadata.name, logging_enabled(*ns));
  }
  void take(const std::shared_ptr<const api::Pod>& pod) { index.set_pod(*pod); }
  void take(const std::shared_ptr<const api::NetworkPolicy>& policy) {
    api::ObjectKey key = api::key_of(policy->metadata);
    const bool logging = logging_namespaces.contains(key.namespace_);
    policies.set({cp::PolicyType::kK8sNetworkPolicy, std::move(key)},
                 convert(*policy, logging, index));
  }
  void take(const std::shared_ptr<const api::Service>& service) {
    natives.set_service(api::key_of(service->metadata), service->selector);
  }
  void take(const std::shared_ptr<const api::Node>& node) {
    index.set_node(*node);
    roles.set_node(node->metadata.name, true);
  }
  void take(const std::shared_ptr<const api::crd::ExternalEntity>& entity) {
    index.set_external_entity(*entity);
  }
  void take(const std::shared_ptr<const api::crd::Tier>& tier) {
    natives.set_tier(tier->metadata.name, tier->priority);
  }
  void take(const std::shared_ptr<const api::crd::Group>& group) {
    natives.set_group(api::key_of(group->metadata), group->spec);
  }
  void take(const std::shared_ptr<const api::crd::ClusterGroup>& group) {
    natives.set_group({{}, group->metadata.name}, group->spec);
  }
  void take(const std::shared_ptr<const api::crd::NetworkPolicy>& policy) {
    natives.set({cp::PolicyType::kAntreaNetworkPolicy, api::key_of(policy->metadata)}, policy);
  }
  void take(const std::shared_ptr<const api::crd::ClusterNetworkPolicy>& policy) {
    natives.set(cluster_key(cp::PolicyType::kAntreaClusterNetworkPolicy, policy->metadata.name),
                policy);
  }
  void take(const std::shared_ptr<const api::admin::AdminNetworkPolicy>& policy) {
    natives.set(cluster_key(cp::PolicyType::kAdminNetworkPolicy, policy->metadata.name), policy);
  }
  void take(const std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>& policy) {
    natives.set(cluster_key(cp::PolicyType::kBaselineAdminNetworkPolicy, policy->metadata.name),
                policy);
  }
  void take(const std::shared_ptr<const api::admin::ClusterNetworkPolicy>& policy) {
    natives.set(cluster_key(cp::PolicyType::kClusterNetworkPolicy, policy->metadata.name), policy);
  }
  void take(const std::shared_ptr<const api::crd::Egress>& egress) { egress_groups.set(*egress); }

  void take(const ObjectDeleted& deleted) {
    const api::ObjectKey& key = deleted.key;
    switch (deleted.kind) {
      case ObjectKind::kNamespace:
        if (index.remove_namespace(key.name)) natives.namespaces_changed();
        set_logging(key.name, false);
        break;
      case ObjectKind::kPod:
        index.remove(EntityKind::kPod, key.namespace_, key.name);
        break;
      case ObjectKind::kNetworkPolicy:
        policies.remove({cp::PolicyType::kK8sNetworkPolicy, key});
        break;
      case ObjectKind::kService:
        natives.set_service(key, {});
        break;
      case ObjectKind::kNode:
        index.remove(EntityKind::kNode, {}, key.name);
        roles.set_node(key.name, false);
        break;
      case ObjectKind::kExternalEntity:
        index.remove(EntityKind::kExternalEntity, key.namespace_, key.name);
        break;
      case ObjectKind::kTier:
        natives.set_tier(key.name, std::nullopt);
        break;
      case ObjectKind::kGroup:
        natives.set_group(key, std::nullopt);
        break;
      case ObjectKind::kClusterGroup:
        natives.set_group({{}, key.name}, std::nullopt);
        break;
      case ObjectKind::kAntreaNetworkPolicy:
        remove_native({cp::PolicyType::kAntreaNetworkPolicy, key});
        break;
      case ObjectKind::kAntreaClusterNetworkPolicy:
        remove_native(cluster_key(cp::PolicyType::kAntreaClusterNetworkPolicy, key.name));
        break;
      case ObjectKind::kAdminNetworkPolicy:
        remove_native(cluster_key(cp::PolicyType::kAdminNetworkPolicy, key.name));
        break;
      case ObjectKind::kBaselineAdminNetworkPolicy:
        remove_native(cluster_key(cp::PolicyType::kBaselineAdminNetworkPolicy, key.name));
        break;
      case ObjectKind::kClusterNetworkPolicy:
        remove_native(cluster_key(cp::PolicyType::kClusterNetworkPolicy, key.name));
        break;
      case ObjectKind::kEgress:
        egress_groups.remove(key.name);
        break;
    }
  }

  void remove_native(const PolicyKey& key) {
    natives.remove(key);
    policies.remove(key);
  }

  void set_logging(const std::string& ns, bool enabled) {
    if (logging_namespaces.contains(ns) == enabled) return;
    if (enabled)
      logging_namespaces.insert(ns);
    else
      logging_namespaces.erase(ns);
    policies.set_logging(ns, enabled);
  }

  cp::Changes flush() {
    natives.convert(index, policies);
    cp::Changes changes;
    const std::vector<PolicyId> moved = roles.flush(changes);
    policies.flush(moved, changes);
    egress_groups.flush(changes);
    changes.evaluated_pods = evaluated_pods(index);
    index.end_batch();
    return changes;
  }
};

Compiler::Compiler() : impl_(std::make_unique<Impl>()) {}
Compiler::~Compiler() = default;
Compiler::Compiler(Compiler&&) noexcept = default;
Compiler& Compiler::operator=(Compiler&&) noexcept = default;

cp::Changes Compiler::apply(std::span<const ObjectChange> batch) {
  impl_->expect(batch);
  for (const ObjectChange& change : batch)
    std::visit([&](const auto& value) { impl_->take(value); }, change);
  return impl_->flush();
}

std::vector<cp::NetworkPolicyReference> Compiler::unrealizable() const {
  return impl_->policies.unrealizable();
}

Compiler::Counts Compiler::counts() const {
  return {.policies = impl_->policies.count(),
          .address_groups = impl_->roles.address_group_count(),
          .applied_to_groups = impl_->roles.applied_to_group_count(),
          .label_sets = impl_->index.label_item_count(),
          .strings = impl_->index.string_count() + impl_->policies.string_count()};
}

}  // namespace antrea::policy
