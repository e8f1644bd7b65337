#include "antrea/policy/rule_cache.h"
#include "antrea/policy/name_pattern.h"

#include <gtest/gtest.h>

#include "builders.h"
#include "model.h"

namespace antrea::policy::testing {
namespace {

cp::GroupMember member(const std::string& name, std::initializer_list<std::string> ips = {},
                       std::vector<cp::NamedPort> ports = {}) {
  cp::GroupMember m;
  m.key = api::ObjectKey{"default", name};
  for (const std::string& address : ips) m.ips.push_back(ip(address));
  m.ports = std::move(ports);
  return m;
}
AddressGroupUpserted addresses(const std::string& name, std::vector<cp::GroupMember> members) {
  auto group = std::make_shared<cp::AddressGroup>();
  group->metadata.name = name;
  group->members = std::move(members);
  return group;
}
AppliedToGroupUpserted targets(const std::string& name, std::vector<cp::GroupMember> members) {
  auto group = std::make_shared<cp::AppliedToGroup>();
  group->metadata.name = name;
  group->members = std::move(members);
  return group;
}
cp::NetworkPolicyRule rule(cp::Direction direction, std::vector<std::string> groups,
                           std::vector<cp::Service> services = {}) {
  cp::NetworkPolicyRule r;
  r.direction = direction;
  r.action = cp::RuleAction::kAllow;
  r.peers.address_groups = std::move(groups);
  r.services = std::move(services);
  return r;
}
std::shared_ptr<cp::NetworkPolicy> policy(const std::string& name,
                                          std::vector<cp::NetworkPolicyRule> rules,
                                          std::vector<std::string> applied_to = {"targets"}) {
  auto p = std::make_shared<cp::NetworkPolicy>();
  p->metadata.name = p->metadata.uid = name;
  p->source_ref = {cp::PolicyType::kK8sNetworkPolicy, "default", name, name};
  p->applied_to_groups = std::move(applied_to);
  p->rules = std::move(rules);
  return p;
}
InterfaceUpserted interface(const std::string& name, std::uint32_t ofport,
                            const std::string& address) {
  return {{"default", name}, ofport, {ip(address)}};
}
cp::Service tcp(api::IntOrString port) {
  return {.protocol = cp::ServiceProtocol::kTcp, .port = std::move(port)};
}
AddressGroupPatched patch(const std::string& name, std::vector<cp::GroupMember> added,
                          std::vector<cp::GroupMember> removed) {
  AddressGroupPatched patched;
  patched.patch.metadata.name = name;
  patched.patch.added = std::move(added);
  patched.patch.removed = std::move(removed);
  return patched;
}

class RuleCacheTest : public ::testing::Test {
 protected:
  RuleChanges apply(std::vector<RuleInput> inputs) {
    auto changes = cache.apply(inputs);
    EXPECT_TRUE(changes) << changes.error().to_string();
    return changes ? *std::move(changes) : RuleChanges{};
  }
  RuleCache cache;
  const cp::Direction in = cp::Direction::kIn, out = cp::Direction::kOut;
};

TEST_F(RuleCacheTest, CompletesARuleWhenItsGroupsAreKnownInWhateverOrder) {
  EXPECT_TRUE(apply({PolicyUpserted(policy("p", {rule(in, {"peers"})}))}).empty());
  EXPECT_TRUE(apply({interface("web", 5, "10.0.0.1")}).empty());
  EXPECT_TRUE(apply({targets("targets", {member("web"), member("elsewhere")})}).empty());
  EXPECT_EQ(cache.waiting_policies(), std::vector<std::string>{"p"});
  const RuleChanges changes = apply({addresses("peers", {member("db", {"10.0.0.2", "fd00::2"})})});
  ASSERT_EQ(changes.added.size(), 1U);
  const CompletedRule& completed = changes.added[0];
  EXPECT_EQ(completed.key, completed.identity->id);
  EXPECT_EQ(completed.key.size(), 16U);
  EXPECT_EQ(completed.targets, (std::vector<PodInterface>{interface("web", 5, "10.0.0.1")}));
  EXPECT_EQ(completed.peers, (std::vector{cidr("10.0.0.2/32"), cidr("fd00::2/128")}));
  EXPECT_FALSE(completed.services);
  EXPECT_TRUE(cache.waiting_policies().empty());
}

TEST_F(RuleCacheTest, DoesNotWaitForAppliedToGroupsOfOtherNodes) {  // antrea #2084
  const RuleChanges changes = apply(
      {PolicyUpserted(policy("p", {rule(in, {})}, {"here", "elsewhere"})), targets("here", {})});
  EXPECT_EQ(changes.added.size(), 1U);
  EXPECT_EQ(apply({AppliedToGroupDeleted{"here"}}).removed.size(), 1U);
}

TEST_F(RuleCacheTest, AbsentPeersAndEmptyOnesDiffer) {
  cp::NetworkPolicyRule isolation;
  const RuleChanges changes = apply({PolicyUpserted(policy("p", {isolation, rule(in, {"peers"})})),
                                     addresses("peers", {}), targets("targets", {})});
  ASSERT_EQ(changes.added.size(), 2U);
  for (const CompletedRule& completed : changes.added)
    EXPECT_EQ(completed.peers.has_value(), completed.identity->action.has_value());
}

TEST_F(RuleCacheTest, PatchOfAnUnknownGroupFailsAndAppliesNothing) {
  apply({PolicyUpserted(policy("p", {rule(in, {"peers"})})), targets("targets", {})});
  const std::vector<RuleInput> batch{addresses("peers", {}),
                                     patch("others", {member("db", {"10.0.0.2"})}, {})};
  const auto failed = cache.apply(batch);
  ASSERT_TRUE(failed.has_error());
  EXPECT_EQ(failed.error().code, Errc::kNotFound);
  EXPECT_EQ(failed.error().object, "AddressGroup others");
  EXPECT_EQ(cache.counts().address_groups, 0U);
  EXPECT_FALSE(cache.apply(std::vector<RuleInput>{
      addresses("others", {}), AddressGroupDeleted{"others"}, patch("others", {}, {})}));
}

TEST_F(RuleCacheTest, SendsOnlyTheAddressesThatCameOrWent) {
  apply({PolicyUpserted(policy("p", {rule(in, {"a", "b"})})), targets("targets", {}),
         addresses("a", {member("x", {"10.0.0.1"}), member("y", {"10.0.0.2"})}),
         addresses("b", {member("x", {"10.0.0.1"})})});
  // One address is in both groups: it stays until both have lost it.
  RuleChanges changes =
      apply({patch("a", {member("z", {"10.0.0.3"})}, {member("x", {"10.0.0.1"})})});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].added_peers, std::vector{cidr("10.0.0.3/32")});
  EXPECT_TRUE(changes.updated[0].removed_peers.empty());
  changes = apply({patch("b", {}, {member("x", {"10.0.0.1"})})});
  EXPECT_EQ(changes.updated.at(0).removed_peers, std::vector{cidr("10.0.0.1/32")});
  // Back and forth in one batch; another Pod with the same address; unknown members: nothing.
  EXPECT_TRUE(apply({patch("a", {}, {member("y", {"10.0.0.2"})}),
                     patch("a", {member("w", {"10.0.0.2"})}, {}),
                     patch("b", {}, {member("nobody", {"10.9.9.9"})})})
                  .empty());
}

TEST_F(RuleCacheTest, AChangedPolicyKeepsItsOldRulesUntilTheNewOnesAreReady) {
  apply({PolicyUpserted(policy("p", {rule(in, {"old"})})), targets("targets", {}),
         addresses("old", {})});
  EXPECT_TRUE(apply({PolicyUpserted(policy("p", {rule(in, {"new"})}))}).empty());
  EXPECT_TRUE(apply({AddressGroupDeleted{"old"}}).empty());
  const RuleChanges changes = apply({addresses("new", {})});  // out and in, in one step
  EXPECT_EQ(changes.added.size(), 1U);
  EXPECT_EQ(changes.removed.size(), 1U);
}

TEST_F(RuleCacheTest, AChangedPolicyIsNeverAMixOfOldAndNew) {
  apply({PolicyUpserted(policy("p", {rule(in, {"old"})})), targets("targets", {}),
         addresses("old", {}), addresses("first", {})});
  EXPECT_TRUE(
      apply({PolicyUpserted(policy("p", {rule(in, {"first"}), rule(in, {"second"})}))}).empty());
  const RuleChanges changes = apply({addresses("second", {})});
  EXPECT_EQ(changes.added.size(), 2U);
  EXPECT_EQ(changes.removed.size(), 1U);
}

TEST_F(RuleCacheTest, UnchangedRulesOfAChangedPolicyAreNotTouched) {
  apply({PolicyUpserted(policy("p", {rule(in, {"a"})})), targets("targets", {}), addresses("a", {}),
         addresses("b", {})});
  const RuleChanges changes =
      apply({PolicyUpserted(policy("p", {rule(in, {"b"}), rule(in, {"a"}), rule(in, {"a"})}))});
  EXPECT_EQ(changes.added.size(), 1U);  // equal rules are one
  EXPECT_TRUE(changes.removed.empty());
}

TEST_F(RuleCacheTest, ARelistTakesAwayWhatIsNotInIt) {
  apply({PolicyUpserted(policy("p", {rule(in, {"a"})})),
         PolicyUpserted(policy("q", {rule(in, {"a"})})), targets("targets", {}),
         addresses("a", {member("x", {"10.0.0.1"})})});
  const PolicyUpserted p = policy("p", {rule(in, {"a"})});
  EXPECT_EQ(apply({PoliciesReplaced{{p}}}).removed.size(), 1U);
  EXPECT_TRUE(apply({PoliciesReplaced{{p}},
                     AddressGroupsReplaced{{addresses("a", {member("x", {"10.0.0.1"})})}},
                     AppliedToGroupsReplaced{{targets("targets", {})}}})
                  .empty());
  const RuleChanges changes =
      apply({AddressGroupsReplaced{{addresses("a", {member("y", {"10.0.0.2"})})}}});
  EXPECT_EQ(changes.updated.at(0).added_peers.size() + changes.updated.at(0).removed_peers.size(),
            2U);
}

TEST_F(RuleCacheTest, ResolvesNamedPortsAtEachTarget) {
  const RuleChanges changes = apply(
      {PolicyUpserted(policy("p", {rule(in, {"a"}, {tcp({0, "web"})})})),
       addresses("a", {member("x", {"10.0.0.9"})}),
       targets("targets", {member("one", {}, {{80, "web"}}), member("two", {}, {{8080, "web"}}),
                           member("three", {}, {{80, "web", api::Protocol::kUdp}})}),
       interface("one", 1, "10.0.0.1"), interface("two", 2, "10.0.0.2"),
       interface("three", 3, "10.0.0.3")});
  ASSERT_EQ(changes.added.size(), 3U);
  const std::string& id = changes.added[0].identity->id;
  // Sorted by key: first the part that isolates them all and allows nothing.
  EXPECT_EQ(changes.added[0].key, id);
  EXPECT_EQ(changes.added[0].targets.size(), 3U);
  EXPECT_TRUE(changes.added[0].services->empty());
  EXPECT_EQ(changes.added[1].key, id + "/TCP/80");
  EXPECT_EQ(changes.added[1].targets.at(0).ofport, 1U);
  EXPECT_EQ(changes.added[2].key, id + "/TCP/8080");
  EXPECT_EQ(changes.added[2].targets.at(0).ofport, 2U);
}

TEST_F(RuleCacheTest, ResolvesNamedPortsAtEachDestinationButNotInBlocks) {
  cp::NetworkPolicyRule r = rule(out, {"a"}, {tcp({0, "web"}), tcp({443, {}})});
  r.peers.ip_blocks = {{cidr("10.0.0.0/24"), {}}};
  const RuleChanges changes =
      apply({PolicyUpserted(policy("p", {r})),
             addresses("a", {member("x", {"10.1.0.1"}, {{80, "web"}}), member("y", {"10.1.0.2"})}),
             targets("targets", {})});
  ASSERT_EQ(changes.added.size(), 3U);
  EXPECT_EQ(*changes.added[1].peers, (std::vector{cidr("10.0.0.0/24"), cidr("10.1.0.2/32")}));
  EXPECT_EQ(changes.added[1].services->size(), 1U);
  EXPECT_EQ(*changes.added[2].peers, std::vector{cidr("10.1.0.1/32")});
  EXPECT_EQ(changes.added[2].services->size(), 2U);
}

TEST_F(RuleCacheTest, BlocksAreLessTheirExceptions) {
  cp::NetworkPolicyRule r = rule(in, {});
  r.peers.ip_blocks = {{cidr("10.0.0.0/30"), {cidr("10.0.0.1/32")}}, {cidr("10.0.0.2/31"), {}}};
  const RuleChanges changes = apply({PolicyUpserted(policy("p", {r})), targets("targets", {})});
  EXPECT_EQ(*changes.added.at(0).peers, (std::vector{cidr("10.0.0.0/32"), cidr("10.0.0.2/31")}));
}

TEST_F(RuleCacheTest, APodsInterfaceCompletesItsRulesAtOnce) {
  apply({PolicyUpserted(policy("p", {rule(in, {})})), targets("targets", {member("web")})});
  RuleChanges changes =
      apply({interface("web", 4, "10.0.0.1"), interface("stranger", 5, "10.0.0.2")});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].added_targets.size(), 1U);
  changes = apply({InterfaceDeleted{{"default", "web"}}});
  EXPECT_EQ(changes.updated.at(0).removed_targets.size(), 1U);
}

TEST_F(RuleCacheTest, LeavesPoliciesOfOtherKindsAloneIfTold) {  // antrea #1336
  auto other = policy("p", {rule(in, {})});
  other->source_ref.type = cp::PolicyType::kAntreaNetworkPolicy;
  auto kept = policy("q", {rule(in, {})});
  const std::vector<RuleInput> inputs{
      PoliciesReplaced{{PolicyUpserted(other), PolicyUpserted(kept)}}, targets("targets", {})};
  EXPECT_EQ(apply(inputs).added.size(), 2U);
  RuleCache without(RuleCache::Options{.antrea_policy = false});
  EXPECT_EQ(without.apply(inputs)->added.size(), 1U);
}

TEST_F(RuleCacheTest, NamesStandForTheirLatestAddresses) {
  cp::NetworkPolicyRule by_name = rule(out, {"peers"});
  by_name.peers.fqdns = {"*.example.com", "example.org"};
  apply({NameResolved{"early.example.com", {ip("192.0.2.1")}}});
  RuleChanges changes = apply({PolicyUpserted(policy("p", {by_name})), targets("targets", {}),
                               addresses("peers", {member("db", {"192.0.2.2"})})});
  ASSERT_EQ(changes.added.size(), 1U);
  EXPECT_TRUE(changes.added[0].identity->learns_names);
  EXPECT_EQ(changes.added[0].peers, (std::vector{cidr("192.0.2.1/32"), cidr("192.0.2.2/32")}));

  changes = apply({NameResolved{"example.org", {ip("192.0.2.3"), ip("2001:db8::3")}},
                   NameResolved{"example.com", {ip("192.0.2.9")}},
                   NameResolved{"early.example.com", {ip("192.0.2.2")}}});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].added_peers,
            (std::vector{cidr("192.0.2.3/32"), cidr("2001:db8::3/128")}));
  EXPECT_EQ(changes.updated[0].removed_peers, (std::vector{cidr("192.0.2.1/32")}));
  EXPECT_TRUE(apply({NameResolved{"early.example.com", {}}}).empty())
      << "another peer has the address";
  changes = apply({NameResolved{"example.org", {}}});
  EXPECT_EQ(changes.updated.at(0).removed_peers.size(), 2U);
}

TEST_F(RuleCacheTest, ServicesStandForTheirGroups) {
  cp::NetworkPolicyRule to_service = rule(out, {});
  to_service.peers.to_services = {{"ns", "a"}, {"ns", "b"}, {"ns", "a"}};
  apply({ServiceGroups{{"ns", "a"}, {7}}});
  RuleChanges changes = apply({PolicyUpserted(policy("p", {to_service})), targets("targets", {})});
  ASSERT_EQ(changes.added.size(), 1U);
  EXPECT_EQ(changes.added[0].peers, std::vector<IpPrefix>{}) << "no address is meant";
  EXPECT_EQ(changes.added[0].peer_services, std::vector<std::uint32_t>{7});
  changes = apply({ServiceGroups{{"ns", "b"}, {9, 8}}, ServiceGroups{{"ns", "a"}, {}}});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].added_peer_services, (std::vector<std::uint32_t>{8, 9}));
  EXPECT_EQ(changes.updated[0].removed_peer_services, std::vector<std::uint32_t>{7});
  EXPECT_EQ(apply({PolicyDeleted{"p"}}).removed.size(), 1U);
  EXPECT_TRUE(apply({ServiceGroups{{"ns", "b"}, {1}}}).empty());
}

TEST_F(RuleCacheTest, RulesAtServicesGoByTheGroupsOfTheServices) {
  const auto at_services = [](std::vector<std::string> names) {
    auto group = std::make_shared<cp::AppliedToGroup>();
    group->metadata.name = "targets";
    for (const std::string& name : names)
      group->members.push_back({.kind = cp::MemberKind::kService, .key = {"ns", name}});
    return AppliedToGroupUpserted(group);
  };
  apply({ServiceGroups{{"ns", "a"}, {7, 8}}});
  RuleChanges changes =
      apply({PolicyUpserted(policy("p", {rule(in, {})})), at_services({"a", "b"})});
  ASSERT_EQ(changes.added.size(), 1U);
  EXPECT_TRUE(changes.added[0].at_node_ports);
  EXPECT_TRUE(changes.added[0].targets.empty());
  EXPECT_EQ(changes.added[0].target_services, (std::vector<std::uint32_t>{7, 8}));
  changes = apply({ServiceGroups{{"ns", "b"}, {6}}, ServiceGroups{{"ns", "a"}, {8}}});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].added_target_services, std::vector<std::uint32_t>{6});
  EXPECT_EQ(changes.updated[0].removed_target_services, std::vector<std::uint32_t>{7});
  changes = apply({at_services({"b"})});
  ASSERT_EQ(changes.updated.size(), 1U);
  EXPECT_EQ(changes.updated[0].removed_target_services, std::vector<std::uint32_t>{8});
  EXPECT_TRUE(apply({ServiceGroups{{"ns", "a"}, {9}}}).empty()) << "it is applied to b only";
  EXPECT_EQ(apply({AppliedToGroupDeleted{"targets"}}).removed.size(), 1U);
}

struct NameMatch {
  std::string_view pattern, name;
  bool matches;
};
void PrintTo(const NameMatch& c, std::ostream* os) { *os << c.pattern << " and " << c.name; }
class NamePattern : public ::testing::TestWithParam<NameMatch> {};
TEST_P(NamePattern, MeansNames) {  // reference: antrea pkg/agent/controller/networkpolicy/fqdn.go
  EXPECT_EQ(matches_name(GetParam().pattern, GetParam().name), GetParam().matches);
}
INSTANTIATE_TEST_SUITE_P(
    Cases, NamePattern,
    ::testing::Values(NameMatch{"a.b", "a.b", true}, NameMatch{"a.b", "axb", false},
                      NameMatch{"a.b", "a.b.c", false}, NameMatch{"*.a.b", "x.a.b", true},
                      NameMatch{"*.a.b", "x.y.a.b", true}, NameMatch{"*.a.b", "a.b", false},
                      NameMatch{"*", "a.b", true}, NameMatch{"*", "", true},
                      NameMatch{"a*b*c", "aXbXbXc", true}, NameMatch{"a*b*c", "aXcXb", false},
                      NameMatch{"", "a", false}, NameMatch{"", "", true}));

}  // namespace
}  // namespace antrea::policy::testing
