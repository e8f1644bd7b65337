#include "libantrea-proxy/stable_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace antrea::proxy {
namespace {

// Few numbers, so that choices collide all the time.
struct Trial {
  StableIds ids{100, 40};
  std::map<std::string, std::uint32_t> told;  // as the caller learns it from `changed`

  void learn(const std::vector<std::string>& changed, const std::set<std::string>& present) {
    for (const auto& identity : changed)
      if (present.contains(identity)) told[identity] = ids.id_of(identity);
  }
};

TEST(StableIds, DependOnTheSetAlone) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Trial a, b;
    std::set<std::string> present;
    // One with detours, one straight, in another order.
    for (int step = 0; step < 60; ++step) {
      const auto identity = "service-" + std::to_string(random() % 25);
      std::vector<std::string> changed;
      if (present.insert(identity).second) {
        a.ids.add(identity, changed);
      } else {
        present.erase(identity);
        a.ids.remove(identity, changed);
        a.told.erase(identity);
      }
      a.learn(changed, present);
    }
    std::vector<std::string> order(present.begin(), present.end());
    std::shuffle(order.begin(), order.end(), random);
    std::set<std::string> so_far;
    for (const auto& identity : order) {
      std::vector<std::string> changed;
      so_far.insert(identity);
      b.ids.add(identity, changed);
      b.learn(changed, so_far);
    }
    EXPECT_EQ(a.told, b.told);
    std::set<std::uint32_t> distinct;
    for (const auto& identity : present) {
      EXPECT_EQ(a.told[identity], a.ids.id_of(identity)) << "changed without being told";
      distinct.insert(a.ids.id_of(identity));
    }
    EXPECT_EQ(distinct.size(), present.size());
  }
}

TEST(StableIds, StayWithinTheirBounds) {
  StableIds ids(65536, 1000000);
  std::vector<std::string> changed;
  for (int i = 0; i < 1000; ++i) {
    const auto identity = std::to_string(i);
    ids.add(identity, changed);
    EXPECT_GE(ids.id_of(identity), 65536U);
    EXPECT_LT(ids.id_of(identity), 1065536U);
  }
}

}  // namespace
}  // namespace antrea::proxy
