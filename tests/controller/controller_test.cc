#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/standalone.h"

namespace antrea::controller {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kPolicy = crd("ClusterNetworkPolicy", "p",
                                "{tier: gold, priority: 1, appliedTo: [{podSelector: {}}], "
                                "ingress: [{action: Drop}]}");

TEST_F(Standalone, RefusesWhatOtherObjectsTellToBeWrong) {
  EXPECT_THAT(refusal(kPolicy), HasSubstr("The ClusterNetworkPolicy \"p\" is invalid: spec.tier: "
                                          "Invalid value: found \"gold\", expected a Tier that "
                                          "exists"));
  apply(crd("Tier", "gold", "{priority: 5}"));
  apply(kPolicy);
  EXPECT_THAT(refusal(crd("Tier", "silver", "{priority: 5}")),
              HasSubstr("spec.priority: Invalid value: found 5, which Tier gold has"));
  EXPECT_THAT(refusal(crd("Tier", "gold", "{priority: 6}")),
              HasSubstr("spec.priority: Invalid value: found 6, expected 5 as it is"));
  auto removed = kubectl("delete tier gold");
  EXPECT_EQ(removed.status, 1);
  EXPECT_THAT(removed.text, HasSubstr("tiers.crd.antrea.io \"gold\" is forbidden: found 1 "
                                      "ClusterNetworkPolicies and 0 NetworkPolicies"));
  EXPECT_THAT(kubectl("delete tier baseline").text,
              HasSubstr("found one of the static Tiers, which always exist"));
  EXPECT_EQ(kubectl("delete acnp p").status, 0);
  EXPECT_EQ(kubectl("delete tier gold").status, 0);

  apply(crd("ClusterGroup", "child", "{podSelector: {}}"));
  apply(crd("ClusterGroup", "parent", "{childGroups: [child]}"));
  EXPECT_THAT(refusal(crd("ClusterGroup", "grand", "{childGroups: [parent]}")),
              HasSubstr("spec.childGroups: Invalid value: found ClusterGroup \"parent\", which has "
                        "children itself"));
}

TEST_F(Standalone, ServesClusterNetworkPolicies) {
  const std::string head =
      "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
      "metadata: {name: tenants}\nspec:\n  tier: Admin\n  priority: 7\n  subject: {namespaces: "
      "{}}\n";
  apply(head +
        "  ingress:\n  - {name: web, action: Accept, from: [{namespaces: {}}],\n"
        "     protocols: [{tcp: {destinationPort: {number: 80}}}]}\n");
  EXPECT_THAT(kubectl("get cnp tenants").text, testing::MatchesRegex("NAME +TIER +PRIORITY +AGE *\n"
                                                                     "tenants +Admin +7 +.*\n"));
  EXPECT_THAT(refusal(head + "  ingress:\n  - {action: Allow, from: [{namespaces: {}}]}\n"),
              HasSubstr("spec.ingress[0].action"));
  // antctl sees it in the live cluster, too.
  EXPECT_THAT(
      run(ANTREA_BIN_DIR "/antctl policy check -f cluster: --kubeconfig " + kubeconfig()).text,
      HasSubstr("tenants"));
  EXPECT_THAT(kubectl("explain cnp.spec.tier").text, HasSubstr("Before the policies of"));
}

TEST_F(Standalone, ListsTheControlPlaneAmongItsGroups) {
  EXPECT_THAT(kubectl("api-resources --api-group=controlplane.antrea.io").text,
              HasSubstr("addressgroups"));
  EXPECT_THAT(kubectl("get --raw /apis").text, HasSubstr(R"("name":"controlplane.antrea.io")"));
}

TEST_F(Standalone, AnswersReviewsWithoutALogin) {
  const std::string review = file("review.json", R"({
    "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
      "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "operation": "DELETE",
      "kind": {"group": "crd.antrea.io", "version": "v1beta1", "kind": "Tier"},
      "name": "platform", "userInfo": {"username": "admin"}, "object": null,
      "oldObject": {"apiVersion": "crd.antrea.io/v1beta1", "kind": "Tier",
                    "metadata": {"name": "platform"}, "spec": {"priority": 200}}}})");
  const std::string url =
      run("sed -n 's/^ *server: *//p' " + kubeconfig() + " | tr -d '\\n\"'").text;
  const auto post = [&](const std::string& path, const std::string& data) {
    return run("curl -sk -H Content-Type:application/json --data-binary @" + data + " " + url +
               path)
        .text;
  };
  EXPECT_EQ(post("/validate/tier", review),
            R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":)"
            R"("0df28fbd-5f5f-11e8-bc74-36e6bb280816","allowed":false,"status":{"status":)"
            R"("Failure","message":"Tier platform: found one of the static Tiers, which always )"
            R"(exist","reason":"Forbidden","code":403}}})");
  EXPECT_THAT(post("/mutate/acnp", review), HasSubstr(R"("allowed":true})"));
  EXPECT_THAT(post("/validate/tier", file("none.json", "{}")),
              HasSubstr("expected AdmissionReview"));
  EXPECT_THAT(post("/api/v1/pods", review), HasSubstr("Unauthorized"));
}

TEST_F(Standalone, KeepsTheStatusOfPoliciesByWhatAgentsReport) {
  apply(crd("Tier", "gold", "{priority: 5}") + "---\n" + kPolicy);
  const auto status = [&](const std::string& path) {
    return kubectl("get acnp p -o jsonpath={" + path + "}").text;
  };
  EXPECT_TRUE(eventually([&] { return status(".status.phase") == "Realized"; }))
      << "no Node needs it: " << status(".status");
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: default}\n"
      "spec: {nodeName: n1, containers: [{name: c, image: i}]}\n");
  EXPECT_TRUE(eventually([&] { return status(".status.phase") == "Realizing"; }))
      << status(".status");
  const std::string uid = status(".metadata.uid");
  const std::string report =
      file("report.json",
           R"({"apiVersion":"controlplane.antrea.io/v1beta2","kind":"NetworkPolicyStatus",)"
           R"("metadata":{"name":")" +
               uid + R"("},"nodes":[{"nodeName":"n1","generation":1}]})");
  const auto reported =
      kubectl("create --raw /apis/controlplane.antrea.io/v1beta2/networkpolicies/" + uid +
              "/status -f " + report);
  EXPECT_EQ(reported.status, 0) << reported.text;
  EXPECT_TRUE(eventually([&] { return status(".status.phase") == "Realized"; }))
      << status(".status");
  EXPECT_EQ(status(".status.currentNodesRealized"), "1");
  EXPECT_EQ(status(".status.desiredNodesRealized"), "1");
  EXPECT_EQ(status(".status.observedGeneration"), "1");
  EXPECT_EQ(status(".metadata.generation"), "1") << "a status is no change of the policy";
  EXPECT_THAT(kubectl("get acnp").text, testing::ContainsRegex("p +gold +1 +1 +1 "));

  const std::string failure =
      file("failure.json",
           R"({"apiVersion":"controlplane.antrea.io/v1beta2","kind":"NetworkPolicyStatus",)"
           R"("metadata":{"name":")" +
               uid +
               R"("},"nodes":[{"nodeName":"n1","generation":1,"realizationFailure":true,)"
               R"("message":"rule r finds no free OpenFlow priority"}]})");
  EXPECT_EQ(kubectl("create --raw /apis/controlplane.antrea.io/v1beta2/networkpolicies/" + uid +
                    "/status -f " + failure)
                .status,
            0);
  EXPECT_TRUE(eventually([&] { return status(".status.phase") == "Failed"; })) << status(".status");
  EXPECT_THAT(status(".status.conditions[0].message"),
              HasSubstr(R"("n1":"rule r finds no free OpenFlow priority")"));
}

TEST_F(Standalone, ShowsWhatRulesCounted) {
  apply(crd("ClusterNetworkPolicy", "p",
            "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: no-telnet, "
            "action: Drop, ports: [{port: 23}]}]}"));
  const std::string uid = kubectl("get acnp p -o jsonpath={.metadata.uid}").text;
  const std::string summary =
      file("summary.json",
           R"({"apiVersion":"controlplane.antrea.io/v1beta2","kind":"NodeStatsSummary",)"
           R"("metadata":{"name":"n1"},"antreaClusterNetworkPolicies":[{"networkPolicy":{"type":)"
           R"("AntreaClusterNetworkPolicy","name":"p","uid":")" +
               uid +
               R"("},"trafficStats":{"packets":3,"bytes":180,"sessions":2},"ruleTrafficStats":[)"
               R"({"name":"no-telnet","trafficStats":{"packets":3,"bytes":180,"sessions":2}}]}]})");
  const auto reported =
      kubectl("create --raw /apis/controlplane.antrea.io/v1beta2/nodestatssummaries -f " + summary);
  EXPECT_EQ(reported.status, 0) << reported.text;
  const auto antctl = [this](const std::string& words) {
    return run(ANTREA_BIN_DIR "/antctl get policystatistics " + words + " --kubeconfig " +
               kubeconfig());
  };
  EXPECT_THAT(antctl("").text,
              testing::MatchesRegex("KIND +POLICY +RULE +SESSIONS +PACKETS +BYTES +SINCE *\n"
                                    "AntreaClusterNetworkPolicy +p +no-telnet +2 +3 +180 +2.*"));
  EXPECT_THAT(antctl("p").text, HasSubstr("no-telnet"));
  const auto unknown = antctl("q");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.text, HasSubstr("q: there are no statistics of such a policy"));
}

TEST_F(Standalone, TellsOfGroupsWhetherTheirMembersAreComputed) {
  const auto condition = [&](const std::string& group, const std::string& field) {
    return kubectl("get " + group + " -o jsonpath={.status.conditions[0]." + field + "}").text;
  };
  apply(crd("ClusterGroup", "child", "{podSelector: {}}"));
  apply(crd("ClusterGroup", "parent", "{childGroups: [child]}"));
  apply(
      "apiVersion: crd.antrea.io/v1beta1\nkind: Group\nmetadata: {name: own, namespace: default}\n"
      "spec: {podSelector: {}}\n");
  for (const char* const group : {"cg/child", "cg/parent", "group/own"}) {
    EXPECT_TRUE(eventually([&] { return condition(group, "status") == "True"; })) << group;
    EXPECT_EQ(condition(group, "type"), "GroupMembersComputed");
  }
  // Children may come before their parents' parents are known.
  apply(crd("ClusterGroup", "grand", "{childGroups: [later]}"));
  EXPECT_TRUE(eventually([&] { return condition("cg/grand", "status") == "True"; }));
}

TEST_F(Standalone, RefusesWhatIsNotRealised) {
  EXPECT_THAT(refusal(crd("ClusterNetworkPolicy", "p",
                          "{priority: 1, appliedTo: [{podSelector: {}}], "
                          "ingress: [{action: Allow, l7Protocols: [{http: {}}]}]}")),
              HasSubstr("spec.ingress[0].l7Protocols: Invalid value: found 1, expected none: "
                        "nothing looks into connections"));
}

}  // namespace
}  // namespace antrea::controller
