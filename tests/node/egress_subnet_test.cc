// Egress IPs in a subnet that is not the Nodes' own: routes, rules and packets of a real kernel.
#include <gmock/gmock.h>

#include <sstream>

#include "antrea/node/netlink.h"
#include "tests/addresses.h"
#include "tests/node/egress_host_packets.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A Node whose default route is not through its transport interface, and which takes replies on
/// the way of their sources only: where distributions set rp_filter (antrea#6622).
class EgressSubnetPackets : public EgressHostPackets {
 protected:
  void SetUp() override {
    EgressHostPackets::SetUp();
    if (!node) return;
    management.emplace();
    plug_in("mgmt", {"192.168.7.2/24", "fd07::2/64"}, *management,
            {"192.168.7.1/24", "fd07::1/64"});
    for (const char* device : {"all", "uplink", "mgmt", "antrea-gw0"})
      node->run({"sysctl", "-qw", "net.ipv4.conf." + std::string(device) + ".rp_filter=1"});
    for (const char* address : {"172.19.0.1/24", "fd19::1/64"})
      outside->run({"ip", "addr", "add", address, "dev", "eth0", "nodad"});
    node->run({"ip", "route", "add", "default", "via", "192.168.7.1"});
    node->run({"ip", "route", "add", "default", "via", "fd07::1"});
    outside->run({"ip", "link", "set", "lo", "up"});
    outside->run({"ip", "addr", "add", "203.0.113.5/32", "dev", "lo"});
    outside->run({"ip", "addr", "add", "fd20::5/128", "dev", "lo", "nodad"});
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
  }

  static constexpr std::uint16_t kPortOfIpv6 = 81;  // an own one, as its socket takes both families
  std::string ask(const char* target, int timeout_ms) {
    return lab::ask(*pod, ip(target), ip(target).is_v6() ? kPortOfIpv6 : 80, timeout_ms);
  }
  std::string seen_at(const char* target) { return ask(target, 10'000); }
  /// Two SYNs in vain.
  bool silent(const char* target) { return ask(target, 1500).empty(); }

  std::optional<lab::Namespace> management;
  std::optional<lab::Server> server, server_v6;
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
