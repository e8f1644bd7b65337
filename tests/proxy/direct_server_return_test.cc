// Services whose endpoints answer clients outside the cluster without the Node that these came to.
#include <gmock/gmock.h>

#include "exposure.h"

namespace antrea::proxy {
namespace {

using testing::IsEmpty;

TEST_F(Exposure, DirectServerReturnLeavesPacketsForOtherNodesAsTheyAre) {
  start({.node_name = "here", .proxy_all = true, .dsr = true});
  auto direct = load_balancer();
  direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
  apply(direct);
  for (const char* address : {"203.0.113.1", "198.51.100.1"}) {
    const Fate outside = fate(Client::kOutside, address);
    EXPECT_EQ(outside.endpoints, std::set<Backend>{kHere});
    EXPECT_EQ(outside.unchanged, std::set<Backend>{kThere});
    EXPECT_EQ(ends(Client::kOtherNode, address), std::set<Backend>{kHere}) << "chosen there";
    EXPECT_EQ(ends(Client::kPod, address), (std::set<Backend>{kHere, kThere}));
  }
  EXPECT_EQ(ends(Client::kOutside, "172.18.0.2", 30080).size(), 2U) << "node ports translate";
  // An endpoint in another Node's own network has no Node behind the tunnel.
  apply(slice("web", {endpoint("172.18.0.3")}));
  EXPECT_THAT(fate(Client::kOutside, "203.0.113.1").unchanged, IsEmpty());
}

/// A Service over UDP with direct server return, and what becomes of one connection to it.
class DirectExposure : public Exposure {
 protected:
  void serve(bool affinity = false) {
    start({.node_name = "here", .proxy_all = true, .dsr = true});
    direct = load_balancer();
    direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
    direct.ports[0].protocol = Protocol::kUdp;
    direct.session_affinity_client_ip = affinity;
    apply(direct);
  }
  void list(const char* service, std::vector<api::Endpoint> endpoints) {
    apply(slice(service, std::move(endpoints), kThere.port, Protocol::kUdp));
  }
  Fate send(Walk& walk) const {
    return walk.first_packet(Client::kOutside, ip("192.0.2.9"),
                             {ip("203.0.113.1"), 80, Protocol::kUdp}, true);
  }
  void connect() {
    Walk coming(sw.flows(), sw.groups());
    EXPECT_EQ(send(coming).unchanged, std::set<Backend>{kThere});
    ASSERT_TRUE(coming.connections().contains(kThere));
    sw.learn(coming.connections().at(kThere));
    EXPECT_EQ(again(), (Fate{.unchanged = {kThere}}));
  }
  Fate anew() const {
    Walk walk(sw.flows(), sw.groups());
    return send(walk);
  }
  Fate again() const {
    Walk walk(sw.flows(), sw.groups());
    return send(walk.knowing(sw.learned()));
  }

  api::Service direct;
  api::Endpoint here = endpoint(kHere.ip.to_string(), "here");
  api::Endpoint there = endpoint(kThere.ip.to_string());
};

// Connections stay while their endpoint serves, though none comes to it anew.
TEST_F(DirectExposure, ConnectionsStayWhileTheirEndpointServes) {
  for (const bool affinity : {false, true}) {
    SCOPED_TRACE(affinity ? "with affinity" : "without affinity");
    serve(affinity);
    EXPECT_TRUE(fate(Client::kOutside, "203.0.113.1").no_service) << "of TCP";
    auto leaving = there;
    list("web", {here, leaving});
    connect();
    leaving.ready = false;
    leaving.terminating = true;
    list("web", {here, leaving});
    EXPECT_THAT(anew().unchanged, IsEmpty());
    EXPECT_EQ(again(), (Fate{.unchanged = {kThere}})) << "it serves still";
    leaving.serving = false;
    list("web", {here, leaving});
    EXPECT_THAT(again().unchanged, IsEmpty());
    EXPECT_EQ(again().endpoints, std::set<Backend>{kHere});
    sw = {};
  }
}

TEST_F(DirectExposure, AnAddressThatGoesIsLeftByItsConnections) {
  serve();
  list("web", {there});
  connect();
  direct.load_balancer_ips.clear();
  apply(direct);
  EXPECT_TRUE(again().no_service);
}

TEST_F(DirectExposure, WhoIsToBeRefusedIsNotLedToAnEndpointThatOthersHave) {
  serve();
  list("web", {there});
  connect();
  apply(service("other", {"10.96.0.11"}, 80, Protocol::kUdp));
  list("other", {there});
  list("web", {});
  EXPECT_EQ(again(), (Fate{.refused = true}));
}

}  // namespace
}  // namespace antrea::proxy
