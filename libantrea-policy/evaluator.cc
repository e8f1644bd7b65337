#include "antrea/policy/evaluator.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>

#include "priority_assigner.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

/// Where Kubernetes' policies stand among the tiers.
constexpr std::int32_t kKubernetesTier = 252;

struct Members {
  // By address; several members may share one.
  std::unordered_multimap<IpAddress, const std::vector<cp::NamedPort>*> by_address;
  std::vector<cp::GroupMember> all;
};

/// A rule with what it refers to.
struct Rule {
  RuleStep step;
  const cp::NetworkPolicyRule* source = nullptr;
  std::optional<RuleOrder> order;  // absent: Kubernetes'
  std::vector<const Members*> groups;
  std::vector<IpPrefix> blocks;

  bool k8s() const { return !order; }
};

/// A rule as it applies to one Pod.
struct AppliedRule {
  const Rule* rule;
  const std::vector<cp::NamedPort>* ports;  // of the Pod
};

bool in_range(std::uint16_t port, std::int32_t first, std::optional<std::int32_t> last) {
  return port >= first && port <= last.value_or(first);
}

bool service_matches(const cp::Service& service, const std::vector<cp::NamedPort>* names,
                     const Conversation& c) {
  const bool named = service.port && service.port->is_name();
  if (service.protocol ? *service.protocol != c.protocol
                       : !named && c.protocol != cp::ServiceProtocol::kTcp)
    return false;
  if (service.protocol == cp::ServiceProtocol::kIcmp)
    return service.icmp_type.value_or(c.icmp_type) == c.icmp_type &&
           service.icmp_code.value_or(c.icmp_code) == c.icmp_code;
  if (service.src_port && !in_range(c.source_port, *service.src_port, service.src_end_port))
    return false;
  if (!service.port) return true;
  if (!named) return in_range(c.port, service.port->number, service.end_port);
  return names != nullptr && std::ranges::any_of(*names, [&](const cp::NamedPort& port) {
           return port.name == service.port->name && port.port == c.port &&
                  static_cast<int>(port.protocol) == static_cast<int>(c.protocol);
         });
}

RuleStep::Match match_of(const AppliedRule& applied, const Conversation& c,
                         cp::Direction direction) {
  const Rule& rule = *applied.rule;
  if (!rule.source->action) return RuleStep::Match::kIsolates;
  const bool ingress = direction == cp::Direction::kIn;
  const IpAddress& peer = ingress ? c.from.ip : c.to.ip;
  const auto services = [&](const std::vector<cp::NamedPort>* names) {
    return rule.source->services.empty() ||
           std::ranges::any_of(rule.source->services, [&](const cp::Service& service) {
             return service_matches(service, ingress ? applied.ports : names, c);
           });
  };
  bool met = false;
  for (const Members* group : rule.groups) {
    const auto [first, last] = group->by_address.equal_range(peer);
    for (auto member = first; member != last; ++member) {
      met = true;
      if (services(member->second)) return RuleStep::Match::kYes;
    }
  }
  const cp::NetworkPolicyPeer& said = ingress ? rule.source->from : rule.source->to;
  if ((c.service && std::ranges::find(said.to_services, *c.service) != said.to_services.end()) ||
      std::ranges::any_of(rule.blocks,
                          [&](const IpPrefix& block) { return block.contains(peer); })) {
    met = true;
    if (services(nullptr)) return RuleStep::Match::kYes;
  }
  return met ? RuleStep::Match::kOtherPort : RuleStep::Match::kOtherPeer;
}

}  // namespace

struct Evaluator::Impl {
  std::map<std::string, Members> address_groups;
  std::map<std::string, std::vector<cp::GroupMember>> applied_to_groups;
  std::vector<std::shared_ptr<const cp::NetworkPolicy>> policies;
  std::vector<Rule> rules;
  // In the order in which they are looked at; by direction.
  std::map<api::ObjectKey, std::array<std::vector<AppliedRule>, 2>> rules_of;
  std::map<api::ObjectKey, std::vector<IpAddress>> pods;
  std::map<IpAddress, api::ObjectKey> pod_at;

  explicit Impl(std::span<const ObjectChange> objects) {
    for (const ObjectChange& object : objects)
      if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object)) note(**pod);
    Compiler compiler;
    cp::Changes changes = compiler.apply(objects);
    for (cp::AddressGroupChange& change : changes.address_groups) {
      Members& members = address_groups[change.name];
      members.all = std::move(change.delta.added);
      for (const cp::GroupMember& member : members.all)
        for (const IpAddress& ip : member.ips) members.by_address.emplace(ip, &member.ports);
    }
    for (cp::AppliedToGroupChange& change : changes.applied_to_groups)
      for (auto& [node, delta] : change.delta_by_node)
        std::ranges::move(delta.added, std::back_inserter(applied_to_groups[change.name]));
    for (cp::PolicyChange& change : changes.policies)
      if (change.policy && !change.span.empty()) policies.push_back(std::move(change.policy));
    take_rules();
    apply_rules();
  }

  void note(const api::Pod& pod) {
    if (pod.host_network || pod.terminated() || pod.node_name.empty() || pod.pod_ips.empty())
      return;
    auto& ips = pods[api::key_of(pod.metadata)] = pod.pod_ips;
    std::ranges::sort(ips);
    for (const IpAddress& ip : ips) pod_at[ip] = api::key_of(pod.metadata);
  }

  void take_rules() {
    for (const auto& policy : policies) {
      std::array<int, 2> indexes{};
      for (const cp::NetworkPolicyRule& source : policy->rules) {
        Rule& rule = rules.emplace_back();
        rule.source = &source;
        const auto identity = identify(*policy, source);
        if (identity->tier_priority) rule.order.emplace(*identity);
        const bool ingress = source.direction == cp::Direction::kIn;
        const int index = indexes[ingress ? 0 : 1]++;
        rule.step = {
            policy->source_ref, source.name,   policy->tier_priority.value_or(kKubernetesTier),
            policy->priority,   source.action, {}};
        if (source.name.empty())
          rule.step.rule = (ingress ? "ingress[" : "egress[") +
                           std::to_string(source.priority >= 0 ? source.priority : index) + "]";
        const cp::NetworkPolicyPeer& peer = ingress ? source.from : source.to;
        for (const std::string& name : peer.address_groups)
          rule.groups.push_back(&address_groups.at(name));
        rule.blocks = prefixes_of(peer.ip_blocks);
      }
    }
  }

  void apply_rules() {
    std::size_t at = 0;
    for (const auto& policy : policies) {
      for (const cp::NetworkPolicyRule& source : policy->rules) {
        const Rule& rule = rules[at++];
        for (const std::string& name : antrea::policy::applied_to_groups(*policy, source))
          for (const cp::GroupMember& member : applied_to_groups[name])
            if (member.pod)
              rules_of[*member.pod][source.direction == cp::Direction::kIn ? 0 : 1].push_back(
                  {&rule, &member.ports});
      }
    }
    const auto before = [](const AppliedRule& a, const AppliedRule& b) {
      const Rule &x = *a.rule, &y = *b.rule;
      if (x.step.tier != y.step.tier) return x.step.tier < y.step.tier;
      if (x.order && y.order && !(*x.order == *y.order)) return *x.order < *y.order;
      return std::tie(x.step.policy, x.step.rule) < std::tie(y.step.policy, y.step.rule);
    };
    for (auto& [pod, directions] : rules_of)
      for (auto& applied : directions) std::ranges::stable_sort(applied, before);
  }

  DirectionVerdict judge(const Conversation& c, cp::Direction direction, bool explain) const {
    DirectionVerdict result;
    const auto& target = direction == cp::Direction::kIn ? c.to.pod : c.from.pod;
    if (!target) return result;
    const auto found = rules_of.find(*target);
    if (found == rules_of.end()) return result;
    const auto decide = [&](const RuleStep& step, cp::RuleAction verdict) {
      result.verdict = verdict;
      result.decider = step;
    };
    bool passed = false;
    std::optional<RuleStep> isolated;
    for (const AppliedRule& applied : found->second[direction == cp::Direction::kIn ? 0 : 1]) {
      const Rule& rule = *applied.rule;
      if (rule.step.tier > kKubernetesTier && isolated) break;
      if (passed && rule.step.tier < kKubernetesTier) continue;
      RuleStep step = rule.step;
      step.match = match_of(applied, c, direction);
      if (explain) result.steps.push_back(step);
      if (rule.k8s() && !isolated) isolated = step;
      if (step.match != RuleStep::Match::kYes) continue;
      if (*step.action == cp::RuleAction::kPass) {
        passed = true;
        continue;
      }
      decide(step, *step.action);
      return result;
    }
    if (isolated) {
      isolated->match = RuleStep::Match::kIsolates;
      decide(*isolated, cp::RuleAction::kDrop);
    }
    return result;
  }
};

Evaluator::Evaluator(std::span<const ObjectChange> objects)
    : impl_(std::make_unique<Impl>(objects)) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

DirectionVerdict Evaluator::judge(const Conversation& conversation, cp::Direction direction) const {
  return impl_->judge(conversation, direction, false);
}
DirectionVerdict Evaluator::explain(const Conversation& conversation,
                                    cp::Direction direction) const {
  return impl_->judge(conversation, direction, true);
}

std::vector<api::ObjectKey> Evaluator::pods() const {
  std::vector<api::ObjectKey> keys;
  for (const auto& [key, ips] : impl_->pods) keys.push_back(key);
  return keys;
}
std::vector<IpAddress> Evaluator::addresses_of(const api::ObjectKey& pod) const {
  const auto found = impl_->pods.find(pod);
  return found == impl_->pods.end() ? std::vector<IpAddress>() : found->second;
}
ConversationEnd Evaluator::end_of(const IpAddress& ip) const {
  const auto found = impl_->pod_at.find(ip);
  if (found == impl_->pod_at.end()) return {std::nullopt, ip};
  return {found->second, ip};
}

}  // namespace antrea::policy
