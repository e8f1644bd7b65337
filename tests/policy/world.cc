#include "world.h"

#include <algorithm>
#include <set>

#include "vocabulary.h"

namespace antrea::policy::testing {

api::Labels World::labels() {
  api::Labels labels;
  for (const std::string& key : kKeys)
    if (chance(0.5)) labels[key] = pick(kValues);
  return labels;
}

api::LabelSelector World::selector() {
  using Op = api::LabelSelectorRequirement::Operator;
  api::LabelSelector selector;
  if (chance(0.2)) return selector;
  for (const std::string& key : kKeys)
    if (chance(0.3)) selector.match_labels[key] = pick(kValues);
  while (chance(0.35)) {
    api::LabelSelectorRequirement expression{pick(kKeys), static_cast<Op>(below(4)), {}};
    if (expression.op == Op::kIn || expression.op == Op::kNotIn) do
        expression.values.push_back(pick(kValues));
      while (chance(0.4));
    selector.match_expressions.push_back(std::move(expression));
  }
  return selector;
}

IpAddress World::fresh_address(Family family) {
  const std::uint32_t n = next_address_++;
  if (family == Family::kIPv4) return IpAddress::v4(0x0a000000 + n % 1000);
  std::array<std::uint8_t, 16> bytes{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  bytes[14] = static_cast<std::uint8_t>(n % 1000 >> 8);
  bytes[15] = static_cast<std::uint8_t>(n);
  return IpAddress::v6(bytes);
}

IpAddress World::any_address() {
  std::vector<IpAddress> known;
  for (const auto& [key, pod] : cluster.pods)
    known.insert(known.end(), pod.pod_ips.begin(), pod.pod_ips.end());
  if (!known.empty() && chance(0.7)) return pick(known);
  return chance(0.7) ? IpAddress::v4(0xc0a80000 + static_cast<std::uint32_t>(below(4)))
                     : *IpAddress::parse("2001:db8::1");
}

IpPrefix World::prefix() {
  const IpAddress address = any_address();
  static const std::vector<unsigned> v4{0, 8, 24, 28, 30, 31, 32}, v6{0, 8, 64, 120, 124, 126, 128};
  return {address, pick(address.is_v4() ? v4 : v6)};
}

api::Namespace World::make_namespace(const std::string& name) {
  api::Namespace ns;
  ns.metadata.name = name;
  ns.metadata.labels = labels();
  if (chance(0.2)) ns.metadata.annotations["networkpolicy.antrea.io/enable-logging"] = "true";
  return ns;
}

void World::give_node_and_addresses(api::Pod& pod) {
  pod.node_name = chance(0.9) ? node_of(below(kNodes)) : "";
  pod.pod_ips.clear();
  if (pod.node_name.empty() || chance(0.08)) return;
  const std::size_t families = below(4);
  if (families != 1) pod.pod_ips.push_back(fresh_address(Family::kIPv4));
  if (families == 1 || families == 2) pod.pod_ips.push_back(fresh_address(Family::kIPv6));
}

api::Pod World::make_pod(const api::ObjectKey& key) {
  api::Pod pod;
  if (native_) pod.service_account_name = pick(kAccounts);
  pod.metadata.namespace_ = key.namespace_;
  pod.metadata.name = key.name;
  pod.metadata.uid = "pod-" + std::to_string(next_uid_++);
  pod.metadata.labels = labels();
  pod.host_network = chance(0.07);
  pod.phase = chance(0.08) ? (chance(0.5) ? "Failed" : "Succeeded") : "Running";
  give_node_and_addresses(pod);
  // An ended Pod's address may belong to a living one by now.
  if (pod.terminated() && !cluster.pods.empty() && chance(0.7)) {
    auto other = cluster.pods.begin();
    std::advance(other, below(cluster.pods.size()));
    pod.pod_ips = other->second.pod_ips;
  }
  for (std::size_t i = below(3); i > 0; --i) {
    api::Container container;
    for (std::size_t j = below(3); j > 0; --j)
      container.ports.push_back({.name = chance(0.8) ? pick(kPortNames) : "",
                                 .container_port = pick(kPorts),
                                 .protocol = pick(kProtocols)});
    pod.containers.push_back(std::move(container));
  }
  return pod;
}

api::NetworkPolicyPort World::make_port() {
  api::NetworkPolicyPort port;
  port.protocol = pick(kProtocols);
  if (chance(0.2)) return port;
  if (chance(0.35)) {
    port.port = api::IntOrString{0, pick(kPortNames)};
  } else {
    port.port = api::IntOrString{pick(kPorts), {}};
    if (chance(0.3))
      port.end_port = std::min<int>(65535, port.port->number + static_cast<int>(below(400)));
  }
  return port;
}

api::NetworkPolicyRule World::make_rule() {
  api::NetworkPolicyRule rule;
  for (std::size_t i = below(4); i > 0; --i) {
    api::NetworkPolicyPeer peer;
    const std::size_t kind = below(4);
    if (kind == 0) {
      peer.ip_block = api::IpBlock{prefix(), {}};
      for (std::size_t j = below(3); j > 0; --j) {
        const IpPrefix hole = prefix();
        if (peer.ip_block->cidr.contains(hole) && hole != peer.ip_block->cidr)
          peer.ip_block->except.push_back(hole);
      }
    } else {
      if (kind != 1) peer.pod_selector = selector();
      if (kind != 2) peer.namespace_selector = selector();
      if (kind != 2 && chance(0.15)) {
        peer.namespace_selector = api::LabelSelector{};
        peer.namespace_selector->match_labels["kubernetes.io/metadata.name"] = pick(kNamespaces);
      }
    }
    rule.peers.push_back(std::move(peer));
  }
  for (std::size_t i = below(3); i > 0; --i) rule.ports.push_back(make_port());
  return rule;
}

api::NetworkPolicy World::make_policy(const api::ObjectKey& key) {
  api::NetworkPolicy policy;
  policy.metadata.namespace_ = key.namespace_;
  policy.metadata.name = key.name;
  policy.metadata.uid = "policy-" + std::to_string(next_uid_++);
  policy.pod_selector = selector();
  const std::size_t types = below(3);
  policy.policy_ingress = types != 1;
  policy.policy_egress = types != 0;
  for (std::size_t i = below(3); i > 0; --i) policy.ingress.push_back(make_rule());
  for (std::size_t i = below(3); i > 0; --i) policy.egress.push_back(make_rule());
  if (!policy.ingress.empty() && chance(0.1)) policy.ingress.push_back(policy.ingress.front());
  return policy;
}

void World::populate() {
  for (const std::string& name : kNamespaces)
    if (chance(0.9)) cluster.namespaces[name] = make_namespace(name);
  for (std::size_t i = 2 + below(8); i > 0; --i) {
    const api::ObjectKey key{pick(kNamespaces), "pod-" + std::to_string(i)};
    cluster.pods[key] = make_pod(key);
  }
  for (std::size_t i = below(7); i > 0; --i) {
    const api::ObjectKey key{pick(kNamespaces), "policy-" + std::to_string(i)};
    cluster.policies[key] = make_policy(key);
  }
  if (native_) populate_native();
}

std::vector<ObjectChange> World::everything() {
  std::vector<ObjectChange> changes;
  for (const auto& [name, ns] : cluster.namespaces)
    changes.emplace_back(std::make_shared<const api::Namespace>(ns));
  for (const auto& [key, pod] : cluster.pods)
    changes.emplace_back(std::make_shared<const api::Pod>(pod));
  for (const auto& [key, policy] : cluster.policies)
    changes.emplace_back(std::make_shared<const api::NetworkPolicy>(policy));
  if (native_) add_native(changes);
  shuffle(changes);
  return changes;
}

ObjectChange World::mutate() {
  if (native_ && chance(0.5)) return mutate_native();
  const std::size_t kind = below(20);
  if (kind < 3) {
    const std::string name = pick(kNamespaces);
    if (kind == 0 && cluster.namespaces.erase(name) > 0)
      return ObjectDeleted{ObjectKind::kNamespace, {{}, name}};
    return std::make_shared<const api::Namespace>(cluster.namespaces[name] = make_namespace(name));
  }
  if (kind < 13) {
    const api::ObjectKey key{pick(kNamespaces), "pod-" + std::to_string(1 + below(9))};
    const auto found = cluster.pods.find(key);
    if (found == cluster.pods.end())
      return std::make_shared<const api::Pod>(cluster.pods[key] = make_pod(key));
    api::Pod& pod = found->second;
    switch (below(6)) {
      case 0:
        cluster.pods.erase(found);
        return ObjectDeleted{ObjectKind::kPod, key};
      case 1:
        pod = make_pod(key);  // deleted and created again
        break;
      case 2:
        give_node_and_addresses(pod);
        break;
      case 3:
        pod.phase = pod.terminated() ? "Running" : "Succeeded";
        if (!pod.terminated()) give_node_and_addresses(pod);
        break;
      case 4:
        pod.containers = make_pod(key).containers;
        break;
      default:
        pod.metadata.labels = labels();
    }
    return std::make_shared<const api::Pod>(pod);
  }
  const api::ObjectKey key{pick(kNamespaces), "policy-" + std::to_string(1 + below(6))};
  const auto found = cluster.policies.find(key);
  if (found != cluster.policies.end() && chance(0.35)) {
    cluster.policies.erase(found);
    return ObjectDeleted{ObjectKind::kNetworkPolicy, key};
  }
  api::NetworkPolicy policy = make_policy(key);
  if (found != cluster.policies.end() && chance(0.7))
    policy.metadata.uid = found->second.metadata.uid;
  if (found != cluster.policies.end() && chance(0.3))
    policy.pod_selector = found->second.pod_selector;
  return std::make_shared<const api::NetworkPolicy>(cluster.policies[key] = std::move(policy));
}

std::vector<Probe> World::probes() {
  struct End {
    const api::Pod* pod;
    IpAddress address;
  };
  std::vector<End> ends;
  std::set<std::uint16_t> ports{2, 79, 82, 65534};
  for (const auto& [key, pod] : cluster.pods) {
    // Ended Pods send nothing; one that uses its Node's network can only be the other end.
    if ((oracle_is_member(pod) || pod.host_network) && !pod.terminated() && !pod.node_name.empty())
      for (const IpAddress& ip : pod.pod_ips) ends.push_back({&pod, ip});
    for (const auto& container : pod.containers)
      for (const auto& port : container.ports)
        ports.insert(static_cast<std::uint16_t>(port.container_port));
  }
  for (const auto& [key, policy] : cluster.policies) {
    for (const auto* rules : {&policy.ingress, &policy.egress})
      for (const auto& rule : *rules)
        for (const auto& port : rule.ports) {
          if (!port.port || port.port->is_name()) continue;
          for (const int n : {port.port->number, port.end_port.value_or(0),
                              port.end_port.value_or(0) + 1, port.port->number - 1})
            if (n > 0 && n < 65536) ports.insert(static_cast<std::uint16_t>(n));
        }
  }
  for (std::uint32_t i = 0; i < 3; ++i) ends.push_back({nullptr, IpAddress::v4(0xc0a80000 + i)});
  ends.push_back({nullptr, *IpAddress::parse("2001:db8::1")});
  ends.push_back({nullptr, *IpAddress::parse("10.0.9.9")});
  if (native_) {
    for (const auto& [name, node] : cluster.nodes) {
      ends.push_back({nullptr, node.internal_ips.front()});
      ends.push_back({nullptr, node.pod_cidrs.front().address().plus(1)});
    }
    // Every combination would be too many.
    while (ports.size() > 6)
      ports.erase(std::next(ports.begin(), static_cast<std::ptrdiff_t>(below(ports.size()))));
  }

  std::vector<Probe> probes;
  for (const End& from : ends) {
    for (const End& to : ends) {
      if (from.address.family() != to.address.family()) continue;
      if (from.pod == to.pod) continue;  // two outsiders, or a Pod and itself
      Probe probe{from.pod, to.pod, from.address, to.address};
      probe.protocol = 1;
      if (native_) vary(probe);
      probes.push_back(probe);
      for (const std::uint16_t port : ports)
        for (const std::uint8_t protocol : {6, 17, 132}) {
          probe.protocol = protocol;
          probe.port = port;
          if (native_) vary(probe);
          probes.push_back(probe);
        }
    }
  }
  return probes;
}

}  // namespace antrea::policy::testing
