#pragma once

#include <array>

#include "antrea/openflow/field.h"

namespace antrea::openflow::detail {

/// The field table in the order of FieldId: the one place where a field's facts stand.
extern const std::array<FieldInfo, kFieldCount> kFields;

inline const FieldInfo& info(FieldId id) { return kFields[static_cast<std::size_t>(id)]; }

/// The place of a field in the order of Open vSwitch's own numbers, in which it lists sets of
/// fields; 0 to kFieldCount - 1.
std::size_t own_place(FieldId id);
FieldId field_at_own_place(std::size_t place);

constexpr bool is_tun_metadata(FieldId id) {
  return is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63);
}
/// What a field has, in bits: of tun_metadata more than a FieldValue holds.
inline unsigned whole_bits(FieldId id) {
  return is_tun_metadata(id) ? 8U * info(id).bytes : info(id).bits;
}

/// FieldId + 1 by class and field number, 0 where there is none. Experimenter classes stand behind
/// the others.
enum OxmSpace : std::uint8_t {
  kSpaceNxmOf,
  kSpaceNxmNx,
  kSpaceOxm,
  kSpacePktReg,
  kSpaceEricsson,
  kSpaceNicira,
  kSpaceOnf,
  kSpaceNsh,
  kSpaceCount
};
extern const std::array<std::array<std::uint8_t, 128>, kSpaceCount> kFieldByNumber;

constexpr int oxm_space(std::uint16_t oxm_class, std::uint32_t experimenter) {
  switch (oxm_class) {
    case 0x0000:
      return kSpaceNxmOf;
    case 0x0001:
      return kSpaceNxmNx;
    case 0x8000:
      return kSpaceOxm;
    case 0x8001:
      return kSpacePktReg;
    case 0x1000:
      return kSpaceEricsson;
    case 0xffff:
      return experimenter == 0x00002320   ? kSpaceNicira
             : experimenter == 0x4f4e4600 ? kSpaceOnf
             : experimenter == 0x005ad650 ? kSpaceNsh
                                          : -1;
    default:
      return -1;
  }
}

}  // namespace antrea::openflow::detail
