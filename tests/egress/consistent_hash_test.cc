#include "antrea/egress/consistent_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/egress/ring_oracle.h"

namespace antrea::egress {
namespace {

std::vector<std::string> order_of(const ConsistentHash& ring, std::string_view key,
                                  std::string_view without = {}) {
  std::vector<std::string> order;
  auto walk = ring.walk(key, without);
  while (const auto* node = walk.next()) order.push_back(*node);
  return order;
}

ConsistentHash ring_of(const std::vector<std::string>& nodes,
                       std::uint32_t replicas = ConsistentHash::kReplicas) {
  ConsistentHash ring(replicas);
  for (const auto& node : nodes) ring.add(node);
  return ring;
}

// Worked out with zlib 1.2.13 (Python's zlib.crc32).
TEST(ConsistentHash, ReplicasAreNumberAndName) {
  const auto ring = ring_of({"node1", "node2", "node3", "node4"});
  EXPECT_EQ(order_of(ring, "10.10.0.1"),
            (std::vector<std::string>{"node2", "node1", "node4", "node3"}));
  EXPECT_EQ(order_of(ring, "10.10.0.99"),
            (std::vector<std::string>{"node2", "node4", "node1", "node3"}));
  EXPECT_EQ(order_of(ring, "fd00:10::5"),
            (std::vector<std::string>{"node2", "node4", "node3", "node1"}));
}

TEST(ConsistentHash, WithoutNodesNobodyOwns) {
  EXPECT_EQ(ConsistentHash().owner("10.0.0.1"), nullptr);
}

TEST(ConsistentHash, WalkNamesEachNodeOnce) {
  const auto ring = ring_of({"a", "b", "c", "d"});
  for (const auto* key : {"10.0.0.1", "10.0.0.2", "fd00::1"}) {
    auto order = order_of(ring, key);
    std::ranges::sort(order);
    EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "c", "d"}));
  }
}

TEST(ConsistentHash, EqualsItsDefinitionAfterAnyHistory) {
  // So many replicas that equal hashes do occur: about 60,000 of 2^32 in the largest ring.
  std::mt19937 random(7);
  ConsistentHash ring(300);
  std::set<std::string> nodes;
  for (int step = 0; step < 60; ++step) {
    for (int i = 0; i < 10; ++i) {
      const std::string node = "worker-" + std::to_string(random() % 200);
      if (random() % 3 != 0)
        EXPECT_EQ(ring.add(node), nodes.insert(node).second);
      else
        EXPECT_EQ(ring.remove(node), nodes.erase(node) > 0);
    }
    std::vector<std::string> go, come;
    for (int i = 0; i < 10; ++i)  // some of them are there already, or not there
      (i % 2 == 0 ? go : come).push_back("worker-" + std::to_string(random() % 200));
    ring.change(go, come);
    for (const auto& node : go) nodes.erase(node);
    nodes.insert(come.begin(), come.end());
    EXPECT_EQ(ring.size(), nodes.size());
    for (int i = 0; i < 5; ++i) {
      const std::string key = "10.0.0." + std::to_string(random() % 256);
      const auto order = order_of(ring, key);
      ASSERT_EQ(order, defined_order(nodes, key, 300));
      if (order.empty()) continue;
      auto others = nodes;
      others.erase(order[0]);
      EXPECT_EQ(order_of(ring, key, order[0]), defined_order(others, key, 300));
    }
  }
}

TEST(ConsistentHash, EqualHashesBelongToTheGreaterNameInAnyOrder) {
  // Both have a replica of hash 0xd104aaef, which is the first one after this key.
  const std::string smaller = "4yy0qay44x", greater = "qeni8c5sfc", key = "10.0.3.103";
  const std::vector<std::string> forth{smaller, greater}, back{greater, smaller};
  EXPECT_EQ(order_of(ring_of(forth), key), (std::vector{greater, smaller}));
  EXPECT_EQ(order_of(ring_of(back), key), (std::vector{greater, smaller}));
  auto ring = ring_of(forth);
  ring.remove(greater);
  EXPECT_EQ(order_of(ring, key), std::vector{smaller});
  EXPECT_EQ(order_of(ring_of(forth), key, greater), std::vector{smaller});
}

TEST(ConsistentHash, OnlyKeysOfALostNodeMove) {
  std::vector<std::string> nodes;
  for (int i = 0; i < 20; ++i) nodes.push_back("node-" + std::to_string(i));
  const auto before = ring_of(nodes);
  auto after = before;
  after.remove("node-3");
  int moved = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    const auto order = order_of(before, key);
    if (order[0] == "node-3") {
      ++moved;
      EXPECT_EQ(*after.owner(key), order[1]) << "the next Node of the walk stands in";
    } else {
      EXPECT_EQ(*after.owner(key), order[0]);
    }
  }
  EXPECT_GT(moved, 20);
}

}  // namespace
}  // namespace antrea::egress
