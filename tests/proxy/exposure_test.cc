// Services for clients outside the cluster: node ports, load balancers, external IPs, and what the
// host must do for them.
#include <gmock/gmock.h>

#include "exposure.h"

namespace antrea::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Exposure, EveryKindLeadsToAllEndpoints) {
  start();
  apply(load_balancer());
  for (const Client client : {Client::kPod, Client::kHost, Client::kOutside})
    for (const auto& [address, port] : {std::pair("10.96.0.10", 80),
                                        {"203.0.113.1", 80},
                                        {"198.51.100.1", 80},
                                        {"169.254.0.252", 30080},
                                        {"172.18.0.2", 30080}})
      EXPECT_EQ(ends(client, address, static_cast<std::uint16_t>(port)),
                (std::set<Backend>{kHere, kThere}))
          << address;
  EXPECT_TRUE(fate(Client::kOutside, "172.18.0.2", 80).no_service);
  EXPECT_TRUE(fate(Client::kOutside, "10.96.0.10", 30080).no_service);
}

TEST_F(Exposure, PolicyLocalKeepsOutsidersOnThisNodeAndNobodyElse) {
  start();
  apply(load_balancer(TrafficPolicy::kLocal));
  for (const char* address : {"203.0.113.1", "198.51.100.1"}) {
    EXPECT_EQ(ends(Client::kOutside, address), std::set<Backend>{kHere});
    EXPECT_EQ(ends(Client::kPod, address), (std::set<Backend>{kHere, kThere}));
    EXPECT_EQ(ends(Client::kHost, address), (std::set<Backend>{kHere, kThere}));
  }
  EXPECT_EQ(ends(Client::kOutside, "172.18.0.2", 30080), std::set<Backend>{kHere});
  EXPECT_EQ(ends(Client::kOutside, "10.96.0.10").size(), 2U) << "another policy's";
  apply(slice("web", {endpoint("10.10.1.2")}));
  EXPECT_TRUE(fate(Client::kOutside, "203.0.113.1").refused);
  EXPECT_EQ(ends(Client::kPod, "203.0.113.1"), std::set<Backend>{kThere});
  // And back: flows and groups follow (antrea #3330).
  apply(load_balancer());
  EXPECT_EQ(ends(Client::kOutside, "203.0.113.1"), std::set<Backend>{kThere});
}

// externalTrafficPolicy is about external IPs, too, whatever the Service's type (antrea #5795).
TEST_F(Exposure, PolicyLocalIsThatOfExternalIpsOfAClusterIpServiceToo) {
  start();
  auto web = load_balancer(TrafficPolicy::kLocal);
  web.type = api::ServiceType::kClusterIP;
  apply(web);
  EXPECT_EQ(ends(Client::kOutside, "198.51.100.1"), std::set<Backend>{kHere});
  EXPECT_EQ(ends(Client::kPod, "198.51.100.1"), (std::set<Backend>{kHere, kThere}));
  EXPECT_TRUE(fate(Client::kOutside, "203.0.113.1").no_service);
}

TEST_F(Exposure, WithoutProxyAllOnlyLoadBalancersAreServed) {
  start({.node_name = "here"});
  apply(load_balancer());
  EXPECT_EQ(ends(Client::kPod, "203.0.113.1").size(), 2U);
  EXPECT_TRUE(fate(Client::kPod, "198.51.100.1").no_service);
  EXPECT_TRUE(fate(Client::kPod, "172.18.0.2", 30080).no_service);
  EXPECT_EQ(balancer->host(), HostServices()) << "the host is somebody else's";
}

TEST_F(Exposure, LoadBalancersMayBeLeftToTheirProvider) {
  start({.node_name = "here", .proxy_all = true, .load_balancer_ips = false});
  apply(load_balancer());
  EXPECT_TRUE(fate(Client::kPod, "203.0.113.1").no_service);
  EXPECT_EQ(ends(Client::kPod, "198.51.100.1").size(), 2U);
}

TEST_F(Exposure, SkippedServicesAreLeftAlone) {
  for (const char* skipped : {"default/web", "10.96.0.10"}) {
    start({.node_name = "here", .skip_services = {skipped}});
    const auto before = sw;
    apply(load_balancer());
    EXPECT_EQ(sw, before) << skipped;
    sw = {};
  }
  // Only the primary cluster IP counts.
  start({.node_name = "here", .skip_services = {"fd00:96::10"}});
  apply(service("web", {"10.96.0.10", "fd00:96::10"}));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10").size(), 2U);
}

TEST_F(Exposure, SourceRangesBindLoadBalancersOnly) {
  start();
  auto restricted = load_balancer();
  restricted.load_balancer_source_ranges = {*IpPrefix::parse("192.0.2.0/24")};
  apply(restricted);
  EXPECT_EQ(ends(Client::kOutside, "203.0.113.1", 80, "192.0.2.9").size(), 2U);
  EXPECT_EQ(fate(Client::kOutside, "203.0.113.1", 80, "198.18.0.1"), Fate()) << "dropped";
  EXPECT_EQ(fate(Client::kPod, "203.0.113.1", 80, "10.10.0.9"), Fate());
  EXPECT_EQ(ends(Client::kOutside, "198.51.100.1", 80, "198.18.0.1").size(), 2U);
  EXPECT_EQ(ends(Client::kOutside, "172.18.0.2", 30080, "198.18.0.1").size(), 2U);

  // The Node's own clients have the gateway's address; its own one counts.
  EXPECT_EQ(fate(Client::kHost, "203.0.113.1", 80, "10.10.0.1"), Fate());
  restricted.load_balancer_source_ranges.push_back(*IpPrefix::parse("172.18.0.0/16"));
  apply(restricted);
  EXPECT_EQ(ends(Client::kHost, "203.0.113.1", 80, "10.10.0.1").size(), 2U);
  EXPECT_EQ(fate(Client::kPod, "203.0.113.1", 80, "10.10.0.9"), Fate());

  restricted.load_balancer_source_ranges.push_back(*IpPrefix::parse("0.0.0.0/0"));
  apply(restricted);
  EXPECT_EQ(ends(Client::kOutside, "203.0.113.1", 80, "198.18.0.1").size(), 2U);
}

TEST_F(Exposure, WhoMayNoLongerIsNotLetInByBeingRemembered) {
  start();
  auto restricted = load_balancer();
  restricted.session_affinity_client_ip = true;
  apply(restricted);
  const auto come = [&](std::string_view source) {
    Walk walk(sw.flows(), sw.groups());
    const auto ends = walk.knowing(sw.learned())
                          .first_packet(Client::kOutside, ip(source),
                                        {ip("203.0.113.1"), 80, Protocol::kTcp}, false)
                          .endpoints;
    if (walk.learned().contains(kThere)) sw.learn(walk.learned().at(kThere));
    return ends;
  };
  for (const char* source : {"192.0.2.9", "198.18.0.1"}) {
    EXPECT_EQ(come(source), (std::set<Backend>{kHere, kThere}));
    EXPECT_EQ(come(source), std::set<Backend>{kThere});
  }
  restricted.load_balancer_source_ranges = {*IpPrefix::parse("192.0.2.0/24")};
  apply(restricted);
  EXPECT_EQ(come("192.0.2.9"), std::set<Backend>{kThere});
  EXPECT_EQ(come("198.18.0.1"), std::set<Backend>());
}

TEST_F(Exposure, TellsTheHost) {
  start();
  auto web = load_balancer(TrafficPolicy::kLocal);
  web.cluster_ips.push_back(ip("fd00:96::10"));
  web.health_check_node_port = 32000;
  EXPECT_TRUE(balancer->apply(web).host);
  EXPECT_THAT(balancer->host().node_ports,
              ElementsAre(HostServices::NodePort{Family::kIPv4, Protocol::kTcp, 30080},
                          HostServices::NodePort{Family::kIPv6, Protocol::kTcp, 30080}));
  EXPECT_THAT(balancer->host().external_ips, ElementsAre(ip("198.51.100.1"), ip("203.0.113.1")));
  EXPECT_EQ(balancer->host().cluster_ips_v4, IpPrefix::parse("10.96.0.10/32").value());
  EXPECT_EQ(balancer->host().health_checks.at({"default", "web"}), (HealthCheck{32000, 1}));

  EXPECT_TRUE(balancer->apply(service("a", {"10.96.0.200"})).host);
  EXPECT_EQ(balancer->host().cluster_ips_v4, IpPrefix::parse("10.96.0.0/24").value());
  EXPECT_FALSE(balancer->apply(service("b", {"10.96.0.100"})).host) << "covered";
  auto headless = service("c", {"10.100.0.1"});
  headless.metadata.labels["service.kubernetes.io/headless"] = "";
  EXPECT_FALSE(balancer->apply(headless).host) << "not served (antrea #5008)";
  EXPECT_TRUE(balancer->apply(slice("web", {endpoint("10.10.1.2")})).host);
  EXPECT_EQ(balancer->host().health_checks.at({"default", "web"}).local_endpoints, 0U);
  for (const char* name : {"web", "a", "b"}) balancer->remove_service({"default", name});
  EXPECT_EQ(balancer->host(), HostServices());
}

TEST_F(Exposure, StaleUdpConnectionsAreNamed) {
  start();
  auto dns = service("dns", {"10.96.0.10"}, 53, Protocol::kUdp);
  dns.type = api::ServiceType::kNodePort;
  dns.ports[0].node_port = 30053;
  const auto endpoints = [](std::vector<api::Endpoint> all) {
    return slice("dns", std::move(all), 53, Protocol::kUdp);
  };
  EXPECT_THAT(apply(dns), IsEmpty());
  EXPECT_THAT(apply(endpoints({endpoint("10.10.0.2"), endpoint("10.10.0.3")})), IsEmpty());
  const Frontend cluster{ip("10.96.0.10"), 53, Protocol::kUdp},
      port{ip("169.254.0.252"), 30053, Protocol::kUdp},
      own{ip("172.18.0.2"), 30053, Protocol::kUdp};

  auto leaving = endpoint("10.10.0.3");
  leaving.ready = false;
  leaving.terminating = true;
  EXPECT_THAT(apply(endpoints({endpoint("10.10.0.2"), leaving})), IsEmpty()) << "still serves";
  EXPECT_THAT(
      apply(endpoints({endpoint("10.10.0.2")})),
      ElementsAre(StaleConnections{cluster, ip("10.10.0.3")},
                  StaleConnections{port, ip("10.10.0.3")}, StaleConnections{own, ip("10.10.0.3")}));
  dns.ports[0].node_port = 30054;
  EXPECT_THAT(apply(dns), ElementsAre(StaleConnections{port, {}}, StaleConnections{own, {}}));
  dns.type = api::ServiceType::kClusterIP;
  dns.ports[0].port = 54;
  const auto stale = apply(dns);
  EXPECT_THAT(stale, testing::Contains(StaleConnections{cluster, {}}));
  EXPECT_THAT(balancer->remove_service({"default", "dns"}).stale,
              ElementsAre(StaleConnections{{ip("10.96.0.10"), 54, Protocol::kUdp}, {}}));
}

// An external IP may be a Node's: what came for it and what came for the node port are two things.
TEST_F(Exposure, StaleConnectionsOfANodesAddressAreThoseOfBothPorts) {
  start();
  auto dns = service("dns", {"10.96.0.10"}, 53, Protocol::kUdp);
  dns.type = api::ServiceType::kNodePort;
  dns.ports[0].node_port = 30053;
  dns.external_ips = {ip("172.18.0.2")};
  apply(dns);
  apply(slice("dns", {endpoint("10.10.0.2")}, 53, Protocol::kUdp));
  const auto at = [](const char* address, std::uint16_t port) {
    return StaleConnections{{ip(address), port, Protocol::kUdp}, ip("10.10.0.2")};
  };
  EXPECT_THAT(apply(slice("dns", {}, 53, Protocol::kUdp)),
              ElementsAre(at("10.96.0.10", 53), at("169.254.0.252", 30053), at("172.18.0.2", 53),
                          at("172.18.0.2", 30053)));
}

TEST_F(Exposure, ClusterIpsAreNotTakenAway) {
  start();
  apply(load_balancer());
  auto thief = service("a-thief", {"10.96.0.66"});
  thief.external_ips = {ip("10.96.0.10")};
  apply(thief);
  apply(slice("a-thief", {endpoint("10.10.6.6")}));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10"), (std::set<Backend>{kHere, kThere}));
  sw.commit(balancer->remove_service({"default", "web"}));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10"), (std::set<Backend>{{ip("10.10.6.6"), 8080}}));
}

TEST_F(Exposure, NodeHintsComeBeforeZoneHints) {
  start();
  auto near = endpoint("10.10.0.2", "here"), far = endpoint("10.10.1.2");
  near.hint_zones = far.hint_zones = {"z1"};
  near.hint_nodes = {"here"};
  far.hint_nodes = {"other"};
  apply(load_balancer());
  apply(slice("web", {near, far}));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10"), std::set<Backend>{kHere});
  // Nobody is hinted to this Node any more: the zone, which is not known yet, then known.
  near.hint_nodes = {"other"};
  near.hint_zones = {"z2"};
  apply(slice("web", {near, far}));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10").size(), 2U);
  NodeFacts facts = balancer->node();
  facts.zone = "z1";
  sw.commit(balancer->set_node(facts));
  EXPECT_EQ(ends(Client::kPod, "10.96.0.10"), std::set<Backend>{kThere});
}

}  // namespace
}  // namespace antrea::proxy
