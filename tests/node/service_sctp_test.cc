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
    service.cluster_ips = {ip("10.96.0.10"), ip("fd96::10")};
    service.ports.push_back({.name = "s", .protocol = api::Protocol::kSctp, .port = 80});
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

  // The first packet of the Pod's association.
  std::string trace(const std::string& match, const IpAddress& to) const {
    const std::string header = to.is_v4() ? "nw" : "ipv6";
    const IpAddress from = to.is_v4() ? client_->address() : client_->address_v6();
    return node_->ovs.appctl({"ofproto/trace", "br-int",
                              "in_port=" + std::to_string(client_->interface.ofport) + "," + match +
                                  ",dl_src=" + client_->interface.mac.to_string() +
                                  ",dl_dst=" + node_->config.gateway_mac.to_string() + "," +
                                  header + "_src=" + from.to_string() + "," + header + "_dst=" +
                                  to.to_string() + ",nw_ttl=64,sctp_src=40000,sctp_dst=80",
                              "--ct-next", "trk,new", "--ct-next", "trk,new"});
  }

  std::optional<Node> node_;
  std::optional<Pod> client_, server_;
};

TEST_F(ServiceSctp, IsTranslatedToTheEndpointsAddressAndPort) {
  // As in "Datapath actions: ct(commit,zone=65520,…,nat(dst=10.10.1.3:9000)),recirc(0x2)".
  EXPECT_THAT(trace("sctp", ip("10.96.0.10")),
              HasSubstr("nat(dst=" + server_->address().to_string() + ":9000)),recirc("));
  EXPECT_THAT(trace("sctp6", ip("fd96::10")),
              HasSubstr("nat(dst=[" + server_->address_v6().to_string() + "]:9000)),recirc("));
}

}  // namespace
}  // namespace antrea::node
