// What the switch tells a datapath to do with SCTP. Open vSwitch's own datapath in userspace does
// not do it, since its connection tracking knows no ports of SCTP; the kernel's does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/node/packet_nodes.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;

class ServiceSctp : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::can_switch())
      GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
    node_.emplace(1, true);
    client_.emplace(*node_, "pod-a", 2);
    server_.emplace(*node_, "pod-b", 3);
    proxy::ServiceChanges all;
    api::Service& service = all.services.emplace_back();
    service.metadata.namespace_ = "default";
    service.metadata.name = "signalling";
    service.type = api::ServiceType::kLoadBalancer;
    service.cluster_ips = {ip("10.96.0.10"), ip("fd96::10")};
    service.load_balancer_ips = {ip("203.0.113.1"), ip("fd20::1")};
    service.external_ips = {ip("198.51.100.1"), ip("fd19::1")};
    service.ports.push_back(
        {.name = "s", .protocol = api::Protocol::kSctp, .port = 80, .node_port = 30080});
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      api::EndpointSlice& slice = all.slices.emplace_back();
      slice.metadata.namespace_ = "default";
      slice.metadata.name = to_string(family);
      slice.service_name = "signalling";
      slice.address_type = family;
      slice.ports.push_back({.name = "s", .protocol = api::Protocol::kSctp, .port = 9000});
      slice.endpoints.push_back(
          {.addresses = {family == Family::kIPv4 ? server_->address() : server_->address_v6()},
           .node_name = "node-1"});
    }
    node_->commit(node_->balancer->apply(all).pipeline);
  }

  // The first packet of an association, of the Pod's or one that comes in by the gateway.
  std::string trace(bool from_pod, const IpAddress& to, std::uint16_t port = 80) const {
    const bool v4 = to.is_v4();
    const std::string header = v4 ? "nw" : "ipv6";
    const IpAddress outside = ip(v4 ? "172.18.0.9" : "fd18::9");
    const IpAddress own = v4 ? client_->address() : client_->address_v6();
    const auto& in = client_->interface;
    return node_->ovs.appctl(
        {"ofproto/trace", "br-int",
         "in_port=" + std::to_string(from_pod ? in.ofport : node_->config.gateway_ofport) +
             (v4 ? ",sctp" : ",sctp6") +
             ",dl_src=" + (from_pod ? in.mac : node_->config.gateway_mac).to_string() +
             ",dl_dst=" + (from_pod ? node_->config.gateway_mac : in.mac).to_string() + "," +
             header + "_src=" + (from_pod ? own : outside).to_string() + "," + header + "_dst=" +
             to.to_string() + ",nw_ttl=64,sctp_src=40000,sctp_dst=" + std::to_string(port),
         "--ct-next", "trk,new", "--ct-next", "trk,new"});
  }
  void expect_translated(bool from_pod, const IpAddress& to, std::uint16_t port = 80) const {
    // As in "Datapath actions: ct(commit,zone=65520,…,nat(dst=10.10.1.3:9000)),recirc(0x2)".
    const std::string endpoint =
        to.is_v4() ? server_->address().to_string() : "[" + server_->address_v6().to_string() + "]";
    EXPECT_THAT(trace(from_pod, to, port), HasSubstr("nat(dst=" + endpoint + ":9000)),recirc("))
        << to.to_string();
  }

  std::optional<Node> node_;
  std::optional<Pod> client_, server_;
};

TEST_F(ServiceSctp, IsTranslatedToTheEndpointsAddressAndPort) {
  for (const char* address : {"10.96.0.10", "fd96::10"}) expect_translated(true, ip(address));
  for (const char* address : {"203.0.113.1", "fd20::1", "198.51.100.1", "fd19::1"})
    for (const bool from_pod : {true, false}) expect_translated(from_pod, ip(address));
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    expect_translated(false, proxy::node_port_ip(family), 30080);
}

}  // namespace
}  // namespace antrea::node
