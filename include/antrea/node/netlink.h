#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/ip.h"

namespace antrea::node {

/// A network interface as the kernel knows it.
struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;  ///< "veth", "bridge", "tun", …; empty for hardware
  std::uint32_t mtu = 0;
  MacAddress mac;
  bool up = false;               ///< IFF_UP
  std::uint32_t peer_index = 0;  ///< of a veth: the peer's index in its own namespace
  std::optional<std::int32_t>
      peer_netns;            ///< of a veth whose peer lives elsewhere: that namespace's local id
  std::uint32_t master = 0;  ///< index of the bridge it is attached to
};

/// An address on an interface.
struct LinkAddress {
  std::uint32_t link = 0;
  IpAddress address;
  unsigned prefix_length = 0;
  friend auto operator<=>(const LinkAddress&, const LinkAddress&) = default;
};

/// Who made a route: the kernel along with an address, or an administrator, as which it counts what
/// is made here (rtnetlink(7)).
inline constexpr std::uint8_t kRouteOfKernel = 2, kRouteOfAdministrator = 4;

/// A unicast route.
struct Route {
  IpPrefix destination;  ///< length 0 is the default route
  std::optional<IpAddress> gateway;
  std::uint32_t link = 0;           ///< index of the outgoing interface
  std::optional<IpAddress> source;  ///< preferred source
  bool onlink = false;        ///< the gateway is taken to be on the link though no address says so
  bool link_scope = false;    ///< the destination is on the link itself
  std::uint32_t table = 254;  ///< 254 is main
  std::uint32_t metric = 0;   ///< 0: the kernel's default
  std::uint8_t protocol = 3;  ///< RTPROT_BOOT; reported as the kernel has it
  friend bool operator==(const Route&, const Route&) = default;
};

/// By which what is not on a device of Antrea's own is known as Antrea's: a `protocol` of routes,
/// rules and neighbours.
inline constexpr std::uint8_t kAntreaProtocol = 0xe9;

/// A rule that leads packets to a routing table.
struct RoutingRule {
  Family family = Family::kIPv4;
  std::uint32_t priority = 0;
  std::string input;                 ///< the interface by which they came; empty: any
  std::uint32_t mark = 0, mask = 0;  ///< of packets; mask 0: any
  std::uint32_t table = 254;
  std::uint8_t protocol = 0;
  friend auto operator<=>(const RoutingRule&, const RoutingRule&) = default;
};

/// A permanent neighbour entry.
struct Neighbour {
  std::uint32_t link = 0;
  IpAddress address;
  MacAddress mac;
  friend auto operator<=>(const Neighbour&, const Neighbour&) = default;
};

/// A veth pair to make: one end here, the other possibly in another namespace.
struct VethSpec {
  std::string name;
  MacAddress mac;
  std::string peer_name;
  MacAddress peer_mac;
  std::uint32_t mtu = 0;    ///< of both ends; 0: the kernel's default
  std::uint32_t group = 0;  ///< of this end: what nftables calls iifgroup
  int peer_netns_fd = -1;   ///< -1: the same namespace
};

/// Questions and orders to the kernel's routing (rtnetlink). Bound for its life to the network
/// namespace in which it was opened. Calls block until the kernel has answered, microseconds to
/// milliseconds (deleting a veth: about 16 ms).
///
/// Errors carry the system's reason and name the interface, address or route. Not thread-safe.
class ANTREA_API Netlink {
 public:
  /// In the calling thread's network namespace.
  static Result<Netlink> open();
  /// In the namespace behind a file descriptor. The calling thread enters it for a moment.
  static Result<Netlink> open_in(int netns_fd);
  ~Netlink();
  Netlink(Netlink&&) noexcept;
  Netlink& operator=(Netlink&&) noexcept;

  Result<Link> link(std::string_view name);  ///< kNotFound
  Result<std::vector<Link>> links();
  Result<> add_veth(const VethSpec& spec);
  Result<> add_bridge(std::string_view name);
  Result<> add_dummy(std::string_view name);
  Result<> set_up(std::uint32_t index);
  Result<> set_mtu(std::uint32_t index, std::uint32_t mtu);
  Result<> set_mac(std::uint32_t index, const MacAddress& mac);
  Result<> set_master(std::uint32_t index, std::uint32_t master);
  Result<> move_to(std::uint32_t index, int netns_fd);
  /// An interface that is not there counts as deleted.
  Result<> delete_link(std::string_view name);

  Result<std::vector<LinkAddress>> addresses();
  /// An address that is there already is no error. IPv6 addresses skip duplicate address detection.
  Result<> add_address(const LinkAddress& address);
  Result<> delete_address(const LinkAddress& address);

  /// Unicast routes of all tables but the local one, of both families.
  Result<std::vector<Route>> routes();
  Result<> replace_route(const Route& route);
  /// A route that is not there counts as deleted.
  Result<> delete_route(const Route& route);

  /// Rules that lead to tables, of both families; what else they ask for is left out.
  Result<std::vector<RoutingRule>> rules();
  /// A rule that is there already is no error.
  Result<> add_rule(const RoutingRule& rule);
  /// A rule that is not there counts as deleted.
  Result<> delete_rule(const RoutingRule& rule);

  Result<std::vector<Neighbour>> permanent_neighbours();
  Result<> replace_neighbour(const Neighbour& neighbour);
  Result<> delete_neighbour(const Neighbour& neighbour);
  /// Asks a neighbour now, by ARP or neighbour discovery, whether it is still there. Permanent
  /// entries are left alone. Returns before the answer comes.
  Result<> probe_neighbour(std::uint32_t link, const IpAddress& address);

  /// The addresses that the kernel answers ARP or neighbour discovery for on this link though they
  /// are not its own, as far as `add_proxy_neighbour` added them.
  Result<std::set<IpAddress>> proxy_neighbours(std::uint32_t link);
  Result<> add_proxy_neighbour(std::uint32_t link, const IpAddress& address);
  Result<> delete_proxy_neighbour(std::uint32_t link, const IpAddress& address);

 private:
  struct Impl;
  explicit Netlink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether the kernel shall leave TX checksums to the interface, as `ethtool -K NAME tx on|off`;
/// off takes TCP segmentation offload with it. In the calling thread's network namespace.
ANTREA_API Result<> set_tx_checksum(std::string_view name, bool on);

/// Runs with the calling thread inside a network namespace and returns to the old one with the
/// scope.
class ANTREA_API InNetns {
 public:
  static Result<InNetns> enter(int netns_fd);
  InNetns(InNetns&& other) noexcept;
  InNetns& operator=(InNetns&&) = delete;
  ~InNetns();

 private:
  explicit InNetns(int previous_fd) : previous_fd_(previous_fd) {}
  int previous_fd_;
};

}  // namespace antrea::node
