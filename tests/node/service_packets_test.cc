// Services with real packets: who is reached, and what address he sees, for every kind of client,
// address, traffic policy, family and protocol; how connections are spread and kept together. Two
// Nodes that serve all of it without kube-proxy.
#include <algorithm>
#include <iterator>

#include "tests/node/service_packets.h"

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
    {"Pod of Node 2", kClusterIp, "", "own"},
    {"endpoint of Node 1", kClusterIp, "gateway 1", ""},
    {"endpoint of Node 2", kClusterIp, "", "gateway 2"},
    {"Node 1", kClusterIp, "gateway 1", ""},
    {"Node 2", kClusterIp, "", "gateway 2"},
};

// What the internal policy is not about.
std::vector<Row> from_outside(std::span<const Row> rows) {
  std::vector<Row> out;
  std::ranges::copy_if(rows, std::back_inserter(out),
                       [](const Row& row) { return row.kind != kClusterIp; });
  return out;
}

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
  for (const auto external : {TrafficPolicy::kCluster, TrafficPolicy::kLocal}) {
    SCOPED_TRACE(external == TrafficPolicy::kLocal ? "both Local" : "internal Local");
    api::Service local = service(external);
    local.internal_traffic_policy = TrafficPolicy::kLocal;
    serve(local, {&world->b, &world->c});
    check(kInternalLocalRows);
    check(from_outside(external == TrafficPolicy::kLocal ? kExternalLocalRows : kClusterRows));
    forget_connections();
  }
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

// Of both families, over TCP and UDP; what else the Service is served at is nobody's business.
TEST_F(ServicePackets, SourceRangesKeepOthersOut) {
  const auto probe_at = [](const Namespace& from, Kind kind, Family family, LabProtocol protocol) {
    return probe(from, address(kind, family), kPort, protocol, 1);
  };
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp}) {
      SCOPED_TRACE(std::string(to_string(family)) + ", " + std::string(to_string(protocol)));
      const auto silent = [&](const Namespace& from) {
        auto ns =
            antrea::lab::NetNamespace::open("/proc/" + std::to_string(from.pid()) + "/ns/net");
        const std::vector<ProbeRequest> requests{{.from = &*ns,
                                                  .address = address(kLoadBalancer, family),
                                                  .port = kPort,
                                                  .protocol = protocol}};
        return antrea::lab::probe(requests, kBrief).front().outcome == Outcome::kDropped;
      };
      const std::string answer = "pod-b/8080 here " + outside_address(family).to_string();
      api::Service restricted = service();
      restricted.load_balancer_source_ranges = {IpPrefix::host(outside_address(family))};
      serve(restricted, {&world->b});
      EXPECT_THAT(probe_at(world->outside, kLoadBalancer, family, protocol), testing::Each(answer));
      EXPECT_TRUE(silent(world->a.where));
      restricted.load_balancer_source_ranges = {
          *IpPrefix::parse(family == Family::kIPv4 ? "192.0.2.0/24" : "2001:db8:c::/48")};
      serve(restricted, {&world->b});
      forget_connections();
      EXPECT_TRUE(silent(world->outside));
      EXPECT_THAT(probe_at(world->outside, kExternalIp, family, protocol), testing::Each(answer));
    }
}

}  // namespace
}  // namespace antrea::node
