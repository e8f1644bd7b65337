// What went wrong elsewhere (antrea: the number) and no random history is sure to meet.

#include <gmock/gmock.h>

#include <algorithm>

#include "builders.h"
#include "manifests.h"
#include "model.h"

namespace antrea::policy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

StoreModel compiled(const std::vector<ObjectChange>& objects, std::size_t batch) {
  Compiler compiler;
  StoreModel store;
  for (std::size_t at = 0; at < objects.size(); at += batch)
    store.apply(
        compiler.apply(std::span(objects).subspan(at, std::min(batch, objects.size() - at))));
  return store;
}
const cp::NetworkPolicyRule& first_rule(const StoreModel& store) {
  return store.policies.begin()->second.object->rules.at(0);
}

TEST(GroupPitfalls, ManyOrdersOneResult) {  // #2443, #2478, #3030, #3383, #3405
  const std::vector<ObjectChange> objects{
      pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
      cluster_group("metadata: {name: pods}\nspec: {podSelector: {matchLabels: {app: web}}}"),
      cluster_group("metadata: {name: blocks}\nspec: {ipBlocks: [{cidr: 192.0.2.0/24}]}"),
      cluster_group("metadata: {name: both}\nspec: {childGroups: [pods, blocks]}"),
      acnp("metadata: {name: p, uid: u}\n"
           "spec: {priority: 1, appliedTo: [{podSelector: {}}],"
           " ingress: [{action: Drop, from: [{group: both}]}]}"),
  };
  const StoreModel expected = compiled(objects, objects.size());
  const cp::NetworkPolicyPeer& peers = first_rule(expected).peers;
  ASSERT_THAT(peers.ip_blocks, SizeIs(1));
  EXPECT_EQ(peers.ip_blocks[0].cidr, cidr("192.0.2.0/24"));
  ASSERT_THAT(peers.address_groups, SizeIs(1));
  ASSERT_THAT(expected.address_groups.at(peers.address_groups[0]).members, SizeIs(1));

  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  do {
    std::vector<ObjectChange> shuffled;
    for (const std::size_t i : order) shuffled.push_back(objects[i]);
    for (const std::size_t batch : {1U, 2U})
      ASSERT_EQ(compiled(shuffled, batch), expected) << ::testing::PrintToString(order);
  } while (std::ranges::next_permutation(order).found);
}

TEST(GroupPitfalls, TwoPoliciesShareOneGroup) {  // #2768
  const auto policy = [](const std::string& name) {
    return acnp("metadata: {name: " + name + ", uid: " + name +
                "}\nspec: {priority: 1, appliedTo: [{podSelector: {}}],"
                " ingress: [{action: Drop, from: [{group: g}]}]}");
  };
  const auto blocks = [](const std::string& cidrs) {
    return cluster_group("metadata: {name: g}\nspec: {ipBlocks: [" + cidrs + "]}");
  };
  Compiler compiler;
  StoreModel store;
  const auto apply = [&](const std::vector<ObjectChange>& batch) {
    store.apply(compiler.apply(batch));
  };
  const auto cidrs_of = [&](const std::string& name) {
    std::vector<IpPrefix> cidrs;
    for (const auto& block : store.policies.at(name).object->rules.at(0).peers.ip_blocks)
      cidrs.push_back(block.cidr);
    return cidrs;
  };
  apply({pod("web", {}, "n1", {"10.0.0.1"}), blocks("{cidr: 192.0.2.0/24}"), policy("a"),
         policy("b")});
  apply({blocks("{cidr: 192.0.2.0/24}, {cidr: 198.51.100.0/24}")});
  for (const auto* name : {"a", "b"})
    EXPECT_THAT(cidrs_of(name),
                UnorderedElementsAre(cidr("192.0.2.0/24"), cidr("198.51.100.0/24")));
  apply({ObjectDeleted{ObjectKind::kAntreaClusterNetworkPolicy, {{}, "a"}}});
  EXPECT_THAT(cidrs_of("b"), SizeIs(2));
}

TEST(GroupPitfalls,
     CirclesEndAndAreForgotten) {  // a traversal without a bound overflowed the stack
  const auto group = [](const std::string& name, const std::string& child) {
    return cluster_group("metadata: {name: " + name + "}\nspec: {childGroups: [" + child + "]}");
  };
  Compiler compiler;
  StoreModel store;
  const auto apply = [&](const std::vector<ObjectChange>& batch) {
    store.apply(compiler.apply(batch));
  };
  const auto members = [&] {
    const auto& groups = first_rule(store).peers.address_groups;
    std::size_t count = 0;
    for (const auto& name : groups) count += store.address_groups.at(name).members.size();
    return count;
  };
  apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), group("a", "b"), group("b", "c"),
         group("c", "a"),
         acnp("metadata: {name: p, uid: u}\n"
              "spec: {priority: 1, appliedTo: [{podSelector: {}}],"
              " ingress: [{action: Drop, from: [{group: a},"
              " {ipBlock: {cidr: 192.0.2.0/24}}]}]}")});
  EXPECT_EQ(members(), 0U);
  EXPECT_THAT(first_rule(store).peers.ip_blocks, SizeIs(1));
  apply({cluster_group("metadata: {name: b}\nspec: {podSelector: {matchLabels: {app: web}}}")});
  EXPECT_EQ(members(), 1U) << "b is a group of Pods now";
}

TEST(PeerPitfalls, BlocksMayHaveHostBits) {  // #1767
  const StoreModel store =
      compiled({pod("web", {}, "n1", {"10.0.0.1"}),
                acnp("metadata: {name: p, uid: u}\n"
                     "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop,"
                     " from: [{ipBlock: {cidr: 10.9.8.7/16, except: [10.9.1.1/24]}}]}]}")},
               2);
  const auto& blocks = first_rule(store).peers.ip_blocks;
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_EQ(blocks[0].cidr, cidr("10.9.0.0/16"));
  EXPECT_THAT(blocks[0].except, ElementsAre(cidr("10.9.1.0/24")));
}

}  // namespace
}  // namespace antrea::policy::testing
