// Policies of policy.networking.k8s.io.
#include "native_policy.h"
#include "rule_draft.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace crd = api::crd;

GroupSelector select(const api::admin::NamespacedPods& pods) {
  return {{}, pods.namespace_selector, pods.pod_selector};
}

/// As rules match them: without the dot that ends an absolute name.
std::string domain_name(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return lower_case(std::move(name));
}

RuleDraft draft_of(const api::admin::Rule& rule, cp::Direction direction, std::int32_t index) {
  RuleDraft draft;
  draft.rule.direction = direction;
  draft.rule.priority = index;
  draft.rule.action = rule.action;
  draft.rule.name = rule.name;
  for (const api::admin::Port& port : rule.ports) {
    cp::Service& service = draft.rule.services.emplace_back();
    if (const auto* name = std::get_if<std::string>(&port)) {
      service.port = api::IntOrString{0, *name};  // in whatever protocol the Pod declares it
      continue;
    }
    const auto& range = std::get<api::admin::PortRange>(port);
    service.protocol = cp::ServiceProtocol{static_cast<std::uint8_t>(range.protocol)};
    service.port = api::IntOrString{range.start, {}};
    if (range.end != range.start) service.end_port = range.end;
  }
  bool unknown = false;
  for (const api::admin::Peer& peer : rule.peers) {
    unknown |= peer.unknown();
    if (peer.namespaces) draft.peers.push_back({{}, peer.namespaces, std::nullopt});
    if (peer.pods) draft.peers.push_back(select(*peer.pods));
    if (peer.nodes) draft.peers.push_back({{}, {}, peer.nodes, EntityKind::kNode, {}});
    for (const IpPrefix& network : peer.networks) draft.peer().ip_blocks.push_back({network, {}});
    for (const std::string& name : peer.domain_names)
      draft.peer().fqdns.push_back(domain_name(name));
  }
  // Whom an unknown peer means cannot be told: it is allowed nothing, and denied everything.
  if (unknown && rule.action != cp::RuleAction::kAllow) {
    draft.peers.clear();
    draft.rule.action = cp::RuleAction::kDrop;
    draft.rule.services.clear();
    draft.peer() = {};
    draft.peer().ip_blocks = any_blocks();
  }
  return draft;
}

template <typename Policy>
ConvertedPolicy convert_admin(const Policy& policy, cp::PolicyType type, std::int32_t tier,
                              double priority, Surroundings& around) {
  PolicyBuilder builder(policy.metadata, type, around.groups);
  builder.policy().metadata.generation = policy.metadata.generation;
  builder.policy().priority = priority;
  builder.policy().tier_priority = tier;
  std::vector<GroupSelector> subject;
  if (policy.subject.namespaces) subject.push_back({{}, policy.subject.namespaces, std::nullopt});
  if (policy.subject.pods) subject.push_back(select(*policy.subject.pods));
  const std::vector<GroupId> targets = use_targets(builder, subject);
  builder.policy().applied_to_groups = builder.names(targets);
  for (const cp::Direction direction : {cp::Direction::kIn, cp::Direction::kOut}) {
    std::int32_t index = 0;
    for (const auto& rule : direction == cp::Direction::kIn ? policy.ingress : policy.egress)
      add_rule(builder, draft_of(rule, direction, index++), targets, false);
  }
  return builder.finish();
}

}  // namespace

ConvertedPolicy convert(const api::admin::AdminNetworkPolicy& policy, Surroundings& around) {
  return convert_admin(policy, cp::PolicyType::kAdminNetworkPolicy, crd::kAdminTierPriority,
                       policy.priority, around);
}
ConvertedPolicy convert(const api::admin::BaselineAdminNetworkPolicy& policy,
                        Surroundings& around) {
  return convert_admin(policy, cp::PolicyType::kBaselineAdminNetworkPolicy,
                       crd::kBaselineAdminTierPriority, 1, around);
}

ConvertedPolicy convert(const api::admin::ClusterNetworkPolicy& policy, Surroundings& around) {
  const bool baseline = policy.tier == api::admin::Tier::kBaseline;
  ConvertedPolicy converted =
      convert_admin(policy, cp::PolicyType::kClusterNetworkPolicy,
                    baseline ? crd::kBaselineAdminTierPriority : crd::kClusterAdminTierPriority,
                    policy.priority, around);
  if (!baseline) return converted;
  // Nothing comes behind the baseline that could still deny what it passes on.
  auto final_policy = std::make_shared<cp::NetworkPolicy>(*converted.object);
  for (cp::NetworkPolicyRule& rule : final_policy->rules)
    if (rule.action == cp::RuleAction::kPass) rule.action = cp::RuleAction::kAllow;
  converted.object = std::move(final_policy);
  return converted;
}

}  // namespace antrea::policy
