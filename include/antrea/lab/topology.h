#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/lab/namespace.h"
#include "antrea/lab/vswitch.h"

namespace antrea::lab {

struct TopologyOptions {
  std::string dir;  ///< exists; everything of the hosts is kept below it
  unsigned node_count = 2;
  Datapath datapath = Datapath::kNetdev;
};

/// A host of the lab: a namespace, an address on its uplink, and what its processes see.
struct Host {
  std::string name;
  IpAddress address;
  std::string dir;  ///< its own files; "run" below it is shown as /run
  NetNamespace net;

  /// What a process on this host sees: this network, its name, its own /run, /etc/hosts and
  /// /etc/resolv.conf.
  ANTREA_API HostView view() const;
};

/// A Node: a host whose uplink (eth0) belongs to an Open vSwitch bridge, br-phy, which carries the
/// Node's address, so that tunnels of the userspace datapath find their way out (an Antrea kind
/// cluster had the same shape up to v1.8).
struct Node {
  Host host;
  VSwitch vswitch;
};

/// The hosts of one lab and the network between them:
///
///     worker-01         worker-02      beside               outside
///     br-phy .2         br-phy .3      eth0 .250            eth0 172.18.1.10
///       eth0              eth0           |                    |
///        |                 |             |                    |
///     ========== phy0 172.18.0.0/24 =========== router =======+  172.18.1.0/24
///
/// The router knows no Pod network: Pods' packets leave the cluster only behind their Node's
/// address.
class ANTREA_API Topology {
 public:
  static constexpr const char* kUplink = "br-phy";  ///< the device that has the Node's address
  static constexpr const char* kFabric = "phy0";    ///< the bridge between the hosts
  /// With Datapath::kDummy only: a veth pair stands in for the internal port of br-int. The host's
  /// end has the port's name; the other is to be the port of br-int.
  static constexpr const char* kGateway = "antrea-gw0";
  static constexpr const char* kGatewayPeer = "antrea-gw0~";

  /// Builds all of it or nothing. Must run inside namespaces of its own; see `leave_the_machine`.
  static Result<std::unique_ptr<Topology>> build(const TopologyOptions& options);

  std::vector<std::unique_ptr<Node>>& nodes() { return nodes_; }
  const Host& outside() const { return *outside_; }
  /// On the Nodes' own network, and no part of the cluster: sees their broadcasts.
  const Host& beside() const { return *beside_; }
  /// Where phy0 and the router are. The Nodes' cables end here in devices with the Nodes' names.
  const NetNamespace& fabric() const { return fabric_; }
  Node* find_node(const std::string& name);
  /// Starts what does not run of a Node's Open vSwitch, with what it had; blocks until it works.
  Result<> restart_vswitch(Node& node);

 private:
  Topology(TopologyOptions options, NetNamespace fabric)
      : options_(std::move(options)), fabric_(std::move(fabric)) {}
  Result<> build_fabric();
  Result<> build_outside();
  Result<> build_beside();
  Result<> add_node(unsigned index);
  Result<Host> make_host(const std::string& name, const IpAddress& address);
  Result<> build_uplink(Node& node);
  /// What the uplink's bridge of the dummy datapath holds outside of the database.
  Result<> program_uplink(Node& node);
  Result<> split_uplink(Node& node, const MacAddress& mac);
  Result<> add_split_port(Node& node, const char* name, const char* peer);
  Result<> write_hosts_files();

  TopologyOptions options_;
  NetNamespace fabric_;
  std::unique_ptr<Host> outside_;
  std::unique_ptr<Host> beside_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

/// The addresses that every lab has. Labs do not see each other, so they share them.
struct LabNetwork {
  static IpPrefix nodes() { return {IpAddress::v4(0xac120000), 24}; }    // 172.18.0.0/24
  static IpAddress nodes_router() { return IpAddress::v4(0xac120001); }  // 172.18.0.1
  static IpAddress beside() { return IpAddress::v4(0xac1200fa); }        // 172.18.0.250
  static IpAddress node(unsigned index) { return IpAddress::v4(0xac120002 + index); }
  static IpPrefix outer() { return {IpAddress::v4(0xac120100), 24}; }    // 172.18.1.0/24
  static IpAddress outer_router() { return IpAddress::v4(0xac120101); }  // 172.18.1.1
  static IpAddress outside() { return IpAddress::v4(0xac12010a); }       // 172.18.1.10, DNS too
  static constexpr unsigned kMaxNodes = 64;
};

}  // namespace antrea::lab
