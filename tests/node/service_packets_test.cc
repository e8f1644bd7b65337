// Services for every kind of client with real packets: Pods here and on another Node, the Nodes
// themselves, and a machine outside. Two Nodes that serve all of it without kube-proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using api::TrafficPolicy;
using lab::ask;

constexpr int kShort = 300;  // ms, for connections that shall not be made

class ServicePackets : public testing::Test {
 protected:
  struct World {
    World() {
      one.connect(two);
      outside.run({"ip", "link", "add", "eth0", "type", "veth", "peer", "name", "outside", "netns",
                   std::to_string(one.where.pid())});
      outside.run({"ip", "addr", "add", "172.18.0.9/24", "dev", "eth0"});
      outside.run({"ip", "link", "set", "eth0", "up"});
      outside.run({"ip", "route", "add", "default", "via", "172.18.0.1"});
      one.where.run({"ip", "link", "set", "outside", "up"});
      one.ovs.vsctl({"add-port", "br-phy", "outside"});
      outside.enter([] { EXPECT_TRUE(set_tx_checksum("eth0", false)); });
      for (Node* node : {&one, &two}) {
        node->where.enter([] { EXPECT_TRUE(set_tx_checksum("br-phy", false)); });
        proxy::NodeFacts facts;
        facts.node_port_addresses = {node->address()};
        node->commit(node->balancer->set_node(facts).pipeline);
      }
    }
    Node one{1, true}, two{2, true};
    Pod a{one, "pod-a", 2}, b{one, "pod-b", 3}, c{two, "pod-c", 2};
    Namespace outside;
  };

  static void SetUpTestSuite() {
    if (lab::can_switch()) world = new World();
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (world == nullptr) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  }
  static World* world;

  // A load balancer with a node port and an external IP in front of these Pods.
  static void serve(const std::vector<const Pod*>& pods, TrafficPolicy policy,
                    const std::vector<IpPrefix>& sources = {}, const char* mode = "nat") {
    proxy::ServiceChanges changes;
    api::Service& service = changes.services.emplace_back();
    service.metadata.namespace_ = "default";
    service.metadata.name = "web";
    service.metadata.annotations["service.antrea.io/load-balancer-mode"] = mode;
    service.type = api::ServiceType::kLoadBalancer;
    service.cluster_ips = {ip("10.96.0.10")};
    service.load_balancer_ips = {ip("203.0.113.1")};
    service.external_ips = {ip("198.51.100.1")};
    service.external_traffic_policy = policy;
    service.load_balancer_source_ranges = sources;
    service.ports.push_back({.protocol = api::Protocol::kTcp, .port = 8000, .node_port = 30080});
    api::EndpointSlice& slice = changes.slices.emplace_back();
    slice.metadata = service.metadata;
    slice.service_name = "web";
    slice.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 80});
    for (const Pod* pod : pods)
      slice.endpoints.push_back(
          {.addresses = {pod->address()}, .node_name = pod == &world->c ? "node-2" : "node-1"});
    for (Node* node : {&world->one, &world->two}) {
      node->commit(node->balancer->apply(changes).pipeline);
      node->set_up_host();
    }
  }

  // Who answers, and what address he saw: all of 16 connections.
  static std::set<std::string> answers(const Namespace& from, std::string_view to,
                                       std::uint16_t port) {
    std::set<std::string> out;
    for (int i = 0; i < 16; ++i) out.insert(ask(from, ip(to), port));
    return out;
  }
};
ServicePackets::World* ServicePackets::world = nullptr;

TEST_F(ServicePackets, EveryClientReachesEveryKindOfAddress) {
  serve({&world->b, &world->c}, TrafficPolicy::kCluster);
  struct Row {
    const char* client;
    const Namespace& from;
    const char* to;
    std::uint16_t port;
    std::set<std::string> want;
  };
  const std::string pod_a = world->a.address().to_string(), pod_c = world->c.address().to_string();
  const std::string gateway_1 = world->one.gateway().to_string(),
                    gateway_2 = world->two.gateway().to_string();
  // Addresses are kept, but for those of outside clients whose endpoint is on another Node, and the
  // Nodes' own, which have the gateway's; pod-c reaches itself through its gateway.
  const auto from_all = [](const std::string& address) {
    return std::set<std::string>{"pod-b " + address, "pod-c " + address};
  };
  const std::set<std::string> from_c{"pod-b " + pod_c, "pod-c " + gateway_2};
  const std::set<std::string> from_outside{"pod-b 172.18.0.9", "pod-c " + gateway_1};
  const Row rows[] = {
      {"Pod, cluster IP", world->a.where, "10.96.0.10", 8000, from_all(pod_a)},
      {"Pod, load balancer", world->a.where, "203.0.113.1", 8000, from_all(pod_a)},
      {"Pod, external IP", world->a.where, "198.51.100.1", 8000, from_all(pod_a)},
      {"Pod, its Node's port", world->a.where, "172.18.0.1", 30080, from_all(pod_a)},
      {"Pod that is an endpoint", world->c.where, "203.0.113.1", 8000, from_c},
      {"own Node, cluster IP", world->one.where, "10.96.0.10", 8000, from_all(gateway_1)},
      {"own Node, load balancer", world->one.where, "203.0.113.1", 8000, from_all(gateway_1)},
      {"own Node, node port", world->one.where, "172.18.0.1", 30080, from_all(gateway_1)},
      {"other Node, node port",
       world->two.where,
       "172.18.0.1",
       30080,
       {"pod-b 172.18.0.2", "pod-c " + gateway_1}},
      {"outside, node port", world->outside, "172.18.0.1", 30080, from_outside},
      {"outside, load balancer", world->outside, "203.0.113.1", 8000, from_outside},
      {"outside, external IP", world->outside, "198.51.100.1", 8000, from_outside},
  };
  for (const Row& row : rows)
    EXPECT_EQ(answers(row.from, row.to, row.port), row.want) << row.client;
}

TEST_F(ServicePackets, PolicyLocalKeepsTheClientsAddressAndTheNode) {
  serve({&world->b, &world->c}, TrafficPolicy::kLocal);
  const std::set<std::string> kept{"pod-b 172.18.0.9"};
  EXPECT_EQ(answers(world->outside, "172.18.0.1", 30080), kept);
  EXPECT_EQ(answers(world->outside, "203.0.113.1", 8000), kept);
  // For clients on the Node it is a Service like any other.
  EXPECT_EQ(answers(world->a.where, "203.0.113.1", 8000).size(), 2U);
  EXPECT_EQ(answers(world->one.where, "172.18.0.1", 30080).size(), 2U);
  // No endpoint here: nobody from outside gets in.
  serve({&world->c}, TrafficPolicy::kLocal);
  EXPECT_EQ(ask(world->outside, ip("172.18.0.1"), 30080, kShort), "");
  EXPECT_EQ(answers(world->a.where, "203.0.113.1", 8000),
            std::set<std::string>{"pod-c " + world->a.address().to_string()});
}

TEST_F(ServicePackets, SourceRangesKeepOthersOut) {
  serve({&world->b}, TrafficPolicy::kCluster, {*IpPrefix::parse("172.18.0.9/32")});
  EXPECT_EQ(ask(world->outside, ip("203.0.113.1"), 8000), "pod-b 172.18.0.9");
  EXPECT_EQ(ask(world->a.where, ip("203.0.113.1"), 8000, kShort), "");
  serve({&world->b}, TrafficPolicy::kCluster, {*IpPrefix::parse("192.0.2.0/24")});
  EXPECT_EQ(ask(world->outside, ip("203.0.113.1"), 8000, kShort), "");
  EXPECT_EQ(ask(world->outside, ip("198.51.100.1"), 8000), "pod-b 172.18.0.9");
}

// The endpoint on the other Node sees the client's own address, and answers without this Node.
TEST_F(ServicePackets, DirectServerReturnKeepsTheClientsAddress) {
  serve({&world->b, &world->c}, TrafficPolicy::kCluster, {}, "dsr");
  const std::set<std::string> kept{"pod-b 172.18.0.9", "pod-c 172.18.0.9"};
  EXPECT_EQ(answers(world->outside, "203.0.113.1", 8000), kept);
  EXPECT_EQ(answers(world->outside, "198.51.100.1", 8000), kept);
}

}  // namespace
}  // namespace antrea::node
