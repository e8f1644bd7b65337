#include "native_oracle.h"

#include <algorithm>
#include <tuple>

namespace antrea::policy::testing {
namespace {

namespace crd = api::crd;
namespace admin = api::admin;
using api::controlplane::RuleAction;

/// One reading of all policies for one packet and one of its ends.
class Reading {
 public:
  Reading(const Cluster& cluster, bool ingress, const Probe& probe)
      : cluster_(cluster),
        ingress_(ingress),
        probe_(probe),
        target_(ingress ? *probe.to : *probe.from),
        peer_(ingress ? probe.from : probe.to),
        peer_address_(ingress ? probe.source : probe.destination) {}

  Judgement judge() {
    for (const auto& [key, policy] : cluster_.antrea_policies)
      if (!reaches_beyond(policy)) read(policy, key.namespace_, "AntreaNetworkPolicy:");
    for (const auto& [name, policy] : cluster_.antrea_cluster_policies)
      read(policy, {}, "AntreaClusterNetworkPolicy:");
    for (const auto& [name, policy] : cluster_.admin_policies)
      read_admin(policy, 251, policy.priority, "AdminNetworkPolicy:");
    if (cluster_.baseline_policy)
      read_admin(*cluster_.baseline_policy, 254, 1, "BaselineAdminNetworkPolicy:");
    for (const auto& [name, policy] : cluster_.cluster_network_policies)
      read_admin(policy, policy.tier == admin::Tier::kAdmin ? 220 : 254, policy.priority,
                 "ClusterNetworkPolicy:");

    if (const auto decided = first(false)) return *decided;
    if (const auto allowed = oracle_k8s_verdict(cluster_, ingress_, probe_))
      return {*allowed ? Verdict::kAllow : Verdict::kDrop, {}};
    if (const auto decided = first(true)) return *decided;
    return {};
  }

 private:
  /// Among rules of one place the stricter one comes first.
  static int rank(RuleAction action) {
    switch (action) {
      case RuleAction::kDrop:
        return 0;
      case RuleAction::kReject:
        return 1;
      case RuleAction::kPass:
        return 2;
      case RuleAction::kAllow:
        return 3;
    }
    return 4;
  }

  struct Found {
    std::tuple<int, double, int, int> place;
    RuleAction action;
    std::string rule;
  };

  /// The decision of the tiers before Kubernetes' policies, or of the baseline. Nothing: it is left
  /// to what comes after.
  std::optional<Judgement> first(bool baseline) const {
    const Found* best = nullptr;
    for (const Found& found : found_)
      if ((std::get<0>(found.place) >= 253) == baseline &&
          (best == nullptr || found.place < best->place))
        best = &found;
    if (best == nullptr || (best->action == RuleAction::kPass && !baseline)) return std::nullopt;
    Judgement judgement;
    judgement.verdict = best->action == RuleAction::kAllow || best->action == RuleAction::kPass
                            ? Verdict::kAllow
                        : best->action == RuleAction::kDrop ? Verdict::kDrop
                                                            : Verdict::kReject;
    for (const Found& found : found_)
      if (found.place == best->place) judgement.deciders.insert(found.rule);
    return judgement;
  }

  // --- crd.antrea.io ---

  int tier_of(const std::string& name) const {
    static const std::map<std::string, int> kStatic{{"emergency", 50},    {"securityops", 100},
                                                    {"networkops", 150},  {"platform", 200},
                                                    {"application", 250}, {"baseline", 253}};
    if (const auto found = kStatic.find(name); found != kStatic.end()) return found->second;
    const auto found = cluster_.tiers.find(name);
    return found == cluster_.tiers.end() ? 250 : found->second.priority;
  }

  template <typename Policy>
  void read(const Policy& policy, const std::string& ns, const std::string& kind) {
    int index = 0;
    for (const crd::Rule& rule : ingress_ ? policy.spec.ingress : policy.spec.egress) {
      const int place = index++;
      const auto& applied_to = rule.applied_to.empty() ? policy.spec.applied_to : rule.applied_to;
      if (!std::ranges::any_of(applied_to, [&](const auto& to) { return applies(to, ns); }))
        continue;
      at_service_ = applied_to.front().service.has_value();  // which has no named ports
      if (!matches(rule, ns)) continue;
      found_.push_back({{tier_of(policy.spec.tier), policy.spec.priority, place, rank(rule.action)},
                        rule.action,
                        kind + api::key_of(policy.metadata).to_string() + "/" + rule.name});
    }
  }

  bool applies(const crd::AppliedTo& to, const std::string& ns) const {
    if (!to.group.empty()) return group_has(to.group, ns, target_);
    if (to.service_account) return has_account(target_, *to.service_account);
    if (to.service)
      return ingress_ && probe_.by_node_port && probe_.service == *to.service &&
             cluster_.services.contains(*to.service);
    if (!to.pod_selector && !to.namespace_selector) return false;  // not about Pods
    return in_scope(target_, to.namespace_selector, ns) &&
           (!to.pod_selector || oracle_selects(*to.pod_selector, target_.metadata.labels));
  }

  /// `ns` is the Namespace of what speaks; empty: it speaks of all.
  bool in_scope(const api::Pod& pod, const std::optional<api::LabelSelector>& selector,
                const std::string& ns) const {
    if (selector) return oracle_selects_namespace(cluster_, *selector, pod.metadata.namespace_);
    return ns.empty() || pod.metadata.namespace_ == ns;
  }
  static bool has_account(const api::Pod& pod, const api::ObjectKey& account) {
    return pod.metadata.namespace_ == account.namespace_ &&
           pod.service_account_name == account.name;
  }

  const crd::GroupSpec* group(const std::string& name, const std::string& ns) const {
    if (ns.empty()) {
      const auto found = cluster_.cluster_groups.find(name);
      return found == cluster_.cluster_groups.end() ? nullptr : &found->second.spec;
    }
    const auto found = cluster_.groups.find({ns, name});
    return found == cluster_.groups.end() ? nullptr : &found->second.spec;
  }
  /// The group itself, or its children. Groups nested deeper have no members.
  std::vector<const crd::GroupSpec*> parts_of(const std::string& name,
                                              const std::string& ns) const {
    const crd::GroupSpec* whole = group(name, ns);
    if (whole == nullptr) return {};
    if (whole->child_groups.empty()) return {whole};
    std::vector<const crd::GroupSpec*> parts;
    for (const std::string& child : whole->child_groups) {
      const crd::GroupSpec* part = group(child, ns);
      if (part == nullptr) continue;
      if (!part->child_groups.empty()) return {};
      parts.push_back(part);
    }
    return parts;
  }
  bool part_has(const crd::GroupSpec& part, const std::string& ns, const api::Pod& pod) const {
    if (part.service_reference) {
      const std::string& service_ns = part.service_reference->namespace_;
      const auto service = cluster_.services.find(
          {service_ns.empty() ? ns : service_ns, part.service_reference->name});
      return service != cluster_.services.end() && !service->second.selector.empty() &&
             pod.metadata.namespace_ == service->first.namespace_ &&
             oracle_selects({service->second.selector, {}}, pod.metadata.labels);
    }
    if (part.external_entity_selector || (!part.pod_selector && !part.namespace_selector))
      return false;
    return in_scope(pod, part.namespace_selector, ns) &&
           (!part.pod_selector || oracle_selects(*part.pod_selector, pod.metadata.labels));
  }
  bool group_has(const std::string& name, const std::string& ns, const api::Pod& pod) const {
    return std::ranges::any_of(parts_of(name, ns),
                               [&](const auto* part) { return part_has(*part, ns, pod); });
  }

  /// Whether the policy would have power over another Namespace.
  bool reaches_beyond(const crd::NetworkPolicy& policy) const {
    const std::string& ns = policy.metadata.namespace_;
    const auto beyond = [&](const crd::AppliedTo& to) {
      if (to.group.empty()) return false;
      for (const crd::GroupSpec* part : parts_of(to.group, ns)) {
        for (const auto& [key, pod] : cluster_.pods)
          if (key.namespace_ != ns && oracle_is_member(pod) && !pod.node_name.empty() &&
              part_has(*part, ns, pod))
            return true;
        for (const auto& [key, entity] : cluster_.entities)
          if (key.namespace_ != ns && !entity.external_node.empty() &&
              entity_in(entity, part->external_entity_selector, part->namespace_selector, ns))
            return true;
      }
      return false;
    };
    if (std::ranges::any_of(policy.spec.applied_to, beyond)) return true;
    for (const auto* rules : {&policy.spec.ingress, &policy.spec.egress})
      for (const crd::Rule& rule : *rules)
        if (!is_about_nobody(rule, ns) && std::ranges::any_of(rule.applied_to, beyond)) return true;
    return false;
  }

  /// All its peers are groups that do not exist, or are of nothing.
  bool is_about_nobody(const crd::Rule& rule, const std::string& ns) const {
    return !rule.peers.empty() && std::ranges::all_of(rule.peers, [&](const auto& peer) {
      return !peer.group.empty() &&
             std::ranges::all_of(parts_of(peer.group, ns), [&](const crd::GroupSpec* part) {
               if (!part->service_reference)
                 return !part->pod_selector && !part->namespace_selector &&
                        !part->external_entity_selector && !part->node_selector &&
                        part->ip_blocks.empty();
               const std::string& service_ns = part->service_reference->namespace_;
               const auto service = cluster_.services.find(
                   {service_ns.empty() ? ns : service_ns, part->service_reference->name});
               return service == cluster_.services.end() || service->second.selector.empty();
             });
    });
  }

  // --- peers ---

  bool entity_in(const crd::ExternalEntity& entity,
                 const std::optional<api::LabelSelector>& selector,
                 const std::optional<api::LabelSelector>& namespace_selector,
                 const std::string& ns) const {
    if (!selector || !oracle_selects(*selector, entity.metadata.labels)) return false;
    if (namespace_selector)
      return oracle_selects_namespace(cluster_, *namespace_selector, entity.metadata.namespace_);
    return ns.empty() || entity.metadata.namespace_ == ns;
  }
  bool is_node(const api::LabelSelector& selector) const {
    return std::ranges::any_of(cluster_.nodes, [&](const auto& entry) {
      const api::Node& node = entry.second;
      const auto has = [&](const std::vector<IpAddress>& ips) {
        return std::ranges::find(ips, peer_address_) != ips.end();
      };
      return oracle_selects(selector, node.metadata.labels) &&
             (has(node.internal_ips) || has(node.external_ips) ||
              std::ranges::any_of(node.pod_cidrs, [&](const IpPrefix& cidr) {
                return cidr.address().plus(1) == peer_address_;  // the gateway
              }));
    });
  }
  bool peer_is_pod() const { return peer_ != nullptr && oracle_is_member(*peer_); }

  /// What a destination's ports are called: by Pods and ExternalEntities, not by addresses.
  using Names = std::vector<api::controlplane::NamedPort>;
  static Names names_of(const api::Pod& pod) {
    Names names;
    for (const auto& container : pod.containers)
      for (const auto& port : container.ports)
        if (!port.name.empty()) names.push_back({port.container_port, port.name, port.protocol});
    return names;
  }
  /// Whether the ports match, where the peer stands for itself with these names.
  template <typename Match>
  bool ports_match_by(const Names& peer_names, Match match) const {
    return match(at_service_ ? Names{} : ingress_ ? names_of(target_) : peer_names);
  }

  /// Tries each way in which the peer is among the selected ones.
  template <typename Match>
  bool selected_entities_match(const std::optional<api::LabelSelector>& selector,
                               const std::optional<api::LabelSelector>& namespace_selector,
                               const std::string& ns, Match match) const {
    return std::ranges::any_of(cluster_.entities, [&](const auto& entry) {
      const crd::ExternalEntity& entity = entry.second;
      return std::ranges::any_of(entity.endpoints,
                                 [&](const auto& end) { return end.ip == peer_address_; }) &&
             entity_in(entity, selector, namespace_selector, ns) &&
             ports_match_by(entity.ports, match);
    });
  }

  template <typename Match>
  bool peer_matches(const crd::NetworkPolicyPeer& peer, const std::string& ns, Match match) const {
    const auto by_pod = [&](bool selected) {
      return selected && peer_is_pod() && ports_match_by(names_of(*peer_), match);
    };
    const auto by_address = [&](bool inside) { return inside && ports_match_by({}, match); };
    if (peer.ip_block) return by_address(oracle_contains(*peer.ip_block, peer_address_));
    if (peer.node_selector) return by_address(is_node(*peer.node_selector));
    if (!peer.fqdn.empty()) return by_address(is_called(peer.fqdn));
    if (peer.service_account)
      return by_pod(peer_ != nullptr && has_account(*peer_, *peer.service_account));
    if (!peer.group.empty()) {
      return std::ranges::any_of(parts_of(peer.group, ns), [&](const crd::GroupSpec* part) {
        return by_pod(peer_ != nullptr && part_has(*part, ns, *peer_)) ||
               by_address(part->node_selector && is_node(*part->node_selector)) ||
               by_address(std::ranges::any_of(
                   part->ip_blocks,
                   [&](const auto& block) { return oracle_contains(block, peer_address_); })) ||
               selected_entities_match(part->external_entity_selector, part->namespace_selector, ns,
                                       match);
      });
    }
    if (peer.external_entity_selector)
      return selected_entities_match(peer.external_entity_selector, peer.namespace_selector, ns,
                                     match);
    if (peer_ == nullptr) return false;
    const bool labels =
        !peer.pod_selector || oracle_selects(*peer.pod_selector, peer_->metadata.labels);
    if (peer.namespaces) return by_pod(labels && namespaces_match(*peer.namespaces));
    return by_pod(labels && in_scope(*peer_, peer.namespace_selector, ns));
  }

  bool namespaces_match(const crd::PeerNamespaces& namespaces) const {
    const auto own = cluster_.namespaces.find(target_.metadata.namespace_);
    if (own == cluster_.namespaces.end()) return false;
    if (namespaces.match_self) return peer_->metadata.namespace_ == own->first;
    const auto other = cluster_.namespaces.find(peer_->metadata.namespace_);
    if (other == cluster_.namespaces.end()) return false;
    return std::ranges::all_of(namespaces.same_labels, [&](const std::string& key) {
      const auto a = own->second.metadata.labels.find(key);
      const auto b = other->second.metadata.labels.find(key);
      return a != own->second.metadata.labels.end() && b != other->second.metadata.labels.end() &&
             a->second == b->second;
    });
  }

  /// "*" is any characters; the rest stands for itself.
  static bool like(std::string_view pattern, std::string_view name) {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*')
      return like(pattern.substr(1), name) || (!name.empty() && like(pattern, name.substr(1)));
    return !name.empty() && name[0] == pattern[0] && like(pattern.substr(1), name.substr(1));
  }
  bool is_called(const std::string& pattern) const {
    return std::ranges::any_of(cluster_.resolved, [&](const auto& entry) {
      return like(pattern, entry.first) && entry.second.contains(peer_address_);
    });
  }

  // --- rules ---

  bool matches(const crd::Rule& rule, const std::string& ns) const {
    const auto match = [&](const Names& names) {
      if (rule.ports.empty() && rule.protocols.empty()) return true;
      return std::ranges::any_of(rule.ports,
                                 [&](const auto& port) { return port_matches(port, names); }) ||
             std::ranges::any_of(rule.protocols, [&](const auto& protocol) {
               return protocol.icmp && probe_.protocol == 1 &&
                      protocol.icmp->type.value_or(probe_.icmp_type) == probe_.icmp_type &&
                      protocol.icmp->code.value_or(probe_.icmp_code) == probe_.icmp_code;
             });
    };
    if (!rule.to_services.empty())
      return probe_.service && cluster_.services.contains(*probe_.service) &&
             std::ranges::any_of(rule.to_services, [&](const auto& to) {
               const api::ObjectKey key{to.service.namespace_.empty() ? ns : to.service.namespace_,
                                        to.service.name};
               return key == *probe_.service;
             });
    if (rule.peers.empty())
      return ports_match_by(peer_is_pod() ? names_of(*peer_) : Names{}, match);
    return std::ranges::any_of(rule.peers,
                               [&](const auto& peer) { return peer_matches(peer, ns, match); });
  }

  bool port_matches(const crd::NetworkPolicyPort& port, const Names& names) const {
    if (static_cast<std::uint8_t>(port.protocol) != probe_.protocol) return false;
    if (port.source_port && (probe_.source_port < *port.source_port ||
                             probe_.source_port > port.source_end_port.value_or(*port.source_port)))
      return false;
    if (!port.port) return true;
    if (!port.port->is_name())
      return probe_.port >= port.port->number &&
             probe_.port <= port.end_port.value_or(port.port->number);
    return is_named(names, port.port->name, port.protocol);
  }
  bool is_named(const Names& names, const std::string& name, api::Protocol protocol) const {
    return std::ranges::any_of(names, [&](const auto& port) {
      return port.name == name && port.port == probe_.port && port.protocol == protocol;
    });
  }

  // --- policy.networking.k8s.io ---

  template <typename Policy>
  void read_admin(const Policy& policy, int tier, double priority, const std::string& kind) {
    if (policy.subject.namespaces && !oracle_selects_namespace(cluster_, *policy.subject.namespaces,
                                                               target_.metadata.namespace_))
      return;
    if (policy.subject.pods && !pods_have(*policy.subject.pods, target_)) return;
    at_service_ = false;
    int index = 0;
    for (const admin::Rule& rule : ingress_ ? policy.ingress : policy.egress) {
      const int place = index++;
      RuleAction action = rule.action;
      // Behind the last tier there is nobody to pass on to.
      if (tier == 254 && action == RuleAction::kPass) action = RuleAction::kAllow;
      const bool unknown =
          std::ranges::any_of(rule.peers, [](const auto& peer) { return peer.unknown(); });
      if (unknown && rule.action != RuleAction::kAllow)
        action = RuleAction::kDrop;
      else if (!std::ranges::any_of(rule.peers,
                                    [&](const auto& peer) { return matches(rule, peer); }))
        continue;
      found_.push_back({{tier, priority, place, rank(action)},
                        action,
                        kind + policy.metadata.name + "/" + rule.name});
    }
  }
  bool pods_have(const admin::NamespacedPods& pods, const api::Pod& pod) const {
    return oracle_selects_namespace(cluster_, pods.namespace_selector, pod.metadata.namespace_) &&
           oracle_selects(pods.pod_selector, pod.metadata.labels);
  }
  bool matches(const admin::Rule& rule, const admin::Peer& peer) const {
    const auto ports = [&](const Names& names) {
      return rule.ports.empty() || std::ranges::any_of(rule.ports, [&](const admin::Port& port) {
               if (const auto* name = std::get_if<std::string>(&port))
                 return is_named(names, *name, api::Protocol{probe_.protocol});
               const auto& range = std::get<admin::PortRange>(port);
               return static_cast<std::uint8_t>(range.protocol) == probe_.protocol &&
                      probe_.port >= range.start && probe_.port <= range.end;
             });
    };
    if (peer.namespaces || peer.pods) {
      if (!peer_is_pod()) return false;
      const bool selected = peer.namespaces ? oracle_selects_namespace(cluster_, *peer.namespaces,
                                                                       peer_->metadata.namespace_)
                                            : pods_have(*peer.pods, *peer_);
      return selected && ports_match_by(names_of(*peer_), ports);
    }
    const bool inside = (peer.nodes && is_node(*peer.nodes)) ||
                        std::ranges::any_of(peer.networks,
                                            [&](const IpPrefix& net) {
                                              return oracle_contains({net, {}}, peer_address_);
                                            }) ||
                        std::ranges::any_of(peer.domain_names, [&](const std::string& name) {
                          return is_called(name);
                        });
    return inside && ports_match_by({}, ports);
  }

  const Cluster& cluster_;
  const bool ingress_;
  const Probe& probe_;
  const api::Pod& target_;
  const api::Pod* peer_;
  const IpAddress& peer_address_;
  std::vector<Found> found_;
  bool at_service_ = false;  // the rule that is being read is
};

}  // namespace

Judgement oracle_judge(const Cluster& cluster, bool ingress, const Probe& probe) {
  return Reading(cluster, ingress, probe).judge();
}

}  // namespace antrea::policy::testing
