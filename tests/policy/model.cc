#include "model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "antrea/api/pipeline.h"

namespace antrea::policy::testing {
namespace {

template <typename Value>
bool sorted_unique(const std::vector<Value>& values) {
  return std::ranges::adjacent_find(values, std::ranges::greater_equal{}) == values.end();
}

void apply_exactly(const cp::MemberDelta& delta, std::vector<cp::GroupMember>& members) {
  EXPECT_TRUE(sorted_unique(delta.added));
  EXPECT_TRUE(sorted_unique(delta.removed));
  for (const auto& member : delta.removed) {
    EXPECT_TRUE(std::ranges::binary_search(members, member))
        << "removed a member that was not there";
    EXPECT_FALSE(std::ranges::binary_search(delta.added, member)) << "came and went";
  }
  for (const auto& member : delta.added)
    EXPECT_FALSE(std::ranges::binary_search(members, member)) << "added a member that was there";
  cp::apply(delta, members);
  EXPECT_TRUE(sorted_unique(members));
}

cp::GroupPatch patch_of(const std::string& name, const cp::MemberDelta& delta) {
  cp::GroupPatch patch;
  patch.metadata.name = name;
  patch.added = delta.added;
  patch.removed = delta.removed;
  return patch;
}

AddressGroupUpserted address_group(const std::string& name,
                                   const std::vector<cp::GroupMember>& members) {
  auto group = std::make_shared<cp::AddressGroup>();
  group->metadata.name = group->metadata.uid = name;
  group->members = members;
  return group;
}
AppliedToGroupUpserted applied_to_group(const std::string& name,
                                        const std::vector<cp::GroupMember>& members) {
  auto group = std::make_shared<cp::AppliedToGroup>();
  group->metadata.name = group->metadata.uid = name;
  group->members = members;
  return group;
}

}  // namespace

void StoreModel::apply(const cp::Changes& changes) {
  for (const auto& change : changes.policies) {
    const auto found = policies.find(change.name());
    if (!change.policy) {
      EXPECT_NE(found, policies.end()) << "removed a policy that was not there";
      policies.erase(change.name());
      continue;
    }
    const Policy next{change.policy, change.span, change.unrealizable};
    EXPECT_TRUE(!change.unrealizable || change.span.empty());
    EXPECT_TRUE(found == policies.end() || !(found->second == next)) << "a change that is none";
    policies.insert_or_assign(change.name(), next);
  }
  for (const auto& change : changes.address_groups) {
    if (change.gone) {
      EXPECT_EQ(address_groups.erase(change.name), 1U);
      continue;
    }
    const bool known = address_groups.contains(change.name);
    AddressGroup& group = address_groups[change.name];
    EXPECT_TRUE(!known || !change.delta.empty() || change.span != group.span)
        << "a change that is none";
    group.span = change.span;
    apply_exactly(change.delta, group.members);
  }
  for (const auto& change : changes.applied_to_groups) {
    if (change.gone) {
      EXPECT_EQ(applied_to_groups.erase(change.name), 1U);
      continue;
    }
    EXPECT_TRUE(!applied_to_groups.contains(change.name) || !change.empty());
    auto& nodes = applied_to_groups[change.name];
    EXPECT_TRUE(std::ranges::is_sorted(change.added) && std::ranges::is_sorted(change.removed));
    for_each_node(change, [&](const std::string& node, const cp::MemberDelta& delta) {
      EXPECT_FALSE(delta.empty());
      EXPECT_EQ(delta.added, cp::delta_on(node, change).added);
      EXPECT_EQ(delta.removed, cp::delta_on(node, change).removed);
      apply_exactly(delta, nodes[node]);
      if (nodes[node].empty()) nodes.erase(node);
    });
  }
  for (const auto& change : changes.evaluated_pods) {
    EXPECT_FALSE(change.added.empty() && change.removed.empty());
    auto& pods = evaluated[change.node];
    for (const auto& pod : change.removed) EXPECT_EQ(pods.erase(pod), 1U);
    for (const auto& pod : change.added) EXPECT_TRUE(pods.insert(pod).second);
    if (pods.empty()) evaluated.erase(change.node);
  }
}

std::vector<RuleInput> StoreModel::initial(const std::string& node) const {
  PoliciesReplaced all_policies;
  AddressGroupsReplaced all_address_groups;
  AppliedToGroupsReplaced all_applied_to_groups;
  for (const auto& [name, policy] : policies)
    if (policy.span.contains(node)) all_policies.objects.push_back(policy.object);
  for (const auto& [name, group] : address_groups)
    if (group.span.contains(node))
      all_address_groups.objects.push_back(address_group(name, group.members));
  for (const auto& [name, nodes] : applied_to_groups)
    if (const auto found = nodes.find(node); found != nodes.end())
      all_applied_to_groups.objects.push_back(applied_to_group(name, found->second));
  return {std::move(all_policies), std::move(all_address_groups), std::move(all_applied_to_groups)};
}

void WatchModel::follow(const StoreModel& before, const StoreModel& after,
                        const cp::Changes& changes) {
  for (const auto& change : changes.policies) {
    const auto old = before.policies.find(change.name());
    const bool was = old != before.policies.end() && old->second.span.contains(node_);
    const bool is = change.policy && change.span.contains(node_);
    if (is && (!was || !(*old->second.object == *change.policy)))
      policies.emplace_back(change.policy);
    else if (was && !is)
      policies.emplace_back(PolicyDeleted{change.name()});
  }
  for (const auto& change : changes.address_groups) {
    const auto old = before.address_groups.find(change.name);
    const bool was = old != before.address_groups.end() && old->second.span.contains(node_);
    const bool is = !change.gone && change.span.contains(node_);
    if (is && !was)
      address_groups.emplace_back(
          address_group(change.name, after.address_groups.at(change.name).members));
    else if (was && !is)
      address_groups.emplace_back(AddressGroupDeleted{change.name});
    else if (was && is && !change.delta.empty())
      address_groups.emplace_back(AddressGroupPatched{patch_of(change.name, change.delta)});
  }
  for (const auto& change : changes.applied_to_groups) {
    const auto old = before.applied_to_groups.find(change.name);
    const bool was = old != before.applied_to_groups.end() && old->second.contains(node_);
    const auto now = after.applied_to_groups.find(change.name);
    const bool is = now != after.applied_to_groups.end() && now->second.contains(node_);
    if (is && !was)
      applied_to_groups.emplace_back(applied_to_group(change.name, now->second.at(node_)));
    else if (was && !is)
      applied_to_groups.emplace_back(AppliedToGroupDeleted{change.name});
    else if (const auto delta = cp::delta_on(node_, change); was && !delta.empty())
      applied_to_groups.emplace_back(AppliedToGroupPatched{patch_of(change.name, delta)});
  }
}

void AgentModel::apply(std::span<const RuleInput> inputs) {
  const Result<RuleChanges> changes = cache.apply(inputs);
  ASSERT_TRUE(changes) << changes.error().to_string();
  table.apply(compiler.apply(*changes));
}

std::uint32_t service_group(const api::ObjectKey& service) {
  return 1000U + static_cast<unsigned char>(service.namespace_.front()) * 256U +
         static_cast<unsigned char>(service.name.back());
}

std::vector<RuleInput> AgentModel::local_changes(const Cluster& cluster) {
  std::vector<RuleInput> inputs;
  for (const auto& [name, ips] : resolved_)
    if (!cluster.resolved.contains(name)) inputs.emplace_back(NameResolved{name, {}});
  for (const auto& [name, ips] : cluster.resolved)
    if (const auto old = resolved_.find(name); old == resolved_.end() || old->second != ips)
      inputs.emplace_back(NameResolved{name, {ips.begin(), ips.end()}});
  resolved_ = cluster.resolved;
  for (const auto& key : services_)
    if (!cluster.services.contains(key))
      inputs.emplace_back(ServiceGroups{{key.namespace_, key.name}, {}});
  for (const auto& [key, service] : cluster.services)
    if (!services_.contains(key))
      inputs.emplace_back(ServiceGroups{{key.namespace_, key.name}, {service_group(key)}});
  services_.clear();
  for (const auto& [key, service] : cluster.services) services_.insert(key);
  std::map<api::ObjectKey, PodInterface> now;
  for (const auto& [key, pod] : cluster.pods) {
    if (pod.node_name != node_ || !oracle_is_member(pod) || pod.pod_ips.empty()) continue;
    // A port number that depends on nothing but the Pod, so that two histories can be compared.
    std::uint32_t ofport = 10;
    for (const char c : key.to_string())
      ofport = ofport * 31 % 30000 + static_cast<unsigned char>(c);
    now[key] = {key, ofport, pod.pod_ips};
  }
  for (const auto& [key, interface] : interfaces_)
    if (!now.contains(key)) inputs.emplace_back(InterfaceDeleted{key});
  for (const auto& [key, interface] : now)
    if (const auto old = interfaces_.find(key);
        old == interfaces_.end() || old->second != interface)
      inputs.emplace_back(InterfaceUpserted{interface});
  interfaces_ = std::move(now);
  return inputs;
}

namespace {

bool fqdn_matches(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  for (std::size_t from = star; from <= name.size(); ++from)
    if (fqdn_matches(pattern.substr(star + 1), name.substr(from))) return true;
  return false;
}

/// The objects of one Node, read for one packet.
class InternalReading {
 public:
  InternalReading(const StoreModel& store, const Cluster& cluster, const std::string& node,
                  bool ingress, const Probe& probe)
      : store_(store),
        cluster_(cluster),
        node_(node),
        ingress_(ingress),
        probe_(probe),
        target_(api::key_of((ingress ? probe.to : probe.from)->metadata)),
        peer_address_(ingress ? probe.source : probe.destination) {}

  Judgement judge() {
    for (const auto& [name, policy] : store_.policies)
      if (policy.span.contains(node_)) read(*policy.object);
    if (const auto decided = first(0, 252)) return *decided;
    if (isolated_) return {allowed_ ? Verdict::kAllow : Verdict::kDrop, {}};
    return first(253, 255).value_or(Judgement{});
  }

 private:
  using Place = std::tuple<int, double, int, int>;

  std::optional<Judgement> first(int low, int high) const {
    static constexpr std::array kVerdicts{Verdict::kDrop, Verdict::kReject, Verdict::kAllow,
                                          Verdict::kAllow};
    for (const auto& [place, rules] : found_) {
      if (std::get<0>(place) < low || std::get<0>(place) > high) continue;
      const int rank = std::get<3>(place);
      if (rank == 2) return std::nullopt;  // Pass
      return Judgement{kVerdicts[static_cast<std::size_t>(rank)], rules};
    }
    return std::nullopt;
  }

  void read(const cp::NetworkPolicy& policy) {
    const bool k8s = policy.source_ref.type == cp::PolicyType::kK8sNetworkPolicy;
    for (const cp::NetworkPolicyRule& rule : policy.rules) {
      if (rule.direction != (ingress_ ? cp::Direction::kIn : cp::Direction::kOut)) continue;
      const cp::GroupMember* member = member_of(
          rule.applied_to_groups.empty() ? policy.applied_to_groups : rule.applied_to_groups);
      if (member == nullptr) continue;
      isolated_ |= k8s;
      if (!rule.action || !matches(rule, *member)) continue;
      if (k8s) {
        allowed_ = true;
        continue;
      }
      static constexpr std::array kRanks{3, 0, 1, 2};  // Allow, Drop, Reject, Pass
      found_[{*policy.tier_priority, *policy.priority, rule.priority,
              kRanks[static_cast<std::size_t>(*rule.action)]}]
          .insert(policy.source_ref.to_string() + "/" + rule.name);
    }
  }

  const cp::GroupMember* member_of(const std::vector<std::string>& groups) const {
    const cp::GroupMember* member = nullptr;
    for (const std::string& group : groups) {
      const auto& nodes = store_.applied_to_groups.at(group);
      if (const auto on_node = nodes.find(node_); on_node != nodes.end())
        for (const cp::GroupMember& candidate : on_node->second)
          if (is_target(candidate)) member = &candidate;
    }
    return member;
  }

  bool is_target(const cp::GroupMember& member) const {
    if (member.kind == cp::MemberKind::kPod) return member.key == target_;
    return member.kind == cp::MemberKind::kService && ingress_ && probe_.by_node_port &&
           probe_.service == member.key && cluster_.services.contains(member.key);
  }

  bool matches(const cp::NetworkPolicyRule& rule, const cp::GroupMember& target) const {
    const cp::NetworkPolicyPeer& peer = rule.peers;
    const auto services = [&](const std::vector<cp::NamedPort>& names) {
      const auto& ports = ingress_ ? target.ports : names;
      return rule.services.empty() || std::ranges::any_of(rule.services, [&](const auto& service) {
               return service_matches(service, ports);
             });
    };
    for (const std::string& group : peer.address_groups) {
      const auto& address_group = store_.address_groups.at(group);
      EXPECT_TRUE(address_group.span.contains(node_)) << "a rule's group is not sent to its Node";
      for (const cp::GroupMember& candidate : address_group.members)
        if (std::ranges::find(candidate.ips, peer_address_) != candidate.ips.end() &&
            services(candidate.ports))
          return true;
    }
    for (const cp::ServiceReference& service : peer.to_services)
      if (probe_.service == api::ObjectKey{service.namespace_, service.name} &&
          cluster_.services.contains(*probe_.service))
        return true;
    const bool in_block = std::ranges::any_of(peer.ip_blocks, [&](const api::IpBlock& block) {
      return block.cidr.contains(peer_address_) &&
             std::ranges::none_of(
                 block.except, [&](const IpPrefix& hole) { return hole.contains(peer_address_); });
    });
    const bool called = std::ranges::any_of(peer.fqdns, [&](const std::string& pattern) {
      return std::ranges::any_of(cluster_.resolved, [&](const auto& entry) {
        return fqdn_matches(pattern, entry.first) && entry.second.contains(peer_address_);
      });
    });
    return (in_block || called) && services({});
  }

  bool service_matches(const cp::Service& service, const std::vector<cp::NamedPort>& names) const {
    if (service.protocol && static_cast<int>(*service.protocol) != probe_.protocol) return false;
    if (service.protocol == cp::ServiceProtocol::kIcmp)
      return service.icmp_type.value_or(probe_.icmp_type) == probe_.icmp_type &&
             service.icmp_code.value_or(probe_.icmp_code) == probe_.icmp_code;
    if (service.src_port && (probe_.source_port < *service.src_port ||
                             probe_.source_port > service.src_end_port.value_or(*service.src_port)))
      return false;
    if (!service.port) return true;
    if (!service.port->is_name())
      return probe_.port >= service.port->number &&
             probe_.port <= service.end_port.value_or(service.port->number);
    return std::ranges::any_of(names, [&](const cp::NamedPort& port) {
      return port.name == service.port->name && port.port == probe_.port &&
             static_cast<int>(port.protocol) == probe_.protocol;
    });
  }

  const StoreModel& store_;
  const Cluster& cluster_;
  const std::string& node_;
  const bool ingress_;
  const Probe& probe_;
  const api::ObjectKey target_;
  const IpAddress& peer_address_;
  bool isolated_ = false, allowed_ = false;
  std::map<Place, std::set<std::string>> found_;
};

}  // namespace

Judgement internal_judge(const StoreModel& store, const Cluster& cluster, const std::string& node,
                         bool ingress, const Probe& probe) {
  return InternalReading(store, cluster, node, ingress, probe).judge();
}

FlowVerdict flows_judge(const AgentModel& agent, bool ingress, const Probe& probe) {
  using api::pipeline::Table;
  using openflow::FieldId;
  Packet packet;
  const bool v4 = probe.source.is_v4();
  packet.set(FieldId::kEthType, v4 ? 0x800 : 0x86dd);
  packet.set(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src, probe.source);
  packet.set(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst, probe.destination);
  packet.set(FieldId::kIpProto, probe.protocol == 1 && !v4 ? 58 : probe.protocol);
  switch (probe.protocol) {
    case 6:
      packet.set(FieldId::kTcpSrc, probe.source_port);
      packet.set(FieldId::kTcpDst, probe.port);
      break;
    case 17:
      packet.set(FieldId::kUdpSrc, probe.source_port);
      packet.set(FieldId::kUdpDst, probe.port);
      break;
    case 132:
      packet.set(FieldId::kSctpSrc, probe.source_port);
      packet.set(FieldId::kSctpDst, probe.port);
      break;
    default:
      packet.set(v4 ? FieldId::kIcmpType : FieldId::kIcmpv6Type, probe.icmp_type);
      packet.set(v4 ? FieldId::kIcmpCode : FieldId::kIcmpv6Code, probe.icmp_code);
  }
  packet.set(FieldId::kCtState, openflow::ct_state::kNew | openflow::ct_state::kTrk);
  packet.set(FieldId::kCtLabel, 0);
  packet.set(FieldId::kCtMark, 0);
  packet.set(FieldId::kReg0, 0);
  if (ingress) packet.set(openflow::reg_field(1), agent.ofport(api::key_of(probe.to->metadata)));
  if (probe.service) packet.set(openflow::reg_field(7), service_group(*probe.service));
  if (probe.by_node_port) packet.set(openflow::reg_field(4), 1 << 19);
  // Policies see what came by a NodePort after its source may have been translated.
  packet.set(v4 ? FieldId::kCtNwSrc : FieldId::kCtIpv6Src, probe.source);

  const auto id = [](Table table) { return static_cast<std::uint8_t>(table); };
  const std::vector<std::uint8_t> egress_order{
      id(Table::kAntreaPolicyEgressRule), id(Table::kEgressRule), id(Table::kEgressDefaultRule),
      id(Table::kEgressMetric)};
  const std::vector<std::uint8_t> ingress_order{
      id(Table::kAntreaPolicyIngressRule), id(Table::kIngressRule), id(Table::kIngressDefaultRule),
      id(Table::kIngressMetric)};
  const std::uint8_t exit = id(ingress ? Table::kConntrackCommit : Table::kL3Forwarding);
  const auto& order = ingress ? ingress_order : egress_order;
  const auto outcome = agent.table.run(packet, order, exit);
  EXPECT_TRUE(outcome.dropped || outcome.table == exit);

  // Bits as in antrea: pkg/agent/openflow/fields.go.
  const auto reg = [](const Packet& of, unsigned number) {
    return static_cast<std::uint32_t>(of.get(openflow::reg_field(number))->lo);
  };
  const bool denied = (reg(packet, 0) >> 10 & 1) != 0;
  const auto label =
      static_cast<std::uint32_t>(packet.get(FieldId::kCtLabel)->lo >> (ingress ? 0 : 32));
  FlowVerdict verdict;
  verdict.verdict = outcome.dropped ? Verdict::kDrop : Verdict::kAllow;
  EXPECT_FALSE(denied && !outcome.dropped);
  EXPECT_FALSE(denied && label != 0);
  if (const std::uint32_t decider = denied ? reg(packet, 3) : label; decider != 0) {
    verdict.rule = agent.compiler.rule_of(decider);
    EXPECT_TRUE(verdict.rule) << "decided by a conjunction nobody has";
    EXPECT_TRUE(denied || reg(packet, ingress ? 6 : 5) == label);
    EXPECT_EQ(outcome.path.back().table.value, order.back()) << "decided, but not counted";
  }
  bool logged = false;
  for (const auto& copy : outcome.copies) {
    EXPECT_FALSE(copy.pause);
    if (copy.userdata.size() != 2) {
      ADD_FAILURE() << "a copy of unknown kind";
      continue;
    }
    EXPECT_EQ(copy.userdata[0], 1);
    const std::uint8_t operations = copy.userdata[1];
    EXPECT_EQ(reg(copy.packet, 0) >> 25, operations);
    EXPECT_NE(std::ranges::find(order, reg(copy.packet, 2) & 0xff), order.end());
    const std::uint32_t disposition = reg(copy.packet, 0) >> 11 & 3;
    if (disposition == 3) continue;  // Pass: not the end of it
    EXPECT_EQ(disposition == 0, verdict.verdict == Verdict::kAllow);
    if ((operations & 2) != 0) {
      EXPECT_EQ(disposition, 2U);
      verdict.verdict = Verdict::kReject;
    }
    logged |= (operations & 1) != 0;
  }
  EXPECT_TRUE(!verdict.rule || logged == verdict.rule->enable_logging) << "logged: " << logged;
  return verdict;
}

}  // namespace antrea::policy::testing
