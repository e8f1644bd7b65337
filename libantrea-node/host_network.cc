#include "antrea/node/host_network.h"

#include "antrea/node/netlink.h"
#include "nft.h"
#include "pipeline_flows.h"
#include "sysctl.h"

namespace antrea::node {
namespace {

constexpr std::uint32_t kMainTable = 254;

// Of the link-local ones only those that Services use are not the kernel's.
bool is_own_business(const IpAddress& address) {
  if (address == service_virtual_ip(address.family()) ||
      address == proxy::node_port_ip(address.family()))
    return true;
  return !address.is_link_local() && !address.is_multicast();
}

}  // namespace

struct HostNetwork::Impl {
  Impl(Netlink kernel, Logger log) : netlink(std::move(kernel)), logger(std::move(log)) {}

  Netlink netlink;
  Logger logger;
  Nft nft;

  Result<> read_gateway(std::uint32_t index, HostState& state) {
    ANTREA_TRY(const auto addresses, netlink.addresses());
    for (const auto& address : addresses)
      if (address.link == index && is_own_business(address.address))
        state.addresses.insert({address.address, static_cast<std::uint8_t>(address.prefix_length)});
    ANTREA_TRY(const auto routes, netlink.routes());
    for (const auto& route : routes) {
      if (route.link != index || route.table != kMainTable ||
          !is_own_business(route.destination.address()))
        continue;
      state.routes[route.destination] = {route.destination, route.gateway, route.onlink,
                                         route.source};
      if (route.protocol == kRouteOfKernel) state.kernel_routes.insert(route.destination);
    }
    ANTREA_TRY(const auto neighbours, netlink.permanent_neighbours());
    for (const auto& neighbour : neighbours)
      if (neighbour.link == index && is_own_business(neighbour.address))
        state.neighbours[neighbour.address] = neighbour.mac;
    return {};
  }

  Result<> operator()(const HostState&, const SetSysctl& op) {
    return write_sysctl(op.path, op.value);
  }

  Result<> operator()(const HostState& desired, const NftTransaction& op) {
    return nft.write(op.commands, desired.tables);
  }

  Result<> operator()(const HostState& desired, const SetLink& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    if (op.mtu) ANTREA_CHECK(netlink.set_mtu(gateway.index, *op.mtu));
    return netlink.set_up(gateway.index);
  }
  Result<> operator()(const HostState& desired, const AddAddress& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    return netlink.add_address({gateway.index, op.address.ip, op.address.prefix_length});
  }
  Result<> operator()(const HostState& desired, const RemoveAddress& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    return netlink.delete_address({gateway.index, op.address.ip, op.address.prefix_length});
  }
  Result<> operator()(const HostState& desired, const SetRoute& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    Route route;
    route.destination = op.route.destination;
    route.gateway = op.route.via;
    route.link = gateway.index;
    route.source = op.route.source;
    route.onlink = op.route.onlink;
    route.link_scope = !op.route.via;
    route.protocol = kRouteOfAdministrator;
    return netlink.replace_route(route);
  }
  Result<> operator()(const HostState& desired, const RemoveRoute& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    // Deleted as the kernel has it: scope and protocol are part of what it looks for.
    ANTREA_TRY(const auto routes, netlink.routes());
    for (const auto& route : routes)
      if (route.link == gateway.index && route.table == kMainTable &&
          route.destination == op.destination)
        ANTREA_CHECK(netlink.delete_route(route));
    return {};
  }
  Result<> operator()(const HostState& desired, const SetNeighbour& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    return netlink.replace_neighbour({gateway.index, op.neighbour.ip, op.neighbour.mac});
  }
  Result<> operator()(const HostState& desired, const RemoveNeighbour& op) {
    ANTREA_TRY(const auto gateway, netlink.link(desired.gateway));
    return netlink.delete_neighbour({gateway.index, op.ip, {}});
  }
};

HostNetwork::HostNetwork(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostNetwork::HostNetwork(HostNetwork&&) noexcept = default;
HostNetwork& HostNetwork::operator=(HostNetwork&&) noexcept = default;
HostNetwork::~HostNetwork() = default;

Result<HostNetwork> HostNetwork::open(Logger logger) {
  ANTREA_TRY(auto netlink, Netlink::open());
  return HostNetwork(std::make_unique<Impl>(std::move(netlink), std::move(logger)));
}

Result<HostState> HostNetwork::read(const HostState& desired) {
  HostState state;
  state.gateway = desired.gateway;
  auto link = impl_->netlink.link(desired.gateway);
  if (link) {
    state.gateway_up = link->up;
    state.mtu = link->mtu;
    ANTREA_CHECK(impl_->read_gateway(link->index, state));
  } else if (link.error().code == Errc::kNotFound) {
    state.gateway_present = state.gateway_up = false;
  } else {
    return std::move(link).error();
  }
  for (const auto& [path, value] : desired.sysctls)
    if (auto found = read_sysctl(path)) state.sysctls[path] = *std::move(found);
  std::map<std::string, NftTable> own = desired.tables;
  for (const std::string& key : desired.table_keys) own[key];
  ANTREA_TRY(state.tables, impl_->nft.read(own));
  return state;
}

Result<> HostNetwork::execute(const HostState& desired, const HostOperation& operation) {
  return std::visit([&](const auto& op) { return (*impl_)(desired, op); }, operation);
}

Result<std::vector<HostOperation>> HostNetwork::apply(const HostState& desired) {
  ANTREA_TRY(const auto actual, read(desired));
  if (!actual.gateway_present)
    return make_error(Errc::kNotFound, "set up the host network: no such device", desired.gateway,
                      "is the bridge there and ovs-vswitchd running?");
  auto plan = plan_host_network(desired, actual);
  std::optional<Error> first;
  for (const auto& operation : plan) {
    impl_->logger->info("host network: {}", describe(operation));
    auto done = execute(desired, operation);
    if (done) continue;
    impl_->logger->error("{}", done.error().to_string());
    if (!first) first = std::move(done).error();
  }
  if (first) return *std::move(first);
  return plan;
}

Result<> HostNetwork::remove(const HostState& desired) {
  HostState nothing;
  nothing.gateway = desired.gateway;
  nothing.table_keys = desired.table_keys;
  ANTREA_TRY(auto actual, read(nothing));
  if (!actual.gateway_present) actual.gateway_up = true;
  std::optional<Error> first;
  for (const auto& operation : plan_host_network(nothing, actual)) {
    auto done = execute(nothing, operation);
    if (!done && !first) first = std::move(done).error();
  }
  if (first) return *std::move(first);
  return {};
}

}  // namespace antrea::node
