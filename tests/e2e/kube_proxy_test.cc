// Agents that leave Services to kube-proxy, for which a rule of nftables stands on each Node.
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

class BesideKubeProxy : public LabTest {};

TEST_F(BesideKubeProxy, PodsReachAServiceAndPoliciesItsEndpoints) {
  const auto address_of = [&](const std::string& what, const std::string& path) {
    return kubectl("get " + what + " -o jsonpath={" + path + "}").text;
  };
  const std::string service = address_of("service backendsvc", ".spec.clusterIP");
  for (const char* node : {"worker-01", "worker-02"}) {
    const auto ruled = in(
        std::string("node ") + node,
        "nft \"add table ip kube-proxy; add chain ip kube-proxy services { type nat hook "
        "prerouting priority dstnat; }; add rule ip kube-proxy services ip daddr " +
            service +
            " dnat to numgen inc mod 2 map { 0 : " + address_of("pod backend1", ".status.podIP") +
            ", 1 : " + address_of("pod backend2", ".status.podIP") + " }\"");
    ASSERT_EQ(ruled.status, 0) << ruled.text;
    restart_without_proxy(node);
  }
  ASSERT_TRUE(eventually([&] {  // DNAT, and not ServiceLB
    return flows("worker-01").find("table=16,") != std::string::npos &&
           flows("worker-02").find("table=16,") != std::string::npos;
  })) << flows("worker-01");
  EXPECT_EQ(flows("worker-01").find("table=13,"), std::string::npos) << "nobody leads there";
  EXPECT_EQ(in("node worker-01", "ip route get " + service).text.find("antrea-gw0"),
            std::string::npos)
      << "the host's clients are kube-proxy's";

  for (const char* endpoint : {"default/backend1 worker-01 ", "default/backend2 worker-02 "})
    EXPECT_TRUE(eventually([&] {
      return ask("exec default/frontend", service, "80").starts_with(endpoint);
    })) << endpoint;
  EXPECT_TRUE(reaches("three-pods-open.json"));
  apply("three-pods-policies.yaml");
  EXPECT_TRUE(reaches("three-pods-isolated.json"));
}

}  // namespace
}  // namespace antrea::e2e
