// Policies of crd.antrea.io.
#include <algorithm>
#include <map>

#include "group_resolver.h"
#include "rule_draft.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace crd = api::crd;

/// Every Pod of the cluster: who declares a port's name is meant, at its own number.
GroupSelector all_pods() { return {{}, api::LabelSelector{}, std::nullopt}; }

class AntreaConverter {
 public:
  AntreaConverter(const api::ObjectMeta& meta, const crd::PolicySpec& spec, bool cluster,
                  Surroundings& around)
      : meta_(meta),
        spec_(spec),
        cluster_(cluster),
        around_(around),
        resolver_(cluster ? std::string() : meta.namespace_, around),
        builder_(meta,
                 cluster ? cp::PolicyType::kAntreaClusterNetworkPolicy
                         : cp::PolicyType::kAntreaNetworkPolicy,
                 around.groups) {}

  ConvertedPolicy run() {
    cp::NetworkPolicy& policy = builder_.policy();
    policy.metadata.generation = meta_.generation;
    policy.priority = spec_.priority;
    policy.tier_priority = tier_priority();
    const std::vector<GroupSelector> applied_to = resolve(spec_.applied_to);
    const auto by_namespace = [](const crd::Rule& rule) {
      return std::ranges::any_of(rule.peers,
                                 [](const auto& peer) { return peer.namespaces.has_value(); });
    };
    per_rule_ = spec_.applied_to.empty() || std::ranges::any_of(spec_.ingress, by_namespace) ||
                std::ranges::any_of(spec_.egress, by_namespace);
    if (!per_rule_) policy.applied_to_groups = builder_.names(use_targets(builder_, applied_to));
    for (const cp::Direction direction : {cp::Direction::kIn, cp::Direction::kOut}) {
      std::int32_t index = 0;
      for (const crd::Rule& rule : direction == cp::Direction::kIn ? spec_.ingress : spec_.egress)
        convert_rule(rule, direction, index++,
                     rule.applied_to.empty() ? applied_to : resolve(rule.applied_to));
    }
    ConvertedPolicy converted = builder_.finish();
    converted.confined = !cluster_;
    return converted;
  }

 private:
  std::int32_t tier_priority() {
    for (const auto& [name, priority] : crd::kStaticTiers)
      if (spec_.tier == name) return priority;
    around_.used.insert({Subject::Kind::kTier, {{}, spec_.tier}});
    const auto found = around_.directory.tiers.find(spec_.tier);
    return found == around_.directory.tiers.end() ? crd::kDefaultTierPriority : found->second;
  }

  /// Pods by selectors: those of the policy's Namespace, or of all in a ClusterNetworkPolicy.
  GroupSelector select(const std::optional<api::LabelSelector>& namespace_selector,
                       const std::optional<api::LabelSelector>& selector, EntityKind kind) const {
    GroupSelector made{meta_.namespace_, namespace_selector, selector, kind, {}};
    if (cluster_ && !made.namespace_selector) made.namespace_selector.emplace();
    return made;
  }
  static GroupSelector by_account(const api::ObjectKey& account) {
    return {account.namespace_,
            {},
            api::LabelSelector{{{std::string(kServiceAccountLabel), account.name}}, {}}};
  }
  static GroupSelector nodes(const api::LabelSelector& selector) {
    return {{}, {}, selector, EntityKind::kNode, {}};
  }

  std::vector<GroupSelector> resolve(const std::vector<crd::AppliedTo>& entries) {
    std::vector<GroupSelector> all;
    for (const crd::AppliedTo& to : entries) {
      if (to.pod_selector || to.namespace_selector)
        all.push_back(select(to.namespace_selector, to.pod_selector, EntityKind::kPod));
      if (to.external_entity_selector)
        all.push_back(select({}, to.external_entity_selector, EntityKind::kExternalEntity));
      if (to.service_account) all.push_back(by_account(*to.service_account));
      if (to.node_selector) all.push_back(nodes(*to.node_selector));
      if (to.service)
        all.push_back({to.service->namespace_, {}, {}, EntityKind::kService, to.service->name});
      if (!to.group.empty())
        for (GroupSelector& selector : resolver_.resolve(to.group).selectors)
          all.push_back(std::move(selector));
    }
    return all;
  }

  void add_peer(const crd::NetworkPolicyPeer& peer, RuleDraft& draft) {
    if (peer.ip_block) draft.peer().ip_blocks.push_back(*peer.ip_block);
    if (peer.external_entity_selector)
      draft.peers.push_back(select(peer.namespace_selector, peer.external_entity_selector,
                                   EntityKind::kExternalEntity));
    else if (peer.pod_selector || peer.namespace_selector)
      draft.peers.push_back(select(peer.namespace_selector, peer.pod_selector, EntityKind::kPod));
    if (peer.service_account) draft.peers.push_back(by_account(*peer.service_account));
    if (peer.node_selector) draft.peers.push_back(nodes(*peer.node_selector));
    if (!peer.fqdn.empty()) draft.peer().fqdns.push_back(lower_case(peer.fqdn));
    if (!peer.group.empty()) {
      Members members = resolver_.resolve(peer.group);
      std::ranges::move(members.selectors, std::back_inserter(draft.peers));
      std::ranges::move(members.blocks, std::back_inserter(draft.peer().ip_blocks));
    }
  }

  RuleDraft draft_of(const crd::Rule& rule, cp::Direction direction, std::int32_t index) const {
    RuleDraft draft;
    draft.rule.direction = direction;
    draft.rule.priority = index;
    draft.rule.action = rule.action;
    draft.rule.enable_logging = rule.enable_logging;
    draft.rule.name = rule.name;
    draft.rule.log_label = rule.log_label;
    draft.rule.l7_protocols = rule.l7_protocols;
    for (const crd::NetworkPolicyPort& port : rule.ports)
      draft.rule.services.push_back(
          {.protocol = cp::ServiceProtocol{static_cast<std::uint8_t>(port.protocol)},
           .port = port.port,
           .end_port = port.end_port,
           .src_port = port.source_port,
           .src_end_port = port.source_end_port});
    for (const crd::NetworkPolicyProtocol& protocol : rule.protocols) {
      cp::Service& service = draft.rule.services.emplace_back();
      service.protocol = protocol.icmp ? cp::ServiceProtocol::kIcmp : cp::ServiceProtocol::kIgmp;
      if (protocol.icmp) {
        service.icmp_type = protocol.icmp->type;
        service.icmp_code = protocol.icmp->code;
      }
      if (protocol.igmp) {
        service.igmp_type = protocol.igmp->type;
        service.group_address = protocol.igmp->group_address;
      }
    }
    return draft;
  }

  void convert_rule(const crd::Rule& rule, cp::Direction direction, std::int32_t index,
                    const std::vector<GroupSelector>& applied_to) {
    const RuleDraft blank = draft_of(rule, direction, index);
    RuleDraft plain = blank;
    std::map<std::vector<std::string>, std::vector<const crd::NetworkPolicyPeer*>> by_labels;
    std::vector<const crd::NetworkPolicyPeer*> by_self;
    for (const crd::NetworkPolicyPeer& peer : rule.peers) {
      if (!peer.namespaces)
        add_peer(peer, plain);
      else if (peer.namespaces->match_self)
        by_self.push_back(&peer);
      else
        by_labels[peer.namespaces->same_labels].push_back(&peer);
    }
    for (const crd::PeerService& service : rule.to_services)
      plain.peer().to_services.push_back(
          {service.service.namespace_.empty() ? meta_.namespace_ : service.service.namespace_,
           service.service.name});
    if (rule.peers.empty() && rule.to_services.empty()) {
      plain.peer().ip_blocks = any_blocks();
      const bool named = std::ranges::any_of(
          rule.ports, [](const auto& port) { return port.port && port.port->is_name(); });
      if (direction == cp::Direction::kOut && named) plain.peers.push_back(all_pods());
    }
    // Targets of rules that are left out do not count: the policy would be sent to Nodes where
    // nothing of it applies.
    if (!plain.peers.empty() || !plain.peer().empty())
      add_rule(builder_, std::move(plain), use_targets(builder_, applied_to), per_rule_);
    if (by_self.empty() && by_labels.empty()) return;

    around_.used.insert({Subject::Kind::kNamespaces, {}});
    const auto touched = by_namespace(applied_to);
    for (const auto& [ns, targets] : touched) {
      if (by_self.empty()) break;
      RuleDraft draft = blank;
      for (const auto* peer : by_self) draft.peers.push_back({ns, {}, peer->pod_selector});
      add_rule(builder_, std::move(draft), use_targets(builder_, targets), true);
    }
    for (const auto& [keys, peers] : by_labels) {
      std::map<api::Labels, std::vector<GroupSelector>> by_values;
      for (const auto& [ns, targets] : touched)
        if (const auto values = labels_of(ns, keys))
          std::ranges::copy(targets, std::back_inserter(by_values[*values]));
      for (const auto& [values, targets] : by_values) {
        RuleDraft draft = blank;
        for (const auto* peer : peers)
          draft.peers.push_back({{}, api::LabelSelector{values, {}}, peer->pod_selector});
        add_rule(builder_, std::move(draft), use_targets(builder_, targets), true);
      }
    }
  }

  /// What each known Namespace contributes to the targets, by selectors that look nowhere else.
  std::map<std::string, std::vector<GroupSelector>> by_namespace(
      const std::vector<GroupSelector>& applied_to) const {
    std::map<std::string, std::vector<GroupSelector>> touched;
    for (const GroupSelector& selector : applied_to) {
      if (selector.kind != EntityKind::kPod) continue;
      const auto touch = [&](const std::string& ns) {
        touched[ns].push_back({ns, {}, selector.selector});
      };
      if (!selector.namespace_selector) {
        if (around_.groups.namespace_known(selector.namespace_)) touch(selector.namespace_);
        continue;
      }
      around_.groups.for_each_namespace([&](const std::string& ns) {
        if (around_.groups.namespace_matches(ns, *selector.namespace_selector)) touch(ns);
      });
    }
    return touched;
  }

  /// Nothing if the Namespace lacks one of the keys.
  std::optional<api::Labels> labels_of(const std::string& ns,
                                       const std::vector<std::string>& keys) const {
    api::Labels labels;
    for (const std::string& key : keys) {
      const std::string* value = around_.groups.namespace_label(ns, key);
      if (value == nullptr) return std::nullopt;
      labels.emplace(key, *value);
    }
    return labels;
  }

  const api::ObjectMeta& meta_;
  const crd::PolicySpec& spec_;
  const bool cluster_;
  Surroundings& around_;
  const GroupResolver resolver_;
  PolicyBuilder builder_;
  bool per_rule_ = false;
};

}  // namespace

ConvertedPolicy convert(const crd::NetworkPolicy& policy, Surroundings& around) {
  return AntreaConverter(policy.metadata, policy.spec, false, around).run();
}
ConvertedPolicy convert(const crd::ClusterNetworkPolicy& policy, Surroundings& around) {
  return AntreaConverter(policy.metadata, policy.spec, true, around).run();
}

}  // namespace antrea::policy
