#include "names_nothing.h"

#include <fmt/format.h>

#include <algorithm>

#include "population.h"
#include "unsupported.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace crd = api::crd;
namespace admin = api::admin;
using Kind = Finding::Kind;

class Reader {
 public:
  Reader(const Population& population, NamedThings& out) : all_(population), out_(out) {}

  void read(const api::NetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kK8sNetworkPolicy);
    const std::string& ns = policy.metadata.namespace_;
    const bool applied = all_.has_pods(ns, {}, policy.pod_selector);
    if (!applied) add(Kind::kSelectsNothing, "podSelector", "selects no Pod of " + ns);
    for (const auto direction : {cp::Direction::kIn, cp::Direction::kOut}) {
      const bool ingress = direction == cp::Direction::kIn;
      if (!(ingress ? policy.policy_ingress : policy.policy_egress)) continue;
      const auto& rules = ingress ? policy.ingress : policy.egress;
      for (std::size_t i = 0; i < rules.size(); ++i) {
        NamedThings::Rule& rule = begin_rule(direction, i, {});
        rule.explained = !applied;
        for (std::size_t j = 0; j < rules[i].peers.size(); ++j) {
          const api::NetworkPolicyPeer& peer = rules[i].peers[j];
          if (!peer.ip_block && !all_.has_pods(ns, peer.namespace_selector, peer.pod_selector))
            add_peer(rule, direction, i, j, "selects no Pod");
        }
      }
    }
  }

  void read(const crd::NetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kAntreaNetworkPolicy);
    read(policy.spec, policy.metadata.namespace_);
  }
  void read(const crd::ClusterNetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kAntreaClusterNetworkPolicy);
    read(policy.spec, {});
  }
  void read(const admin::AdminNetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kAdminNetworkPolicy);
    read_admin(policy);
  }
  void read(const admin::BaselineAdminNetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kBaselineAdminNetworkPolicy);
    read_admin(policy);
  }
  void read(const admin::ClusterNetworkPolicy& policy) {
    begin(policy.metadata, cp::PolicyType::kClusterNetworkPolicy);
    read_admin(policy);
  }
  template <typename Other>
  void read(const Other& /*no policy*/) {}

 private:
  void begin(const api::ObjectMeta& meta, cp::PolicyType type) {
    policy_ = {type, meta.namespace_, meta.name, meta.uid};
  }
  NamedThings::Rule& begin_rule(cp::Direction direction, std::size_t index,
                                const std::string& name) {
    rule_name_ = name;
    NamedThings::Rule& rule = out_.rules[{policy_.type, policy_.namespace_, policy_.name, direction,
                                          static_cast<int>(index)}];
    rule = {policy_, name, true, false};
    return rule;
  }
  void add(Kind kind, std::string field, std::string text) {
    out_.findings.push_back({kind,
                             policy_,
                             std::move(field),
                             kind == Kind::kSelectsNothing || kind == Kind::kUnknownReference
                                 ? rule_name_
                                 : std::string(),
                             std::move(text),
                             {}});
  }
  static std::string peer_field(cp::Direction direction, std::size_t rule, std::size_t peer) {
    return field_of(direction, rule) +
           fmt::format(".{}[{}]", direction == cp::Direction::kIn ? "from" : "to", peer);
  }
  void add_peer(NamedThings::Rule& rule, cp::Direction direction, std::size_t index,
                std::size_t peer, std::string text, Kind kind = Kind::kSelectsNothing) {
    rule.explained = true;
    add(kind, peer_field(direction, index, peer), std::move(text));
  }

  // --- crd.antrea.io; `ns` is empty in a ClusterNetworkPolicy ---

  void read(const crd::PolicySpec& spec, const std::string& ns) {
    rule_name_.clear();
    const auto named = [&](const auto& tier) { return tier.first == spec.tier; };
    if (!spec.tier.empty() && !std::ranges::any_of(crd::kStaticTiers, named) &&
        !all_.has_tier(spec.tier))
      add(Kind::kUnknownTier, "tier",
          "there is no tier " + spec.tier + ": it counts as " + std::string(crd::kDefaultTier));
    for (Refusal& refusal : find_unsupported(spec))
      add(Kind::kUnsupported, std::move(refusal.field), std::move(refusal.message));
    const Applied whole = read_applied(spec.applied_to, ns, "appliedTo");
    for (const auto direction : {cp::Direction::kIn, cp::Direction::kOut}) {
      const auto& rules = direction == cp::Direction::kIn ? spec.ingress : spec.egress;
      for (std::size_t i = 0; i < rules.size(); ++i) {
        NamedThings::Rule& rule = begin_rule(direction, i, rules[i].name);
        const Applied own =
            rules[i].applied_to.empty()
                ? whole
                : read_applied(rules[i].applied_to, ns, field_of(direction, i) + ".appliedTo");
        rule.looked_at = own.to_pods && std::ranges::none_of(rules[i].protocols, [](const auto& p) {
                           return p.igmp.has_value();
                         });
        rule.explained = own.to_nobody;
        for (std::size_t j = 0; j < rules[i].peers.size(); ++j)
          read_peer(rules[i].peers[j], ns, rule, direction, i, j);
        for (std::size_t j = 0; j < rules[i].to_services.size(); ++j) {
          api::ObjectKey key = rules[i].to_services[j].service;
          if (key.namespace_.empty()) key.namespace_ = ns;
          if (all_.has_service(key)) continue;
          rule.explained = true;
          add(Kind::kUnknownReference, field_of(direction, i) + fmt::format(".toServices[{}]", j),
              "there is no Service " + key.to_string());
        }
      }
    }
    rule_name_.clear();
  }

  struct Applied {
    bool to_pods = true, to_nobody = false;
  };
  Applied read_applied(const std::vector<crd::AppliedTo>& entries, const std::string& ns,
                       const std::string& field) {
    Applied applied;
    std::size_t of_nobody = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const crd::AppliedTo& to = entries[i];
      if (to.node_selector || to.external_entity_selector) applied.to_pods = false;
      const std::size_t before = out_.findings.size();
      const std::string at = fmt::format("{}[{}]", field, i);
      if (!to.group.empty())
        read_group(to.group, ns, at);
      else if (to.service && !all_.has_service(*to.service))
        add(Kind::kUnknownReference, at, "there is no Service " + to.service->to_string());
      else if (to.service_account && !all_.has_account(*to.service_account))
        add(Kind::kSelectsNothing, at,
            "no Pod has the ServiceAccount " + to.service_account->to_string());
      else if (to.external_entity_selector &&
               !all_.has_entities(ns, {}, *to.external_entity_selector))
        add(Kind::kSelectsNothing, at, "selects no ExternalEntity");
      else if (to.node_selector && !all_.has_nodes(*to.node_selector))
        add(Kind::kSelectsNothing, at, "selects no Node");
      else if ((to.pod_selector || to.namespace_selector) &&
               !all_.has_pods(ns, to.namespace_selector, to.pod_selector))
        add(Kind::kSelectsNothing, at, "selects no Pod");
      of_nobody += out_.findings.size() > before ? 1 : 0;
    }
    applied.to_nobody = !entries.empty() && of_nobody == entries.size();
    return applied;
  }

  void read_group(const std::string& name, const std::string& ns, const std::string& field) {
    const crd::GroupSpec* group = all_.group(name, ns);
    const std::string what = (ns.empty() ? "ClusterGroup " : "Group " + ns + "/") + name;
    if (group == nullptr)
      add(Kind::kUnknownReference, field, "there is no " + what);
    else if (!all_.has_members(*group, ns))
      add(Kind::kSelectsNothing, field, what + " has no members");
  }

  void read_peer(const crd::NetworkPolicyPeer& peer, const std::string& ns, NamedThings::Rule& rule,
                 cp::Direction direction, std::size_t i, std::size_t j) {
    if (!peer.group.empty()) {
      const std::size_t before = out_.findings.size();
      read_group(peer.group, ns, peer_field(direction, i, j));
      rule.explained |= out_.findings.size() > before;
    } else if (peer.service_account) {
      if (!all_.has_account(*peer.service_account))
        add_peer(rule, direction, i, j,
                 "no Pod has the ServiceAccount " + peer.service_account->to_string());
    } else if (peer.external_entity_selector) {
      if (!all_.has_entities(ns, peer.namespace_selector, *peer.external_entity_selector))
        add_peer(rule, direction, i, j, "selects no ExternalEntity");
    } else if (peer.node_selector) {
      if (!all_.has_nodes(*peer.node_selector)) add_peer(rule, direction, i, j, "selects no Node");
    } else if (peer.namespaces) {  // which ones depends on the target
      if (peer.pod_selector && !all_.has_pods({}, {}, peer.pod_selector))
        add_peer(rule, direction, i, j, "selects no Pod");
    } else if ((peer.pod_selector || peer.namespace_selector) &&
               !all_.has_pods(ns, peer.namespace_selector, peer.pod_selector)) {
      add_peer(rule, direction, i, j, "selects no Pod");
    }
  }

  // --- policy.networking.k8s.io ---

  bool has(const admin::NamespacedPods& pods) const {
    return all_.has_pods({}, pods.namespace_selector, pods.pod_selector);
  }

  template <typename Policy>
  void read_admin(const Policy& policy) {
    rule_name_.clear();
    const admin::Subject& subject = policy.subject;
    const bool nobody = (subject.namespaces && !all_.has_pods({}, subject.namespaces, {})) ||
                        (subject.pods && !has(*subject.pods));
    if (nobody) add(Kind::kSelectsNothing, "subject", "selects no Pod");
    for (const auto direction : {cp::Direction::kIn, cp::Direction::kOut}) {
      const auto& rules = direction == cp::Direction::kIn ? policy.ingress : policy.egress;
      for (std::size_t i = 0; i < rules.size(); ++i) {
        NamedThings::Rule& rule = begin_rule(direction, i, rules[i].name);
        rule.explained = nobody;
        for (std::size_t j = 0; j < rules[i].peers.size(); ++j) {
          const admin::Peer& peer = rules[i].peers[j];
          if ((peer.namespaces && !all_.has_pods({}, peer.namespaces, {})) ||
              (peer.pods && !has(*peer.pods)))
            add_peer(rule, direction, i, j, "selects no Pod");
          if (peer.nodes && !all_.has_nodes(*peer.nodes))
            add_peer(rule, direction, i, j, "selects no Node");
          if (peer.unknown()) rule.explained = true;
        }
      }
    }
    rule_name_.clear();
  }

  const Population& all_;
  NamedThings& out_;
  cp::NetworkPolicyReference policy_;
  std::string rule_name_;
};

}  // namespace

std::string field_of(cp::Direction direction, std::size_t index) {
  return fmt::format("{}[{}]", direction == cp::Direction::kIn ? "ingress" : "egress", index);
}

NamedThings read_names(std::span<const ObjectChange> objects) {
  const Population population(objects);
  NamedThings named;
  Reader reader(population, named);
  for (const ObjectChange& object : objects)
    std::visit(
        [&](const auto& value) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, ObjectDeleted>)
            reader.read(*value);
        },
        object);
  return named;
}

}  // namespace antrea::policy
