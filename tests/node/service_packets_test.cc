// Services with real packets: who is reached, and what address he sees, for every kind of client,
// address, traffic policy, family and protocol; how connections are spread and kept together. Two
// Nodes that serve all of it without kube-proxy.
#include "tests/node/service_packets.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace antrea::node {
namespace {

using lab::ask;

struct Row {
  const char* client;
  Kind kind;  // a node port is that of Node 1
  // The addresses that the endpoint on Node 1 and that on Node 2 see; "": it is not reached.
  const char* here;
  const char* away;
};
using enum Kind;

// Traffic policy Cluster: whoever is asked, all endpoints answer. Addresses are kept but where the
// answer would not come back the way it has to: from outside by way of Node 1 to Node 2, from a
// Node itself, and to oneself.
constexpr Row kClusterRows[] = {
    {"Pod of Node 1", kClusterIp, "own", "own"},
    {"Pod of Node 1", kNodePort, "own", "own"},
    {"Pod of Node 1", kLoadBalancer, "own", "own"},
    {"Pod of Node 1", kExternalIp, "own", "own"},
    {"Pod of Node 2", kClusterIp, "own", "own"},
    {"Pod of Node 2", kNodePort, "node 2", "gateway 1"},
    {"Pod of Node 2", kLoadBalancer, "own", "own"},
    {"Pod of Node 2", kExternalIp, "own", "own"},
    {"endpoint of Node 1", kClusterIp, "gateway 1", "own"},
    {"endpoint of Node 1", kNodePort, "gateway 1", "own"},
    {"endpoint of Node 1", kLoadBalancer, "gateway 1", "own"},
    {"endpoint of Node 1", kExternalIp, "gateway 1", "own"},
    {"endpoint of Node 2", kClusterIp, "own", "gateway 2"},
    {"endpoint of Node 2", kNodePort, "node 2", "gateway 1"},
    {"endpoint of Node 2", kLoadBalancer, "own", "gateway 2"},
    {"endpoint of Node 2", kExternalIp, "own", "gateway 2"},
    {"Node 1", kClusterIp, "gateway 1", "gateway 1"},
    {"Node 1", kNodePort, "gateway 1", "gateway 1"},
    {"Node 1", kLoadBalancer, "gateway 1", "gateway 1"},
    {"Node 1", kExternalIp, "gateway 1", "gateway 1"},
    {"Node 2", kClusterIp, "gateway 2", "gateway 2"},
    {"Node 2", kNodePort, "node 2", "gateway 1"},
    {"Node 2", kLoadBalancer, "gateway 2", "gateway 2"},
    {"Node 2", kExternalIp, "gateway 2", "gateway 2"},
    {"outside", kNodePort, "own", "gateway 1"},
    {"outside", kLoadBalancer, "own", "gateway 1"},
    {"outside", kExternalIp, "own", "gateway 1"},
};

// externalTrafficPolicy Local: what comes from outside a Node stays there and keeps its address;
// clients on the Node are served as ever.
constexpr Row kExternalLocalRows[] = {
    {"Pod of Node 1", kClusterIp, "own", "own"},
    {"Pod of Node 1", kNodePort, "own", "own"},
    {"Pod of Node 1", kLoadBalancer, "own", "own"},
    {"Pod of Node 1", kExternalIp, "own", "own"},
    {"Pod of Node 2", kClusterIp, "own", "own"},
    {"Pod of Node 2", kNodePort, "node 2", ""},
    {"Pod of Node 2", kLoadBalancer, "own", "own"},
    {"Pod of Node 2", kExternalIp, "own", "own"},
    {"endpoint of Node 1", kClusterIp, "gateway 1", "own"},
    {"endpoint of Node 1", kNodePort, "gateway 1", "own"},
    {"endpoint of Node 1", kLoadBalancer, "gateway 1", "own"},
    {"endpoint of Node 1", kExternalIp, "gateway 1", "own"},
    {"endpoint of Node 2", kClusterIp, "own", "gateway 2"},
    {"endpoint of Node 2", kNodePort, "node 2", ""},
    {"endpoint of Node 2", kLoadBalancer, "own", "gateway 2"},
    {"endpoint of Node 2", kExternalIp, "own", "gateway 2"},
    {"Node 1", kClusterIp, "gateway 1", "gateway 1"},
    {"Node 1", kNodePort, "gateway 1", "gateway 1"},
    {"Node 1", kLoadBalancer, "gateway 1", "gateway 1"},
    {"Node 1", kExternalIp, "gateway 1", "gateway 1"},
    {"Node 2", kClusterIp, "gateway 2", "gateway 2"},
    {"Node 2", kNodePort, "node 2", ""},
    {"Node 2", kLoadBalancer, "gateway 2", "gateway 2"},
    {"Node 2", kExternalIp, "gateway 2", "gateway 2"},
    {"outside", kNodePort, "own", ""},
    {"outside", kLoadBalancer, "own", ""},
    {"outside", kExternalIp, "own", ""},
};

// internalTrafficPolicy Local: of a cluster IP only the client's own Node's endpoint.
constexpr Row kInternalLocalRows[] = {
    {"Pod of Node 1", kClusterIp, "own", ""},
    {"Pod of Node 1", kLoadBalancer, "own", "own"},
    {"Pod of Node 2", kClusterIp, "", "own"},
    {"Pod of Node 2", kExternalIp, "own", "own"},
    {"endpoint of Node 1", kClusterIp, "gateway 1", ""},
    {"endpoint of Node 2", kClusterIp, "", "gateway 2"},
    {"Node 1", kClusterIp, "gateway 1", ""},
    {"Node 1", kNodePort, "gateway 1", "gateway 1"},
    {"Node 2", kClusterIp, "", "gateway 2"},
    {"outside", kNodePort, "own", "gateway 1"},
    {"outside", kLoadBalancer, "own", "gateway 1"},
    {"outside", kExternalIp, "own", "gateway 1"},
};

class ServiceTable : public ServicePackets {
 protected:
  // Who answers, and what he sees: all of 24 attempts.
  static void check(std::span<const Row> rows) {
    for (const Row& row : rows)
      for (const Family family : {Family::kIPv4, Family::kIPv6})
        for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp}) {
          const Namespace& from = client(row.client);
          std::set<std::string> want;
          if (*row.here != 0) want.insert("pod-b/8080 here " + seen(row.here, from, family));
          if (*row.away != 0) want.insert("pod-c/8080 here " + seen(row.away, from, family));
          const auto got = probe(from, address(row.kind, family),
                                 row.kind == kNodePort ? kPortOfNode : kPort, protocol);
          EXPECT_EQ(std::set(got.begin(), got.end()), want)
              << row.client << " to " << name(row.kind) << ", " << to_string(family) << ", "
              << to_string(protocol);
        }
  }
};

TEST_F(ServiceTable, PolicyCluster) {
  serve(service(), {&world->b, &world->c});
  check(kClusterRows);
}

// A policy that changes changes the way of those who come from then on (antrea #3330, #4845).
TEST_F(ServiceTable, FollowsAPolicyThatChanges) {
  serve(service(), {&world->b, &world->c});
  serve(service(TrafficPolicy::kLocal), {&world->b, &world->c});
  check(kExternalLocalRows);
  forget_connections();
  api::Service local = service();
  local.internal_traffic_policy = TrafficPolicy::kLocal;
  serve(local, {&world->b, &world->c});
  check(kInternalLocalRows);
}

// Without an endpoint here nobody from outside gets in; clients on the Node do.
TEST_F(ServiceTable, ExternalPolicyLocalWithoutEndpoint) {
  serve(service(TrafficPolicy::kLocal), {&world->c});
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    EXPECT_EQ(ask(world->outside, address(kNodePort, family), kPortOfNode, kShort), "");
    EXPECT_THAT(probe(world->a.where, address(kLoadBalancer, family), kPort, LabProtocol::kTcp, 4),
                testing::Each("pod-c/8080 here " + seen("own", world->a.where, family)));
  }
}

// How often each endpoint answered.
std::map<std::string, std::size_t> tally(const std::vector<std::string>& answers) {
  std::map<std::string, std::size_t> out;
  for (const auto& answer : answers) ++out[answer.substr(0, answer.find(' '))];
  return out;
}

TEST_F(ServicePackets, EndpointsShareEvenly) {
  serve(service(), {&world->a, &world->b, &world->c});
  constexpr std::size_t kCount = 3000;
  struct Client {
    const Namespace& from;
    Kind kind;
    Family family;
  };
  const Client clients[] = {{world->d.where, kClusterIp, Family::kIPv4},
                            {world->d.where, kLoadBalancer, Family::kIPv6},
                            {world->outside, kNodePort, Family::kIPv4},
                            {world->one.where, kClusterIp, Family::kIPv6}};
  for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp})
    for (const auto& [from, kind, family] : clients) {
      const auto counts = tally(probe(from, address(kind, family),
                                      kind == kNodePort ? kPortOfNode : kPort, protocol, kCount));
      ASSERT_EQ(counts.size(), 3U) << name(kind);
      double chi_square = 0;
      for (const auto& [name, count] : counts) {
        const double expected = static_cast<double>(kCount) / 3;
        chi_square += (static_cast<double>(count) - expected) *
                      (static_cast<double>(count) - expected) / expected;
      }
      EXPECT_LT(chi_square, 18.4)  // one in 10,000 fair draws is above
          << name(kind) << ", " << to_string(protocol);
    }
}

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

TEST_F(ServicePackets, SourceRangesKeepOthersOut) {
  api::Service restricted = service();
  restricted.load_balancer_source_ranges = {*IpPrefix::parse("172.18.0.9/32")};
  serve(restricted, {&world->b});
  EXPECT_THAT(probe(world->outside, ip("203.0.113.1"), kPort, LabProtocol::kTcp, 1),
              testing::Each("pod-b/8080 here 172.18.0.9"));
  EXPECT_EQ(ask(world->a.where, ip("203.0.113.1"), kPort, kShort), "");
  restricted.load_balancer_source_ranges = {*IpPrefix::parse("192.0.2.0/24")};
  serve(restricted, {&world->b});
  EXPECT_EQ(ask(world->outside, ip("203.0.113.1"), kPort, kShort), "");
  EXPECT_THAT(probe(world->outside, ip("198.51.100.1"), kPort, LabProtocol::kTcp, 1),
              testing::Each("pod-b/8080 here 172.18.0.9"));
}

// The endpoint on the other Node sees the client's own address, and answers without this Node.
TEST_F(ServicePackets, DirectServerReturnKeepsTheClientsAddress) {
  api::Service direct = service();
  direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
  serve(direct, {&world->b, &world->c});
  for (const Kind kind : {kLoadBalancer, kExternalIp}) {
    const auto got = probe(world->outside, address(kind, Family::kIPv4), kPort, LabProtocol::kTcp);
    EXPECT_THAT(std::set(got.begin(), got.end()),
                testing::ElementsAre("pod-b/8080 here 172.18.0.9", "pod-c/8080 here 172.18.0.9"));
  }
}

// What answers a datagram from this port; asked again where it is lost.
std::string ask_by_datagram(const Namespace& from, const IpAddress& to, std::uint16_t port,
                            std::uint16_t source_port) {
  std::string answer;
  from.enter([&] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval patience{1, 500'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(source_port);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(to.v4_bits());
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    for (int attempt = 0; attempt < 7 && answer.empty(); ++attempt) {
      char text[256];
      ssize_t size = ::send(fd, "?", 1, 0);
      if (size > 0) size = ::recv(fd, text, sizeof text, 0);
      if (size > 0) answer.assign(text, static_cast<std::size_t>(size));
    }
    ::close(fd);
  });
  return answer;
}

// A client of UDP that keeps its port is one connection. Where the endpoint goes, its packets go to
// another one, on either Node, once what is tracked of them is forgotten, as it is told to be.
TEST_F(ServicePackets, DirectServerReturnLeavesAnEndpointThatHasGone) {
  api::Service direct = service();
  direct.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
  const IpAddress to = address(kLoadBalancer, Family::kIPv4);
  serve(direct, {&world->c});
  EXPECT_THAT(ask_by_datagram(world->outside, to, kPort, 40404), testing::StartsWith("pod-c/"));
  for (const Pod* pod : {&world->d, &world->b, &world->c}) {
    serve(direct, {pod});
    forget_connections();
    EXPECT_THAT(ask_by_datagram(world->outside, to, kPort, 40404),
                testing::StartsWith(pod->server_name + "/"));
  }
}

}  // namespace
}  // namespace antrea::node
