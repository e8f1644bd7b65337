#include "policy_table.h"

#include <algorithm>
#include <utility>

namespace antrea::policy {

namespace cp = api::controlplane;

PolicyId PolicyTable::at(const PolicyKey& key) {
  const PooledKey pooled{key.type, pool_.acquire(key.key.namespace_), pool_.acquire(key.key.name)};
  const auto [place, is_new] = by_key_.try_emplace(pooled);
  if (!is_new) {
    pool_.release(pooled.namespace_);
    pool_.release(pooled.name);
    return place->second;
  }
  PolicyId id = 0;
  if (free_.empty()) {
    id = static_cast<PolicyId>(policies_.size());
    policies_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  place->second = id;
  if (key.type == cp::PolicyType::kK8sNetworkPolicy)
    kubernetes_by_namespace_[pooled.namespace_].push_back(id);
  return id;
}

void PolicyTable::set(const PolicyKey& key, ConvertedPolicy converted) {
  const PolicyId id = at(key);
  Record& policy = policies_[id];
  if (policy.object && *policy.object == *converted.object &&
      policy.groups.links == converted.groups.links) {
    roles_.release(converted.groups);
    return;
  }
  // The new references first, so that what stays in use is never without a user.
  policy.confined = converted.confined;
  roles_.use(id, converted.groups, converted.confined);
  roles_.drop(id, policy.groups);
  policy.object = std::move(converted.object);
  policy.groups = std::move(converted.groups);
  mark(id);
}

void PolicyTable::remove(const PolicyKey& key) {
  const auto found = by_key_.find(find(key));
  if (found == by_key_.end()) return;
  Record& policy = policies_[found->second];
  if (policy.object) removed_.push_back(found->first);
  roles_.drop(found->second, policy.groups);
  policy.object = nullptr;
  policy.groups = {};
  mark(found->second);
}

void PolicyTable::set_logging(const std::string& namespace_, bool enabled) {
  const auto found = kubernetes_by_namespace_.find(pool_.find(namespace_));
  if (found == kubernetes_by_namespace_.end()) return;
  for (const PolicyId id : found->second) {
    if (!policies_[id].object) continue;
    auto changed = std::make_shared<cp::NetworkPolicy>(*policies_[id].object);
    for (cp::NetworkPolicyRule& rule : changed->rules) rule.enable_logging = enabled;
    policies_[id].object = std::move(changed);
    mark(id);
  }
}

void PolicyTable::mark(PolicyId id) {
  if (!std::exchange(policies_[id].dirty, true)) dirty_.push_back(id);
}

void PolicyTable::flush(const std::vector<PolicyId>& moved, cp::Changes& changes) {
  for (const PolicyId id : moved) mark(id);
  put_in_order(dirty_);
  changes.policies.reserve(dirty_.size());
  for (const PolicyId id : std::exchange(dirty_, {})) flush(policies_[id], changes);
  for (const PooledKey& key : std::exchange(removed_, {})) forget(key);
}

void PolicyTable::flush(Record& policy, cp::Changes& changes) {
  policy.dirty = false;
  const std::string* published_name = policy.published ? &policy.published->metadata.name : nullptr;
  if (published_name && (!policy.object || policy.object->metadata.name != *published_name)) {
    changes.policies.push_back({.gone = *published_name});
    policy.published = nullptr;
    policy.span = {};
  }
  if (!policy.object) return;
  // The policy of a Namespace must not have power over others: then it is sent nowhere.
  const bool unrealizable = policy.confined && reaches_beyond(policy);
  cp::NodeSet span = unrealizable ? cp::NodeSet() : roles_.span_of(policy.groups);
  const bool same = policy.published && span == policy.span &&
                    unrealizable == policy.unrealizable &&
                    (policy.published == policy.object || *policy.published == *policy.object);
  policy.published = policy.object;
  if (same) return;
  policy.span = span;
  policy.unrealizable = unrealizable;
  changes.policies.push_back({policy.object, std::move(span), {}, unrealizable});
}

bool PolicyTable::reaches_beyond(const Record& policy) const {
  return std::ranges::any_of(policy.groups.applied_to, [&](GroupId group) {
    return index_.reaches_beyond(group, policy.object->source_ref.namespace_);
  });
}

void PolicyTable::forget(const PooledKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || policies_[found->second].object) return;
  const PolicyId id = found->second;
  policies_[id] = {};
  free_.push_back(id);
  by_key_.erase(found);
  if (key.type == cp::PolicyType::kK8sNetworkPolicy) {
    const auto in_namespace = kubernetes_by_namespace_.find(key.namespace_);
    std::erase(in_namespace->second, id);
    if (in_namespace->second.empty()) kubernetes_by_namespace_.erase(in_namespace);
  }
  pool_.release(key.namespace_);
  pool_.release(key.name);
}

std::vector<cp::NetworkPolicyReference> PolicyTable::unrealizable() const {
  std::vector<cp::NetworkPolicyReference> references;
  for (const Record& policy : policies_)
    if (policy.object && policy.unrealizable) references.push_back(policy.object->source_ref);
  std::ranges::sort(references);
  return references;
}

}  // namespace antrea::policy
