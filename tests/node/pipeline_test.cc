#include "antrea/node/pipeline.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "antrea/api/pipeline.h"

namespace antrea::node {
namespace {

using openflow::Changes;
using openflow::Flow;
using openflow::FlowKey;

NodeConfig config() {
  NodeConfig out;
  out.name = "node-1";
  out.node_ips = {*IpAddress::parse("172.18.0.1")};
  out.pod_cidrs = {*IpPrefix::parse("10.10.1.0/24"), *IpPrefix::parse("fd00:10:10:1::/64")};
  out.gateway_mac = *MacAddress::parse("0a:00:00:00:00:01");
  return out;
}
PodInterface pod(unsigned n, std::string name = "") {
  return {name.empty() ? "pod-" + std::to_string(n) : name,
          n,
          MacAddress::from_bits(0x0a0000000000 + n),
          {IpAddress::v4(0x0a0a0100 + n)}};
}
PeerNode peer(unsigned n) {
  return {"node-" + std::to_string(n),
          IpAddress::v4(0xac120000 + n),
          {IpPrefix(IpAddress::v4(0x0a0a0000 + (n << 8)), 24)}};
}

struct Model {
  std::map<FlowKey, Flow> flows;
  void commit(const Changes& changes) {
    for (const auto& key : changes.remove_flows)
      EXPECT_EQ(flows.erase(key), 1U) << "removed what was not there";
    for (const auto& flow : changes.flows) {
      const auto old = flows.find(flow.key());
      EXPECT_TRUE(old == flows.end() || old->second != flow) << "set to what it was";
      flows.insert_or_assign(flow.key(), flow);
    }
  }
};

TEST(Pipeline, RepeatedInputChangesNothing) {
  Pipeline pipeline(config());
  EXPECT_FALSE(pipeline.start().empty());
  EXPECT_TRUE(pipeline.start().empty());
  EXPECT_FALSE(pipeline.add_pod(pod(2)).empty());
  EXPECT_TRUE(pipeline.add_pod(pod(2)).empty());
  EXPECT_FALSE(pipeline.add_peer(peer(2)).empty());
  EXPECT_TRUE(pipeline.add_peer(peer(2)).empty());
  EXPECT_TRUE(pipeline.remove_pod("other").empty());
  EXPECT_TRUE(pipeline.remove_peer("other").empty());
}

TEST(Pipeline, WhatIsAddedGoesAgain) {
  Pipeline pipeline(config());
  Model model;
  model.commit(pipeline.start());
  const auto before = model.flows;
  model.commit(pipeline.add_pod(pod(2)));
  EXPECT_EQ(model.flows.size(), before.size() + 6);
  model.commit(pipeline.add_peer(peer(2)));
  model.commit(pipeline.remove_pod("pod-2"));
  model.commit(pipeline.remove_peer("node-2"));
  EXPECT_EQ(model.flows, before);
}

TEST(Pipeline, ANewPodMayHaveTheAddressOfOneThatIsStillThere) {
  for (const bool old_sorts_first : {true, false}) {
    Pipeline pipeline(config()), expected(config());
    Model model, want;
    model.commit(pipeline.start());
    want.commit(expected.start());
    auto fresh = pod(3, "m");
    fresh.ips = pod(2).ips;
    const std::string old_name = old_sorts_first ? "a" : "z";
    model.commit(pipeline.add_pod(pod(2, old_name)));
    model.commit(pipeline.add_pod(fresh));
    model.commit(pipeline.remove_pod(old_name));
    want.commit(expected.add_pod(fresh));
    EXPECT_EQ(model.flows, want.flows);
  }
}

TEST(Pipeline, EndStateDoesNotDependOnTheOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    Pipeline wandering(config()), straight(config());
    Model a, b;
    a.commit(wandering.start());
    b.commit(straight.start());
    std::map<std::string, PodInterface> pods;
    std::map<std::string, PeerNode> peers;
    for (int step = 0; step < 60; ++step) {
      const unsigned n = 2 + random() % 6;
      switch (random() % 4) {
        case 0: {
          auto made = pod(2 + random() % 4, "pod-" + std::to_string(n));
          pods.insert_or_assign(made.name, made);
          a.commit(wandering.add_pod(made));
          break;
        }
        case 1:
          pods.erase("pod-" + std::to_string(n));
          a.commit(wandering.remove_pod("pod-" + std::to_string(n)));
          break;
        case 2: {
          auto made = peer(n);
          made.node_ip = IpAddress::v4(0xac120000 + random() % 3);
          peers.insert_or_assign(made.name, made);
          a.commit(wandering.add_peer(made));
          break;
        }
        default:
          peers.erase("node-" + std::to_string(n));
          a.commit(wandering.remove_peer("node-" + std::to_string(n)));
      }
    }
    for (auto p = peers.rbegin(); p != peers.rend(); ++p) b.commit(straight.add_peer(p->second));
    for (auto p = pods.rbegin(); p != pods.rend(); ++p) b.commit(straight.add_pod(p->second));
    EXPECT_EQ(a.flows, b.flows);
    EXPECT_EQ(a.flows.size(), wandering.flows().size());
    if (testing::Test::HasFailure()) return;
  }
}

void every_table_that_is_entered_has_a_miss(const NodeConfig& config) {
  Pipeline pipeline(config);
  pipeline.start();
  pipeline.add_pod(pod(2));
  pipeline.add_peer(peer(2));
  std::set<int> entered{0}, with_miss;
  const std::function<void(const openflow::Actions&)> walk = [&](const openflow::Actions& actions) {
    for (const auto& action : actions) {
      if (const auto* resubmit = std::get_if<openflow::Resubmit>(&action))
        entered.insert(resubmit->table.value);
      if (const auto* ct = std::get_if<openflow::Ct>(&action); ct != nullptr && ct->table)
        entered.insert(ct->table->value);
    }
  };
  for (const auto& flow : pipeline.flows()) {
    if (flow.goto_table) {
      EXPECT_GT(flow.goto_table->value, flow.table.value);
      entered.insert(flow.goto_table->value);
    }
    walk(flow.apply_actions);
    if (flow.priority == 0 && flow.match.empty()) with_miss.insert(flow.table.value);
  }
  EXPECT_EQ(entered, with_miss);
}

TEST(Pipeline, EveryTableThatIsEnteredHasAMiss) {
  NodeConfig with = config();
  every_table_that_is_entered_has_a_miss(with);
  with.proxy_all = with.dsr = true;
  every_table_that_is_entered_has_a_miss(with);
}

// Tables of Services hold nothing where kube-proxy serves them.
TEST(Pipeline, WithoutTheProxyThereIsOneTableOfServices) {
  NodeConfig without = config();
  without.proxy = false;
  without.service_cidrs = {*IpPrefix::parse("10.96.0.0/12")};
  every_table_that_is_entered_has_a_miss(without);
  Pipeline pipeline(without);
  pipeline.start();
  pipeline.add_pod(pod(2));
  std::set<std::string_view> tables;
  for (const auto& flow : pipeline.flows())
    tables.insert(name_of(api::pipeline::Table{flow.table.value}));
  EXPECT_TRUE(tables.contains("DNAT"));
  for (const char* name : {"UnSNAT", "PreRoutingClassifier", "NodePortMark", "SessionAffinity",
                           "ServiceLB", "DSRServiceMark", "EndpointDNAT", "SNATMark", "SNAT"})
    EXPECT_FALSE(tables.contains(name)) << name;
}

TEST(Pipeline, OnlyAUserspaceDatapathLooksAtTheHostsMac) {
  auto kernel = config();
  auto userspace = config();
  userspace.userspace_datapath = true;
  Pipeline a(kernel), b(userspace);
  a.start();
  b.start();
  EXPECT_EQ(b.flows().size(), a.flows().size() + 2);  // one a family
}

}  // namespace
}  // namespace antrea::node
