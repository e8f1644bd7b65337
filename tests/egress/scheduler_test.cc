#include "antrea/egress/scheduler.h"

#include <gtest/gtest.h>

#include "tests/egress/objects.h"
#include "tests/egress/ring_oracle.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};
const std::set<std::string> kNames{"node1", "node2", "node3", "node4", "node5"};

/// Five Nodes that are alive, and one pool of all of them.
SchedulerInput five_nodes() {
  SchedulerInput input;
  for (const auto& name : kNames) input.nodes.push_back(make_node(name));
  input.pools = {make_pool("pool")};
  input.alive = kNames;
  return input;
}

SchedulerInput alive(std::set<std::string> names) {
  SchedulerInput input;
  input.alive = std::move(names);
  return input;
}

std::set<std::string> without(std::set<std::string> names, const std::string& name) {
  names.erase(name);
  return names;
}

const Placement& at(const Scheduler& scheduler, const std::string& egress, std::string_view text) {
  return scheduler.placements().at({egress, ip(text)});
}

TEST(Scheduler, OwnerAndStandbyAreTheFirstTwoOfTheRing) {
  Scheduler scheduler;
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  const auto order = defined_order(kNames, "10.10.0.1");
  const Placement expected{"pool", order[0], order[1], Unowned::kNo};
  EXPECT_EQ(scheduler.apply(input, kStart),
            (std::vector<PlacementChange>{{{"web", ip("10.10.0.1")}, expected}}));
  EXPECT_TRUE(scheduler.apply(input, kStart).empty()) << "nothing is said twice";

  const auto moved = scheduler.apply(alive(without(kNames, order[0])), kStart);
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(moved[0].placement->owner, order[1]);
  EXPECT_EQ(moved[0].placement->standby, order[2]);
}

TEST(Scheduler, StaticAndUnallocatedAddressesAreNotPlaced) {
  Scheduler scheduler;
  auto input = five_nodes();
  auto fixed = make_egress("fixed", {"10.10.0.1"}, "");
  auto pending = make_egress("pending", {});
  pending.spec.addresses.push_back({std::nullopt, "pool"});
  input.egresses = {fixed, pending};
  EXPECT_TRUE(scheduler.apply(input, kStart).empty());
}

TEST(Scheduler, TellsWhyNobodyOwns) {
  Scheduler scheduler;
  SchedulerInput input;
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kNoPool);
  input = five_nodes();
  input.alive = std::set<std::string>{};
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kNoNode);
  scheduler.apply(alive({"node4", "node5"}), kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kNoMajority);
  scheduler.apply(alive(kNames), kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kNo);
  input = {};
  for (const auto& name : kNames)
    input.nodes.push_back(make_node(name, {}, {{std::string(kMaxEgressIps), "0"}}));
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kFull);
}

TEST(Scheduler, AtMostOneSideOfASplitOwns) {
  // Every split of five Nodes, and of the pools of one and two of them.
  for (unsigned size : {1U, 2U, 4U, 5U}) {
    for (unsigned split = 0; split < 32; ++split) {
      std::set<std::string> sides[2];
      unsigned i = 0;
      for (const auto& name : kNames) sides[split >> i++ & 1].insert(name);
      int owning = 0;
      for (const auto& side : sides) {
        Scheduler scheduler;
        auto input = five_nodes();
        for (unsigned n = 0; n < size; ++n) input.nodes[n].metadata.labels["pool"] = "few";
        input.pools = {make_pool("few", false)};
        input.alive = side;
        input.egresses = {make_egress("web", {"10.10.0.1"}, "few")};
        scheduler.apply(input, kStart);
        if (!at(scheduler, "web", "10.10.0.1").owner.empty()) ++owning;
      }
      EXPECT_LE(owning, 1) << "pool of " << size << ", split " << split;
      if (size > 2) {
        EXPECT_EQ(owning, 1) << "one side has a majority";
      }
    }
  }
}

TEST(Scheduler, OfTwoNodesTheFirstGoesOnAlone) {
  Scheduler scheduler;
  SchedulerInput input;
  input.nodes = {make_node("node1"), make_node("node2")};
  input.pools = {make_pool("pool")};
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  input.alive = std::set<std::string>{"node1"};
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").owner, "node1");
  scheduler.apply(alive({"node2"}), kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").unowned, Unowned::kNoMajority);
}

TEST(Scheduler, WithoutMajorityRuleAnyNodeServes) {
  Scheduler scheduler({.majority = false});
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  input.alive = std::set<std::string>{"node5"};
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").owner, "node5");
}

// antrea #4593, #4627
TEST(Scheduler, LimitsOfNodesHold) {
  Scheduler scheduler({.max_ips_per_node = 2});
  auto input = five_nodes();
  input.nodes[0].metadata.annotations[std::string(kMaxEgressIps)] = "0";
  input.nodes[1].metadata.annotations[std::string(kMaxEgressIps)] = "many";
  input.nodes[2].metadata.annotations[std::string(kMaxEgressIps)] = "3";
  for (unsigned i = 0; i < 12; ++i) {
    const std::string address = "10.10.0." + std::to_string(i);
    input.egresses.push_back(make_egress("e" + std::to_string(i), {address}, "pool", i));
    // The same address again: it counts once.
    input.egresses.push_back(make_egress("f" + std::to_string(i), {address}, "pool", i));
  }
  scheduler.apply(input, kStart);
  std::map<std::string, std::set<IpAddress>> owned;
  for (const auto& [key, placement] : scheduler.placements()) owned[placement.owner].insert(key.ip);
  EXPECT_FALSE(owned.contains("node1"));
  EXPECT_EQ(owned["node2"].size(), 2U) << "what is no number does not count";
  EXPECT_EQ(owned["node3"].size(), 3U);
  EXPECT_EQ(owned["node4"].size(), 2U);
  EXPECT_EQ(owned["node5"].size(), 2U);
  for (const auto* oldest : {"e0", "e8"})
    EXPECT_FALSE(scheduler.placements().lower_bound({oldest, {}})->second.owner.empty());
  for (const auto* latest : {"e9", "e11"})
    EXPECT_EQ(scheduler.placements().lower_bound({latest, {}})->second.unowned, Unowned::kFull);
}

TEST(Scheduler, AddressesOfOneEgressSpreadByFamily) {
  Scheduler scheduler;
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5",
                                        "fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00::5"})};
  scheduler.apply(input, kStart);
  std::set<std::string> v4, v6;
  for (const auto& [key, placement] : scheduler.placements())
    (key.ip.is_v4() ? v4 : v6).insert(placement.owner);
  EXPECT_EQ(v4, kNames);
  EXPECT_EQ(v6, kNames);
}

TEST(Scheduler, AnAddressHasOneOwnerInAllEgresses) {
  Scheduler scheduler;
  auto input = five_nodes();
  std::vector<std::string> all;
  for (unsigned i = 1; i < 6; ++i) all.push_back("10.0.0." + std::to_string(i));
  input.egresses = {make_egress("all", all, "pool", 1)};
  for (const auto& each : all) input.egresses.push_back(make_egress("e" + each, {each}, "pool", 2));
  input.egresses.push_back(make_egress("lost", {all[0]}, "no such pool", 0));
  scheduler.apply(input, kStart);
  EXPECT_EQ(at(scheduler, "lost", all[0]).unowned, Unowned::kNoPool);
  for (const auto& each : all)
    EXPECT_EQ(at(scheduler, "e" + each, each).owner, at(scheduler, "all", each).owner);
}

TEST(Scheduler, ADrainedNodeHandsOverToItsStandby) {
  Scheduler scheduler;
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  scheduler.apply(input, kStart);
  const auto before = at(scheduler, "web", "10.10.0.1");
  SchedulerInput drain;
  drain.nodes = {make_node(before.owner, {}, {{std::string(kDrain), "true"}})};
  scheduler.apply(drain, kStart);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").owner, before.standby);

  // The last Node keeps its addresses, drained or not: nobody else could serve them.
  Scheduler alone;
  drain.pools = {make_pool("pool")};
  drain.egresses = input.egresses;
  drain.alive = std::set<std::string>{before.owner};
  alone.apply(drain, kStart);
  EXPECT_EQ(at(alone, "web", "10.10.0.1").owner, before.owner);
}

TEST(Scheduler, ReturnIsDamped) {
  Scheduler scheduler({.return_delay = 10s});
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  scheduler.apply(input, kStart);
  const auto before = at(scheduler, "web", "10.10.0.1");
  scheduler.apply(alive(without(kNames, before.owner)), kStart + 1s);
  EXPECT_EQ(scheduler.next_deadline(), std::nullopt);
  EXPECT_TRUE(scheduler.apply(alive(kNames), kStart + 5s).empty());
  EXPECT_EQ(scheduler.next_deadline(), kStart + 15s);
  EXPECT_TRUE(scheduler.apply({}, kStart + 15s - 1ns).empty());
  ASSERT_EQ(scheduler.apply({}, kStart + 15s).size(), 1U);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1"), before);
  EXPECT_EQ(scheduler.next_deadline(), std::nullopt);

  // A second absence while it is held begins it anew; a Node may say so of itself.
  scheduler.returned(before.owner, kStart + 20s);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").owner, before.standby);
  scheduler.apply(alive(without(kNames, before.owner)), kStart + 21s);
  scheduler.apply(alive(kNames), kStart + 22s);
  EXPECT_EQ(scheduler.next_deadline(), kStart + 32s);
}

TEST(Scheduler, WhoComesBackKnowsBestUntilWhen) {
  // One of these saw the Node go and come back, the other one has just started.
  Scheduler witness({.return_delay = 10s}), fresh({.return_delay = 10s});
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  witness.apply(input, kStart);
  const auto before = at(witness, "web", "10.10.0.1");
  witness.apply(alive(without(kNames, before.owner)), kStart + 1s);
  witness.apply(alive(kNames), kStart + 5s);
  fresh.apply(input, kStart + 5s);
  EXPECT_NE(at(fresh, "web", "10.10.0.1"), at(witness, "web", "10.10.0.1"));
  for (Scheduler* const each : {&witness, &fresh}) {
    each->apply({.returning = {{before.owner}}}, kStart + 6s);
    EXPECT_TRUE(each->returning(before.owner));
    EXPECT_EQ(each->next_deadline(), std::nullopt) << "it will say when";
    each->apply({}, kStart + 60s);
    EXPECT_EQ(at(*each, "web", "10.10.0.1").owner, before.standby);
    each->apply({.returning = std::set<std::string>()}, kStart + 61s);
    EXPECT_FALSE(each->returning(before.owner));
    EXPECT_EQ(at(*each, "web", "10.10.0.1"), before);
  }
}

TEST(Scheduler, ANodeThatReturnsServesWhatNobodyElseCan) {
  Scheduler scheduler({.return_delay = 10s, .majority = false});
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.10.0.1"})};
  scheduler.apply(input, kStart);
  scheduler.apply(alive({}), kStart + 1s);
  scheduler.apply(alive({"node2"}), kStart + 2s);
  EXPECT_EQ(at(scheduler, "web", "10.10.0.1").owner, "node2");
}

// antrea #5434
TEST(Scheduler, NodesOfOtherSystemsAreNoCandidates) {
  Scheduler scheduler;
  auto input = five_nodes();
  for (std::size_t i = 0; i < 4; ++i)
    input.nodes[i].metadata.labels["kubernetes.io/os"] = "windows";
  input.nodes[4].metadata.labels["kubernetes.io/os"] = "linux";
  for (unsigned i = 0; i < 9; ++i) {
    const auto text = std::to_string(i);
    input.egresses.push_back(make_egress("e" + text, {"10.10.0." + text}));
  }
  scheduler.apply(input, kStart);
  for (const auto& [key, placement] : scheduler.placements()) EXPECT_EQ(placement.owner, "node5");
}

TEST(Scheduler, ChangesOfAnEgressAreExact) {
  Scheduler scheduler;
  auto input = five_nodes();
  input.egresses = {make_egress("web", {"10.0.0.1", "10.0.0.2"}), make_egress("db", {"10.0.0.3"})};
  EXPECT_EQ(scheduler.apply(input, kStart).size(), 3U);
  SchedulerInput change;
  change.egresses = {make_egress("web", {"10.0.0.1"})};
  EXPECT_EQ(scheduler.apply(change, kStart),
            (std::vector<PlacementChange>{{{"web", ip("10.0.0.2")}, std::nullopt}}));
  change = {};
  change.removed_egresses = {"web", "db"};
  EXPECT_EQ(scheduler.apply(change, kStart),
            (std::vector<PlacementChange>{{{"db", ip("10.0.0.3")}, std::nullopt},
                                          {{"web", ip("10.0.0.1")}, std::nullopt}}));
  EXPECT_TRUE(scheduler.placements().empty());
}

TEST(Scheduler, OneOfAllThatAreAliveReports) {
  Scheduler scheduler;
  EXPECT_EQ(scheduler.reporter("10.10.0.1"), "");
  scheduler.apply(five_nodes(), kStart);
  const auto order = defined_order(kNames, "10.10.0.1");
  EXPECT_EQ(scheduler.reporter("10.10.0.1"), order[0]);
  scheduler.apply(alive(without(kNames, order[0])), kStart);
  EXPECT_EQ(scheduler.reporter("10.10.0.1"), order[1]);
}

}  // namespace
}  // namespace antrea::egress
