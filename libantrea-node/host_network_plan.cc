#include <algorithm>

#include "antrea/node/host_network.h"
#include "host_services.h"
#include "nft_commands.h"

namespace antrea::node {
namespace {

constexpr std::string_view kSetV4 = "pod-cidr";
constexpr std::string_view kSetV6 = "pod-cidr-6";

std::string masquerade_table(const NodeConfig& config) {
  const auto quoted = "\"" + config.gateway_name + "\"";
  std::string body =
      "\tset pod-cidr {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n\n"
      "\tset pod-cidr-6 {\n\t\ttype ipv6_addr\n\t\tflags interval\n\t}\n\n"
      "\tchain output {\n\t\ttype filter hook output priority mangle; policy accept;\n"
      "\t\toifname " +
      quoted +
      " fib saddr type local meta mark set meta mark | 0x80000000\n\t}\n\n"
      "\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n";
  for (const auto& cidr : config.pod_cidrs) {
    const bool v4 = cidr.family() == Family::kIPv4;
    body += std::string("\t\t") + (v4 ? "ip" : "ip6") + " saddr " + cidr.to_string() +
            (v4 ? " ip" : " ip6") + " daddr != @" + std::string(v4 ? kSetV4 : kSetV6) +
            " oifname != " + quoted + " masquerade\n";
  }
  body += "\t\toifname " + quoted +
          " fib saddr type local fib saddr . oif type != local masquerade\n\t}\n";
  return body;
}

// Runs behind the IP stack, where the packet still has its mark and already has its Ethernet
// header.
std::string host_local_table(const NodeConfig& config) {
  return "\tchain gateway-egress {\n\t\ttype filter hook egress device \"" + config.gateway_name +
         "\" priority filter; policy accept;\n\t\tmeta mark >= 0x80000000 ether saddr set " +
         MacAddress::from_bits(kHostLocalMac).to_string() + "\n\t}\n";
}

// What the switch has tapped already shall not reach the host's kernel as well.
std::string drop_pod_interfaces(std::string_view chain, std::string_view hook) {
  return "\tchain " + std::string(chain) + " {\n\t\ttype filter hook " + std::string(hook) +
         "; policy accept;\n\t\tiifgroup " + std::to_string(kPodInterfaceGroup) + " drop\n\t}\n";
}

}  // namespace

HostState desired_host_state(const NodeConfig& config, std::span<const PeerNode> peers,
                             const proxy::HostServices& services,
                             const std::set<IpAddress>& node_port_addresses) {
  HostState state;
  state.gateway = config.gateway_name;
  state.mtu = config.mtu;
  NftTable masquerade{"inet", "antrea", masquerade_table(config), {}};
  auto& v4 = masquerade.elements[std::string(kSetV4)];
  auto& v6 = masquerade.elements[std::string(kSetV6)];
  const auto add_element = [&](const IpPrefix& cidr) {
    const bool host = cidr.length() == cidr.address().width();  // nft lists it without its length
    (cidr.family() == Family::kIPv4 ? v4 : v6)
        .insert(host ? cidr.address().to_string() : cidr.to_string());
  };

  for (const auto& cidr : config.pod_cidrs) {
    const auto gateway = gateway_ip(cidr);
    state.addresses.insert({gateway, static_cast<std::uint8_t>(cidr.length())});
    state.routes[cidr] = {
        cidr, {}, false, cidr.family() == Family::kIPv4 ? std::optional(gateway) : std::nullopt};
    add_element(cidr);
    if (cidr.family() == Family::kIPv4) {
      state.sysctls["net/ipv4/ip_forward"] = "1";
      // ARP requests of the host must name the gateway's address, or the pipeline takes them for
      // spoofed.
      state.sysctls["net/ipv4/conf/" + config.gateway_name + "/arp_announce"] = "1";
    } else {
      state.sysctls["net/ipv6/conf/all/forwarding"] = "1";
    }
  }
  for (const auto& peer : peers) {
    for (const auto& cidr : peer.pod_cidrs) {
      const auto gateway = gateway_ip(cidr);
      add_element(cidr);
      if (cidr.family() == Family::kIPv4) {  // the pipeline answers ARP for the peer's gateway
        state.routes[cidr] = {cidr, gateway, true, {}};
      } else {  // onlink is not possible, and nobody answers neighbour discovery
        state.routes[IpPrefix::host(gateway)] = {IpPrefix::host(gateway), {}, false, {}};
        state.routes[cidr] = {cidr, gateway, false, {}};
        state.neighbours[gateway] = MacAddress::from_bits(api::pipeline::kGlobalVirtualMac);
      }
    }
  }
  state.tables["inet antrea"] = std::move(masquerade);
  if (config.userspace_datapath) {
    state.tables["inet antrea"].body +=
        "\n" + drop_pod_interfaces("pod-interfaces", "prerouting priority raw");
    state.tables["arp antrea"] = {
        "arp", "antrea", drop_pod_interfaces("input", "input priority filter"), {}};
    state.tables["netdev antrea"] = {"netdev", "antrea", host_local_table(config), {}};
  }
  if (config.proxy_all) add_host_services(config, services, node_port_addresses, state);
  return state;
}

namespace {

// What is desired, and what is there besides.
HostState with_all_of(HostState desired, const HostState& actual) {
  desired.complete = true;
  desired.routes.insert(actual.routes.begin(), actual.routes.end());
  desired.neighbours.insert(actual.neighbours.begin(), actual.neighbours.end());
  for (auto& [key, table] : desired.tables) {
    const auto found = actual.tables.find(key);
    if (found == actual.tables.end()) continue;
    for (auto& [set, elements] : table.elements)
      if (const auto has = found->second.elements.find(set); has != found->second.elements.end())
        elements.insert(has->second.begin(), has->second.end());
  }
  return desired;
}

}  // namespace

std::vector<HostOperation> plan_host_network(const HostState& desired, const HostState& actual) {
  if (!desired.complete) return plan_host_network(with_all_of(desired, actual), actual);
  std::vector<HostOperation> plan;
  for (const auto& [path, value] : desired.sysctls) {
    const auto found = actual.sysctls.find(path);
    if (found == actual.sysctls.end() || found->second != value)
      plan.emplace_back(SetSysctl{path, value});
  }

  // Translation stands before the routes that bring it packets.
  std::string commands = nft_commands(desired.tables, actual.tables);
  if (!commands.empty()) plan.emplace_back(NftTransaction{std::move(commands)});

  const bool wrong_mtu = desired.mtu && actual.mtu != desired.mtu;
  if (!actual.gateway_up || wrong_mtu)
    plan.emplace_back(SetLink{true, wrong_mtu ? desired.mtu : std::nullopt});
  // A new address first: were the last one removed before, the kernel would drop the routes with
  // it.
  std::set<IpPrefix> made_by_kernel;
  for (const auto& address : desired.addresses) {
    if (actual.addresses.contains(address)) continue;
    plan.emplace_back(AddAddress{address});
    made_by_kernel.insert({address.ip, address.prefix_length});
  }
  for (const auto& address : actual.addresses)
    if (!desired.addresses.contains(address)) plan.emplace_back(RemoveAddress{address});

  const auto add_routes = [&](bool next_hops) {
    for (const auto& [destination, route] : desired.routes) {
      if (route.via.has_value() != next_hops || made_by_kernel.contains(destination)) continue;
      const auto found = actual.routes.find(destination);
      if (found == actual.routes.end() || found->second != route)
        plan.emplace_back(SetRoute{route});
    }
  };
  add_routes(false);  // on the link, so that the next hops of the others can be reached
  for (const auto& [ip, mac] : desired.neighbours) {
    const auto found = actual.neighbours.find(ip);
    if (found == actual.neighbours.end() || found->second != mac)
      plan.emplace_back(SetNeighbour{{ip, mac}});
  }
  add_routes(true);

  // What goes makes way for what is in its place already, e.g. a wider prefix for a narrower one.
  for (const auto& [destination, route] : actual.routes)
    if (!desired.routes.contains(destination) && !actual.kernel_routes.contains(destination))
      plan.emplace_back(RemoveRoute{destination});
  for (const auto& [ip, mac] : actual.neighbours)
    if (!desired.neighbours.contains(ip)) plan.emplace_back(RemoveNeighbour{ip});
  return plan;
}

std::string describe(const HostOperation& operation) {
  struct Describe {
    std::string operator()(const SetSysctl& op) const {
      return "sysctl " + op.path + " = " + op.value;
    }
    std::string operator()(const NftTransaction& op) const {
      return "nft transaction of " + std::to_string(op.commands.size()) + " bytes";
    }
    std::string operator()(const SetLink& op) const {
      return std::string("link ") + (op.up ? "up" : "down") +
             (op.mtu ? " mtu " + std::to_string(*op.mtu) : "");
    }
    std::string operator()(const AddAddress& op) const { return "address " + text(op.address); }
    std::string operator()(const RemoveAddress& op) const {
      return "no address " + text(op.address);
    }
    std::string operator()(const SetRoute& op) const {
      return "route " + op.route.destination.to_string() +
             (op.route.via ? " via " + op.route.via->to_string() : "") +
             (op.route.onlink ? " onlink" : "");
    }
    std::string operator()(const RemoveRoute& op) const {
      return "no route " + op.destination.to_string();
    }
    std::string operator()(const SetNeighbour& op) const {
      return "neighbour " + op.neighbour.ip.to_string() + " at " + op.neighbour.mac.to_string();
    }
    std::string operator()(const RemoveNeighbour& op) const {
      return "no neighbour " + op.ip.to_string();
    }
    static std::string text(const InterfaceAddress& address) {
      return address.ip.to_string() + "/" + std::to_string(address.prefix_length);
    }
  };
  return std::visit(Describe{}, operation);
}

}  // namespace antrea::node
