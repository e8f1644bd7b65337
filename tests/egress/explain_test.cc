#include "antrea/egress/explain.h"

#include <gtest/gtest.h>

#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

api::Pod make_pod() {
  api::Pod pod;
  pod.metadata.namespace_ = "default";
  pod.metadata.name = "web";
  pod.metadata.labels = {{"app", "web"}};
  pod.node_name = "node1";
  return pod;
}

ExplainInput make_input() {
  ExplainInput input;
  for (const std::string name : {"node1", "node2", "node3"}) {
    input.nodes.push_back(make_node(name));
    input.alive.insert(name);
  }
  input.pools = {make_pool("pool")};
  return input;
}

api::crd::Egress for_web(api::crd::Egress egress) {
  egress.spec.pod_selector.emplace().match_labels = {{"app", "web"}};
  return egress;
}

TEST(EgressExplain, SelectsByBothLabels) {
  const auto pod = make_pod();
  api::crd::EgressSpec spec;
  EXPECT_FALSE(selects(spec, pod, {}));
  spec.namespace_selector.emplace();
  EXPECT_TRUE(selects(spec, pod, {}));
  spec.pod_selector.emplace().match_labels = {{"app", "web"}};
  EXPECT_TRUE(selects(spec, pod, {}));
  spec.namespace_selector->match_labels = {{"env", "prod"}};
  EXPECT_FALSE(selects(spec, pod, {{"env", "test"}}));
  EXPECT_TRUE(selects(spec, pod, {{"env", "prod"}}));
}

TEST(EgressExplain, TheOldestThatSelectsIsChosenAndSaysWhere) {
  auto input = make_input();
  input.egresses = {for_web(make_egress("young", {"10.0.0.1"}, "pool", 9)),
                    for_web(make_egress("b", {"10.0.0.2"}, "pool", 1)),
                    for_web(make_egress("a", {"10.0.0.3"}, "pool", 1)),
                    make_egress("elsewhere", {"10.0.0.4"}, "pool", 0)};
  const auto explained = explain(make_pod(), {}, input);
  ASSERT_EQ(explained.egresses.size(), 3U);
  EXPECT_EQ(explained.egresses[0].name, "a");
  EXPECT_TRUE(explained.egresses[0].chosen);
  EXPECT_EQ(explained.egresses[0].why, "the oldest one that selects the Pod");
  EXPECT_EQ(explained.egresses[2].name, "young");
  EXPECT_FALSE(explained.egresses[2].chosen);
  EXPECT_EQ(explained.egresses[2].why, "a is older");
  EXPECT_TRUE(explained.egresses[0].addresses.at(0).used);
  EXPECT_FALSE(explained.egresses[2].addresses.at(0).used);
  const auto& placed = explained.egresses[0].addresses.at(0).placement;
  EXPECT_TRUE(input.alive.contains(placed.owner));
  EXPECT_TRUE(input.alive.contains(placed.standby));
}

TEST(EgressExplain, SaysWhyThereIsNone) {
  auto input = make_input();
  input.egresses = {for_web(make_egress("web", {"10.0.0.1"}, "gone"))};
  EXPECT_EQ(explain(make_pod(), {}, input).egresses.at(0).addresses.at(0).placement.unowned,
            Unowned::kNoPool);
  auto pod = make_pod();
  pod.host_network = true;
  EXPECT_EQ(explain(pod, {}, input).excluded, "it uses the network of its Node");
  EXPECT_TRUE(explain(pod, {}, input).egresses.empty());
  auto fixed = for_web(make_egress("fixed", {"10.0.0.9"}, ""));
  fixed.status.egress_node = "node2";
  input.egresses = {fixed};
  EXPECT_EQ(explain(make_pod(), {}, input).egresses.at(0).addresses.at(0).placement.owner, "node2");
}

}  // namespace
}  // namespace antrea::egress
