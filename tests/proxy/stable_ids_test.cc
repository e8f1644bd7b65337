#include "libantrea-proxy/stable_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace antrea::proxy {
namespace {

// Few numbers, so that choices collide all the time.
struct Trial {
  using Ids = StableIds<std::size_t>;  // told along: the identity's length
  Ids ids{100, 40};
  std::map<std::string, std::uint32_t> told;  // as the caller learns it

  void add(const std::string& identity) {
    std::vector<Ids::Holder> others;
    told[identity] = ids.add(identity, identity.size(), others);
    learn(others);
  }
  void remove(const std::string& identity) {
    std::vector<Ids::Holder> others;
    ids.remove(identity, others);
    told.erase(identity);
    learn(others);
  }
  void learn(const std::vector<Ids::Holder>& others) {
    for (const auto& other : others) {
      EXPECT_EQ(other.owner, other.identity.size());
      EXPECT_TRUE(told.contains(other.identity));
      told[other.identity] = ids.id_of(other.identity);
    }
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
      if (present.insert(identity).second) {
        a.add(identity);
      } else {
        present.erase(identity);
        a.remove(identity);
      }
    }
    std::vector<std::string> order(present.begin(), present.end());
    std::shuffle(order.begin(), order.end(), random);
    for (const auto& identity : order) b.add(identity);
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
  StableIds<int> ids(65536, 1000000);
  std::vector<StableIds<int>::Holder> others;
  for (int i = 0; i < 1000; ++i) {
    const auto id = ids.add(std::to_string(i), i, others);
    EXPECT_GE(id, 65536U);
    EXPECT_LT(id, 1065536U);
  }
}

}  // namespace
}  // namespace antrea::proxy
