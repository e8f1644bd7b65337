#include "antrea/node/host_policies.h"

#include <algorithm>
#include <array>

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using policy::NodeRule;

constexpr int kTcp = 6;

// A rule's key may hold what the name of a set may not.
std::string set_name(const NodeRule& rule, Family family) {
  std::string name = rule.key;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  // Names begin with a letter.
  return "rule-" + name + (family == Family::kIPv4 ? "-4" : "-6");
}

std::string element(const IpPrefix& prefix) {  // as nft lists it
  return prefix.length() == prefix.address().width() ? prefix.address().to_string()
                                                     : prefix.to_string();
}

bool covers_all(const NodeRule& rule, Family family) {
  return std::ranges::any_of(*rule.peers, [&](const IpPrefix& prefix) {
    return prefix.family() == family && prefix.length() == 0;
  });
}

/// What a rule says of the other side, one text for each family that has to be told apart; none: it
/// matches nobody.
std::vector<std::string> peer_matches(const NodeRule& rule) {
  constexpr std::array kFamilies{Family::kIPv4, Family::kIPv6};
  if (!rule.peers || std::ranges::all_of(kFamilies, [&](Family f) { return covers_all(rule, f); }))
    return {""};
  const bool in = rule.direction == cp::Direction::kIn;
  std::vector<std::string> matches;
  for (const Family family : kFamilies) {
    const bool v4 = family == Family::kIPv4;
    if (covers_all(rule, family))
      matches.push_back(v4 ? "meta nfproto ipv4 " : "meta nfproto ipv6 ");
    else if (std::ranges::find(*rule.peers, family, &IpPrefix::family) != rule.peers->end())
      matches.push_back(std::string(v4 ? "ip " : "ip6 ") + (in ? "saddr @" : "daddr @") +
                        set_name(rule, family) + " ");
  }
  return matches;
}

std::string range(std::int32_t first, std::optional<std::int32_t> last) {
  return std::to_string(first) +
         (last && *last != first ? "-" + std::to_string(*last) : std::string());
}

struct ServiceMatch {
  std::string text;
  std::optional<int> protocol;  // if it matches one only
};

void add_icmp_matches(const cp::Service& service, std::vector<ServiceMatch>& matches) {
  for (const auto& [name, protocol] : {std::pair("icmp", 1), std::pair("icmpv6", 58)}) {
    std::string text;
    if (!service.icmp_type && !service.icmp_code)
      text = "meta l4proto " + std::to_string(protocol) + " ";
    if (service.icmp_type)
      text += std::string(name) + " type " + std::to_string(*service.icmp_type) + " ";
    if (service.icmp_code)
      text += std::string(name) + " code " + std::to_string(*service.icmp_code) + " ";
    matches.push_back({text, protocol});
  }
}

std::vector<ServiceMatch> service_matches(const NodeRule& rule) {
  if (!rule.services) return {{"", {}}};
  std::vector<ServiceMatch> matches;
  for (const cp::Service& service : *rule.services) {
    const auto protocol = service.protocol.value_or(cp::ServiceProtocol::kTcp);
    if (protocol == cp::ServiceProtocol::kIcmp) {
      add_icmp_matches(service, matches);
      continue;
    }
    const std::string name = protocol == cp::ServiceProtocol::kTcp   ? "tcp"
                             : protocol == cp::ServiceProtocol::kUdp ? "udp"
                                                                     : "sctp";
    std::string text;
    if (service.src_port)
      text += name + " sport " + range(*service.src_port, service.src_end_port) + " ";
    if (service.port)
      text += name + " dport " + range(service.port->number, service.end_port) + " ";
    if (text.empty()) text = "meta l4proto " + std::to_string(static_cast<int>(protocol)) + " ";
    matches.push_back({text, static_cast<int>(protocol)});
  }
  return matches;
}

/// Each line of the chain that the rule comes to. TCP is rejected with a RST, all else by ICMP.
std::string lines(const NodeRule& rule) {
  std::string text;
  const std::string log =
      rule.log_prefix.empty() ? std::string() : "log prefix \"" + rule.log_prefix + "\" ";
  const auto add = [&](const std::string& match, std::string_view verdict) {
    text += "\t\t" + match + log + std::string(verdict) + "\n";
  };
  for (const std::string& peers : peer_matches(rule)) {
    for (const ServiceMatch& service : service_matches(rule)) {
      const std::string match = peers + service.text;
      switch (rule.action) {
        case cp::RuleAction::kAllow:
          add(match, "accept");
          break;
        case cp::RuleAction::kReject:
          if (!service.protocol) add(match + "meta l4proto 6 ", "reject with tcp reset");
          add(match, service.protocol == kTcp ? "reject with tcp reset"
                                              : "reject with icmpx admin-prohibited");
          break;
        case cp::RuleAction::kDrop:
        case cp::RuleAction::kPass:
          add(match, "drop");
          break;
      }
    }
  }
  return text;
}

// What rules never judge. Agents: API, gossip; tunnels of all kinds, WireGuard.
std::string always_accepted(bool in) {
  return std::string("\t\tct state established,related accept\n\t\t") +
         (in ? "iifname" : "oifname") +
         " \"lo\" accept\n"
         "\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
         "nd-neighbor-advert } accept\n"
         "\t\ttcp dport 10349-10351 accept\n"
         "\t\tudp dport { 4789, 6081, 7471, 10351, 51820 } accept\n"
         "\t\tmeta l4proto 47 accept\n";
}

}  // namespace

void add_node_policies(const policy::NodeRules& rules, HostState& state) {
  const std::string key(kNodePolicyTable);
  state.table_keys.insert(key);
  if (rules.rules.empty()) return;
  NftTable table{"inet", key.substr(key.find(' ') + 1), "", {}};
  std::string sets, input, output;
  for (const NodeRule& rule : rules.rules) {
    (rule.direction == cp::Direction::kIn ? input : output) += lines(rule);
    if (!rule.peers) continue;
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      if (covers_all(rule, family)) continue;
      std::set<std::string> elements;
      for (const IpPrefix& prefix : *rule.peers)
        if (prefix.family() == family) elements.insert(element(prefix));
      if (elements.empty()) continue;
      table.elements[set_name(rule, family)] = std::move(elements);
      sets += "\tset " + set_name(rule, family) + " {\n\t\ttype " +
              (family == Family::kIPv4 ? "ipv4_addr" : "ipv6_addr") +
              "\n\t\tflags interval\n\t}\n\n";
    }
  }
  table.body =
      sets + "\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n" +
      always_accepted(true) + input +
      "\t}\n\n\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n" +
      always_accepted(false) + output + "\t}\n";
  state.tables[key] = std::move(table);
}

}  // namespace antrea::node
