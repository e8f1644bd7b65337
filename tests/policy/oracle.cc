#include "oracle.h"

#include <algorithm>

namespace antrea::policy::testing {
namespace {

using Op = api::LabelSelectorRequirement::Operator;

}  // namespace

bool oracle_selects(const api::LabelSelector& selector, const api::Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  for (const auto& expression : selector.match_expressions) {
    const auto label = labels.find(expression.key);
    const bool exists = label != labels.end();
    const bool in =
        exists && std::count(expression.values.begin(), expression.values.end(), label->second) > 0;
    if (expression.op == Op::kExists && !exists) return false;
    if (expression.op == Op::kDoesNotExist && exists) return false;
    if (expression.op == Op::kIn && !in) return false;
    if (expression.op == Op::kNotIn && in) return false;
  }
  return true;
}

bool oracle_selects_namespace(const Cluster& cluster, const api::LabelSelector& selector,
                              const std::string& name) {
  const auto ns = cluster.namespaces.find(name);
  if (ns == cluster.namespaces.end())
    // No labels are known: only the selector that asks for nothing matches.
    return selector.match_labels.empty() && selector.match_expressions.empty();
  api::Labels labels = ns->second.metadata.labels;
  labels["kubernetes.io/metadata.name"] = name;
  return oracle_selects(selector, labels);
}

namespace {

/// Bit by bit, to share nothing with IpPrefix::contains.
bool inside(const IpPrefix& prefix, const IpAddress& address) {
  if (prefix.family() != address.family()) return false;
  for (unsigned bit = 0; bit < prefix.length(); ++bit) {
    const auto at = [&](const IpAddress& a) { return a.bytes()[bit / 8] >> (7 - bit % 8) & 1; };
    if (at(prefix.address()) != at(address)) return false;
  }
  return true;
}

}  // namespace

bool oracle_contains(const api::IpBlock& block, const IpAddress& address) {
  return inside(block.cidr, address) &&
         std::none_of(block.except.begin(), block.except.end(),
                      [&](const IpPrefix& hole) { return inside(hole, address); });
}

namespace {

bool peer_matches(const Cluster& cluster, const api::NetworkPolicy& policy,
                  const api::NetworkPolicyPeer& peer, const api::Pod* pod,
                  const IpAddress& address) {
  if (peer.ip_block) return oracle_contains(*peer.ip_block, address);
  if (pod == nullptr || !oracle_is_member(*pod)) return false;
  if (peer.namespace_selector) {
    if (!oracle_selects_namespace(cluster, *peer.namespace_selector, pod->metadata.namespace_))
      return false;
  } else if (pod->metadata.namespace_ != policy.metadata.namespace_) {
    return false;
  }
  return !peer.pod_selector || oracle_selects(*peer.pod_selector, pod->metadata.labels);
}

/// `destination` is the Pod whose container ports give names their meaning; null where there is
/// none.
bool port_matches(const api::NetworkPolicyPort& port, const Probe& probe,
                  const api::Pod* destination) {
  if (static_cast<std::uint8_t>(port.protocol) != probe.protocol) return false;
  if (!port.port) return true;
  if (!port.port->is_name()) {
    const int last = port.end_port ? *port.end_port : port.port->number;
    return probe.port >= port.port->number && probe.port <= last;
  }
  if (destination == nullptr) return false;
  for (const auto& container : destination->containers)
    for (const auto& declared : container.ports)
      if (declared.name == port.port->name && declared.protocol == port.protocol &&
          declared.container_port == probe.port)
        return true;
  return false;
}

bool rule_allows(const Cluster& cluster, const api::NetworkPolicy& policy,
                 const api::NetworkPolicyRule& rule, bool ingress, const Probe& probe) {
  const api::Pod* peer_pod = ingress ? probe.from : probe.to;
  const IpAddress& peer_address = ingress ? probe.source : probe.destination;
  const auto ports_allow = [&](const api::Pod* destination) {
    return rule.ports.empty() ||
           std::any_of(rule.ports.begin(), rule.ports.end(),
                       [&](const auto& port) { return port_matches(port, probe, destination); });
  };
  if (rule.peers.empty()) {
    const api::Pod* destination = probe.to;
    if (!ingress && destination != nullptr && !oracle_is_member(*destination))
      destination = nullptr;
    return ports_allow(destination);
  }
  for (const auto& peer : rule.peers) {
    if (!peer_matches(cluster, policy, peer, peer_pod, peer_address)) continue;
    // A name is the destination Pod's to give; an address block of an egress rule knows no Pods.
    if (ports_allow(!ingress && peer.ip_block ? nullptr : probe.to)) return true;
  }
  return false;
}

}  // namespace

std::optional<bool> oracle_k8s_verdict(const Cluster& cluster, bool ingress, const Probe& probe) {
  const api::Pod& target = ingress ? *probe.to : *probe.from;
  bool isolated = false;
  for (const auto& [key, policy] : cluster.policies) {
    if (!(ingress ? policy.policy_ingress : policy.policy_egress)) continue;
    if (policy.metadata.namespace_ != target.metadata.namespace_) continue;
    if (!oracle_selects(policy.pod_selector, target.metadata.labels)) continue;
    isolated = true;
    if (oracle_policy_allows(cluster, policy, ingress, probe)) return true;
  }
  if (isolated) return false;
  return std::nullopt;
}

bool oracle_is_member(const api::Pod& pod) {
  return !pod.host_network && pod.phase != "Succeeded" && pod.phase != "Failed";
}

bool oracle_policy_allows(const Cluster& cluster, const api::NetworkPolicy& policy, bool ingress,
                          const Probe& probe) {
  if (!(ingress ? policy.policy_ingress : policy.policy_egress)) return false;
  const auto& rules = ingress ? policy.ingress : policy.egress;
  return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
    return rule_allows(cluster, policy, rule, ingress, probe);
  });
}

std::string Probe::to_string() const {
  const auto end = [](const api::Pod* pod, const IpAddress& address) {
    return (pod ? pod->metadata.namespace_ + "/" + pod->metadata.name + " " : std::string()) +
           address.to_string();
  };
  return end(from, source) + " -> " + end(to, destination) + " protocol " +
         std::to_string(protocol) + " port " + std::to_string(port) + " source port " +
         std::to_string(source_port) + " ICMP " + std::to_string(icmp_type) + "/" +
         std::to_string(icmp_code) +
         (service ? (by_node_port ? " by a NodePort of " : " by Service ") + service->to_string()
                  : "");
}

}  // namespace antrea::policy::testing
