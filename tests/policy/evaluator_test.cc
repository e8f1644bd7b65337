#include "antrea/policy/evaluator.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "antrea/policy/manifest.h"
#include "native_oracle.h"
#include "world.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using cp::RuleAction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Evaluator, JudgesRandomClustersAsTheSpecificationSays) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, seed % 3 != 0);
    world.populate();
    world.cluster.resolved.clear();  // nobody asks DNS here
    const Evaluator evaluator(world.everything());
    for (const Probe& probe : world.probes()) {
      if (world.below(10) != 0) continue;
      for (const bool ingress : {false, true}) {
        const api::Pod* target = ingress ? probe.to : probe.from;
        if (target == nullptr || !oracle_is_member(*target) || target->node_name.empty()) continue;
        Conversation c;
        if (probe.from != nullptr) c.from.pod = api::key_of(probe.from->metadata);
        if (probe.to != nullptr) c.to.pod = api::key_of(probe.to->metadata);
        c.from.ip = probe.source;
        c.to.ip = probe.destination;
        c.protocol = cp::ServiceProtocol{probe.protocol};
        c.port = probe.port;
        c.source_port = probe.source_port;
        c.icmp_type = probe.icmp_type;
        c.icmp_code = probe.icmp_code;
        if (probe.service && world.cluster.services.contains(*probe.service))
          c.service = {probe.service->namespace_, probe.service->name};
        c.by_node_port = probe.by_node_port;
        const auto direction = ingress ? cp::Direction::kIn : cp::Direction::kOut;
        const Judgement expected = oracle_judge(world.cluster, ingress, probe);
        const DirectionVerdict said = evaluator.judge(c, direction);
        const RuleAction wanted = expected.verdict == Verdict::kAllow  ? RuleAction::kAllow
                                  : expected.verdict == Verdict::kDrop ? RuleAction::kDrop
                                                                       : RuleAction::kReject;
        ASSERT_EQ(said.verdict, wanted) << probe.to_string();
        ASSERT_EQ(said.decider && said.decider->tier != 252, !expected.deciders.empty());
        ASSERT_TRUE(expected.deciders.empty() ||
                    expected.deciders.contains(said.decider->policy.to_string() + "/" +
                                               said.decider->rule));
        const DirectionVerdict explained = evaluator.explain(c, direction);
        ASSERT_EQ(explained.verdict, said.verdict);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 10000U);
}

std::vector<ObjectChange> objects_of(std::string_view yaml) {
  std::vector<ObjectChange> objects;
  for (const auto& json : api::decode_manifest(yaml, "test").value())
    if (auto object = decode_object(json).value()) objects.push_back(*std::move(object));
  return objects;
}

constexpr std::string_view kShop = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
status: {podIP: 10.0.0.9}
spec: {nodeName: node-7}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: nothing that policies depend on}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: api}}}]
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 5432}]
---
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: securityops
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress:
  - {name: telnet, action: Reject, ports: [{port: 23}]}
  - {name: later, action: Pass, from: [{podSelector: {}}]}
  - {name: never-seen, action: Drop}
)";

TEST(Evaluator, ExplainsRuleByRule) {
  std::vector<ObjectChange> objects = objects_of(kShop);
  ASSERT_THAT(objects, SizeIs(4U));
  complete(objects);
  const Evaluator evaluator(objects);
  EXPECT_THAT(evaluator.pods(),
              ElementsAre(api::ObjectKey{"shop", "db"}, api::ObjectKey{"shop", "web"}));
  Conversation c;
  c.from = {api::ObjectKey{"shop", "web"}, evaluator.addresses_of({"shop", "web"}).at(0)};
  c.to = evaluator.end_of(*IpAddress::parse("10.0.0.9"));
  EXPECT_EQ(c.to.pod, (api::ObjectKey{"shop", "db"}));
  const auto explain = [&](std::uint16_t port) {
    c.port = port;
    const DirectionVerdict verdict = evaluator.explain(c, cp::Direction::kIn);
    std::string text;
    for (const RuleStep& step : verdict.steps)
      text += step.rule + ":" + std::to_string(static_cast<int>(step.match)) + " ";
    return text + std::to_string(static_cast<int>(verdict.verdict)) + " by " +
           (verdict.decider ? verdict.decider->rule : "nobody");
  };
  // 0: matched, 1: another peer, 2: another port; then 0: Allow, 1: Drop, 2: Reject.
  EXPECT_EQ(explain(5432), "telnet:2 later:0 ingress[0]:1 ingress[1]:0 0 by ingress[1]");
  EXPECT_EQ(explain(80), "telnet:2 later:0 ingress[0]:1 ingress[1]:2 1 by ingress[0]");
  EXPECT_EQ(explain(23), "telnet:0 2 by telnet");
  const DirectionVerdict egress = evaluator.explain(c, cp::Direction::kOut);
  EXPECT_EQ(egress.verdict, RuleAction::kAllow);
  EXPECT_FALSE(egress.decider);
  EXPECT_THAT(egress.steps, IsEmpty());
}

TEST(Manifest, MakesUpWhatFilesLack) {
  std::vector<ObjectChange> objects = objects_of(kShop);
  const MadeUp made_up = complete(objects);
  EXPECT_THAT(made_up.addresses, ElementsAre(api::ObjectKey{"shop", "web"}));
  EXPECT_THAT(made_up.nodes, ElementsAre(api::ObjectKey{"shop", "web"}));
  EXPECT_THAT(made_up.namespaces, ElementsAre("shop"));
  const MadeUp again = complete(objects);
  EXPECT_THAT(again.addresses, IsEmpty());
  EXPECT_THAT(again.namespaces, IsEmpty());
}

TEST(Manifest, MakesUpNoAddressThatSomebodyHas) {
  std::vector<ObjectChange> objects = objects_of(R"(
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: shop}
status: {podIP: 198.18.0.1}
)");
  complete(objects);
  const Evaluator evaluator(objects);
  EXPECT_EQ(evaluator.addresses_of({"shop", "a"}).at(0).to_string(), "198.18.0.2");
  EXPECT_EQ(evaluator.addresses_of({"shop", "b"}).at(0).to_string(), "198.18.0.1");
}

TEST(Manifest, MakesUpTheSameForBothSets) {
  const auto pod = [](const std::string& name) {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: shop}\n---\n";
  };
  std::vector<ObjectChange> before = objects_of(pod("a") + pod("b"));
  std::vector<ObjectChange> after =
      objects_of(pod("new") + pod("b") +
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n"
                 "status: {podIP: 10.0.0.7}\nspec: {nodeName: node-3}\n");
  const auto [made_up_before, made_up_after] = complete(before, after);
  EXPECT_THAT(made_up_before.addresses, SizeIs(2U));
  EXPECT_THAT(made_up_after.addresses, SizeIs(2U));
  const Evaluator first(before), second(after);
  for (const std::string name : {"a", "b"})
    EXPECT_EQ(first.addresses_of({"shop", name}), second.addresses_of({"shop", name})) << name;
  EXPECT_EQ(first.addresses_of({"shop", "a"}).at(0).to_string(), "10.0.0.7");
}

TEST(Manifest, NamesWhatIsWrong) {
  const auto wrong = decode_object(boost::json::parse(
      R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"Tier","metadata":{"name":"t"},"spec":{}})"));
  ASSERT_TRUE(wrong.has_error());
  EXPECT_THAT(wrong.error().to_string(), ::testing::HasSubstr("Tier t: spec.priority"));
  EXPECT_FALSE(decode_object(boost::json::parse("[]")).value());
}

}  // namespace
}  // namespace antrea::policy::testing
