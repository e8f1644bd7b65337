#include <fmt/format.h>

#include <algorithm>

#include "antrea/node/egress_host.h"
#include "egress_subnets.h"
#include "nft_commands.h"

namespace antrea::node {
namespace {

constexpr const char* kSnat = "egress-snat";
constexpr const char* kIps = "egress-ip";
constexpr const char* kMacs = "egress-mac";
constexpr const char* kHandover = "egress-handover";

std::string of_family(std::string_view name, Family family) {
  return std::string(name) + (family == Family::kIPv4 ? "" : "-6");
}

std::string set_of(std::string_view kind, std::string_view name, std::string_view type) {
  return fmt::format("\t{} {} {{\n\t\ttype {}\n\t}}\n\n", kind, name, type);
}

std::string ip_sets() {
  return set_of("set", kIps, "ipv4_addr") +
         set_of("set", of_family(kIps, Family::kIPv6), "ipv6_addr");
}

// Maps stand before chains, as the kernel lists them.
std::string translation_table(const NodeConfig& config, SnatPorts ports) {
  std::string body = set_of("map", kSnat, "mark : ipv4_addr") +
                     set_of("map", of_family(kSnat, Family::kIPv6), "mark : ipv6_addr");
  if (config.userspace_datapath) body += set_of("map", kMacs, "ether_addr : mark");
  body += ip_sets();
  const auto& gateway = config.gateway_name;
  if (config.userspace_datapath)
    body += fmt::format(
        "\tchain prerouting {{\n\t\ttype filter hook prerouting priority mangle; policy accept;\n"
        "\t\tiifname \"{0}\" meta mark set ether saddr map @{1} accept\n"
        "\t\tiifname \"{0}\" ether saddr & ff:fd:00:00:00:00 == {2} drop\n\t}}\n\n",
        gateway, kMacs, MacAddress::from_bits(0xa2e4ULL << 32).to_string());
  body += "\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n";
  for (const auto& [header, set] : {std::pair("ip", of_family(kIps, Family::kIPv4)),
                                    std::pair("ip6", of_family(kIps, Family::kIPv6))})
    for (const char* protocol : {"tcp", "udp"})
      body += fmt::format("\t\t{} daddr @{} meta l4proto {} ct state new drop\n", header, set,
                          std::string_view(protocol) == "tcp" ? 6 : 17);
  body +=
      "\t}\n\n\tchain postrouting {\n"
      "\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n";
  const auto leaving = fmt::format("\t\tiifname \"{0}\" oifname != \"{0}\" ", gateway);
  const char* const how = ports == SnatPorts::kFullyRandom ? " fully-random" : "";
  body += leaving + fmt::format("snat ip to meta mark & 0x000000ff map @{}{}\n", kSnat, how);
  body += leaving + fmt::format("snat ip6 to meta mark & 0x000000ff map @{}{}\n",
                                of_family(kSnat, Family::kIPv6), how);
  body += leaving + "meta mark & 0x000000ff != 0x00000000 drop\n\t}\n";
  return body;
}

std::string fence_table(const std::string& transport) {
  return fmt::format(
      "\tset lease {{\n\t\ttype mark\n\t\tsize 16\n\t\tflags dynamic,timeout\n\t\ttimeout "
      "{0}ms\n\t}}\n\n"
      "{1}"
      "\tchain renewal {{\n\t\ttype filter hook egress device \"lo\" priority filter; policy "
      "accept;\n"
      "\t\tmeta mark {2:#010x} udp dport {3} update @lease {{ meta mark & 0x00000000 timeout {0}ms "
      "}} drop\n\t}}\n\n"
      "\tchain fence {{\n\t\ttype filter hook egress device \"{4}\" priority filter; policy "
      "accept;\n"
      "\t\tmeta mark & 0x00000000 == @lease accept\n"
      "\t\tarp saddr ip @{5} drop\n"
      "\t\tip saddr @{5} drop\n"
      "\t\tip6 saddr @{6} drop\n\t}}\n",
      kEgressLease.count(), ip_sets(), kEgressLeaseMark, kEgressLeasePort, transport, kIps,
      of_family(kIps, Family::kIPv6));
}

// Of one family, as only such ones know `dup`.
NftTable handover_table(Family family, const std::string& transport) {
  const std::string ip = family == Family::kIPv4 ? "ip" : "ip6";
  const std::string address = family == Family::kIPv4 ? "ipv4_addr" : "ipv6_addr";
  return {ip,
          "antrea-egress",
          set_of("map", kHandover, address + " : " + address) +
              fmt::format("\tchain prerouting {{\n\t\ttype filter hook prerouting priority mangle; "
                          "policy accept;\n\t\tiifname \"{1}\" ct state invalid,new dup to {0} "
                          "daddr map @{2} device \"{1}\" drop\n\t}}\n",
                          ip, transport, kHandover),
          {{kHandover, {}}}};
}

std::optional<IpAddress> own_address(const NodeConfig& config, Family family) {
  const auto found = std::ranges::find(config.node_ips, family, &IpAddress::family);
  if (found == config.node_ips.end()) return {};
  return *found;
}

/// An operation for each that is in one set and not in the other.
template <typename Operation, typename T>
void plan_new(const std::set<T>& wanted, const std::set<T>& there,
              std::vector<EgressHostOperation>& plan) {
  for (const T& each : wanted)
    if (!there.contains(each)) plan.emplace_back(Operation{each});
}

std::string mark_text(EgressMark mark) { return fmt::format("{:#010x}", mark); }

}  // namespace

EgressHostState desired_egress_host(const NodeConfig& config, const std::string& transport,
                                    const EgressHostNeeds& needs) {
  EgressHostState state;
  state.transport = transport;
  state.gateway = config.gateway_name;
  add_subnets(needs, state);
  NftTable translation{"inet", "antrea-egress", translation_table(config, needs.ports), {}};
  NftTable fence{"netdev", "antrea-egress", fence_table(transport), {}};
  std::map<Family, NftTable> handover;
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    handover.emplace(family, handover_table(family, transport));
    translation.elements[of_family(kSnat, family)];
    for (NftTable* const table : {&translation, &fence}) table->elements[of_family(kIps, family)];
  }
  if (config.userspace_datapath) translation.elements[kMacs];
  for (const LocalEgressIp& each : needs.local) {
    const Family family = each.ip.family();
    const std::string ip = each.ip.to_string();
    translation.elements[of_family(kSnat, family)].insert(mark_text(each.mark) + " : " + ip);
    for (NftTable* const table : {&translation, &fence})
      table->elements[of_family(kIps, family)].insert(ip);
    if (config.userspace_datapath)
      translation.elements[kMacs].insert(egress_mac(each.ip).to_string() + " : " +
                                         mark_text(each.mark));
    if (each.successor)
      handover.at(family).elements[kHandover].insert(ip + " : " + each.successor->to_string());
    if (each.assigned)
      state.addresses.insert({each.ip, static_cast<std::uint8_t>(each.ip.width())});
  }
  for (const IpAddress& ip : needs.services) {
    fence.elements[of_family(kIps, ip.family())].insert(ip.to_string());
    if (!config.proxy_all) state.sunk.emplace(ip, own_address(config, ip.family()));
    if (ip.is_v6()) continue;
    state.answered.insert(ip);
    // The kernel answers for others only where it forwards, and would take its time.
    state.sysctls["net/ipv4/neigh/" + transport + "/proxy_delay"] = "0";
  }
  state.tables["inet antrea-egress"] = std::move(translation);
  state.tables["netdev antrea-egress"] = std::move(fence);
  for (auto& [family, table] : handover)
    state.tables[table.family + " " + table.name] = std::move(table);
  return state;
}

std::vector<EgressHostOperation> plan_egress_host(const EgressHostState& desired,
                                                  const EgressHostState& actual) {
  std::vector<EgressHostOperation> plan;
  for (const auto& [path, value] : desired.sysctls) {
    const auto found = actual.sysctls.find(path);
    if (found == actual.sysctls.end() || found->second != value)
      plan.emplace_back(SetSysctl{path, value});
  }
  plan_new<AnswerNoMore>(actual.answered, desired.answered, plan);
  for (const auto& [ip, source] : actual.sunk)
    if (!desired.sunk.contains(ip)) plan.emplace_back(SinkNoMore{ip});
  if (!actual.device_present || !actual.device_up) plan.emplace_back(AddEgressDevice{});
  // New ways before they are needed; old ones last.
  plan_new<SetEgressRoute>(desired.routes, actual.routes, plan);
  plan_new<AddEgressRule>(desired.rules, actual.rules, plan);
  plan_new<RemoveAddress>(actual.addresses, desired.addresses, plan);
  if (auto commands = nft_commands(desired.tables, actual.tables); !commands.empty())
    plan.emplace_back(NftTransaction{std::move(commands)});
  // Behind the fence.
  plan_new<AddAddress>(desired.addresses, actual.addresses, plan);
  for (const auto& [ip, source] : desired.sunk) {
    const auto found = actual.sunk.find(ip);
    if (found == actual.sunk.end() || found->second != source) plan.emplace_back(Sink{ip, source});
  }
  plan_new<Answer>(desired.answered, actual.answered, plan);
  plan_new<RemoveEgressRule>(actual.rules, desired.rules, plan);
  plan_new<RemoveEgressRoute>(actual.routes, desired.routes, plan);
  return plan;
}

std::map<IpAddress, EgressMark> egress_marks(const EgressHostState& actual) {
  std::map<IpAddress, EgressMark> marks;
  const auto table = actual.tables.find("inet antrea-egress");
  if (table == actual.tables.end()) return marks;
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    const auto map = table->second.elements.find(of_family(kSnat, family));
    if (map == table->second.elements.end()) continue;
    for (const std::string& element : map->second) {
      const auto blank = element.rfind(' ');
      const auto ip = IpAddress::parse(element.substr(blank + 1));
      const unsigned long mark = std::strtoul(element.c_str(), nullptr, 0);
      if (ip && mark >= 1 && mark <= 255) marks.emplace(*ip, static_cast<EgressMark>(mark));
    }
  }
  return marks;
}

std::string describe(const EgressHostOperation& operation) {
  struct Describe {
    std::string operator()(const AddEgressDevice&) const {
      return "device " + std::string(kEgressDevice);
    }
    std::string operator()(const NftTransaction& op) const {
      return fmt::format("nft transaction of {} bytes", op.commands.size());
    }
    std::string operator()(const SetSysctl& op) const {
      return fmt::format("sysctl {} = {}", op.path, op.value);
    }
    std::string operator()(const Answer& op) const { return "answer for " + op.ip.to_string(); }
    std::string operator()(const AnswerNoMore& op) const {
      return "answer no more for " + op.ip.to_string();
    }
    std::string operator()(const Sink& op) const {
      return fmt::format("route {} to {}", op.ip.to_string(), kEgressDevice);
    }
    std::string operator()(const SinkNoMore& op) const {
      return "no route to " + op.ip.to_string();
    }
    std::string operator()(const AddAddress& op) const { return "address " + text(op.address); }
    std::string operator()(const RemoveAddress& op) const {
      return "no address " + text(op.address);
    }
    std::string operator()(const SetEgressRoute& op) const { return text(op.route); }
    std::string operator()(const RemoveEgressRoute& op) const { return "no " + text(op.route); }
    std::string operator()(const AddEgressRule& op) const { return text(op.rule); }
    std::string operator()(const RemoveEgressRule& op) const { return "no " + text(op.rule); }
    static std::string text(const EgressRoute& route) {
      return fmt::format("route {}{} in table {}", route.destination.to_string(),
                         route.via ? " via " + route.via->to_string() : "", route.table);
    }
    static std::string text(const EgressRule& rule) {
      return fmt::format("rule of mark {} for table {}", rule.mark, rule.table);
    }
    static std::string text(const InterfaceAddress& address) {
      return fmt::format("{}/{}", address.ip.to_string(), address.prefix_length);
    }
  };
  return std::visit(Describe{}, operation);
}

}  // namespace antrea::node
