// Any faults at full size: gossip is modelled, what Schedulers make of it is real.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/egress/modelled_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

/// After the last fault: three seconds until the last one has heard of it, ten of damped return,
/// and three more until all know that this is over.
constexpr Duration kModelledBound = 17s;

struct Size {
  std::size_t nodes, addresses, faults;
  unsigned rare;         // one of so many faults concerns many members
  std::size_t compared;  // every so many times a Scheduler is built anew
};

/// With seed and fault in the message, a failure can be run again.
void soak(std::uint64_t seed, const Size& size) {
  ModelledCluster cluster(seed, size.nodes, size.addresses, size.rare);
  Random pauses(seed);
  std::size_t settlings = 0;
  Duration longest{};
  ASSERT_EQ(cluster.wrong_when_settled(), "");
  for (std::size_t i = 0; i <= size.faults; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", fault " + std::to_string(i) + " of " +
                 std::to_string(size.faults));
    i < size.faults ? cluster.disturb() : cluster.heal();
    if (i < size.faults && pauses.below(4) != 0) {  // the next one comes before this is digested
      cluster.run_for(std::chrono::milliseconds(pauses.below(3000)));
      ASSERT_EQ(cluster.wrong_on_the_way(), "");
      continue;
    }
    longest = std::max(longest, cluster.settle());
    ASSERT_EQ(cluster.wrong_on_the_way(), "");
    ASSERT_EQ(cluster.wrong_when_settled(), "");
    ASSERT_LE(longest, kModelledBound);
    if (++settlings % size.compared == 0) {
      ASSERT_TRUE(cluster.same_when_built_anew());
    }
  }
  const auto& counts = cluster.counts();
  EXPECT_GT(counts.moved, 0U);
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  std::printf(
      "%zu faults, %zu views, %zu times looked at: settled after %.1f s at most, %zu moves; %zu "
      "times two owners while one had not heard yet, %.2f s at most if it heard in time\n",
      size.faults, counts.views, settlings, seconds(longest), counts.moved, counts.overlaps,
      seconds(counts.longest_overlap));
}

TEST(ModelledFailover, OneOwnerInEveryMajorityWhateverFails) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    soak(seed, {.nodes = 60, .addresses = 300, .faults = 120, .rare = 10, .compared = 10});
  soak(4, {.nodes = 7, .addresses = 40, .faults = 600, .rare = 10, .compared = 20});
  soak(5, {.nodes = 1000, .addresses = 10000, .faults = 40, .rare = 20, .compared = 5});
}

std::size_t environment(const char* name, std::size_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::stoul(text) : otherwise;
}

/// ANTREA_SOAK=FAULTS, ANTREA_SOAK_NODES (1000), ANTREA_SOAK_ADDRESSES (ten times as many), and
/// ANTREA_SOAK_SEED (42).
TEST(ModelledFailover, Soak) {
  const auto faults = environment("ANTREA_SOAK", 0);
  if (faults == 0) GTEST_SKIP() << "set ANTREA_SOAK to the number of faults";
  const auto nodes = environment("ANTREA_SOAK_NODES", 1000);
  soak(environment("ANTREA_SOAK_SEED", 42),
       {.nodes = nodes,
        .addresses = environment("ANTREA_SOAK_ADDRESSES", 10 * nodes),
        .faults = faults,
        .rare = nodes < 500 ? 10U : 1000U,
        .compared = nodes < 500 ? 20U : 1000U});
}

}  // namespace
}  // namespace antrea::egress
