#include "k8s_policy.h"

#include <algorithm>

#include "antrea/base/hash.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

/// Names policies from files that no API server has given a UID.
constexpr std::string_view kPolicyNameSpace = "0f3aa2b5-6d11-4c0e-9d53-7f5f5e0c9a41";

class Converter {
 public:
  Converter(const api::NetworkPolicy& source, bool enable_logging, GroupIndex& groups)
      : source_(source), enable_logging_(enable_logging), groups_(groups) {}

  ConvertedPolicy run() {
    auto policy = std::make_shared<cp::NetworkPolicy>();
    const api::ObjectMeta& meta = source_.metadata;
    policy->source_ref = {cp::PolicyType::kK8sNetworkPolicy, meta.namespace_, meta.name, meta.uid};
    if (meta.uid.empty())
      policy->source_ref.uid = uuid_v5(kPolicyNameSpace, policy->source_ref.to_string());
    policy->metadata.name = policy->metadata.uid = policy->source_ref.uid;

    policy->applied_to_groups = {
        groups_.name(use(applied_to_, {meta.namespace_, {}, source_.pod_selector}))};
    policy->rules.reserve(
        (source_.policy_ingress ? std::max<std::size_t>(1, source_.ingress.size()) : 0) +
        (source_.policy_egress ? std::max<std::size_t>(1, source_.egress.size()) : 0));
    if (source_.policy_ingress) add_rules(cp::Direction::kIn, source_.ingress, policy->rules);
    if (source_.policy_egress) add_rules(cp::Direction::kOut, source_.egress, policy->rules);
    return {std::move(policy), std::move(applied_to_), std::move(peers_)};
  }

 private:
  void add_rules(cp::Direction direction, const std::vector<api::NetworkPolicyRule>& rules,
                 std::vector<cp::NetworkPolicyRule>& out) {
    for (const api::NetworkPolicyRule& rule : rules) {
      cp::NetworkPolicyRule& converted = out.emplace_back();
      converted.direction = direction;
      converted.action = cp::RuleAction::kAllow;
      converted.enable_logging = enable_logging_;
      converted.services.reserve(rule.ports.size());
      bool named_port = false;
      for (const api::NetworkPolicyPort& port : rule.ports) {
        converted.services.push_back(
            {.protocol = cp::ServiceProtocol{static_cast<std::uint8_t>(port.protocol)},
             .port = port.port,
             .end_port = port.end_port});
        named_port |= port.port && port.port->is_name();
      }
      (direction == cp::Direction::kIn ? converted.from : converted.to) =
          convert_peers(rule.peers, direction == cp::Direction::kOut && named_port);
    }
    if (rules.empty()) {  // only isolates
      cp::NetworkPolicyRule& isolation = out.emplace_back();
      isolation.direction = direction;
      isolation.enable_logging = enable_logging_;
    }
  }

  cp::NetworkPolicyPeer convert_peers(const std::vector<api::NetworkPolicyPeer>& peers,
                                      bool resolves_ports_at_peers) {
    cp::NetworkPolicyPeer converted;
    if (peers.empty()) {
      converted.ip_blocks = {{IpPrefix(IpAddress::v4(0), 0), {}},
                             {IpPrefix(IpAddress::v6({}), 0), {}}};
      // Every Pod that declares the port is meant, at its own number.
      if (resolves_ports_at_peers)
        converted.address_groups.push_back(
            groups_.name(use(peers_, {{}, api::LabelSelector{}, std::nullopt})));
      return converted;
    }
    for (const api::NetworkPolicyPeer& peer : peers) {
      if (peer.ip_block) {
        converted.ip_blocks.push_back(*peer.ip_block);
        continue;
      }
      const std::string& name = groups_.name(
          use(peers_, {source_.metadata.namespace_, peer.namespace_selector, peer.pod_selector}));
      if (std::ranges::find(converted.address_groups, name) == converted.address_groups.end())
        converted.address_groups.push_back(name);
    }
    return converted;
  }

  GroupId use(std::vector<GroupId>& used, const GroupSelector& selector) {
    const GroupId group = groups_.acquire(selector);
    if (std::ranges::find(used, group) == used.end())
      used.push_back(group);
    else
      groups_.release(group);
    return group;
  }

  const api::NetworkPolicy& source_;
  const bool enable_logging_;
  GroupIndex& groups_;
  std::vector<GroupId> applied_to_;
  std::vector<GroupId> peers_;
};

}  // namespace

ConvertedPolicy convert(const api::NetworkPolicy& policy, bool enable_logging, GroupIndex& groups) {
  return Converter(policy, enable_logging, groups).run();
}

}  // namespace antrea::policy
