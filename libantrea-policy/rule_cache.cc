#include "antrea/policy/rule_cache.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "held_groups.h"
#include "rule_text.h"

namespace antrea::policy {

/// A rule, and what was last said of it.
struct CachedRule {
  std::shared_ptr<const RuleIdentity> identity;
  std::string policy;  // the name of the policy it is from
  std::vector<HeldAppliedToGroup*> applied_to;
  std::vector<std::string> applied_to_names;
  std::vector<HeldAddressGroup*> peer_groups;  // and the names behind DNS patterns
  std::vector<std::string> peer_group_names, patterns;
  std::vector<cp::ServiceReference> peer_services;
  bool any_peer = false;
  std::vector<IpPrefix> blocks;  // sorted
  std::vector<cp::Service> services;
  bool named = false;

  int references = 0;   // versions of its policy that hold it
  bool wanted = false;  // one of them is the current one
  bool completed = false;
  bool dirty = false;
  bool targets_dirty = false;
  bool at_node = false;                        // completed, and applied to the Node itself
  std::vector<PodInterface> targets;           // as completed
  std::vector<std::uint32_t> service_groups;   // as completed
  bool at_node_ports = false;                  // as completed
  std::vector<std::uint32_t> target_services;  // as completed
  std::map<std::string, CompletedRule> parts;  // as completed, only with named ports

  bool effective() const {
    return std::ranges::any_of(applied_to, [](const auto* group) { return group->present; });
  }
  /// The Node itself is filtered by the host, not by the switch.
  bool applies_to_node() const {
    return std::ranges::any_of(applied_to, [](const auto* group) { return group->node; });
  }
  /// A group may hold Pods beside it.
  bool applies_to_node_only() const {
    return applies_to_node() &&
           std::ranges::all_of(applied_to, [](const auto* group) { return group->pods.empty(); });
  }
  /// Applied to Services; to nothing else beside (admission). A rule stays what it was when it was
  /// completed: groups do not change their kind.
  bool applies_to_services() const {
    return std::ranges::any_of(applied_to,
                               [](const auto* group) { return !group->services.empty(); });
  }
  bool realizable() const {
    return std::ranges::all_of(peer_groups, [](const auto* group) { return group->present; });
  }
  bool named_at_targets() const { return named && identity->direction == cp::Direction::kIn; }
};

namespace {

struct Policy {
  PolicyUpserted current, next;
  std::vector<CachedRule*> current_rules, next_rules;
};

template <typename Value>
std::vector<Value> difference(const std::vector<Value>& a, const std::vector<Value>& b) {
  std::vector<Value> rest;
  std::ranges::set_difference(a, b, std::back_inserter(rest));
  return rest;
}

template <typename Value>
void sort_unique(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

struct RuleCache::Impl {
  Options options;
  std::map<std::string, Policy> policies;             // by name
  std::unordered_map<std::string, CachedRule> rules;  // by ID
  std::unordered_map<std::string, HeldAddressGroup> address_groups;
  std::unordered_map<std::string, HeldAppliedToGroup> applied_to_groups;
  std::unordered_map<std::string, HeldAddressGroup> patterns;  // of DNS names; as groups of names
  bool patterns_changed = true;                                // since somebody asked
  std::map<std::string, std::vector<IpAddress>> names;
  std::map<cp::ServiceReference, std::vector<std::uint32_t>> services;
  std::map<cp::ServiceReference, std::set<CachedRule*>> service_users;
  std::unordered_map<api::ObjectKey, PodInterface> interfaces;
  using GroupsByMember = std::unordered_map<api::ObjectKey, std::vector<HeldAppliedToGroup*>>;
  GroupsByMember groups_of_pod, groups_of_service;
  std::vector<CachedRule*> dirty_rules;
  std::set<std::string> waiting;     // policies with a next version
  std::set<std::string> promotable;  // those of them that something happened to in this batch
  std::vector<std::string> touched_address_groups, touched_patterns;
  std::size_t completed_count = 0;
  std::map<std::string, CachedRule*> node_rules;  // by ID: completed, and applied to the Node
  bool node_rules_changed = true;                 // since somebody asked

  // --- input ---

  void take(const PolicyUpserted& policy) {
    if (!options.antrea_policy && policy->source_ref.type != cp::PolicyType::kK8sNetworkPolicy)
      return;
    Policy& record = policies[policy->metadata.name];
    const PolicyUpserted& latest = record.next ? record.next : record.current;
    if (latest && *latest == *policy) return;
    drop_rules(record.next_rules);
    record.next = policy;
    record.next_rules = hold_rules(*policy);
    waiting.insert(policy->metadata.name);
    promotable.insert(policy->metadata.name);
  }
  void take(const PolicyDeleted& deleted) {
    const auto found = policies.find(deleted.name);
    if (found == policies.end()) return;
    for (CachedRule* rule : found->second.current_rules) {
      rule->wanted = false;
      mark(*rule);
    }
    drop_rules(found->second.current_rules);
    drop_rules(found->second.next_rules);
    waiting.erase(deleted.name);
    promotable.erase(deleted.name);
    policies.erase(found);
  }
  void take(const PoliciesReplaced& all) {
    std::unordered_set<std::string_view> names;
    for (const auto& policy : all.objects) names.insert(policy->metadata.name);
    std::vector<std::string> gone;
    for (const auto& [name, policy] : policies)
      if (!names.contains(name)) gone.push_back(name);
    for (const std::string& name : gone) take(PolicyDeleted{name});
    for (const auto& policy : all.objects) take(policy);
  }

  void take(const AddressGroupUpserted& object) {
    HeldAddressGroup& group = touch_address_group(object->metadata.name);
    // By difference, so that what stays is not touched; members first, as two may share an address.
    std::unordered_set<std::string> keys;
    for (const cp::GroupMember& member : object->members) keys.insert(member_key(member));
    for (auto member = group.members.begin(); member != group.members.end();) {
      const auto next = std::next(member);
      if (!keys.contains(member->first)) group.remove(member);
      member = next;
    }
    for (const cp::GroupMember& member : object->members) {
      const auto found = group.members.find(member_key(member));
      if (found == group.members.end() || found->second.ports != member.ports) group.add(member);
    }
    set_present(group, true);
  }
  void take(const AddressGroupPatched& patched) {
    HeldAddressGroup& group = touch_address_group(patched.patch.metadata.name);
    for (const cp::GroupMember& member : patched.patch.removed) group.remove(member);
    for (const cp::GroupMember& member : patched.patch.added) group.add(member);
  }
  void take(const AddressGroupDeleted& deleted) {
    if (!address_groups.contains(deleted.name)) return;
    set_present(touch_address_group(deleted.name),
                false);  // its members stay as long as a rule names it
  }
  void take(const AddressGroupsReplaced& all) {
    std::unordered_set<std::string_view> names;
    for (const auto& group : all.objects) names.insert(group->metadata.name);
    std::vector<std::string> gone;
    for (const auto& [name, group] : address_groups)
      if (!names.contains(name)) gone.push_back(name);
    for (const std::string& name : gone) take(AddressGroupDeleted{name});
    for (const auto& group : all.objects) take(group);
  }

  void take(const AppliedToGroupUpserted& object) {
    HeldAppliedToGroup& group = applied_to_groups[object->metadata.name];
    clear(group);
    for (const cp::GroupMember& member : object->members) join(group, member);
    group.node = std::ranges::any_of(object->members, is_node);
    group.present = true;
    mark_users(group);
  }
  void take(const AppliedToGroupPatched& patched) {
    HeldAppliedToGroup& group = applied_to_groups[patched.patch.metadata.name];
    for (const cp::GroupMember& member : patched.patch.removed) leave(group, member);
    for (const cp::GroupMember& member : patched.patch.added) join(group, member);
    if (std::ranges::any_of(patched.patch.removed, is_node)) group.node = false;
    if (std::ranges::any_of(patched.patch.added, is_node)) group.node = true;
    mark_users(group);
  }
  void take(const AppliedToGroupDeleted& deleted) {
    const auto found = applied_to_groups.find(deleted.name);
    if (found == applied_to_groups.end()) return;
    clear(found->second);
    found->second.present = found->second.node = false;
    mark_users(found->second);
    if (found->second.users.empty()) applied_to_groups.erase(found);
  }
  void take(const AppliedToGroupsReplaced& all) {
    std::unordered_set<std::string_view> names;
    for (const auto& group : all.objects) names.insert(group->metadata.name);
    std::vector<std::string> gone;
    for (const auto& [name, group] : applied_to_groups)
      if (!names.contains(name)) gone.push_back(name);
    for (const std::string& name : gone) take(AppliedToGroupDeleted{name});
    for (const auto& group : all.objects) take(group);
  }

  void take(const InterfaceUpserted& interface) {
    interfaces[interface.pod] = interface;
    mark_users_of(groups_of_pod, interface.pod);
  }
  void take(const InterfaceDeleted& deleted) {
    if (interfaces.erase(deleted.pod) > 0) mark_users_of(groups_of_pod, deleted.pod);
  }

  void take(const NameResolved& resolved) {
    if (resolved.ips.empty())
      names.erase(resolved.name);
    else
      names.insert_or_assign(resolved.name, resolved.ips);
    for (auto& [pattern, group] : patterns) {
      if (!matches_name(pattern, resolved.name)) continue;
      touched_patterns.push_back(pattern);
      if (resolved.ips.empty())
        group.remove(resolved.name);
      else
        group.add(resolved.name, {resolved.ips, {}});
    }
  }
  void take(const ServiceGroups& said) {
    if (said.groups.empty())
      services.erase(said.service);
    else
      services.insert_or_assign(said.service, said.groups);
    if (const auto users = service_users.find(said.service); users != service_users.end())
      for (CachedRule* rule : users->second) mark(*rule);
    mark_users_of(groups_of_service, {said.service.namespace_, said.service.name});
  }

  // --- bookkeeping ---

  void mark(CachedRule& rule) {
    if (!std::exchange(rule.dirty, true)) dirty_rules.push_back(&rule);
  }
  void mark_users(HeldAppliedToGroup& group) {
    for (CachedRule* rule : group.users) {
      rule->targets_dirty = true;
      mark(*rule);
    }
  }
  void mark_users_of(const GroupsByMember& groups, const api::ObjectKey& member) {
    if (const auto found = groups.find(member); found != groups.end())
      for (HeldAppliedToGroup* group : found->second) mark_users(*group);
  }
  HeldAddressGroup& touch_address_group(const std::string& name) {
    touched_address_groups.push_back(name);
    return address_groups[name];
  }
  static void set_present(HeldAddressGroup& group, bool present) {
    if (group.present == present) return;
    group.present = present;
    group.changed = true;
  }

  void join(HeldAppliedToGroup& group, const cp::GroupMember& member) {
    if (is_pod(member) && group.pods.insert_or_assign(member.key, member.ports).second)
      groups_of_pod[member.key].push_back(&group);
    if (is_service(member) && group.services.insert(member.key).second)
      groups_of_service[member.key].push_back(&group);
  }
  void leave(HeldAppliedToGroup& group, const cp::GroupMember& member) {
    if (is_pod(member) && group.pods.erase(member.key) > 0)
      unlink(groups_of_pod, group, member.key);
    if (is_service(member) && group.services.erase(member.key) > 0)
      unlink(groups_of_service, group, member.key);
  }
  void clear(HeldAppliedToGroup& group) {
    for (const auto& [pod, ports] : group.pods) unlink(groups_of_pod, group, pod);
    for (const api::ObjectKey& service : group.services) unlink(groups_of_service, group, service);
    group.pods.clear();
    group.services.clear();
  }
  static void unlink(GroupsByMember& groups, HeldAppliedToGroup& group,
                     const api::ObjectKey& member) {
    const auto found = groups.find(member);
    std::erase(found->second, &group);
    if (found->second.empty()) groups.erase(found);
  }

  std::vector<CachedRule*> hold_rules(const cp::NetworkPolicy& policy) {
    std::vector<CachedRule*> held;
    for (const cp::NetworkPolicyRule& source : policy.rules) {
      auto identity = identify(policy, source);
      CachedRule& rule = rules[identity->id];
      if (!rule.identity) {
        rule.identity = std::move(identity);
        rule.policy = policy.metadata.name;
        fill(rule, policy, source);
      }
      if (std::ranges::find(held, &rule) != held.end()) continue;  // equal rules are one
      ++rule.references;
      held.push_back(&rule);
    }
    return held;
  }

  void fill(CachedRule& rule, const cp::NetworkPolicy& policy,
            const cp::NetworkPolicyRule& source) {
    const cp::NetworkPolicyPeer& peer = source.peers;
    rule.any_peer = peer.empty();
    rule.blocks = prefixes_of(peer.ip_blocks);
    rule.services = source.services;
    rule.named = has_named_port(source.services);
    for (const std::string& name : antrea::policy::applied_to_groups(policy, source)) {
      HeldAppliedToGroup& group = applied_to_groups[name];
      if (!group.users.insert(&rule).second) continue;
      rule.applied_to.push_back(&group);
      rule.applied_to_names.push_back(name);
    }
    for (const std::string& name : peer.address_groups) {
      HeldAddressGroup& group = address_groups[name];
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
      service_users[service].insert(&rule);
  }

  HeldAddressGroup& pattern_at(const std::string& pattern) {
    auto [at, added] = patterns.try_emplace(pattern);
    HeldAddressGroup& group = at->second;
    if (!added) return group;
    patterns_changed = true;
    touched_patterns.push_back(pattern);
    group.present = true;
    for (const auto& [name, ips] : names)
      if (matches_name(pattern, name)) group.add(name, {ips, {}});
    return group;
  }

  void drop_rules(std::vector<CachedRule*>& held) {
    for (CachedRule* rule : held) {
      --rule->references;
      mark(*rule);  // the last thing that flush does with it is to forget it
    }
    held.clear();
  }

  void forget(CachedRule& rule) {
    for (std::size_t i = 0; i < rule.applied_to.size(); ++i) {
      rule.applied_to[i]->users.erase(&rule);
      if (!rule.applied_to[i]->present && rule.applied_to[i]->users.empty())
        applied_to_groups.erase(rule.applied_to_names[i]);
    }
    for (std::size_t i = 0; i < rule.peer_group_names.size(); ++i) {
      rule.peer_groups[i]->users.erase(&rule);
      touched_address_groups.push_back(rule.peer_group_names[i]);
    }
    for (const std::string& pattern : rule.patterns) {
      const auto group = patterns.find(pattern);
      group->second.users.erase(&rule);
      if (!group->second.users.empty()) continue;
      patterns.erase(group);
      patterns_changed = true;
    }
    for (const cp::ServiceReference& service : rule.peer_services) {
      const auto users = service_users.find(service);
      if (users == service_users.end()) continue;  // named twice
      users->second.erase(&rule);
      if (users->second.empty()) service_users.erase(users);
    }
    rules.erase(std::string(rule.identity->id));
  }

  // --- output ---

  RuleChanges flush() {
    mark_users_of_changed(address_groups, touched_address_groups);
    mark_users_of_changed(patterns, touched_patterns);
    for (const CachedRule* rule : dirty_rules)
      if (waiting.contains(rule->policy)) promotable.insert(rule->policy);
    for (const std::string& name : std::exchange(promotable, {}))
      if (promote(policies.at(name))) waiting.erase(name);

    RuleChanges changes;
    // Marking a rule while this runs is not possible any more; forgetting one invalidates only
    // itself.
    for (CachedRule* rule : dirty_rules) {
      rule->dirty = false;
      update(*rule, changes);
      rule->targets_dirty = false;
    }
    for (CachedRule* rule : std::exchange(dirty_rules, {}))
      if (rule->references == 0) forget(*rule);
    settle(address_groups, touched_address_groups);
    settle(patterns, touched_patterns);
    std::ranges::sort(changes.added, {}, &CompletedRule::key);
    std::ranges::sort(changes.updated, {}, &RuleUpdate::key);
    std::ranges::sort(changes.removed);
    return changes;
  }

  using AddressGroups = std::unordered_map<std::string, HeldAddressGroup>;
  void mark_users_of_changed(AddressGroups& groups, const std::vector<std::string>& touched) {
    for (const std::string& name : touched) {
      const auto found = groups.find(name);
      if (found == groups.end() || !found->second.changed) continue;
      for (CachedRule* rule : found->second.users) mark(*rule);
    }
  }
  static void settle(AddressGroups& groups, std::vector<std::string>& touched) {
    for (const std::string& name : std::exchange(touched, {})) {
      const auto found = groups.find(name);
      if (found == groups.end()) continue;
      found->second.touched.clear();
      found->second.changed = false;
      if (!found->second.present && found->second.users.empty()) groups.erase(found);
    }
  }

  /// The next version of a policy takes the place of the current one, if it is ready.
  bool promote(Policy& policy) {
    bool any_effective = policy.next_rules.empty();
    for (const CachedRule* rule : policy.next_rules) {
      if (!rule->effective()) continue;
      if (!rule->realizable()) return false;
      any_effective = true;
    }
    if (!any_effective) return false;
    for (CachedRule* rule : policy.current_rules) {
      rule->wanted = false;
      mark(*rule);
    }
    drop_rules(policy.current_rules);
    policy.current = std::move(policy.next);
    policy.next = nullptr;
    policy.current_rules = std::move(policy.next_rules);
    policy.next_rules.clear();
    for (CachedRule* rule : policy.current_rules) {
      rule->wanted = true;
      mark(*rule);
    }
    return true;
  }

  /// What the host filters is computed when it is asked for: there is little of it.
  void update_at_node(CachedRule& rule) {
    const bool here = rule.wanted && rule.effective() && rule.applies_to_node() &&
                      (rule.at_node || rule.realizable());
    node_rules_changed |= here || rule.at_node;
    rule.at_node = here;
    if (here)
      node_rules.emplace(rule.identity->id, &rule);
    else
      node_rules.erase(rule.identity->id);
  }

  void update(CachedRule& rule, RuleChanges& changes) {
    update_at_node(rule);
    if (!rule.wanted || !rule.effective() || rule.applies_to_node_only()) {
      if (!rule.completed) return;
      if (rule.named)
        for (const auto& [key, part] : rule.parts) changes.removed.push_back(key);
      else
        changes.removed.push_back(rule.identity->id);
      rule.parts.clear();
      rule.targets.clear();
      rule.completed = false;
      --completed_count;
      return;
    }
    if (!rule.completed && !rule.realizable()) return;
    const bool first = !std::exchange(rule.completed, true);
    if (first) {
      ++completed_count;
      rule.at_node_ports = rule.applies_to_services();
    }
    if (rule.named) {
      update_parts(rule, changes);
    } else if (first) {
      rule.targets = targets_of(rule);
      rule.target_services = target_services_of(rule);
      rule.service_groups = service_groups_of(rule);
      changes.added.push_back({rule.identity->id, rule.identity, rule.targets, peers_of(rule),
                               rule.services.empty() ? std::nullopt : std::optional(rule.services),
                               rule.service_groups, rule.at_node_ports, rule.target_services});
    } else {
      RuleUpdate update{.key = rule.identity->id};
      if (rule.targets_dirty) {
        std::vector<PodInterface> targets = targets_of(rule);
        update.added_targets = difference(targets, rule.targets);
        update.removed_targets = difference(rule.targets, targets);
        rule.targets = std::move(targets);
        std::vector<std::uint32_t> services = target_services_of(rule);
        update.added_target_services = difference(services, rule.target_services);
        update.removed_target_services = difference(rule.target_services, services);
        rule.target_services = std::move(services);
      }
      add_peer_changes(rule, update);
      if (!rule.peer_services.empty()) {
        std::vector<std::uint32_t> groups = service_groups_of(rule);
        update.added_peer_services = difference(groups, rule.service_groups);
        update.removed_peer_services = difference(rule.service_groups, groups);
        rule.service_groups = std::move(groups);
      }
      if (!update.empty()) changes.updated.push_back(std::move(update));
    }
  }

  /// Cost: the addresses that were touched, not those that the groups hold.
  static void add_peer_changes(const CachedRule& rule, RuleUpdate& update) {
    for (const HeldAddressGroup* group : rule.peer_groups) {
      for (const auto& [ip, was_there] : group->touched) {
        const IpPrefix host = IpPrefix::host(ip);
        if (std::ranges::binary_search(rule.blocks, host)) continue;
        bool before = false, after = false;
        for (const HeldAddressGroup* other : rule.peer_groups) {
          before |= other->contained(ip);
          after |= other->contains(ip);
        }
        if (before != after) (after ? update.added_peers : update.removed_peers).push_back(host);
      }
    }
    sort_unique(update.added_peers);
    sort_unique(update.removed_peers);
  }

  /// Rules with named ports are rare and few Pods are local: their parts are computed anew and
  /// compared.
  void update_parts(CachedRule& rule, RuleChanges& changes) {
    std::map<std::string, CompletedRule> parts = parts_of(rule);
    for (auto& [key, part] : parts) {
      const auto old = rule.parts.find(key);
      if (old == rule.parts.end()) {
        changes.added.push_back(part);
        continue;
      }
      RuleUpdate update{
          .key = key,
          .added_targets = difference(part.targets, old->second.targets),
          .removed_targets = difference(old->second.targets, part.targets),
          .added_target_services = difference(part.target_services, old->second.target_services),
          .removed_target_services = difference(old->second.target_services, part.target_services)};
      if (part.peers) {
        update.added_peers = difference(*part.peers, *old->second.peers);
        update.removed_peers = difference(*old->second.peers, *part.peers);
      }
      if (!update.empty()) changes.updated.push_back(std::move(update));
    }
    for (const auto& [key, part] : rule.parts)
      if (!parts.contains(key)) changes.removed.push_back(key);
    rule.parts = std::move(parts);
  }

  std::vector<PodInterface> targets_of(const CachedRule& rule) const {
    std::vector<PodInterface> targets;
    if (rule.at_node_ports) return targets;
    for (const HeldAppliedToGroup* group : rule.applied_to)
      for (const auto& [pod, ports] : group->pods)
        if (const auto found = interfaces.find(pod); found != interfaces.end())
          targets.push_back(found->second);
    sort_unique(targets);
    return targets;
  }

  static std::optional<std::vector<IpPrefix>> peers_of(const CachedRule& rule) {
    if (rule.any_peer) return std::nullopt;
    std::vector<IpPrefix> peers = rule.blocks;
    for (const HeldAddressGroup* group : rule.peer_groups)
      for (const auto& [ip, count] : group->addresses) peers.push_back(IpPrefix::host(ip));
    sort_unique(peers);
    return peers;
  }

  std::vector<std::uint32_t> service_groups_of(const CachedRule& rule) const {
    std::vector<std::uint32_t> groups;
    for (const cp::ServiceReference& service : rule.peer_services) add_groups_of(service, groups);
    sort_unique(groups);
    return groups;
  }
  std::vector<std::uint32_t> target_services_of(const CachedRule& rule) const {
    std::vector<std::uint32_t> groups;
    if (!rule.at_node_ports) return groups;
    for (const HeldAppliedToGroup* group : rule.applied_to)
      for (const api::ObjectKey& key : group->services)
        add_groups_of({key.namespace_, key.name}, groups);
    sort_unique(groups);
    return groups;
  }
  void add_groups_of(const cp::ServiceReference& service,
                     std::vector<std::uint32_t>& groups) const {
    if (const auto found = services.find(service); found != services.end())
      groups.insert(groups.end(), found->second.begin(), found->second.end());
  }

  std::map<std::string, CompletedRule> parts_of(const CachedRule& rule) const {
    std::map<std::string, CompletedRule> parts;
    const std::string& id = rule.identity->id;
    const std::vector<PodInterface> all_targets = targets_of(rule);
    const auto part_for = [&](std::vector<cp::Service> services) {
      std::string key = id + "/" + services_text(services);
      CompletedRule& part = parts[key];
      part.key = std::move(key);
      part.identity = rule.identity;
      part.services = std::move(services);
      return &part;
    };
    // Whoever lacks the port is isolated all the same: this part matches nothing.
    parts[id] = {id, rule.identity, all_targets, std::vector<IpPrefix>{},
                 std::vector<cp::Service>{}};

    if (rule.at_node_ports) {  // a Service has no named ports
      std::vector<cp::Service> services = resolve(rule.services, {});
      if (!services.empty()) {
        CompletedRule* part = part_for(std::move(services));
        part->peers = peers_of(rule);
        part->at_node_ports = true;
        part->target_services = target_services_of(rule);
      }
    } else if (rule.named_at_targets()) {
      const auto peers = peers_of(rule);
      for (const HeldAppliedToGroup* group : rule.applied_to) {
        for (const auto& [pod, ports] : group->pods) {
          const auto interface = interfaces.find(pod);
          if (interface == interfaces.end()) continue;
          std::vector<cp::Service> services = resolve(rule.services, ports);
          if (services.empty()) continue;
          CompletedRule* part = part_for(std::move(services));
          part->targets.push_back(interface->second);
          part->peers = peers;
        }
      }
    } else {
      const auto add_peers = [&](std::span<const cp::NamedPort> ports, auto&& peers) {
        std::vector<cp::Service> services = resolve(rule.services, ports);
        if (services.empty() || peers.empty()) return;
        CompletedRule* part = part_for(std::move(services));
        part->targets = all_targets;
        if (!part->peers) part->peers.emplace();
        part->peers->insert(part->peers->end(), peers.begin(), peers.end());
      };
      add_peers({}, rule.blocks);  // names mean nothing outside of Pods
      for (const HeldAddressGroup* group : rule.peer_groups) {
        for (const auto& [key, member] : group->members) {
          std::vector<IpPrefix> hosts;
          for (const IpAddress& ip : member.ips) hosts.push_back(IpPrefix::host(ip));
          add_peers(member.ports, hosts);
        }
      }
    }
    for (auto& [key, part] : parts) {
      sort_unique(part.targets);
      if (part.peers) sort_unique(*part.peers);
    }
    return parts;
  }

  /// The name of a group that the batch patches but that would not be known then.
  std::optional<std::string> unknown_patched_group(std::span<const RuleInput> batch) const {
    KnownGroups address_view, applied_to_view;
    for (const RuleInput& input : batch) {
      if (const auto* upserted = std::get_if<AddressGroupUpserted>(&input))
        address_view.set((*upserted)->metadata.name, true);
      else if (const auto* deleted = std::get_if<AddressGroupDeleted>(&input))
        address_view.set(deleted->name, false);
      else if (const auto* replaced = std::get_if<AddressGroupsReplaced>(&input))
        address_view.replace(replaced->objects);
      else if (const auto* patched = std::get_if<AddressGroupPatched>(&input)) {
        if (!address_view.knows(address_groups, patched->patch.metadata.name))
          return "AddressGroup " + patched->patch.metadata.name;
      } else if (const auto* target = std::get_if<AppliedToGroupUpserted>(&input))
        applied_to_view.set((*target)->metadata.name, true);
      else if (const auto* gone = std::get_if<AppliedToGroupDeleted>(&input))
        applied_to_view.set(gone->name, false);
      else if (const auto* all = std::get_if<AppliedToGroupsReplaced>(&input))
        applied_to_view.replace(all->objects);
      else if (const auto* patch = std::get_if<AppliedToGroupPatched>(&input)) {
        if (!applied_to_view.knows(applied_to_groups, patch->patch.metadata.name))
          return "AppliedToGroup " + patch->patch.metadata.name;
      }
    }
    return std::nullopt;
  }
};

RuleCache::RuleCache() : RuleCache(Options{}) {}
RuleCache::RuleCache(const Options& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
}
RuleCache::~RuleCache() = default;
RuleCache::RuleCache(RuleCache&&) noexcept = default;
RuleCache& RuleCache::operator=(RuleCache&&) noexcept = default;

Result<RuleChanges> RuleCache::apply(std::span<const RuleInput> batch) {
  if (auto unknown = impl_->unknown_patched_group(batch))
    return make_error(Errc::kNotFound, "patch a group: it is not known here", *std::move(unknown),
                      "watch the groups anew");
  for (const RuleInput& input : batch)
    std::visit([&](const auto& value) { impl_->take(value); }, input);
  return impl_->flush();
}

std::optional<std::vector<std::string>> RuleCache::take_name_patterns() {
  if (!std::exchange(impl_->patterns_changed, false)) return {};
  std::vector<std::string> patterns;
  for (const auto& [pattern, group] : impl_->patterns) patterns.push_back(pattern);
  std::ranges::sort(patterns);
  return patterns;
}

std::optional<std::vector<CompletedRule>> RuleCache::take_node_rules() {
  if (!std::exchange(impl_->node_rules_changed, false)) return {};
  std::vector<CompletedRule> rules;
  for (const auto& [id, rule] : impl_->node_rules) {
    if (!rule->named) {
      rules.push_back({id,
                       rule->identity,
                       {},
                       Impl::peers_of(*rule),
                       rule->services.empty() ? std::nullopt : std::optional(rule->services),
                       impl_->service_groups_of(*rule)});
      continue;
    }
    for (auto& [key, part] : impl_->parts_of(*rule)) rules.push_back(std::move(part));
  }
  return rules;
}

std::vector<std::string> RuleCache::waiting_policies() const {
  return {impl_->waiting.begin(), impl_->waiting.end()};
}

RuleCache::Counts RuleCache::counts() const {
  Counts counts{.policies = impl_->policies.size(),
                .rules = impl_->completed_count + impl_->node_rules.size()};
  for (const auto& [name, group] : impl_->address_groups) counts.address_groups += group.present;
  for (const auto& [name, group] : impl_->applied_to_groups)
    counts.applied_to_groups += group.present;
  return counts;
}

}  // namespace antrea::policy
