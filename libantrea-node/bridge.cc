#include "antrea/node/bridge.h"

#include "antrea/base/hash.h"
#include "antrea/node/netlink.h"

namespace antrea::node {
namespace {

std::optional<std::uint32_t> number_of(const ovsdb::Port& port) {
  if (!port.ofport || *port.ofport <= 0) return {};
  return static_cast<std::uint32_t>(*port.ofport);
}

ovsdb::StringMap ids_of(InterfaceType type) {
  Interface interface;
  interface.type = type;
  const auto ids = external_ids_of(interface);
  return {ids.begin(), ids.end()};
}

}  // namespace

MacAddress gateway_mac_of(std::string_view node_name) {
  const auto digest = sha1("antrea gateway of " + std::string(node_name));
  MacAddress mac;
  std::copy_n(digest.begin(), mac.bytes.size(), mac.bytes.begin());
  mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xfc) | 0x02);
  return mac;
}

unsigned encapsulation_overhead(std::string_view tunnel_type, bool transport_is_ipv6) {
  unsigned overhead = 50;  // Geneve without options, VXLAN
  if (tunnel_type == "gre") overhead = 42;
  if (tunnel_type == "stt") overhead = 0;
  return overhead + (transport_is_ipv6 ? 20 : 0);
}

Bridge::Bridge(ovsdb::VSwitch& vswitch, BridgeOptions options, Logger logger)
    : vswitch_(vswitch), options_(std::move(options)), logger_(std::move(logger)) {}

boost::asio::awaitable<Result<BridgeState>> Bridge::ensure() {
  ovsdb::BridgeSpec bridge;
  bridge.name = options_.name;
  bridge.datapath_type = options_.datapath_type;
  ANTREA_CO_CHECK(co_await vswitch_.ensure_bridge(std::move(bridge)));

  ovsdb::PortSpec gateway;
  gateway.name = options_.gateway_port;
  gateway.external_ids = ids_of(InterfaceType::kGateway);
  gateway.ofport_request = api::pipeline::kGatewayOfPort;
  const bool own_device = options_.gateway_port == options_.gateway_name;
  if (own_device) {
    gateway.type = "internal";
    gateway.mtu_request = options_.mtu;
    // Without an address in the database the next switch process would make up another one.
    const auto present = vswitch_.port(gateway.name);
    gateway.mac = present && !present->mac_in_use.empty()
                      ? present->mac_in_use
                      : gateway_mac_of(options_.node_name).to_string();
  }

  ovsdb::PortSpec tunnel;
  tunnel.name = options_.tunnel_name;
  tunnel.type = options_.tunnel_type;
  tunnel.options = {{"remote_ip", "flow"}, {"key", "flow"}};
  if (options_.tunnel_port) tunnel.options["dst_port"] = std::to_string(*options_.tunnel_port);
  tunnel.external_ids = ids_of(InterfaceType::kTunnel);
  tunnel.ofport_request = api::pipeline::kTunnelOfPort;
  if (const auto present = vswitch_.port(tunnel.name)) {
    const auto udp_port = present->options.find("dst_port");
    const auto wanted = tunnel.options.find("dst_port");
    const bool same_port =
        (udp_port == present->options.end()) == (wanted == tunnel.options.end()) &&
        (wanted == tunnel.options.end() || udp_port->second == wanted->second);
    if (present->type != tunnel.type || !same_port) {
      logger_->info("{}: tunnel port changes from {} to {}", tunnel.name, present->type,
                    tunnel.type);
      ANTREA_CO_CHECK(co_await vswitch_.del_port(options_.name, tunnel.name));
    }
  }

  std::vector<ovsdb::PortSpec> specs;
  specs.push_back(std::move(gateway));
  specs.push_back(std::move(tunnel));
  ANTREA_CO_TRY(auto ports, co_await vswitch_.add_ports(options_.name, std::move(specs)));
  for (auto& port : ports)
    if (!port) co_return std::move(port).error().within("set up the bridge", options_.name);

  BridgeState state;
  state.userspace_datapath = !options_.datapath_type.empty() && options_.datapath_type != "system";
  const auto gateway_number = number_of(*ports[0]), tunnel_number = number_of(*ports[1]);
  if (!gateway_number || !tunnel_number)
    co_return make_error(Errc::kIo, "set up the bridge: the switch gave a port no number",
                         options_.name);
  state.gateway_ofport = *gateway_number;
  state.tunnel_ofport = *tunnel_number;

  ANTREA_CO_TRY(auto netlink, Netlink::open());
  ANTREA_CO_TRY(const auto device, netlink.link(options_.gateway_name));
  state.gateway_mac = device.mac;
  if (state.userspace_datapath && !own_device)  // nobody would complete the host's checksums
    ANTREA_CO_CHECK(set_tx_checksum(options_.gateway_name, false));
  state.interfaces = interfaces();
  co_return state;
}

InterfaceStore Bridge::interfaces() const {
  InterfaceStore store;
  for (const auto& port : vswitch_.ports(options_.name)) {
    auto interface = interface_from(port.name, number_of(port).value_or(0),
                                    {port.external_ids.begin(), port.external_ids.end()});
    if (interface)
      store.add(std::move(*interface));
    else if (interface.error().code != Errc::kNotFound)
      logger_->warn("{}", interface.error().to_string());
  }
  return store;
}

}  // namespace antrea::node
