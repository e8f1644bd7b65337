#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "antrea/node/egress_flows.h"
#include "antrea/node/host_network.h"

namespace antrea::node {

/// The device that has the Egress IPs of this Node. A dummy where the kernel has such, otherwise a
/// bridge without ports.
inline constexpr std::string_view kEgressDevice = "antrea-egress0";

/// How long the host goes on using its Egress IPs after the last renewal of the lease.
inline constexpr std::chrono::milliseconds kEgressLease{100};
/// What renews it: a UDP packet to this port of 127.0.0.1 with this packet mark, which takes
/// CAP_NET_ADMIN to set.
inline constexpr std::uint16_t kEgressLeasePort = 9;
inline constexpr std::uint32_t kEgressLeaseMark = 0x0e9e5500;

/// Routing tables of subnets of Egress IPs, as the original numbers them.
inline constexpr std::uint32_t kFirstEgressTable = 101, kMostEgressSubnets = 20;

/// A subnet that is not the Nodes' own, and the way out of it.
struct EgressSubnet {
  IpPrefix prefix;
  IpAddress gateway;
  friend auto operator<=>(const EgressSubnet&, const EgressSubnet&) = default;
};

/// Which table is whose: a hash decides, then the next that is free. Those beyond the first
/// `kMostEgressSubnets` have none.
ANTREA_API std::map<EgressSubnet, std::uint32_t> egress_tables(
    const std::set<EgressSubnet>& subnets);

/// A route of such a table, through the transport interface; without `via` on its link.
struct EgressRoute {
  std::uint32_t table = 0;
  IpPrefix destination;
  std::optional<IpAddress> via;
  friend auto operator<=>(const EgressRoute&, const EgressRoute&) = default;
};

/// Leads what has the mark, and comes from the gateway, to such a table.
struct EgressRule {
  Family family = Family::kIPv4;
  EgressMark mark = 0;
  std::uint32_t table = 0;
  friend auto operator<=>(const EgressRule&, const EgressRule&) = default;
};

/// An Egress IP that leaves here.
struct LocalEgressIp {
  IpAddress ip;
  EgressMark mark = 0;
  /// False: translated to, but not this Node's address yet, or no more.
  bool assigned = true;
  /// The Node that has it now: gets what comes in and belongs to no connection of here.
  std::optional<IpAddress> successor = {};
  std::optional<EgressSubnet> subnet = {};  ///< absent: that of the Nodes
  friend auto operator<=>(const LocalEgressIp&, const LocalEgressIp&) = default;
};

/// All that the host has for addresses that move from Node to Node.
struct EgressHostState {
  std::string transport;
  std::string gateway;  ///< the interface by which packets come out of the pipeline
  bool device_present = true;
  bool device_up = true;
  std::set<InterfaceAddress> addresses;    ///< of the device, link-local ones left out
  std::map<std::string, NftTable> tables;  ///< by "family name"; absent: not there
  /// Addresses on no device that are answered for on `transport`, by ARP.
  std::set<IpAddress> answered;
  /// Addresses that are routed to the device, where packets end, each with the source that the
  /// host's own packets to it have.
  std::map<IpAddress, std::optional<IpAddress>> sunk;
  std::set<EgressRoute> routes;                ///< Antrea's own ones
  std::set<EgressRule> rules;                  ///< likewise
  std::map<std::string, std::string> sysctls;  ///< as in `HostState`
};

/// Which port what leaves with an Egress IP has: the Pod's where that is free, or any. The kernel
/// looks for a free one before it has it, so two that begin at once may choose the same, and one of
/// them is lost; of any ports that is rare.
enum class SnatPorts : std::uint8_t { kKept, kFullyRandom };

/// For which addresses the host is to be set up.
struct EgressHostNeeds {
  std::vector<LocalEgressIp> local = {};
  std::set<IpAddress> services = {};  ///< addresses of load balancers that come here
  /// All there are, those of no address of here as well: a userspace datapath is disturbed by each
  /// change of a route, so they stand before an address comes.
  std::set<EgressSubnet> subnets = {};
  SnatPorts ports = SnatPorts::kKept;
};

/// What the host shall have for them.
///
/// - Packets of the pipeline leave with the Egress IP whose mark they have; one with a mark that
///   means nothing here is dropped, and never leaves with the Node's address. A userspace datapath
///   says by the source MAC (`egress_mac`) what a mark cannot say there. Only packets from the
///   gateway count, whatever marks others use.
/// - What comes in for an Egress IP and belongs to no connection is dropped, not refused: it may
///   belong to one that is just moving here. If the address has a successor, it goes on to that
///   one. By a rule and not by a route: a userspace datapath forgets all its tunnels' routes for a
///   moment with each change of any route, and what it decides in that moment is lost.
/// - The fence: without a lease, nothing that has an Egress IP as its source leaves through
///   `transport`, ARP and neighbour discovery included. The lease is an element of a set with a
///   timeout, so it ends in the kernel, whatever has become of the agent: killed, stopped, hung.
/// - Addresses of load balancers are answered for but are on no device: what comes in for them is
/// to
///   go on into the switch, or, unless `NodeConfig::proxy_all`, to be translated by kube-proxy. As
///   the kernel answers only for what it routes to another device, they are then routed to the
///   Egress device, where what kube-proxy does not translate ends. For those of IPv6
///   `egress::Announcer` answers, as the kernel's answers would pass the fence: their source is
///   another one.
/// - What leaves with an address in a subnet of its own leaves through the gateway of that subnet.
///   Its replies may come by another way than the main table would send to their sources, so
///   `rp_filter` of the transport interface is made loose (antrea#6622).
ANTREA_API EgressHostState desired_egress_host(const NodeConfig& config,
                                               const std::string& transport,
                                               const EgressHostNeeds& needs = {});

struct AddEgressDevice {
  friend bool operator==(const AddEgressDevice&, const AddEgressDevice&) = default;
};
struct Answer {
  IpAddress ip;
  friend bool operator==(const Answer&, const Answer&) = default;
};
struct AnswerNoMore {
  IpAddress ip;
  friend bool operator==(const AnswerNoMore&, const AnswerNoMore&) = default;
};
struct Sink {
  IpAddress ip;
  std::optional<IpAddress> source;
  friend bool operator==(const Sink&, const Sink&) = default;
};
struct SinkNoMore {
  IpAddress ip;
  friend bool operator==(const SinkNoMore&, const SinkNoMore&) = default;
};
struct SetEgressRoute {
  EgressRoute route;
  friend bool operator==(const SetEgressRoute&, const SetEgressRoute&) = default;
};
struct RemoveEgressRoute {
  EgressRoute route;
  friend bool operator==(const RemoveEgressRoute&, const RemoveEgressRoute&) = default;
};
struct AddEgressRule {
  EgressRule rule;
  friend bool operator==(const AddEgressRule&, const AddEgressRule&) = default;
};
struct RemoveEgressRule {
  EgressRule rule;
  friend bool operator==(const RemoveEgressRule&, const RemoveEgressRule&) = default;
};
using EgressHostOperation =
    std::variant<SetSysctl, AddEgressDevice, NftTransaction, AddAddress, RemoveAddress, Sink,
                 SinkNoMore, Answer, AnswerNoMore, SetEgressRoute, RemoveEgressRoute, AddEgressRule,
                 RemoveEgressRule>;
ANTREA_API std::string describe(const EgressHostOperation& operation);

/// The operations that lead from `actual` to `desired`; none when they agree. An address goes
/// before its translation does, and comes behind it.
ANTREA_API std::vector<EgressHostOperation> plan_egress_host(const EgressHostState& desired,
                                                             const EgressHostState& actual);

/// The marks that a host already translates, to be kept by a restarted agent.
ANTREA_API std::map<IpAddress, EgressMark> egress_marks(const EgressHostState& actual);

/// A host that can be read and changed: the kernel's, or in tests one in memory.
class EgressHostAccess {
 public:
  virtual ~EgressHostAccess() = default;
  /// As far as `desired` says what is to be looked at.
  virtual Result<EgressHostState> read(const EgressHostState& desired) = 0;
  virtual Result<> execute(const EgressHostOperation& operation,
                           const EgressHostState& desired) = 0;
};

/// Reads, plans and executes; returns what was done. After an operation has failed no address comes
/// any more, as it might lack its fence, and no rule, as its table might lack its way; what is to
/// go still goes. Error: the first one.
ANTREA_API Result<std::vector<EgressHostOperation>> reconcile_egress_host(
    EgressHostAccess& host, const EgressHostState& desired, const Logger& logger);

/// Shell: as `HostNetwork`, for Egress.
class ANTREA_API EgressHost : public EgressHostAccess {
 public:
  /// Error: kIo, kPermissionDenied.
  static Result<EgressHost> open(Logger logger = null_logger());
  EgressHost(EgressHost&&) noexcept;
  EgressHost& operator=(EgressHost&&) noexcept;
  ~EgressHost() override;

  Result<EgressHostState> read(const EgressHostState& desired) override;
  Result<> execute(const EgressHostOperation& operation, const EgressHostState& desired) override;
  Result<std::vector<EgressHostOperation>> apply(const EgressHostState& desired);
  /// The Node's own addresses, whoever gave them to it: those of all devices but for the Egress
  /// device and IPVS's, which has the addresses of Services. No link-local ones.
  Result<std::set<IpAddress>> own_addresses();
  /// Takes all addresses off the device, and nothing else: the quick way out.
  Result<> withdraw();
  /// Asks for Nodes beyond `transport`. A userspace datapath learns where to send what goes through
  /// a tunnel from the answers; what it has not learned costs the first packet.
  Result<> probe_nodes(const std::string& transport, const std::set<IpAddress>& nodes);
  /// Renews the lease, which takes some microseconds. Error: kIo.
  Result<> renew_lease();

 private:
  struct Impl;
  explicit EgressHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::node
