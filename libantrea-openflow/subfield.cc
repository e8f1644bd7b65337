#include "action_codec.h"

namespace antrea::openflow::detail {

Fault check_source(const Subfield& s) {
  const unsigned bits = whole_bits(s.field);
  if (s.bits == 0 || s.offset >= bits || s.offset + s.bits > bits) return &errors::kActionBadSetLen;
  return nullptr;
}

Fault check_target(const Subfield& s) {
  if (const Fault fault = check_source(s)) return fault;
  return info(s.field).settable ? nullptr : &errors::kActionBadSetArgument;
}

namespace {

Fault take_field(const OxmType& type, std::uint8_t length, Subfield& s) {
  const auto id = field_by_oxm(type);
  if (!id) return &errors::kMatchBadField;
  if (is_tun_metadata(*id))
    s.length = length == info(*id).bytes ? std::uint8_t{0} : length;
  else if (length != info(*id).bytes)
    return &errors::kMatchBadField;
  s.field = *id;
  return nullptr;
}

}  // namespace

Fault pull_header(In& in, Subfield& s) {
  const std::uint16_t oxm_class = in.be16();
  const std::uint8_t number = in.u8();
  std::uint8_t length = in.u8();
  OxmType type{oxm_class, static_cast<std::uint8_t>(number >> 1), 0};
  if (oxm_class == 0xffff) {
    type.experimenter = in.be32();
    if (length < 4) return &errors::kMatchBadLen;
    length = static_cast<std::uint8_t>(length - 4);
  }
  if (in.failed()) return &errors::kMatchBadLen;
  const bool masked = (number & 1) != 0;
  if (masked) length /= 2;
  if (const Fault fault = take_field(type, length, s)) return fault;
  return masked ? &errors::kMatchBadMask : nullptr;
}

Fault pull_short_header(In& in, Subfield& s) {
  const std::uint16_t oxm_class = in.be16();
  const std::uint8_t number = in.u8();
  std::uint8_t length = in.u8();
  if (in.failed()) return &errors::kActionBadLen;
  if ((number & 1) != 0) length /= 2;
  const OxmType type{oxm_class, static_cast<std::uint8_t>(number >> 1), 0};
  return take_field(type, length, s) == nullptr ? nullptr : &errors::kActionBadSetType;
}

}  // namespace antrea::openflow::detail
