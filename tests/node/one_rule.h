#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "antrea/node/interface_store.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {

/// A policy of one rule at one Pod, in the switch of its Node while this lives.
class OneRule {
 public:
  using Rule = api::controlplane::NetworkPolicyRule;
  using PolicyType = api::controlplane::PolicyType;

  OneRule(Node& node, const Pod& at, const Rule& rule,
          PolicyType type = PolicyType::kAntreaClusterNetworkPolicy)
      : node_(node) {
    namespace cp = api::controlplane;
    auto group = std::make_shared<cp::AppliedToGroup>();
    group->metadata.name = "at";
    group->members.push_back({.kind = cp::MemberKind::kPod, .key = {"default", at.server_name}});
    auto policy = std::make_shared<cp::NetworkPolicy>();
    policy->metadata.name = policy->metadata.uid = "p";
    policy->source_ref = {type, "default", "p", "p"};
    if (type != PolicyType::kK8sNetworkPolicy) {
      policy->tier_priority = 250;
      policy->priority = 5;
    }
    policy->applied_to_groups = {"at"};
    policy->rules = {rule};
    apply(
        {policy::AppliedToGroupUpserted(group), policy::PolicyUpserted(policy),
         policy::PodInterface{{"default", at.server_name}, at.interface.ofport, at.interface.ips}});
  }
  OneRule(Node& node, const Pod& at, api::controlplane::Direction direction,
          api::controlplane::RuleAction action, const std::vector<IpPrefix>& peers)
      : OneRule(node, at, rule(direction, action, peers)) {}
  ~OneRule() { apply({policy::PolicyDeleted{"p"}}); }
  OneRule(const OneRule&) = delete;
  OneRule& operator=(const OneRule&) = delete;

  static Rule rule(api::controlplane::Direction direction, api::controlplane::RuleAction action,
                   const std::vector<IpPrefix>& peers) {
    Rule made;
    made.direction = direction;
    made.action = action;
    for (const IpPrefix& peer : peers) made.peers.ip_blocks.push_back({peer, {}});
    return made;
  }

 private:
  void apply(const std::vector<policy::RuleInput>& inputs) {
    const auto rules = cache_.apply(inputs);
    ASSERT_TRUE(rules) << rules.error().to_string();
    node_.commit(compiler_.apply(*rules));
  }

  Node& node_;
  policy::RuleCache cache_;
  policy::FlowCompiler compiler_;
};

/// The addresses of a Pod, for rules about it.
inline std::vector<IpPrefix> hosts_of(const Pod& pod) {
  std::vector<IpPrefix> out;
  for (const IpAddress& address : pod.interface.ips) out.push_back(IpPrefix::host(address));
  return out;
}

/// What an agent knows of a Node with these Pods.
inline InterfaceStore store_of(std::initializer_list<const Pod*> pods) {
  InterfaceStore store;
  for (const Pod* pod : pods) {
    Interface interface;
    interface.name = pod->interface.name;
    interface.ofport = pod->interface.ofport;
    interface.mac = pod->interface.mac;
    interface.ips = pod->interface.ips;
    interface.container_id = pod->server_name;
    store.add(interface);
  }
  return store;
}

}  // namespace antrea::node
