#include "antrea/node/egress_flows.h"

#include "antrea/base/hash.h"
#include "pipeline_flows.h"

namespace antrea::node {

using namespace openflow;
using namespace api::pipeline;

namespace {

// Those below are the groups of Services.
constexpr std::uint32_t kFirstGroup = 0xe0000000;
constexpr std::uint32_t kGroupCount = 0xfffe0000 - kFirstGroup;

const Subfield kMarkBits(FieldId::kPktMark, 0, 8);

Match from(PktSource source) {
  Match match;
  match_reg(match, reg::kPktSource, source);
  return match;
}

Flow egress_flow(Table table, std::uint16_t priority, Match match, Actions actions,
                 std::optional<Table> next = {}) {
  return make_flow(table, priority, std::move(match), std::move(actions), next,
                   CookieCategory::kEgress);
}

SetField to_gateway() { return load(reg::kPktDestination, PktDestination::kGateway); }

// A number for each address that follows from the set of addresses.
std::map<IpAddress, GroupId> number_groups(const std::map<IpAddress, EgressExit>& exits) {
  std::map<IpAddress, GroupId> numbers;
  std::set<GroupId> taken;
  for (const auto& [ip, exit] : exits) {
    GroupId id;
    for (std::uint64_t attempt = 0;; ++attempt) {
      id = GroupId{kFirstGroup +
                   static_cast<std::uint32_t>(stable_hash(ip.to_string(), attempt) % kGroupCount)};
      if (taken.insert(id).second) break;
    }
    numbers.emplace(ip, id);
  }
  return numbers;
}

template <typename Map, typename Removed, typename Changed>
void difference(const Map& before, const Map& after, Removed removed, Changed changed) {
  for (const auto& [key, value] : before)
    if (!after.contains(key)) removed(key, value);
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end() || !(old->second == value)) changed(value);
  }
}

}  // namespace

MacAddress egress_mac(const IpAddress& egress_ip) {
  std::uint32_t low = 0;
  if (egress_ip.is_v4())
    for (const std::uint8_t byte : egress_ip.bytes()) low = low << 8 | byte;
  else
    low = static_cast<std::uint32_t>(stable_hash(egress_ip.to_string()));
  const std::uint64_t family = egress_ip.is_v4() ? 0xa2e4 : 0xa2e6;  // locally administered
  return MacAddress::from_bits(family << 32 | low);
}

EgressFlows::EgressFlows(NodeConfig config, bool meters)
    : config_(std::move(config)), meters_(meters) {}

Changes EgressFlows::start() const {
  Changes out;
  const auto add = [&](Table table, std::uint16_t priority, Match match, Actions actions,
                       std::optional<Table> next = {}) {
    out.flows.push_back(egress_flow(table, priority, std::move(match), std::move(actions), next));
  };
  // What no Pod's and no Node's address is. Answers are not asked: they leave as they came.
  add(Table::kL3Forwarding, kPriorityLow, from(PktSource::kLocalPod).ct_state("-rpl+trk"), {},
      Table::kEgressMark);
  add(Table::kL3Forwarding, kPriorityLow, from(PktSource::kTunnel).ct_state("-rpl+trk"),
      {set_field(FieldId::kEthDst, config_.gateway_mac)}, Table::kEgressMark);
  add(Table::kEgressMark, kPriorityLow, from(PktSource::kTunnel).ct_state("+trk"), {});
  add(Table::kEgressMark, kPriorityMiss, {}, {to_gateway()}, Table::kL2ForwardingCalc);
  add(Table::kEgressQos, kPriorityMiss, {}, {}, Table::kL2ForwardingCalc);
  return out;
}

Actions EgressFlows::leave_here(const IpAddress& ip, const EgressHere& here) const {
  Actions actions{openflow::load(kMarkBits, here.mark), to_gateway()};
  // The host does not see the mark there.
  if (config_.userspace_datapath) actions.emplace_back(set_field(FieldId::kEthSrc, egress_mac(ip)));
  actions.emplace_back(resubmit(table_id(Table::kEgressQos)));
  return actions;
}

Actions EgressFlows::to_owner(const IpAddress& ip, const EgressThere& there) const {
  Actions actions{
      set_field(FieldId::kEthSrc, egress_mac(ip)),
      set_field(FieldId::kEthDst, MacAddress::from_bits(kGlobalVirtualMac)),
      set_field(there.node_ip.is_v4() ? FieldId::kTunDst : FieldId::kTunIpv6Dst, there.node_ip),
      load(reg::kPktDestination, PktDestination::kTunnel), load(reg::kRemoteSnat, 1)};
  // As for all tunnels: by a mark the switch would find no route.
  if (config_.userspace_datapath) actions.emplace_back(set_field(FieldId::kPktMark, 0));
  actions.emplace_back(resubmit(table_id(Table::kL2ForwardingCalc)));
  return actions;
}

// What came from another Node's Pods for an address that is here.
void EgressFlows::take_arrivals(const IpAddress& ip, const EgressHere& here, Content& out) const {
  const auto add = [&](Flow flow) { out.flows.insert_or_assign(flow.key(), std::move(flow)); };
  const Actions leave = leave_here(ip, here);
  add(egress_flow(Table::kEgressMark, kPriorityNormal,
                  from(PktSource::kTunnel).ct_state("+trk").eth_src(egress_mac(ip)), leave));
  Match original = from(PktSource::kTunnel).ct_state("+trk");
  original.set(ip.is_v4() ? FieldId::kTunDst : FieldId::kTunIpv6Dst, ip);
  add(egress_flow(Table::kEgressMark, kPriorityNormal, std::move(original), leave));
  if (!meters_ || !here.bandwidth) return;
  const MeterId meter{here.mark};
  Match marked;
  marked.pkt_mark(here.mark, 0xff);
  add(egress_flow(Table::kEgressQos, kPriorityNormal, std::move(marked), {MeterAction{meter}},
                  Table::kL2ForwardingCalc));
  out.meters.emplace(meter,
                     Meter{meter,
                           meter_flags::kKbps | meter_flags::kBurst,
                           {Band{.rate = here.bandwidth->rate, .burst = here.bandwidth->burst}}});
}

EgressFlows::Content EgressFlows::compile(const EgressPaths& paths) const {
  Content out;
  const auto add = [&](Flow flow) { out.flows.insert_or_assign(flow.key(), std::move(flow)); };
  const auto groups = number_groups(paths.exits);
  for (const auto& [ip, here] : paths.moving) take_arrivals(ip, here, out);
  for (const auto& [ip, exit] : paths.exits) {
    Group group{groups.at(ip), GroupType::kAll, {}, {}};
    if (const auto* const here = std::get_if<EgressHere>(&exit)) {
      group.buckets.push_back({.id = 0, .actions = leave_here(ip, *here)});
      take_arrivals(ip, *here, out);
    } else if (const auto* const there = std::get_if<EgressThere>(&exit)) {
      group.buckets.push_back({.id = 0, .actions = to_owner(ip, *there)});
    }
    out.groups.emplace(group.id, std::move(group));
  }
  for (const auto& [port, ips] : paths.pods)
    for (const IpAddress& ip : ips)
      add(egress_flow(Table::kEgressMark, kPriorityNormal,
                      Match().in_port(PortNo{port}).ip(ip.family()).ct_state("+trk"),
                      {GroupAction{groups.at(ip)}}));
  for (const std::uint32_t port : paths.waiting)
    add(egress_flow(Table::kEgressMark, kPriorityNormal,
                    Match().in_port(PortNo{port}).ct_state("+trk"), {}));
  for (const IpPrefix& destination : paths.exceptions)
    add(egress_flow(Table::kEgressMark, kPriorityHigh, Match().ip_dst(destination), {to_gateway()},
                    Table::kL2ForwardingCalc));
  return out;
}

Changes EgressFlows::apply(const EgressPaths& paths) {
  Content wanted = compile(paths);
  Changes out;
  difference(
      current_.flows, wanted.flows,
      [&](const FlowKey& key, const Flow&) { out.remove_flows.push_back(key); },
      [&](const Flow& flow) { out.flows.push_back(flow); });
  difference(
      current_.groups, wanted.groups,
      [&](GroupId id, const Group&) { out.remove_groups.push_back(id); },
      [&](const Group& group) { out.groups.push_back(group); });
  difference(
      current_.meters, wanted.meters,
      [&](MeterId id, const Meter&) { out.remove_meters.push_back(id); },
      [&](const Meter& meter) { out.meters.push_back(meter); });
  current_ = std::move(wanted);
  return out;
}

}  // namespace antrea::node
