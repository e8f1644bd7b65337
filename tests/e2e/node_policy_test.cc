// Policies that are applied to Nodes, from a stock kubectl to real packets.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class NodePolicy : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (HasFatalFailure()) return;
    node_ip_ = kubectl("get node worker-01 -o jsonpath={.status.addresses[0].address}").text;
    in("node worker-01", "timeout 200 python3 -m http.server 8088 >/dev/null 2>&1 &");
    ASSERT_TRUE(eventually([&] { return fetch("exec default/frontend") == kConnected; }));
    ASSERT_TRUE(eventually([&] { return fetch("exec default/backend1") == kConnected; }));
  }
  /// What curl says of the guarded port.
  int fetch(const std::string& from) {
    return in(from, "curl -s -o /dev/null -m 2 http://" + node_ip_ + ":8088/").status;
  }
  /// Whether worker-01's own processes reach a Pod.
  bool node_reaches(const std::string& pod) {
    const auto ip = kubectl("get pod " + pod + " -o jsonpath={.status.podIP}").text;
    // The responder does not speak HTTP: an answer of any kind is a connection.
    const int status =
        in("node worker-01", "curl -s -o /dev/null -m 2 http://" + ip + ":80/").status;
    return status != kTimeout && status != kRefused;
  }
  static constexpr int kConnected = 0, kRefused = 7, kTimeout = 28;  // as curl(1) has them
  std::string node_ip_;
};

TEST_F(NodePolicy, GuardsTheNodeItself) {
  ASSERT_TRUE(node_reaches("backend1"));
  ASSERT_TRUE(node_reaches("frontend"));
  ASSERT_EQ(kubectl("label node worker-01 role=guarded").status, 0);
  const auto applied = kubectl("apply -f " + example("../tests/e2e/tiers/node.yaml"));
  ASSERT_EQ(applied.status, 0) << applied.text;
  const auto realised = [&] {
    return kubectl(R"(get clusternetworkpolicies.crd.antrea.io guard-node -o jsonpath=)"
                   R"({.status.phase}/{.status.currentNodesRealized})")
        .text;
  };
  EXPECT_TRUE(eventually([&] { return realised() == "Realized/1"; })) << realised();
  const auto guarded = [&] {
    EXPECT_EQ(fetch("exec default/frontend"), kConnected);
    EXPECT_EQ(fetch("exec default/backend1"), kRefused);
    EXPECT_FALSE(node_reaches("backend1"));
    EXPECT_TRUE(node_reaches("frontend"));
  };
  guarded();
  // Without an agent it stays so, and a new one finds it as it should be.
  ASSERT_EQ(lab("daemon kill worker-01 antrea-agent").status, 0);
  guarded();
  ASSERT_EQ(lab("daemon start worker-01 antrea-agent").status, 0);
  ASSERT_TRUE(eventually([&] { return agent("worker-01", "/openflow/syncs") > 0; }));
  guarded();

  ASSERT_EQ(kubectl("label node worker-01 role-").status, 0);
  EXPECT_TRUE(eventually([&] { return fetch("exec default/backend1") == kConnected; }));
  EXPECT_EQ(in("node worker-01", "nft list ruleset").text.find("antrea-policy"), std::string::npos);
  EXPECT_TRUE(node_reaches("backend1"));
}

}  // namespace
}  // namespace antrea::e2e
