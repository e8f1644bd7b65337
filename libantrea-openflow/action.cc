#include "antrea/openflow/action.h"

#include "antrea/openflow/match.h"
#include "field_table.h"

namespace antrea::openflow {

LearnSpec LearnSpec::match_field(const Subfield& target, const Subfield& source) {
  return {Target::kMatch, target.bits, source, {}, target, {}};
}
LearnSpec LearnSpec::match_value(const Subfield& target, const FieldValue& value) {
  return {Target::kMatch, target.bits, {}, value & FieldValue::ones(target.bits), target, {}};
}
LearnSpec LearnSpec::load_field(const Subfield& target, const Subfield& source) {
  return {Target::kLoad, target.bits, source, {}, target, {}};
}
LearnSpec LearnSpec::load_value(const Subfield& target, const FieldValue& value) {
  return {Target::kLoad, target.bits, {}, value & FieldValue::ones(target.bits), target, {}};
}
LearnSpec LearnSpec::output(const Subfield& source) {
  return {Target::kOutput, source.bits, source, {}, {}, {}};
}

SetField load(const Subfield& target, const FieldValue& value) {
  return set_field(target.field, value << target.offset, target.mask());
}

SetField set_field(FieldId field, const FieldValue& value) {
  return set_field(field, value, FieldValue::ones(detail::info(field).bits));
}

SetField set_field(FieldId field, const FieldValue& value, const FieldValue& mask) {
  const FieldValue kept = mask & FieldValue::ones(detail::info(field).bits);
  return {field, 0, value & kept, kept, {}};
}

std::optional<SetField> LegacySet::to_set_field() const {
  switch (kind) {
    case Kind::kVlanVid:
      return set_field(FieldId::kVlanVid, 0x1000U | value);
    case Kind::kVlanPcp:
      return set_field(FieldId::kVlanPcp, value);
    case Kind::kEthSrc:
      return set_field(FieldId::kEthSrc, value);
    case Kind::kEthDst:
      return set_field(FieldId::kEthDst, value);
    case Kind::kIpSrc:
      return set_field(FieldId::kIpSrc, value);
    case Kind::kIpDst:
      return set_field(FieldId::kIpDst, value);
    case Kind::kIpTos:
      return set_field(FieldId::kIpDscp, value >> 2);
    case Kind::kIpEcn:
      return set_field(FieldId::kIpEcn, value);
    case Kind::kMplsLabel:
      return set_field(FieldId::kMplsLabel, value);
    case Kind::kMplsTc:
      return set_field(FieldId::kMplsTc, value);
    case Kind::kTunnel:
    case Kind::kTunnel64:
      return set_field(FieldId::kTunId, value);
    case Kind::kTpSrc:
    case Kind::kTpDst:
      break;
  }
  const bool source = kind == Kind::kTpSrc;
  switch (ip_proto) {
    case antrea::openflow::ip_proto::kTcp:
      return set_field(source ? FieldId::kTcpSrc : FieldId::kTcpDst, value);
    case antrea::openflow::ip_proto::kUdp:
      return set_field(source ? FieldId::kUdpSrc : FieldId::kUdpDst, value);
    case antrea::openflow::ip_proto::kSctp:
      return set_field(source ? FieldId::kSctpSrc : FieldId::kSctpDst, value);
    default:
      return {};
  }
}

namespace {
Nat nat_to(const IpAddress& address, std::optional<std::uint16_t> port) {
  Nat nat;
  nat.address_min = address;
  nat.port_min = port;
  return nat;
}
}  // namespace

Nat nat_src(const IpAddress& address, std::optional<std::uint16_t> port) {
  Nat nat = nat_to(address, port);
  nat.src = true;
  return nat;
}

Nat nat_dst(const IpAddress& address, std::optional<std::uint16_t> port) {
  Nat nat = nat_to(address, port);
  nat.dst = true;
  return nat;
}

}  // namespace antrea::openflow
