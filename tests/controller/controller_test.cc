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
}

}  // namespace
}  // namespace antrea::controller
