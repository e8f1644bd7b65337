#include "antrea/api/policy_json.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <map>
#include <ostream>

#include "antrea/api/json.h"

namespace antrea::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

json::value manifest(std::string_view yaml) {
  const auto objects = decode_manifest(yaml, "test");
  EXPECT_TRUE(objects) << objects.error().to_string();
  return objects->at(0);
}

/// The text of the error, or "" if decoding succeeded and writing and reading again gave the same.
template <auto kDecode>
std::string outcome(const json::value& object) {
  const auto decoded = kDecode(object);
  if (!decoded) return decoded.error().to_string();
  const auto again = kDecode(encode(*decoded));
  if (!again) return "written form refused: " + again.error().to_string();
  return *again == *decoded ? "" : "the written form means something else";
}

std::string outcome_of(std::string_view kind, const json::value& object) {
  const std::map<std::string_view, std::string (*)(const json::value&)> kDecoders{
      {"NetworkPolicy", outcome<decode_antrea_network_policy>},
      {"ClusterNetworkPolicy", outcome<decode_cluster_network_policy>},
      {"Tier", outcome<decode_tier>},
      {"Group", outcome<decode_group>},
      {"ClusterGroup", outcome<decode_cluster_group>},
      {"ExternalEntity", outcome<decode_external_entity>},
      {"AdminNetworkPolicy", outcome<decode_admin_network_policy>},
      {"BaselineAdminNetworkPolicy", outcome<decode_baseline_admin_network_policy>},
  };
  return kDecoders.at(kind)(object);
}

struct Accepted {
  std::string_view name, kind, spec;
};
void PrintTo(const Accepted& c, std::ostream* os) { *os << c.name; }

constexpr Accepted kAccepted[] = {
    {"EveryPeer", "ClusterNetworkPolicy", R"(
  tier: SecurityOps
  priority: 5.5
  appliedTo: [{podSelector: {}}, {namespaceSelector: {matchLabels: {a: b}}}, {group: g},
              {serviceAccount: {name: sa, namespace: ns}}]
  ingress:
  - action: Drop
    from:
    - {podSelector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}
    - {namespaces: {match: Self}}
    - {namespaces: {sameLabels: [x, y/z]}, podSelector: {}}
    - {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}
    - {group: g}
    - {serviceAccount: {name: sa, namespace: ns}}
    - {nodeSelector: {}}
    - {podSelector: {}, scope: ClusterSet}
  egress:
  - {action: Pass, name: out, enableLogging: true, logLabel: lab, to: [{fqdn: "*.example.com"}]}
  - {action: Reject, toServices: [{name: s, namespace: ns}, {name: s, namespace: ns, scope: ClusterSet}]}
)"},
    {"EveryPort", "NetworkPolicy", R"(
  priority: 10000
  ingress:
  - action: Allow
    appliedTo: [{externalEntitySelector: {}}]
    from: [{externalEntitySelector: {}, namespaceSelector: {}}]
    ports: [{}, {port: 80}, {protocol: UDP, port: 1, endPort: 65535}, {port: http},
            {protocol: SCTP, sourcePort: 5, sourceEndPort: 5}]
    protocols: [{icmp: {}}, {icmp: {icmpType: 8, icmpCode: 0}}]
  - {action: Allow, appliedTo: [{group: g}], protocols: [{igmp: {igmpType: 17, groupAddress: 224.0.0.1}}]}
  egress:
  - action: Allow
    appliedTo: [{podSelector: {}}]
    ports: [{port: 443}]
    l7Protocols: [{http: {host: a, method: GET, path: /x}}, {tls: {sni: b}}]
)"},
    {"Services", "ClusterNetworkPolicy", R"(
  priority: 1
  appliedTo: [{service: {name: s, namespace: ns}}]
  ingress: [{action: Drop, from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]
)"},
    {"Nodes", "ClusterNetworkPolicy", R"(
  priority: 1
  appliedTo: [{nodeSelector: {}}]
  egress: [{action: Reject, to: [{ipBlock: {cidr: "::/0"}}]}]
)"},
    {"Tier", "Tier", "{priority: 0, description: first}"},
    {"GroupOfSelectors", "Group", "{podSelector: {}, namespaceSelector: {}}"},
    {"GroupOfBlocks", "ClusterGroup", "{ipBlocks: [{cidr: 10.0.0.0/8, except: [10.0.0.0/9]}]}"},
    {"GroupOfEntities", "Group", "{externalEntitySelector: {}, namespaceSelector: {}}"},
    {"GroupOfNodes", "ClusterGroup", "{nodeSelector: {}}"},
    {"GroupOfAService", "ClusterGroup", "{serviceReference: {name: s, namespace: ns}}"},
    {"GroupOfGroups", "ClusterGroup", "{childGroups: [a, b]}"},
    {"Entity", "ExternalEntity", R"(
  endpoints: [{ip: 192.0.2.1, name: eth0}, {ip: "2001:db8::1"}]
  ports: [{protocol: UDP, port: 53, name: dns}]
  externalNode: vm
)"},
    {"Admin", "AdminNetworkPolicy", R"(
  priority: 1000
  subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}}
  ingress:
  - {name: first, action: Deny, from: [{namespaces: {}}, {pods: {namespaceSelector: {}, podSelector: {}}}],
     ports: [{portNumber: {protocol: UDP, port: 53}}, {portRange: {start: 1, end: 2}}, {namedPort: web}]}
  egress:
  - {action: Pass, to: [{nodes: {}}, {networks: [10.0.0.0/8, "fd00::/8"]}, {domainNames: ["*.a.b", a.b]}]}
  - {action: Allow, to: [{somethingNew: {}}]}
)"},
    {"Baseline", "BaselineAdminNetworkPolicy", R"(
  subject: {namespaces: {matchExpressions: [{key: a, operator: Exists}]}}
  egress: [{action: Allow, to: [{networks: [10.0.0.0/8]}]}]
)"},
};

json::value object_of(std::string_view kind, std::string_view spec) {
  const bool in_line = spec.starts_with("{");
  return manifest("apiVersion: v1\nkind: " + std::string(kind) +
                  "\nmetadata: {name: default, namespace: ns}\nspec:" + (in_line ? " " : "") +
                  std::string(spec));
}

class PolicyJson : public testing::TestWithParam<Accepted> {};
TEST_P(PolicyJson, ReadsWhatItWrites) {
  EXPECT_EQ(outcome_of(GetParam().kind, object_of(GetParam().kind, GetParam().spec)), "");
}
INSTANTIATE_TEST_SUITE_P(Accepted, PolicyJson, testing::ValuesIn(kAccepted),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(PolicyJson, FillsInDefaults) {
  const auto policy = decode_antrea_network_policy(object_of("NetworkPolicy", R"(
  priority: 1
  appliedTo: [{podSelector: {}}]
  ingress: [{action: Drop}, {action: Drop}, {action: Allow, ports: [{port: 1}]}]
  egress: [{action: Reject, name: mine}]
)"))
                          .value();
  EXPECT_EQ(policy.spec.tier, "application");
  const auto& rules = policy.spec.ingress;
  EXPECT_THAT(rules[0].name, testing::MatchesRegex("ingress-drop-[0-9a-f]{7}"));
  EXPECT_THAT(rules[2].name, testing::MatchesRegex("ingress-allow-[0-9a-f]{7}"));
  EXPECT_NE(rules[0].name, rules[1].name) << "names are unique, also of equal rules";
  EXPECT_EQ(rules[2].ports[0].protocol, Protocol::kTcp);
  EXPECT_EQ(policy.spec.egress[0].name, "mine");
  const auto upper = decode_cluster_network_policy(object_of(
      "ClusterNetworkPolicy", "{tier: NetworkOps, priority: 1, appliedTo: [{group: g}]}"));
  EXPECT_EQ(upper->spec.tier, "networkops");
  const auto own = decode_cluster_network_policy(
      object_of("ClusterNetworkPolicy", "{tier: Mine, priority: 1, appliedTo: [{group: g}]}"));
  EXPECT_EQ(own->spec.tier, "Mine") << "only static tiers are known by another spelling";
}

TEST(PolicyJson, KeepsAllBitsOfAPriority) {
  const auto policy = decode_cluster_network_policy(
      object_of("ClusterNetworkPolicy", "{priority: 5.0000001, appliedTo: [{group: g}]}"));
  EXPECT_EQ(policy->spec.priority, 5.0000001);
}

TEST(PolicyJson, KeepsTheStatus) {
  json::value object = object_of("ClusterNetworkPolicy", "{priority: 1, appliedTo: [{group: g}]}");
  object.as_object()["status"] = json::parse(
      R"({"phase":"Realizing","observedGeneration":3,"currentNodesRealized":1,
          "desiredNodesRealized":2,"conditions":[{"type":"Realizable","status":"True"}]})");
  const auto policy = decode_cluster_network_policy(object).value();
  EXPECT_EQ(policy.status.phase, crd::PolicyPhase::kRealizing);
  EXPECT_EQ(policy.status.desired_nodes_realized, 2);
  EXPECT_EQ(outcome_of("ClusterNetworkPolicy", object), "");
}

TEST(PolicyJson, AnUnknownPeerStaysUnknown) {
  const auto policy = decode_admin_network_policy(object_of("AdminNetworkPolicy", R"(
  priority: 1
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{somethingNew: {a: b}}]}]
)"))
                          .value();
  EXPECT_TRUE(policy.ingress[0].peers[0].unknown());
}

struct RefusedSpec {
  std::string_view name, kind, spec, error;
};
void PrintTo(const RefusedSpec& c, std::ostream* os) { *os << c.name; }

#define RULE(text) "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [" text "]}"
#define OUT(text) "{priority: 1, appliedTo: [{podSelector: {}}], egress: [" text "]}"
constexpr RefusedSpec kRefusedSpecs[] = {
    {"NoPriority", "NetworkPolicy", "{appliedTo: [{podSelector: {}}]}", "spec.priority: "},
    {"PriorityTooHigh", "NetworkPolicy", "{priority: 10000.5, appliedTo: [{podSelector: {}}]}",
     "spec.priority: found 1.00005E4, expected 1 to 10000"},
    {"PassInBaseline", "ClusterNetworkPolicy",
     "{tier: Baseline, priority: 1, appliedTo: [{group: g}], ingress: [{action: Pass}]}",
     "spec.ingress[0].action: found Pass"},
    {"NameTwice", "NetworkPolicy",
     "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop, name: a}], "
     "egress: [{action: Drop, name: a}]}",
     "spec.egress[0].name: found \"a\" again"},
    {"AppliedToBoth", "NetworkPolicy", RULE("{action: Drop, appliedTo: [{group: g}]}"),
     "spec.ingress[0].appliedTo: found appliedTo in both"},
    {"AppliedToNowhere", "NetworkPolicy", "{priority: 1, ingress: [{action: Drop}]}",
     "spec.appliedTo: found nothing"},
    {"AppliedToInSomeRules", "NetworkPolicy",
     "{priority: 1, ingress: [{action: Drop}, {action: Drop, appliedTo: [{group: g}]}]}",
     "spec.appliedTo: found appliedTo in some"},
    {"AppliedToMixed", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{group: g, podSelector: {}}]}",
     "spec.appliedTo[0]: found several kinds"},
    {"AppliedToEmpty", "ClusterNetworkPolicy", "{priority: 1, appliedTo: [{}]}",
     "spec.appliedTo[0]: found an empty entry"},
    {"AppliedToOtherNamespaces", "NetworkPolicy",
     "{priority: 1, appliedTo: [{podSelector: {}, namespaceSelector: {}}]}",
     "spec.appliedTo[0].namespaceSelector: found namespaceSelector"},
    {"NodesInARule", "ClusterNetworkPolicy",
     "{priority: 1, ingress: [{action: Drop, appliedTo: [{nodeSelector: {}}]}]}",
     "spec.ingress[0].appliedTo[0].nodeSelector: "},
    {"NodesAndPods", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{nodeSelector: {}}, {podSelector: {}}]}",
     "spec.appliedTo: found Nodes"},
    {"PassOnNodes", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{nodeSelector: {}}], ingress: [{action: Pass}]}",
     "spec.ingress[0].action: found Pass"},
    {"EgressOfServices", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{service: {name: s, namespace: ns}}], egress: [{action: Drop}]}",
     "spec.egress[0]: found an egress rule applied to Services"},
    {"ServicesAndPods", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{service: {name: s, namespace: ns}}, {podSelector: {}}]}",
     "spec.appliedTo: found Services"},
    {"ServicesByPods", "ClusterNetworkPolicy",
     "{priority: 1, appliedTo: [{service: {name: s, namespace: ns}}], "
     "ingress: [{action: Drop, from: [{podSelector: {}}]}]}",
     "spec.ingress[0].from: found a rule applied to Services"},
    {"LabelKey", "NetworkPolicy",
     RULE("{action: Drop, from: [{podSelector: {matchLabels: {a b: c}}}]}"),
     "spec.ingress[0].from[0].podSelector.matchLabels[\"a b\"]: found \"a b\""},
    {"LabelValue", "NetworkPolicy",
     RULE("{action: Drop, from: [{podSelector: {matchLabels: {a: -c}}}]}"),
     "podSelector.matchLabels.a: found \"-c\""},
    {"ExpressionValue", "NetworkPolicy",
     "{priority: 1, appliedTo: [{podSelector: {matchExpressions: "
     "[{key: a, operator: In, values: [b, \"c d\"]}]}}]}",
     "spec.appliedTo[0].podSelector.matchExpressions[0].values[1]: found \"c d\""},
    {"NamespacesTwice", "ClusterNetworkPolicy",
     RULE("{action: Drop, from: [{namespaces: {match: Self}, namespaceSelector: {}}]}"),
     "spec.ingress[0].from[0].namespaces: "},
    {"NamespacesTwoCriteria", "ClusterNetworkPolicy",
     RULE("{action: Drop, from: [{namespaces: {match: Self, sameLabels: [a]}}]}"),
     "spec.ingress[0].from[0].namespaces: found none or both"},
    {"NamespacesOther", "ClusterNetworkPolicy",
     RULE("{action: Drop, from: [{namespaces: {match: Other}}]}"),
     "spec.ingress[0].from[0].namespaces.match: found \"Other\", expected Self"},
    {"SameLabelsKey", "ClusterNetworkPolicy",
     RULE("{action: Drop, from: [{namespaces: {sameLabels: [\"a b\"]}}]}"),
     "spec.ingress[0].from[0].namespaces.sameLabels[0]: found \"a b\""},
    {"NamespacesInANamespace", "NetworkPolicy",
     RULE("{action: Drop, from: [{namespaces: {match: Self}}]}"),
     "spec.ingress[0].from[0].namespaces: found namespaces"},
    {"CidrMissing", "NetworkPolicy", RULE("{action: Drop, from: [{ipBlock: {}}]}"),
     "spec.ingress[0].from[0].ipBlock.cidr: found nothing"},
    {"ExceptOutside", "NetworkPolicy",
     RULE("{action: Drop, from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/9]}}]}"),
     "spec.ingress[0].from[0].ipBlock.except[0]: "},
    {"GroupAndSelector", "NetworkPolicy",
     RULE("{action: Drop, from: [{group: g, podSelector: {}}]}"),
     "spec.ingress[0].from[0]: found several kinds"},
    {"EmptyPeer", "NetworkPolicy", RULE("{action: Drop, from: [{}]}"),
     "spec.ingress[0].from[0]: found an empty peer"},
    {"NoAction", "NetworkPolicy", RULE("{from: []}"), "spec.ingress[0].action: found nothing"},
    {"ToInIngress", "NetworkPolicy", RULE("{action: Drop, to: [{podSelector: {}}]}"),
     "spec.ingress[0].to: found to"},
    {"ToServicesAndPorts", "NetworkPolicy",
     OUT("{action: Drop, toServices: [{name: s}], ports: [{port: 1}]}"),
     "spec.egress[0].toServices: found to, ports or protocols"},
    {"ToServicesNamespace", "ClusterNetworkPolicy", OUT("{action: Drop, toServices: [{name: s}]}"),
     "spec.egress[0].toServices[0].namespace: found nothing"},
    {"ToServicesInIngress", "NetworkPolicy", RULE("{action: Drop, toServices: [{name: s}]}"),
     "spec.ingress[0].toServices: found toServices"},
    {"Fqdn", "NetworkPolicy", OUT("{action: Drop, to: [{fqdn: \"a_b\"}]}"),
     "spec.egress[0].to[0].fqdn: found \"a_b\""},
    {"FqdnInIngress", "NetworkPolicy", RULE("{action: Drop, from: [{fqdn: a}]}"),
     "spec.ingress[0].from[0].fqdn: found fqdn"},
    {"MulticastReject", "NetworkPolicy",
     OUT("{action: Reject, to: [{ipBlock: {cidr: 224.1.0.0/16}}]}"),
     "spec.egress[0].action: found Reject"},
    {"MulticastAndUnicast", "NetworkPolicy",
     OUT("{action: Drop, to: [{ipBlock: {cidr: 224.1.0.0/16}}, {ipBlock: {cidr: 10.0.0.0/8}}]}"),
     "spec.egress[0].to: found multicast"},
    {"IgmpUnicast", "NetworkPolicy",
     OUT("{action: Drop, protocols: [{igmp: {groupAddress: 10.0.0.1}}]}"),
     "spec.egress[0].protocols[0].igmp.groupAddress: found 10.0.0.1"},
    {"IgmpPass", "NetworkPolicy", OUT("{action: Pass, protocols: [{igmp: {}}]}"),
     "spec.egress[0].action: found Pass"},
    {"IgmpAndPorts", "NetworkPolicy",
     OUT("{action: Drop, protocols: [{igmp: {}}], ports: [{port: 1}]}"),
     "spec.egress[0].protocols: found IGMP"},
    {"IgmpReportIn", "NetworkPolicy", RULE("{action: Drop, protocols: [{igmp: {igmpType: 18}}]}"),
     "spec.ingress[0].protocols[0].igmp.igmpType: "},
    {"IcmpType", "NetworkPolicy", RULE("{action: Drop, protocols: [{icmp: {icmpType: 256}}]}"),
     "spec.ingress[0].protocols[0].icmp.icmpType: found 256, expected 0 to 255"},
    {"TwoProtocols", "NetworkPolicy",
     RULE("{action: Drop, protocols: [{icmp: {}, igmp: {igmpType: 17}}]}"),
     "spec.ingress[0].protocols[0]: found none or both"},
    {"L7Drop", "NetworkPolicy", RULE("{action: Drop, l7Protocols: [{http: {}}]}"),
     "spec.ingress[0].action: found Drop"},
    {"L7Udp", "NetworkPolicy",
     RULE("{action: Allow, l7Protocols: [{http: {}}], ports: [{protocol: UDP}]}"),
     "spec.ingress[0].ports: found another protocol"},
    {"L7Icmp", "NetworkPolicy",
     RULE("{action: Allow, l7Protocols: [{tls: {}}], protocols: [{icmp: {}}]}"),
     "spec.ingress[0].l7Protocols: found toServices or protocols"},
    {"L7Method", "NetworkPolicy", RULE("{action: Allow, l7Protocols: [{http: {method: get}}]}"),
     "spec.ingress[0].l7Protocols[0].http.method: found \"get\""},
    {"EndPortAlone", "NetworkPolicy", RULE("{action: Drop, ports: [{endPort: 5}]}"),
     "spec.ingress[0].ports[0].endPort: found the end of a range"},
    {"EndPortOfAName", "NetworkPolicy", RULE("{action: Drop, ports: [{port: a, endPort: 5}]}"),
     "spec.ingress[0].ports[0].endPort: found the end of a range"},
    {"EndPortBelow", "NetworkPolicy", RULE("{action: Drop, ports: [{port: 6, endPort: 5}]}"),
     "spec.ingress[0].ports[0].endPort: found 5, expected at least port 6"},
    {"SourceEndPortAlone", "NetworkPolicy", RULE("{action: Drop, ports: [{sourceEndPort: 5}]}"),
     "spec.ingress[0].ports[0].sourceEndPort: found the end of a range"},
    {"LogLabel", "NetworkPolicy", RULE("{action: Drop, logLabel: \"a b\"}"),
     "spec.ingress[0].logLabel: found \"a b\""},
    {"TierPriority", "Tier", "{priority: 256}", "spec.priority: found 256, expected 0 to 255"},
    {"TierWithoutPriority", "Tier", "{description: d}", "spec.priority: found nothing"},
    {"TwoKindsOfMembers", "ClusterGroup", "{podSelector: {}, ipBlocks: [{cidr: 10.0.0.0/8}]}",
     "spec: found several kinds"},
    {"SelectorsOfPodsAndEntities", "Group", "{podSelector: {}, externalEntitySelector: {}}",
     "spec: found several kinds"},
    {"NodesInAGroup", "Group", "{nodeSelector: {}}", "spec.nodeSelector: found nodeSelector"},
    {"OwnChild", "ClusterGroup", "{childGroups: [default]}",
     "ClusterGroup ns/default: spec.childGroups: found the group itself"},
    {"GroupMulticast", "ClusterGroup", "{ipBlocks: [{cidr: 224.0.0.0/8}, {cidr: 10.0.0.0/8}]}",
     "spec.ipBlocks: found multicast"},
    {"EntityAddress", "ExternalEntity", "{endpoints: [{ip: 10.0.0}]}", "spec.endpoints[0].ip: "},
    {"AdminPriority", "AdminNetworkPolicy", "{priority: 1001, subject: {namespaces: {}}}",
     "spec.priority: found 1001, expected 0 to 1000"},
    {"AdminSubject", "AdminNetworkPolicy", "{priority: 1, subject: {}}",
     "spec.subject: found none or both"},
    {"AdminNoPeers", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny}]}",
     "spec.ingress[0].from: found 0 entries, expected 1 to 100"},
    {"AdminEmptyPeer", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{}]}]}",
     "spec.ingress[0].from[0]: found an empty peer"},
    {"AdminReject", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Reject, from: [{namespaces: "
     "{}}]}]}",
     "spec.ingress[0].action: found \"Reject\", expected one of Allow, Deny, Pass"},
    {"AdminNodesIn", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{nodes: {}}]}]}",
     "spec.ingress[0].from[0].nodes: found nodes"},
    {"AdminNamedPortOutside", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, "
     "to: [{networks: [10.0.0.0/8]}], ports: [{namedPort: a}]}]}",
     "spec.egress[0].ports: found a named port"},
    {"AdminPortKinds", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}], "
     "ports: [{namedPort: a, portNumber: {port: 1}}]}]}",
     "spec.egress[0].ports[0]: found none or several"},
    {"AdminPortRange", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{namespaces: {}}], "
     "ports: [{portRange: {start: 5, end: 5}}]}]}",
     "spec.egress[0].ports[0].portRange.end: found 5, expected more than start 5"},
    {"AdminDomain", "AdminNetworkPolicy",
     "{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{domainNames: "
     "[\"a.*\"]}]}]}",
     "spec.egress[0].to[0].domainNames[0]: found \"a.*\""},
    {"BaselinePass", "BaselineAdminNetworkPolicy",
     "{subject: {namespaces: {}}, ingress: [{action: Pass, from: [{namespaces: {}}]}]}",
     "spec.ingress[0].action: found \"Pass\", expected one of Allow, Deny"},
};
#undef RULE
#undef OUT

class PolicyJsonRefusal : public testing::TestWithParam<RefusedSpec> {};
TEST_P(PolicyJsonRefusal, NamesObjectAndField) {
  const std::string error =
      outcome_of(GetParam().kind, object_of(GetParam().kind, GetParam().spec));
  EXPECT_THAT(error, HasSubstr(GetParam().error));
  EXPECT_THAT(error, HasSubstr(std::string(GetParam().kind) + " ns/default: "));
}
INSTANTIATE_TEST_SUITE_P(Refused, PolicyJsonRefusal, testing::ValuesIn(kRefusedSpecs),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(PolicyJson, RefusesASecondBaseline) {
  const auto object = manifest(
      "{apiVersion: v1, kind: B, metadata: {name: other}, spec: {subject: {namespaces: {}}}}");
  EXPECT_THAT(outcome_of("BaselineAdminNetworkPolicy", object),
              HasSubstr("metadata.name: found \"other\", expected default"));
}

}  // namespace
}  // namespace antrea::api
