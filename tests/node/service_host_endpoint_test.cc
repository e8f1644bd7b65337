// Services whose endpoints are no Pods, with real packets: processes in the Nodes' own networks, as
// the API server's, and machines outside the cluster.
#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

using enum Kind;

class ServiceHostEndpoints : public ServicePackets {
 protected:
  struct Row {
    const char* client;
    std::vector<Kind> kinds;
    // The addresses that endpoints on Node 1, on Node 2 and outside see.
    const char *one, *two, *outside;
  };
  static std::vector<Place> places() {
    return {place_of(world->one),
            place_of(world->two),
            {outside_address(Family::kIPv4), outside_address(Family::kIPv6), ""}};
  }
  static void check(const Row& row) {
    for (const Kind kind : row.kinds)
      for (const Family family : {Family::kIPv4, Family::kIPv6})
        for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp}) {
          const Namespace& from = client(row.client);
          const std::set<std::string> want{"node-1/8080 here " + seen(row.one, from, family),
                                           "node-2/8080 here " + seen(row.two, from, family),
                                           "outside/8080 here " + seen(row.outside, from, family)};
          const auto got = probe(from, address(kind, family),
                                 kind == kNodePort ? kPortOfNode : kPort, protocol, 36);
          EXPECT_EQ(std::set(got.begin(), got.end()), want)
              << row.client << " to " << name(kind) << ", " << to_string(family) << ", "
              << to_string(protocol);
        }
  }
};

// A Pod keeps its address towards its own Node, and leaves the cluster with the Node's. Who comes
// by the gateway is sent back there, with an address that leads the answer the same way.
TEST_F(ServiceHostEndpoints, AreReachedByEveryKindOfClient) {
  serve_at(service(), places());
  const std::vector<Kind> all{kClusterIp, kNodePort, kLoadBalancer, kExternalIp};
  const Row rows[] = {
      {"Pod of Node 1", all, "own", "node 1", "node 1"},
      {"Pod of Node 2", {kClusterIp, kLoadBalancer, kExternalIp}, "node 2", "own", "node 2"},
      {"Pod of Node 2", {kNodePort}, "Service", "node 1", "node 1"},
      {"Node 1", all, "Service", "node 1", "node 1"},
      {"Node 2", {kClusterIp, kLoadBalancer, kExternalIp}, "node 2", "Service", "node 2"},
      {"Node 2", {kNodePort}, "Service", "node 1", "node 1"},
      {"outside", {kNodePort, kLoadBalancer, kExternalIp}, "Service", "node 1", "node 1"},
  };
  for (const Row& row : rows) check(row);
}

}  // namespace
}  // namespace antrea::node
