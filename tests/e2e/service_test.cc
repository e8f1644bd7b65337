// A Service with a node port, for clients in and outside the cluster, and what antctl says of it.
#include <regex>
#include <set>

#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class ServiceLab : public LabTest {
 protected:
  /// The address of a Node's gateway, the first of its Pod CIDR: which one it gets is not certain.
  std::string gateway(const std::string& node) {
    const std::string cidr = kubectl("get node " + node + " -o jsonpath={.spec.podCIDR}").text;
    return cidr.substr(0, cidr.rfind('.')) + ".1";
  }
  /// Asks until each of these has answered, or for too long.
  bool all_answer(const std::string& where, const std::string& address, const std::string& port,
                  std::set<std::string> expected) {
    return eventually([&] {
      expected.erase(ask(where, address, port));
      return expected.empty();
    });
  }
};

TEST_F(ServiceLab, ANodePortIsServedWithoutKubeProxy) {
  const auto patched =
      kubectl(R"(patch service backendsvc -p "{\"spec\":{\"type\":\"NodePort\",\"ports\":)"
              R"([{\"port\":80,\"protocol\":\"TCP\",\"nodePort\":30080}]}}")");
  ASSERT_EQ(patched.status, 0) << patched.text;
  const std::string gateway1 = gateway("worker-01");
  const std::string gateway2 = gateway("worker-02");
  // The address of an outside client is kept where the endpoint is on the Node it came to.
  EXPECT_TRUE(all_answer(
      "outside", "172.18.0.2", "30080",
      {"default/backend1 worker-01 172.18.1.10", "default/backend2 worker-02 " + gateway1}));
  EXPECT_TRUE(all_answer(
      "node worker-01", "172.18.0.2", "30080",
      {"default/backend1 worker-01 " + gateway1, "default/backend2 worker-02 " + gateway1}));
  const std::string cluster_ip =
      kubectl("get service backendsvc -o jsonpath={.spec.clusterIP}").text;
  EXPECT_TRUE(all_answer(
      "node worker-02", cluster_ip, "80",
      {"default/backend1 worker-01 " + gateway2, "default/backend2 worker-02 " + gateway2}));

  const auto explained = run("antctl proxy explain default/backendsvc:80 --from default/frontend " +
                             ("--lab " + name_));
  EXPECT_EQ(explained.status, 0) << explained.text;
  const auto groups = run("antctl get ovsgroups --lab " + name_ + " --node worker-01");
  const auto at = explained.text.find("group_id=");
  ASSERT_NE(at, std::string::npos) << explained.text;
  EXPECT_NE(groups.text.find(explained.text.substr(at, explained.text.find('\n', at) - at)),
            std::string::npos)
      << "explained otherwise than it is:\n"
      << groups.text;

  // One row for each address: the group, how many endpoints, for how long clients are remembered.
  const auto services = run("antctl get services --lab " + name_ + " --node worker-02").text;
  for (const std::string& row :
       {"default +backendsvc +ClusterIP +" + cluster_ip + ":80/TCP +[0-9]+ +2 +0s",
        std::string("default +backendsvc +NodePort +169.254.0.252:30080/TCP +[0-9]+ +2 +0s")})
    EXPECT_TRUE(std::regex_search(services, std::regex(row))) << row << "\n" << services;
  const auto all = run("antctl get serviceendpoints --lab " + name_ + " --node worker-02").text;
  for (const char* pod : {"backend1", "backend2"}) {
    const std::string address =
        kubectl("get pod " + std::string(pod) + " -o jsonpath={.status.podIP}").text;
    EXPECT_TRUE(std::regex_search(
        all, std::regex("default +backendsvc +" + cluster_ip + ":80/TCP +" + address + " 80")))
        << all;
  }
}

TEST_F(ServiceLab, HealthChecksFollowTheEndpointsOfANode) {
  const auto patched =
      kubectl(R"(patch service backendsvc -p "{\"spec\":{\"type\":\"LoadBalancer\",)"
              R"(\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":32000}}")");
  ASSERT_EQ(patched.status, 0) << patched.text;
  const auto check = [&](const std::string& url) {
    return in("outside", "curl -s -m 3 -w %{http_code} " + url).text;
  };
  EXPECT_TRUE(eventually([&] {
    return check("http://172.18.0.2:32000/") ==
           R"({"service":{"namespace":"default","name":"backendsvc"},"localEndpoints":1,)"
           R"("serviceProxyHealthy":true}200)";
  })) << check("http://172.18.0.2:32000/");
  EXPECT_TRUE(check("http://172.18.0.2:10256/healthz").ends_with("200"));

  ASSERT_EQ(kubectl("delete pod backend1 --wait=false").status, 0);
  EXPECT_TRUE(eventually([&] {
    const auto answer = check("http://172.18.0.2:32000/");
    return answer.ends_with("503") && answer.find(R"("localEndpoints":0)") != std::string::npos;
  })) << check("http://172.18.0.2:32000/");
  EXPECT_GE(metric("worker-01", "antrea_proxy_total_services_installed{ip_family=\"v4\"}"), 1);
  EXPECT_GE(
      metric("worker-01", "antrea_proxy_sync_proxy_rules_duration_seconds_count{ip_family=\"v4\"}"),
      1);
}

}  // namespace
}  // namespace antrea::e2e
