// What it costs to go through a cluster IP: requests on connections that stand, and new
// connections, beside the same at the Pod's own address, turn by turn. One Node, its switch in
// userspace.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/node/echo_servers.h"
#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kRounds = 9, kRequests = 2000, kConnections = 100;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Path {
  const char* name;
  IpAddress to;
  std::uint16_t port;
  std::vector<double> requests{}, latencies{}, connections{};  // a second; us; a second

  bool measure(const Namespace& from) {
    const lab::EchoClient client(from, to, port);
    std::vector<double> each;
    auto start = Clock::now();
    for (unsigned i = 0; i < kRequests; ++i) {
      const auto asked = Clock::now();
      if (client.ask() == 0) return false;
      each.push_back(seconds_since(asked) * 1e6);
    }
    requests.push_back(kRequests / seconds_since(start));
    latencies.push_back(median(std::move(each)));
    start = Clock::now();
    for (unsigned i = 0; i < kConnections; ++i)
      if (lab::EchoClient(from, to, port).ask() == 0) return false;
    connections.push_back(kConnections / seconds_since(start));
    return true;
  }
};

int measure() {
  if (!lab::can_switch()) return std::puts("needs network namespaces and /dev/net/tun"), 1;
  Node node(1);
  Pod client(node, "pod-a", 2), server(node, "pod-b", 3);
  node.set_up_host();
  const lab::EchoServers servers(server.where, {9000});
  api::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "web";
  service.cluster_ips = {ip("10.96.0.10")};
  service.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
  api::EndpointSlice slice;
  slice.metadata = service.metadata;
  slice.service_name = "web";
  slice.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 9000});
  slice.endpoints.push_back({.addresses = {server.address()}, .node_name = "node-1"});
  node.commit(node.balancer->apply(service).pipeline);
  node.commit(node.balancer->apply(slice).pipeline);

  Path direct{"Pod address", server.address(), 9000}, through{"cluster IP", ip("10.96.0.10"), 80};
  for (unsigned round = 0; round < kRounds; ++round)
    for (Path* path : {&direct, &through})
      if (!path->measure(client.where)) return std::puts("nobody answers"), 1;
  for (const Path* path : {&direct, &through})
    std::printf("%s: %.0f requests/s, median %.1f us; %.0f new connections/s\n", path->name,
                median(path->requests), median(path->latencies), median(path->connections));
  std::printf("ratio: requests %.2f, new connections %.2f\n",
              median(through.requests) / median(direct.requests),
              median(through.connections) / median(direct.connections));
  return 0;
}

}  // namespace
}  // namespace antrea::node

int main() { return antrea::node::measure(); }
