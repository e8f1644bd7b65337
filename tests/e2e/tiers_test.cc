// Antrea's own policies, from a stock kubectl to real packets.
#include <cstdlib>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

using Tiers = LabTest;

std::string file(const std::string& name) { return "../tests/e2e/tiers/" + name; }

TEST_F(Tiers, AreJudgedInTheirOrder) {
  const auto drop = kubectl("apply -f " + example(file("drop.yaml")));
  ASSERT_EQ(drop.status, 0) << drop.text;
  EXPECT_TRUE(reaches(file("dropped.json")));

  const auto allow = kubectl("apply -f " + example(file("allow.yaml")));
  ASSERT_EQ(allow.status, 0) << allow.text;
  EXPECT_TRUE(reaches(file("judged.json")));
  const auto realised = [&] {
    return kubectl(R"(get clusternetworkpolicies.crd.antrea.io drop-backends -o jsonpath=)"
                   R"({.status.phase}/{.status.currentNodesRealized})")
        .text;
  };
  EXPECT_TRUE(eventually([&] { return realised() == "Realized/2"; })) << realised();

  // The Tier stands first in the file, and is kept while policies are in it.
  const auto in_use = kubectl("delete -f " + example(file("allow.yaml")));
  EXPECT_EQ(in_use.status, 1);
  EXPECT_NE(in_use.text.find("first"), std::string::npos) << in_use.text;
  EXPECT_EQ(kubectl("delete --ignore-not-found -f " + example(file("allow.yaml"))).status, 0);
  EXPECT_TRUE(reaches(file("dropped.json")));
  ASSERT_EQ(kubectl("delete -f " + example(file("drop.yaml"))).status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));
}

TEST_F(Tiers, ARestartedAgentRewritesNothing) {
  ASSERT_EQ(kubectl("apply -f " + example(file("drop.yaml"))).status, 0);
  ASSERT_EQ(kubectl("apply -f " + example(file("allow.yaml"))).status, 0);
  ASSERT_TRUE(reaches(file("judged.json")));
  // Priorities that crowd: the numbers of the flows depend on the order in which they came.
  const char* const last_digits[] = {"1", "4", "2", "3"};
  for (const char* const digit : last_digits) {
    const std::string manifest =
        R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"ClusterNetworkPolicy","metadata":{"name":)"
        R"("crowd-)" +
        std::string(digit) + R"("},"spec":{"tier":"networkops","priority":20.000000)" + digit +
        R"(,"appliedTo":[{"podSelector":{"matchLabels":{"role":"frontend"}}}],"ingress":[)"
        R"({"action":"Drop","from":[{"ipBlock":{"cidr":"192.0.2.)" +
        digit + R"(/32"}}]}]}})";
    ASSERT_EQ(::setenv("MANIFEST", manifest.c_str(), 1), 0);
    const auto applied =
        run("printf %s \"$MANIFEST\" | kubectl --kubeconfig /tmp/antrea-lab-$(id -u)/" + name_ +
            "/kubeconfig apply -f -");
    ASSERT_EQ(applied.status, 0) << applied.text;
    ASSERT_TRUE(eventually([&] {
      return flows("worker-01").find("192.0.2." + std::string(digit)) != std::string::npos;
    }));
  }
  const std::string before = flows("worker-01");
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  EXPECT_TRUE(eventually([&] { return agent("worker-01", "/openflow/syncs") > 0; }));
  EXPECT_TRUE(reaches(file("judged.json")));
  EXPECT_EQ(agent("worker-01", "/openflow/messages"), 0);
  EXPECT_EQ(flows("worker-01"), before);
}

TEST_F(Tiers, AServiceIsAPeer) {
  ASSERT_EQ(kubectl("apply -f " + example(file("to-services.yaml"))).status, 0);
  EXPECT_TRUE(reaches(file("to-services.json")));
  // The Service that comes later counts too.
  ASSERT_EQ(kubectl("delete service backendsvc").status, 0);
  EXPECT_TRUE(eventually([&] { return flows("worker-01").find(",reg7=") == std::string::npos; }));
  apply("three-pods.yaml");
  EXPECT_TRUE(reaches(file("to-services.json")));
  ASSERT_EQ(kubectl("delete -f " + example(file("to-services.yaml"))).status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));
}

// What rules decided on is counted in the switches and added up by the controller.
TEST_F(Tiers, AreCounted) {
  ASSERT_EQ(kubectl("apply -f " + example(file("drop.yaml"))).status, 0);
  ASSERT_EQ(kubectl("apply -f " + example(file("allow.yaml"))).status, 0);
  ASSERT_TRUE(reaches(file("judged.json")));
  const auto stats = [&](const std::string& policy, const std::string& field) {
    const auto answer = kubectl("get antreaclusternetworkpolicystats " + policy +
                                " -o jsonpath={.trafficStats." + field + "}");
    return answer.status == 0 ? std::atoi(answer.text.c_str()) : -1;
  };
  EXPECT_TRUE(eventually([&] { return stats("drop-backends", "packets") > 0; }));
  EXPECT_GT(stats("drop-backends", "bytes"), 0);
  const auto table = kubectl("get antreaclusternetworkpolicystats").text;
  EXPECT_TRUE(table.starts_with("NAME")) << table;
  EXPECT_NE(table.find("SESSIONS"), std::string::npos) << table;
  EXPECT_NE(table.find("drop-backends"), std::string::npos) << table;
  ASSERT_EQ(kubectl("delete -f " + example(file("drop.yaml"))).status, 0);
  EXPECT_TRUE(eventually([&] { return stats("drop-backends", "packets") == -1; }));
}

struct Mistake {
  const char* name;
  const char* manifest;
  const char* said;
};

TEST_F(Tiers, MistakesAreNamed) {
  const Mistake mistakes[] = {
      {"a Tier that is not there",
       R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"ClusterNetworkPolicy",)"
       R"("metadata":{"name":"x"},"spec":{"tier":"none","priority":1,)"
       R"("appliedTo":[{"podSelector":{}}]}})",
       "spec.tier: Invalid value: found \"none\", expected a Tier that exists"},
      {"a priority out of range",
       R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"ClusterNetworkPolicy",)"
       R"("metadata":{"name":"x"},"spec":{"priority":0,"appliedTo":[{"podSelector":{}}]}})",
       "spec.priority: Invalid value"},
      {"a Tier's priority that is taken",
       R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"Tier","metadata":{"name":"x"},)"
       R"("spec":{"priority":250}})",
       "spec.priority: Invalid value: found 250, which Tier application has"},
      {"a Tier's priority that is reserved",
       R"({"apiVersion":"crd.antrea.io/v1beta1","kind":"Tier","metadata":{"name":"x"},)"
       R"("spec":{"priority":251}})",
       "reserved"}};
  for (const Mistake& mistake : mistakes) {
    ASSERT_EQ(::setenv("MANIFEST", mistake.manifest, 1), 0);
    const auto answer =
        run("printf %s \"$MANIFEST\" | kubectl --kubeconfig /tmp/antrea-lab-$(id -u)/" + name_ +
            "/kubeconfig apply -f -");
    EXPECT_EQ(answer.status, 1) << mistake.name;
    EXPECT_NE(answer.text.find(mistake.said), std::string::npos)
        << mistake.name << ": " << answer.text;
  }
}

}  // namespace
}  // namespace antrea::e2e
