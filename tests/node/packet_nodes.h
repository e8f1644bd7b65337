#pragma once

// Nodes and Pods for tests with real packets: Open vSwitch in userspace with the pipeline and the
// Services, and the host's network, each Node and Pod in a network namespace.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "antrea/node/host_network.h"
#include "antrea/node/netlink.h"
#include "antrea/node/node_routes.h"
#include "antrea/node/pipeline.h"
#include "antrea/proxy/balancer.h"
#include "tests/addresses.h"
#include "tests/node/lab.h"

namespace antrea::node {

using lab::Namespace;
using lab::Server;

class Node {
 public:
  /// `serve_all`: of both families, without kube-proxy, and with direct server return.
  explicit Node(int number, bool serve_all = false, bool egress = false)
      : Node(number, features(serve_all, egress), serve_all) {}
  /// What `features` says besides the Node's own name and addresses.
  Node(int number, NodeConfig features, bool dual_stack) : config(std::move(features)), ovs(where) {
    config.name = "node-" + std::to_string(number);
    config.node_ips = {ip("172.18.0." + std::to_string(number))};
    config.pod_cidrs = {*IpPrefix::parse("10.10." + std::to_string(number) + ".0/24")};
    if (dual_stack)
      config.pod_cidrs.push_back(*IpPrefix::parse("fd10:" + std::to_string(number) + "::/64"));
    config.userspace_datapath = true;
    ovs.vsctl({"add-br",
               "br-int",
               "--",
               "set",
               "bridge",
               "br-int",
               "datapath_type=netdev",
               "fail_mode=secure",
               "protocols=OpenFlow15",
               "--",
               "add-port",
               "br-int",
               "antrea-gw0",
               "--",
               "set",
               "interface",
               "antrea-gw0",
               "type=internal",
               "ofport_request=32769",
               "--",
               "add-port",
               "br-int",
               "antrea-tun0",
               "--",
               "set",
               "interface",
               "antrea-tun0",
               "type=geneve",
               "ofport_request=32768",
               "options:remote_ip=flow",
               "options:key=flow"});
    auto mac = ovs.vsctl({"get", "interface", "antrea-gw0", "mac_in_use"});
    config.gateway_mac = *MacAddress::parse(mac.substr(1, 17));
    pipeline.emplace(config);
    balancer.emplace(proxy::BalancerConfig{
        .node_name = config.name, .proxy_all = config.proxy_all, .dsr = config.dsr});
    commit(pipeline->start());
    if (config.proxy) commit(balancer->start());
  }

  void connect(Node& other) {
    where.run({"ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(other.where.pid())});
    for (Node* node : {this, &other}) {
      node->ovs.vsctl({"add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
                       "fail_mode=standalone", "--", "add-port", "br-phy", "eth0"});
      node->where.run({"ip", "addr", "add", node->address().to_string() + "/24", "dev", "br-phy"});
      node->where.run(
          {"ip", "addr", "add", node->address_v6().to_string() + "/64", "dev", "br-phy", "nodad"});
      node->where.run({"ip", "link", "set", "br-phy", "up"});
      node->where.run({"ip", "link", "set", "eth0", "up"});
    }
    add_peer(other);
    other.add_peer(*this);
  }

  void add_peer(const Node& other) {
    peers.push_back({other.config.name, other.address(), other.config.pod_cidrs});
    commit(pipeline->add_peer(peers.back()));
  }

  void set_up_host() {
    where.enter([&] {
      auto host = HostNetwork::open();
      ASSERT_TRUE(host) << host.error().to_string();
      const auto done = host->apply(desired_host_state(config, peers, balancer->host(),
                                                       balancer->node().node_port_addresses));
      ASSERT_TRUE(done) << done.error().to_string();
    });
  }

  void commit(const openflow::Changes& changes) { ovs.commit("br-int", changes); }
  IpAddress address() const { return config.node_ips.front(); }
  IpAddress address_v6() const { return ip("fd18::" + config.name.substr(5)); }
  IpAddress gateway() const { return gateway_ip(config.pod_cidrs.front()); }
  IpAddress gateway_v6() const { return gateway_ip(config.pod_cidrs.back()); }

  NodeConfig config;
  Namespace where;
  lab::OpenVSwitch ovs;
  std::optional<Pipeline> pipeline;
  std::optional<proxy::Balancer> balancer;
  std::vector<PeerNode> peers;

 private:
  static NodeConfig features(bool serve_all, bool egress) {
    NodeConfig out;
    out.egress = egress;
    out.proxy_all = out.dsr = serve_all;
    return out;
  }
};

class Pod {
 public:
  Pod(Node& node, const std::string& name, int last) : server_name(name) {
    interface.name = host_interface_name(name, name);
    interface.mac = MacAddress::from_bits(0x0a0000000000ULL + static_cast<unsigned>(last) * 256 +
                                          node.config.name.back());
    for (const IpPrefix& cidr : node.config.pod_cidrs)
      interface.ips.push_back(cidr.address().plus(static_cast<unsigned>(last)));
    node.where.run({"ip", "link", "add", interface.name, "type", "veth", "peer", "name", "eth0",
                    "netns", std::to_string(where.pid())});
    node.where.run(
        {"ip", "link", "set", interface.name, "group", std::to_string(kPodInterfaceGroup), "up"});
    where.run(
        {"ip", "link", "set", "eth0", "address", interface.mac.to_string(), "mtu", "1450", "up"});
    where.run({"ip", "addr", "add", address().to_string() + "/24", "dev", "eth0"});
    where.run({"ip", "route", "add", "default", "via", node.gateway().to_string()});
    if (node.config.pod_cidrs.size() > 1) {
      where.run({"ip", "addr", "add", address_v6().to_string() + "/64", "dev", "eth0", "nodad"});
      where.run({"ip", "route", "add", "default", "via", node.gateway_v6().to_string()});
    }
    where.enter([] {  // the switch in userspace does not complete checksums
      const auto off = set_tx_checksum("eth0", false);
      EXPECT_TRUE(off) << off.error().to_string();
    });
    node.ovs.vsctl({"add-port", "br-int", interface.name});
    interface.ofport = static_cast<std::uint32_t>(
        std::stoul(node.ovs.vsctl({"get", "interface", interface.name, "ofport"})));
    node.commit(node.pipeline->add_pod(interface));
    server.emplace(where, name, 80);
  }
  IpAddress address() const { return interface.ips.front(); }
  IpAddress address_v6() const { return interface.ips.back(); }

  Namespace where;
  std::string server_name;
  PodInterface interface;
  std::optional<Server> server;
};

}  // namespace antrea::node
