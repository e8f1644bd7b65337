#include "antrea/policy/check.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "antrea/api/json.h"
#include "antrea/policy/manifest.h"
#include "offline_oracle.h"

namespace antrea::policy::testing {
namespace {

namespace cp = api::controlplane;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::uint64_t cases(std::uint64_t otherwise) {
  const char* text = std::getenv("ANTREA_POLICY_CASES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) / 50 + 1 : otherwise;
}

/// Takes a rule away as a user would; false if there is none.
bool remove_rule(Cluster& cluster, const Finding& finding) {
  const bool ingress = finding.field.starts_with("ingress");
  const auto index = static_cast<std::ptrdiff_t>(
      std::strtoul(finding.field.c_str() + finding.field.find('[') + 1, nullptr, 10));
  const auto erase = [&](auto& policy) {
    auto& rules = ingress ? policy.ingress : policy.egress;
    rules.erase(rules.begin() + index);
    return true;
  };
  const api::ObjectKey key{finding.policy.namespace_, finding.policy.name};
  switch (finding.policy.type) {
    case cp::PolicyType::kK8sNetworkPolicy:
      return erase(cluster.policies.at(key));
    case cp::PolicyType::kAntreaNetworkPolicy:
      return erase(cluster.antrea_policies.at(key).spec);
    case cp::PolicyType::kAntreaClusterNetworkPolicy:
      return erase(cluster.antrea_cluster_policies.at(key.name).spec);
    case cp::PolicyType::kAdminNetworkPolicy:
      return erase(cluster.admin_policies.at(key.name));
    case cp::PolicyType::kBaselineAdminNetworkPolicy:
      return erase(*cluster.baseline_policy);
    case cp::PolicyType::kClusterNetworkPolicy:
      return erase(cluster.cluster_network_policies.at(key.name));
    default:
      return false;
  }
}

TEST(Check, WhatItCallsNeedlessIsSoByTheOracle) {
  std::map<Finding::Kind, std::size_t> removed;
  std::size_t probes = 0;
  for (std::uint64_t seed = 1; seed < cases(100) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, seed % 3 != 0);
    world.populate();
    if (has_shared_address(world.cluster)) continue;
    const CheckReport report = check(world.everything());
    for (const Finding& finding : report.findings) {
      if (finding.kind != Finding::Kind::kNeverMatches &&
          finding.kind != Finding::Kind::kShadowed && finding.kind != Finding::Kind::kRedundant)
        continue;
      if (finding.text.find("; without it the rules behind") != std::string::npos) continue;
      SCOPED_TRACE(finding.policy.to_string() + " " + finding.field + " " +
                   std::string(to_string(finding.kind)));
      Cluster without = world.cluster;
      ASSERT_TRUE(remove_rule(without, finding));
      ++removed[finding.kind];
      for (const Probe& probe : world.probes()) {
        if (world.below(40) != 0) continue;
        for (const bool ingress : {false, true}) {
          const api::Pod* target = ingress ? probe.to : probe.from;
          if (target == nullptr || !oracle_is_member(*target) || target->node_name.empty())
            continue;
          Probe straight = probe;
          if (!ingress || !probe.by_node_port ||
              !comes_by(world.cluster, *probe.service, api::key_of(target->metadata)))
            straight.service.reset();
          ASSERT_EQ(oracle_judge(world.cluster, ingress, straight).verdict,
                    oracle_judge(without, ingress, straight).verdict)
              << straight.to_string();
          ++probes;
        }
      }
    }
  }
  EXPECT_GT(removed[Finding::Kind::kNeverMatches], 20U);
  EXPECT_GT(removed[Finding::Kind::kShadowed], 20U);
  EXPECT_GT(removed[Finding::Kind::kRedundant], 20U);
  EXPECT_GT(probes, 10000U);
}

/// What `compare` says of a rule that is not called needless: without it something changes.
TEST(Check, WhatItDoesNotCallNeedlessMatters) {
  std::size_t tried = 0;
  for (std::uint64_t seed = 1; seed < cases(60) && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);  // Kubernetes' policies: each direction stands for itself
    world.populate();
    std::set<std::string> needless;
    for (const Finding& finding : check(world.everything()).findings)
      if (finding.kind != Finding::Kind::kSelectsNothing)
        needless.insert(finding.policy.to_string() + "/" + finding.field);
    for (const auto& [key, policy] : world.cluster.policies)
      for (const bool ingress : {false, true}) {
        if (!(ingress ? policy.policy_ingress : policy.policy_egress)) continue;
        const auto& rules = ingress ? policy.ingress : policy.egress;
        for (std::size_t i = 0; i < rules.size(); ++i) {
          const std::string field = (ingress ? "ingress[" : "egress[") + std::to_string(i) + "]";
          const cp::NetworkPolicyReference reference{
              cp::PolicyType::kK8sNetworkPolicy, key.namespace_, key.name, {}};
          if (needless.contains(reference.to_string() + "/" + field)) continue;
          // Only this direction, that nothing of the other hides it.
          World without = world;
          for (World* each : {&world, &without})
            for (auto& [other_key, other] : each->cluster.policies)
              (ingress ? other.policy_egress : other.policy_ingress) = false;
          Finding finding{Finding::Kind::kRedundant, reference, field, {}, {}, {}};
          remove_rule(without.cluster, finding);
          const bool differs =
              !find_difference(world.everything(), without.everything()).changes.empty();
          // A rule whose selectors find nobody has its finding there.
          const auto names_it = [&](const Finding& f) {
            return f.kind == Finding::Kind::kSelectsNothing &&
                   f.policy.to_string() == reference.to_string() &&
                   (f.field == "podSelector" || f.field.starts_with(field));
          };
          const auto findings = check(world.everything()).findings;
          EXPECT_TRUE(differs || std::ranges::any_of(findings, names_it))
              << reference.to_string() << " " << field;
          ++tried;
        }
        break;
      }
  }
  EXPECT_GT(tried, 30U);
}

std::vector<ObjectChange> objects_of(std::string_view yaml) {
  std::vector<ObjectChange> objects;
  for (const auto& json : api::decode_manifest(yaml, "test").value())
    if (auto object = decode_object(json).value()) objects.push_back(*std::move(object));
  complete(objects);
  return objects;
}

std::vector<std::string> lines(const CheckReport& report) {
  std::vector<std::string> lines;
  for (const Finding& finding : report.findings) {
    lines.push_back(finding.policy.name + " " + finding.field + ": " +
                    std::string(to_string(finding.kind)) + ", " + finding.text);
    for (const std::string& other : finding.others) lines.back() += " | " + other;
  }
  return lines;
}

constexpr std::string_view kPods = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
---
)";

struct Case {
  std::string_view name, policies;
  std::vector<std::string> findings;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

const Case kCases[] = {
    {"Nothing",
     R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
)",
     {}},
    {"SelectorsOfNobody",
     R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: typo, namespace: shop}
spec: {podSelector: {matchLabels: {app: dbb}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: wbe}}}]}]
)",
     {"db ingress[0].from[0]: selects nothing, selects no Pod",
      "typo podSelector: selects nothing, selects no Pod of shop"}},
    {"ANamedPortOfNobody",
     R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{ports: [{port: http}]}]
)",
     {"db ingress[0]: never matches, no conversation can meet it: its peers, ports and targets "
      "have nothing in common"}},
    {"Redundant",
     R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - {from: [{podSelector: {}}], ports: [{port: 5000, endPort: 6000}]}
  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}
)",
     {"db ingress[1]: redundant, without it (alone) every verdict would be the same"}},
    {"TiersAndReferences",
     R"(
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: a}
spec:
  tier: gold
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress:
  - {name: all, action: Drop, ports: [{port: 1, endPort: 100}]}
  - {name: late, action: Allow, from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}
  - {name: lost, action: Allow, from: [{group: nobody}]}
  egress:
  - {name: svc, action: Drop, toServices: [{name: gone, namespace: shop}]}
)",
     {"a egress[0].toServices[0]: unknown reference, there is no Service shop/gone",
      "a ingress[1]: shadowed, all that it meets is decided before | "
      "AntreaClusterNetworkPolicy:a/all",
      "a ingress[2].from[0]: unknown reference, there is no ClusterGroup nobody",
      "a tier: unknown tier, there is no tier gold: it counts as application"}},
    {"Unsupported",
     R"(
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: a}
spec:
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress: [{name: get, action: Allow, l7Protocols: [{http: {method: GET}}]}]
  egress: [{name: join, action: Drop, protocols: [{igmp: {}}]}]
)",
     {"a egress[0].protocols[0].igmp: unsupported, found IGMP, expected icmp: Nodes do not route "
      "multicast, so that there are no queries and reports to judge; leave the rule out",
      "a ingress[0].l7Protocols: unsupported, found 1, expected none: nothing looks into "
      "connections; allow or drop by ports and peers"}},
    {"Conflict",
     R"(
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: a}
spec:
  tier: platform
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress: [{name: deny, action: Drop, ports: [{port: 1, endPort: 100}]}]
---
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: b}
spec:
  tier: platform
  priority: 5
  appliedTo: [{podSelector: {}}]
  ingress: [{name: permit, action: Allow, ports: [{port: 90, endPort: 200}]}]
---
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: rest}
spec:
  tier: baseline
  priority: 5
  appliedTo: [{podSelector: {}}]
  ingress: [{name: rest, action: Drop}]
)",
     {"a ingress[0]: conflict, Drop here and Allow there for TCP/90-100; this one wins, being the "
      "stricter of two at one place | AntreaClusterNetworkPolicy:b/permit"}},
    // Without its first rule the second one of "a" would be of the same place as that of "b", and
    // stricter.
    {"WhatKeepsOthersAtTheirPlaces",
     R"(
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: a}
spec:
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress:
  - {name: lost, action: Drop, ports: [{port: http}]}
  - {name: deny, action: Drop, ports: [{port: 80, endPort: 81}]}
---
apiVersion: crd.antrea.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: b}
spec:
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: db}}}]
  ingress: [{name: permit, action: Allow, ports: [{port: 80}]}]
)",
     {"a ingress[0]: never matches, no conversation can meet it: its peers, ports and targets "
      "have nothing in common; without it the rules behind it would come before those of other "
      "policies of this priority",
      "b ingress[0]: conflict, Allow here and Drop there for TCP/80; this one wins, since it "
      "stands "
      "further up in its policy | AntreaClusterNetworkPolicy:a/deny"}},
};

class CheckFindings : public ::testing::TestWithParam<Case> {};
TEST_P(CheckFindings, AreNamed) {
  const std::string text = std::string(kPods) + std::string(GetParam().policies);
  EXPECT_EQ(lines(check(objects_of(text))), GetParam().findings);
}
INSTANTIATE_TEST_SUITE_P(Policies, CheckFindings, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Check, CountsTheFlowsOfARule) {
  const CheckReport report = check(objects_of(std::string(kPods) + R"(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - {from: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 192.168.0.0/16}}], ports: [{port: 80}]}
  - {from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}]}
)"));
  ASSERT_EQ(report.costs.size(), 2U);
  // Of the first: two peers, a target, a port; what it leads to and two that count, in IPv4. The
  // second shares a peer, the target and the port.
  const NodeFlows::Cost &first = report.costs[0].cost, &second = report.costs[1].cost;
  EXPECT_EQ(report.costs[0].rule, "ingress[0]");
  EXPECT_EQ(first.flows, second.flows + 1);
  EXPECT_GE(first.shared, 3U);
  EXPECT_EQ(first.shared, second.shared);
  EXPECT_EQ(first.nodes, 1U);
  EXPECT_EQ(report.flows, first.flows + second.flows - first.shared + 1);  // and the isolation
}

}  // namespace
}  // namespace antrea::policy::testing
