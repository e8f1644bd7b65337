#include "antrea/policy/evaluator.h"

#include <algorithm>

#include "rule_book.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

using AppliedRule = RuleBook::AppliedRule;
using Rule = RuleBook::Rule;

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
  for (const RuleBook::Members* group : rule.groups) {
    const auto [first, last] = group->by_address.equal_range(peer);
    for (auto member = first; member != last; ++member) {
      met = true;
      if (services(member->second)) return RuleStep::Match::kYes;
    }
  }
  const cp::NetworkPolicyPeer& said = rule.source->peers;
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
  RuleBook book;

  explicit Impl(std::span<const ObjectChange> objects) : book(objects) {}

  DirectionVerdict judge(const Conversation& c, cp::Direction direction, bool explain) const {
    DirectionVerdict result;
    const auto& target = direction == cp::Direction::kIn ? c.to.pod : c.from.pod;
    if (!target) return result;
    const auto decide = [&](const RuleStep& step, cp::RuleAction verdict) {
      result.verdict = verdict;
      result.decider = step;
    };
    bool passed = false;
    std::optional<RuleStep> isolated;
    const RuleBook::AppliedRules* rules = &book.rules_of(*target, direction);
    RuleBook::AppliedRules with_service;
    if (direction == cp::Direction::kIn && c.by_node_port && c.service) {
      with_service = RuleBook::merged(*rules, book.rules_of(*c.service));
      rules = &with_service;
    }
    for (const AppliedRule& applied : *rules) {
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
  for (const auto& [key, ips] : impl_->book.pods()) keys.push_back(key);
  return keys;
}
std::vector<cp::ServiceReference> Evaluator::node_port_services() const {
  return impl_->book.node_port_services();
}
std::vector<IpAddress> Evaluator::addresses_of(const api::ObjectKey& pod) const {
  const auto found = impl_->book.pods().find(pod);
  return found == impl_->book.pods().end() ? std::vector<IpAddress>() : found->second;
}
ConversationEnd Evaluator::end_of(const IpAddress& ip) const {
  const api::ObjectKey* pod = impl_->book.pod_at(ip);
  if (pod == nullptr) return {std::nullopt, ip};
  return {*pod, ip};
}

}  // namespace antrea::policy
