#include "rule_completer.h"

#include <algorithm>
#include <iterator>

#include "antrea/base/sorted.h"
#include "index_maps.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

template <typename Value>
std::vector<Value> difference(const std::vector<Value>& a, const std::vector<Value>& b) {
  std::vector<Value> rest;
  std::ranges::set_difference(a, b, std::back_inserter(rest));
  return rest;
}

bool comes_before(const std::shared_ptr<const PodInterface>& a,
                  const std::shared_ptr<const PodInterface>& b) {
  return *a < *b;
}

std::vector<PodInterface> values_of(const Targets& targets) {
  std::vector<PodInterface> values;
  values.reserve(targets.size());
  for (const auto& target : targets) values.push_back(*target);
  return values;
}

std::vector<PodInterface> difference(const Targets& a, const Targets& b) {
  Targets rest;
  std::ranges::set_difference(a, b, std::back_inserter(rest), comes_before);
  return values_of(rest);
}

/// Cost: the addresses that were touched, not those that the groups hold.
void add_peer_changes(const CachedRule& rule, RuleUpdate& update) {
  for (const HeldAddressGroup* group : rule.peer_groups) {
    for (const auto& [ip, was_there] : group->touched()) {
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

}  // namespace

void RuleCompleter::update(CachedRule& rule, RuleChanges& changes) const {
  if (!rule.wanted || !rule.effective() || rule.applies_to_node_only()) {
    if (!rule.completed) return;
    if (rule.named)
      for (const auto& [key, part] : rule.parts) changes.removed.push_back(key);
    else
      changes.removed.push_back(rule.identity->id);
    rule.parts.clear();
    rule.targets.clear();
    rule.completed = false;
    return;
  }
  if (!rule.completed && !rule.realizable()) return;
  const bool first = !std::exchange(rule.completed, true);
  if (first) rule.at_node_ports = rule.applies_to_services();
  if (rule.named) {
    update_parts(rule, changes);
  } else if (first) {
    rule.targets = targets_of(rule);
    rule.target_services = target_services_of(rule);
    rule.service_groups = service_groups_of(rule);
    changes.added.push_back({rule.identity->id, rule.identity, values_of(rule.targets),
                             peers_of(rule),
                             rule.services.empty() ? std::nullopt : std::optional(rule.services),
                             rule.service_groups, rule.at_node_ports, rule.target_services});
  } else {
    RuleUpdate update{.key = rule.identity->id};
    if (rule.targets_dirty) {
      Targets targets = targets_of(rule);
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

/// Rules with named ports are rare and few Pods are local: their parts are computed anew and
/// compared.
void RuleCompleter::update_parts(CachedRule& rule, RuleChanges& changes) const {
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

Targets RuleCompleter::targets_of(const CachedRule& rule) const {
  Targets targets;
  if (rule.at_node_ports) return targets;
  for (const HeldAppliedToGroup* group : rule.applied_to)
    for (const auto& [pod, ports] : group->pods)
      if (const auto found = interfaces.find(pod); found != interfaces.end())
        targets.push_back(found->second);
  std::ranges::sort(targets, comes_before);
  keep_first(
      targets, [](const auto& target) -> const auto& { return *target; });
  return targets;
}

std::optional<std::vector<IpPrefix>> RuleCompleter::peers_of(const CachedRule& rule) {
  if (rule.any_peer) return std::nullopt;
  std::vector<IpPrefix> peers = rule.blocks;
  for (const HeldAddressGroup* group : rule.peer_groups)
    group->for_each_address([&](const IpAddress& ip) { peers.push_back(IpPrefix::host(ip)); });
  sort_unique(peers);
  return peers;
}

std::vector<std::uint32_t> RuleCompleter::service_groups_of(const CachedRule& rule) const {
  std::vector<std::uint32_t> groups;
  for (const cp::ServiceReference& service : rule.peer_services) add_groups_of(service, groups);
  sort_unique(groups);
  return groups;
}
std::vector<std::uint32_t> RuleCompleter::target_services_of(const CachedRule& rule) const {
  std::vector<std::uint32_t> groups;
  if (!rule.at_node_ports) return groups;
  for (const HeldAppliedToGroup* group : rule.applied_to)
    for (const api::ObjectKey& key : group->services)
      add_groups_of({key.namespace_, key.name}, groups);
  sort_unique(groups);
  return groups;
}
void RuleCompleter::add_groups_of(const cp::ServiceReference& service,
                                  std::vector<std::uint32_t>& groups) const {
  if (const auto found = services.find(service); found != services.end())
    groups.insert(groups.end(), found->second.begin(), found->second.end());
}

std::map<std::string, CompletedRule> RuleCompleter::parts_of(const CachedRule& rule) const {
  std::map<std::string, CompletedRule> parts;
  const std::string& id = rule.identity->id;
  const std::vector<PodInterface> all_targets = values_of(targets_of(rule));
  const auto part_for = [&](std::vector<cp::Service> services) {
    std::string key = id + "/" + services_text(services);
    CompletedRule& part = parts[key];
    part.key = std::move(key);
    part.identity = rule.identity;
    part.services = std::move(services);
    return &part;
  };
  // Whoever lacks the port is isolated all the same: this part matches nothing.
  parts[id] = {id, rule.identity, all_targets, std::vector<IpPrefix>{}, std::vector<cp::Service>{}};

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
        part->targets.push_back(*interface->second);
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
      group->for_each_member([&](auto ips, auto ports) {
        std::vector<IpPrefix> hosts;
        for (const IpAddress& ip : ips) hosts.push_back(IpPrefix::host(ip));
        add_peers(ports, hosts);
      });
    }
  }
  for (auto& [key, part] : parts) {
    sort_unique(part.targets);
    if (part.peers) sort_unique(*part.peers);
  }
  return parts;
}

}  // namespace antrea::policy
