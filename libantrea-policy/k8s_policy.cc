#include "k8s_policy.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;

class Converter {
 public:
  Converter(const api::NetworkPolicy& source, bool enable_logging, GroupIndex& groups)
      : source_(source),
        enable_logging_(enable_logging),
        builder_(source.metadata, cp::PolicyType::kK8sNetworkPolicy, groups) {}

  ConvertedPolicy run() {
    cp::NetworkPolicy& policy = builder_.policy();
    targets_ = {builder_.target({source_.metadata.namespace_, nullptr, &source_.pod_selector})};
    policy.applied_to_groups = builder_.names(targets_);
    policy.rules.reserve(
        (source_.policy_ingress ? std::max<std::size_t>(1, source_.ingress.size()) : 0) +
        (source_.policy_egress ? std::max<std::size_t>(1, source_.egress.size()) : 0));
    if (source_.policy_ingress) add_rules(cp::Direction::kIn, source_.ingress, policy.rules);
    if (source_.policy_egress) add_rules(cp::Direction::kOut, source_.egress, policy.rules);
    return builder_.finish();
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
      converted.peers = convert_peers(rule.peers, direction == cp::Direction::kOut && named_port);
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
    FewIds groups;
    const auto add = [&](const GroupSelectorView& selector) {
      const GroupId group = builder_.peer(selector);
      if (std::ranges::find(groups, group) != groups.end()) return;
      groups.push_back(group);
      converted.address_groups.push_back(builder_.name(group));
    };
    if (peers.empty()) {
      converted.ip_blocks = any_blocks();
      // Every Pod that declares the port is meant, at its own number.
      static const api::LabelSelector kAll;
      if (resolves_ports_at_peers) add({{}, &kAll, nullptr});
    }
    for (const api::NetworkPolicyPeer& peer : peers) {
      if (peer.ip_block)
        converted.ip_blocks.push_back(*peer.ip_block);
      else
        add({source_.metadata.namespace_, peer.namespace_selector, peer.pod_selector});
    }
    builder_.link(targets_, groups);
    return converted;
  }

  const api::NetworkPolicy& source_;
  const bool enable_logging_;
  PolicyBuilder builder_;
  FewIds targets_;
};

}  // namespace

ConvertedPolicy convert(const api::NetworkPolicy& policy, bool enable_logging, GroupIndex& groups) {
  return Converter(policy, enable_logging, groups).run();
}

}  // namespace antrea::policy
