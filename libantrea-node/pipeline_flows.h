#pragma once

#include <optional>
#include <vector>

#include "antrea/node/pipeline.h"

namespace antrea::node {

using api::pipeline::CookieCategory;
using api::pipeline::RegField;
using api::pipeline::Table;

inline openflow::TableId table_id(Table table) {
  return openflow::TableId{static_cast<std::uint8_t>(table)};
}
inline openflow::Subfield subfield(const RegField& field) {
  return {openflow::reg_field(field.reg), field.offset, field.bits};
}
template <typename Value>
openflow::SetField load(const RegField& field, Value value) {
  return openflow::load(subfield(field), static_cast<std::uint64_t>(value));
}
template <typename Value>
openflow::Match& match_reg(openflow::Match& match, const RegField& field, Value value) {
  return match.set_reg(field.reg, field.offset, field.bits, static_cast<std::uint32_t>(value));
}

inline openflow::Flow make_flow(Table table, std::uint16_t priority, openflow::Match match,
                                openflow::Actions actions, std::optional<Table> next = {},
                                CookieCategory category = CookieCategory::kPodConnectivity) {
  openflow::Flow flow;
  flow.table = table_id(table);
  flow.priority = priority;
  flow.cookie = api::pipeline::cookie(category);
  flow.match = std::move(match);
  flow.apply_actions = std::move(actions);
  if (next) flow.goto_table = table_id(*next);
  return flow;
}

/// Of the tables where a rule decides: whether it is about what Pods send.
inline bool is_egress_rule_table(Table table) {
  return table == Table::kAntreaPolicyEgressRule || table == Table::kEgressRule ||
         table == Table::kEgressDefaultRule;
}

/// 169.254.0.253 or fc01::aabb:ccdd:eeff: the host's next hop for Services, and the source of what
/// comes back to it by one.
inline IpAddress service_virtual_ip(Family family) {
  if (family == Family::kIPv4) return IpAddress::v4(api::pipeline::kServiceVirtualIp);
  return IpAddress::v6({0xfc, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff});
}

/// The zones of a family in which connections are tracked, and sources translated.
inline std::uint16_t ct_zone(Family family) {
  return family == Family::kIPv4 ? api::pipeline::kCtZone : api::pipeline::kCtZoneV6;
}
inline std::uint16_t snat_ct_zone(Family family) {
  return family == Family::kIPv4 ? api::pipeline::kSnatCtZone : api::pipeline::kSnatCtZoneV6;
}

/// Bits of ct_mark.
inline constexpr std::uint32_t kMarkService = 0x10, kMarkConnSnat = 0x20, kMarkHairpin = 0x40;
/// The connection remembers where its first packet came from.
inline openflow::Move copy_source() {
  return {subfield(api::pipeline::reg::kPktSource),
          openflow::Subfield(openflow::FieldId::kCtMark, 0, 4)};
}
inline openflow::Ct commit_to(std::uint16_t zone, Table next, openflow::Actions actions) {
  openflow::Ct out;
  out.commit = true;
  out.zone = zone;
  out.table = table_id(next);
  out.actions = std::move(actions);
  return out;
}
inline openflow::Match sent_by(api::pipeline::PktSource source) {
  openflow::Match match;
  match_reg(match, api::pipeline::reg::kPktSource, source);
  return match;
}

/// Where packets go whose sender is who it says.
inline Table tracking_table(const NodeConfig& config) {
  return config.proxy ? Table::kUnSnat : Table::kConntrackZone;
}

std::vector<Family> families_of(const NodeConfig& config);

/// Those that are the same whatever Pods and peers there are.
std::vector<openflow::Flow> static_flows(const NodeConfig& config);
/// Of them, what is about Services.
std::vector<openflow::Flow> service_flows(const NodeConfig& config);
std::vector<openflow::Flow> pod_flows(const NodeConfig& config, const PodInterface& pod);
std::vector<openflow::Flow> peer_flows(const NodeConfig& config, const PeerNode& peer);

}  // namespace antrea::node
