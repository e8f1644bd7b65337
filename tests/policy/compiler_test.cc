#include "antrea/policy/compiler.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "builders.h"
#include "libantrea-policy/selector.h"
#include "model.h"
#include "world.h"

namespace antrea::policy::testing {
namespace {

using Op = api::LabelSelectorRequirement::Operator;

// The names of groups on the wire; computed by Python's uuid.uuid5.
constexpr const char* kWebPods =
    "0f4789f6-6f28-5440-8ad4-46d8ac276643";  // "namespace=default And podSelector=app=web"
constexpr const char* kAllPods = "946d5846-ff34-5a8c-ab0b-2c6c271b0778";  // "namespaceSelector="

struct SelectorText {
  std::string_view name;
  GroupSelector selector;
  std::string_view text;
};
void PrintTo(const SelectorText& c, std::ostream* os) { *os << c.name; }
class NormalizedSelector : public ::testing::TestWithParam<SelectorText> {};
TEST_P(NormalizedSelector, IsTheTextThatNamesTheGroup) {
  std::string text;
  append_normalized(GetParam().selector, text);
  EXPECT_EQ(text, GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(
    Texts, NormalizedSelector,
    ::testing::Values(SelectorText{"PodsOfNamespace",
                                   {"default", {}, labelled("app", "web")},
                                   "namespace=default And podSelector=app=web"},
                      SelectorText{"EmptyPodSelector",
                                   {"default", {}, api::LabelSelector{}},
                                   "namespace=default And podSelector="},
                      SelectorText{"NamespaceSelectorHidesNamespace",
                                   {"default", api::LabelSelector{}, std::nullopt},
                                   "namespaceSelector="},
                      SelectorText{"Both",
                                   {"default", labelled("team", "a"), labelled("app", "web")},
                                   "namespaceSelector=team=a And podSelector=app=web"},
                      SelectorText{
                          "ExpressionsSortedByKeyThenText",
                          {"default",
                           {},
                           api::LabelSelector{{{"m", "1"}},
                                              {{"z", Op::kExists, {}},
                                               {"a", Op::kNotIn, {"y", "x"}},
                                               {"a", Op::kIn, {"w"}},
                                               {"b", Op::kDoesNotExist, {}}}}},
                          "namespace=default And podSelector=a in (w),a notin (x,y),!b,m=1,z"}),
    [](const auto& info) { return std::string(info.param.name); });

class CompilerTest : public ::testing::Test {
 protected:
  cp::Changes apply(std::initializer_list<ObjectChange> batch) {
    cp::Changes changes = compiler.apply(std::span(batch.begin(), batch.size()));
    store.apply(changes);
    return changes;
  }
  const cp::NetworkPolicy& policy(const std::string& name) {
    return *store.policies.at("uid-of-" + name).object;
  }

  Compiler compiler;
  StoreModel store;
};

TEST_F(CompilerTest, NamesGroupsByTheirSelectorAndSharesThem) {
  apply({ns("default"), pod("web-1", {{"app", "web"}}, "n1", {"10.0.0.1"}),
         pod("web-2", {{"app", "web"}}, "n2", {"10.0.0.2"}),
         ingress_policy("a", {{{pods_with("app", "web")}, {}}}), ingress_policy("b", {})});
  ASSERT_EQ(store.applied_to_groups.size(), 1U);
  ASSERT_EQ(store.address_groups.size(), 1U);
  EXPECT_EQ(store.applied_to_groups.begin()->first, kWebPods);
  EXPECT_EQ(store.address_groups.begin()->first, kWebPods);
  EXPECT_EQ(policy("a").applied_to_groups, std::vector<std::string>{kWebPods});
  EXPECT_EQ(store.policies.at("uid-of-b").span, (cp::NodeSet{"n1", "n2"}));
  EXPECT_EQ(store.address_groups.at(kWebPods).span, (cp::NodeSet{"n1", "n2"}));
  // Members of AppliedToGroups carry no address, those of AddressGroups do.
  EXPECT_TRUE(store.applied_to_groups.at(kWebPods).at("n1").at(0).ips.empty());
  EXPECT_EQ(store.address_groups.at(kWebPods).members.at(1).ips, std::vector{ip("10.0.0.2")});
}

TEST_F(CompilerTest, WritesRulesAsAgentsExpectThem) {
  api::NetworkPolicyPort port{.port = api::IntOrString{80, {}}, .end_port = 90};
  auto source = ingress_policy("p", {{{}, {port}}});
  source->policy_egress = true;
  apply({source});
  const cp::NetworkPolicy& p = policy("p");
  EXPECT_EQ(p.metadata.name, p.metadata.uid);
  EXPECT_EQ(p.source_ref.to_string(), "K8sNetworkPolicy:default/p");
  EXPECT_FALSE(p.priority || p.tier_priority);
  ASSERT_EQ(p.rules.size(), 2U);
  EXPECT_EQ(p.rules[0].direction, cp::Direction::kIn);
  EXPECT_EQ(p.rules[0].action, cp::RuleAction::kAllow);
  EXPECT_EQ(p.rules[0].priority, -1);
  // Any peer: a block per family, never one for both.
  EXPECT_EQ(p.rules[0].peers.ip_blocks,
            (std::vector<api::IpBlock>{{cidr("0.0.0.0/0"), {}}, {cidr("::/0"), {}}}));
  EXPECT_EQ(p.rules[0].services.at(0).end_port, 90);
  // Isolation: the direction and nothing else.
  EXPECT_EQ(p.rules[1], cp::NetworkPolicyRule{.direction = cp::Direction::kOut});
}

TEST_F(CompilerTest, PullsInAllPodsOnlyForNamedEgressPorts) {
  const auto egress = [](const std::string& name, api::IntOrString port) {
    auto source = ingress_policy(name, {});
    source->policy_ingress = false;
    source->policy_egress = true;
    source->egress = {{{}, {api::NetworkPolicyPort{.port = std::move(port)}}}};
    return source;
  };
  apply({egress("numbered", {80, {}})});
  EXPECT_TRUE(store.address_groups.empty());
  apply({egress("named", {0, "web"})});
  EXPECT_EQ(store.address_groups.count(kAllPods), 1U);
}

TEST_F(CompilerTest, ChangesThatCancelOutGiveNothing) {
  apply({ns("default"), pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), ingress_policy("p", {})});
  EXPECT_TRUE(apply({pod("web", {{"app", "db"}}, "n2", {"10.0.0.9"}),
                     ObjectDeleted{ObjectKind::kNetworkPolicy, {"default", "p"}},
                     pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), ingress_policy("p", {})})
                  .empty());
  EXPECT_TRUE(apply({pod("new", {}, "n1", {}), ObjectDeleted{ObjectKind::kPod, {"default", "new"}}})
                  .empty());
}

TEST_F(CompilerTest, SameNameWithNewUidIsAnotherPolicy) {  // antrea #4986
  apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}), ingress_policy("p", {})});
  auto recreated = ingress_policy("p", {});
  recreated->metadata.uid = "another";
  const cp::Changes changes = apply({recreated});
  EXPECT_EQ(changes.policies.size(), 2U);
  EXPECT_EQ(store.policies.size(), 1U);
  EXPECT_TRUE(store.policies.contains("another"));
}

TEST_F(CompilerTest,
       LeavesOutHostNetworkAndEndedPods) {  // antrea #2093, #3080, #3467, #6508, #7217
  auto host = pod("host", {{"app", "web"}}, "n1", {"192.168.0.1"});
  host->host_network = true;
  auto ended = pod("ended", {{"app", "web"}}, "n1", {"10.0.0.1"});
  ended->phase = "Failed";
  apply({host, ended, ingress_policy("p", {{{pods_with("app", "web")}, {}}})});
  EXPECT_TRUE(store.address_groups.at(kWebPods).members.empty());
  EXPECT_TRUE(store.applied_to_groups.at(kWebPods).empty());
  EXPECT_TRUE(store.policies.at("uid-of-p").span.empty());
  auto running = std::make_shared<api::Pod>(*ended);
  running->phase = "Running";
  apply({running});
  EXPECT_EQ(store.address_groups.at(kWebPods).members.size(), 1U);
  apply({ended});
  EXPECT_TRUE(store.address_groups.at(kWebPods).members.empty());
}

TEST_F(CompilerTest, SendsEveryChangeOfAddressesAndPorts) {  // antrea #1808; secondary family;
                                                             // ports of equal name and address
  apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1", "fd00::1"}),
         ingress_policy("p", {{{pods_with("app", "web")}, {}}})});
  cp::Changes changes = apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1", "fd00::2"})});
  ASSERT_EQ(changes.address_groups.size(), 1U);
  EXPECT_EQ(changes.address_groups[0].delta.removed.at(0).ips.at(1), ip("fd00::1"));
  EXPECT_TRUE(changes.applied_to_groups.empty());
  auto other_ports = pod("web", {{"app", "web"}}, "n1", {"10.0.0.1", "fd00::2"});
  other_ports->containers.push_back({.ports = {{.name = "web", .container_port = 8080}}});
  changes = apply({other_ports});
  ASSERT_EQ(changes.address_groups.size(), 1U);
  EXPECT_EQ(changes.address_groups[0].delta.added.at(0).ports.at(0).port, 8080);
  EXPECT_EQ(changes.applied_to_groups.at(0).removed.size(), 1U);
}

TEST_F(CompilerTest, SpansFollowThePods) {
  apply({pod("web", {{"app", "web"}}, "n1", {"10.0.0.1"}),
         pod("db", {{"app", "db"}}, "n3", {"10.0.0.3"}),
         ingress_policy("p", {{{pods_with("app", "db")}, {}}})});
  const std::string& group = policy("p").rules[0].peers.address_groups[0];
  EXPECT_EQ(store.address_groups.at(group).span, cp::NodeSet{"n1"});
  const cp::Changes moved = apply({pod("web", {{"app", "web"}}, "n2", {"10.0.0.2"})});
  EXPECT_EQ(store.address_groups.at(group).span, cp::NodeSet{"n2"});
  EXPECT_EQ(store.policies.at("uid-of-p").span, cp::NodeSet{"n2"});
  EXPECT_TRUE(moved.address_groups.at(0).delta.empty());  // only its span changed
  apply({ObjectDeleted{ObjectKind::kPod, {"default", "web"}}});
  EXPECT_TRUE(store.policies.at("uid-of-p").span.empty());
}

TEST_F(CompilerTest, TellsEachNodeWhichOfItsPodsWereEvaluated) {
  apply({pod("web", {}, "n1", {})});  // before it has an address
  EXPECT_EQ(store.evaluated.at("n1"),
            (std::set<cp::EvaluatedPod>{{{"default", "web"}, "uid-of-web"}}));
  auto recreated = pod("web", {}, "n1", {});
  recreated->metadata.uid = "another";
  const cp::Changes changes = apply({recreated});
  EXPECT_EQ(changes.evaluated_pods.at(0).removed.at(0).uid, "uid-of-web");
  EXPECT_EQ(changes.evaluated_pods.at(0).added.at(0).uid, "another");
  apply({ObjectDeleted{ObjectKind::kPod, {"default", "web"}}});
  EXPECT_TRUE(store.evaluated.empty());
}

TEST_F(CompilerTest, LoggingOfANamespaceReachesItsPolicies) {
  apply({ns("default"), ingress_policy("p", {{{}, {}}})});
  auto logging = std::make_shared<api::Namespace>(*ns("default"));
  logging->metadata.annotations["networkpolicy.antrea.io/enable-logging"] = "True";
  apply({logging});
  EXPECT_TRUE(policy("p").rules[0].enable_logging);
  apply({ns("default")});
  EXPECT_FALSE(policy("p").rules[0].enable_logging);
}

TEST_F(CompilerTest, UnknownNamespacesMatchOnlyTheEmptySelector) {
  api::NetworkPolicyPeer any, other;
  any.namespace_selector = api::LabelSelector{};
  other.namespace_selector = api::LabelSelector{{}, {{"team", Op::kDoesNotExist, {}}}};
  apply({pod("db", {}, "n1", {"10.0.0.1"}), ingress_policy("any", {{{any}, {}}}),
         ingress_policy("other", {{{other}, {}}})});
  const auto members = [&](const std::string& name) {
    return store.address_groups.at(policy(name).rules[0].peers.address_groups[0]).members.size();
  };
  EXPECT_EQ(members("any"), 1U);
  EXPECT_EQ(members("other"), 0U);
  apply({ns("default")});
  EXPECT_EQ(members("other"), 1U);
  apply({ns("default", {{"team", "a"}})});
  EXPECT_EQ(members("other"), 0U);
}

TEST(PolicyReadme, ShowsTheLinterThatIsBuiltHere) {
  const auto read = [](const std::string& path) {
    std::ifstream file(std::string(ANTREA_SOURCE_DIR) + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  EXPECT_NE(read("/libantrea-policy/README.md").find(read("/tests/policy/linter.cc")),
            std::string::npos);
}

TEST(CompilerProperty, AnyOrderAndAnySplitGiveTheSame) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    world.populate();
    StoreModel whole;
    Compiler at_once;
    whole.apply(at_once.apply(world.everything()));
    StoreModel pieces;
    Compiler piecewise;
    std::vector<ObjectChange> objects = world.everything();
    for (std::size_t i = 0; i < objects.size();) {
      const std::size_t n = std::min(objects.size() - i, world.below(4) + 1);
      pieces.apply(piecewise.apply(std::span(objects).subspan(i, n)));
      i += n;
    }
    ASSERT_EQ(pieces, whole);
    for (const ObjectChange& object : objects) ASSERT_TRUE(piecewise.apply(object).empty());
  }
}

}  // namespace
}  // namespace antrea::policy::testing
