#include "antrea/policy/compare.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "builders.h"
#include "offline_oracle.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using cp::RuleAction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::uint64_t cases(std::uint64_t otherwise) {
  const char* text = std::getenv("ANTREA_POLICY_CASES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) / 50 + 1 : otherwise;
}

Conversation conversation_of(const Cluster& cluster, const Probe& probe) {
  Conversation c;
  const auto end = [&](const IpAddress& ip) {
    const api::Pod* pod = participant_at(cluster, ip);
    return pod == nullptr ? ConversationEnd{{}, ip} : ConversationEnd{key_of(pod->metadata), ip};
  };
  c.from = end(probe.source);
  c.to = end(probe.destination);
  c.protocol = cp::ServiceProtocol{probe.protocol};
  c.port = probe.port;
  c.source_port = probe.source_port;
  c.icmp_type = probe.icmp_type;
  c.icmp_code = probe.icmp_code;
  return c;
}

bool is_applied_to(const Cluster& cluster, const api::ObjectKey& service) {
  return std::ranges::any_of(cluster.antrea_cluster_policies, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.spec.applied_to,
                               [&](const auto& to) { return to.service == service; });
  });
}
bool rule_names(const Cluster& cluster, const api::ObjectKey& key) {
  const auto names = [&](const auto& policy, const std::string& ns) {
    return std::ranges::any_of(policy.spec.egress, [&](const auto& rule) {
      return std::ranges::any_of(rule.to_services, [&](const auto& to) {
        return to.service.name == key.name &&
               (to.service.namespace_.empty() ? ns : to.service.namespace_) == key.namespace_;
      });
    });
  };
  for (const auto& [policy_key, policy] : cluster.antrea_policies)
    if (names(policy, policy_key.namespace_)) return true;
  for (const auto& [name, policy] : cluster.antrea_cluster_policies)
    if (names(policy, {})) return true;
  return false;
}

class Differences {
 public:
  Differences(World& before, World& after) : before_(before), after_(after) {
    comparison = compare(before.everything(), after.everything());
    first = find_difference(before.everything(), after.everything());
  }

  void check() {
    EXPECT_EQ(first.changes.empty(), comparison.changes.empty());
    for (const auto* changes : {&comparison.changes, &first.changes})
      for (const ChangedConversations& change : *changes) check_example(change);
    std::vector<Probe> probes = before_.probes();
    std::ranges::move(after_.probes(), std::back_inserter(probes));
    for (const Probe& probe : probes)
      if (before_.below(probes.size()) < 1500) check_probe(probe);
    // The corners of what changes, and one step beyond them.
    for (const ChangedConversations& change : comparison.changes) {
      if (before_.below(comparison.changes.size()) > 20) continue;
      for (const TrafficRange& box : change.traffic) {
        Conversation c = change.example();
        if (box.protocol == cp::ServiceProtocol::kIcmp || !box.protocol) continue;
        c.protocol = *box.protocol;
        for (const int port :
             {box.first_port - 1, int{box.first_port}, int{box.last_port}, box.last_port + 1})
          for (const int source : {box.first_source_port - 1, int{box.first_source_port},
                                   int{box.last_source_port}, box.last_source_port + 1}) {
            if (port < 0 || port > 65535 || source < 0 || source > 65535) continue;
            c.port = static_cast<std::uint16_t>(port);
            c.source_port = static_cast<std::uint16_t>(source);
            check_conversation(c, change.names);
          }
      }
    }
  }

  Comparison comparison, first;
  std::size_t compared = 0, changed = 0, by_name = 0, by_node_port = 0;

 private:
  void check_example(const ChangedConversations& change) {
    const Conversation c = change.example();
    EXPECT_TRUE(holds(change, c, change.names));
    EXPECT_NE(change.was, change.becomes);
    EXPECT_EQ(oracle_verdict(before_.cluster, c, change.names), change.was);
    EXPECT_EQ(oracle_verdict(after_.cluster, c, change.names), change.becomes);
    by_name += change.names.empty() ? 0 : 1;
    by_node_port += change.by_node_port ? 1 : 0;
  }

  void check_probe(const Probe& probe) {
    Conversation c = conversation_of(before_.cluster, probe);
    const Conversation other = conversation_of(after_.cluster, probe);
    if (c.from.pod != other.from.pod || c.to.pod != other.to.pod) return;
    if (c.from.pod == c.to.pod) return;
    check_conversation(c, {});
    if (!probe.service || (!c.from.pod && !probe.by_node_port)) return;
    const auto matters = probe.by_node_port ? is_applied_to : rule_names;
    for (const World* world : {&before_, &after_})
      if (!comes_by(world->cluster, *probe.service, c.to.pod)) return;
    if (!matters(before_.cluster, *probe.service) && !matters(after_.cluster, *probe.service))
      return;
    // Where no rule that this Pod is under names it, it is as going straight.
    const RuleAction straight_was = oracle_verdict(before_.cluster, c);
    const RuleAction straight_becomes = oracle_verdict(after_.cluster, c);
    c.service = {probe.service->namespace_, probe.service->name};
    c.by_node_port = probe.by_node_port;
    if (oracle_verdict(before_.cluster, c) != straight_was ||
        oracle_verdict(after_.cluster, c) != straight_becomes)
      check_conversation(c, {});
  }

  void check_conversation(const Conversation& c, const std::vector<std::string>& names) {
    const RuleAction was = oracle_verdict(before_.cluster, c, names);
    const RuleAction becomes = oracle_verdict(after_.cluster, c, names);
    std::size_t held = 0;
    for (const ChangedConversations& change : comparison.changes) {
      if (!holds(change, c, names)) continue;
      ++held;
      EXPECT_EQ(change.was, was);
      EXPECT_EQ(change.becomes, becomes);
    }
    ASSERT_EQ(held, was == becomes ? 0U : 1U)
        << c.from.ip.to_string() << " of " << (c.from.pod ? c.from.pod->to_string() : "nobody")
        << " to " << c.to.ip.to_string() << " of " << (c.to.pod ? c.to.pod->to_string() : "nobody")
        << " " << static_cast<int>(c.protocol) << "/" << c.port << " from " << c.source_port
        << (c.service ? " by " + c.service->name : "") << (c.by_node_port ? " NodePort" : "");
    ++compared;
    changed += held;
  }

  World& before_;
  World& after_;
};

TEST(Compare, AgreesWithTheOracleOnRandomChanges) {
  std::size_t compared = 0, changed = 0, equivalent = 0, by_name = 0;
  for (std::uint64_t seed = 1; seed < cases(120) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World before(seed, seed % 3 != 0);
    before.populate();
    World after = before;
    for (std::size_t i = before.below(6); i > 0; --i) (void)after.mutate();
    if (has_shared_address(before.cluster) || has_shared_address(after.cluster)) continue;
    Differences differences(before, after);
    differences.check();
    compared += differences.compared;
    changed += differences.changed;
    by_name += differences.by_name;
    equivalent += differences.comparison.equivalent() ? 1 : 0;
  }
  EXPECT_GT(compared, 20000U);
  EXPECT_GT(changed, 500U);
  EXPECT_GT(equivalent, 5U);
  EXPECT_GT(by_name, 0U);
}

std::vector<ObjectChange> shop(std::vector<ObjectChange> policies) {
  for (const auto& [name, app, address] : {std::tuple{"db", "db", "10.0.0.1"},
                                           {"web-1", "web", "10.0.0.2"},
                                           {"web-2", "web", "10.0.0.3"},
                                           {"other", "other", "10.0.0.4"}})
    policies.emplace_back(
        std::shared_ptr<const api::Pod>(pod(name, {{"app", app}}, "node-1", {address})));
  policies.emplace_back(ns("default"));
  return policies;
}

ObjectChange database_policy(const std::string& from, std::vector<int> ports) {
  auto policy = ingress_policy("db", {{{pods_with("app", from)}, {}}});
  policy->pod_selector = labelled("app", "db");
  for (const int port : ports)
    policy->ingress[0].ports.push_back({api::Protocol::kTcp, api::IntOrString{port, {}}, {}});
  return std::shared_ptr<const api::NetworkPolicy>(policy);
}

std::string text(const ChangedConversations& change) {
  std::string from, to;
  const auto add = [](const EndSet& ends, std::string& text) {
    for (const PodAddress& end : ends.pods) text += end.pod.name + " ";
    for (const IpPrefix& prefix : ends.outside) text += prefix.to_string() + " ";
  };
  add(change.from, from);
  add(change.to, to);
  return from + "to " + to + to_string(change.traffic) + " " +
         std::to_string(static_cast<int>(change.was)) +
         std::to_string(static_cast<int>(change.becomes));
}

TEST(Compare, SaysWhatChangesAsFewSets) {
  const Comparison comparison = compare(shop({database_policy("web", {5432, 5433})}),
                                        shop({database_policy("web", {5433, 5434, 5435})}));
  ASSERT_THAT(comparison.changes, SizeIs(2U));  // 0: allowed, 1: dropped
  EXPECT_EQ(text(comparison.changes[0]), "web-1 web-2 to db TCP/5432 01");
  EXPECT_EQ(text(comparison.changes[1]), "web-1 web-2 to db TCP/5434-5435 10");
  EXPECT_THAT(comparison.only_old, IsEmpty());
}

TEST(Compare, AMeshOfPodsIsOneSet) {
  auto deny = ingress_policy("deny", {});
  deny->pod_selector = {};
  std::vector<ObjectChange> before;
  for (int i = 1; i < 9; ++i)  // each has labels of its own and a policy that asks for them
    for (const auto& object : {ObjectChange(std::shared_ptr<const api::Pod>(
             pod("p" + std::to_string(i), {{"app", "a" + std::to_string(i)}}, "node-1",
                 {"10.0.0." + std::to_string(i)})))})
      before.push_back(object);
  before.emplace_back(ns("default"));
  std::vector<ObjectChange> after = before;
  after.emplace_back(std::shared_ptr<const api::NetworkPolicy>(deny));
  for (int i = 1; i < 9; ++i) {
    auto policy = ingress_policy("p" + std::to_string(i),
                                 {{{pods_with("app", "a" + std::to_string(i))},
                                   {{api::Protocol::kTcp, api::IntOrString{i, {}}, {}}}}});
    policy->pod_selector = labelled("app", "a" + std::to_string(i % 8 + 1));
    before.emplace_back(std::shared_ptr<const api::NetworkPolicy>(policy));
    after.emplace_back(std::shared_ptr<const api::NetworkPolicy>(policy));
  }
  // Everything was isolated already, but for nobody.
  EXPECT_THAT(compare(before, after).changes, IsEmpty());
  std::vector<ObjectChange> open(after.begin(), after.begin() + 9);
  deny = ingress_policy("deny", {});
  deny->pod_selector = {};
  std::vector<ObjectChange> closed = open;
  closed.emplace_back(std::shared_ptr<const api::NetworkPolicy>(deny));
  const Comparison comparison = compare(open, closed);
  ASSERT_THAT(comparison.changes, SizeIs(2U));  // among Pods, and from outside
  EXPECT_THAT(comparison.changes[0].from.pods, SizeIs(8U));
  EXPECT_THAT(comparison.changes[0].to.pods, SizeIs(8U));
  EXPECT_EQ(to_string(comparison.changes[0].traffic), "everything");
}

TEST(Compare, ServicesReachTheirPodsAtTheirPorts) {
  auto service = std::make_shared<api::Service>();
  service->metadata.namespace_ = "default";
  service->metadata.name = "front";
  service->selector = {{"app", "web"}};
  service->ports.push_back({.port = 80, .target_port = api::IntOrString{8080, {}}});
  auto drop = std::make_shared<api::crd::ClusterNetworkPolicy>();
  drop->metadata.name = "drop";
  drop->spec.priority = 5;
  drop->spec.applied_to.push_back({.pod_selector = labelled("app", "other")});
  drop->spec.egress.push_back({.action = RuleAction::kDrop});
  drop->spec.egress[0].to_services.push_back({{"default", "front"}});
  auto before = shop({std::shared_ptr<const api::Service>(service)}), after = before;
  after.emplace_back(std::shared_ptr<const api::crd::ClusterNetworkPolicy>(drop));
  const Comparison comparison = compare(before, after);
  ASSERT_THAT(comparison.changes, SizeIs(1U));
  EXPECT_EQ(text(comparison.changes[0]), "other to web-1 web-2 TCP/8080 01");
  EXPECT_EQ(comparison.changes[0].service, (cp::ServiceReference{"default", "front"}));
}

TEST(Compare, FindsTheOneAddressThatDiffers) {
  const auto policy = [](std::vector<IpPrefix> except) {
    auto object = ingress_policy("db", {});
    object->pod_selector = labelled("app", "db");
    api::NetworkPolicyPeer peer;
    peer.ip_block = api::IpBlock{cidr("203.0.113.0/24"), std::move(except)};
    object->ingress.push_back({{peer}, {}});
    return ObjectChange(std::shared_ptr<const api::NetworkPolicy>(object));
  };
  const auto found = find_difference(shop({policy({})}), shop({policy({cidr("203.0.113.77/32")})}));
  ASSERT_THAT(found.changes, SizeIs(1U));
  const Conversation c = found.changes[0].example();
  EXPECT_EQ(c.from.ip.to_string(), "203.0.113.77");
  EXPECT_EQ(c.to.pod->name, "db");
  EXPECT_EQ(found.changes[0].becomes, RuleAction::kDrop);
  // Two halves are the whole.
  EXPECT_TRUE(compare(shop({policy({})}), shop({policy({})})).equivalent());
}

TEST(Compare, PodsThatOnlyOneSetHasAreNamed) {
  auto before = shop({}), after = shop({});
  after.emplace_back(
      std::shared_ptr<const api::Pod>(pod("newcomer", {{"app", "x"}}, "node-1", {"10.0.0.9"})));
  const Comparison comparison = compare(before, after);
  EXPECT_THAT(comparison.changes, IsEmpty());
  EXPECT_THAT(comparison.only_new,
              ElementsAre(PodAddress{{"default", "newcomer"}, ip("10.0.0.9")}));
  EXPECT_FALSE(comparison.equivalent());
}

}  // namespace
}  // namespace antrea::policy::testing
