// The three-Pod example: the table that the README shows, by the commands that it names.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

TEST(Example, TheDemoHolds) {
  const auto demo =
      run("antrea-lab demo --name e2e-demo --examples " ANTREA_SOURCE_DIR "/examples");
  EXPECT_EQ(demo.status, 0) << demo.text;
  EXPECT_NE(demo.text.find("All of it held."), std::string::npos);
  EXPECT_EQ(run("test -e /tmp/antrea-lab-$(id -u)/e2e-demo").status, 1)
      << "the lab's files are gone";
}

using ExampleLab = LabTest;

TEST_F(ExampleLab, AStockKubectlDrivesIt) {
  const auto pods = kubectl("get pods -o wide");
  EXPECT_EQ(pods.status, 0) << pods.text;
  for (const auto* const word :
       {"frontend", "backend1", "backend2", "worker-01", "worker-02", "Running"})
    EXPECT_NE(pods.text.find(word), std::string::npos) << word << " in\n" << pods.text;
  EXPECT_TRUE(reaches("three-pods-open.json"));

  const auto applied = kubectl("apply -f " + example("three-pods-policies.yaml"));
  EXPECT_EQ(applied.status, 0) << applied.text;
  EXPECT_TRUE(reaches("three-pods-isolated.json"));
  const auto again = kubectl("apply -f " + example("three-pods-policies.yaml"));
  EXPECT_NE(again.text.find("unchanged"), std::string::npos) << again.text;

  const auto policies = run("antctl get networkpolicy --lab " + name_);
  EXPECT_NE(policies.text.find("K8sNetworkPolicy:default/backendpolicy"), std::string::npos)
      << policies.text;
  const auto interfaces = run("antctl get podinterface --lab " + name_ + " --node worker-01");
  EXPECT_NE(interfaces.text.find("frontend-"), std::string::npos) << interfaces.text;
  const auto flows_of_pod =
      run("antctl get ovsflows --pod default/frontend --lab " + name_ + " --node worker-01");
  EXPECT_NE(flows_of_pod.text.find("SpoofGuard"), std::string::npos) << flows_of_pod.text;

  EXPECT_EQ(kubectl("delete -f " + example("three-pods-policies.yaml")).status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));
}

TEST_F(ExampleLab, APodThatGoesLeavesNothingOnItsNode) {
  ASSERT_GT(agent("worker-02", "/localPods"), 0);
  const std::string ip = kubectl("get pod backend2 -o jsonpath={.status.podIP}").text;
  ASSERT_NE(flows("worker-02").find(ip), std::string::npos);
  EXPECT_EQ(kubectl("delete pod backend2 --wait=false").status, 0);
  EXPECT_TRUE(eventually([&] { return agent("worker-02", "/localPods") == 0; }));
  EXPECT_EQ(in("node worker-02", "ovs-vsctl list-ports br-int | grep -c backend2").status, 1);
  EXPECT_EQ(flows("worker-02").find(ip), std::string::npos) << flows("worker-02");
  apply("three-pods.yaml");
  EXPECT_TRUE(reaches("three-pods-open.json"));
}

}  // namespace
}  // namespace antrea::e2e
