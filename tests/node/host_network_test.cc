#include "antrea/node/host_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/addresses.h"
#include "tests/node/lab.h"

namespace antrea::node {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

NodeConfig config() {
  NodeConfig out;
  out.name = "node-1";
  out.node_ips = {ip("172.18.0.1")};
  out.pod_cidrs = {cidr("10.10.1.0/24"), cidr("fd00:10:10:1::/64")};
  out.userspace_datapath = true;
  return out;
}
PeerNode peer(int n) {
  const auto text = std::to_string(n);
  return {"node-" + text,
          ip("172.18.0." + text),
          {cidr("10.10." + text + ".0/24"), cidr("fd00:10:10:" + text + "::/64")}};
}
std::vector<std::string> texts(const std::vector<HostOperation>& plan) {
  std::vector<std::string> out;
  for (const auto& operation : plan) out.push_back(describe(operation));
  return out;
}
std::string commands(const std::vector<HostOperation>& plan) {
  for (const auto& operation : plan)
    if (const auto* nft = std::get_if<NftTransaction>(&operation)) return nft->commands;
  return "";
}

TEST(HostNetworkPlan, NothingWhenEqual) {
  const std::vector peers{peer(2), peer(3)};
  const auto desired = desired_host_state(config(), peers);
  EXPECT_THAT(plan_host_network(desired, desired), testing::IsEmpty());
}

TEST(HostNetworkPlan, APeerIsAnElementARouteAndForIpv6ANeighbour) {
  const auto before = desired_host_state(config(), std::vector{peer(2)});
  const auto after = desired_host_state(config(), std::vector{peer(2), peer(3)});
  const auto plan = plan_host_network(after, before);
  EXPECT_EQ(commands(plan),
            "add element inet antrea pod-cidr { 10.10.3.0/24 }\n"
            "add element inet antrea pod-cidr-6 { fd00:10:10:3::/64 }\n");
  auto rest = texts(plan);
  rest.erase(rest.begin());
  EXPECT_THAT(rest, ElementsAre("route fd00:10:10:3::1/128",
                                "neighbour fd00:10:10:3::1 at aa:bb:cc:dd:ee:ff",
                                "route 10.10.3.0/24 via 10.10.3.1 onlink",
                                "route fd00:10:10:3::/64 via fd00:10:10:3::1"));
  const auto back = plan_host_network(before, after);
  EXPECT_THAT(commands(back), HasSubstr("delete element inet antrea pod-cidr { 10.10.3.0/24 }"));
  EXPECT_THAT(texts(back), Contains("no route 10.10.3.0/24"));
  EXPECT_THAT(texts(back), Contains("no neighbour fd00:10:10:3::1"));
}

TEST(HostNetworkPlan, KeepsKernelRoutesAndRemovesStaleOnes) {
  const auto desired = desired_host_state(config(), {});
  auto actual = desired;
  actual.routes[cidr("10.99.0.0/24")] = {cidr("10.99.0.0/24"), {}, false, {}};
  actual.kernel_routes.insert(cidr("10.99.0.0/24"));
  actual.routes[cidr("10.98.0.0/24")] = {cidr("10.98.0.0/24"), ip("10.98.0.1"), true, {}};
  actual.addresses.insert({ip("10.99.0.1"), 24});
  EXPECT_THAT(texts(plan_host_network(desired, actual)),
              ElementsAre("no address 10.99.0.1/24", "no route 10.98.0.0/24"));
}

// As an agent starts again: it does not know the Services yet.
TEST(HostNetworkPlan, WhatIsNotKnownYetStays) {
  auto serving = config();
  serving.proxy_all = true;
  proxy::HostServices services;
  services.cluster_ips_v4 = cidr("10.96.0.0/20");
  services.external_ips = {ip("203.0.113.1")};
  services.node_ports = {{Family::kIPv4, api::Protocol::kTcp, 30080}};
  const std::vector peers{peer(2)};
  const auto actual = desired_host_state(serving, peers, services, {ip("172.18.0.1")});
  auto desired = desired_host_state(serving, peers, {}, {ip("172.18.0.1")});
  desired.complete = false;
  EXPECT_THAT(plan_host_network(desired, actual), testing::IsEmpty());
  // What is known already is done.
  const std::vector more{peer(2), peer(3)};
  desired = desired_host_state(serving, more, {}, {ip("172.18.0.1")});
  desired.complete = false;
  const auto plan = plan_host_network(desired, actual);
  EXPECT_THAT(commands(plan), Not(HasSubstr("delete")));
  EXPECT_THAT(texts(plan), Contains("route 10.10.3.0/24 via 10.10.3.1 onlink"));
  EXPECT_THAT(texts(plan), Not(Contains(testing::StartsWith("no "))));

  desired.complete = true;
  const auto rest = plan_host_network(desired, actual);
  EXPECT_THAT(texts(rest), Contains("no route 10.96.0.0/20"));
  EXPECT_THAT(texts(rest), Contains("no route 203.0.113.1/32"));
  EXPECT_THAT(commands(rest), HasSubstr("delete element inet antrea node-port { 6 . 30080 }"));
}

TEST(HostNetworkPlan, ServicesAreLedByTheNewPrefixBeforeTheOldOneGoes) {
  auto serving = config();
  serving.proxy_all = true;
  proxy::HostServices before, after;
  before.cluster_ips_v4 = cidr("10.96.0.0/20");
  after.cluster_ips_v4 = cidr("10.96.0.0/24");
  const auto wide = desired_host_state(serving, {}, before);
  const auto narrow = desired_host_state(serving, {}, after);
  EXPECT_THAT(texts(plan_host_network(narrow, wide)),
              ElementsAre("route 10.96.0.0/24 via 169.254.0.253", "no route 10.96.0.0/20"));
  EXPECT_THAT(texts(plan_host_network(wide, narrow)),
              ElementsAre("route 10.96.0.0/20 via 169.254.0.253", "no route 10.96.0.0/24"));
}

TEST(HostNetworkPlan, RestoresARouteThatTheKernelLost) {
  const auto desired = desired_host_state(config(), {});
  auto actual = desired;
  actual.routes.erase(cidr("10.10.1.0/24"));
  EXPECT_THAT(texts(plan_host_network(desired, actual)), ElementsAre("route 10.10.1.0/24"));
  // With a new address the kernel makes it.
  actual.addresses.erase({ip("10.10.1.1"), 24});
  EXPECT_THAT(texts(plan_host_network(desired, actual)), ElementsAre("address 10.10.1.1/24"));
}

TEST(HostNetworkPlan, AChangedTableIsReplacedInOneTransaction) {
  const auto desired = desired_host_state(config(), std::vector{peer(2)});
  auto actual = desired;
  actual.tables["inet antrea"].body += "\tchain foreign {\n\t}\n";
  auto text = commands(plan_host_network(desired, actual));
  EXPECT_THAT(text, testing::StartsWith("delete table inet antrea\ntable inet antrea {"));
  EXPECT_THAT(text, HasSubstr("add element inet antrea pod-cidr { 10.10.1.0/24, 10.10.2.0/24 }"));
  EXPECT_THAT(text, Not(HasSubstr("netdev")));
  auto kernel = config();
  kernel.userspace_datapath = false;
  text = commands(plan_host_network(desired_host_state(kernel, std::vector{peer(2)}), desired));
  EXPECT_THAT(text, testing::StartsWith("delete table arp antrea\ndelete table netdev antrea\n"));
  EXPECT_THAT(text, Not(HasSubstr("iifgroup")));
}

TEST(NftListing, IsRead) {
  const auto table = parse_nft_table(
      "table inet antrea {\n\tset a {\n\t\ttype ipv6_addr\n\t\telements = { fd00::/64,\n\t\t\t     "
      "fd01::1 }\n\t}\n\n"
      "\tset b {\n\t\ttype ipv4_addr\n\t}\n}\n");
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(table->family, "inet");
  EXPECT_EQ(table->name, "antrea");
  EXPECT_EQ(table->body,
            "\tset a {\n\t\ttype ipv6_addr\n\t}\n\n\tset b {\n\t\ttype ipv4_addr\n\t}\n");
  EXPECT_EQ(table->elements.at("a"), (std::set<std::string>{"fd00::/64", "fd01::1"}));
  EXPECT_TRUE(table->elements.at("b").empty());
  for (const char* bad : {"", "table", "table x", "table inet antrea {", "chain x { }",
                          "table inet antrea {\n\tset a {\n\t\telements = { 1\n"})
    EXPECT_FALSE(parse_nft_table(bad)) << bad;
}

// The real thing, on a device that stands for the gateway.
TEST(NodePortAddresses, AreThoseOfTheHostsOwnDevices) {
  const std::vector<Link> links{{.index = 1, .name = "lo"},
                                {.index = 2, .name = "eth0"},
                                {.index = 3, .name = "antrea-gw0"},
                                {.index = 4, .name = "antrea-ext.5"},
                                {.index = 5, .name = "kube-ipvs0"}};
  std::vector<LinkAddress> addresses{{1, ip("127.0.0.1"), 8},      {2, ip("172.18.0.1"), 24},
                                     {2, ip("2001:db8:a::1"), 64}, {2, ip("fe80::1"), 64},
                                     {3, ip("10.10.1.1"), 24},     {4, ip("198.51.100.7"), 24},
                                     {5, ip("10.96.0.10"), 32},    {9, ip("192.0.2.1"), 24}};
  EXPECT_THAT(find_node_port_addresses(links, addresses, {}, "antrea-gw0"),
              testing::ElementsAre(ip("172.18.0.1"), ip("2001:db8:a::1")));
  EXPECT_THAT(find_node_port_addresses(
                  links, addresses, std::vector{*IpPrefix::parse("172.16.0.0/12")}, "antrea-gw0"),
              testing::ElementsAre(ip("172.18.0.1")));
}

class HostNetworkInKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    where.emplace();
    where->run({"ip", "link", "add", "antrea-gw0", "type", "veth", "peer", "name", "other"});
    where->run({"ip", "link", "set", "other", "up"});
  }
  std::vector<std::string> apply(const HostState& desired) {
    std::vector<std::string> out;
    where->enter([&] {
      auto host = HostNetwork::open();
      ASSERT_TRUE(host) << host.error().to_string();
      const auto done = host->apply(desired);
      ASSERT_TRUE(done) << done.error().to_string();
      out = texts(*done);
    });
    return out;
  }
  std::optional<lab::Namespace> where;
};

TEST_F(HostNetworkInKernel, ReachesTheDesiredStateAndStaysThere) {
  auto desired = desired_host_state(config(), std::vector{peer(2), peer(3)});
  EXPECT_THAT(apply(desired), Not(testing::IsEmpty()));
  EXPECT_THAT(apply(desired), testing::IsEmpty()) << "a new process finds nothing to do";
  EXPECT_THAT(where->run({"ip", "route"}),
              HasSubstr("10.10.3.0/24 via 10.10.3.1 dev antrea-gw0 proto static onlink"));
  EXPECT_THAT(where->run({"ip", "-6", "route"}),
              HasSubstr("fd00:10:10:2::/64 via fd00:10:10:2::1 dev antrea-gw0"));
  EXPECT_THAT(where->run({"ip", "-6", "neigh"}),
              HasSubstr("fd00:10:10:2::1 dev antrea-gw0 lladdr aa:bb:cc:dd:ee:ff PERMANENT"));
  EXPECT_THAT(where->run({"ip", "link", "show", "antrea-gw0"}), HasSubstr("mtu 1450"));
  EXPECT_EQ(where->run({"cat", "/proc/sys/net/ipv4/ip_forward"}), "1\n");

  // A peer goes; others meddle.
  where->run({"ip", "route", "del", "10.10.2.0/24"});
  where->run({"ip", "route", "add", "10.77.0.0/16", "dev", "antrea-gw0"});
  where->run({"ip", "addr", "add", "10.66.0.1/24", "dev", "antrea-gw0"});
  where->run({"nft", "add chain inet antrea foreign"});
  desired = desired_host_state(config(), std::vector{peer(2)});
  EXPECT_THAT(apply(desired), Not(testing::IsEmpty()));
  EXPECT_THAT(apply(desired), testing::IsEmpty());
  const auto routes = where->run({"ip", "route"});
  EXPECT_THAT(routes, HasSubstr("10.10.2.0/24 via 10.10.2.1"));
  for (const char* gone : {"10.10.3.0/24", "10.77.0.0/16", "10.66.0.0/24"})
    EXPECT_THAT(routes, Not(HasSubstr(gone)));
  EXPECT_THAT(where->run({"nft", "list", "ruleset"}), Not(HasSubstr("foreign")));

  // Services come and go.
  auto serving = config();
  serving.proxy_all = true;
  proxy::HostServices services;
  services.node_ports = {{Family::kIPv4, api::Protocol::kTcp, 30080},
                         {Family::kIPv6, api::Protocol::kUdp, 30053}};
  services.external_ips = {ip("203.0.113.1"), ip("2001:db8::1")};
  services.cluster_ips_v4 = *IpPrefix::parse("10.96.0.0/24");
  const std::set<IpAddress> own{ip("172.18.0.1"), ip("2001:db8:a::1")};
  const auto with_services = [&] {
    return desired_host_state(serving, std::vector{peer(2)}, services, own);
  };
  EXPECT_THAT(apply(with_services()), Not(testing::IsEmpty()));
  EXPECT_THAT(apply(with_services()), testing::IsEmpty());
  EXPECT_THAT(where->run({"ip", "route"}), HasSubstr("10.96.0.0/24 via 169.254.0.253"));
  EXPECT_THAT(where->run({"ip", "-6", "route"}), HasSubstr("2001:db8::1 via fc01::aabb:ccdd:eeff"));
  services.node_ports.erase(services.node_ports.begin());
  services.external_ips.erase(ip("203.0.113.1"));
  EXPECT_THAT(apply(with_services()), testing::SizeIs(2)) << "one transaction and one route";
  EXPECT_THAT(apply(with_services()), testing::IsEmpty());
  EXPECT_THAT(where->run({"nft", "list", "set", "inet", "antrea", "node-port"}),
              Not(HasSubstr("30080")));
  EXPECT_THAT(apply(desired), Not(testing::IsEmpty()));
  EXPECT_THAT(apply(desired), testing::IsEmpty());
  EXPECT_THAT(where->run({"ip", "route"}), Not(HasSubstr("169.254.0.25")));

  // The link flaps: the kernel forgets routes and permanent neighbours.
  where->run({"ip", "link", "set", "antrea-gw0", "down"});
  apply(desired);
  EXPECT_THAT(apply(desired), testing::IsEmpty());
  EXPECT_THAT(where->run({"ip", "route"}), HasSubstr("10.10.2.0/24 via 10.10.2.1"));
}

TEST_F(HostNetworkInKernel, LeavesNothingBehind) {
  const auto desired = desired_host_state(config(), std::vector{peer(2)});
  apply(desired);
  where->enter([&] {
    auto host = HostNetwork::open();
    ASSERT_TRUE(host);
    const auto done = host->remove(desired);
    EXPECT_TRUE(done) << done.error().to_string();
  });
  EXPECT_EQ(where->run({"nft", "list", "ruleset"}), "");
  EXPECT_THAT(where->run({"ip", "route"}), Not(HasSubstr("antrea-gw0")));
}

TEST_F(HostNetworkInKernel, AsksForNeighboursAtOnceButNotForPermanentOnes) {
  where->run({"ip", "link", "set", "antrea-gw0", "up"});
  where->run({"ip", "address", "add", "10.10.1.1/24", "dev", "antrea-gw0"});
  for (const auto& [address, state] : {std::pair("10.10.1.8", "stale"), {"10.10.1.9", "permanent"}})
    where->run({"ip", "neighbour", "add", address, "lladdr", "02:00:00:00:00:01", "dev",
                "antrea-gw0", "nud", state});
  where->enter([&] {
    auto kernel = Netlink::open();
    ASSERT_TRUE(kernel);
    const auto link = kernel->link("antrea-gw0");
    ASSERT_TRUE(link);
    for (const char* const address : {"10.10.1.7", "10.10.1.8", "10.10.1.9"}) {
      const auto asked = kernel->probe_neighbour(link->index, ip(address));
      EXPECT_TRUE(asked) << asked.error().to_string();
    }
  });
  const auto state_of = [&](const char* address) {
    return where->run({"ip", "neighbour", "show", address});
  };
  EXPECT_THAT(state_of("10.10.1.7"), HasSubstr("INCOMPLETE"));
  EXPECT_THAT(state_of("10.10.1.8"), HasSubstr("PROBE"));
  EXPECT_THAT(state_of("10.10.1.9"), HasSubstr("PERMANENT"));
}

TEST_F(HostNetworkInKernel, WithoutAGatewaySaysSo) {
  where->run({"ip", "link", "del", "antrea-gw0"});
  where->enter([&] {
    auto host = HostNetwork::open();
    ASSERT_TRUE(host);
    const auto done = host->apply(desired_host_state(config(), {}));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kNotFound);
    EXPECT_EQ(done.error().object, "antrea-gw0");
  });
}

}  // namespace
}  // namespace antrea::node
