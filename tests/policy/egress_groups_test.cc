#include <gtest/gtest.h>

#include <random>

#include "tests/policy/builders.h"

// The Pods that Egresses select, as the compiler tells them.
namespace antrea::policy {
namespace {

using namespace testing;
namespace cp = api::controlplane;

std::shared_ptr<api::crd::Egress> egress(const std::string& name,
                                         std::optional<api::LabelSelector> pods,
                                         std::optional<api::LabelSelector> namespaces = {}) {
  auto object = std::make_shared<api::crd::Egress>();
  object->metadata.name = name;
  object->spec.pod_selector = std::move(pods);
  object->spec.namespace_selector = std::move(namespaces);
  return object;
}

using Groups = std::map<std::string, std::set<std::string>>;  // "node: namespace/pod"

/// Applies changes; complains of those that say nothing, or something twice.
void follow(const cp::Changes& changes, Groups& groups) {
  for (const auto& change : changes.egress_groups) {
    if (change.gone) {
      EXPECT_EQ(groups.erase(change.name), 1U) << change.name;
      continue;
    }
    const bool fresh = !groups.contains(change.name);
    auto& members = groups[change.name];
    EXPECT_TRUE(fresh || !change.empty()) << change.name << ": a change of nothing";
    const auto text = [](const cp::NodeMember& each) {
      EXPECT_TRUE(each.member.ips.empty() && each.member.ports.empty());
      return each.node + ": " + each.member.key.to_string();
    };
    for (const auto& each : change.removed) EXPECT_EQ(members.erase(text(each)), 1U) << text(each);
    for (const auto& each : change.added) EXPECT_TRUE(members.insert(text(each)).second);
  }
}

TEST(EgressGroups, HoldPodsByBothSelectors) {
  Compiler compiler;
  Groups groups;
  const std::vector<ObjectChange> batch{
      ns("default", {{"env", "prod"}}),
      pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
      pod("db", {{"app", "db"}}, "n2", {}),
      pod("later", {{"app", "web"}}, "", {}),
      egress("by-pod", labelled("app", "web")),
      egress("by-namespace", std::nullopt, labelled("env", "prod")),
      egress("by-both", labelled("app", "db"), labelled("env", "prod")),
      egress("elsewhere", labelled("app", "db"), labelled("env", "test")),
      egress("nobody", std::nullopt)};
  follow(compiler.apply(batch), groups);
  EXPECT_EQ(groups, (Groups{{"by-pod", {"n1: default/web"}},
                            {"by-namespace", {"n1: default/web", "n2: default/db"}},
                            {"by-both", {"n2: default/db"}},
                            {"elsewhere", {}},
                            {"nobody", {}}}));
  EXPECT_TRUE(compiler.apply(egress("by-pod", labelled("app", "web"))).empty());
}

// antrea #2851, #6508
TEST(EgressGroups, LeaveOutPodsOfTheHostNetworkAndThoseThatEnded) {
  Compiler compiler;
  Groups groups;
  auto host = pod("host", {{"app", "web"}}, "n1", {"10.0.0.1"});
  host->host_network = true;
  auto ended = pod("ended", {{"app", "web"}}, "n1", {"10.0.0.2"});
  follow(compiler.apply(std::vector<ObjectChange>{ns("default"), host, ended,
                                                  egress("web", labelled("app", "web"))}),
         groups);
  EXPECT_EQ(groups.at("web"), std::set<std::string>{"n1: default/ended"});
  auto succeeded = std::make_shared<api::Pod>(*ended);
  succeeded->phase = "Succeeded";
  follow(compiler.apply(succeeded), groups);
  EXPECT_TRUE(groups.at("web").empty());
}

TEST(EgressGroups, TellOnlyTheDifferenceOfOtherSelectors) {
  Compiler compiler;
  Groups groups;
  follow(compiler.apply(std::vector<ObjectChange>{
             ns("default"), pod("a", {{"app", "web"}, {"tier", "x"}}, "n1", {}),
             pod("b", {{"app", "web"}}, "n1", {}), egress("web", labelled("app", "web"))}),
         groups);
  const auto changes = compiler.apply(egress("web", labelled("tier", "x")));
  ASSERT_EQ(changes.egress_groups.size(), 1U);
  EXPECT_TRUE(changes.egress_groups[0].added.empty());
  EXPECT_EQ(changes.egress_groups[0].removed.size(), 1U);
  follow(changes, groups);
  EXPECT_EQ(groups.at("web"), std::set<std::string>{"n1: default/a"});
}

TEST(EgressGroups, EqualANaiveSelectionThroughRandomHistories) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned bound) {
      return static_cast<unsigned>(random() % bound);
    };
    const auto number = [&below](unsigned bound) { return std::to_string(below(bound)); };
    std::map<std::string, std::shared_ptr<const api::Namespace>> namespaces;
    std::map<std::string, std::shared_ptr<const api::Pod>> pods;
    std::map<std::string, std::shared_ptr<const api::crd::Egress>> egresses;
    Compiler compiler;
    Groups groups;
    const auto selector = [&]() -> std::optional<api::LabelSelector> {
      if (below(3) == 0) return std::nullopt;
      if (below(4) == 0) return api::LabelSelector();
      return labelled("k", number(3));
    };
    for (int step = 0; step < 100; ++step) {
      std::vector<ObjectChange> batch;
      for (unsigned i = 0; i <= below(4); ++i) {
        const std::string space = "ns" + number(3), name = "o" + number(6);
        const bool gone = below(4) == 0;
        switch (below(3)) {
          case 0: {
            if (gone) {
              namespaces.erase(space);
              batch.push_back(ObjectDeleted{ObjectKind::kNamespace, {{}, space}});
              break;
            }
            const auto object = ns(space, {{"k", number(3)}});
            namespaces[space] = object;
            batch.push_back(object);
            break;
          }
          case 1: {
            if (gone) {
              pods.erase(space + "/" + name);
              batch.push_back(ObjectDeleted{ObjectKind::kPod, {space, name}});
              break;
            }
            auto object = pod(name, {{"k", number(3)}}, below(4) == 0 ? "" : "n" + number(3), {});
            object->metadata.namespace_ = space;
            object->host_network = below(6) == 0;
            if (below(6) == 0) object->phase = "Failed";
            pods[space + "/" + name] = object;
            batch.push_back(object);
            break;
          }
          default: {
            if (gone) {
              egresses.erase(name);
              batch.push_back(ObjectDeleted{ObjectKind::kEgress, {{}, name}});
              break;
            }
            const auto object = egress(name, selector(), selector());
            egresses[name] = object;
            batch.push_back(object);
          }
        }
      }
      follow(compiler.apply(batch), groups);
      Groups expected;
      for (const auto& [name, each] : egresses) {
        auto& members = expected[name];
        const auto& spec = each->spec;
        if (!spec.pod_selector && !spec.namespace_selector) continue;
        for (const auto& [key, candidate] : pods) {
          const auto space = namespaces.find(candidate->metadata.namespace_);
          const api::Labels labels =
              space != namespaces.end() ? space->second->metadata.labels : api::Labels();
          if (candidate->node_name.empty() || candidate->host_network || candidate->terminated())
            continue;
          if (spec.pod_selector && !spec.pod_selector->matches(candidate->metadata.labels))
            continue;
          if (spec.namespace_selector && !spec.namespace_selector->matches(labels)) continue;
          members.insert(candidate->node_name + ": " + key);
        }
      }
      ASSERT_EQ(groups, expected) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace antrea::policy
