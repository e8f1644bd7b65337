#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "antrea/node/egress_host.h"
#include "tests/node/kept_lease.h"
#include "tests/node/lab.h"

namespace antrea::node {

/// A Node without a switch between a Pod and the world outside. What the Pod sends has the mark
/// already that the pipeline would give: 7 over IPv4, 8 over IPv6.
class EgressHostPackets : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node.emplace();
    pod.emplace();
    outside.emplace();
    plug_in("uplink", {"172.18.0.2/24"}, *outside, {"172.18.0.9/24"});
    plug_in("antrea-gw0", {"10.10.0.1/24", "fd10::1/64"}, *pod, {"10.10.0.2/24", "fd10::2/64"});
    pod->run({"ip", "route", "add", "default", "via", "10.10.0.1"});
    pod->run({"ip", "route", "add", "default", "via", "fd10::1"});
    node->run({"ip", "link", "set", "lo", "up"});
    node->run({"sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
    node->run({"nft",
               "table inet pipeline { chain prerouting { type filter hook prerouting priority "
               "mangle ; iifname antrea-gw0 meta nfproto ipv4 meta mark set 7 ; iifname "
               "antrea-gw0 meta nfproto ipv6 meta mark set 8 ; } ; }"});
    lease.emplace(*node);
  }

  /// A device of the Node whose other end is eth0 of the peer.
  void plug_in(const std::string& name, const std::vector<std::string>& addresses,
               const lab::Namespace& peer, const std::vector<std::string>& peer_addresses) {
    node->run({"ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(peer.pid())});
    node->run({"ip", "link", "set", name, "up"});
    peer.run({"ip", "link", "set", "eth0", "up"});
    for (const auto& address : addresses)
      node->run({"ip", "addr", "add", address, "dev", name, "nodad"});
    for (const auto& address : peer_addresses)
      peer.run({"ip", "addr", "add", address, "dev", "eth0", "nodad"});
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

  std::optional<lab::Namespace> node, pod, outside;
  std::optional<KeptLease> lease;
};

}  // namespace antrea::node
