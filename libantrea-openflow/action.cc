#include "antrea/openflow/action.h"

#include "field_table.h"

namespace antrea::openflow {

LearnSpec LearnSpec::match_field(const Subfield& target, const Subfield& source) {
  return {Target::kMatch, target.bits, source, {}, target};
}
LearnSpec LearnSpec::match_value(const Subfield& target, const FieldValue& value) {
  return {Target::kMatch, target.bits, {}, value & FieldValue::ones(target.bits), target};
}
LearnSpec LearnSpec::load_field(const Subfield& target, const Subfield& source) {
  return {Target::kLoad, target.bits, source, {}, target};
}
LearnSpec LearnSpec::load_value(const Subfield& target, const FieldValue& value) {
  return {Target::kLoad, target.bits, {}, value & FieldValue::ones(target.bits), target};
}
LearnSpec LearnSpec::output(const Subfield& source) {
  return {Target::kOutput, source.bits, source, {}, {}};
}

SetField load(const Subfield& target, const FieldValue& value) {
  return set_field(target.field, value << target.offset, target.mask());
}

SetField set_field(FieldId field, const FieldValue& value) {
  return set_field(field, value, FieldValue::ones(detail::info(field).bits));
}

SetField set_field(FieldId field, const FieldValue& value, const FieldValue& mask) {
  const FieldValue kept = mask & FieldValue::ones(detail::info(field).bits);
  return {field, 0, value & kept, kept};
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
