// Egress with real packets: two Nodes with Open vSwitch in userspace, a Pod on one, and a server
// outside of the cluster that tells where its clients come from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/node/egress_flows.h"
#include "antrea/node/egress_host.h"
#include "tests/node/kept_lease.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using lab::ask;
using testing::IsEmpty;

const IpAddress kOutside = ip("172.18.0.9"), kEgressIp = ip("172.18.0.100");
constexpr EgressMark kMark = 7;

/// A Node that has Egress, and its lease while it keeps it.
struct EgressNode {
  explicit EgressNode(int number) : node(number, false, true), flows(node.config, false) {
    node.commit(flows.start());
  }

  void paths(EgressExit exit, const std::vector<const Pod*>& pods) {
    EgressPaths wanted;
    wanted.exits[kEgressIp] = exit;
    for (const Pod* pod : pods) wanted.pods[pod->interface.ofport] = {kEgressIp};
    wanted.exceptions = {IpPrefix::host(node.address())};
    node.commit(flows.apply(wanted));
  }
  std::size_t host(const std::vector<LocalEgressIp>& local) {
    std::size_t done = 0;
    node.where.enter([&] {
      auto shell = EgressHost::open();
      ASSERT_TRUE(shell) << shell.error().to_string();
      const auto plan = shell->apply(desired_egress_host(node.config, "br-phy", {.local = local}));
      ASSERT_TRUE(plan) << plan.error().to_string();
      done = plan->size();
    });
    return done;
  }

  Node node;
  EgressFlows flows;
  std::optional<KeptLease> lease;
};

class EgressPackets : public testing::Test {
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
      one.node.connect(two.node);
      for (Node* node : {&one.node, &two.node}) node->set_up_host();
      two.node.where.run({"ip", "link", "add", "outside", "type", "veth", "peer", "name", "eth0",
                          "netns", std::to_string(outside.pid())});
      two.node.where.run({"ip", "link", "set", "outside", "up"});
      two.node.ovs.vsctl({"add-port", "br-phy", "outside"});
      outside.run({"ip", "link", "set", "eth0", "up"});
      outside.run({"ip", "addr", "add", kOutside.to_string() + "/24", "dev", "eth0"});
      outside.enter([] { EXPECT_TRUE(set_tx_checksum("eth0", false)); });
      server.emplace(outside, "outside", 80);
      for (EgressNode* each : {&one, &two}) each->lease.emplace(each->node.where);
    }
    EgressNode one{1}, two{2};
    Pod pod{one.node, "pod-a", 2}, other{one.node, "pod-b", 3};
    Namespace outside;
    std::optional<Server> server;
  };
  static World* world;

  void have(EgressNode& owner, bool assigned = true) {
    EgressNode& other = &owner == &world->one ? world->two : world->one;
    other.host({});
    owner.host({{kEgressIp, kMark, assigned, {}}});
    for (EgressNode* each : {&owner, &other}) {
      std::vector<const Pod*> pods;
      if (each == &world->one) pods = {&world->pod};
      if (each == &owner)
        each->paths(EgressHere{kMark, {}}, pods);
      else
        each->paths(EgressThere{owner.node.address()}, pods);
    }
    // As an announcement does.
    world->outside.run({"ip", "neigh", "flush", "dev", "eth0"});
  }
  static std::string seen_from(const Pod& pod) { return ask(pod.where, kOutside, 80); }
  /// Two SYNs in vain.
  static bool silent(const Pod& pod) { return ask(pod.where, kOutside, 80, 1500).empty(); }
};
EgressPackets::World* EgressPackets::world = nullptr;

TEST_F(EgressPackets, LeavesHereWithTheEgressIp) {
  have(world->one);
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
  EXPECT_EQ(seen_from(world->other), "outside 172.18.0.1") << "is not selected";
}

TEST_F(EgressPackets, LeavesThereWithTheEgressIp) {
  have(world->two);
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
  EXPECT_EQ(seen_from(world->other), "outside 172.18.0.1") << "is not selected";
}

TEST_F(EgressPackets, WhatIsNowhereNeverLeavesWithTheNodesAddress) {
  have(world->one);
  world->one.host({});
  EXPECT_TRUE(silent(world->pod)) << "the switch says here, the host knows nothing of it";
  world->one.paths(EgressNowhere{}, {&world->pod});
  EXPECT_TRUE(silent(world->pod));
  world->one.paths(EgressThere{world->two.node.address()}, {&world->pod});
  world->two.host({});
  world->two.paths(EgressNowhere{}, {});
  EXPECT_TRUE(silent(world->pod)) << "there they say nowhere";
}

TEST_F(EgressPackets, ExceptionsLeaveWithTheNodesAddress) {
  have(world->two);
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
  EgressPaths paths;
  paths.exits[kEgressIp] = EgressThere{world->two.node.address()};
  paths.pods[world->pod.interface.ofport] = {kEgressIp};
  paths.exceptions = {IpPrefix::host(kOutside)};
  world->one.node.commit(world->one.flows.apply(paths));
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.1");
}

TEST_F(EgressPackets, WithoutALeaseNothingLeavesAndNobodyAnswers) {
  have(world->one);
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
  EXPECT_THAT(world->outside.run({"sh", "-c", "ping -c 1 -W 1 172.18.0.100 >/dev/null; echo $?"}),
              "0\n");
  world->one.lease.reset();
  EXPECT_TRUE(lab::eventually([] { return silent(world->pod); })) << "the lease runs out";
  world->outside.run({"ip", "neigh", "flush", "dev", "eth0"});
  EXPECT_THAT(world->outside.run({"sh", "-c", "ping -c 1 -W 1 172.18.0.100 >/dev/null; echo $?"}),
              "1\n");
  EXPECT_EQ(seen_from(world->other), "outside 172.18.0.1") << "all else goes on";
  world->one.lease.emplace(world->one.node.where);
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
}

// As when the network has not heard yet that the address has moved.
TEST_F(EgressPackets, WhatComesBackToTheOldOwnerGoesOnToTheNewOne) {
  have(world->two, false);
  const std::string link = world->one.node.where.run({"ip", "-o", "link", "show", "br-phy"});
  const std::string mac = link.substr(link.find("link/ether ") + 11, 17);
  world->outside.run({"ip", "neigh", "replace", kEgressIp.to_string(), "lladdr", mac, "nud",
                      "permanent", "dev", "eth0"});
  EXPECT_TRUE(silent(world->pod)) << "nobody answers for the address yet";
  world->one.host({{kEgressIp, kMark, false, world->two.node.address()}});
  EXPECT_EQ(seen_from(world->pod), "outside 172.18.0.100");
  EXPECT_EQ(world->one.host({{kEgressIp, kMark, false, world->two.node.address()}}), 0U);
  world->outside.run({"ip", "neigh", "del", kEgressIp.to_string(), "dev", "eth0"});
}

TEST_F(EgressPackets, TheHostIsReadBack) {
  EXPECT_GT(world->one.host({}) + world->one.host({{kEgressIp, kMark, true, {}}}), 0U);
  EXPECT_EQ(world->one.host({{kEgressIp, kMark, true, {}}}), 0U)
      << "by another shell, as after a start";
  world->one.node.where.enter([&] {
    auto shell = EgressHost::open();
    const auto found = shell->read(desired_egress_host(world->one.node.config, "br-phy"));
    ASSERT_TRUE(found);
    EXPECT_THAT(egress_marks(*found), testing::ElementsAre(testing::Pair(kEgressIp, kMark)));
    EXPECT_TRUE(shell->withdraw());
    const auto after = shell->read(desired_egress_host(world->one.node.config, "br-phy"));
    EXPECT_THAT(after->addresses, IsEmpty());
  });
}

}  // namespace
}  // namespace antrea::node
