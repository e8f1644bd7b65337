// Clients that are remembered, with real packets: for whom, and for how long.
#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

using enum Kind;

/// Every way to come to a Service.
class StickyPackets : public ServicePackets {
 protected:
  struct Visit {
    const Namespace& from;
    Kind kind;
    Family family;
    LabProtocol protocol;
  };
  static std::vector<Visit> visits() {
    std::vector<Visit> out;
    for (const Family family : {Family::kIPv4, Family::kIPv6})
      for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp})
        for (const Kind kind : {kClusterIp, kNodePort, kLoadBalancer, kExternalIp})
          for (const Namespace* from : {&world->d.where, &world->outside, &world->one.where})
            if (kind != kClusterIp || from != &world->outside)
              out.push_back({*from, kind, family, protocol});
    return out;
  }
  static std::vector<std::string> make(const Visit& visit, std::size_t count) {
    return probe(visit.from, address(visit.kind, visit.family),
                 visit.kind == kNodePort ? kPortOfNode : kPort, visit.protocol, count);
  }
  static std::string describe(const Visit& visit) {
    const char* const from = &visit.from == &world->outside   ? "outside"
                             : &visit.from == &world->d.where ? "Pod"
                                                              : "Node";
    return std::string(from) + " to " + std::string(name(visit.kind)) + ", " +
           std::string(to_string(visit.family)) + ", " + std::string(to_string(visit.protocol));
  }
};

TEST_F(StickyPackets, AClientStaysAtItsEndpoint) {
  api::Service sticky = service();
  sticky.session_affinity_client_ip = true;
  serve(sticky, {&world->a, &world->b, &world->c});
  std::vector<std::string> endpoints;
  for (const Visit& visit : visits()) endpoints.push_back(make(visit, 1).front());
  // They are learned; packets of cached flows follow a little later.
  for (Node* node : {&world->one, &world->two}) node->ovs.appctl({"revalidator/wait"});
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    EXPECT_THAT(make(visits()[i], 16), testing::Each(endpoints[i])) << describe(visits()[i]);
}

// An endpoint that leaves a Service leaves its clients, too, though another Service has it still.
TEST_F(StickyPackets, AnEndpointThatLeavesIsForgotten) {
  api::Service other = service();
  other.metadata.name = "other";
  other.type = api::ServiceType::kClusterIP;
  other.cluster_ips = {ip("10.96.0.20"), ip("fd96::20")};
  other.load_balancer_ips.clear();
  other.external_ips.clear();
  serve(other, {&world->b, &world->c});
  for (const char* mode : {"nat", "dsr"}) {
    api::Service sticky = service();
    sticky.session_affinity_client_ip = true;
    sticky.metadata.annotations["service.antrea.io/load-balancer-mode"] = mode;
    serve(sticky, {&world->b, &world->c});
    for (const Visit& visit : visits())
      EXPECT_THAT(make(visit, 1), testing::Each(testing::StartsWith("pod-"))) << describe(visit);
    // Whoever was at the one that leaves goes to the other one, so that all move when that leaves.
    for (const Pod* pod : {&world->b, &world->c}) {
      serve(sticky, {pod});
      forget_connections();
      for (const Visit& visit : visits())
        EXPECT_THAT(make(visit, 4), testing::Each(testing::StartsWith(pod->server_name + "/")))
            << mode << ", " << describe(visit);
    }
  }
}

// Where affinity changes, clients are forgotten: nobody is kept for longer than the Service says.
TEST_F(ServicePackets, AChangedAffinityForgetsItsClients) {
  api::Service sticky = service();
  sticky.session_affinity_client_ip = true;
  sticky.session_affinity_timeout_seconds = 7777;
  serve(sticky, {&world->a, &world->b});
  const auto remembered = [](const std::string& timeout) {
    // In the flow that learns it stands behind a comma alone.
    return world->two.ovs.ofctl({"dump-flows", "br-int"}).find(" hard_timeout=" + timeout) !=
           std::string::npos;
  };
  const auto connect = [] {
    for (const Kind kind : {kClusterIp, kLoadBalancer})
      for (const Family family : {Family::kIPv4, Family::kIPv6})
        EXPECT_THAT(probe(world->d.where, address(kind, family), kPort, LabProtocol::kTcp, 1),
                    testing::Each(testing::StartsWith("pod-")));
  };
  connect();
  EXPECT_TRUE(remembered("7777"));
  sticky.session_affinity_timeout_seconds = 8888;
  serve(sticky, {&world->a, &world->b});
  EXPECT_FALSE(remembered("7777"));
  connect();
  EXPECT_TRUE(remembered("8888"));
  sticky.session_affinity_client_ip = false;
  serve(sticky, {&world->a, &world->b});
  EXPECT_FALSE(remembered("8888"));
}

// Who is remembered is not served where the Service is not any more.
TEST_F(ServicePackets, AnAddressOrPortThatGoesForgetsItsClients) {
  api::Service sticky = service();
  sticky.session_affinity_client_ip = true;
  const auto served = [](Kind kind, Family family, std::uint16_t port) {
    return probe(world->d.where, address(kind, family), port, LabProtocol::kTcp, 1).front();
  };
  serve(sticky, {&world->a, &world->b});
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    for (const Kind kind : {kClusterIp, kLoadBalancer})
      EXPECT_THAT(served(kind, family, kPort), testing::StartsWith("pod-"));
  world->two.ovs.appctl({"revalidator/wait"});
  sticky.load_balancer_ips.clear();
  serve(sticky, {&world->a, &world->b});
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    EXPECT_EQ(ask(world->d.where, address(kLoadBalancer, family), kPort, kShort), "");
    EXPECT_THAT(served(kClusterIp, family, kPort), testing::StartsWith("pod-"));
  }
  for (auto& port : sticky.ports) port.port = kPort + 1;
  serve(sticky, {&world->a, &world->b});
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    EXPECT_EQ(ask(world->d.where, address(kClusterIp, family), kPort, kShort), "");
    EXPECT_THAT(served(kClusterIp, family, kPort + 1), testing::StartsWith("pod-"));
  }
}

}  // namespace
}  // namespace antrea::node
