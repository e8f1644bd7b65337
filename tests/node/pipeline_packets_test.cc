// The pipeline with real packets: two Nodes with Open vSwitch in userspace, three Pods, the host
// networks of both Nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "antrea/node/host_network.h"
#include "antrea/node/netlink.h"
#include "antrea/node/node_routes.h"
#include "antrea/node/pipeline.h"
#include "antrea/proxy/balancer.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using api::pipeline::Table;
using lab::ask;
using lab::Namespace;
using lab::Server;
using testing::StartsWith;

class PipelinePackets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!lab::can_switch()) return;
    world = new World();
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (world == nullptr) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  }

  struct World {
    World() {
      one.connect(two);
      one.set_up_host();
      two.set_up_host();
    }
    Node one{1}, two{2};
    Pod a{one, "pod-a", 2}, b{one, "pod-b", 3}, c{two, "pod-c", 2};
  };
  static World* world;

  // A Service of all Pods given, on both Nodes.
  void serve(const std::string& name, std::string_view cluster_ip,
             const std::vector<const Pod*>& pods, bool affinity = false) {
    proxy::ServiceChanges changes;
    api::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = name;
    service.cluster_ips = {ip(cluster_ip)};
    service.session_affinity_client_ip = affinity;
    service.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 8000});
    api::EndpointSlice slice;
    slice.metadata = service.metadata;
    slice.service_name = name;
    slice.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 80});
    for (const auto* pod : pods) slice.endpoints.push_back({.addresses = {pod->address()}});
    changes.services = {service};
    changes.slices = {slice};
    for (Node* node : {&world->one, &world->two})
      node->commit(node->balancer->apply(changes).pipeline);
    served.insert(name);
  }
  void TearDown() override {
    for (const auto& name : served)
      for (Node* node : {&world->one, &world->two})
        node->commit(
            node->balancer
                ->apply(proxy::ServiceChanges{{}, {{"default", name}}, {}, {{"default", name}}})
                .pipeline);
  }
  std::set<std::string> served;

  // What a NetworkPolicy that allows nothing does to a Pod.
  static openflow::Flow isolation(const Pod& pod) {
    openflow::Flow drop;
    drop.table = openflow::TableId{static_cast<std::uint8_t>(Table::kIngressDefaultRule)};
    drop.priority = 200;
    drop.match.set_reg(1, pod.interface.ofport);
    return drop;
  }
  struct Isolated {
    Isolated(Node& n, const Pod& pod) : node(n), flow(isolation(pod)) {
      openflow::Changes changes;
      changes.flows = {flow};
      node.commit(changes);
    }
    ~Isolated() {
      openflow::Changes changes;
      changes.remove_flows = {flow.key()};
      node.commit(changes);
    }
    Node& node;
    openflow::Flow flow;
  };
};
PipelinePackets::World* PipelinePackets::world = nullptr;

constexpr int kShort = 1500;  // one SYN and the next

TEST_F(PipelinePackets, PodsOfOneNodeReachEachOther) {
  EXPECT_EQ(ask(world->a.where, world->b.address(), 80), "pod-b " + world->a.address().to_string());
  EXPECT_EQ(ask(world->b.where, world->a.address(), 80), "pod-a " + world->b.address().to_string());
}

TEST_F(PipelinePackets, PodsReachTheHostAndTheHostThePods) {
  const Server host(world->one.where, "host", 9000);
  EXPECT_EQ(ask(world->a.where, world->one.gateway(), 9000),
            "host " + world->a.address().to_string());
  EXPECT_EQ(ask(world->a.where, world->one.address(), 9000),
            "host " + world->a.address().to_string());
  EXPECT_EQ(ask(world->one.where, world->a.address(), 80),
            "pod-a " + world->one.gateway().to_string());
  // Whatever address of its own a process of the host uses, the Pod sees the gateway's.
  const auto node_ip = world->one.address();
  EXPECT_EQ(ask(world->one.where, world->a.address(), 80, 10'000, &node_ip),
            "pod-a " + world->one.gateway().to_string());
}

TEST_F(PipelinePackets, PodsOfTwoNodesReachEachOtherThroughTheTunnel) {
  // The first packets wait for the underlay's neighbours.
  EXPECT_TRUE(lab::eventually(
      [&] { return !ask(world->a.where, world->c.address(), 80, kShort).empty(); }));
  EXPECT_EQ(ask(world->a.where, world->c.address(), 80), "pod-c " + world->a.address().to_string());
  EXPECT_EQ(ask(world->c.where, world->b.address(), 80), "pod-b " + world->c.address().to_string());
  EXPECT_EQ(ask(world->one.where, world->c.address(), 80),
            "pod-c " + world->one.gateway().to_string());
}

TEST_F(PipelinePackets, ForgedSourceIsDropped) {
  EXPECT_TRUE(lab::datagram_arrives(world->a.where, world->a.address(), world->b.where,
                                    world->b.address()));
  EXPECT_FALSE(
      lab::datagram_arrives(world->a.where, ip("10.10.1.99"), world->b.where, world->b.address()));
  EXPECT_FALSE(lab::datagram_arrives(world->a.where, world->c.address(), world->b.where,
                                     world->b.address()));
  EXPECT_FALSE(lab::datagram_arrives(world->a.where, world->one.gateway(), world->b.where,
                                     world->b.address()));
}

TEST_F(PipelinePackets, ForgedNeighbourIsDropped) {
  // pod-a says that it has the address of another Pod.
  world->a.where.run({"ip", "addr", "add", "10.10.1.77/24", "dev", "eth0"});
  const auto forged = ip("10.10.1.77");
  EXPECT_EQ(ask(world->a.where, world->b.address(), 80, kShort, &forged), "");
  world->a.where.run({"ip", "addr", "del", "10.10.1.77/24", "dev", "eth0"});
  EXPECT_THAT(world->b.where.run({"ip", "neigh"}),
              testing::Not(testing::HasSubstr("10.10.1.77 dev eth0 lladdr")));
}

TEST_F(PipelinePackets, TheHostDoesNotHearAPodBesideTheSwitch) {
  const Server host(world->one.where, "host", 9002);
  EXPECT_THAT(ask(world->a.where, world->one.gateway(), 9002), StartsWith("host"));
  const auto neighbours =
      world->a.where.run({"ip", "neigh", "show", world->one.gateway().to_string()});
  EXPECT_THAT(neighbours, testing::HasSubstr(world->one.config.gateway_mac.to_string()));
}

TEST_F(PipelinePackets, AClusterIpSpreadsOverItsEndpoints) {
  serve("web", "10.96.0.10", {&world->b, &world->c});
  ASSERT_TRUE(lab::eventually(
      [&] { return !ask(world->a.where, world->c.address(), 80, kShort).empty(); }));
  std::map<std::string, int> answers;
  for (int i = 0; i < 100; ++i) ++answers[ask(world->a.where, ip("10.96.0.10"), 8000)];
  const auto client = " " + world->a.address().to_string();
  EXPECT_EQ(answers.size(), 2U);
  // Fair coins give less than 20 of 100 once in a billion times.
  EXPECT_GT(answers["pod-b" + client], 20);
  EXPECT_GT(answers["pod-c" + client], 20);
}

TEST_F(PipelinePackets, AClusterIpWithoutEndpointsIsNotReached) {
  serve("none", "10.96.0.11", {});
  EXPECT_EQ(ask(world->a.where, ip("10.96.0.11"), 8000, kShort), "");
}

TEST_F(PipelinePackets, SessionAffinityKeepsAClientAtItsEndpoint) {
  serve("sticky", "10.96.0.12", {&world->a, &world->b}, true);
  std::set<std::string> answers{ask(world->c.where, ip("10.96.0.12"), 8000)};
  // What the datapath has cached from before it learned is not used any more.
  for (Node* node : {&world->one, &world->two}) node->ovs.appctl({"revalidator/wait"});
  for (int i = 0; i < 20; ++i) answers.insert(ask(world->c.where, ip("10.96.0.12"), 8000));
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers.contains(""));
  // Its endpoint goes: it is led to another.
  const bool was_a = answers.begin()->starts_with("pod-a");
  serve("sticky", "10.96.0.12", {was_a ? &world->b : &world->a}, true);
  EXPECT_THAT(ask(world->c.where, ip("10.96.0.12"), 8000), StartsWith(was_a ? "pod-b" : "pod-a"));
}

TEST_F(PipelinePackets, APodReachesItselfThroughItsService) {
  serve("self", "10.96.0.13", {&world->a});
  EXPECT_EQ(ask(world->a.where, ip("10.96.0.13"), 8000),
            "pod-a " + world->one.gateway().to_string());
  const Isolated isolated(world->one, world->a);
  EXPECT_EQ(ask(world->a.where, ip("10.96.0.13"), 8000),
            "pod-a " + world->one.gateway().to_string());
}

TEST_F(PipelinePackets, AnIsolatedPodIsReachedByItsNodeOnly) {
  serve("isolated", "10.96.0.14", {&world->b});
  const Isolated isolated(world->one, world->b);
  EXPECT_EQ(ask(world->a.where, world->b.address(), 80, kShort), "");
  EXPECT_EQ(ask(world->c.where, world->b.address(), 80, kShort), "");
  EXPECT_EQ(ask(world->two.where, world->b.address(), 80, kShort), "")
      << "another Node is not its Node";
  // Several SYNs: the connection that the first one committed on its way must not open the door for
  // the next.
  EXPECT_EQ(ask(world->a.where, ip("10.96.0.14"), 8000, 4000), "");
  EXPECT_EQ(ask(world->one.where, world->b.address(), 80),
            "pod-b " + world->one.gateway().to_string());
}

TEST_F(PipelinePackets, MasqueradedTrafficDoesNotPassForTheNodes) {
  const Namespace outside;
  world->one.where.run({"ip", "link", "add", "ext0", "type", "veth", "peer", "name", "eth0",
                        "netns", std::to_string(outside.pid())});
  world->one.where.run({"ip", "addr", "add", "192.168.50.1/24", "dev", "ext0"});
  world->one.where.run({"ip", "link", "set", "ext0", "up"});
  outside.run({"ip", "addr", "add", "192.168.50.2/24", "dev", "eth0"});
  outside.run({"ip", "link", "set", "eth0", "up"});
  outside.run({"ip", "route", "add", "default", "via", "192.168.50.1"});
  outside.enter([] { EXPECT_TRUE(set_tx_checksum("eth0", false)); });
  EXPECT_EQ(ask(outside, world->b.address(), 80), "pod-b 192.168.50.2");
  world->one.where.run(
      {"nft",
       "table ip test { chain c { type nat hook postrouting priority 50; oifname antrea-gw0 "
       "ip saddr 192.168.50.0/24 masquerade; }; }"});
  EXPECT_EQ(ask(outside, world->b.address(), 80), "pod-b " + world->one.gateway().to_string());
  const Isolated isolated(world->one, world->b);
  EXPECT_EQ(ask(outside, world->b.address(), 80, kShort), "");
  EXPECT_THAT(ask(world->one.where, world->b.address(), 80), StartsWith("pod-b"));

  // And Pods are masqueraded on their way out, not on their way to other Pods.
  const Server server(outside, "outside", 9001);
  outside.run({"ip", "route", "del", "default"});
  EXPECT_EQ(ask(world->a.where, ip("192.168.50.2"), 9001), "outside 192.168.50.1");
}

TEST_F(PipelinePackets, ARemovedPodIsGone) {
  {
    Pod d(world->one, "pod-d", 9);
    EXPECT_THAT(ask(world->a.where, d.address(), 80), StartsWith("pod-d"));
    world->one.commit(world->one.pipeline->remove_pod(d.interface.name));
    EXPECT_EQ(ask(world->a.where, d.address(), 80, kShort), "");
    world->one.ovs.vsctl({"del-port", "br-int", d.interface.name});
  }
  EXPECT_THAT(ask(world->a.where, world->b.address(), 80), StartsWith("pod-b"));
}

TEST_F(PipelinePackets, TheHostNetworkIsWrittenOnce) {
  world->one.where.enter([&] {
    auto host = HostNetwork::open();
    ASSERT_TRUE(host);
    const auto again = host->apply(desired_host_state(world->one.config, world->one.peers));
    ASSERT_TRUE(again) << again.error().to_string();
    for (const auto& operation : *again) ADD_FAILURE() << describe(operation);
  });
}

// All flows as the switch prints them, beside a table in the tree.
TEST(PipelineFlows, AreThoseOfTheTable) {
  if (!lab::can_switch()) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  NodeConfig config;
  config.name = "node-1";
  config.node_ips = {ip("172.18.0.1")};
  config.pod_cidrs = {*IpPrefix::parse("10.10.1.0/24"), *IpPrefix::parse("fd00:10:10:1::/64")};
  config.gateway_mac = *MacAddress::parse("0a:00:00:00:00:01");
  config.userspace_datapath = true;
  Pipeline pipeline(config);
  proxy::Balancer balancer({.node_name = config.name});

  const Namespace where;
  const lab::OpenVSwitch ovs(where);
  ovs.vsctl({"add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev",
             "fail_mode=secure", "protocols=OpenFlow15"});
  ovs.commit("br-int", pipeline.start());
  ovs.commit("br-int", balancer.start());
  ovs.commit("br-int", pipeline.add_pod({"web-1",
                                         5,
                                         *MacAddress::parse("0a:00:00:00:00:05"),
                                         {ip("10.10.1.5"), ip("fd00:10:10:1::5")}}));
  ovs.commit("br-int", pipeline.add_peer({"node-2",
                                          ip("172.18.0.2"),
                                          {*IpPrefix::parse("10.10.2.0/24"),
                                           *IpPrefix::parse("fd00:10:10:2::/64")}}));
  api::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "web";
  service.cluster_ips = {ip("10.96.0.10"), ip("fd00:96::10")};
  service.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 80});
  service.session_affinity_client_ip = true;
  ovs.commit("br-int", balancer.apply(service).pipeline);
  for (const auto& [name, family, address] :
       {std::tuple("web-4", Family::kIPv4, ip("10.10.1.5")),
        std::tuple("web-6", Family::kIPv6, ip("fd00:10:10:1::5"))}) {
    api::EndpointSlice slice;
    slice.metadata.namespace_ = "default";
    slice.metadata.name = name;
    slice.service_name = "web";
    slice.address_type = family;
    slice.endpoints.push_back({.addresses = {address}});
    slice.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 8080});
    ovs.commit("br-int", balancer.apply(slice).pipeline);
  }

  const auto lines = [](std::istream&& in) {
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) {
      line.erase(0, line.find_first_not_of(' '));
      if (!line.empty() && !line.starts_with('#') && !line.starts_with("OFPST"))
        out.push_back(line);
    }
    std::ranges::sort(out);
    return out;
  };
  const auto dump = ovs.ofctl({"--no-names", "--no-stats", "dump-flows", "br-int"}) +
                    ovs.ofctl({"--no-names", "dump-groups", "br-int"});
  const std::string golden = ANTREA_SOURCE_DIR "/tests/node/golden/pipeline_flows.txt";
  const auto actual = lines(std::istringstream(dump));
  if (std::getenv("ANTREA_UPDATE_GOLDEN") != nullptr) {
    std::ofstream out(golden);
    out << "# ovs-ofctl -O OpenFlow15 dump-flows and dump-groups of Open vSwitch 3.1.0, without "
           "statistics, sorted;\n"
           "# written by ANTREA_UPDATE_GOLDEN=1 node_test, read against "
           "docs/design/ovs-pipeline.md of Antrea.\n";
    for (const auto& line : actual) out << line << "\n";
  }
  EXPECT_EQ(actual, lines(std::ifstream(golden)));
}

}  // namespace
}  // namespace antrea::node
