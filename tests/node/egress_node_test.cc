// What a Node decides about addresses that move, from what it is told.
#include "antrea/node/egress_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/addresses.h"

namespace antrea::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Known = EgressNode::Known;

const IpAddress kAddress = ip("172.18.0.100"), kOfService = ip("172.18.0.200");
const TimePoint kBegin = TimePoint{} + std::chrono::hours(1);
const std::set<std::string> kAll{"one", "two", "three"};

/// Node one of three, with an Egress for Pod web, told step by step.
struct NodeOfThree {
  NodeOfThree() : node("one", {}, {*IpPrefix::parse("192.0.2.0/24")}) {
    egress.metadata.name = "e";
    egress.spec.addresses.push_back({kAddress, "pool"});
    pool.metadata.name = "pool";
    node.attached({"default", "web"}, 5);
  }
  void tell_nodes() {
    std::map<std::string, api::Node> nodes;
    for (unsigned i = 0; i < 3; ++i) {
      const std::string name = i == 0 ? "one" : i == 1 ? "two" : "three";
      nodes[name].metadata.name = name;
      nodes[name].internal_ips = {ip("172.18.0.1").plus(i)};
      nodes[name].external_ips = {ip("203.0.113.1").plus(i)};
    }
    node.take_nodes(nodes, now);
  }
  void tell_objects() {
    egress::SchedulerInput input;
    input.egresses = {egress};
    input.pools = {pool};
    input.services = claims;
    node.take(input, now);
  }
  void tell_all() {
    tell_nodes();
    tell_objects();
    api::controlplane::EgressGroup group;
    group.members.emplace_back().key = {"default", "web"};
    node.take_groups({{"e", group}});
    for (const Known what : {Known::kEgresses, Known::kPools, Known::kGroups, Known::kServices})
      node.known(what, now);
    node.gossip_begins(now);
  }
  void tell_members(std::set<std::string> alive, bool missed = false, bool cut_off = false) {
    node.take_members({std::move(alive), {}, cut_off}, missed, now);
  }
  void tell_returning(std::set<std::string> returning) {
    node.take_members({kAll, std::move(returning), false}, false, now);
  }
  EgressOutcome decide() {
    auto outcome = node.decide(now);
    EXPECT_TRUE(outcome);
    return outcome.value_or(EgressOutcome());
  }
  /// When its own return, if it is one, has taken long enough.
  EgressOutcome decide_when_damped() {
    decide();
    now += egress::SchedulerConfig().return_delay;
    return decide();
  }
  std::string owner() const { return node.scheduler().placements().at({"e", address()}).owner; }
  /// Settles, with an address of which this Node is the owner.
  void own() {
    tell_all();
    tell_members(kAll);
    decide_when_damped();
    for (int i = 0; i < 100 && owner() != "one"; ++i) {
      egress.spec.addresses[0].ip = address().plus(1);
      tell_objects();
    }
    ASSERT_EQ(owner(), "one");
  }
  IpAddress address() const { return *egress.spec.addresses[0].ip; }

  EgressNode node;
  api::crd::Egress egress;
  api::crd::ExternalIPPool pool;
  std::vector<egress::ServiceClaim> claims;
  TimePoint now = kBegin;
};

TEST(EgressNode, DecidesNothingBeforeEverythingIsKnown) {
  NodeOfThree world;
  for (const Known what : {Known::kEgresses, Known::kPools, Known::kGroups, Known::kServices}) {
    EXPECT_FALSE(world.node.decide(world.now));
    EXPECT_FALSE(world.node.next_deadline());
    world.node.known(what, world.now);
  }
  EXPECT_TRUE(world.node.decide(world.now));
}

TEST(EgressNode, WaitsUntilAllAreHereOrLongEnough) {
  NodeOfThree world;
  world.tell_all();
  EXPECT_FALSE(world.decide().settled);
  EXPECT_TRUE(world.decide().returning) << "until it knows whether others went on";
  world.tell_members({"one", "two"});
  EXPECT_FALSE(world.decide().settled);
  EXPECT_THAT(world.decide().decision.local, IsEmpty());
  world.tell_members(kAll);
  EXPECT_TRUE(world.decide().settled);
  EXPECT_FALSE(world.decide().returning) << "nothing was given out before";

  NodeOfThree alone;
  alone.tell_all();
  ASSERT_EQ(alone.node.next_deadline(), kBegin + EgressNode::kSettle);
  alone.now += EgressNode::kSettle - milliseconds(1);
  EXPECT_FALSE(alone.decide().settled);
  alone.now += milliseconds(1);
  const auto outcome = alone.decide();
  EXPECT_TRUE(outcome.settled);
  EXPECT_EQ(alone.owner(), "") << "one of three is no majority";
}

TEST(EgressNode, WithoutGossipItNeverSettles) {  // antrea#8259: there is no key yet
  NodeOfThree world;
  world.tell_nodes();
  world.tell_objects();
  for (const Known what : {Known::kEgresses, Known::kPools, Known::kGroups, Known::kServices})
    world.node.known(what, world.now);
  world.now += std::chrono::hours(1);
  const auto outcome = world.decide();
  EXPECT_FALSE(outcome.settled);
  EXPECT_FALSE(outcome.decision.serving);
  EXPECT_THAT(outcome.decision.owned, IsEmpty());
  EXPECT_FALSE(world.node.next_deadline());
}

TEST(EgressNode, ThoseThatBeginTogetherAgreeAtOnce) {
  // Who knows first that nothing is given out must not take all because the others do not yet.
  NodeOfThree world;
  world.tell_all();
  world.tell_returning({"two", "three"});
  ASSERT_TRUE(world.decide().settled);
  EXPECT_NE(world.owner(), "one") << "the ring of all three";
  const std::string begins = world.owner();
  world.tell_returning({});
  EXPECT_EQ(world.decide().decision.owned.size(), 0U);
  EXPECT_EQ(world.owner(), begins);
  world.tell_returning({begins});
  world.decide();
  EXPECT_NE(world.owner(), begins) << "that comes back later";

  // One that goes on saying so has something to say.
  for (const bool given_out : {false, true}) {
    NodeOfThree other;
    other.tell_all();
    other.tell_returning({begins});
    other.decide();
    ASSERT_EQ(other.owner(), begins);
    if (given_out) {
      other.egress.status.egress_node = "one";
      other.tell_objects();
    } else {
      EXPECT_EQ(other.node.next_deadline(), kBegin + EgressNode::kSettle);
      other.now += EgressNode::kSettle;
    }
    other.decide();
    EXPECT_NE(other.owner(), begins) << given_out;
  }
}

TEST(EgressNode, WhoComesToAddressesThatAreGivenOutReturns) {
  NodeOfThree world;
  world.egress.status.egress_node = "two";
  world.tell_all();
  world.tell_members(kAll);
  EXPECT_TRUE(world.decide().returning);
  EXPECT_NE(world.owner(), "one");
  world.now += egress::SchedulerConfig().return_delay;
  EXPECT_FALSE(world.decide().returning);
}

TEST(EgressNode, WhoMissedSomethingReturns) {
  NodeOfThree world;
  ASSERT_NO_FATAL_FAILURE(world.own());
  EXPECT_THAT(world.decide().decision.owned, Contains(world.address()));
  world.tell_members(kAll, true);
  const auto outcome = world.decide();
  EXPECT_TRUE(outcome.returning);
  EXPECT_THAT(outcome.decision.owned, IsEmpty());
}

TEST(EgressNode, WhoIsCutOffServesNothing) {
  NodeOfThree world;
  world.claims = {{"default/web", "", "pool", {{kOfService, {}}}}};
  ASSERT_NO_FATAL_FAILURE(world.own());
  world.tell_members(kAll, true, true);
  const auto outcome = world.decide();
  EXPECT_FALSE(outcome.decision.serving);
  EXPECT_THAT(outcome.decision.local, IsEmpty());
  EXPECT_THAT(outcome.services, IsEmpty());
}

TEST(EgressNode, NodesAreReachedWithoutAnEgress) {  // antrea#2762
  NodeOfThree world;
  world.tell_all();
  world.tell_members(kAll);
  const auto exceptions = world.decide().decision.paths.exceptions;
  for (const char* prefix : {"172.18.0.1/32", "172.18.0.3/32", "203.0.113.2/32", "192.0.2.0/24"})
    EXPECT_THAT(exceptions, Contains(*IpPrefix::parse(prefix)));
  std::map<std::string, api::Node> none;
  world.node.take_nodes(none, world.now);
  EXPECT_THAT(world.decide().decision.paths.exceptions,
              ElementsAre(*IpPrefix::parse("192.0.2.0/24")));
}

TEST(EgressNode, NodesOfOtherSystemsAreNotWaitedForNorInvited) {  // antrea#5434
  NodeOfThree world;
  world.tell_all();
  std::map<std::string, api::Node> nodes;
  for (const char* name : {"one", "two", "windows"}) {
    nodes[name].metadata.name = name;
    nodes[name].internal_ips = {ip("172.18.0.1").plus(nodes.size())};
  }
  nodes["windows"].metadata.labels["kubernetes.io/os"] = "windows";
  world.node.take_nodes(nodes, world.now);
  EXPECT_THAT(world.node.nodes(), ElementsAre(testing::Pair("two", ip("172.18.0.3"))));
  world.tell_members({"one", "two"});
  const auto outcome = world.decide();
  EXPECT_TRUE(outcome.settled);
  EXPECT_THAT(outcome.decision.paths.exceptions, Contains(*IpPrefix::parse("172.18.0.4/32")));
}

TEST(EgressNode, ANodeThatGoesIsNoCandidateAnyMoreNotEvenThisOne) {
  NodeOfThree world;
  world.tell_all();
  world.tell_members(kAll);
  world.node.take_nodes({}, world.now);
  EXPECT_EQ(world.owner(), "");
}

TEST(EgressNode, AddressesOfServicesAreOneNodesEach) {
  unsigned here = 0;
  for (unsigned i = 0; i < 30; ++i) {
    NodeOfThree world;
    world.claims = {{"default/web", "", "pool", {{kOfService.plus(i), {}}}}};
    world.tell_all();
    world.tell_members(kAll);
    EXPECT_THAT(world.decide().services, IsEmpty()) << "it comes to what is given out";
    const auto services = world.decide_when_damped().services;
    here += static_cast<unsigned>(services.size());
    EXPECT_EQ(
        !services.empty(),
        world.node.scheduler().placements().at({"default/web", kOfService.plus(i)}).owner == "one");
  }
  EXPECT_GT(here, 0U);
  EXPECT_LT(here, 30U);
}

TEST(EgressNode, PodsComeAndGo) {
  NodeOfThree world;
  world.tell_all();
  world.tell_members(kAll);
  EXPECT_THAT(world.decide().decision.paths.pods, testing::SizeIs(1));
  world.node.attached({"default", "web"}, 6);
  EXPECT_THAT(world.decide().decision.paths.pods, testing::SizeIs(2));
  world.node.detached({"default", "web"}, 5);
  world.node.detached({"default", "other"}, 5);
  EXPECT_THAT(world.decide().decision.paths.pods,
              ElementsAre(testing::Pair(6U, ElementsAre(kAddress))));
}

TEST(EgressNode, AsksForLocalAddressesWhileAnEgressNamesItsOwn) {
  NodeOfThree world;
  world.tell_all();
  EXPECT_FALSE(world.node.wants_local_addresses());
  world.egress.spec.addresses = {{kAddress, ""}};
  world.tell_objects();
  EXPECT_TRUE(world.node.wants_local_addresses());
  world.tell_members(kAll);
  world.node.take_local_addresses({kAddress});
  EXPECT_THAT(world.decide().decision.owned, Contains(kAddress));
  egress::SchedulerInput gone;
  gone.removed_egresses = {"e"};
  world.node.take(gone, world.now);
  EXPECT_FALSE(world.node.wants_local_addresses());
  EXPECT_THAT(world.decide().decision.owned, Not(Contains(kAddress)));
}

}  // namespace
}  // namespace antrea::node
