// Endpoints come and go a hundred times a second while connections live.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "tests/node/echo_servers.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using namespace std::chrono_literals;
using lab::EchoClient;

constexpr std::uint16_t kFirstPort = 9000, kPorts = 40;
constexpr unsigned kConnections = 200, kChanges = 300;
constexpr auto kInterval = 10ms;

TEST(ServiceChurn, BreaksNoConnectionAndLeadsNobodyAstray) {
  if (!lab::can_switch()) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  Node node(1);
  Pod client(node, "pod-a", 2), server(node, "pod-b", 3);
  node.set_up_host();
  std::vector<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < kPorts; ++i)
    ports.push_back(static_cast<std::uint16_t>(kFirstPort + i));
  lab::EchoServers servers(server.where, ports);

  // An endpoint is a port of one Pod: each in a slice of its own.
  api::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "web";
  service.cluster_ips = {ip("10.96.0.10")};
  service.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
  const auto slice = [&](std::uint16_t port) {
    api::EndpointSlice out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "web-" + std::to_string(port);
    out.service_name = "web";
    out.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = port});
    out.endpoints.push_back({.addresses = {server.address()}, .node_name = "node-1"});
    return out;
  };
  node.commit(node.balancer->apply(service).pipeline);
  std::set<std::uint16_t> present(ports.begin(), ports.end());
  for (const std::uint16_t port : ports) node.commit(node.balancer->apply(slice(port)).pipeline);

  std::vector<EchoClient> connections;
  std::vector<std::uint16_t> at;
  for (unsigned i = 0; i < kConnections; ++i) {
    connections.emplace_back(client.where, ip("10.96.0.10"), 80);
    at.push_back(connections.back().ask());
    ASSERT_TRUE(present.contains(at.back())) << at.back();
  }

  std::mt19937 random(11);
  unsigned astray = 0, made = 0, broken = 0;
  const auto start = std::chrono::steady_clock::now();
  auto due = start;
  for (unsigned change = 1; change <= kChanges; ++change) {
    std::this_thread::sleep_until(due += kInterval);  // the rate is what is tested
    const std::uint16_t port = ports[random() % ports.size()];
    const bool remove = present.contains(port) && present.size() > 1;
    if (remove) {
      present.erase(port);
      node.ovs.send(
          "br-int",
          node.balancer->remove_slice({"default", "web-" + std::to_string(port)}).pipeline);
    } else {
      present.insert(port);
      node.ovs.send("br-int", node.balancer->apply(slice(port)).pipeline);
    }
    if (change % 10 != 0) continue;
    // Acknowledged, and the caches have followed: new connections go only to who is there.
    node.ovs.appctl({"revalidator/wait"});
    for (unsigned i = 0; i < 5; ++i, ++made) {
      const EchoClient fresh(client.where, ip("10.96.0.10"), 80);
      astray += present.contains(fresh.ask()) ? 0 : 1;
    }
    if (change % 50 == 0)
      for (unsigned i = 0; i < kConnections; ++i) broken += connections[i].ask() == at[i] ? 0 : 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(astray, 0U) << "of " << made;
  EXPECT_EQ(broken, 0U);
  RecordProperty("changes_per_second", static_cast<int>(kChanges / took.count()));
}

}  // namespace
}  // namespace antrea::node
