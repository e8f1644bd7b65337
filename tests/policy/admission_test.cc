#include "antrea/policy/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "antrea/api/json.h"
#include "antrea/policy/manifest.h"

namespace antrea::policy {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::IsEmpty;

json::value one(std::string_view yaml) {
  const auto objects = api::decode_manifest(yaml, "test");
  EXPECT_TRUE(objects) << objects.error().to_string();
  return objects->at(0);
}

std::string tier(std::string_view name, int priority) {
  return "{apiVersion: crd.antrea.io/v1beta1, kind: Tier, metadata: {name: " + std::string(name) +
         "}, spec: {priority: " + std::to_string(priority) + "}}";
}
std::string group(std::string_view kind, std::string_view name, std::string_view children) {
  return "{apiVersion: crd.antrea.io/v1beta1, kind: " + std::string(kind) +
         ", metadata: {name: " + std::string(name) + ", namespace: ns}, spec: {childGroups: [" +
         std::string(children) + "]}}";
}
std::string acnp(std::string_view tier) {
  return "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterNetworkPolicy, metadata: {name: p}, "
         "spec: {priority: 1, appliedTo: [{podSelector: {}}], tier: \"" +
         std::string(tier) + "\", ingress: [{action: Drop}]}}";
}
/// A policy with this spec, beside its priority.
std::string acnp_with(std::string_view spec) {
  return "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterNetworkPolicy, metadata: {name: p}, "
         "spec: {priority: 1, " +
         std::string(spec) + "}}";
}
const std::string kHttp = acnp_with(
    "appliedTo: [{podSelector: {}}], ingress: [{action: Drop}, {action: Allow, l7Protocols: "
    "[{http: {}}, {tls: {}}]}]");
std::string on_nodes(std::string_view rules) {
  return acnp_with("appliedTo: [{nodeSelector: {}}], " + std::string(rules));
}
constexpr std::string_view kCnp =
    "{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: "
    "p}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}}";

/// Tiers gold (5, two policies in it), silver (6, unused), and those given; groups parent ->
/// child, and loner, in the Namespace ns and in the cluster.
class View : public AdmissionView {
 public:
  std::map<std::string, int> more_tiers;

  std::vector<api::crd::Tier> tiers() const override {
    std::map<std::string, int> all{{"gold", 5}, {"silver", 6}};
    for (const auto& [name, priority] : api::crd::kStaticTiers) all.emplace(name, priority);
    all.insert(more_tiers.begin(), more_tiers.end());
    std::vector<api::crd::Tier> made;
    for (const auto& [name, priority] : all) {
      made.emplace_back().metadata.name = name;
      made.back().priority = priority;
    }
    return made;
  }
  std::vector<Group> groups(std::string_view namespace_) const override {
    if (!namespace_.empty() && namespace_ != "ns") return {};
    return {{"parent", {"child"}}, {"child", {}}, {"loner", {}}};
  }
  TierUse use_of_tier(std::string_view name) const override {
    return name == "gold" ? TierUse{1, 1} : TierUse{};
  }
};

api::AdmissionResponse ask(std::string_view object, std::string_view old, const View& view = {},
                           std::string user = "somebody") {
  api::AdmissionRequest request{.uid = "u", .user = std::move(user)};
  request.operation = object.empty() ? api::AdmissionRequest::Operation::kDelete
                      : old.empty()  ? api::AdmissionRequest::Operation::kCreate
                                     : api::AdmissionRequest::Operation::kUpdate;
  if (!object.empty()) request.object = one(object);
  if (!old.empty()) request.old_object = one(old);
  return validate(request, view, "system:serviceaccount:kube-system:antrea-controller");
}

struct Case {
  std::string_view name;
  std::string object, old, message;  // no message: allowed
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }
const Case kCases[] = {
    {"PolicyInATier", acnp("gold"), "", ""},
    {"PolicyInAStaticTier", acnp("SecurityOps"), "", ""},
    {"PolicyInTheDefaultTier", acnp(""), "", ""},
    {"PolicyInNoTier", acnp("iron"), "",
     "ClusterNetworkPolicy p: spec.tier: found \"iron\", expected a Tier that exists"},
    {"PolicyLeavesForNoTier", acnp("iron"), acnp("gold"), "spec.tier: found \"iron\""},
    {"PolicyGoes", "", acnp("iron"), ""},
    {"NewTier", tier("t", 7), "", ""},
    {"ReservedPriority", tier("t", 254), "",
     "Tier t: spec.priority: found 254, expected none of those that are reserved"},
    {"PriorityOfClusterNetworkPolicies", tier("t", 220), "", "spec.priority: found 220"},
    {"TakenPriority", tier("t", 5), "",
     "spec.priority: found 5, which Tier gold has, expected a free one"},
    {"OtherDescription", tier("gold", 5), tier("gold", 5), ""},
    {"OtherPriority", tier("gold", 7), tier("gold", 5),
     "spec.priority: found 7, expected 5 as it is: it cannot change"},
    {"UnusedTierGoes", "", tier("silver", 6), ""},
    {"UsedTierStays", "", tier("gold", 5),
     "Tier gold: found 1 ClusterNetworkPolicies and 1 NetworkPolicies of crd.antrea.io in the "
     "Tier, expected none"},
    {"StaticTierStays", "", tier("emergency", 50), "Tier emergency: found one of the static Tiers"},
    {"Children", group("Group", "other", "child, loner"), "", ""},
    {"ChildrenToCome", group("Group", "other", "later"), "", ""},
    {"OwnChild", group("ClusterGroup", "other", "other"), "",
     "spec.childGroups: found the group itself"},
    {"ChildrenOfAChild", group("Group", "child", "loner"), group("Group", "child", ""),
     "Group ns/child: spec.childGroups: found children of a group that is itself a child of Group "
     "\"parent\""},
    {"ChildWithChildren", group("ClusterGroup", "other", "parent"), "",
     "spec.childGroups: found ClusterGroup \"parent\", which has children itself"},
    {"SameChildrenAgain", group("Group", "parent", "child"), group("Group", "parent", "child"), ""},
    {"ClusterNetworkPolicy", std::string(kCnp), "", ""},
    {"InsideConnections", kHttp, "",
     "ClusterNetworkPolicy p: spec.ingress[1].l7Protocols: found 2, expected none: nothing looks "
     "into connections; allow or drop by ports and peers"},
    {"InsideConnectionsAsBefore", kHttp, kHttp, ""},
    {"InsideConnectionsAnew", kHttp, acnp("gold"), "spec.ingress[1].l7Protocols: found 2"},
    {"InsideConnectionsGoes", "", kHttp, ""},
    {"IgmpQuery",
     acnp_with("appliedTo: [{podSelector: {}}], ingress: [{action: Drop, protocols: [{igmp: "
               "{igmpType: 17}}]}]"),
     "", "spec.ingress[0].protocols[0].igmp: found IGMP, expected icmp"},
    {"IgmpReport",
     acnp_with("appliedTo: [{podSelector: {}}], egress: [{action: Allow, protocols: [{igmp: "
               "{groupAddress: 225.1.2.3}}]}]"),
     "", "spec.egress[0].protocols[0].igmp: found IGMP, expected icmp"},
    {"Icmp",
     acnp_with("appliedTo: [{podSelector: {}}], egress: [{action: Allow, protocols: [{icmp: "
               "{icmpType: 8}}]}]"),
     "", ""},
    {"PeersOfOtherClusters",
     acnp_with("appliedTo: [{podSelector: {}}], ingress: [{action: Drop, from: [{podSelector: {}}, "
               "{podSelector: {}, scope: ClusterSet}]}]"),
     "", "spec.ingress[0].from[1].scope: found ClusterSet, expected Cluster"},
    {"ServicesOfOtherClusters",
     acnp_with("appliedTo: [{podSelector: {}}], egress: [{action: Drop, toServices: [{name: s, "
               "namespace: ns, scope: ClusterSet}]}]"),
     "", "spec.egress[0].toServices[0].scope: found ClusterSet, expected Cluster"},
    {"AppliedToEntities",
     "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: p, namespace: ns}, "
     "spec: {priority: 1, appliedTo: [{podSelector: {}}, {externalEntitySelector: {}}], ingress: "
     "[{action: Drop}]}}",
     "",
     "NetworkPolicy ns/p: spec.appliedTo[1].externalEntitySelector: found a selector of "
     "ExternalEntities, expected one of Pods"},
    {"RuleAppliedToEntities",
     "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: p, namespace: ns}, "
     "spec: {priority: 1, ingress: [{action: Drop, appliedTo: [{externalEntitySelector: {}}]}]}}",
     "", "spec.ingress[0].appliedTo[0].externalEntitySelector: found a selector"},
    {"EntitiesAsPeers",
     "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: p, namespace: ns}, "
     "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop, from: "
     "[{externalEntitySelector: {}}]}]}}",
     "", ""},
    {"NamespacesOfNodes",
     on_nodes("egress: [{action: Drop, to: [{podSelector: {}}, {namespaces: {match: Self}}]}]"), "",
     "spec.egress[0].to[1].namespaces: found namespaces, expected another kind of peer on Nodes"},
    {"ServicesFromNodes",
     on_nodes("egress: [{action: Drop, toServices: [{name: s, namespace: ns}]}]"), "",
     "spec.egress[0].toServices: found Services, expected none of them on Nodes"},
    {"NamesOfNodesPorts", on_nodes("ingress: [{action: Drop, ports: [{port: 1}, {port: http}]}]"),
     "",
     "spec.ingress[0].ports[1].port: found \"http\", expected a number: Nodes declare no names"},
    {"NamesOfPodsPortsFromNodes",
     on_nodes("egress: [{action: Drop, to: [{podSelector: {}}], ports: [{port: http}]}]"), "", ""},
    {"NamesOfServicesPorts",
     acnp_with("appliedTo: [{service: {name: s, namespace: ns}}], ingress: [{action: Drop, ports: "
               "[{port: http}]}]"),
     "",
     "spec.ingress[0].ports[0].port: found \"http\", expected a number: Services declare no names"},
    {"NoneOfOurs", "{apiVersion: v1, kind: Secret, metadata: {name: s}}", "", ""},
    {"NotEvenReadable",
     "{apiVersion: crd.antrea.io/v1beta1, kind: Tier, metadata: {name: t}, spec: {priority: 900}}",
     "", "Tier t: spec.priority: found 900, expected 0 to 255"},
};

class Admission : public testing::TestWithParam<Case> {};
TEST_P(Admission, SaysWhatIsWrongAndWhere) {
  const Case& c = GetParam();
  const auto answer = ask(c.object, c.old);
  EXPECT_EQ(answer.uid, "u");
  EXPECT_EQ(answer.allowed, c.message.empty()) << answer.message;
  EXPECT_THAT(answer.message, HasSubstr(c.message));
  if (!answer.allowed) {
    EXPECT_EQ(answer.code, c.object.empty() ? 403 : 422);
  }
}
INSTANTIATE_TEST_SUITE_P(Cases, Admission, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(AdmissionOfTiers, LetsTheControllerSetAPriorityRight) {
  EXPECT_TRUE(ask(tier("emergency", 50), tier("emergency", 51), {},
                  "system:serviceaccount:kube-system:antrea-controller")
                  .allowed);
}

TEST(AdmissionOfTiers, CountsPriorities) {
  View view;
  for (int i = 0; i < 11; ++i) view.more_tiers["t" + std::to_string(i)] = 20 + i;
  EXPECT_TRUE(ask(tier("last", 7), "", view).allowed);
  view.more_tiers["last"] = 7;
  EXPECT_THAT(ask(tier("more", 8), "", view).message,
              HasSubstr("spec.priority: found 20 Tiers with other priorities"));
}

TEST(AdmissionOfTiers, OneThatWasLetInCountsBeforeItIsSeen) {
  View view;
  Reviewer reviewer("controller");
  TimePoint now{std::chrono::hours(1)};
  const auto review = [&](std::string_view name, int priority, bool dry_run = false) {
    api::AdmissionRequest request{.uid = "u", .object = one(tier(name, priority))};
    request.dry_run = dry_run;
    return reviewer.validate(request, view, now).message;
  };
  EXPECT_EQ(review("dry", 7, true), "");
  EXPECT_EQ(review("a", 7), "");
  EXPECT_EQ(review("a", 7), "") << "asked for again";
  EXPECT_THAT(review("b", 7), HasSubstr("found 7, which Tier a has"));
  view.more_tiers["a"] = 7;  // it is seen
  for (int i = 0; i < 10; ++i) view.more_tiers["t" + std::to_string(i)] = 20 + i;
  EXPECT_EQ(review("last", 8), "");
  EXPECT_THAT(review("more", 9), HasSubstr("found 20 Tiers with other priorities"));
  now += std::chrono::seconds(10);  // it never came
  EXPECT_EQ(review("more", 9), "");
}

TEST(AdmissionOfClusterNetworkPolicies, NeedsTheirPriority) {
  View view;
  view.more_tiers["old"] = 220;
  EXPECT_THAT(ask(kCnp, "", view).message, HasSubstr("found Tier \"old\" with priority 220"));
  EXPECT_TRUE(ask(kCnp, kCnp, view).allowed) << "what is there already may change";
}

// As kube-apiserver 1.29 sends it, shortened in metadata.
constexpr std::string_view kReview = R"({
  "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
  "request": {
    "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
    "kind": {"group": "crd.antrea.io", "version": "v1beta1", "kind": "ClusterNetworkPolicy"},
    "resource": {"group": "crd.antrea.io", "version": "v1beta1",
                 "resource": "clusternetworkpolicies"},
    "requestKind": {"group": "crd.antrea.io", "version": "v1beta1", "kind": "ClusterNetworkPolicy"},
    "requestResource": {"group": "crd.antrea.io", "version": "v1beta1",
                        "resource": "clusternetworkpolicies"},
    "name": "p", "operation": "CREATE",
    "userInfo": {"username": "kubernetes-admin",
                 "groups": ["system:masters", "system:authenticated"]},
    "object": {
      "apiVersion": "crd.antrea.io/v1beta1", "kind": "ClusterNetworkPolicy",
      "metadata": {"name": "p", "uid": "f2e2b1ab-29d2-4d2c-8b5d-5b8f4a0a7a10", "generation": 1,
                   "creationTimestamp": "2026-01-02T03:04:05Z"},
      "spec": {"priority": 5, "appliedTo": [{"nodeSelector": {}}],
               "ingress": [{"action": "Drop", "enableLogging": true, "name": "mine",
                            "logLabel": "longer-than-the-kernel"},
                           {"action": "Allow"}]}},
    "oldObject": null, "dryRun": false,
    "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}})";

TEST(AdmissionWebhook, ValidatesARecordedReview) {
  const auto request = api::decode_admission_review(json::parse(kReview));
  ASSERT_TRUE(request) << request.error().to_string();
  EXPECT_EQ(request->user, "kubernetes-admin");
  EXPECT_FALSE(request->dry_run);
  const json::value answer = api::encode(validate(*request, View(), ""));
  EXPECT_EQ(json::serialize(answer),
            R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":)"
            R"({"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true,"warnings":)"
            R"(["spec.ingress[0].logLabel: the kernel's log will show the first 12 characters )"
            R"(only"]}})");
}

TEST(AdmissionWebhook, AddsWhatIsLeftOut) {
  const auto request = api::decode_admission_review(json::parse(kReview));
  const auto answer = mutate(*request);
  EXPECT_TRUE(answer.allowed);
  ASSERT_EQ(answer.patch.size(), 2U) << "the rule with a name keeps it";
  EXPECT_EQ(answer.patch[0].path, "/spec/tier");
  EXPECT_EQ(answer.patch[0].value, "application");
  EXPECT_EQ(answer.patch[1].path, "/spec/ingress/1/name");
  const json::value encoded = api::encode(answer);
  const json::object& response = encoded.at("response").as_object();
  EXPECT_EQ(response.at("patchType"), "JSONPatch");
  // [{"op":"add","path":"/spec/tier","value":"application"}, …
  EXPECT_TRUE(response.at("patch").as_string().starts_with(
      "W3sib3AiOiJhZGQiLCJwYXRoIjoiL3NwZWMvdGllciIsInZhbHVlIjoiYXBwbGljYXRpb24ifSx7"));
}

TEST(AdmissionWebhook, LeavesWhatIsCompleteAlone) {
  api::AdmissionRequest request{.uid = "u"};
  request.object = one(
      "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: p, namespace: ns},"
      "spec: {tier: platform, priority: 1, appliedTo: [{podSelector: {}}], "
      "egress: [{action: Drop, name: x}]}}");
  const json::value answer = api::encode(mutate(request));
  EXPECT_FALSE(answer.at("response").as_object().contains("patch"));
  EXPECT_FALSE(answer.at("response").as_object().contains("patchType"));
}

TEST(AdmissionWebhook, LabelsNamespacesWithTheirName) {
  const auto patched = [](std::string_view metadata) {
    api::AdmissionRequest request{.uid = "u"};
    request.object =
        one("{apiVersion: v1, kind: Namespace, metadata: {" + std::string(metadata) + "}}");
    const auto answer = mutate(request);
    return answer.patch.empty()
               ? std::string()
               : answer.patch[0].path + " " + json::serialize(answer.patch[0].value);
  };
  EXPECT_EQ(patched("name: a"), R"(/metadata/labels {"antrea.io/metadata.name":"a"})");
  EXPECT_EQ(patched("name: a, labels: {tier: web}"),
            R"(/metadata/labels/antrea.io~1metadata.name "a")");
  EXPECT_EQ(patched("name: a, labels: {antrea.io/metadata.name: a}"), "");
}

TEST(AdmissionWebhook, RefusesWhatIsNoReview) {
  const auto error = [](std::string_view text) {
    return api::decode_admission_review(json::parse(text)).error().to_string();
  };
  EXPECT_THAT(error("{}"), HasSubstr("kind: found \"\", expected AdmissionReview"));
  EXPECT_THAT(error(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"})"),
              HasSubstr("apiVersion: found \"admission.k8s.io/v1beta1\""));
  EXPECT_THAT(
      error(
          R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","operation":"READ"}})"),
      HasSubstr("request.operation: found \"READ\""));
}

}  // namespace
}  // namespace antrea::policy
