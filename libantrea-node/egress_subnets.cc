// Egress IPs in subnets that are not the Nodes' own: how their packets are led out.
#include "egress_subnets.h"

#include "antrea/base/hash.h"

namespace antrea::node {

std::map<EgressSubnet, std::uint32_t> egress_tables(const std::set<EgressSubnet>& subnets) {
  std::map<EgressSubnet, std::uint32_t> tables;
  std::set<std::uint32_t> taken;
  for (const EgressSubnet& subnet : subnets) {
    if (taken.size() == kMostEgressSubnets) break;
    const auto text = subnet.prefix.to_string() + " " + subnet.gateway.to_string();
    auto number = static_cast<std::uint32_t>(stable_hash(text) % kMostEgressSubnets);
    while (!taken.insert(number).second) number = (number + 1) % kMostEgressSubnets;
    tables.emplace(subnet, kFirstEgressTable + number);
  }
  return tables;
}

void add_subnets(const EgressHostNeeds& needs, EgressHostState& state) {
  const auto tables = egress_tables(needs.subnets);
  for (const auto& [subnet, table] : tables) {
    const Family family = subnet.prefix.family();
    state.routes.insert({table, subnet.prefix, {}});
    const auto anywhere = family == Family::kIPv4 ? IpAddress() : IpAddress::v6({});
    state.routes.insert({table, IpPrefix(anywhere, 0), subnet.gateway});
    // Replies come from sources whose way back, by the main table, is another one.
    if (family == Family::kIPv4)
      state.sysctls["net/ipv4/conf/" + state.transport + "/rp_filter"] = "2";
  }
  for (const LocalEgressIp& each : needs.local) {
    if (!each.subnet) continue;
    if (const auto found = tables.find(*each.subnet); found != tables.end())
      state.rules.insert({each.ip.family(), each.mark, found->second});
  }
}

}  // namespace antrea::node
