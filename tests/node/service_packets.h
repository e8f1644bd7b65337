#pragma once

// A Service of both families at every kind of address on two Nodes, and probes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "antrea/lab/prober.h"
#include "tests/node/service_world.h"

namespace antrea::node {

using antrea::lab::Outcome;
using antrea::lab::ProbeRequest;
using api::TrafficPolicy;
using LabProtocol = antrea::lab::Protocol;
using lab::ask;

inline constexpr int kShort = 300;  // ms, for connections that shall not be made
inline constexpr std::uint16_t kPort = 8000, kPortOfNode = 30080, kTarget = 8080;

enum class Kind { kClusterIp, kNodePort, kLoadBalancer, kExternalIp };

class ServicePackets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!lab::can_switch()) return;
    world = new ServiceWorld();
    answering = new Answering();
    const std::vector<antrea::lab::ResponderPort> ports{{kTarget, LabProtocol::kTcp},
                                                        {kTarget, LabProtocol::kUdp}};
    for (const Pod* pod : {&world->a, &world->b, &world->c, &world->d})
      answering->serve(*pod, ports);
    answering->serve(world->one.where, "node-1", ports);
    answering->serve(world->two.where, "node-2", ports);
    answering->serve(world->outside, "outside", ports);
  }
  static void TearDownTestSuite() {
    delete answering;
    delete world;
    answering = nullptr;
    world = nullptr;
  }
  void SetUp() override {
    if (world == nullptr) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  }
  void TearDown() override {
    if (world == nullptr) return;
    proxy::ServiceChanges gone;
    for (const std::string name : {"web", "other"}) {
      gone.removed_services.push_back({"default", name});
      for (const char* family : {"-v4", "-v6"})
        gone.removed_slices.push_back({"default", name + family});
    }
    world->apply(gone);
    forget_connections();
  }
  // Nobody tells of stale UDP connections here: a port that comes again would still be known.
  static void forget_connections() {
    for (const Node* node : {&world->one, &world->two}) node->ovs.appctl({"dpctl/flush-conntrack"});
  }
  inline static ServiceWorld* world = nullptr;
  inline static Answering* answering = nullptr;

  // A load balancer of both families with node ports and external IPs, over TCP and UDP.
  static api::Service service(TrafficPolicy external = TrafficPolicy::kCluster) {
    api::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = "web";
    service.type = api::ServiceType::kLoadBalancer;
    service.ip_families = {Family::kIPv4, Family::kIPv6};
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      service.cluster_ips.push_back(address(Kind::kClusterIp, family));
      service.load_balancer_ips.push_back(address(Kind::kLoadBalancer, family));
      service.external_ips.push_back(address(Kind::kExternalIp, family));
    }
    service.external_traffic_policy = external;
    service.ports = {
        {.name = "tcp", .protocol = api::Protocol::kTcp, .port = kPort, .node_port = kPortOfNode},
        {.name = "udp", .protocol = api::Protocol::kUdp, .port = kPort, .node_port = kPortOfNode}};
    return service;
  }

  struct Place {  // of an endpoint
    IpAddress v4, v6;
    std::string node;      // "": no Node's
    bool leaving = false;  // it serves, and terminates
  };
  static Place place_of(const Pod& pod) {
    const bool on_two = &pod == &world->c || &pod == &world->d;
    return {pod.address(), pod.address_v6(), on_two ? "node-2" : "node-1"};
  }
  static Place place_of(const Node& node) {
    return {node.address(), node.address_v6(), node.config.name};
  }

  // On both Nodes, by these endpoints.
  static void serve(const api::Service& service, const std::vector<const Pod*>& endpoints) {
    std::vector<Place> places;
    for (const Pod* pod : endpoints) places.push_back(place_of(*pod));
    serve_at(service, places);
  }
  static void serve_at(const api::Service& service, const std::vector<Place>& endpoints) {
    proxy::ServiceChanges changes;
    changes.services = {service};
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      api::EndpointSlice slice;
      slice.metadata.namespace_ = "default";
      slice.service_name = service.metadata.name;
      slice.metadata.name = slice.service_name + (family == Family::kIPv4 ? "-v4" : "-v6");
      slice.address_type = family;
      slice.ports = {{.name = "tcp", .protocol = api::Protocol::kTcp, .port = kTarget},
                     {.name = "udp", .protocol = api::Protocol::kUdp, .port = kTarget}};
      for (const Place& place : endpoints)
        slice.endpoints.push_back({.addresses = {family == Family::kIPv4 ? place.v4 : place.v6},
                                   .ready = !place.leaving,
                                   .terminating = place.leaving,
                                   .node_name = place.node});
      changes.slices.push_back(std::move(slice));
    }
    world->apply(changes);
  }

  static IpAddress address(Kind kind, Family family) {
    const bool v4 = family == Family::kIPv4;
    switch (kind) {
      case Kind::kClusterIp:
        return ip(v4 ? "10.96.0.10" : "fd96::10");
      case Kind::kNodePort:
        return ip(v4 ? "172.18.0.1" : "fd18::1");
      case Kind::kLoadBalancer:
        return ip(v4 ? "203.0.113.1" : "fd20::1");
      case Kind::kExternalIp:
        return ip(v4 ? "198.51.100.1" : "fd19::1");
    }
    return {};
  }

  static const Namespace& client(std::string_view name) {
    if (name == "Pod of Node 1") return world->a.where;
    if (name == "Pod of Node 2") return world->d.where;
    if (name == "endpoint of Node 1") return world->b.where;
    if (name == "endpoint of Node 2") return world->c.where;
    if (name == "Node 1") return world->one.where;
    if (name == "Node 2") return world->two.where;
    return world->outside;
  }

  // So many probes at once, and what became of each: the answer, or how it was refused.
  static std::vector<std::string> probe(const Namespace& from, const IpAddress& to,
                                        std::uint16_t port, LabProtocol protocol,
                                        std::size_t count = 24) {
    auto ns = antrea::lab::NetNamespace::open("/proc/" + std::to_string(from.pid()) + "/ns/net");
    EXPECT_TRUE(ns);
    const std::vector<ProbeRequest> requests(
        count, ProbeRequest{.from = &*ns, .address = to, .port = port, .protocol = protocol});
    std::vector<std::string> out;
    for (const auto& result : antrea::lab::probe(requests, kPatient))
      out.push_back(result.outcome != Outcome::kAllowed
                        ? std::string(to_string(result.outcome)) + ": " + result.reason
                    : result.answer.empty() ? result.reason
                                            : result.answer);
    return out;
  }

  static std::string_view name(Kind kind) {
    constexpr std::string_view kNames[] = {"cluster IP", "node port", "load balancer",
                                           "external IP"};
    return kNames[static_cast<int>(kind)];
  }

  // The address a server sees, in a row's words.
  static std::string seen(const std::string& word, const Namespace& client, Family family) {
    const bool v4 = family == Family::kIPv4;
    const auto either = [&](const IpAddress& a, const IpAddress& b) {
      return (v4 ? a : b).to_string();
    };
    if (word == "gateway 1") return either(world->one.gateway(), world->one.gateway_v6());
    if (word == "gateway 2") return either(world->two.gateway(), world->two.gateway_v6());
    if (word == "node 1") return either(world->one.address(), world->one.address_v6());
    if (word == "node 2") return either(world->two.address(), world->two.address_v6());
    if (word == "Service") return either(ip("169.254.0.253"), ip("fc01::aabb:ccdd:eeff"));
    for (const Pod* pod : {&world->a, &world->b, &world->c, &world->d})
      if (&client == &pod->where) return either(pod->address(), pod->address_v6());
    return outside_address(family).to_string();
  }
  static IpAddress outside_address(Family family) {
    return ip(family == Family::kIPv4 ? "172.18.0.9" : "fd18::9");
  }
};

}  // namespace antrea::node
