#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/egress/virtual_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Kind = MemberEvent::Kind;

Duration time_until(VirtualCluster& cluster, const std::function<bool()>& condition,
                    Duration limit) {
  const auto start = cluster.now();
  if (!cluster.run_until(condition, limit)) return Duration::max();
  return cluster.now() - start;
}
bool nobody_counts(const VirtualCluster& cluster, std::size_t whom, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (i != whom && cluster.counts(i, whom)) return false;
  return true;
}
auto milliseconds(Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

TEST(Liveness, ACrashIsKnownToAllInAThirdOfASecond) {
  for (const std::size_t count : {3U, 5U, 30U}) {
    VirtualCluster cluster(count);
    cluster.add_acquainted(count);
    cluster.run_for(5s);
    cluster.crash(1);
    const auto took = time_until(
        cluster, [&] { return nobody_counts(cluster, 1, count); }, 10s);
    EXPECT_LT(milliseconds(took), 330) << count << " members";
    for (const auto& seen : cluster.seen()) EXPECT_EQ(seen.event.member.name, "node1");
  }
}

TEST(Liveness, OneDeadLinkFailsNobody) {
  VirtualCluster cluster(11);
  cluster.add_acquainted(5);
  cluster.run_for(5s);
  cluster.cut(0, 1);
  cluster.cut(1, 0);
  cluster.run_for(60s);
  for (const auto& seen : cluster.seen())
    ADD_FAILURE() << to_string(seen.event.kind) << " " << seen.event.member.name;
  for (const auto& node : cluster.nodes()) EXPECT_FALSE(node.cut_off) << node.name;
}

TEST(Liveness, WhoIsCutOffKnowsItAndTheOthersDoToo) {
  for (const bool incoming : {true, false}) {
    for (const bool outgoing : {true, false}) {
      if (!incoming && !outgoing) continue;
      VirtualCluster cluster(12);
      cluster.add_acquainted(5);
      cluster.run_for(5s);
      for (std::size_t i = 1; i < 5; ++i) {
        if (incoming) cluster.cut(i, 0);
        if (outgoing) cluster.cut(0, i);
      }
      const auto start = cluster.now();
      ASSERT_TRUE(cluster.run_until([&] { return cluster.nodes()[0].cut_off; }, 10s));
      EXPECT_LT(milliseconds(cluster.now() - start), 350) << incoming << outgoing;
      ASSERT_TRUE(cluster.run_until([&] { return nobody_counts(cluster, 0, 5); }, 10s));
      EXPECT_LT(milliseconds(cluster.now() - start), 450) << incoming << outgoing;
      for (std::size_t i = 1; i < 5; ++i) EXPECT_FALSE(cluster.nodes()[i].cut_off);

      cluster.mend_all();
      ASSERT_TRUE(
          cluster.run_until([&] { return cluster.agreed() && !cluster.nodes()[0].cut_off; }, 10s));
    }
  }
}

// It has learned of the others by an exchange of everything, and of some hellos at most.
TEST(Liveness, WhoIsCutOffBeforeItKnowsTheOthersWellKnowsItAllTheSame) {
  for (const auto acquaintance : {0ms, 30ms, 60ms, 100ms, 200ms, 300ms, 400ms, 500ms}) {
    SCOPED_TRACE(acquaintance.count());
    VirtualCluster cluster(7);
    cluster.add_acquainted(7);
    cluster.run_for(5s);
    cluster.crash(3);
    cluster.run_for(10s);
    cluster.restart(3);
    for (std::size_t i = 0; i < 7; ++i)
      if (i != 3) cluster.join(3, i);
    ASSERT_TRUE(
        cluster.run_until([&] { return cluster.counts(3, 0) && cluster.counts(0, 3); }, 5s));
    cluster.run_for(acquaintance);
    cluster.nodes()[3].side = 1;
    cluster.run_for(3s);
    EXPECT_TRUE(cluster.nodes()[3].cut_off);
    EXPECT_TRUE(nobody_counts(cluster, 3, 7)) << "and the others do, too";
    cluster.nodes()[3].side = 0;
    ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 20s));
    cluster.run_for(1s);
    for (const auto& node : cluster.nodes()) EXPECT_FALSE(node.cut_off) << node.name;
  }
}

TEST(Liveness, WhoWasStoppedKnowsItBeforeItDoesAnything) {
  VirtualCluster cluster(13);
  cluster.add_acquainted(5);
  cluster.run_for(5s);
  cluster.pause(2);
  ASSERT_LT(milliseconds(time_until(
                cluster, [&] { return nobody_counts(cluster, 2, 5); }, 10s)),
            350);
  cluster.run_for(3s);
  EXPECT_FALSE(cluster.nodes()[2].cut_off);
  cluster.resume(2);
  EXPECT_TRUE(cluster.nodes()[2].cut_off) << "although its socket holds hellos of everybody";
  ASSERT_TRUE(
      cluster.run_until([&] { return cluster.agreed() && !cluster.nodes()[2].cut_off; }, 10s));
  EXPECT_TRUE(std::ranges::any_of(cluster.seen(), [](const auto& seen) {
    return seen.by == 2 && seen.event.kind == Kind::kOutvoted;
  }));
}

/// A machine that is too busy lets all of them wait, each for less than the others are patient.
TEST(Liveness, WhoIsLateItselfDoesNotBlameTheOthers) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    VirtualCluster cluster(seed);
    cluster.add_acquainted(5);
    cluster.run_for(5s);
    Random random(seed);
    for (std::size_t i = 0; i < 5; ++i) cluster.pause(i);
    cluster.run_for(std::chrono::milliseconds(100 + random.below(35)));
    for (std::size_t i = 0; i < 5; ++i) {
      cluster.resume(i, true);
      cluster.run_for(std::chrono::milliseconds(random.below(5)));
    }
    cluster.run_for(5s);
    for (const auto& seen : cluster.seen())
      ADD_FAILURE() << "seed " << seed << ", " << seen.by << ": " << to_string(seen.event.kind)
                    << " " << seen.event.member.name;
    cluster.crash(1);
    EXPECT_LT(milliseconds(time_until(
                  cluster, [&] { return nobody_counts(cluster, 1, 5); }, 10s)),
              700)
        << "seed " << seed;
  }
}

TEST(Liveness, AMemberThatDiesWhileAllOthersAreStoppedIsMissedAllTheSame) {
  VirtualCluster cluster(18);
  cluster.add_acquainted(5);
  cluster.run_for(5s);
  for (std::size_t i = 0; i < 5; ++i) cluster.pause(i);
  cluster.run_for(400ms);  // as on a machine that is too busy
  cluster.crash(4);
  for (std::size_t i = 0; i < 4; ++i) cluster.resume(i);
  const auto took = time_until(
      cluster, [&] { return nobody_counts(cluster, 4, 5); }, 10s);
  EXPECT_LT(milliseconds(took), 700);
  cluster.run_for(10s);
  EXPECT_TRUE(cluster.agreed());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(cluster.nodes()[i].cut_off);
}

TEST(Liveness, AMinorityLosesTheRestAndTheMajorityTheMinority) {
  VirtualCluster cluster(14);
  cluster.add_acquainted(5);
  cluster.run_for(5s);
  cluster.nodes()[0].side = cluster.nodes()[3].side = 1;
  EXPECT_LT(milliseconds(time_until(
                cluster, [&] { return cluster.agreed(); }, 10s)),
            600);
  for (const auto& node : cluster.nodes()) EXPECT_FALSE(node.cut_off) << node.name;
  for (auto& node : cluster.nodes()) node.side = 0;
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 20s));
}

/// 30 % loss and 50 ms jitter on all links, for ten minutes, from the first moment on or in the
/// middle of a quiet time.
void expect_no_false_alarm(std::uint64_t seed, bool from_the_start) {
  const VirtualNetwork bad{.loss = 0.3, .jitter = 50ms};
  VirtualCluster cluster(seed, from_the_start ? bad : VirtualNetwork{});
  cluster.add_acquainted(5);
  if (!from_the_start) cluster.run_for(30s);
  cluster.network = bad;
  cluster.run_for(10min);
  for (const auto& seen : cluster.seen())
    ADD_FAILURE() << "seed " << seed << ", " << seen.by << ": " << to_string(seen.event.kind) << " "
                  << seen.event.member.name;
  for (const auto& node : cluster.nodes()) EXPECT_FALSE(node.cut_off) << node.name;
  cluster.crash(1);
  const auto took = time_until(
      cluster, [&] { return nobody_counts(cluster, 1, 5); }, 30s);
  EXPECT_LT(milliseconds(took), 2500) << "what is gone is noticed all the same";
}

/// Where half of the members are gone at once, many have nobody left who watched them, and much of
/// what is told of them is told to those who are gone.
TEST(Liveness, TwoHalvesOfALargeClusterLoseEachOtherInSeconds) {
  for (const std::size_t count : {40U, 100U, 200U}) {
    VirtualCluster cluster(count);
    cluster.add_acquainted(count);
    cluster.run_for(5s);
    for (std::size_t i = 0; i < count; ++i) cluster.nodes()[i].side = static_cast<int>(i % 2);
    const auto start = cluster.now();
    while (!cluster.agreed() && cluster.now() - start < 20s) cluster.run_for(100ms);
    EXPECT_LT(milliseconds(cluster.now() - start), 8000) << count << " members";
    for (const auto& node : cluster.nodes()) EXPECT_FALSE(node.cut_off) << node.name;
  }
}

TEST(Liveness, LossAndJitterFailNobody) {
  const std::uint64_t seeds = std::getenv("ANTREA_SOAK") != nullptr ? 50 : 1;
  for (std::uint64_t seed = 15; seed < 15 + seeds; ++seed) {
    expect_no_false_alarm(seed, true);
    expect_no_false_alarm(seed, false);
  }
}

TEST(Liveness, MembersThatDoNotSpeakItStayOnGossip) {
  VirtualCluster cluster(16);
  for (int i = 0; i < 3; ++i) cluster.add({}, true);
  for (int i = 0; i < 3; ++i) cluster.add({}, false);
  for (std::size_t i = 1; i < 6; ++i) cluster.join(i, 0);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 5s));
  cluster.run_for(5s);
  for (const auto& session : cluster.nodes()[0].liveness->sessions())
    EXPECT_TRUE(session.peer == "node1" || session.peer == "node2") << session.peer;
  cluster.crash(1);
  EXPECT_LT(milliseconds(time_until(
                cluster, [&] { return nobody_counts(cluster, 1, 6); }, 10s)),
            600)
      << "those who do not speak it hear of it";
  cluster.crash(4);
  EXPECT_GT(milliseconds(time_until(
                cluster, [&] { return cluster.agreed(); }, 20s)),
            3000);
  EXPECT_TRUE(cluster.agreed());
}

TEST(Liveness, LoadDoesNotGrowWithTheCluster) {
  const auto load = [](std::size_t count) {
    VirtualCluster cluster(17);
    cluster.add_acquainted(count);
    cluster.run_for(2s);
    std::uint64_t before = 0, after = 0;
    for (const auto& node : cluster.nodes()) before += node.sent.packets;
    cluster.run_for(5s);
    for (const auto& node : cluster.nodes()) after += node.sent.packets;
    return static_cast<double>(after - before) / static_cast<double>(count) / 5;
  };
  const auto ten = load(10), hundred = load(100);
  EXPECT_NEAR(hundred / ten, 1, 0.05) << ten << " and " << hundred << " packets per second";
}

}  // namespace
}  // namespace antrea::egress
