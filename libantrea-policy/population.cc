#include "population.h"

#include <algorithm>

namespace antrea::policy {

namespace crd = api::crd;

Population::Population(std::span<const ObjectChange> objects) {
  for (const ObjectChange& object : objects) std::visit([&](const auto& o) { note(o); }, object);
}

bool Population::in_scope(const std::string& of, const std::string& ns,
                          const Selector& selector) const {
  if (!selector) return ns.empty() || of == ns;
  api::Labels labels;
  if (const auto found = namespaces_.find({{}, of}); found != namespaces_.end())
    labels = found->second->metadata.labels;
  labels["kubernetes.io/metadata.name"] = of;
  return selector->matches(labels);
}

bool Population::has_pods(const std::string& ns, const Selector& namespace_selector,
                          const Selector& selector) const {
  return std::ranges::any_of(pods_, [&](const auto& entry) {
    const api::Pod& pod = *entry.second;
    return !pod.host_network && !pod.terminated() &&
           in_scope(pod.metadata.namespace_, ns, namespace_selector) &&
           (!selector || selector->matches(pod.metadata.labels));
  });
}

bool Population::has_entities(const std::string& ns, const Selector& namespace_selector,
                              const api::LabelSelector& selector) const {
  return std::ranges::any_of(entities_, [&](const auto& entry) {
    return in_scope(entry.first.namespace_, ns, namespace_selector) &&
           selector.matches(entry.second->metadata.labels);
  });
}

bool Population::has_nodes(const api::LabelSelector& selector) const {
  return std::ranges::any_of(
      nodes_, [&](const auto& entry) { return selector.matches(entry.second->metadata.labels); });
}

bool Population::has_account(const api::ObjectKey& account) const {
  return std::ranges::any_of(pods_, [&](const auto& entry) {
    return entry.first.namespace_ == account.namespace_ &&
           entry.second->service_account_name == account.name;
  });
}

const crd::GroupSpec* Population::group(const std::string& name, const std::string& ns) const {
  const auto find = [](const auto& groups, const api::ObjectKey& key) -> const crd::GroupSpec* {
    const auto found = groups.find(key);
    return found == groups.end() ? nullptr : &found->second->spec;
  };
  return ns.empty() ? find(cluster_groups_, {{}, name}) : find(groups_, {ns, name});
}

bool Population::has_members(const crd::GroupSpec& group, const std::string& ns, int depth) const {
  if (depth > 1) return false;  // deeper ones count for nothing
  if (!group.ip_blocks.empty()) return true;
  if (group.node_selector && has_nodes(*group.node_selector)) return true;
  if (group.external_entity_selector)
    return has_entities(ns, group.namespace_selector, *group.external_entity_selector);
  if (group.pod_selector || group.namespace_selector)
    return has_pods(ns, group.namespace_selector, group.pod_selector);
  if (group.service_reference) {
    api::ObjectKey key = *group.service_reference;
    if (key.namespace_.empty()) key.namespace_ = ns;
    const auto service = services_.find(key);
    return service != services_.end() && !service->second->selector.empty() &&
           has_pods(key.namespace_, {}, api::LabelSelector{service->second->selector, {}});
  }
  return std::ranges::any_of(group.child_groups, [&](const std::string& child) {
    const crd::GroupSpec* spec = this->group(child, ns);
    return spec != nullptr && has_members(*spec, ns, depth + 1);
  });
}

}  // namespace antrea::policy
