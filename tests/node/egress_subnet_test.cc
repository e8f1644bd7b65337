// Egress IPs in a subnet that is not the Nodes' own: routes, rules and packets of a real kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "antrea/node/egress_host.h"
#include "antrea/node/netlink.h"
#include "tests/addresses.h"
#include "tests/node/kept_lease.h"
#include "tests/node/lab.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A Node without a switch, whose default route is not through its transport interface, and which
/// takes replies on the way of their sources only: where distributions set rp_filter (antrea#6622).
class EgressSubnetPackets : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node.emplace();
    pod.emplace();
    outside.emplace();
    management.emplace();
    const auto link = [&](const char* name, lab::Namespace& peer,
                          std::vector<std::pair<std::string, std::string>> addresses) {
      node->run({"ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                 std::to_string(peer.pid())});
      node->run({"ip", "link", "set", name, "up"});
      peer.run({"ip", "link", "set", "eth0", "up"});
      for (const auto& [here, there] : addresses) {
        if (!here.empty()) node->run({"ip", "addr", "add", here, "dev", name, "nodad"});
        peer.run({"ip", "addr", "add", there, "dev", "eth0", "nodad"});
      }
    };
    node->run({"sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
               "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1"});
    link("uplink", *outside,
         {{"172.18.0.2/24", "172.18.0.9/24"}, {"", "172.19.0.1/24"}, {"", "fd19::1/64"}});
    link("mgmt", *management, {{"192.168.7.2/24", "192.168.7.1/24"}, {"fd07::2/64", "fd07::1/64"}});
    link("antrea-gw0", *pod, {{"10.10.0.1/24", "10.10.0.2/24"}, {"fd10::1/64", "fd10::2/64"}});
    pod->run({"ip", "route", "add", "default", "via", "10.10.0.1"});
    pod->run({"ip", "route", "add", "default", "via", "fd10::1"});
    node->run({"ip", "route", "add", "default", "via", "192.168.7.1"});
    node->run({"ip", "route", "add", "default", "via", "fd07::1"});
    node->run({"ip", "link", "set", "lo", "up"});
    outside->run({"ip", "link", "set", "lo", "up"});
    outside->run({"ip", "addr", "add", "203.0.113.5/32", "dev", "lo"});
    outside->run({"ip", "addr", "add", "fd20::5/128", "dev", "lo", "nodad"});
    // The marks that the pipeline gives.
    node->run({"nft",
               "table inet pipeline { chain prerouting { type filter hook prerouting priority "
               "mangle ; iifname antrea-gw0 meta nfproto ipv4 meta mark set 7 ; iifname "
               "antrea-gw0 meta nfproto ipv6 meta mark set 8 ; } ; }"});
    management->run(
        {"nft",
         "table inet seen { counter astray { packets 0 bytes 0 ; } ; chain input { type "
         "filter hook prerouting priority 0 ; meta l4proto { tcp, udp } counter name astray ; "
         "} ; }"});
    // The kernel does not answer for it, `egress::Announcer` does.
    const std::string uplink = node->run({"ip", "-o", "link", "show", "uplink"});
    outside->run({"ip", "neigh", "replace", "fd19::100", "lladdr",
                  uplink.substr(uplink.find("link/ether ") + 11, 17), "nud", "permanent", "dev",
                  "eth0"});
    server.emplace(*outside, "outside", 80);
    server_v6.emplace(*outside, "outside", kPortOfIpv6, Family::kIPv6);
    lease.emplace(*node);
  }

  /// What was done.
  std::vector<std::string> apply(const EgressHostNeeds& needs) {
    std::vector<std::string> out;
    node->enter([&] {
      auto host = EgressHost::open();
      ASSERT_TRUE(host) << host.error().to_string();
      const auto done = host->apply(desired_egress_host(NodeConfig{}, "uplink", needs));
      ASSERT_TRUE(done) << done.error().to_string();
      for (const auto& operation : *done) out.push_back(describe(operation));
    });
    return out;
  }
  static constexpr std::uint16_t kPortOfIpv6 = 81;  // an own one, as its socket takes both families
  std::string ask(const char* target, int timeout_ms) {
    return lab::ask(*pod, ip(target), ip(target).is_v6() ? kPortOfIpv6 : 80, timeout_ms);
  }
  std::string seen_at(const char* target) { return ask(target, 10'000); }
  /// Two SYNs in vain.
  bool silent(const char* target) { return ask(target, 1500).empty(); }

  std::optional<lab::Namespace> node, pod, outside, management;
  std::optional<lab::Server> server, server_v6;
  std::optional<KeptLease> lease;
};

const EgressSubnet kSubnet{*IpPrefix::parse("172.19.0.0/24"), ip("172.19.0.1")};
const EgressSubnet kSubnet6{*IpPrefix::parse("fd19::/64"), ip("fd19::1")};

EgressHostNeeds in_subnets() {
  return {.local = {{ip("172.19.0.100"), 7, true, {}, kSubnet},
                    {ip("fd19::100"), 8, true, {}, kSubnet6}},
          .subnets = {kSubnet, kSubnet6}};
}

TEST_F(EgressSubnetPackets, LeaveThroughTheGatewayOfTheirSubnetAndComeBack) {
  // Without the subnets they leave by the default route, and find nobody there.
  apply({.local = {{ip("172.19.0.100"), 7}, {ip("fd19::100"), 8}}});
  EXPECT_TRUE(silent("203.0.113.5"));
  EXPECT_TRUE(silent("fd20::5"));
  const auto astray = [&] {
    return management->run({"nft", "list", "counter", "inet", "seen", "astray"});
  };
  EXPECT_THAT(astray(), Not(HasSubstr("packets 0 ")));
  management->run({"nft", "reset", "counters"});

  EXPECT_THAT(apply(in_subnets()), Not(IsEmpty()));
  EXPECT_EQ(seen_at("203.0.113.5"), "outside 172.19.0.100");
  EXPECT_EQ(seen_at("fd20::5"), "outside fd19::100");
  EXPECT_EQ(seen_at("172.19.0.1"), "outside 172.19.0.100") << "the gateway itself";
  EXPECT_THAT(astray(), HasSubstr("packets 0 "));
  EXPECT_THAT(apply(in_subnets()), IsEmpty()) << "read back as it was written";
}

TEST_F(EgressSubnetPackets, WithoutRpFilterLoosenedRepliesAreLost) {
  apply(in_subnets());
  ASSERT_EQ(seen_at("203.0.113.5"), "outside 172.19.0.100");
  node->run({"sysctl", "-qw", "net.ipv4.conf.uplink.rp_filter=1"});
  EXPECT_TRUE(silent("203.0.113.5")) << "so it is this that lets them in";
  EXPECT_THAT(apply(in_subnets()),
              testing::ElementsAre("sysctl net/ipv4/conf/uplink/rp_filter = 2"));
  EXPECT_EQ(seen_at("203.0.113.5"), "outside 172.19.0.100");
}

TEST_F(EgressSubnetPackets, WhatIsNotNeededAnyMoreGoesAndWhatIsOthersStays) {
  node->run({"ip", "route", "add", "198.51.100.0/24", "via", "172.18.0.9", "table", "101"});
  node->run({"ip", "rule", "add", "fwmark", "0x7/0xff", "lookup", "101", "pref", "30000"});
  const auto state = [&] {
    return node->run({"sh", "-c",
                      "ip rule; ip -6 rule; ip route show table all; "
                      "ip -6 route show table all"});
  };
  const auto ways = [&](const std::string& text) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (line.find("lookup 1") != std::string::npos || line.find("table 1") != std::string::npos)
        out += line + "\n";
    return out;
  };
  const auto before = ways(state());
  ASSERT_THAT(before, HasSubstr("198.51.100.0/24"));
  apply(in_subnets());
  EXPECT_THAT(ways(state()), HasSubstr("172.19.0.0/24"));
  EXPECT_THAT(ways(state()), HasSubstr("iif antrea-gw0"));
  // A subnet stays for the addresses that may come; its gateway may become another one.
  auto needs = in_subnets();
  needs.local.clear();
  needs.subnets = {{kSubnet.prefix, ip("172.19.0.254")}};
  apply(needs);
  EXPECT_THAT(ways(state()), HasSubstr("via 172.19.0.254"));
  EXPECT_THAT(ways(state()), Not(HasSubstr("via 172.19.0.1 ")));
  EXPECT_THAT(ways(state()), Not(HasSubstr("iif antrea-gw0")));
  apply({});
  EXPECT_EQ(ways(state()), before);
}

}  // namespace
}  // namespace antrea::node
