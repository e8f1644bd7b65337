// Addresses of Services from a pool, seen from the outside: one Node has each, another one takes
// over.
#include <unistd.h>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class ServiceExternalIp : public LabTest {
 protected:
  void SetUp() override {
    name_ = "seip-" + std::to_string(::getpid() % 100000);
    const auto up = run("antrea-lab up --nodes 3 --name " + name_);
    ASSERT_EQ(up.status, 0) << up.text;
    apply("service-external-ip.yaml");
    ASSERT_TRUE(eventually([&] { return !settled_owner().empty(); })) << seip("worker-01");
  }
  std::string address() {
    return kubectl("get service web -o jsonpath={.status.loadBalancer.ingress[0].ip}").text;
  }
  /// As one agent tells: the last column.
  std::string seip(const std::string& node) {
    return run("antctl get serviceexternalip --lab " + name_ + " --node " + node).text;
  }
  std::string owner(const std::string& at) {
    const std::string told = seip(at);
    const auto found = told.find(kAddress);
    if (found == std::string::npos) return "";
    const auto from = told.find_first_not_of(' ', found + std::string(kAddress).size());
    return told.substr(from, told.find_first_of(" \n", from) - from);
  }
  bool answers(const std::string& node) {
    return in("node " + node, "ip neighbour show proxy").text.find(kAddress) != std::string::npos;
  }
  /// The Node that answers for the address, if it is one and the others say so; else "".
  std::string settled_owner(const std::string& without = "") {
    std::string found;
    for (const char* const node : {"worker-01", "worker-02", "worker-03"}) {
      if (node == without || !answers(node)) continue;
      if (!found.empty()) return "";
      found = node;
    }
    for (const char* const node : {"worker-01", "worker-02", "worker-03"})
      if (node != without && owner(node) != found) return "";
    return found;
  }
  bool served_outside() {
    return eventually([&] { return ask("outside", kAddress, "80").starts_with("default/web"); });
  }

  static constexpr const char* kAddress = "172.18.0.200";
};

TEST_F(ServiceExternalIp, IsServedByOneNodeAndByAnotherWhenThatOneFails) {
  EXPECT_EQ(address(), kAddress);
  const std::string first = settled_owner();
  EXPECT_NE(seip("worker-01").find("NAMESPACE"), std::string::npos);
  EXPECT_NE(seip("worker-01").find("service-ips"), std::string::npos);
  EXPECT_TRUE(served_outside());
  EXPECT_TRUE(ask("beside", kAddress, "80").starts_with("default/web"));

  ASSERT_EQ(lab("fail " + first + " --how node").status, 0);
  std::string second;
  ASSERT_TRUE(eventually([&] { return !(second = settled_owner(first)).empty(); }));
  EXPECT_NE(second, first);
  EXPECT_TRUE(served_outside()) << "by " << second;
  ASSERT_EQ(lab("heal " + first).status, 0);
  EXPECT_TRUE(eventually([&] { return !settled_owner().empty(); }));
  EXPECT_TRUE(served_outside());
}

// kube-proxy serves the Node that has the address, by a rule of nftables that stands for it.
TEST_F(ServiceExternalIp, IsLedToTheNodesOfKubeProxyToo) {
  const std::string endpoint = kubectl("get pod web1 -o jsonpath={.status.podIP}").text;
  for (const char* const node : {"worker-01", "worker-02", "worker-03"}) {
    const auto ruled = in(std::string("node ") + node,
                          "nft \"add table ip kube-proxy; add chain ip kube-proxy services { type "
                          "nat hook prerouting priority dstnat; }; add rule ip kube-proxy services "
                          "ip daddr " +
                              std::string(kAddress) + " tcp dport 80 dnat to " + endpoint +
                              "; add chain ip kube-proxy back { type nat hook postrouting "
                              "priority srcnat; }; add rule ip kube-proxy back ct original ip "
                              "daddr " +
                              std::string(kAddress) + " masquerade\"");
    ASSERT_EQ(ruled.status, 0) << ruled.text;
    restart_without_proxy(node);
  }
  const auto at_device = [&](const std::string& node) {
    return in("node " + node, "ip route get " + std::string(kAddress))
               .text.find("dev antrea-egress0") != std::string::npos;
  };
  std::string first;
  ASSERT_TRUE(eventually([&] {
    first = settled_owner();
    return !first.empty() && at_device(first);
  })) << seip("worker-01");
  EXPECT_TRUE(served_outside());

  kill_agent(first);
  std::string second;
  ASSERT_TRUE(eventually([&] { return !(second = settled_owner(first)).empty(); }));
  EXPECT_TRUE(at_device(second));
  in("outside", "ip neighbour flush all");
  EXPECT_TRUE(served_outside()) << "by " << second;
}

// The kernel of a Node whose agent is gone would go on answering: the fence keeps it from that.
TEST_F(ServiceExternalIp, ANodeWithoutItsAgentDoesNotAnswer) {
  const std::string first = settled_owner();
  ASSERT_EQ(lab("fail " + first + " --how agent").status, 0);
  ASSERT_TRUE(eventually([&] { return !settled_owner(first).empty(); }));
  EXPECT_TRUE(answers(first)) << "it is still told to";
  for (int i = 0; i < 5; ++i) {
    in("beside", "ip neighbour flush all");
    EXPECT_TRUE(ask("beside", kAddress, "80").starts_with("default/web"));
  }
}

TEST_F(ServiceExternalIp, FollowsLocalEndpointsAndGoesWithItsAnnotation) {
  ASSERT_EQ(
      kubectl(R"(patch service web -p "{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}")").status,
      0);
  ASSERT_EQ(kubectl("delete pod web1 --wait=false").status, 0);
  EXPECT_TRUE(eventually([&] { return settled_owner() == "worker-02"; })) << seip("worker-01");
  // The client's address is kept.
  EXPECT_TRUE(eventually([&] {
    return ask("outside", kAddress, "80") == "default/web2 worker-02 172.18.1.10";
  })) << ask("outside", kAddress, "80");
  EXPECT_EQ(kubectl("get eip service-ips -o jsonpath={.status.usage.used}").text, "1");

  ASSERT_EQ(kubectl("annotate service web service.antrea.io/external-ip-pool-").status, 0);
  EXPECT_TRUE(eventually([&] { return address().empty() && !answers("worker-02"); }));
  EXPECT_EQ(kubectl("get eip service-ips -o jsonpath={.status.usage.used}").text, "0");
}

}  // namespace
}  // namespace antrea::e2e
