#include "antrea/node/host_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/node/host_policies.h"
#include "tests/addresses.h"

namespace antrea::node {
namespace {

using testing::IsEmpty;

NodeConfig serving_node() {
  NodeConfig out;
  out.name = "node-1";
  out.node_ips = {ip("172.18.0.1")};
  out.pod_cidrs = {cidr("10.10.1.0/24")};
  out.proxy_all = true;
  return out;
}

HostInputs all_known(const NodeConfig& config) {
  HostInputs all{.config = config};
  all.peers = {{"node-2", ip("172.18.0.2"), {cidr("10.10.2.0/24")}}};
  all.services.external_ips = {ip("203.0.113.1")};
  all.services_known = true;
  all.node_port_addresses = {ip("172.18.0.1")};
  policy::NodeRule rule;
  rule.key = "guarded";
  all.node_rules = policy::NodeRules{{rule}, {}};
  all.local_ports = {{{Family::kIPv4, api::Protocol::kTcp, 61000}, {ip("10.10.1.2"), 80}}};
  return all;
}

// What is read back of a host that has all of it: of tables those that are asked for.
HostState read_back(const HostState& all, const HostState& desired) {
  HostState actual = all;
  std::erase_if(actual.tables,
                [&](const auto& table) { return !desired.table_keys.contains(table.first); });
  return actual;
}

// An agent that starts again leaves alone what it does not know of yet. That nobody needs any of it
// is something that it knows.
TEST(HostInputs, WhatIsNotKnownStaysAndWhatIsNotNeededGoes) {
  const NodeConfig config = serving_node();
  const HostState all = desired_host_state(all_known(config));
  ASSERT_TRUE(all.tables.contains(std::string(kNodePolicyTable)));
  ASSERT_TRUE(all.tables.contains(std::string(kLocalPortTable)));
  ASSERT_TRUE(all.routes.contains(cidr("203.0.113.1/32")));

  HostInputs inputs{.config = config};
  inputs.peers = all_known(config).peers;
  inputs.node_port_addresses = all_known(config).node_port_addresses;
  const HostState unknown = desired_host_state(inputs);
  EXPECT_THAT(plan_host_network(unknown, read_back(all, unknown)), IsEmpty());

  struct Case {
    const char* name;
    std::function<void(HostInputs&)> learn;
    const char* goes;
  };
  const Case cases[] = {
      {"Services", [](HostInputs& to) { to.services_known = true; }, "no route 203.0.113.1/32"},
      {"policies", [](HostInputs& to) { to.node_rules.emplace(); }, "nft transaction of "},
      {"local ports", [](HostInputs& to) { to.local_ports.emplace(); }, "nft transaction of "}};
  for (const Case& each : cases) {
    HostInputs known = inputs;
    each.learn(known);
    const HostState desired = desired_host_state(known);
    std::vector<std::string> plan;
    for (const auto& operation : plan_host_network(desired, read_back(all, desired)))
      plan.push_back(describe(operation));
    EXPECT_THAT(plan, testing::Contains(testing::StartsWith(each.goes))) << each.name;
  }
}

}  // namespace
}  // namespace antrea::node
