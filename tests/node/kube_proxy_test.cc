// Beside kube-proxy, with real packets: Services are translated on the host, by rules of nftables
// that stand for it, and the switch sees Pods' packets twice. Both families, TCP and UDP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/lab/prober.h"
#include "antrea/node/egress_flows.h"
#include "tests/node/one_rule.h"
#include "tests/node/service_world.h"

namespace antrea::node {
namespace {

using antrea::lab::ProbeRequest;
using testing::Each;

constexpr std::array kProtocols{antrea::lab::Protocol::kTcp, antrea::lab::Protocol::kUdp};

NodeConfig beside_kube_proxy() {
  NodeConfig config;
  config.proxy = false;
  config.service_cidrs = {*IpPrefix::parse("10.96.0.0/12"), *IpPrefix::parse("fd96::/108")};
  config.egress = true;
  return config;
}

struct KubeProxyWorld {
  KubeProxyWorld() {
    one.connect(two);
    for (Node* node : {&one, &two}) {
      node->where.enter([] { EXPECT_TRUE(set_tx_checksum("br-phy", false)); });
      node->commit(EgressFlows(node->config, false).start());
      node->set_up_host();
      for (const char* family : {"-4", "-6"})  // what kube-proxy translates must have some route
        node->where.run({"ip", family, "route", "add", "default", "dev", "br-phy"});
      serve(*node);
    }
    for (const Pod* pod : {&a, &b, &c})
      answering.serve(*pod, {{8080, kProtocols[0]}, {8080, kProtocols[1]}});
  }

  // Services 10.96.0.11 and so on, of one endpoint each: that Pod.
  static IpAddress service_of(const Pod& pod, Family family) {
    const std::string last(1, pod.server_name.back());
    return ip((family == Family::kIPv4 ? "10.96.0.1" : "fd96::1") +
              std::to_string(last[0] - 'a' + 1));
  }

  void serve(const Node& node) {
    std::string translate, masquerade;
    for (const Pod* pod : {&a, &b, &c})
      for (const Family family : {Family::kIPv4, Family::kIPv6}) {
        const bool v4 = family == Family::kIPv4;
        const std::string header = v4 ? "ip" : "ip6";
        const IpAddress& at = v4 ? pod->address() : pod->address_v6();
        const std::string target = v4 ? at.to_string() : "[" + at.to_string() + "]";
        translate += header + " daddr " + service_of(*pod, family).to_string() +
                     " meta l4proto { tcp, udp } th dport 80 dnat " + header + " to " + target +
                     ":8080\n";
        masquerade += header + " saddr " + at.to_string() + " " + header + " daddr " +
                      at.to_string() + " masquerade\n";
      }
    node.where.run({"nft",
                    "add table inet kube-proxy {\n"
                    "chain services { type nat hook prerouting priority dstnat;\n" +
                        translate + "}\nchain own { type nat hook output priority -100;\n" +
                        translate +
                        "}\nchain hairpin { type nat hook postrouting priority srcnat;\n" +
                        masquerade + "}\n}"});
  }

  Node one{1, beside_kube_proxy(), true}, two{2, beside_kube_proxy(), true};
  Pod a{one, "pod-a", 2}, b{one, "pod-b", 3}, c{two, "pod-c", 2};
  Answering answering;
};

class BesideKubeProxy : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (lab::can_switch()) world = new KubeProxyWorld();
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (world == nullptr) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  }
  inline static KubeProxyWorld* world = nullptr;

  // What comes of connections to the Service of a Pod, in both protocols.
  static std::vector<std::string> probe(const Namespace& from, const Pod& endpoint, Family family,
                                        const antrea::lab::ProberOptions& options) {
    auto ns = antrea::lab::NetNamespace::open("/proc/" + std::to_string(from.pid()) + "/ns/net");
    EXPECT_TRUE(ns);
    std::vector<ProbeRequest> requests;
    for (const auto protocol : kProtocols)
      requests.push_back({.from = &*ns,
                          .address = KubeProxyWorld::service_of(endpoint, family),
                          .port = 80,
                          .protocol = protocol});
    std::vector<std::string> out;
    for (const auto& result : antrea::lab::probe(requests, options))
      out.push_back(result.answer.empty() ? std::string(to_string(result.outcome)) : result.answer);
    return out;
  }

  static void expect(const Namespace& from, const Pod& endpoint, const std::string& v4,
                     const std::string& v6) {
    const std::string answer = endpoint.server_name + "/8080 here ";
    EXPECT_THAT(probe(from, endpoint, Family::kIPv4, kPatient), Each(answer + v4));
    EXPECT_THAT(probe(from, endpoint, Family::kIPv6, kPatient), Each(answer + v6));
  }
  static void expect(const Namespace& from, const Pod& endpoint, const std::string& outcome) {
    for (const Family family : {Family::kIPv4, Family::kIPv6})
      EXPECT_THAT(probe(from, endpoint, family, outcome == "dropped" ? kBrief : kPatient),
                  Each(outcome))
          << endpoint.server_name << ", " << to_string(family);
  }
};

// The server sees the client's own address, but where it is itself.
TEST_F(BesideKubeProxy, PodsReachServicesOnBothNodes) {
  auto& [one, two, a, b, c, answering] = *world;
  for (const Pod* endpoint : {&b, &c})
    expect(a.where, *endpoint, a.address().to_string(), a.address_v6().to_string());
  for (const Pod* endpoint : {&a, &b})
    expect(c.where, *endpoint, c.address().to_string(), c.address_v6().to_string());
  expect(a.where, a, one.gateway().to_string(), one.gateway_v6().to_string());
  for (const Pod* endpoint : {&a, &c})
    expect(one.where, *endpoint, one.gateway().to_string(), one.gateway_v6().to_string());
  EXPECT_THAT(lab::ask(a.where, c.address(), 8080), testing::StartsWith("pod-c")) << "as ever";
}

// What belongs to a Service is not taken for traffic out of the cluster.
TEST_F(BesideKubeProxy, EgressLeavesServicesAlone) {
  auto& [one, two, a, b, c, answering] = *world;
  EgressFlows egress(one.config, false);
  EgressPaths paths;
  for (const char* address : {"172.18.0.77", "fd18::77"}) {
    paths.exits[ip(address)] = EgressThere{two.address()};
    paths.pods[a.interface.ofport].push_back(ip(address));
  }
  one.commit(egress.apply(paths));
  for (const Pod* endpoint : {&b, &c})
    expect(a.where, *endpoint, a.address().to_string(), a.address_v6().to_string());
  one.commit(egress.apply({}));
}

namespace cp = api::controlplane;

// Policies are about endpoints: a Pod's packets are judged when they have come back from the host.
TEST_F(BesideKubeProxy, PoliciesSeeTheEndpoints) {
  auto& [one, two, a, b, c, answering] = *world;
  {
    const OneRule rule(one, a, cp::Direction::kOut, cp::RuleAction::kDrop, hosts_of(c));
    expect(a.where, c, "dropped");
    expect(a.where, b, a.address().to_string(), a.address_v6().to_string());
  }
  {
    const OneRule rule(two, c, cp::Direction::kIn, cp::RuleAction::kDrop, hosts_of(a));
    expect(a.where, c, "dropped");
    expect(one.where, c, one.gateway().to_string(), one.gateway_v6().to_string());
  }
  {
    const OneRule rule(one, b, cp::Direction::kIn, cp::RuleAction::kDrop, hosts_of(a));
    expect(a.where, b, "dropped");
    expect(c.where, b, c.address().to_string(), c.address_v6().to_string());
  }
  expect(a.where, b, a.address().to_string(), a.address_v6().to_string());
}

TEST_F(BesideKubeProxy, RejectionsComeFromTheService) {
  auto& [one, two, a, b, c, answering] = *world;
  const Refusing of_one(one, store_of({&a, &b})), of_two(two, store_of({&c}));
  {
    const OneRule rule(one, a, cp::Direction::kOut, cp::RuleAction::kReject, hosts_of(c));
    expect(a.where, c, "rejected");
  }
  {
    const OneRule rule(one, a, cp::Direction::kOut, cp::RuleAction::kReject, hosts_of(b));
    expect(a.where, b, "rejected");
  }
  const OneRule rule(two, c, cp::Direction::kIn, cp::RuleAction::kReject, hosts_of(a));
  expect(a.where, c, "rejected");
}

}  // namespace
}  // namespace antrea::node
