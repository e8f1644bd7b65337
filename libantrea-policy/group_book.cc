#include "group_book.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "antrea/policy/name_pattern.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

void set_present(HeldAddressGroup& group, bool present) {
  if (group.present == present) return;
  group.present = present;
  group.changed = true;
}

}  // namespace

void GroupBook::take(const AddressGroupUpserted& object) {
  HeldAddressGroup& group = touch_address_group(object->metadata.name);
  group.replace(object->members);
  set_present(group, true);
}
void GroupBook::take(const AddressGroupPatched& patched) {
  HeldAddressGroup& group = touch_address_group(patched.patch.metadata.name);
  for (const cp::GroupMember& member : patched.patch.removed) group.remove(member);
  for (const cp::GroupMember& member : patched.patch.added) group.add(member);
}
void GroupBook::take(const AddressGroupDeleted& deleted) {
  if (!address_groups_.contains(deleted.name)) return;
  set_present(touch_address_group(deleted.name),
              false);  // its members stay as long as a rule names it
}
void GroupBook::take(const AddressGroupsReplaced& all) {
  std::unordered_set<std::string_view> names;
  for (const auto& group : all.objects) names.insert(group->metadata.name);
  std::vector<std::string> gone;
  for (const auto& [name, group] : address_groups_)
    if (!names.contains(name)) gone.push_back(name);
  for (const std::string& name : gone) take(AddressGroupDeleted{name});
  for (const auto& group : all.objects) take(group);
}

void GroupBook::take(const AppliedToGroupUpserted& object) {
  HeldAppliedToGroup& group = applied_to_groups_[object->metadata.name];
  clear(group);
  for (const cp::GroupMember& member : object->members) join(group, member);
  group.node = std::ranges::any_of(object->members, is_node);
  group.present = true;
  mark_users(group);
}
void GroupBook::take(const AppliedToGroupPatched& patched) {
  HeldAppliedToGroup& group = applied_to_groups_[patched.patch.metadata.name];
  for (const cp::GroupMember& member : patched.patch.removed) leave(group, member);
  for (const cp::GroupMember& member : patched.patch.added) join(group, member);
  if (std::ranges::any_of(patched.patch.removed, is_node)) group.node = false;
  if (std::ranges::any_of(patched.patch.added, is_node)) group.node = true;
  mark_users(group);
}
void GroupBook::take(const AppliedToGroupDeleted& deleted) {
  const auto found = applied_to_groups_.find(deleted.name);
  if (found == applied_to_groups_.end()) return;
  clear(found->second);
  found->second.present = found->second.node = false;
  mark_users(found->second);
  if (found->second.users.empty()) applied_to_groups_.erase(found);
}
void GroupBook::take(const AppliedToGroupsReplaced& all) {
  std::unordered_set<std::string_view> names;
  for (const auto& group : all.objects) names.insert(group->metadata.name);
  std::vector<std::string> gone;
  for (const auto& [name, group] : applied_to_groups_)
    if (!names.contains(name)) gone.push_back(name);
  for (const std::string& name : gone) take(AppliedToGroupDeleted{name});
  for (const auto& group : all.objects) take(group);
}

void GroupBook::take(const NameResolved& resolved) {
  if (resolved.ips.empty())
    names_.erase(resolved.name);
  else
    names_.insert_or_assign(resolved.name, resolved.ips);
  for (auto& [pattern, group] : patterns_) {
    if (!matches_name(pattern, resolved.name)) continue;
    touched_patterns_.push_back(pattern);
    if (resolved.ips.empty())
      group.remove_name(resolved.name);
    else
      group.add_name(resolved.name, resolved.ips);
  }
}

void GroupBook::mark_rules_of_service(const cp::ServiceReference& service) {
  if (const auto users = service_users_.find(service); users != service_users_.end())
    for (CachedRule* rule : users->second) dirty_.mark(*rule);
  mark_users_of(groups_of_service_, {service.namespace_, service.name});
}
void GroupBook::mark_users(const HeldAppliedToGroup& group) {
  for (CachedRule* rule : group.users) {
    rule->targets_dirty = true;
    dirty_.mark(*rule);
  }
}
void GroupBook::mark_users_of(const GroupsByMember& groups, const api::ObjectKey& member) {
  if (const auto found = groups.find(member); found != groups.end())
    for (const HeldAppliedToGroup* group : found->second) mark_users(*group);
}

void GroupBook::mark_rules_of_changed() {
  mark_users_of_changed(address_groups_, touched_address_groups_);
  mark_users_of_changed(patterns_, touched_patterns_);
}
void GroupBook::mark_users_of_changed(const AddressGroups& groups,
                                      const std::vector<std::string>& touched) {
  for (const std::string& name : touched) {
    const auto found = groups.find(name);
    if (found == groups.end() || !found->second.changed) continue;
    for (CachedRule* rule : found->second.users) dirty_.mark(*rule);
  }
}

void GroupBook::end_batch() {
  settle(address_groups_, touched_address_groups_);
  settle(patterns_, touched_patterns_);
}
void GroupBook::settle(AddressGroups& groups, std::vector<std::string>& touched) {
  for (const std::string& name : std::exchange(touched, {})) {
    const auto found = groups.find(name);
    if (found == groups.end()) continue;
    found->second.end_batch();
    if (!found->second.present && found->second.users.empty()) groups.erase(found);
  }
}

HeldAddressGroup& GroupBook::touch_address_group(const std::string& name) {
  touched_address_groups_.push_back(name);
  return address_groups_[name];
}
void GroupBook::join(HeldAppliedToGroup& group, const cp::GroupMember& member) {
  if (is_pod(member) && group.pods.insert_or_assign(member.key, member.ports).second)
    groups_of_pod_[member.key].push_back(&group);
  if (is_service(member) && group.services.insert(member.key).second)
    groups_of_service_[member.key].push_back(&group);
}
void GroupBook::leave(HeldAppliedToGroup& group, const cp::GroupMember& member) {
  if (is_pod(member) && group.pods.erase(member.key) > 0)
    forget_member(groups_of_pod_, group, member.key);
  if (is_service(member) && group.services.erase(member.key) > 0)
    forget_member(groups_of_service_, group, member.key);
}
void GroupBook::clear(HeldAppliedToGroup& group) {
  for (const auto& [pod, ports] : group.pods) forget_member(groups_of_pod_, group, pod);
  for (const api::ObjectKey& service : group.services)
    forget_member(groups_of_service_, group, service);
  group.pods.clear();
  group.services.clear();
}
void GroupBook::forget_member(GroupsByMember& groups, HeldAppliedToGroup& group,
                              const api::ObjectKey& member) {
  const auto found = groups.find(member);
  std::erase(found->second, &group);
  if (found->second.empty()) groups.erase(found);
}

void GroupBook::link(CachedRule& rule, const cp::NetworkPolicy& policy,
                     const cp::NetworkPolicyRule& source) {
  const cp::NetworkPolicyPeer& peer = source.peers;
  for (const std::string& name : antrea::policy::applied_to_groups(policy, source)) {
    HeldAppliedToGroup& group = applied_to_groups_[name];
    if (!group.users.insert(&rule).second) continue;
    rule.applied_to.push_back(&group);
    rule.applied_to_names.push_back(name);
  }
  for (const std::string& name : peer.address_groups) {
    HeldAddressGroup& group = address_groups_[name];
    if (!group.users.insert(&rule).second) continue;
    rule.peer_groups.push_back(&group);
    rule.peer_group_names.push_back(name);
  }
  for (const std::string& pattern : peer.fqdns) {
    HeldAddressGroup& group = pattern_at(pattern);
    if (!group.users.insert(&rule).second) continue;
    rule.peer_groups.push_back(&group);
    rule.patterns.push_back(pattern);
  }
  rule.peer_services = peer.to_services;
  for (const cp::ServiceReference& service : peer.to_services)
    service_users_[service].insert(&rule);
}

HeldAddressGroup& GroupBook::pattern_at(const std::string& pattern) {
  auto [at, added] = patterns_.try_emplace(pattern);
  HeldAddressGroup& group = at->second;
  if (!added) return group;
  patterns_changed_ = true;
  touched_patterns_.push_back(pattern);
  group.present = true;
  for (const auto& [name, ips] : names_)
    if (matches_name(pattern, name)) group.add_name(name, ips);
  return group;
}

void GroupBook::unlink(CachedRule& rule) {
  for (std::size_t i = 0; i < rule.applied_to.size(); ++i) {
    rule.applied_to[i]->users.erase(&rule);
    if (!rule.applied_to[i]->present && rule.applied_to[i]->users.empty())
      applied_to_groups_.erase(rule.applied_to_names[i]);
  }
  for (std::size_t i = 0; i < rule.peer_group_names.size(); ++i) {
    rule.peer_groups[i]->users.erase(&rule);
    touched_address_groups_.push_back(rule.peer_group_names[i]);
  }
  for (const std::string& pattern : rule.patterns) {
    const auto group = patterns_.find(pattern);
    group->second.users.erase(&rule);
    if (!group->second.users.empty()) continue;
    patterns_.erase(group);
    patterns_changed_ = true;
  }
  for (const cp::ServiceReference& service : rule.peer_services) {
    const auto users = service_users_.find(service);
    if (users == service_users_.end()) continue;  // named twice
    users->second.erase(&rule);
    if (users->second.empty()) service_users_.erase(users);
  }
}

std::optional<std::string> GroupBook::unknown_patched_group(
    std::span<const RuleInput> batch) const {
  KnownGroups address_view, applied_to_view;
  for (const RuleInput& input : batch) {
    if (const auto* upserted = std::get_if<AddressGroupUpserted>(&input))
      address_view.set((*upserted)->metadata.name, true);
    else if (const auto* deleted = std::get_if<AddressGroupDeleted>(&input))
      address_view.set(deleted->name, false);
    else if (const auto* replaced = std::get_if<AddressGroupsReplaced>(&input))
      address_view.replace(replaced->objects);
    else if (const auto* patched = std::get_if<AddressGroupPatched>(&input)) {
      if (!address_view.knows(address_groups_, patched->patch.metadata.name))
        return "AddressGroup " + patched->patch.metadata.name;
    } else if (const auto* target = std::get_if<AppliedToGroupUpserted>(&input))
      applied_to_view.set((*target)->metadata.name, true);
    else if (const auto* gone = std::get_if<AppliedToGroupDeleted>(&input))
      applied_to_view.set(gone->name, false);
    else if (const auto* all = std::get_if<AppliedToGroupsReplaced>(&input))
      applied_to_view.replace(all->objects);
    else if (const auto* patch = std::get_if<AppliedToGroupPatched>(&input)) {
      if (!applied_to_view.knows(applied_to_groups_, patch->patch.metadata.name))
        return "AppliedToGroup " + patch->patch.metadata.name;
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> GroupBook::take_name_patterns() {
  if (!std::exchange(patterns_changed_, false)) return {};
  std::vector<std::string> all;
  for (const auto& [pattern, group] : patterns_) all.push_back(pattern);
  std::ranges::sort(all);
  return all;
}

void GroupBook::count(RuleCache::Counts& counts) const {
  for (const auto& [name, group] : address_groups_) counts.address_groups += group.present;
  for (const auto& [name, group] : applied_to_groups_) counts.applied_to_groups += group.present;
}

}  // namespace antrea::policy
