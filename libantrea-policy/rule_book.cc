#include "rule_book.h"

#include <algorithm>
#include <tuple>

#include "rule_text.h"

namespace antrea::policy {

namespace cp = api::controlplane;

RuleBook::RuleBook(std::span<const ObjectChange> objects) {
  for (const ObjectChange& object : objects) {
    if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object)) note(*pod);
    if (const auto* service = std::get_if<std::shared_ptr<const api::Service>>(&object))
      services_[api::key_of((*service)->metadata)] = *service;
  }
  for (const auto& [key, ips] : pods_)
    for (const IpAddress& ip : ips) pod_at_[ip] = key;
  Compiler compiler;
  cp::Changes changes = compiler.apply(objects);
  unrealizable_ = compiler.unrealizable();
  for (cp::AddressGroupChange& change : changes.address_groups) {
    Members& members = address_groups_[change.name];
    members.all = std::move(change.delta.added);
    for (const cp::GroupMember& member : members.all)
      for (const IpAddress& ip : member.ips) members.by_address.emplace(ip, &member.ports);
  }
  for (cp::AppliedToGroupChange& change : changes.applied_to_groups)
    for (cp::NodeMember& target : change.added)
      applied_to_groups_[change.name].push_back(std::move(target.member));
  for (cp::PolicyChange& change : changes.policies)
    if (change.policy && !change.span.empty()) policies_.push_back(std::move(change.policy));
  take_rules();
  apply_rules();
}

void RuleBook::note(const std::shared_ptr<const api::Pod>& pod) {
  const api::ObjectKey key = api::key_of(pod->metadata);
  pods_.erase(key);
  pod_objects_.erase(key);
  if (pod->host_network || pod->terminated() || pod->node_name.empty() || pod->pod_ips.empty())
    return;
  pod_objects_[key] = pod;
  auto& ips = pods_[key] = pod->pod_ips;
  std::ranges::sort(ips);
}

void RuleBook::take_rules() {
  for (const auto& policy : policies_) {
    std::array<int, 2> indexes{};
    for (const cp::NetworkPolicyRule& source : policy->rules) {
      Rule& rule = rules_.emplace_back();
      rule.source = &source;
      rule.direction = source.direction;
      const auto identity = identify(*policy, source);
      if (identity->tier_priority) rule.order.emplace(*identity);
      rule.key = identity->id;
      const bool ingress = source.direction == cp::Direction::kIn;
      const int position = indexes[ingress ? 0 : 1]++;
      rule.index = source.priority >= 0 ? source.priority : position;
      rule.step = {
          policy->source_ref, source.name,   policy->tier_priority.value_or(kKubernetesTier),
          policy->priority,   source.action, {}};
      if (source.name.empty())
        rule.step.rule = (ingress ? "ingress[" : "egress[") + std::to_string(rule.index) + "]";
      for (const std::string& name : rule.peer().address_groups)
        rule.groups.push_back(&address_groups_.at(name));
      rule.blocks = prefixes_of(rule.peer().ip_blocks);
    }
  }
}

bool RuleBook::before(const Rule& a, const Rule& b) {
  if (a.step.tier != b.step.tier) return a.step.tier < b.step.tier;
  if (a.order && b.order && !(*a.order == *b.order)) return *a.order < *b.order;
  return std::tie(a.step.policy, a.step.rule) < std::tie(b.step.policy, b.step.rule);
}

void RuleBook::apply_rules() {
  std::size_t at = 0;
  for (const auto& policy : policies_) {
    for (const cp::NetworkPolicyRule& source : policy->rules) {
      Rule& rule = rules_[at++];
      for (const std::string& name : antrea::policy::applied_to_groups(*policy, source))
        for (const cp::GroupMember& member : applied_to_groups_[name]) apply_rule(rule, member);
    }
  }
  for (auto& [pod, directions] : rules_of_)
    for (auto& applied : directions) sort(applied);
  for (auto& [service, applied] : rules_of_services_) sort(applied);
}

void RuleBook::apply_rule(Rule& rule, const cp::GroupMember& member) {
  const bool ingress = rule.direction == cp::Direction::kIn;
  if (member.kind == cp::MemberKind::kPod)
    rules_of_[member.key][ingress ? 0 : 1].push_back({&rule, &member.ports});
  if (member.kind != cp::MemberKind::kService || !ingress) return;
  const cp::ServiceReference service{member.key.namespace_, member.key.name};
  if (std::ranges::find(rule.at_node_ports, service) != rule.at_node_ports.end())
    return;  // it is a member on every Node
  rule.at_node_ports.push_back(service);
  rules_of_services_[service].push_back({&rule, &member.ports});
}

void RuleBook::sort(AppliedRules& rules) {
  std::ranges::stable_sort(
      rules, [](const AppliedRule& a, const AppliedRule& b) { return before(*a.rule, *b.rule); });
}

const RuleBook::AppliedRules& RuleBook::rules_of(const cp::ServiceReference& service) const {
  static const AppliedRules kNone;
  const auto found = rules_of_services_.find(service);
  return found == rules_of_services_.end() ? kNone : found->second;
}

std::vector<cp::ServiceReference> RuleBook::node_port_services() const {
  std::vector<cp::ServiceReference> services;
  for (const auto& [service, rules] : rules_of_services_) services.push_back(service);
  return services;
}

RuleBook::AppliedRules RuleBook::merged(const AppliedRules& a, const AppliedRules& b) {
  AppliedRules all = a;
  all.insert(all.end(), b.begin(), b.end());
  sort(all);
  return all;
}

const RuleBook::AppliedRules& RuleBook::rules_of(const api::ObjectKey& pod,
                                                 cp::Direction direction) const {
  static const AppliedRules kNone;
  const auto found = rules_of_.find(pod);
  return found == rules_of_.end() ? kNone : found->second[direction == cp::Direction::kIn ? 0 : 1];
}

const api::ObjectKey* RuleBook::pod_at(const IpAddress& ip) const {
  const auto found = pod_at_.find(ip);
  return found == pod_at_.end() ? nullptr : &found->second;
}

const api::Pod* RuleBook::pod(const api::ObjectKey& key) const {
  const auto found = pod_objects_.find(key);
  return found == pod_objects_.end() ? nullptr : found->second.get();
}

}  // namespace antrea::policy
