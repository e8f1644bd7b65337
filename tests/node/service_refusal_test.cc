// Services without endpoints, with real packets: whoever asks is told at once that nobody is there.
#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

using enum Kind;

class ServiceRefusal : public ServicePackets {
 protected:
  void SetUp() override {
    ServicePackets::SetUp();
    if (world == nullptr) return;
    one_.emplace(world->one);
    two_.emplace(world->two);
  }

  struct Row {
    const char* client;
    std::vector<Kind> kinds;
  };

  // A RST, or an ICMP error from the address that was asked: each of some attempts.
  static void expect_refused(const Row& row) {
    for (const Kind kind : row.kinds)
      for (const Family family : {Family::kIPv4, Family::kIPv6})
        for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp}) {
          const IpAddress to = address(kind, family);
          const std::string want = protocol == LabProtocol::kTcp ? "rejected: RST"
                                   : family == Family::kIPv4
                                       ? "rejected: ICMP port unreachable from " + to.to_string()
                                       : "rejected: ICMPv6 port unreachable from " + to.to_string();
          EXPECT_THAT(
              probe(client(row.client), to, kind == kNodePort ? kPortOfNode : kPort, protocol, 4),
              testing::Each(want))
              << row.client << " to " << name(kind) << ", " << to_string(family) << ", "
              << to_string(protocol);
        }
  }

 private:
  std::optional<Refusing> one_, two_;
};

TEST_F(ServiceRefusal, WithoutEndpointsAllClientsAreTold) {
  serve(service(), {});
  const std::vector<Kind> all{kClusterIp, kNodePort, kLoadBalancer, kExternalIp};
  for (const char* client : {"Pod of Node 1", "Pod of Node 2", "Node 1", "Node 2"})
    expect_refused({client, all});
  expect_refused({"outside", {kNodePort, kLoadBalancer, kExternalIp}});
}

// Of a policy Local that finds no endpoint here: who comes from outside; who is here is served.
TEST_F(ServiceRefusal, WithoutLocalEndpointsThoseAreToldWhoMayUseNoOther) {
  serve(service(api::TrafficPolicy::kLocal), {&world->c});
  expect_refused({"outside", {kNodePort, kLoadBalancer, kExternalIp}});
  expect_refused({"Pod of Node 2", {kNodePort}});
  EXPECT_THAT(
      probe(world->a.where, address(kLoadBalancer, Family::kIPv4), kPort, LabProtocol::kTcp),
      testing::Each("pod-c/8080 here " + world->a.address().to_string()));

  api::Service local = service();
  local.internal_traffic_policy = api::TrafficPolicy::kLocal;
  serve(local, {&world->c});
  expect_refused({"Pod of Node 1", {kClusterIp}});
  expect_refused({"Node 1", {kClusterIp}});
}

}  // namespace
}  // namespace antrea::node
