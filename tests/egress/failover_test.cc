// Membership, liveness and scheduler together, in virtual time: whoever may own an address does,
// and nobody else.
#include <gtest/gtest.h>

#include <map>

#include "tests/egress/failover_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

TEST(Failover, AnAddressHasANewOwnerInAThirdOfASecond) {
  FailoverCluster f(1, 5, 50);
  f.run_for(5s);
  const auto before = f.owners();
  f.cluster.crash(2);
  const auto start = f.cluster.now();
  while (!f.settled() && f.cluster.now() - start < 5s) f.run_for(10ms);
  EXPECT_LT(f.cluster.now() - start, 350ms);
  for (const auto& [ip, owners] : f.owners()) {
    if (!before.at(ip).contains(2)) {
      EXPECT_EQ(owners, before.at(ip)) << "only what node2 had has moved";
    }
  }
}

TEST(Failover, NeverTwoOwnersWhileAMemberDiesOrIsCutOffAndComesBack) {
  FailoverCluster f(2, 5, 50);
  f.run_for(5s);
  const auto nobody_twice = [&] {
    for (const auto& [ip, owners] : f.owners())
      if (owners.size() > 1) return false;
    return true;
  };
  // A link that is cut takes both sides about the same time to notice, not the very same moment.
  f.cluster.nodes()[1].side = 1;
  Duration both{};
  for (int i = 0; i < 1000; ++i) {
    f.run_for(10ms);
    if (!nobody_twice()) both += 10ms;
  }
  EXPECT_LE(both, 100ms) << "the side that is cut off withdraws in time";
  ASSERT_TRUE(f.settled());
  f.cluster.nodes()[1].side = 0;
  for (int i = 0; i < 3000; ++i) {
    f.run_for(10ms);
    ASSERT_TRUE(nobody_twice()) << i * 10 << " ms after the link is whole again";
  }
  EXPECT_TRUE(f.settled());
}

TEST(Failover, WhoHasJustComeBackAgreesWithAllOthersWhereAddressesAre) {
  FailoverCluster f(4, 5, 50);
  f.run_for(5s);
  for (const std::size_t who : {2U, 1U}) {
    f.cluster.crash(who);
    f.run_for(3s);
    f.restart(who);
    f.run_for(1s);
  }
  // Node 2 comes back for some seconds yet, which node 1 was not there to see.
  std::map<IpAddress, Duration> disagreed;
  for (const auto until = f.cluster.now() + 20s; f.cluster.now() < until;) {
    f.run_for(10ms);
    for (const auto& [ip, opinions] : f.opinions())
      if (opinions > 1) disagreed[ip] += 10ms;
  }
  for (const auto& [ip, time] : disagreed)
    EXPECT_LE(time, 200ms) << ip.to_string() << ": as long as it takes to tell";
}

TEST(Failover, AMinorityThatComesBackDefersToTheMajority) {
  FailoverCluster f(3, 5, 50);
  f.run_for(5s);
  f.cluster.nodes()[0].side = f.cluster.nodes()[3].side = 1;
  f.run_for(30s);
  ASSERT_TRUE(f.settled());
  for (auto& node : f.cluster.nodes()) node.side = 0;
  for (int i = 0; i < 3000; ++i) {
    f.run_for(10ms);
    for (const auto& [ip, owners] : f.owners())
      ASSERT_LE(owners.size(), 1U) << ip.to_string() << " after " << i * 10 << " ms";
  }
  EXPECT_TRUE(f.settled());
}

}  // namespace
}  // namespace antrea::egress
