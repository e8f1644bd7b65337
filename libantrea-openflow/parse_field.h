#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "antrea/openflow/field.h"
#include "antrea/openflow/match.h"
#include "field_table.h"
#include "parse_source.h"

// Values of fields and parts of fields.
namespace antrea::openflow::detail {

/// Bits that a subfield of the field may cover.
unsigned subfield_width(FieldId id);
/// Every bit that the field's bytes have; what a value without mask stands for. More than those
/// that count for some fields.
FieldValue byte_mask(FieldId id);
/// `bits` with a mask of all bytes reduced to the bits that count.
Masked trimmed(FieldId id, const Masked& bits);

/// A tun_metadata of more than 16 bytes: value and mask, equally long, as on the wire.
struct WideBits {
  std::vector<std::byte> value, mask;
  bool masked = false;  ///< the mask was given
};
/// Whether the token is a number of a tun_metadata, with or without mask, that `Masked` cannot
/// hold.
bool is_wide_value(FieldId id, std::string_view token);
/// Reads it.
bool read_wide_value(Source& source, FieldId id, std::string_view token, WideBits& bits);

/// "VALUE", "VALUE/MASK" or "*" in the format of the field. A mask that is not given is
/// `byte_mask`.
bool read_field_value(Source& source, FieldId id, std::string_view token, Masked& bits);
/// The same without mask.
bool read_exact_value(Source& source, FieldId id, std::string_view token, FieldValue& value);
/// Whether the value makes sense for the field, apart from its width in bytes.
bool settable_value(FieldId id, const FieldValue& value);

/// "FIELD", "FIELD[]", "FIELD[BIT]" or "FIELD[FIRST..LAST]" at the front of `rest`, which moves
/// behind it.
bool read_subfield_prefix(Source& source, std::string_view& rest, Subfield& subfield);
/// The same, and nothing behind it.
bool read_subfield(Source& source, std::string_view token, Subfield& subfield);

/// The same, for actions that hold only headers of four bytes.
bool read_short_subfield(Source& source, std::string_view token, Subfield& subfield);

bool read_ipv4(Source& source, std::string_view token, std::uint32_t& address);
bool read_mac(Source& source, std::string_view token, std::uint64_t& address);

}  // namespace antrea::openflow::detail
