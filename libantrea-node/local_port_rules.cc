// The table of nftables for NodePortLocal.
#include <fmt/format.h>

#include "antrea/node/local_ports.h"

namespace antrea::node {
namespace {

constexpr std::string_view kMapV4 = "node-port-local";
constexpr std::string_view kMapV6 = "node-port-local-6";

std::string_view map_of(Family family) { return family == Family::kIPv4 ? kMapV4 : kMapV6; }

std::string map_text(std::string_view name, std::string_view address) {
  return fmt::format(
      "\tmap {} {{\n\t\ttype inet_proto . inet_service : {} . inet_service\n\t}}\n\n", name,
      address);
}

// Before the chains of node ports: a Node port that somebody is told of leads to one Pod.
std::string chain(std::string_view name, std::string_view hook) {
  return fmt::format(
      "\tchain {} {{\n\t\ttype nat hook {}; policy accept;\n"
      "\t\tip daddr != 127.0.0.0/8 fib daddr type local dnat ip to meta l4proto . th dport map "
      "@{}\n"
      "\t\tip6 daddr != ::1 fib daddr type local dnat ip6 to meta l4proto . th dport map @{}\n"
      "\t}}\n\n",
      name, hook, kMapV4, kMapV6);
}

std::string table_body(const std::string& gateway) {
  return map_text(kMapV4, "ipv4_addr") + map_text(kMapV6, "ipv6_addr") +
         chain("prerouting", "prerouting priority dstnat - 2") +
         chain("output", "output priority -102") +
         fmt::format(
             "\tchain postrouting {{\n"
             "\t\ttype nat hook postrouting priority srcnat - 2; policy accept;\n"
             "\t\tiifname \"{0}\" oifname \"{0}\" ct status dnat masquerade\n\t}}\n",
             gateway);
}

}  // namespace

void add_local_ports(const NodeConfig& config, const LocalPorts& ports, HostState& state) {
  const std::string key(kLocalPortTable);
  state.table_keys.insert(key);
  if (ports.empty()) return;
  NftTable table{"inet", key.substr(key.find(' ') + 1), table_body(config.gateway_name), {}};
  for (const std::string_view map : {kMapV4, kMapV6}) table.elements[std::string(map)];
  for (const auto& [port, backend] : ports)
    table.elements[std::string(map_of(port.family))].insert(
        fmt::format("{} . {} : {} . {}", static_cast<unsigned>(port.protocol), port.port,
                    backend.ip.to_string(), backend.port));
  state.tables[key] = std::move(table);
}

}  // namespace antrea::node
