#include "group_resolver.h"

namespace antrea::policy {

namespace crd = api::crd;

Members GroupResolver::resolve(const std::string& name) const {
  Members members;
  const crd::GroupSpec* group = find(name);
  if (group == nullptr) return members;
  if (group->child_groups.empty()) {
    add(*group, members);
    return members;
  }
  for (const std::string& child_name : group->child_groups) {
    const crd::GroupSpec* child = find(child_name);
    if (child == nullptr) continue;
    if (!child->child_groups.empty()) return {};
    add(*child, members);
  }
  return members;
}

const crd::GroupSpec* GroupResolver::find(const std::string& name) const {
  const api::ObjectKey key{namespace_, name};
  around_.used.insert({Subject::Kind::kGroup, key});
  const auto found = around_.directory.groups.find(key);
  return found == around_.directory.groups.end() ? nullptr : &found->second;
}

void GroupResolver::add(const crd::GroupSpec& group, Members& members) const {
  // Without a Namespace selector: the Group's Namespace, or all of them.
  const auto select = [&](const std::optional<api::LabelSelector>& selector, EntityKind kind) {
    GroupSelector made{namespace_, group.namespace_selector, selector, kind, {}};
    if (namespace_.empty() && !made.namespace_selector) made.namespace_selector.emplace();
    members.selectors.push_back(std::move(made));
  };
  if (group.external_entity_selector)
    select(group.external_entity_selector, EntityKind::kExternalEntity);
  else if (group.pod_selector || group.namespace_selector)
    select(group.pod_selector, EntityKind::kPod);
  if (group.node_selector)
    members.selectors.push_back({{}, {}, group.node_selector, EntityKind::kNode, {}});
  members.blocks.insert(members.blocks.end(), group.ip_blocks.begin(), group.ip_blocks.end());
  if (group.service_reference) {
    api::ObjectKey key = *group.service_reference;
    if (key.namespace_.empty()) key.namespace_ = namespace_;
    around_.used.insert({Subject::Kind::kService, key});
    const auto service = around_.directory.services.find(key);
    if (service != around_.directory.services.end())
      members.selectors.push_back({key.namespace_, {}, api::LabelSelector{service->second, {}}});
  }
}

}  // namespace antrea::policy
