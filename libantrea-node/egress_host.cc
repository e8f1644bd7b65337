#include "antrea/node/egress_host.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antrea/node/netlink.h"
#include "nft.h"
#include "sysctl.h"

namespace antrea::node {
namespace {

// kube-proxy puts all addresses of Services there in its IPVS mode.
constexpr std::string_view kIpvsDevice = "kube-ipvs0";

constexpr std::uint32_t kMarks = 0xff;  // the bits of a packet's mark that are an EgressMark
constexpr std::uint32_t kRulePriority = 20000;  // before the main table's

/// A socket whose packets renew the lease.
Result<int> open_renewal() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno_error("open a socket", "lease");
  const std::uint32_t mark = kEgressLeaseMark;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kEgressLeasePort);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    auto error = errno_error("prepare a socket", "lease");
    ::close(fd);
    return error;
  }
  return fd;
}

}  // namespace

struct EgressHost::Impl {
  Impl(Netlink kernel, Logger log, int fd)
      : netlink(std::move(kernel)), logger(std::move(log)), renewal(fd) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { ::close(renewal); }

  Netlink netlink;
  Logger logger;
  Nft nft;
  int renewal;

  Result<std::set<InterfaceAddress>> addresses(std::uint32_t link) {
    std::set<InterfaceAddress> out;
    ANTREA_TRY(const auto all, netlink.addresses());
    for (const auto& each : all)
      if (each.link == link && !each.address.is_link_local())
        out.insert({each.address, static_cast<std::uint8_t>(each.prefix_length)});
    return out;
  }

  static Route sink_route(std::uint32_t link, const IpAddress& ip) {
    Route route;
    route.destination = IpPrefix::host(ip);
    route.link = link;
    route.link_scope = ip.is_v4();  // IPv6 knows no scopes
    route.protocol = kRouteOfAdministrator;
    return route;
  }

  Result<std::map<IpAddress, std::optional<IpAddress>>> sunk(std::uint32_t link) {
    std::map<IpAddress, std::optional<IpAddress>> out;
    ANTREA_TRY(const auto all, netlink.routes());
    for (const Route& route : all)
      if (route.link == link && route.protocol == kRouteOfAdministrator && !route.gateway &&
          route.destination.length() == route.destination.address().width())
        out.emplace(route.destination.address(), route.source);
    return out;
  }

  // What stands in those tables and is not Antrea's is left alone.
  static bool is_table(std::uint32_t number) {
    return number >= kFirstEgressTable && number < kFirstEgressTable + kMostEgressSubnets;
  }
  Result<> read_ways(EgressHostState& state, std::uint32_t link) {
    ANTREA_TRY(const auto routes, netlink.routes());
    for (const Route& each : routes)
      if (is_table(each.table) && each.link == link && each.protocol == kAntreaProtocol)
        state.routes.insert({each.table, each.destination, each.gateway});
    ANTREA_TRY(const auto rules, netlink.rules());
    for (const RoutingRule& each : rules)
      if (is_table(each.table) && each.protocol == kAntreaProtocol && each.mask == kMarks)
        state.rules.insert({each.family, static_cast<EgressMark>(each.mark), each.table});
    return {};
  }
  static Route route(const EgressRoute& wanted, std::uint32_t link) {
    Route route;
    route.destination = wanted.destination;
    route.gateway = wanted.via;
    route.link = link;
    route.onlink = wanted.via.has_value();
    route.link_scope = !wanted.via;
    route.table = wanted.table;
    route.protocol = kAntreaProtocol;
    return route;
  }
  static RoutingRule rule(const EgressRule& wanted, const std::string& gateway) {
    return {wanted.family, kRulePriority, gateway,        wanted.mark,
            kMarks,        wanted.table,  kAntreaProtocol};
  }

  Result<> operator()(const EgressHostState&, const AddEgressDevice&) {
    if (!netlink.link(kEgressDevice)) {
      auto added = netlink.add_dummy(kEgressDevice);
      if (!added) added = netlink.add_bridge(kEgressDevice);  // the kernel has no dummies
      ANTREA_CHECK(std::move(added));
    }
    ANTREA_TRY(const auto link, netlink.link(kEgressDevice));
    return netlink.set_up(link.index);
  }
  Result<> operator()(const EgressHostState&, const SetSysctl& op) {
    return write_sysctl(op.path, op.value);
  }
  Result<> operator()(const EgressHostState& desired, const Answer& op) {
    ANTREA_TRY(const auto link, netlink.link(desired.transport));
    return netlink.add_proxy_neighbour(link.index, op.ip);
  }
  Result<> operator()(const EgressHostState& desired, const AnswerNoMore& op) {
    ANTREA_TRY(const auto link, netlink.link(desired.transport));
    return netlink.delete_proxy_neighbour(link.index, op.ip);
  }
  Result<> operator()(const EgressHostState& desired, const NftTransaction& op) {
    return nft.write(op.commands, desired.tables);
  }
  Result<> operator()(const EgressHostState&, const Sink& op) {
    ANTREA_TRY(const auto link, netlink.link(kEgressDevice));
    Route route = sink_route(link.index, op.ip);
    route.source = op.source;
    return netlink.replace_route(route);
  }
  Result<> operator()(const EgressHostState&, const SinkNoMore& op) {
    ANTREA_TRY(const auto link, netlink.link(kEgressDevice));
    return netlink.delete_route(sink_route(link.index, op.ip));
  }
  Result<> operator()(const EgressHostState& desired, const SetEgressRoute& op) {
    ANTREA_TRY(const auto link, netlink.link(desired.transport));
    return netlink.replace_route(route(op.route, link.index));
  }
  Result<> operator()(const EgressHostState& desired, const RemoveEgressRoute& op) {
    ANTREA_TRY(const auto link, netlink.link(desired.transport));
    return netlink.delete_route(route(op.route, link.index));
  }
  Result<> operator()(const EgressHostState& desired, const AddEgressRule& op) {
    return netlink.add_rule(rule(op.rule, desired.gateway));
  }
  Result<> operator()(const EgressHostState& desired, const RemoveEgressRule& op) {
    return netlink.delete_rule(rule(op.rule, desired.gateway));
  }
  Result<> operator()(const EgressHostState&, const AddAddress& op) {
    ANTREA_TRY(const auto link, netlink.link(kEgressDevice));
    return netlink.add_address({link.index, op.address.ip, op.address.prefix_length});
  }
  Result<> operator()(const EgressHostState&, const RemoveAddress& op) {
    ANTREA_TRY(const auto link, netlink.link(kEgressDevice));
    return netlink.delete_address({link.index, op.address.ip, op.address.prefix_length});
  }
};

EgressHost::EgressHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EgressHost::EgressHost(EgressHost&&) noexcept = default;
EgressHost& EgressHost::operator=(EgressHost&&) noexcept = default;
EgressHost::~EgressHost() = default;

Result<EgressHost> EgressHost::open(Logger logger) {
  ANTREA_TRY(auto netlink, Netlink::open());
  ANTREA_TRY(const int renewal, open_renewal());
  return EgressHost(std::make_unique<Impl>(std::move(netlink), std::move(logger), renewal));
}

Result<EgressHostState> EgressHost::read(const EgressHostState& desired) {
  EgressHostState state;
  state.transport = desired.transport;
  auto link = impl_->netlink.link(kEgressDevice);
  if (link) {
    state.device_up = link->up;
    ANTREA_TRY(state.addresses, impl_->addresses(link->index));
    ANTREA_TRY(state.sunk, impl_->sunk(link->index));
  } else if (link.error().code == Errc::kNotFound) {
    state.device_present = state.device_up = false;
  } else {
    return std::move(link).error();
  }
  ANTREA_TRY(const auto transport, impl_->netlink.link(desired.transport));
  ANTREA_TRY(state.answered, impl_->netlink.proxy_neighbours(transport.index));
  ANTREA_CHECK(impl_->read_ways(state, transport.index));
  for (const auto& [path, value] : desired.sysctls)
    if (auto found = read_sysctl(path)) state.sysctls[path] = *std::move(found);
  ANTREA_TRY(state.tables, impl_->nft.read(desired.tables));
  return state;
}

Result<> EgressHost::execute(const EgressHostOperation& operation, const EgressHostState& desired) {
  return std::visit([&](const auto& op) { return (*impl_)(desired, op); }, operation);
}

Result<std::vector<EgressHostOperation>> EgressHost::apply(const EgressHostState& desired) {
  return reconcile_egress_host(*this, desired, impl_->logger);
}

Result<std::set<IpAddress>> EgressHost::own_addresses() {
  std::set<std::uint32_t> left_out;
  for (const std::string_view name : {kEgressDevice, kIpvsDevice})
    if (const auto link = impl_->netlink.link(name)) left_out.insert(link->index);
  std::set<IpAddress> own;
  ANTREA_TRY(const auto all, impl_->netlink.addresses());
  for (const auto& each : all)
    if (!left_out.contains(each.link) && !each.address.is_link_local() &&
        !each.address.is_loopback())
      own.insert(each.address);
  return own;
}

Result<> EgressHost::withdraw() {
  const auto link = impl_->netlink.link(kEgressDevice);
  if (!link) return {};
  ANTREA_TRY(const auto addresses, impl_->addresses(link->index));
  for (const auto& address : addresses)
    ANTREA_CHECK(impl_->netlink.delete_address({link->index, address.ip, address.prefix_length}));
  return {};
}

Result<> EgressHost::probe_nodes(const std::string& transport, const std::set<IpAddress>& nodes) {
  ANTREA_TRY(const auto link, impl_->netlink.link(transport));
  for (const auto& node : nodes) ANTREA_CHECK(impl_->netlink.probe_neighbour(link.index, node));
  return {};
}

Result<> EgressHost::renew_lease() {
  const char nothing = 0;
  // Nobody listens there, and the packet does not arrive: an earlier one's refusal is no fault.
  if (::send(impl_->renewal, &nothing, sizeof nothing, 0) < 0 && errno != ECONNREFUSED &&
      errno != EPERM)
    return errno_error("renew the lease of Egress IPs", "127.0.0.1");
  return {};
}

}  // namespace antrea::node
