#include "antrea/lab/topology.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "antrea/base/hash.h"
#include "antrea/lab/netlink.h"

namespace antrea::lab {
namespace {

constexpr std::chrono::seconds kTunnelWait{10};

/// Locally administered, the same for the same name.
MacAddress mac_of(const std::string& name) {
  const std::uint64_t bits = stable_hash(name) & 0x0000'ffff'ffff'ffffULL;
  return MacAddress::from_bits((bits & ~(0x01ULL << 40)) | (0x02ULL << 40));
}

Result<> write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  out.close();
  if (!out) return errno_error("write", path);
  return {};
}

}  // namespace

HostView Host::view() const {
  return {.net = net.fd(),
          .hostname = name,
          .binds = {{dir + "/run", "/run"},
                    {dir + "/hosts", "/etc/hosts"},
                    {dir + "/resolv.conf", "/etc/resolv.conf"}}};
}

Result<std::unique_ptr<Topology>> Topology::build(const TopologyOptions& options) {
  if (options.node_count == 0 || options.node_count > LabNetwork::kMaxNodes)
    return make_error(
        Errc::kInvalidArgument,
        fmt::format("{} Nodes, expected 1 to {}", options.node_count, LabNetwork::kMaxNodes));
  ANTREA_TRY(NetNamespace fabric, NetNamespace::create());
  std::unique_ptr<Topology> out(new Topology(options, std::move(fabric)));
  ANTREA_CHECK(out->build_fabric());
  ANTREA_CHECK(out->build_outside());
  ANTREA_CHECK(out->build_beside());
  for (unsigned i = 0; i < options.node_count; ++i) ANTREA_CHECK(out->add_node(i));
  ANTREA_CHECK(out->write_hosts_files());
  return out;
}

Node* Topology::find_node(const std::string& name) {
  for (auto& node : nodes_) {
    if (node->host.name == name) return node.get();
  }
  return nullptr;
}

Result<> Topology::build_fabric() {
  ANTREA_TRY(Netlink net, Netlink::open(fabric_));
  ANTREA_CHECK(net.add_bridge(kFabric));
  ANTREA_CHECK(net.set_up(kFabric));
  ANTREA_CHECK(net.add_address(kFabric, LabNetwork::nodes_router(), LabNetwork::nodes().length()));
  ANTREA_CHECK(disable_tx_offload(fabric_, kFabric));
  return set_sysctl(fabric_, "net/ipv4/ip_forward", "1");
}

Result<> Topology::build_outside() {
  ANTREA_TRY(Host host, make_host("outside", LabNetwork::outside()));
  ANTREA_TRY(Netlink net, Netlink::open(fabric_));
  ANTREA_TRY(Netlink inside, Netlink::open(host.net));
  ANTREA_CHECK(net.add_veth("out0", "eth0", host.net));
  ANTREA_CHECK(net.set_up("out0"));
  ANTREA_CHECK(net.add_address("out0", LabNetwork::outer_router(), LabNetwork::outer().length()));
  ANTREA_CHECK(inside.set_up("eth0"));
  ANTREA_CHECK(inside.add_address("eth0", host.address, LabNetwork::outer().length()));
  ANTREA_CHECK(inside.add_route(IpPrefix(IpAddress::v4(0), 0), LabNetwork::outer_router()));
  ANTREA_CHECK(disable_tx_offload(fabric_, "out0"));
  ANTREA_CHECK(disable_tx_offload(host.net, "eth0"));
  outside_ = std::make_unique<Host>(std::move(host));
  return {};
}

Result<> Topology::build_beside() {
  ANTREA_TRY(Host host, make_host("beside", LabNetwork::beside()));
  ANTREA_TRY(Netlink net, Netlink::open(fabric_));
  ANTREA_TRY(Netlink inside, Netlink::open(host.net));
  ANTREA_CHECK(net.add_veth("beside", "eth0", host.net));
  ANTREA_CHECK(net.set_master("beside", kFabric));
  ANTREA_CHECK(net.set_up("beside"));
  ANTREA_CHECK(inside.set_up("eth0"));
  ANTREA_CHECK(inside.add_address("eth0", host.address, LabNetwork::nodes().length()));
  ANTREA_CHECK(inside.add_route(IpPrefix(IpAddress::v4(0), 0), LabNetwork::nodes_router()));
  ANTREA_CHECK(disable_tx_offload(host.net, "eth0"));
  beside_ = std::make_unique<Host>(std::move(host));
  return {};
}

Result<> Topology::add_node(unsigned index) {
  const std::string name = fmt::format("worker-{:02}", index + 1);
  ANTREA_TRY(Host host, make_host(name, LabNetwork::node(index)));
  ANTREA_TRY(Netlink net, Netlink::open(fabric_));
  ANTREA_TRY(Netlink inside, Netlink::open(host.net));
  ANTREA_CHECK(net.add_veth(name, "eth0", host.net));
  ANTREA_CHECK(net.set_master(name, kFabric));
  ANTREA_CHECK(net.set_up(name));
  // Its frames are the switch's: the kernel must neither answer ARP nor take a packet on it a
  // second time. Having a MAC other than the Node's sees to the latter.
  ANTREA_CHECK(inside.set_no_arp("eth0"));
  ANTREA_CHECK(set_sysctl(host.net, "net/ipv6/conf/eth0/disable_ipv6", "1"));
  ANTREA_CHECK(inside.set_up("eth0"));
  ANTREA_CHECK(set_sysctl(host.net, "net/ipv4/ip_forward", "1"));

  ANTREA_TRY(VSwitch vswitch,
             VSwitch::start(host.view(), host.dir + "/run/openvswitch", name, options_.datapath));
  nodes_.push_back(std::make_unique<Node>(Node{std::move(host), std::move(vswitch)}));
  return build_uplink(*nodes_.back());
}

Result<Host> Topology::make_host(const std::string& name, const IpAddress& address) {
  const std::string dir = options_.dir + "/hosts/" + name;
  std::error_code ec;
  for (const char* sub : {"/run/openvswitch", "/run/antrea", "/run/lock"}) {
    std::filesystem::create_directories(dir + sub, ec);
    if (ec) return errno_error(ec.value(), "create", dir + sub);
  }
  ANTREA_CHECK(write_text(dir + "/hosts", "127.0.0.1 localhost\n"));
  ANTREA_CHECK(write_text(dir + "/resolv.conf",
                          fmt::format("nameserver {}\n", LabNetwork::outside().to_string())));
  ANTREA_TRY(NetNamespace net, NetNamespace::create());
  return Host{.name = name, .address = address, .dir = dir, .net = std::move(net)};
}

Result<> Topology::build_uplink(Node& node) {
  const MacAddress mac = mac_of(node.host.name);
  const std::string type(to_string(options_.datapath));
  ANTREA_TRY(Netlink net, Netlink::open(node.host.net));
  if (options_.datapath == Datapath::kDummy) ANTREA_CHECK(split_uplink(node, mac));
  ANTREA_CHECK(node.vswitch.tool(
      {"ovs-vsctl", "add-br", kUplink, "--", "set", "Bridge", kUplink, "datapath_type=" + type,
       "fail_mode=standalone", "other_config:hwaddr=" + mac.to_string(), "--", "add-port", kUplink,
       "eth0", "--", "set", "Interface", "eth0", "ofport_request=1"}));
  if (options_.datapath == Datapath::kDummy) {
    ANTREA_CHECK(node.vswitch.tool({"ovs-vsctl", "add-port", kUplink, "br-phy~", "--", "set",
                                    "Interface", "br-phy~", "ofport_request=2"}));
    ANTREA_CHECK(program_uplink(node));
  }
  ANTREA_CHECK(net.set_up(kUplink));
  ANTREA_CHECK(net.add_address(kUplink, node.host.address, LabNetwork::nodes().length()));
  return net.add_route(IpPrefix(IpAddress::v4(0), 0), LabNetwork::nodes_router());
}

Result<> Topology::restart_vswitch(Node& node) {
  ANTREA_CHECK(node.vswitch.restart_dead());
  if (options_.datapath != Datapath::kDummy) return {};
  // Changes nothing, but returns only once the bridge is there again.
  ANTREA_CHECK(node.vswitch.tool({"ovs-vsctl", "--may-exist", "add-br", kUplink}));
  return program_uplink(node);
}

Result<> Topology::program_uplink(Node& node) {
  // Open vSwitch and the host have the same address: tunnels go to the one, the rest to the other.
  for (const char* flow :
       {"priority=100,in_port=1,udp,tp_dst=6081,actions=LOCAL",
        "priority=100,in_port=1,udp,tp_dst=4789,actions=LOCAL",
        "priority=100,in_port=1,ip,nw_proto=47,actions=LOCAL",
        "priority=90,in_port=1,arp,actions=LOCAL,2", "priority=80,in_port=1,actions=2",
        "priority=80,in_port=2,actions=1", "priority=80,in_port=LOCAL,actions=1"})
    ANTREA_CHECK(node.vswitch.tool({"ovs-ofctl", "add-flow", kUplink, flow}));
  const auto control = [&](std::vector<std::string> command) {
    command.insert(command.begin(),
                   {"ovs-appctl", "-t", node.vswitch.run_dir() + "/ovs-vswitchd.ctl"});
    return node.vswitch.tool(std::move(command));
  };
  const std::string address = node.host.address.to_string();
  ANTREA_CHECK(control({"netdev-dummy/ip4addr", kUplink, address + "/24"}));
  // A device without an address when its routes were read is looked at again with the next route.
  ANTREA_CHECK(control({"ovs/route/add", LabNetwork::nodes().to_string(), kUplink}));
  // Tunnels, if there are any, end there only once the main loop has turned; their packets that
  // came earlier were cached as the host's own.
  const auto deadline = std::chrono::steady_clock::now() + kTunnelWait;
  for (;;) {
    ANTREA_TRY(const std::string tunnels, control({"tnl/ports/show", "-v"}));
    if (tunnels.find("_sys_") == std::string::npos) return {};
    if (tunnels.find("ipv4(dst=" + address + ",") != std::string::npos) break;
    if (std::chrono::steady_clock::now() > deadline)
      return make_error(Errc::kTimeout, "wait for the tunnels' own address", node.host.name);
  }
  ANTREA_CHECK(control({"revalidator/purge"}));
  return {};
}

Result<> Topology::split_uplink(Node& node, const MacAddress& mac) {
  ANTREA_CHECK(add_split_port(node, kUplink, "br-phy~"));
  ANTREA_CHECK(add_split_port(node, kGateway, kGatewayPeer));
  ANTREA_TRY(Netlink net, Netlink::open(node.host.net));
  return net.set_mac(kUplink, mac);
}

Result<> Topology::add_split_port(Node& node, const char* name, const char* peer) {
  ANTREA_TRY(Netlink net, Netlink::open(node.host.net));
  ANTREA_CHECK(net.add_veth(name, peer, node.host.net));
  ANTREA_CHECK(net.set_no_arp(peer));
  ANTREA_CHECK(
      set_sysctl(node.host.net, std::string("net/ipv6/conf/") + peer + "/disable_ipv6", "1"));
  ANTREA_CHECK(net.set_up(peer));
  return disable_tx_offload(node.host.net, name);
}

Result<> Topology::write_hosts_files() {
  std::string text = "127.0.0.1 localhost\n";
  for (const auto& node : nodes_)
    text += fmt::format("{} {}\n", node->host.address.to_string(), node->host.name);
  for (const Host* host : {outside_.get(), beside_.get()})
    text += fmt::format("{} {}\n", host->address.to_string(), host->name);
  for (const auto& node : nodes_) ANTREA_CHECK(write_text(node->host.dir + "/hosts", text));
  ANTREA_CHECK(write_text(beside_->dir + "/hosts", text));
  return write_text(outside_->dir + "/hosts", text);
}

}  // namespace antrea::lab
