#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/standalone.h"

// Egresses and pools as their users meet them: kubectl against a standalone controller.
namespace antrea::controller {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

std::string pool(const std::string& name, const std::string& ranges, const std::string& more = {}) {
  return crd("ExternalIPPool", name, "{ipRanges: [" + ranges + "], nodeSelector: {}" + more + "}");
}
std::string egress(const std::string& name, const std::string& spec) {
  return crd("Egress", name, "{appliedTo: {podSelector: {matchLabels: {app: web}}}, " + spec + "}");
}

class StandaloneEgress : public Standalone {
 protected:
  /// What `path` of an object becomes.
  testing::AssertionResult becomes(const std::string& object, const std::string& path,
                                   const std::string& wanted) const {
    std::string found;
    if (eventually([&] {
          found = kubectl("get " + object + " -o jsonpath='{" + path + "}'").text;
          return found == wanted;
        }))
      return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << object << " " << path << ": found \"" << found << "\", expected \"" << wanted << "\"";
  }
  testing::AssertionResult is_used(const std::string& pool, int used) const {
    return becomes("eip " + pool, ".status.usage.used", std::to_string(used));
  }
};

TEST_F(StandaloneEgress, AllocatesAndTellsWhatIsUsed) {
  apply(pool("prod", "{start: 10.10.0.1, end: 10.10.0.3}",
             ", subnetInfo: {gateway: 10.10.0.1, prefixLength: 24}"));
  apply(egress("web", "externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg web", ".spec.egressIP", "10.10.0.2")) << "not the gateway";
  EXPECT_TRUE(becomes("eg web", ".status.conditions[0].type", "IPAllocated"));
  EXPECT_TRUE(becomes("eg web", ".status.conditions[0].status", "True"));
  EXPECT_TRUE(is_used("prod", 1));
  EXPECT_THAT(kubectl("get eip").text, MatchesRegex("NAME +TOTAL +USED +AGE *\nprod +2 +1 .*\n"));
  EXPECT_THAT(kubectl("get eg").text, MatchesRegex("NAME +EGRESSIP +AGE +NODE *\nweb .*\n"));

  // One more fits, the third waits until another is gone.
  apply(egress("db", "egressIP: 10.10.0.3, externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg db", ".status.conditions[0].reason", "Allocated"));
  apply(egress("late", "externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg late", ".status.conditions[0].reason", "AllocationError"));
  EXPECT_THAT(kubectl("get eg late -o yaml").text, HasSubstr("all 2 addresses of the pool"));
  EXPECT_EQ(kubectl("delete eg web").status, 0);
  EXPECT_TRUE(becomes("eg late", ".spec.egressIP", "10.10.0.2"));
  EXPECT_TRUE(becomes("eg late", ".status.conditions[0].status", "True"));

  // antrea #2444, #2884: what an agent wrote stays.
  const std::string assigned =
      R"({"status":{"egressNode":"n1","egressIP":"10.10.0.3","conditions":[{"type":"IPAssigned",)"
      R"("status":"True"},{"type":"IPAllocated","status":"False"}]}})";
  EXPECT_EQ(kubectl("patch eg db --subresource=status --type=merge -p '" + assigned + "'").status,
            0);
  EXPECT_TRUE(becomes("eg db", ".status.conditions[*].type", "IPAssigned IPAllocated"));
  EXPECT_TRUE(becomes("eg db", ".status.conditions[*].status", "True True"));
  EXPECT_THAT(kubectl("get eg db").text, HasSubstr("n1"));
}

TEST_F(StandaloneEgress, NamesWhoHoldsAnAddress) {
  apply(pool("prod", "{cidr: 10.10.0.0/24}"));
  apply(egress("first", "egressIP: 10.10.0.9, externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg first", ".status.conditions[0].status", "True"));
  apply(egress("second", "egressIP: 10.10.0.9, externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg second", ".status.conditions[0].message",
                      "ExternalIPPool prod: reserve 10.10.0.9: it is held by Egress first"));
  EXPECT_TRUE(is_used("prod", 1));
}

TEST_F(StandaloneEgress, SeveralAddressesAndBothFamilies) {
  apply(pool("four", "{cidr: 10.10.0.0/24}"));
  apply(pool("six", "{cidr: \"fd00:10::/64\"}"));
  apply(egress("web", "externalIPPools: [four, six, four]"));
  EXPECT_TRUE(becomes("eg web", ".spec.egressIPs[*]", "10.10.0.1 fd00:10::1 10.10.0.2"));
  EXPECT_TRUE(is_used("four", 2));
  EXPECT_TRUE(is_used("six", 1));
}

// antrea #6685
TEST_F(StandaloneEgress, TakesBackAddressesOfPoolsThatGo) {
  apply(pool("prod", "{cidr: 10.10.0.0/24}"));
  apply(egress("web", "externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg web", ".spec.egressIP", "10.10.0.1"));
  EXPECT_EQ(kubectl("delete eip prod").status, 0);
  EXPECT_TRUE(becomes("eg web", ".spec.egressIP", ""));
  EXPECT_TRUE(becomes("eg web", ".status.conditions[0].status", "False"));
  apply(pool("prod", "{cidr: 10.10.1.0/24}"));
  EXPECT_TRUE(becomes("eg web", ".spec.egressIP", "10.10.1.1"));
  apply(egress("web", "egressIP: 192.0.2.1, externalIPPool: null"));
  EXPECT_TRUE(is_used("prod", 0));
}

TEST_F(StandaloneEgress, RefusesWhatOtherObjectsTellToBeWrong) {
  apply(pool("prod", "{cidr: 10.10.0.0/24}"));
  EXPECT_THAT(refusal(pool("more", "{start: 10.10.0.200, end: 10.10.1.9}")),
              HasSubstr("spec.ipRanges: Invalid value: found 10.10.0.200-10.10.1.9, which overlaps "
                        "with 10.10.0.0/24 of ExternalIPPool prod"));
  EXPECT_THAT(refusal(pool("prod", "{cidr: 10.10.1.0/24}")),
              HasSubstr("expected it to stay: ranges may be added only"));
  EXPECT_THAT(refusal(egress("web", "egressIP: 10.10.1.1, externalIPPool: prod")),
              HasSubstr("spec.egressIP: Invalid value: found 10.10.1.1, expected an address of "
                        "ExternalIPPool prod"));
  EXPECT_THAT(refusal(egress("web", "egressIP: 10.10.1.1, externalIPPool: test")),
              HasSubstr("ExternalIPPool test does not exist"));
  EXPECT_THAT(refusal(egress("web", "bandwidth: {rate: 1k, burst: 1k}")),
              HasSubstr("found neither egressIP nor externalIPPool"));
}

TEST_F(StandaloneEgress, AnswersReviews) {
  apply(pool("prod", "{cidr: 10.10.0.0/24}"));
  const std::string review = file("review.json", R"({
    "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
      "uid": "u1", "operation": "CREATE", "userInfo": {"username": "admin"}, "oldObject": null,
      "object": {"apiVersion": "crd.antrea.io/v1beta1", "kind": "Egress",
                 "metadata": {"name": "web"}, "spec": {"appliedTo": {}, "egressIP": "10.10.1.1",
                                                       "externalIPPool": "prod"}}}})");
  const std::string url =
      run("sed -n 's/^ *server: *//p' " + kubeconfig() + " | tr -d '\\n\"'").text;
  EXPECT_THAT(
      run("curl -sk -H Content-Type:application/json --data-binary @" + review + " " + url +
          "/validate/egress")
          .text,
      testing::AllOf(HasSubstr(R"("uid":"u1","allowed":false)"),
                     HasSubstr("found 10.10.1.1, expected an address of ExternalIPPool prod")));
}

TEST_F(StandaloneEgress, AntctlShowsAndExplains) {
  const auto antctl = [this](const std::string& words) {
    return run(ANTREA_BIN_DIR "/antctl " + words + " --kubeconfig " + kubeconfig()).text;
  };
  for (const std::string node : {"n1", "n2", "n3"})
    apply("apiVersion: v1\nkind: Node\nmetadata: {name: " + node + "}\n");
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default, labels: {app: web}}\n"
      "spec: {nodeName: n1, containers: [{name: c, image: i}]}\n");
  apply(pool("prod", "{cidr: 10.10.0.0/24}"));
  apply(egress("web", "externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg web", ".status.conditions[0].status", "True"));
  EXPECT_THAT(antctl("get egress"), MatchesRegex("NAME +EGRESS-IP +POOL +NODE +CONDITIONS *\n"
                                                 "web +10.10.0.1 +prod +<none> +IPAllocated *\n"));
  EXPECT_THAT(antctl("get externalippools"), HasSubstr("10.10.0.0/24"));
  EXPECT_THAT(antctl("get egressgroup"), HasSubstr("default/p"));
  const std::string explained = antctl("egress explain default/p");
  EXPECT_THAT(explained, MatchesRegex("EGRESS +CHOSEN +ADDRESS +POOL +NODE +STANDBY +WHY *\n"
                                      "web +yes +10.10.0.1 +prod +n[123] +n[123] +no other one.*\n"
                                      "Pod default/p on n1: .*leaves as 10.10.0.1\n"));
  EXPECT_THAT(antctl("egress explain default/none"), HasSubstr("there is no such Pod"));
}

TEST_F(StandaloneEgress, GroupsAreServedPerNode) {
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default, labels: {app: web}}\n"
      "spec: {nodeName: n1, containers: [{name: c, image: i}]}\n");
  apply(egress("web", "egressIP: 192.0.2.1"));
  const std::string path = "get --raw '/apis/controlplane.antrea.io/v1beta2/egressgroups";
  EXPECT_TRUE(eventually([&] {
    return kubectl(path + "/web'").text.find(R"("pod":{"name":"p","namespace":"default"})") !=
           std::string::npos;
  })) << kubectl(path + "/web'").text;
  EXPECT_EQ(kubectl("delete eg web").status, 0);
  EXPECT_TRUE(eventually([&] { return kubectl(path + "/web'").status != 0; }));
}

std::string service(const std::string& name, const std::string& annotations,
                    const std::string& spec = {}) {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", annotations: {" +
         annotations + "}}\nspec: {type: LoadBalancer, ports: [{port: 80}]" + spec + "}\n";
}

TEST_F(StandaloneEgress, GivesServicesAddressesFromPools) {
  const std::string of_prod = "service.antrea.io/external-ip-pool: prod";
  const std::string shared = of_prod + ", service.antrea.io/allow-shared-load-balancer-ip: 'true'";
  const std::string ingress = ".status.loadBalancer.ingress[*].ip";
  apply(pool("prod", "{start: 10.10.0.1, end: 10.10.0.3}"));
  apply(service("web", of_prod));
  EXPECT_TRUE(becomes("svc web", ingress, "10.10.0.1"));
  apply(service("dns", shared, ", loadBalancerIP: 10.10.0.3"));
  EXPECT_TRUE(becomes("svc dns", ingress, "10.10.0.3"));
  apply(service("mail", shared, ", loadBalancerIP: 10.10.0.3"));
  EXPECT_TRUE(becomes("svc mail", ingress, "10.10.0.3"));
  EXPECT_TRUE(is_used("prod", 2));
  apply(egress("e", "externalIPPool: prod"));
  EXPECT_TRUE(becomes("eg e", ".spec.egressIP", "10.10.0.2")) << "Services have the others";
  apply(service("late", of_prod, ", loadBalancerIP: 10.10.0.2"));

  // Its type changes: the address is free again.
  EXPECT_EQ(kubectl("delete eg e").status, 0);
  EXPECT_TRUE(becomes("svc late", ingress, "10.10.0.2"));
  EXPECT_EQ(
      kubectl("patch svc late --type=merge -p '" +
              std::string(
                  R"({"spec":{"type":"ClusterIP","loadBalancerIP":null,"ports":[{"port":80}]}})") +
              "'")
          .status,
      0);
  EXPECT_TRUE(becomes("svc late", ingress, ""));
  EXPECT_TRUE(is_used("prod", 2));
  EXPECT_EQ(kubectl("delete svc web dns").status, 0);
  EXPECT_TRUE(is_used("prod", 1));
  EXPECT_EQ(kubectl("delete eip prod").status, 0);
  EXPECT_TRUE(becomes("svc mail", ingress, ""));
}

}  // namespace
}  // namespace antrea::controller
