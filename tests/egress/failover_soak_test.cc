// Any faults, in any order and number: whoever may own an address does, nobody else, and none moves
// without need.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "tests/egress/failover_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

/// After the last fault all is as it should be within this time, whatever came before: 10 s of it
/// are the damped return of Nodes, and a Node that nobody knows any more is looked for every 5 s.
constexpr Duration kBound = 30s;

/// How long it took until all was as it should be, and stayed so for three seconds; max() if it
/// did not within the bound.
Duration settle(FailoverCluster& f) {
  const auto start = f.cluster.now();
  Duration since = Duration::max();
  while (f.cluster.now() - start <= kBound + 3s) {
    const auto passed = f.cluster.now() - start;
    since = f.settled() ? std::min(since, passed) : Duration::max();
    if (since != Duration::max() && passed - since >= 3s) return since;
    if (since == Duration::max() && passed > kBound) return since;
    f.run_for(500ms);
  }
  return Duration::max();
}

/// Who served what, once all was as it should be.
struct Settled {
  std::set<std::size_t> entitled;
  std::map<IpAddress, std::size_t> owners;
};

Settled look(FailoverCluster& f) {
  Settled out{f.entitled(), {}};
  if (out.entitled.empty()) return out;  // nobody has a majority
  for (const auto& [ip, owners] : f.owners()) out.owners.emplace(ip, *owners.begin());
  return out;
}

struct SoakResult {
  std::size_t settlings = 0, moved = 0;
  Duration longest{};
};

/// What has moved since the last time; none may that both its owners could have had both times, as
/// the ring is the same for all.
void count_moves(const Settled& before, const Settled& after, SoakResult& result) {
  for (const auto& [ip, owner] : after.owners) {
    const auto then = before.owners.find(ip);
    if (then == before.owners.end() || then->second == owner) continue;
    ++result.moved;
    ASSERT_FALSE(after.entitled.contains(then->second) && before.entitled.contains(owner))
        << ip.to_string() << " moved from node" << then->second << " to node" << owner
        << ", though both were there before and after";
  }
}

/// With seed and fault in the message, a failure can be run again.
void soak(std::uint64_t seed, std::size_t nodes, std::size_t addresses, std::size_t faults,
          SoakResult& result) {
  FailoverCluster f(seed, nodes, addresses);
  f.run_for(3s);
  ASSERT_TRUE(f.settled());
  Settled before = look(f);
  Random pauses(seed);
  for (std::size_t i = 0; i <= faults; ++i) {
    i < faults ? f.disturb() : f.heal();
    if (i < faults && pauses.below(4) != 0) {  // the next one comes before this one is digested
      f.run_for(std::chrono::milliseconds(pauses.below(3000)));
      continue;
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + ", fault " + std::to_string(i) + " of " +
                 std::to_string(faults));
    const Duration took = settle(f);
    ASSERT_LE(took, kBound) << f.describe();
    ASSERT_TRUE(f.consistent());
    if (Settled after = look(f); !after.owners.empty()) {
      count_moves(before, after, result);
      if (testing::Test::HasFatalFailure()) return;
      before = std::move(after);
    }
    ++result.settlings;
    result.longest = std::max(result.longest, took);
  }
}

TEST(Failover, OneOwnerInEveryMajorityWhateverFails) {
  SoakResult result;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) soak(seed, 7, 20, 25, result);
  soak(100, 40, 40, 6, result);
  soak(200, 100, 1000, 4, result);
  EXPECT_GT(result.moved, 0U);
}

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::stoul(text) : otherwise;
}

/// ANTREA_SOAK=FAULTS, ANTREA_SOAK_NODES (1000), ANTREA_SOAK_ADDRESSES (ten times as many), and
/// ANTREA_SOAK_SEED (42).
TEST(Failover, Soak) {
  const auto faults = from_environment("ANTREA_SOAK", 0);
  if (faults == 0) GTEST_SKIP() << "set ANTREA_SOAK to the number of faults";
  const auto nodes = from_environment("ANTREA_SOAK_NODES", 1000);
  const auto addresses = from_environment("ANTREA_SOAK_ADDRESSES", 10 * nodes);
  SoakResult result;
  soak(from_environment("ANTREA_SOAK_SEED", 42), nodes, addresses, faults, result);
  if (HasFatalFailure()) return;
  std::printf("%zu faults, %zu times looked at: settled after %.1f s at most, %zu moves\n", faults,
              result.settlings, std::chrono::duration<double>(result.longest).count(),
              result.moved);
}

}  // namespace
}  // namespace antrea::egress
