#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "antrea/node/node_config.h"
#include "antrea/openflow/changes.h"

namespace antrea::node {

/// The number of an Egress IP on the Node that has it, 1 to 255: in bits 0 to 7 of the packet mark,
/// and of its meter.
using EgressMark = std::uint8_t;

struct EgressBandwidth {
  std::uint32_t rate = 0;   ///< kbit/s, not 0
  std::uint32_t burst = 0;  ///< kbit
  friend bool operator==(const EgressBandwidth&, const EgressBandwidth&) = default;
};

/// This Node has the address: its traffic leaves here.
struct EgressHere {
  EgressMark mark = 0;
  std::optional<EgressBandwidth> bandwidth;
  friend bool operator==(const EgressHere&, const EgressHere&) = default;
};
/// Another Node has it.
struct EgressThere {
  IpAddress node_ip;
  friend bool operator==(const EgressThere&, const EgressThere&) = default;
};
/// Nobody has it, as far as is known: its traffic is dropped.
struct EgressNowhere {
  friend bool operator==(const EgressNowhere&, const EgressNowhere&) = default;
};
using EgressExit = std::variant<EgressNowhere, EgressHere, EgressThere>;

/// All that the switch is to do for Egress.
struct EgressPaths {
  std::map<IpAddress, EgressExit> exits;  ///< by Egress IP
  /// Addresses that are just moving from or to this Node: what other Nodes send here, leaves here,
  /// wherever this Node's own Pods are sent.
  std::map<IpAddress, EgressHere> moving;
  /// By the Pod's port: the Egress IPs of what it sends, at most one a family. Each is in `exits`.
  std::map<std::uint32_t, std::vector<IpAddress>> pods;
  /// Ports of Pods whose Egress has no address yet: what would leave with it is dropped.
  std::set<std::uint32_t> waiting;
  /// Destinations that are reached with the Node's own address as without Egress: Nodes, Services,
  /// and what the user excepts.
  std::set<IpPrefix> exceptions;
  friend bool operator==(const EgressPaths&, const EgressPaths&) = default;
};

/// What tells an Egress IP from others in a frame: the source MAC that it has between Nodes, and
/// from a userspace datapath to its host. An IPv4 address is in it as it is; of IPv6 addresses, a
/// hash of 32 bits.
ANTREA_API MacAddress egress_mac(const IpAddress& egress_ip);

/// Engine: tables EgressMark and EgressQoS (antrea: pkg/agent/openflow/egress.go).
///
/// A Pod's flow leads to the group of its Egress IP, and the group to wherever the address is: so
/// that when the address moves, one group changes on each Node, however many Pods there are. An
/// address that is nowhere has a group without buckets, which drops: nothing that is selected ever
/// leaves with a Node's own address.
///
/// Between Nodes the packet goes to the owner's own address, not to the Egress IP as with the
/// original, and says by its source MAC which one it is for; what the original sends is understood
/// as well.
class ANTREA_API EgressFlows {
 public:
  /// `meters`: the datapath has them; without, bandwidths are not kept.
  EgressFlows(NodeConfig config, bool meters);

  /// What leads into the tables, and drops what came from another Node for an address that is not
  /// here. To be committed first.
  openflow::Changes start() const;
  /// The exact change.
  openflow::Changes apply(const EgressPaths& paths);

 private:
  struct Content {
    std::map<openflow::FlowKey, openflow::Flow> flows;
    std::map<openflow::GroupId, openflow::Group> groups;
    std::map<openflow::MeterId, openflow::Meter> meters;
  };
  Content compile(const EgressPaths& paths) const;
  void take_arrivals(const IpAddress& ip, const EgressHere& here, Content& out) const;
  openflow::Actions leave_here(const IpAddress& ip, const EgressHere& here) const;
  openflow::Actions to_owner(const IpAddress& ip, const EgressThere& there) const;

  NodeConfig config_;
  bool meters_;
  Content current_;
};

}  // namespace antrea::node
