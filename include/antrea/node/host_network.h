#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/node/netlink.h"
#include "antrea/node/node_config.h"
#include "antrea/proxy/service_types.h"

namespace antrea::node {

/// An address with the length of its subnet, e.g. 10.10.0.1/24: host bits count.
struct InterfaceAddress {
  IpAddress ip;
  std::uint8_t prefix_length = 0;
  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// A route of the main table through the gateway.
struct HostRoute {
  IpPrefix destination;
  std::optional<IpAddress> via;  ///< absent: on the link
  bool onlink = false;           ///< `via` need not be in a connected subnet
  std::optional<IpAddress> source;
  friend auto operator<=>(const HostRoute&, const HostRoute&) = default;
};

/// A permanent neighbour on the gateway.
struct HostNeighbour {
  IpAddress ip;
  MacAddress mac;
  friend auto operator<=>(const HostNeighbour&, const HostNeighbour&) = default;
};

/// A table of nftables. `body` is what stands between its braces, as `nft -s list table` prints it,
/// with the elements of the sets taken out.
struct NftTable {
  std::string family;  ///< "inet", "netdev", …
  std::string name;
  std::string body;
  std::map<std::string, std::set<std::string>> elements;  ///< by set
  friend bool operator==(const NftTable&, const NftTable&) = default;
};

/// Reads what `nft -s list table` printed. Error: kMalformed.
ANTREA_API Result<NftTable> parse_nft_table(std::string_view listing);

/// All that the host has for the Pods of this Node.
struct HostState {
  std::string gateway{kGatewayName};
  bool gateway_present = true;
  bool gateway_up = true;
  std::optional<unsigned> mtu;
  std::set<InterfaceAddress> addresses;  ///< of the gateway, link-local ones left out
  std::map<IpPrefix, HostRoute> routes;  ///< through the gateway
  std::map<IpAddress, MacAddress> neighbours;
  std::map<std::string, std::string> sysctls;  ///< "net/ipv4/ip_forward" -> "1"
  std::map<std::string, NftTable> tables;      ///< by "family name"; absent: not there
  /// The tables that are kept as desired, or away.
  std::set<std::string> table_keys{"inet antrea", "arp antrea", "netdev antrea"};
  /// Destinations in `routes` that the kernel made itself: never removed.
  std::set<IpPrefix> kernel_routes;
  /// Desired: whether this is all. Until it is, routes, neighbours and elements of sets that are
  /// there besides stay: they are of an earlier life, and may be desired once all is known.
  bool complete = true;
};

/// What the host shall have: the gateway's addresses, a route to each Pod CIDR of a peer through
/// the gateway, forwarding on, Pod traffic that leaves the cluster masqueraded, and the packets of
/// the host's own processes marked (bit 31 of the packet mark; with a userspace datapath also by
/// their source MAC, `kHostLocalMac`).
///
/// With `NodeConfig::proxy_all` also what Services need: routes that lead cluster IPs and external
/// IPs into the switch, node ports at `node_port_addresses` translated on the way there.
ANTREA_API HostState desired_host_state(const NodeConfig& config, std::span<const PeerNode> peers,
                                        const proxy::HostServices& services = {},
                                        const std::set<IpAddress>& node_port_addresses = {});

/// The addresses at which node ports are served: those in `wanted`, or all if that is empty, but
/// not those of Antrea's own and of IPVS' devices, nor link-local and loopback ones.
ANTREA_API std::set<IpAddress> find_node_port_addresses(std::span<const Link> links,
                                                        std::span<const LinkAddress> addresses,
                                                        std::span<const IpPrefix> wanted,
                                                        std::string_view gateway);

// What can be done to the host. Each is harmless when repeated.
struct SetLink {
  bool up = true;
  std::optional<unsigned> mtu;
  friend bool operator==(const SetLink&, const SetLink&) = default;
};
struct AddAddress {
  InterfaceAddress address;
  friend bool operator==(const AddAddress&, const AddAddress&) = default;
};
struct RemoveAddress {
  InterfaceAddress address;
  friend bool operator==(const RemoveAddress&, const RemoveAddress&) = default;
};
struct SetSysctl {
  std::string path;
  std::string value;
  friend bool operator==(const SetSysctl&, const SetSysctl&) = default;
};
/// Adds, or replaces the one to the same destination.
struct SetRoute {
  HostRoute route;
  friend bool operator==(const SetRoute&, const SetRoute&) = default;
};
struct RemoveRoute {
  IpPrefix destination;
  friend bool operator==(const RemoveRoute&, const RemoveRoute&) = default;
};
struct SetNeighbour {
  HostNeighbour neighbour;
  friend bool operator==(const SetNeighbour&, const SetNeighbour&) = default;
};
struct RemoveNeighbour {
  IpAddress ip;
  friend bool operator==(const RemoveNeighbour&, const RemoveNeighbour&) = default;
};
/// Commands of one atomic transaction.
struct NftTransaction {
  std::string commands;
  friend bool operator==(const NftTransaction&, const NftTransaction&) = default;
};
using HostOperation = std::variant<SetSysctl, NftTransaction, SetLink, AddAddress, RemoveAddress,
                                   SetRoute, RemoveRoute, SetNeighbour, RemoveNeighbour>;
/// One line for a log: "route 10.10.1.0/24 via 10.10.1.1 onlink".
ANTREA_API std::string describe(const HostOperation& operation);

/// The operations that lead from `actual` to `desired`, in an order in which nothing is missing
/// that a later one needs; none when they agree. Of the host's state only what belongs to Antrea is
/// touched: everything on the gateway device, the named sysctls, and the tables in `table_keys`.
ANTREA_API std::vector<HostOperation> plan_host_network(const HostState& desired,
                                                        const HostState& actual);

/// Shell: reads and writes the host's network by netlink and libnftables, in the network namespace
/// of the thread that made it and that calls it.
class ANTREA_API HostNetwork {
 public:
  /// Error: kIo, kPermissionDenied.
  static Result<HostNetwork> open(Logger logger = null_logger());
  HostNetwork(HostNetwork&&) noexcept;
  HostNetwork& operator=(HostNetwork&&) noexcept;
  ~HostNetwork();

  /// The actual state of everything that `desired` names or that lies on its gateway.
  Result<HostState> read(const HostState& desired);
  Result<> execute(const HostState& desired, const HostOperation& operation);
  /// Reads, plans and executes; returns what was done. A second call with the same state does
  /// nothing. Goes on after a failure with what does not depend on it, and returns the first error.
  /// Error: kNotFound when there is no gateway.
  Result<std::vector<HostOperation>> apply(const HostState& desired);
  /// Takes away the tables, and what is on the gateway; the sysctls stay.
  Result<> remove(const HostState& desired);

 private:
  struct Impl;
  explicit HostNetwork(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::node
