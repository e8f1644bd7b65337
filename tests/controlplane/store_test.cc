#include "antrea/controlplane/store.h"

#include <gmock/gmock.h>

#include "tests/controlplane/replay.h"
#include "tests/controlplane/world.h"

namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
using test::Replay;
using test::World;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// One watch of the store, and what its events made of an empty client.
struct Client {
  WatchRequest request;
  WatcherId id;
  FrameReader reader;
  Replay seen;
  std::vector<EventType> types;

  Client(Store& store, WatchRequest what)
      : request(std::move(what)), id(store.watch(request)), reader(request.format) {}

  bool take(Store& store, std::size_t max_size = 100) {
    while (true) {
      auto pending = store.take(id, max_size);
      if (pending.dropped) return false;
      if (pending.frames.empty()) return true;
      for (const auto& frame : pending.frames) reader.feed(*frame);
      while (true) {
        auto frame = reader.next().value();
        if (!frame) break;
        types.push_back(frame->type);
        seen.apply(frame->type, decode(frame->body, request.format).value());
      }
    }
  }
};

Metadata group_meta(const std::string& name) {
  Metadata meta;
  meta.name = meta.uid = name;
  return meta;
}

/// The part of the world that a watcher of `node` (or everybody, if empty) must know.
Replay truth(const World& world, Resource resource, const std::string& node) {
  Replay want;
  const auto in = [&node](const NodeSet& span) { return node.empty() || span.contains(node); };
  if (resource == Resource::kNetworkPolicies)
    for (const auto& [name, each] : world.policies)
      if (in(each.second)) want.policies[name] = each.first;
  if (resource == Resource::kAddressGroups)
    for (const auto& [name, each] : world.address_groups)
      if (in(each.second))
        want.address_groups[name] = {group_meta(name), {each.first.begin(), each.first.end()}};
  const auto add_parts = [&node](const auto& groups, auto& wanted) {
    for (const auto& [name, by_node] : groups) {
      std::set<GroupMember> members;
      for (const auto& [at, on_node] : by_node)
        if (node.empty() || at == node) members.insert(on_node.begin(), on_node.end());
      if (!node.empty() && members.empty()) continue;
      auto& group = wanted[name];
      group.metadata = group_meta(name);
      group.members.assign(members.begin(), members.end());
    }
  };
  if (resource == Resource::kAppliedToGroups)
    add_parts(world.applied_to_groups, want.applied_to_groups);
  if (resource == Resource::kEgressGroups) add_parts(world.egress_groups, want.egress_groups);
  if (resource == Resource::kEvaluatedPods)
    for (const auto& [at, pods] : world.evaluated_pods)
      if (node.empty() || at == node) {
        want.evaluated_pods[at].metadata.name = at;
        want.evaluated_pods[at].pods.assign(pods.begin(), pods.end());
      }
  return want;
}

/// The same by lists, without a watch.
Replay listed(const Store& store, Resource resource, const std::string& node) {
  Replay seen;
  const auto take = [&]<typename T>(std::map<std::string, T>& to) {
    for (const auto& object : store.list<T>(node)) to[object->metadata.name] = *object;
  };
  if (resource == Resource::kNetworkPolicies) take(seen.policies);
  if (resource == Resource::kAddressGroups) take(seen.address_groups);
  if (resource == Resource::kAppliedToGroups) take(seen.applied_to_groups);
  if (resource == Resource::kEgressGroups) take(seen.egress_groups);
  if (resource == Resource::kEvaluatedPods) take(seen.evaluated_pods);
  return seen;
}

void expect_equal(Replay seen, const Replay& want) {
  EXPECT_EQ(seen.fault, "");
  for (auto& [node, object] : seen.evaluated_pods) object.metadata.resource_version.clear();
  EXPECT_EQ(seen.policies, want.policies);
  EXPECT_EQ(seen.address_groups, want.address_groups);
  EXPECT_EQ(seen.applied_to_groups, want.applied_to_groups);
  EXPECT_EQ(seen.egress_groups, want.egress_groups);
  EXPECT_EQ(seen.evaluated_pods, want.evaluated_pods);
}

TEST(Store, EveryWatcherKnowsItsPartOfTheTruth) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    generate::Generator any(seed);
    Store store;
    std::vector<Client> clients;
    for (int step = 0; step < 60; ++step) {
      if (any.below(3) == 0) {
        WatchRequest request;
        request.resource = kResources[any.below(kResources.size())];
        request.format = any.coin() ? Format::kProtobuf : Format::kJson;
        if (any.below(4) != 0) request.node = "n" + std::to_string(any.below(5));
        request.progress = any.coin();
        clients.emplace_back(store, std::move(request));
      }
      (void)store.apply(world.step());
      for (auto& client : clients)
        if (any.coin()) {
          ASSERT_TRUE(client.take(store));
        }
    }
    for (auto& client : clients) {
      ASSERT_TRUE(client.take(store));
      expect_equal(client.seen, truth(world, client.request.resource, client.request.node));
      EXPECT_GE(client.seen.bookmarks, 1U);
      if (!client.request.progress) {
        EXPECT_EQ(client.seen.bookmarks, 1U);
      }
    }
    for (const Resource resource : kResources)
      for (const char* const node : {"", "n0", "n1", "n2", "n3", "n4"})
        expect_equal(listed(store, resource, node), truth(world, resource, node));
  }
}

TEST(Store, OrderAndSplitOfChangesDoNotMatter) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    World world(seed);
    Store together, apart;
    for (int step = 0; step < 40; ++step) {
      const Changes changes = world.step();
      (void)together.apply(changes);
      for (const auto& each : changes.evaluated_pods) (void)apart.apply({.evaluated_pods = {each}});
      for (const auto& each : changes.egress_groups) (void)apart.apply({.egress_groups = {each}});
      for (const auto& each : changes.applied_to_groups)
        (void)apart.apply({.applied_to_groups = {each}});
      for (const auto& each : changes.address_groups) (void)apart.apply({.address_groups = {each}});
      for (const auto& each : changes.policies) (void)apart.apply({.policies = {each}});
    }
    for (const Resource resource : kResources)
      for (const char* node : {"", "n0", "n3"}) {
        Client one(together, {resource, Format::kProtobuf, node, {}});
        Client two(apart, {resource, Format::kProtobuf, node, {}});
        ASSERT_TRUE(one.take(together) && two.take(apart));
        const Replay want = truth(world, resource, node);
        expect_equal(one.seen, want);
        expect_equal(two.seen, want);
      }
  }
}

std::shared_ptr<NetworkPolicy> policy(const std::string& name, double priority = 1) {
  auto made = std::make_shared<NetworkPolicy>();
  made->metadata.name = name;
  made->metadata.generation = 3;
  made->priority = priority;
  made->source_ref = {PolicyType::kK8sNetworkPolicy, "ns", "source", name};
  return made;
}

TEST(StoreEvents, FollowTheTableOfSpans) {
  Store store;
  Client one(store, {Resource::kNetworkPolicies, Format::kProtobuf, "n1", {}});
  Client two(store, {Resource::kNetworkPolicies, Format::kProtobuf, "n2", {}});
  Client all(store, {Resource::kNetworkPolicies, Format::kJson, {}, {}});
  using enum EventType;
  const auto take = [&](Client& client) {
    EXPECT_TRUE(client.take(store));
    return std::exchange(client.types, {});
  };
  for (Client* client : {&one, &two, &all}) EXPECT_THAT(take(*client), ElementsAre(kBookmark));

  EXPECT_THAT(store.apply({.policies = {{policy("p"), {"n1"}, {}}}}), ElementsAre(one.id, all.id));
  EXPECT_THAT(take(one), ElementsAre(kAdded));
  EXPECT_THAT(take(all), ElementsAre(kAdded));
  // Only the span grows: nobody who has it hears of it.
  EXPECT_THAT(store.apply({.policies = {{policy("p"), {"n1", "n2"}, {}}}}), ElementsAre(two.id));
  EXPECT_THAT(take(two), ElementsAre(kAdded));
  EXPECT_THAT(store.apply({.policies = {{policy("p"), {"n1", "n2"}, {}}}}), IsEmpty());
  EXPECT_THAT(store.apply({.policies = {{policy("p", 2), {"n2"}, {}}}}),
              ElementsAre(one.id, two.id, all.id));
  EXPECT_THAT(take(one), ElementsAre(kDeleted));
  EXPECT_THAT(take(two), ElementsAre(kModified));
  EXPECT_THAT(take(all), ElementsAre(kModified));
  (void)store.apply({.policies = {{nullptr, {}, "p"}}});
  EXPECT_THAT(take(one), IsEmpty());
  EXPECT_THAT(take(two), ElementsAre(kDeleted));
  EXPECT_THAT(take(all), ElementsAre(kDeleted));
  EXPECT_THAT(store.apply({.policies = {{nullptr, {}, "p"}}}), IsEmpty());
}

TEST(StoreEvents, ADeletedPolicyShowsItsSourceOnly) {
  Store store;
  const auto full = policy("p");
  full->applied_to_groups = {"t"};
  (void)store.apply({.policies = {{full, {"n1"}, {}}}});
  const WatcherId id = store.watch({Resource::kNetworkPolicies, Format::kJson, "n1", {}});
  (void)store.take(id);
  (void)store.apply({.policies = {{full, {}, {}}}});
  FrameReader reader(Format::kJson);
  reader.feed(*store.take(id).frames.at(0));
  const auto frame = reader.next().value();
  const auto shown = decode_as<NetworkPolicy>(frame->body, Format::kJson).value();
  EXPECT_EQ(shown.source_ref, full->source_ref);
  EXPECT_EQ(shown.metadata, full->metadata);
  EXPECT_THAT(shown.applied_to_groups, IsEmpty());
  EXPECT_EQ(shown.priority, std::nullopt);
}

TEST(StoreEvents, AreEncodedOnceForAll) {
  Store store;
  (void)store.apply({.policies = {{policy("p"), {"n1", "n2"}, {}}}});
  const auto one = store.watch({Resource::kNetworkPolicies, Format::kProtobuf, "n1", {}});
  const auto two = store.watch({Resource::kNetworkPolicies, Format::kProtobuf, "n2", {}});
  EXPECT_EQ(store.take(one).frames.at(0), store.take(two).frames.at(0));
  (void)store.apply({.policies = {{policy("p", 2), {"n1", "n2"}, {}}}});
  EXPECT_EQ(store.take(one).frames.at(0), store.take(two).frames.at(0));
}

TEST(StoreWatch, BookmarkCarriesTheRevision) {
  Store store({.first_revision = 700});
  (void)store.apply({.policies = {{policy("p"), {"n1"}, {}}}});
  const auto id = store.watch({.resource = Resource::kNetworkPolicies,
                               .format = Format::kJson,
                               .node = "n2",
                               .mark_initial_end = true});
  const auto pending = store.take(id);
  ASSERT_EQ(pending.frames.size(), 1U);
  FrameReader reader(Format::kJson);
  reader.feed(*pending.frames[0]);
  const auto body = reader.next().value()->body;
  const auto meta = decode_as<NetworkPolicy>(body, Format::kJson)->metadata;
  EXPECT_EQ(meta.resource_version, "701");
  EXPECT_TRUE(meta.initial_events_end);
  EXPECT_THAT(body, testing::HasSubstr(R"("annotations":{"k8s.io/initial-events-end":"true"})"));
}

TEST(StoreWatch, OneNameOnly) {
  Store store;
  (void)store.apply({.policies = {{policy("p"), {"n1"}, {}}, {policy("q"), {"n1"}, {}}}});
  Client client(store, {Resource::kNetworkPolicies, Format::kProtobuf, {}, "q"});
  EXPECT_TRUE(client.take(store));
  EXPECT_EQ(client.seen.policies.size(), 1U);
  EXPECT_THAT(store.apply({.policies = {{nullptr, {}, "p"}}}), IsEmpty());
  EXPECT_THAT(store.apply({.policies = {{nullptr, {}, "q"}}}), ElementsAre(client.id));
}

TEST(StoreWatch, TakesPortionsOfTheSizeAskedFor) {
  Store store;
  Changes changes;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "p" + std::to_string(i);
    changes.policies.push_back({policy(name), {"n1"}, {}});
  }
  (void)store.apply(changes);
  const auto id = store.watch({Resource::kNetworkPolicies, Format::kJson, "n1", {}});
  EXPECT_EQ(store.take(id, 1).frames.size(), 1U);
  const auto some = store.take(id, 2000);
  std::size_t size = 0;
  for (const auto& frame : some.frames) size += frame->size();
  EXPECT_LE(size, 2000U);
  EXPECT_GT(some.frames.size(), 1U);
  EXPECT_EQ(store.take(id).frames.size(), 50 - some.frames.size());
  EXPECT_THAT(store.take(id).frames, IsEmpty());
}

TEST(StoreWatch, DropsTheSlowAndOnlyThem) {
  Store store({.max_pending = 10});
  Changes changes;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "p" + std::to_string(i);
    changes.policies.push_back({policy(name), {"n1"}, {}});
  }
  (void)store.apply(changes);
  // The initial set may be longer than what may wait.
  Client slow(store, {Resource::kNetworkPolicies, Format::kProtobuf, "n1", {}});
  Client quick(store, {Resource::kNetworkPolicies, Format::kProtobuf, "n1", {}});
  for (int i = 0; i < 11; ++i) {
    EXPECT_TRUE(quick.take(store));
    EXPECT_FALSE(store.take(WatcherId{12345}).frames.size());
    (void)store.apply({.policies = {{policy("p0", i + 2), {"n1"}, {}}}});
  }
  EXPECT_FALSE(slow.take(store));
  EXPECT_TRUE(quick.take(store));
  EXPECT_EQ(quick.seen.policies.at("p0").priority, 12);
  store.unwatch(slow.id);
  EXPECT_EQ(store.watcher_count(Resource::kNetworkPolicies), 1U);
  EXPECT_TRUE(store.take(slow.id).dropped);
}

TEST(StoreProgress, ComesBehindWhatBelongsToAnEvaluatedPod) {
  Store store;
  Client policies(store, {.resource = Resource::kNetworkPolicies, .node = "n1", .progress = true});
  Client original(store, {.resource = Resource::kNetworkPolicies, .node = "n1"});
  Client pods(store, {.resource = Resource::kEvaluatedPods, .node = "n1"});
  for (Client* each : {&policies, &original, &pods}) ASSERT_TRUE(each->take(store));
  (void)store.apply({.policies = {{policy("p"), {"n1"}, {}}},
                     .evaluated_pods = {{"n1", {{{"ns", "pod"}, "u"}}, {}}}});
  for (Client* each : {&policies, &original, &pods}) ASSERT_TRUE(each->take(store));
  using enum EventType;
  EXPECT_THAT(policies.types, ElementsAre(kBookmark, kAdded, kBookmark));
  EXPECT_THAT(original.types, ElementsAre(kBookmark, kAdded));
  EXPECT_THAT(pods.types, ElementsAre(kBookmark, kAdded));
  EXPECT_EQ(std::to_string(policies.seen.revision),
            pods.seen.evaluated_pods.at("n1").metadata.resource_version);
}

}  // namespace
}  // namespace antrea::controlplane
