#include <algorithm>

#include "vocabulary.h"
#include "world.h"

namespace antrea::policy::testing {

namespace crd = api::crd;
namespace admin = api::admin;
using api::controlplane::RuleAction;

namespace {

constexpr std::size_t kPolicyNames = 3, kEntityNames = 2;

std::string numbered(std::string_view what, std::size_t n) {
  return std::string(what) + "-" + std::to_string(n);
}

}  // namespace

template <typename Object>
void World::name(Object& object, const api::ObjectKey& key) {
  object.metadata.namespace_ = key.namespace_;
  object.metadata.name = key.name;
  object.metadata.uid = "native-" + std::to_string(next_uid_++);
  object.metadata.generation = 1;
}

crd::GroupSpec World::make_group(bool cluster) {
  crd::GroupSpec group;
  switch (below(cluster ? 7 : 6)) {
    case 0:
      group.ip_blocks.push_back({prefix(), {}});
      break;
    case 1:
      group.service_reference = {cluster ? pick(kNamespaces) : std::string(), pick(kServiceNames)};
      break;
    case 2:
      for (std::size_t i = 1 + below(2); i > 0; --i)
        group.child_groups.push_back(pick(kGroupNames));
      break;
    case 3:
      group.external_entity_selector = selector();
      if (chance(0.5)) group.namespace_selector = selector();
      break;
    case 6:
      group.node_selector = selector();
      break;
    default:
      if (chance(0.8)) group.pod_selector = selector();
      // A Group rarely looks beyond its Namespace: policies applied to it would be nowhere.
      if (!group.pod_selector || chance(cluster ? 0.5 : 0.15))
        group.namespace_selector = selector();
  }
  return group;
}

crd::AppliedTo World::make_applied_to(bool cluster, const std::string& ns) {
  crd::AppliedTo to;
  switch (below(6)) {
    case 0:
      to.group = pick(kGroupNames);
      break;
    case 1:
      if (cluster) {
        to.service_account = {pick(kNamespaces), pick(kAccounts)};
        break;
      }
      [[fallthrough]];
    case 2:
      if (cluster) {
        to.namespace_selector = selector();
        if (chance(0.5)) to.pod_selector = selector();
        break;
      }
      [[fallthrough]];
    default:
      to.pod_selector = selector();
      if (chance(0.3)) to.pod_selector.emplace();
  }
  (void)ns;
  return to;
}

crd::NetworkPolicyPeer World::make_native_peer(bool cluster, bool ingress) {
  crd::NetworkPolicyPeer peer;
  switch (below(10)) {
    case 0:
      peer.ip_block = api::IpBlock{prefix(), {}};
      break;
    case 1:
      peer.group = pick(kGroupNames);
      break;
    case 2:
      peer.node_selector = selector();
      break;
    case 3:
      if (!ingress) {
        peer.fqdn = pick(kPatterns);
        break;
      }
      [[fallthrough]];
    case 4:
      if (cluster) {
        peer.service_account = {pick(kNamespaces), pick(kAccounts)};
      } else {
        peer.external_entity_selector = selector();
        if (chance(0.5)) peer.namespace_selector = selector();
      }
      break;
    case 5:
    case 6:
      if (cluster) {
        peer.namespaces.emplace();
        if (chance(0.5))
          peer.namespaces->match_self = true;
        else
          for (std::size_t i = 1 + below(2); i > 0; --i)
            peer.namespaces->same_labels.push_back(pick(kKeys));
        if (chance(0.5)) peer.pod_selector = selector();
        break;
      }
      [[fallthrough]];
    default:
      if (chance(0.7)) peer.pod_selector = selector();
      if (!peer.pod_selector || chance(0.4)) peer.namespace_selector = selector();
  }
  return peer;
}

crd::Rule World::make_native_rule(bool cluster, bool ingress, bool baseline) {
  crd::Rule rule;
  rule.action = static_cast<RuleAction>(below(baseline ? 3 : 4));
  rule.enable_logging = chance(0.3);
  if (!ingress && chance(0.1)) {
    rule.to_services.push_back(
        {{cluster ? pick(kNamespaces) : std::string(), pick(kServiceNames)}});
    return rule;
  }
  for (std::size_t i = below(3); i > 0; --i)
    rule.peers.push_back(make_native_peer(cluster, ingress));
  for (std::size_t i = below(3); i > 0; --i) {
    const api::NetworkPolicyPort drawn = make_port();
    crd::NetworkPolicyPort port{drawn.protocol, drawn.port, drawn.end_port, {}, {}};
    if (chance(0.25)) {
      port.source_port = pick(kPorts);
      if (chance(0.5)) port.source_end_port = std::min(65535, *port.source_port + 100);
    }
    rule.ports.push_back(port);
  }
  if (chance(0.15)) {
    crd::IcmpProtocol icmp;
    if (chance(0.7)) icmp.type = chance(0.5) ? 8 : 3;
    if (icmp.type && chance(0.5)) icmp.code = static_cast<std::int32_t>(below(2));
    rule.protocols.push_back({icmp, {}});
  }
  return rule;
}

/// Rules at Services are about ingress, and of addresses.
void World::fill_for_node_ports(crd::PolicySpec& spec) {
  for (std::size_t i = 1 + below(2); i > 0; --i)
    spec.applied_to.emplace_back().service = {pick(kNamespaces), pick(kServiceNames)};
  for (std::size_t i = 1 + below(3); i > 0; --i) {
    crd::Rule rule = make_native_rule(true, true, spec.tier == "baseline");
    rule.peers.clear();
    for (std::size_t j = below(3); j > 0; --j)
      rule.peers.emplace_back().ip_block = api::IpBlock{prefix(), {}};
    rule.name = numbered("in", spec.ingress.size());
    spec.ingress.push_back(std::move(rule));
  }
}

crd::PolicySpec World::make_spec(bool cluster, const std::string& ns) {
  crd::PolicySpec spec;
  spec.tier = pick(kTierNames);
  static const std::vector<double> kPriorities{1, 5, 5.0000001, 6, 10000};
  spec.priority = pick(kPriorities);
  if (cluster && chance(0.15)) {
    fill_for_node_ports(spec);
    return spec;
  }
  const bool per_rule = chance(0.25);
  if (!per_rule)
    for (std::size_t i = 1 + below(2); i > 0; --i)
      spec.applied_to.push_back(make_applied_to(cluster, ns));
  for (const bool ingress : {true, false}) {
    auto& rules = ingress ? spec.ingress : spec.egress;
    for (std::size_t i = below(4); i > 0; --i) {
      rules.push_back(make_native_rule(cluster, ingress, spec.tier == "baseline"));
      rules.back().name = numbered(ingress ? "in" : "out", rules.size());
      if (per_rule) rules.back().applied_to.push_back(make_applied_to(cluster, ns));
    }
  }
  return spec;
}

admin::Rule World::make_admin_rule(bool ingress, bool baseline) {
  admin::Rule rule;
  static const std::vector<RuleAction> kActions{RuleAction::kAllow, RuleAction::kDrop,
                                                RuleAction::kPass};
  rule.action = kActions[below(baseline ? 2 : 3)];
  bool outside = false;
  for (std::size_t i = 1 + below(2); i > 0; --i) {
    admin::Peer& peer = rule.peers.emplace_back();
    switch (below(ingress ? 3 : 7)) {
      case 0:
      case 3:
        peer.namespaces = selector();
        break;
      case 1:
        if (chance(0.1)) break;  // a kind that nobody knows
        [[fallthrough]];
      case 2:
        peer.pods = make_namespaced_pods();
        break;
      case 4:
        peer.nodes = selector();
        outside = true;
        break;
      case 5:
        if (!baseline) {
          peer.domain_names.push_back(pick(kNames));
          outside = true;
          break;
        }
        [[fallthrough]];
      default:
        peer.networks.push_back(prefix());
        outside = true;
    }
  }
  for (std::size_t i = below(3); i > 0; --i) {
    const api::NetworkPolicyPort port = make_port();
    if (!port.port) continue;
    if (!port.port->is_name())
      rule.ports.emplace_back(admin::PortRange{port.protocol, port.port->number,
                                               port.end_port.value_or(port.port->number)});
    else if (!outside)
      rule.ports.emplace_back(port.port->name);
  }
  return rule;
}

template <typename Policy>
void World::fill_admin(Policy& policy, bool baseline) {
  if (chance(0.5))
    policy.subject.namespaces = selector();
  else
    policy.subject.pods = make_namespaced_pods();
  for (const bool ingress : {true, false}) {
    auto& rules = ingress ? policy.ingress : policy.egress;
    for (std::size_t i = below(3); i > 0; --i) {
      rules.push_back(make_admin_rule(ingress, baseline));
      rules.back().name = numbered(ingress ? "in" : "out", rules.size());
    }
  }
}

api::Node World::make_node(std::size_t index) {
  api::Node node;
  name(node, {{}, node_of(index)});
  node.metadata.labels = labels();
  node.internal_ips = {IpAddress::v4(0xac100000 + static_cast<std::uint32_t>(index))};
  node.pod_cidrs = {{IpAddress::v4(0x0b000000 + (static_cast<std::uint32_t>(index) << 8)), 24}};
  if (chance(0.3)) node.external_ips = {IpAddress::v4(0xc0a80000 + 3)};
  return node;
}

crd::ExternalEntity World::make_entity(const api::ObjectKey& key) {
  crd::ExternalEntity entity;
  name(entity, key);
  entity.metadata.labels = labels();
  for (std::size_t i = below(3); i > 0; --i)
    entity.endpoints.push_back(
        {IpAddress::v4(0xc0a80000 + static_cast<std::uint32_t>(below(3))), {}});
  if (chance(0.5)) entity.ports.push_back({pick(kPorts), pick(kPortNames), pick(kProtocols)});
  if (chance(0.3)) entity.external_node = node_of(below(kNodes));
  return entity;
}

void World::resolve_names() {
  for (const std::string& name : kNames) {
    cluster.resolved.erase(name);
    for (std::size_t i = below(3); i > 0; --i) cluster.resolved[name].insert(any_address());
  }
}

void World::populate_native() {
  for (std::size_t i = 0; i < kNodes; ++i) cluster.nodes[node_of(i)] = make_node(i);
  // What they leave out, later changes may bring.
  for (std::size_t i = 0; i < 40; ++i) (void)mutate_native();
  resolve_names();
}

void World::add_native(std::vector<ObjectChange>& changes) const {
  const auto add = [&](const auto& objects) {
    for (const auto& [key, object] : objects)
      changes.emplace_back(std::make_shared<const std::decay_t<decltype(object)>>(object));
  };
  add(cluster.nodes);
  add(cluster.services);
  add(cluster.entities);
  add(cluster.tiers);
  add(cluster.groups);
  add(cluster.cluster_groups);
  add(cluster.antrea_policies);
  add(cluster.antrea_cluster_policies);
  add(cluster.admin_policies);
  add(cluster.cluster_network_policies);
  if (cluster.baseline_policy)
    changes.emplace_back(
        std::make_shared<const admin::BaselineAdminNetworkPolicy>(*cluster.baseline_policy));
}

void World::add_goodbyes(std::vector<ObjectChange>& changes) const {
  const auto remove = [&](const auto& objects, ObjectKind kind) {
    for (const auto& [key, object] : objects)
      changes.emplace_back(ObjectDeleted{kind, api::key_of(object.metadata)});
  };
  remove(cluster.nodes, ObjectKind::kNode);
  remove(cluster.services, ObjectKind::kService);
  remove(cluster.entities, ObjectKind::kExternalEntity);
  remove(cluster.tiers, ObjectKind::kTier);
  remove(cluster.groups, ObjectKind::kGroup);
  remove(cluster.cluster_groups, ObjectKind::kClusterGroup);
  remove(cluster.antrea_policies, ObjectKind::kAntreaNetworkPolicy);
  remove(cluster.antrea_cluster_policies, ObjectKind::kAntreaClusterNetworkPolicy);
  remove(cluster.admin_policies, ObjectKind::kAdminNetworkPolicy);
  remove(cluster.cluster_network_policies, ObjectKind::kClusterNetworkPolicy);
  if (cluster.baseline_policy)
    changes.emplace_back(ObjectDeleted{ObjectKind::kBaselineAdminNetworkPolicy, {{}, "default"}});
}

ObjectChange World::mutate_native() {
  const auto change = [&](auto& objects, const auto& key, ObjectKind kind, const auto& object_key,
                          double dies, auto&& make) -> ObjectChange {
    const auto found = objects.find(key);
    if (found != objects.end() && chance(dies)) {
      objects.erase(found);
      return ObjectDeleted{kind, object_key};
    }
    auto object = make();
    name(object, object_key);
    if (found != objects.end() && chance(0.7)) object.metadata.uid = found->second.metadata.uid;
    objects[key] = object;
    return std::make_shared<const decltype(object)>(std::move(object));
  };
  const std::string ns = pick(kNamespaces);
  switch (below(20)) {
    case 0: {
      const std::string tier = chance(0.5) ? "gold" : "silver";
      return change(cluster.tiers, tier, ObjectKind::kTier, api::ObjectKey{{}, tier}, 0.3, [&] {
        crd::Tier object;
        object.priority = static_cast<std::int32_t>(20 + below(3) * 100);
        return object;
      });
    }
    case 1:
    case 2: {
      const api::ObjectKey key{ns, pick(kGroupNames)};
      return change(cluster.groups, key, ObjectKind::kGroup, key, 0.2, [&] {
        crd::Group object;
        object.spec = make_group(false);
        return object;
      });
    }
    case 3:
    case 4: {
      const api::ObjectKey key{{}, pick(kGroupNames)};
      return change(cluster.cluster_groups, key.name, ObjectKind::kClusterGroup, key, 0.2, [&] {
        crd::ClusterGroup object;
        object.spec = make_group(true);
        return object;
      });
    }
    case 5: {
      const api::ObjectKey key{ns, pick(kServiceNames)};
      return change(cluster.services, key, ObjectKind::kService, key, 0.2, [&] {
        api::Service object;
        object.selector = labels();
        return object;
      });
    }
    case 6: {
      const api::ObjectKey key{ns, numbered("entity", below(kEntityNames))};
      return change(cluster.entities, key, ObjectKind::kExternalEntity, key, 0.2,
                    [&] { return make_entity(key); });
    }
    case 7: {
      const std::size_t index = below(kNodes);
      api::Node& node = cluster.nodes[node_of(index)];
      const std::string uid = node.metadata.uid;
      node = make_node(index);
      node.metadata.uid = uid;
      return std::make_shared<const api::Node>(node);
    }
    case 8: {
      const api::ObjectKey key{{}, numbered("cluster", below(kPolicyNames))};
      return change(cluster.cluster_network_policies, key.name, ObjectKind::kClusterNetworkPolicy,
                    key, 0.4, [&] {
                      admin::ClusterNetworkPolicy object;
                      object.tier = chance(0.5) ? admin::Tier::kAdmin : admin::Tier::kBaseline;
                      object.priority = static_cast<std::int32_t>(below(3));
                      fill_admin(object, false);
                      return object;
                    });
    }
    case 9: {
      const api::ObjectKey key{{}, numbered("admin", below(kPolicyNames))};
      return change(cluster.admin_policies, key.name, ObjectKind::kAdminNetworkPolicy, key, 0.4,
                    [&] {
                      admin::AdminNetworkPolicy object;
                      object.priority = static_cast<std::int32_t>(below(3));
                      fill_admin(object, false);
                      return object;
                    });
    }
    case 10: {
      if (cluster.baseline_policy && chance(0.4)) {
        cluster.baseline_policy.reset();
        return ObjectDeleted{ObjectKind::kBaselineAdminNetworkPolicy, {{}, "default"}};
      }
      admin::BaselineAdminNetworkPolicy object;
      fill_admin(object, true);
      name(object, {{}, "default"});
      cluster.baseline_policy = object;
      return std::make_shared<const admin::BaselineAdminNetworkPolicy>(std::move(object));
    }
    case 11:
    case 12:
    case 13:
    case 14: {
      const api::ObjectKey key{ns, numbered("policy", below(kPolicyNames))};
      return change(cluster.antrea_policies, key, ObjectKind::kAntreaNetworkPolicy, key, 0.4, [&] {
        crd::NetworkPolicy object;
        object.spec = make_spec(false, ns);
        return object;
      });
    }
    default: {
      const api::ObjectKey key{{}, numbered("policy", below(kPolicyNames))};
      return change(cluster.antrea_cluster_policies, key.name,
                    ObjectKind::kAntreaClusterNetworkPolicy, key, 0.4, [&] {
                      crd::ClusterNetworkPolicy object;
                      object.spec = make_spec(true, {});
                      return object;
                    });
    }
  }
}

void World::vary(Probe& probe) {
  probe.icmp_type = chance(0.5) ? 8 : 3;
  probe.icmp_code = static_cast<std::uint8_t>(below(2));
  probe.source_port = static_cast<std::uint16_t>(pick(kPorts) + static_cast<int>(below(2)));
  probe.service.reset();
  probe.by_node_port = chance(0.2);
  if (probe.by_node_port || (probe.from != nullptr && chance(0.15)))
    probe.service = api::ObjectKey{pick(kNamespaces), pick(kServiceNames)};
}

}  // namespace antrea::policy::testing
