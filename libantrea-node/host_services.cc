#include "host_services.h"

#include <algorithm>
#include <array>

#include "antrea/node/netlink.h"
#include "pipeline_flows.h"

namespace antrea::node {
namespace {

// The names of sets, and of addresses in rules, by family.
struct Words {
  std::string_view suffix, type, header, dnat;
};
Words words_of(Family family) {
  return family == Family::kIPv4 ? Words{"", "ipv4_addr", "ip", "ip"}
                                 : Words{"-6", "ipv6_addr", "ip6", "ip6"};
}

constexpr std::array kFamilies{Family::kIPv4, Family::kIPv6};

std::string name(std::string_view set, Family family) {
  return std::string(set) + std::string(words_of(family).suffix);
}

std::string set_text(const std::string& set, std::string_view type) {
  return "\tset " + set + " {\n\t\ttype " + std::string(type) + "\n\t}\n\n";
}

std::string chain_text(std::string_view chain, std::string_view hook, const std::string& rules) {
  return "\tchain " + std::string(chain) + " {\n\t\ttype " + std::string(hook) +
         "; policy accept;\n" + rules + "\t}\n";
}

// Packets to node ports are translated before they are routed, those of the host's own processes
// too. External IPs are left to the switch: the host must not track them.
// The kernel lists sets before chains.
struct ServiceRules {
  std::string sets, chains;
};
ServiceRules service_rules() {
  std::string sets, to_node_port, to_external, from_external, hairpin;
  for (const Family family : kFamilies) {
    const Words words = words_of(family);
    const std::string header(words.header);
    sets += set_text(name("node-port-ip", family), words.type);
    sets += set_text(name("node-port", family), "inet_proto . inet_service");
    sets += set_text(name("external-ip", family), words.type);
    to_node_port += "\t\t" + header + " daddr @" + name("node-port-ip", family) +
                    " meta l4proto . th dport @" + name("node-port", family) + " dnat " +
                    std::string(words.dnat) + " to " + proxy::node_port_ip(family).to_string() +
                    "\n";
    to_external += "\t\t" + header + " daddr @" + name("external-ip", family) + " notrack\n";
    from_external += "\t\t" + header + " saddr @" + name("external-ip", family) + " notrack\n";
    hairpin +=
        "\t\t" + header + " saddr " + service_virtual_ip(family).to_string() + " masquerade\n";
  }
  std::string chains =
      chain_text("service-prerouting-raw", "filter hook prerouting priority raw",
                 to_external + from_external) +
      "\n" + chain_text("service-output-raw", "filter hook output priority raw", to_external) +
      "\n" +
      chain_text("service-prerouting", "nat hook prerouting priority dstnat - 1", to_node_port) +
      "\n" + chain_text("service-output", "nat hook output priority -101", to_node_port) + "\n" +
      chain_text("service-postrouting", "nat hook postrouting priority srcnat - 1", hairpin);
  return {std::move(sets), std::move(chains)};
}

}  // namespace

void add_host_services(const NodeConfig& config, const proxy::HostServices& services,
                       const std::set<IpAddress>& node_port_addresses, HostState& state) {
  NftTable& table = state.tables["inet antrea"];
  const ServiceRules rules = service_rules();
  table.body.insert(std::min(table.body.find("\tchain "), table.body.size()), rules.sets);
  table.body += "\n" + rules.chains;
  for (const Family family : kFamilies)
    for (const char* set : {"node-port-ip", "node-port", "external-ip"})
      table.elements[name(set, family)];
  const auto families = families_of(config);
  const auto served = [&](Family family) {
    return std::ranges::find(families, family) != families.end();
  };
  for (const auto& address : node_port_addresses)
    table.elements[name("node-port-ip", address.family())].insert(address.to_string());
  for (const auto& port : services.node_ports)
    if (served(port.family))
      table.elements[name("node-port", port.family)].insert(
          std::to_string(static_cast<unsigned>(port.protocol)) + " . " + std::to_string(port.port));

  const auto lead = [&](const IpPrefix& destination) {
    if (!served(destination.family())) return;
    state.routes[destination] = {destination, service_virtual_ip(destination.family()), false, {}};
  };
  for (const Family family : families) {
    const IpAddress next = service_virtual_ip(family);
    state.routes[IpPrefix::host(next)] = {IpPrefix::host(next), {}, false, {}};
    state.neighbours[next] = MacAddress::from_bits(api::pipeline::kGlobalVirtualMac);
    lead(IpPrefix::host(proxy::node_port_ip(family)));
  }
  for (const auto& prefix : {services.cluster_ips_v4, services.cluster_ips_v6})
    if (prefix) lead(*prefix);
  for (const auto& ip : services.external_ips) {
    table.elements[name("external-ip", ip.family())].insert(ip.to_string());
    // The Node's own address stays with the Node, whatever a Service says.
    if (!node_port_addresses.contains(ip)) lead(IpPrefix::host(ip));
  }
}

std::set<IpAddress> find_node_port_addresses(std::span<const Link> links,
                                             std::span<const LinkAddress> addresses,
                                             std::span<const IpPrefix> wanted,
                                             std::string_view gateway) {
  std::set<IpAddress> out;
  for (const LinkAddress& each : addresses) {
    const IpAddress& address = each.address;
    const auto link = std::ranges::find(links, each.link, &Link::index);
    if (link == links.end() || address.is_link_local() || address.is_loopback()) continue;
    const std::string_view device = link->name;
    if (device == gateway || device == "antrea-egress0" || device == "antrea-ingress0" ||
        device == "kube-ipvs0" || device.starts_with("antrea-ext."))
      continue;
    if (wanted.empty() ||
        std::ranges::any_of(wanted, [&](const IpPrefix& one) { return one.contains(address); }))
      out.insert(address);
  }
  return out;
}

}  // namespace antrea::node
