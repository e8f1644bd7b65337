// What must not be felt: the end of any one daemon, and its return.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

using Restart = LabTest;

TEST_F(Restart, KilledAgentLosesNoPacketAndRewritesNothing) {
  ASSERT_TRUE(reaches("three-pods-open.json"));
  const auto address = kubectl("get pod backend2 -o jsonpath={.status.podIP}");
  ASSERT_EQ(address.status, 0) << address.text;
  const std::string before = flows("worker-01");
  ASSERT_GT(before.size(), 1000U);

  // The very first packet between two Nodes waits for the switches to learn each other's MAC
  // address, and is lost.
  ASSERT_TRUE(eventually([&] {
    return in("exec default/frontend", "ping -q -c 1 -W 1 " + address.text).status == 0;
  }));

  // Four seconds of packets, with the agent killed and started again meanwhile.
  const auto stream =
      run("antrea-lab exec default/frontend --name " + name_ + " -- ping -q -i 0.01 -c 400 " +
          address.text + " & antrea-lab daemon kill worker-01 antrea-agent --name " + name_ +
          " && antrea-lab daemon start worker-01 antrea-agent --name " + name_ + "; wait");
  EXPECT_NE(stream.text.find(" 0% packet loss"), std::string::npos) << stream.text;

  ASSERT_TRUE(eventually([&] { return agent("worker-01", "/openflow/syncs") > 0; }));
  EXPECT_EQ(agent("worker-01", "/openflow/messages"), 0) << "the switch was told something it knew";
  EXPECT_EQ(flows("worker-01"), before);
}

// The host's own clients, whose way into the switch is a route that the agent keeps.
TEST_F(Restart, KilledAgentLeavesTheHostsWayToServicesAlone) {
  ASSERT_TRUE(reaches("three-pods-open.json"));
  const std::string address = kubectl("get service backendsvc -o jsonpath={.spec.clusterIP}").text;
  ASSERT_TRUE(eventually(
      [&] { return ask("node worker-01", address, "80").starts_with("default/backend"); }));
  // Without the route a connection fails at once, or takes the second until its SYN is sent again.
  const std::string connections =
      "for i in $(seq 300); do timeout 0.9 bash -c \"exec 3<>/dev/tcp/" + address +
      "/80 && echo >&3 && head -n 1 <&3\" >/dev/null || echo lost $i; sleep 0.01; done; echo over";
  const std::string of_lab = " --name " + name_;
  const auto seen =
      run("antrea-lab node worker-01" + of_lab + " -- timeout 20 ip monitor route & monitor=$!; " +
          "antrea-lab node worker-01" + of_lab + " -- sh -c '\\''" + connections +
          "'\\'' & clients=$!; antrea-lab daemon kill worker-01 antrea-agent" + of_lab +
          " && antrea-lab daemon start worker-01 antrea-agent" + of_lab +
          "; wait $clients; kill $monitor; wait");
  EXPECT_NE(seen.text.find("over"), std::string::npos) << seen.text;
  EXPECT_EQ(seen.text.find("lost"), std::string::npos) << seen.text;
  EXPECT_EQ(seen.text.find("Deleted"), std::string::npos) << seen.text;
  ASSERT_TRUE(eventually([&] { return agent("worker-01", "/openflow/syncs") > 0; }));
}

TEST_F(Restart, PoliciesOfTheMeantimeAreApplied) {
  ASSERT_TRUE(reaches("three-pods-open.json"));
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  ASSERT_EQ(lab("daemon kill worker-02 antrea-agent").status, 0);
  ASSERT_EQ(kubectl("apply -f " + example("three-pods-policies.yaml")).status, 0);
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  ASSERT_EQ(lab("daemon start worker-02 antrea-agent").status, 0);
  EXPECT_TRUE(reaches("three-pods-isolated.json"));
}

TEST_F(Restart, KilledSwitchComesBackAsDesired) {
  apply("three-pods-policies.yaml");
  ASSERT_TRUE(reaches("three-pods-isolated.json"));
  const auto groups = [&] {
    return in("node worker-01", "ovs-ofctl -O OpenFlow15 dump-groups br-int | grep group_id | sort")
        .text;
  };
  const std::string before = flows("worker-01"), groups_before = groups();
  ASSERT_NE(groups_before, "");
  ASSERT_EQ(lab("daemon kill worker-01 ovs-vswitchd").status, 0);
  ASSERT_EQ(lab("daemon start worker-01 ovs-vswitchd").status, 0);
  EXPECT_TRUE(eventually([&] { return flows("worker-01") == before; }));
  EXPECT_EQ(groups(), groups_before);
  EXPECT_TRUE(reaches("three-pods-isolated.json"));
}

TEST_F(Restart, RestartedDatabaseIsNotFelt) {
  ASSERT_TRUE(reaches("three-pods-open.json"));
  const std::string before = flows("worker-01");
  ASSERT_EQ(lab("daemon kill worker-01 ovsdb-server").status, 0);
  ASSERT_EQ(lab("daemon start worker-01 ovsdb-server").status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));
  EXPECT_EQ(flows("worker-01"), before);
  // The agent follows the database again: a new Pod can be plugged in.
  const auto pod = kubectl(
      "run late --image=any --restart=Never "
      "--overrides=\"{\\\"spec\\\":{\\\"nodeName\\\":\\\"worker-01\\\"}}\"");
  ASSERT_EQ(pod.status, 0) << pod.text;
  EXPECT_TRUE(eventually(
      [&] { return kubectl("get pod late -o jsonpath={.status.phase}").text == "Running"; }));
}

TEST_F(Restart, AgentsEnforceWithoutController) {
  apply("three-pods-policies.yaml");
  ASSERT_TRUE(reaches("three-pods-isolated.json"));
  const std::string before = flows("worker-01");
  const auto messages = agent("worker-01", "/openflow/messages");
  ASSERT_EQ(lab("daemon kill control antrea-controller").status, 0);
  const auto address =
      run("antctl get podinterface default/backend1 -o json --lab " + name_ + " --node worker-01");
  EXPECT_EQ(address.status, 0) << address.text;
  EXPECT_EQ(flows("worker-01"), before);
  ASSERT_EQ(lab("daemon start control antrea-controller").status, 0);
  EXPECT_TRUE(reaches("three-pods-isolated.json"));
  EXPECT_EQ(flows("worker-01"), before);
  EXPECT_EQ(agent("worker-01", "/openflow/messages"), messages)
      << "the controller's return was felt";
  // And what changes now arrives.
  EXPECT_EQ(kubectl("delete networkpolicy --all").status, 0);
  EXPECT_TRUE(reaches("three-pods-open.json"));
}

}  // namespace
}  // namespace antrea::e2e
