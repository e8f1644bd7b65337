// What a Node decides for Egress, and the flows that follow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/api/pipeline.h"
#include "antrea/node/egress_director.h"
#include "tests/addresses.h"

namespace antrea::node {
namespace {

using egress::EgressIp;
using egress::Placement;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const IpAddress kIp = ip("172.18.0.100");
const TimePoint kStart = TimePoint{} + std::chrono::hours(1);

api::crd::Egress egress_of(std::string name, std::vector<std::string> ips,
                           std::string created = "2026-01-01T00:00:00Z") {
  api::crd::Egress out;
  out.metadata.name = std::move(name);
  out.metadata.creation_timestamp = std::move(created);
  for (const auto& each : ips) out.spec.addresses.push_back({ip(each), "pool"});
  return out;
}

/// Node one of three, with Pods web (port 5) and db (port 6).
struct World {
  World() {
    view.settled = true;
    view.nodes = {{"two", ip("172.18.0.2")}, {"three", ip("172.18.0.3")}};
    view.alive = {"one", "two", "three"};
    view.pods = {{{"default", "web"}, {5}}, {{"default", "db"}, {6}}};
    add(egress_of("e", {kIp.to_string()}), {"web"});
  }
  void add(api::crd::Egress egress, std::vector<std::string> pods) {
    const std::string name = egress.metadata.name;
    auto& group = view.groups[name];
    for (const auto& pod : pods) group.push_back({"default", pod});
    for (const auto& address : egress.spec.addresses)
      if (address.ip) placements.try_emplace({name, *address.ip});
    view.egresses.insert_or_assign(name, std::move(egress));
  }
  void place(const std::string& owner) { placements[{"e", kIp}] = {"pool", owner, "", {}}; }
  EgressDecision decide(Duration after = {}) {
    return director.decide(view, placements, kStart + after);
  }

  EgressView view;
  std::map<EgressIp, Placement> placements;
  EgressDirector director{"one"};
};

TEST(EgressDirector, AnAddressIsHereThereOrNowhere) {
  World world;
  EXPECT_EQ(world.decide().paths.exits.at(kIp), EgressExit(EgressNowhere{}));
  world.place("two");
  EXPECT_EQ(world.decide().paths.exits.at(kIp), EgressExit(EgressThere{ip("172.18.0.2")}));
  World here;
  here.place("one");
  const auto decision = here.decide();
  EXPECT_TRUE(std::holds_alternative<EgressHere>(decision.paths.exits.at(kIp)));
  EXPECT_THAT(decision.owned, ElementsAre(kIp));
  ASSERT_EQ(decision.local.size(), 1U);
  EXPECT_TRUE(decision.local[0].assigned);
  EXPECT_TRUE(decision.serving);
  EXPECT_THAT(decision.paths.pods, ElementsAre(Pair(5U, ElementsAre(kIp))));
}

TEST(EgressDirector, WhoHasAddressesOrIsNextIsAskedForBeforehand) {
  World world;
  world.placements[{"e", kIp}] = {"pool", "two", "one", {}};
  EXPECT_THAT(world.decide().probes, ElementsAre(ip("172.18.0.2")));
  EXPECT_THAT(world.decide(seconds(1)).probes, IsEmpty());
  world.placements[{"e", kIp}] = {"pool", "two", "three", {}};
  EXPECT_THAT(world.decide(seconds(2)).probes, ElementsAre(ip("172.18.0.3")));
  EXPECT_EQ(world.director.next_deadline(), kStart + EgressDirector::kProbeAgain);
  EXPECT_THAT(world.decide(EgressDirector::kProbeAgain).probes, ElementsAre(ip("172.18.0.2")));
}

TEST(EgressDirector, WhatADeadNodeHadIsTakenAtOnce) {
  World world;
  world.place("two");
  world.decide();
  world.view.alive.erase("two");
  world.place("one");
  EXPECT_THAT(world.decide(seconds(1)).owned, ElementsAre(kIp));
}

TEST(EgressDirector, WhatANodeHadThatHasJustComeBackIsTakenAtOnce) {
  World world;
  world.place("two");
  world.decide();
  world.view.returning = {"two"};
  world.place("one");
  EXPECT_THAT(world.decide(seconds(1)).owned, ElementsAre(kIp));
  // It had the address all the same where nobody else could: then it is a planned move.
  World later;
  later.view.returning = {"two"};
  later.place("two");
  later.decide();
  later.place("one");
  EXPECT_THAT(later.decide(seconds(1)).owned, IsEmpty());
}

TEST(EgressDirector, TrafficFollowsAPlannedMoveWhenTheNewOwnerKnowsOfIt) {
  const auto exit_at = [](World& world, Duration when) {
    return world.decide(when).paths.exits.at(kIp);
  };
  const EgressExit two = EgressThere{ip("172.18.0.2")}, three = EgressThere{ip("172.18.0.3")};
  const auto switched = seconds(1) + EgressDirector::kSwitchover;
  static_assert(EgressDirector::kSwitchover < EgressDirector::kTakeover);

  World world;
  world.place("two");
  world.decide();
  world.place("three");
  EXPECT_EQ(exit_at(world, seconds(1)), two);
  EXPECT_EQ(world.director.next_deadline(), kStart + switched);
  EXPECT_EQ(exit_at(world, switched), three);

  World dies;  // on the way
  dies.place("two");
  dies.decide();
  dies.place("three");
  dies.decide(seconds(1));
  dies.view.alive.erase("two");
  EXPECT_EQ(exit_at(dies, seconds(1) + milliseconds(10)), three);
  dies.view.alive.insert("two");
  EXPECT_EQ(exit_at(dies, seconds(1) + milliseconds(20)), three) << "and there it stays";

  World from;
  from.place("one");
  from.decide();
  from.place("two");
  EXPECT_TRUE(std::holds_alternative<EgressHere>(exit_at(from, seconds(1))));
  EXPECT_EQ(exit_at(from, switched), two);
}

TEST(EgressDirector, WhatALivingNodeHadIsHandedOver) {
  World to;
  to.place("two");
  to.decide();
  to.place("one");
  auto decision = to.decide(seconds(1));
  EXPECT_EQ(decision.paths.exits.at(kIp), EgressExit(EgressThere{ip("172.18.0.2")}))
      << "that one may not know yet to send on what comes back";
  EXPECT_THAT(decision.paths.moving, testing::SizeIs(1)) << "but who sends here is served";
  EXPECT_THAT(decision.owned, IsEmpty()) << "the others do not know yet";
  ASSERT_EQ(decision.local.size(), 1U);
  EXPECT_FALSE(decision.local[0].assigned);
  ASSERT_EQ(to.director.next_deadline(), kStart + seconds(1) + EgressDirector::kSwitchover);
  decision = to.decide(seconds(1) + EgressDirector::kSwitchover);
  EXPECT_TRUE(std::holds_alternative<EgressHere>(decision.paths.exits.at(kIp)));
  EXPECT_THAT(decision.paths.moving, IsEmpty());
  EXPECT_THAT(decision.owned, IsEmpty());
  ASSERT_EQ(to.director.next_deadline(), kStart + seconds(1) + EgressDirector::kTakeover);
  EXPECT_THAT(to.decide(seconds(1) + EgressDirector::kTakeover).owned, ElementsAre(kIp));

  World from;
  from.place("one");
  const auto mark = from.decide().local.at(0).mark;
  from.place("two");
  decision = from.decide(seconds(1));
  EXPECT_THAT(decision.paths.moving, ElementsAre(Pair(kIp, EgressHere{mark, {}})));
  EXPECT_THAT(decision.local, ElementsAre(LocalEgressIp{kIp, mark, false, ip("172.18.0.2")}));
  EXPECT_THAT(decision.owned, IsEmpty());
  decision = from.decide(seconds(1) + EgressDirector::kRetirement);
  EXPECT_THAT(decision.local, IsEmpty());
  EXPECT_THAT(decision.paths.moving, IsEmpty());
}

TEST(EgressDirector, WhoIsCutOffHasNothing) {
  World world;
  world.place("one");
  world.decide();
  world.view.cut_off = true;
  const auto decision = world.decide(seconds(1));
  EXPECT_FALSE(decision.serving);
  EXPECT_THAT(decision.local, IsEmpty());
  EXPECT_EQ(decision.paths.exits.at(kIp), EgressExit(EgressNowhere{}));
  EXPECT_THAT(decision.paths.pods, ElementsAre(Pair(5U, ElementsAre(kIp))))
      << "dropped, not let go with the Node's address";
}

TEST(EgressDirector, BeforeOthersAreHeardTheStatusIsKeptUpAndNothingServed) {
  World world;
  world.view.settled = false;
  world.place("one");
  world.view.egresses.at("e").status.egress_node = "three";
  const auto decision = world.decide();
  EXPECT_EQ(decision.paths.exits.at(kIp), EgressExit(EgressThere{ip("172.18.0.3")}));
  EXPECT_FALSE(decision.serving);
}

TEST(EgressDirector, TheOldestEgressHasThePod) {
  World world;
  world.add(egress_of("a", {"172.18.0.101"}, "2026-01-02T00:00:00Z"), {"web", "db"});
  world.add(egress_of("b", {"172.18.0.102"}, "2026-01-01T00:00:00Z"), {"db"});
  EXPECT_THAT(world.decide().paths.pods,
              ElementsAre(Pair(5U, ElementsAre(kIp)), Pair(6U, ElementsAre(ip("172.18.0.102")))));
}

TEST(EgressDirector, APodOfAnEgressWithoutAddressWaits) {
  World world;
  world.view.egresses.at("e").spec.addresses = {{std::nullopt, "pool"}};
  const auto decision = world.decide();
  EXPECT_THAT(decision.paths.waiting, ElementsAre(5U));
  EXPECT_THAT(decision.paths.pods, IsEmpty());
}

TEST(EgressDirector, PodsSpreadOverTheAddressesOfAnEgressAndStay) {
  World world;
  world.view.egresses.clear();
  world.add(egress_of("e", {"172.18.0.100", "172.18.0.101", "172.18.0.102"}), {});
  auto& group = world.view.groups.at("e");
  for (unsigned i = 0; i < 300; ++i) {
    const api::ObjectKey key{"default", "pod-" + std::to_string(i)};
    group.push_back(key);
    world.view.pods[key] = {100 + i};
  }
  const auto before = world.decide().paths.pods;
  std::map<IpAddress, unsigned> count;
  for (const auto& [port, ips] : before) ++count[ips.at(0)];
  for (const auto& [address, pods] : count) EXPECT_GT(pods, 70U) << address.to_string();
  world.view.egresses.at("e").spec.addresses.pop_back();
  for (const auto& [port, ips] : world.decide().paths.pods)
    if (before.at(port).at(0) != ip("172.18.0.102")) {
      EXPECT_EQ(ips, before.at(port)) << port;
    }
}

TEST(EgressDirector, AnAddressWithoutPoolIsWhereItsUserHasPutIt) {
  World world;
  auto& egress = world.view.egresses.at("e");
  egress.spec.addresses = {{kIp, ""}};
  EXPECT_EQ(world.decide().paths.exits.at(kIp), EgressExit(EgressNowhere{}));
  egress.status.egress_node = "two";
  EXPECT_EQ(world.decide(seconds(1)).paths.exits.at(kIp),
            EgressExit(EgressThere{ip("172.18.0.2")}));
  world.view.local_addresses = {kIp};
  egress.status.egress_node = "one";
  world.decide(seconds(2));
  const auto decision = world.decide(seconds(2) + EgressDirector::kTakeover);
  EXPECT_THAT(decision.owned, ElementsAre(kIp));
  ASSERT_EQ(decision.local.size(), 1U);
  EXPECT_FALSE(decision.local[0].assigned) << "it is there already, and not to be taken off";
  world.view.local_addresses.clear();
  EXPECT_EQ(world.decide(seconds(3)).paths.exits.at(kIp), EgressExit(EgressNowhere{}))
      << "its user has taken it off, whatever the status still says";
}

TEST(EgressDirector, AnAddressInASubnetOfItsOwnSaysSo) {
  World world;
  world.place("one");
  auto& pool = world.view.pools["pool"];
  pool.metadata.name = "pool";
  EXPECT_FALSE(world.decide().local.at(0).subnet);
  pool.subnet_info = {ip("172.18.0.1"), 24, 0};
  const EgressSubnet subnet{*IpPrefix::parse("172.18.0.0/24"), ip("172.18.0.1")};
  const auto decision = world.decide(seconds(1));
  EXPECT_EQ(decision.local.at(0).subnet, subnet);
  EXPECT_THAT(decision.subnets, ElementsAre(subnet));
  EXPECT_THAT(decision.refused, IsEmpty());
  world.place("two");
  EXPECT_THAT(world.decide(seconds(2)).subnets, ElementsAre(subnet)) << "before it comes here";
}

TEST(EgressDirector, WhatCannotBeServedIsRefusedByItsOwnerAndGoesNowhere) {
  World world;
  world.place("one");
  auto& pool = world.view.pools["pool"];
  pool.subnet_info = {ip("172.18.0.1"), 24, 7};
  auto decision = world.decide();
  EXPECT_THAT(decision.refused, ElementsAre(Pair(kIp, testing::HasSubstr("VLAN 7"))));
  EXPECT_THAT(decision.owned, IsEmpty());
  EXPECT_THAT(decision.local, IsEmpty());
  EXPECT_EQ(decision.paths.exits.at(kIp), EgressExit(EgressNowhere{}));
  world.place("two");
  EXPECT_THAT(world.decide(seconds(1)).refused, IsEmpty()) << "its owner says so";

  World many;
  many.place("one");
  many.view.pools["pool"].subnet_info = {ip("172.30.0.1"), 24, 0};
  EXPECT_THAT(many.decide().refused, IsEmpty());
  for (unsigned i = 0; i < kMostEgressSubnets; ++i)
    many.view.pools["other-" + std::to_string(i)].subnet_info = {ip("172.20.0.1").plus(256 * i), 24,
                                                                 0};
  EXPECT_THAT(many.decide(seconds(1)).refused,
              ElementsAre(Pair(kIp, testing::HasSubstr("more than 20 subnets"))));
}

TEST(EgressDirector, MarksAreKeptAndAdopted) {
  World world;
  world.director.adopt({{kIp, 42}, {ip("172.18.0.9"), 43}});
  world.place("one");
  EXPECT_EQ(world.decide().local.at(0).mark, 42);
}

NodeConfig config(bool userspace) {
  NodeConfig out;
  out.name = "one";
  out.gateway_mac = *MacAddress::parse("0a:00:00:00:00:01");
  out.userspace_datapath = userspace;
  out.egress = true;
  return out;
}

TEST(EgressFlows, AMoveIsOneGroupHoweverManyPods) {
  EgressFlows flows(config(true), true);
  EgressPaths paths;
  paths.exits[kIp] = EgressThere{ip("172.18.0.2")};
  for (unsigned port = 1; port <= 100; ++port) paths.pods[port] = {kIp};
  const auto first = flows.apply(paths);
  EXPECT_EQ(first.flows.size(), 100U);
  EXPECT_EQ(first.groups.size(), 1U);
  paths.exits[kIp] = EgressThere{ip("172.18.0.3")};
  const auto move = flows.apply(paths);
  EXPECT_THAT(move.flows, IsEmpty());
  EXPECT_THAT(move.remove_flows, IsEmpty());
  ASSERT_EQ(move.groups.size(), 1U);
  EXPECT_EQ(move.groups[0].id, first.groups[0].id);
  EXPECT_TRUE(flows.apply(paths).empty()) << "nothing changed";
}

TEST(EgressFlows, AddressesThatAreNowhereHaveAGroupThatDrops) {
  EgressFlows flows(config(true), true);
  EgressPaths paths;
  paths.exits[kIp] = EgressNowhere{};
  paths.pods[5] = {kIp};
  const auto changes = flows.apply(paths);
  ASSERT_EQ(changes.groups.size(), 1U);
  EXPECT_THAT(changes.groups[0].buckets, IsEmpty());
}

TEST(EgressFlows, BandwidthIsAMeterWithTheNumberOfTheMark) {
  EgressPaths paths;
  paths.exits[kIp] = EgressHere{9, EgressBandwidth{1000, 2000}};
  EgressFlows with(config(false), true), without(config(false), false);
  const auto changes = with.apply(paths);
  ASSERT_EQ(changes.meters.size(), 1U);
  EXPECT_EQ(changes.meters[0].id, openflow::MeterId{9});
  EXPECT_EQ(changes.meters[0].bands.at(0).rate, 1000U);
  EXPECT_THAT(without.apply(paths).meters, IsEmpty());
  paths.exits[kIp] = EgressHere{9, {}};
  EXPECT_THAT(with.apply(paths).remove_meters, ElementsAre(openflow::MeterId{9}));
}

TEST(EgressFlows, WhatIsThereDoesNotDependOnTheWayThere) {
  EgressPaths a, b;
  a.exits[kIp] = EgressHere{1, {}};
  a.pods[5] = {kIp};
  b.exits[ip("fd00::64")] = EgressThere{ip("172.18.0.2")};
  b.exits[kIp] = EgressThere{ip("172.18.0.3")};
  b.pods[5] = {kIp, ip("fd00::64")};
  b.exceptions = {*IpPrefix::parse("172.18.0.0/24")};
  EgressFlows straight(config(true), true), around(config(true), true);
  auto there = straight.apply(b);
  auto way = around.apply(a);
  way.append(around.apply(b));
  const auto keys = [](const openflow::Changes& changes) {
    std::set<openflow::FlowKey> out;
    for (const auto& flow : changes.flows) out.insert(flow.key());
    return out;
  };
  EXPECT_EQ(keys(there), keys(way));
  EXPECT_TRUE(around.apply(b).empty());
}

TEST(EgressMac, TellsAddressesApart) {
  EXPECT_EQ(egress_mac(kIp).to_string(), "a2:e4:ac:12:00:64");
  EXPECT_NE(egress_mac(ip("fd00::64")), egress_mac(ip("fd00::65")));
}

}  // namespace
}  // namespace antrea::node
