// What went wrong elsewhere (antrea: the number) and no random history is sure to meet.

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "antrea/policy/evaluator.h"
#include "antrea/policy/manifest.h"
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

TEST(GroupPitfalls, AGroupMayComeAfterThePolicyThatIsAppliedToIt) {  // #2478, #6077
  Compiler compiler;
  StoreModel store;
  const auto apply = [&](const std::vector<ObjectChange>& batch) {
    store.apply(compiler.apply(batch));
  };
  const auto span = [&] { return store.policies.at("u").span; };
  apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
         acnp("metadata: {name: p, uid: u}\n"
              "spec: {priority: 1, appliedTo: [{group: later}], ingress: [{action: Drop}]}")});
  EXPECT_EQ(span(), cp::NodeSet{});
  apply({cluster_group("metadata: {name: later}\nspec: {podSelector: {matchLabels: {app: web}}}")});
  EXPECT_EQ(span(), cp::NodeSet{"n1"});
  apply({ObjectDeleted{ObjectKind::kClusterGroup, {{}, "later"}}});
  EXPECT_EQ(span(), cp::NodeSet{});
}

std::set<std::string> peer_names(const StoreModel& store) {
  std::set<std::string> names;
  for (const std::string& group : first_rule(store).peers.address_groups)
    for (const cp::GroupMember& member : store.address_groups.at(group).members)
      names.insert(member.key.name);
  return names;
}

// Of the defects of the original: a Service's selector that changed was taken for one that did not,
// a changed exception for none, and groups of Nodes were not looked at again.
TEST(GroupPitfalls, FollowWhatTheyAreMadeOf) {
  Compiler compiler;
  StoreModel store;
  const auto apply = [&](const std::vector<ObjectChange>& batch) {
    store.apply(compiler.apply(batch));
  };
  const auto service = [](const std::string& app) {
    auto made = std::make_shared<api::Service>();
    made->metadata.namespace_ = "default";
    made->metadata.name = "s";
    made->selector = {{"app", app}};
    return std::shared_ptr<const api::Service>(made);
  };
  const auto node = [](api::Labels labels) {
    auto made = std::make_shared<api::Node>();
    made->metadata.name = "n1";
    made->metadata.labels = std::move(labels);
    made->internal_ips = {ip("192.0.2.1")};
    return std::shared_ptr<const api::Node>(made);
  };
  const auto group = [](const std::string& spec) {
    return cluster_group("metadata: {name: g}\nspec: {" + spec + "}");
  };
  apply(
      {node({}), service("web"), pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
       pod("db", {{"app", "db"}}, "n1", {"10.0.0.2"}),
       group("serviceReference: {name: s, namespace: default}"),
       acnp("metadata: {name: p, uid: u}\n"
            "spec: {priority: 1, appliedTo: [{podSelector: {}}],"
            " ingress: [{action: Drop, from: [{group: g}, {ipBlock: {cidr: 203.0.113.0/24}}]}]}")});
  EXPECT_THAT(peer_names(store), ElementsAre("web"));
  apply({service("db")});
  EXPECT_THAT(peer_names(store), ElementsAre("db"));
  apply({ObjectDeleted{ObjectKind::kService, {"default", "s"}}});
  EXPECT_THAT(peer_names(store), IsEmpty());

  apply({group("nodeSelector: {matchLabels: {role: db}}")});
  EXPECT_THAT(peer_names(store), IsEmpty());
  apply({node({{"role", "db"}})});
  EXPECT_THAT(peer_names(store), ElementsAre("n1"));

  const auto exceptions = [&] {
    std::vector<IpPrefix> all;
    for (const auto& block : first_rule(store).peers.ip_blocks)
      all.insert(all.end(), block.except.begin(), block.except.end());
    return all;
  };
  apply({group("ipBlocks: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]")});
  EXPECT_THAT(exceptions(), ElementsAre(cidr("10.1.0.0/16")));
  apply({group("ipBlocks: [{cidr: 10.0.0.0/8, except: [10.2.0.0/16]}]")});
  EXPECT_THAT(exceptions(), ElementsAre(cidr("10.2.0.0/16")));
}

// The original keeps one entry for a Namespace: a second appliedTo overwrites the first.
TEST(PolicyPitfalls, SeveralTargetsOfOneNamespaceAllCount) {
  const StoreModel store =
      compiled({ns("default"), pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
                pod("db", {{"app", "db"}}, "n2", {"10.0.0.2"}),
                acnp("metadata: {name: p, uid: u}\n"
                     "spec: {priority: 1, appliedTo: [{podSelector: {matchLabels: {app: web}}},"
                     " {podSelector: {matchLabels: {app: db}}}],"
                     " ingress: [{action: Drop, from: [{namespaces: {match: Self}}]}]}")},
               1);
  std::set<std::string> targets;
  for (const auto& rule : store.policies.at("u").object->rules)
    for (const std::string& group : rule.applied_to_groups)
      for (const auto& [node, members] : store.applied_to_groups.at(group))
        for (const auto& member : members) targets.insert(member.key.name);
  EXPECT_THAT(targets, ElementsAre("db", "web"));
  EXPECT_EQ(store.policies.at("u").span, cp::NodeSet({"n1", "n2"}));
}

TEST(PolicyPitfalls, NobodyNamedMeansEverybody) {  // #2383
  const StoreModel store = compiled({pod("web", {}, "n1", {"10.0.0.1"}),
                                     acnp("metadata: {name: p, uid: u}\n"
                                          "spec: {priority: 1, appliedTo: [{podSelector: {}}],"
                                          " ingress: [{action: Drop}, {action: Drop, from: []}],"
                                          " egress: [{action: Drop, to: []}]}")},
                                    2);
  for (const auto& rule : store.policies.at("u").object->rules) {
    ASSERT_THAT(rule.peers.ip_blocks, SizeIs(2));
    EXPECT_EQ(rule.peers.ip_blocks[0].cidr, cidr("0.0.0.0/0"));
    EXPECT_EQ(rule.peers.ip_blocks[1].cidr, cidr("::/0"));
  }
}

TEST(PolicyPitfalls, KindsWithOneNameAreApart) {  // #1467
  auto kubernetes = ingress_policy("p", {});
  kubernetes->metadata.uid.clear();
  const StoreModel store = compiled(
      {pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), kubernetes,
       annp("metadata: {name: p, namespace: default}\n"
            "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop}]}"),
       acnp("metadata: {name: p}\n"
            "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop}]}")},
      1);
  EXPECT_THAT(store.policies, SizeIs(3));
}

// Lists of images and who managed which field once filled the original's memory.
TEST(ObjectPitfalls, NothingIsKeptOfWhatPoliciesDoNotLookAt) {  // #6351
  const auto node = [](const std::string& metadata, const std::string& status) {
    const auto objects = api::decode_manifest(
        "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {role: db}" + metadata +
            "}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.1}]" + status + "}\n",
        "test");
    return std::get<std::shared_ptr<const api::Node>>(
        *decode_object(objects.value().at(0)).value());
  };
  const auto plain = node("", ""),
             full = node(", managedFields: [{manager: kubelet, fieldsV1: {\"f:status\": {}}}]",
                         ", images: [{names: [a, b], sizeBytes: 5}], nodeInfo: {machineID: m}");
  EXPECT_EQ(*plain, *full);
}

TEST(EvaluationPitfalls, LeavesOutWhoIsNoTarget) {  // #8042
  auto host = pod("host", {{"app", "web"}}, "n1", {"192.0.2.1"});
  host->host_network = true;
  auto ended = pod("ended", {{"app", "web"}}, "n1", {"10.0.0.2"});
  ended->phase = "Succeeded";
  const std::vector<ObjectChange> objects{pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), host,
                                          ended, ingress_policy("p", {})};
  const Evaluator evaluator(objects);
  EXPECT_THAT(evaluator.pods(), ElementsAre(api::ObjectKey{"default", "web"}));
  for (const auto& [address, verdict] : {std::pair("10.0.0.1", cp::RuleAction::kDrop),
                                         std::pair("192.0.2.1", cp::RuleAction::kAllow),
                                         std::pair("10.0.0.2", cp::RuleAction::kAllow)}) {
    Conversation c{.from = {{}, ip("203.0.113.1")}, .to = evaluator.end_of(ip(address))};
    EXPECT_EQ(evaluator.judge(c, cp::Direction::kIn).verdict, verdict) << address;
  }
}

}  // namespace
}  // namespace antrea::policy::testing
