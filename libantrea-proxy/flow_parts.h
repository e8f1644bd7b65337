#pragma once

#include "antrea/api/core.h"
#include "antrea/api/pipeline.h"
#include "antrea/openflow/flow.h"

namespace antrea::proxy {

inline openflow::TableId table_id(api::pipeline::Table table) {
  return openflow::TableId{static_cast<std::uint8_t>(table)};
}
inline openflow::Subfield subfield(const api::pipeline::RegField& field) {
  return {openflow::reg_field(field.reg), field.offset, field.bits};
}
template <typename Value>
openflow::SetField load_reg(const api::pipeline::RegField& field, Value value) {
  return openflow::load(subfield(field), static_cast<std::uint64_t>(value));
}
template <typename Value>
openflow::Match& match_reg(openflow::Match& match, const api::pipeline::RegField& field,
                           Value value) {
  return match.set_reg(field.reg, field.offset, field.bits, static_cast<std::uint32_t>(value));
}
template <typename Value>
openflow::Match match_reg(openflow::Match&& match, const api::pipeline::RegField& field,
                          Value value) {
  return std::move(match_reg(match, field, value));
}

/// Where the address of the chosen endpoint stands: reg3, or xxreg3 for IPv6.
inline openflow::FieldId endpoint_field(Family family) {
  return family == Family::kIPv4 ? openflow::reg_field(api::pipeline::reg::kEndpointIp.reg)
                                 : openflow::xxreg_field(3);
}

inline openflow::FieldId port_field(api::Protocol protocol) {
  switch (protocol) {
    case api::Protocol::kTcp:
      return openflow::FieldId::kTcpDst;
    case api::Protocol::kUdp:
      return openflow::FieldId::kUdpDst;
    case api::Protocol::kSctp:
      return openflow::FieldId::kSctpDst;
  }
  return openflow::FieldId::kTcpDst;
}

inline openflow::FieldId source_port_field(api::Protocol protocol) {
  switch (protocol) {
    case api::Protocol::kTcp:
      return openflow::FieldId::kTcpSrc;
    case api::Protocol::kUdp:
      return openflow::FieldId::kUdpSrc;
    case api::Protocol::kSctp:
      return openflow::FieldId::kSctpSrc;
  }
  return openflow::FieldId::kTcpSrc;
}

inline openflow::Flow make_flow(api::pipeline::Table table, std::uint16_t priority,
                                openflow::Match match, openflow::Actions actions,
                                std::uint32_t object = 0) {
  openflow::Flow flow;
  flow.table = table_id(table);
  flow.priority = priority;
  flow.cookie = api::pipeline::cookie(api::pipeline::CookieCategory::kService, object);
  flow.match = std::move(match);
  flow.apply_actions = std::move(actions);
  return flow;
}

}  // namespace antrea::proxy
