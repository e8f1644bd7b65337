// Rules that reject, for clients who came by a Service: each kind of them hears of it at once, from
// the address it asked (antrea: #3010 #7265), and none gets past the rules of a Service's endpoints
// (antrea: #1816).
#include "tests/node/one_rule.h"
#include "tests/node/service_packets.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using testing::Each;
using testing::StartsWith;

class ServiceRejection : public ServicePackets {
 protected:
  static void expect(std::string_view client_name, Kind kind, const Pod& endpoint, bool let_in) {
    for (const Family family : {Family::kIPv4, Family::kIPv6})
      for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp})
        EXPECT_THAT(probe(client(client_name), address(kind, family),
                          kind == Kind::kNodePort ? kPortOfNode : kPort, protocol, 2),
                    Each(StartsWith(let_in ? endpoint.server_name : "rejected")))
            << client_name << " to " << name(kind) << " of " << endpoint.server_name << ", "
            << to_string(family) << ", " << to_string(protocol);
  }
  static constexpr Kind kKinds[] = {Kind::kClusterIp, Kind::kNodePort, Kind::kLoadBalancer,
                                    Kind::kExternalIp};
};

TEST_F(ServiceRejection, ByTheEndpointIsHeardByEveryKindOfClient) {
  const Refusing of_one(world->one, store_of({&world->a, &world->b}));
  const Refusing of_two(world->two, store_of({&world->c, &world->d}));
  for (const Pod* endpoint : {&world->b, &world->c}) {
    const bool here = endpoint == &world->b;
    serve(service(), {endpoint});
    const OneRule rule(here ? world->one : world->two, *endpoint, cp::Direction::kIn,
                       cp::RuleAction::kReject,
                       {*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")});
    for (const Kind kind : kKinds)
      for (const char* who : {"Pod of Node 1", "Pod of Node 2", "Node 1", "Node 2", "outside"}) {
        if (kind == Kind::kClusterIp && who == std::string_view("outside")) continue;
        // Rules do not keep the endpoint's own Node from it, but for NodePorts: at that of another
        // Node it is that Node who asks; at its own the host translates before it marks.
        const bool own = who == std::string_view(here ? "Node 1" : "Node 2");
        expect(who, kind, *endpoint, own && kind != Kind::kNodePort);
      }
  }
}

TEST_F(ServiceRejection, OfItsOwnRulesIsHeardByThePod) {
  const Refusing of_one(world->one, store_of({&world->a, &world->b}));
  for (const Pod* endpoint : {&world->b, &world->c}) {
    serve(service(), {endpoint});
    const OneRule rule(world->one, world->a, cp::Direction::kOut, cp::RuleAction::kReject,
                       hosts_of(*endpoint));
    for (const Kind kind : kKinds) {
      expect("Pod of Node 1", kind, *endpoint, false);
      expect("Pod of Node 2", kind, *endpoint, true);
    }
  }
}

}  // namespace
}  // namespace antrea::node
