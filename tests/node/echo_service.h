#pragma once

// One Node, a Pod that asks, and a Pod that answers at many ports: the endpoints of Services.

#include <optional>
#include <string>
#include <vector>

#include "tests/node/echo_servers.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {

struct EchoWorld {
  explicit EchoWorld(std::uint16_t endpoints) {
    for (std::uint16_t i = 0; i < endpoints; ++i)
      ports.push_back(static_cast<std::uint16_t>(9000 + i));
    servers.emplace(server.where, ports);
    node.set_up_host();
  }

  Node node{1};
  Pod client{node, "pod-a", 2}, server{node, "pod-b", 3};
  std::vector<std::uint16_t> ports;
  std::optional<lab::EchoServers> servers;
};

/// A Service at one of 10.96.0.0/24, whose endpoints, all of the world's, are in a slice each.
class EchoService {
 public:
  EchoService(EchoWorld& world, std::uint8_t number, std::size_t endpoints, bool sticky = false)
      : world_(world), number_(number) {
    api::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = name();
    service.cluster_ips = {address()};
    service.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
    service.session_affinity_client_ip = sticky;
    proxy::ServiceChanges all;
    all.services = {service};
    for (std::size_t i = 0; i < endpoints; ++i) all.slices.push_back(slice(world.ports[i]));
    world.node.commit(world.node.balancer->apply(all).pipeline);
  }

  IpAddress address() const { return ip("10.96.0." + std::to_string(number_)); }

  /// An endpoint comes or goes; acknowledged by the switch.
  void add(std::uint16_t port) {
    world_.node.ovs.send("br-int", world_.node.balancer->apply(slice(port)).pipeline);
  }
  void remove(std::uint16_t port) {
    world_.node.ovs.send("br-int", world_.node.balancer->remove_slice(slice_key(port)).pipeline);
  }
  /// One in the place of another, at once.
  void replace(std::uint16_t old, std::uint16_t port) {
    proxy::ServiceChanges change;
    change.removed_slices = {slice_key(old)};
    change.slices = {slice(port)};
    world_.node.ovs.send("br-int", world_.node.balancer->apply(change).pipeline);
  }

 private:
  std::string name() const { return "web-" + std::to_string(number_); }
  api::ObjectKey slice_key(std::uint16_t port) const {
    return {"default", name() + "-" + std::to_string(port)};
  }
  api::EndpointSlice slice(std::uint16_t port) const {
    api::EndpointSlice out;
    out.metadata.namespace_ = "default";
    out.metadata.name = slice_key(port).name;
    out.service_name = name();
    out.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = port});
    out.endpoints.push_back({.addresses = {world_.server.address()}, .node_name = "node-1"});
    return out;
  }

  EchoWorld& world_;
  std::uint8_t number_;
};

}  // namespace antrea::node
