#pragma once

#include <array>

#include "field_table.h"
#include "wire.h"

// One field in OXM form: header, value and perhaps mask (OpenFlow 1.5.1 section 7.2.3.2).
namespace antrea::openflow::detail {

/// What is known of all TLVs of a field before one is written.
struct TlvShape {
  std::array<std::uint8_t, 8> header{};  ///< as Open vSwitch writes it, without mask
  std::uint8_t header_size = 4;
  std::uint8_t bytes = 0;      ///< of the value
  bool always_masked = false;  ///< Open vSwitch writes a mask even where every bit counts
  /// One length, 1 to 8 or 16 bytes, a header of 4, and no rules but those that `UsualRow` states:
  /// what nearly every TLV is. The others are read and written with more care.
  bool usual = false;
  bool in_match = false;  ///< a match keeps it under this very number
  /// The mask that stands for the whole field: the bits that count, but for ERSPAN's index, of
  /// which Open vSwitch takes all that its bytes hold.
  FieldValue full;
};
extern const std::array<TlvShape, kFieldCount> kTlvShapes;
inline const TlvShape& tlv_shape(FieldId id) { return kTlvShapes[static_cast<std::size_t>(id)]; }
inline const FieldValue& full_mask(FieldId id) { return tlv_shape(id).full; }

/// How usual TLVs of one header are read.
struct UsualRow {
  std::uint8_t length = kNone;  ///< of value and mask, as the header has it
  std::uint8_t bytes = 0;       ///< of the value
  FieldId id{};
  Prerequisite prerequisite{};
  bool masked = false;
  bool port = false;         ///< the value is a port number
  bool tells = false;        ///< `PacketFacts` learn from it
  bool in_match = false;     ///< as in `TlvShape`
  bool settable = false;     ///< by set_field, without more rules
  bool whole_bytes = false;  ///< every bit of its bytes counts
  std::uint64_t low = 0;     ///< the bits of its last 8 bytes, or of fewer
  std::uint64_t valid = 0;   ///< those of them that a peer may set

  static constexpr std::uint8_t kNone = 0xff;  ///< no usual TLV has this header
};
/// By the header's bits: class 0x8000 or not, last bit of the class, field and has-mask.
constexpr std::size_t kUsualRows = 1024;
constexpr std::size_t usual_row(std::uint32_t header) {
  return (header >> 31) << 9 | (header >> 8 & 0x1ff);
}
extern const std::array<UsualRow, kUsualRows> kUsual;

/// A TLV as `read_usual` finds it.
struct UsualTlv {
  const UsualRow* row;
  Masked bits;
  const std::byte* end;  ///< where the next one starts
};
/// Numbers are read with the 8 bytes that end with them: so many have to stand before the header.
constexpr std::size_t kBeforeUsual = 4;
/// Reads the TLV that starts at `at`. False if it is not a usual one, not all there, or has bits
/// that have to be looked at: `parse_tlv` tells then what it is.
[[gnu::always_inline]] inline bool read_usual(const std::byte* at, const std::byte* end,
                                              UsualTlv& tlv) {
  if (end - at < 5) return false;
  const auto header = load_be<std::uint32_t>(at);
  const UsualRow& row = kUsual[usual_row(header)];
  const std::ptrdiff_t length = header & 0xff;
  if ((header & 0x7ffe0000) != 0 || row.length != length || length > end - at - 4) return false;
  tlv.end = at + 4 + length;
  tlv.row = &row;
  const std::byte* const value = at + 4 + row.bytes;
  const std::uint64_t lo = load_be<std::uint64_t>(value - 8) & row.low;
  std::uint64_t hi = 0, hi_mask = 0, lo_mask = row.valid;
  if (row.bytes > 8) {
    hi = load_be<std::uint64_t>(value - 16);
    hi_mask = ~std::uint64_t{0};
  }
  if (row.masked) {
    const std::uint64_t mask = load_be<std::uint64_t>(tlv.end - 8);
    if (row.bytes > 8) hi_mask = load_be<std::uint64_t>(tlv.end - 16);
    lo_mask &= mask;
    if ((lo & ~mask) != 0 || (hi & ~hi_mask) != 0 || (lo_mask | hi_mask) == 0) return false;
  }
  if ((lo & ~row.valid) != 0) return false;
  tlv.bits = {{hi, lo}, {hi_mask, lo_mask}};
  return !row.port || port_valid(static_cast<std::uint32_t>(lo));
}

/// One TLV: field, length of the value in bytes, value and mask.
struct Tlv {
  FieldId id{};
  std::uint8_t length = 0;
  bool masked = false;
  Masked bits;                           ///< of a wide value the low 128 bits
  std::span<const std::byte> raw_value;  ///< as on the wire
  std::span<const std::byte> raw_mask;
};
/// Reads any TLV. The error is that of a match, or of the action set_field.
Fault parse_tlv(In& in, Tlv& tlv, bool action);
/// Value and mask of a tun_metadata.
Bytes wide_bytes(const Tlv& tlv);
/// Whether a peer may send this value for the field.
bool value_valid(FieldId id, const FieldValue& value);

/// Bytes of room that one TLV of at most 16 bytes, and what is stored beyond its end, may take.
constexpr std::size_t kTlvRoom = 8 + 32 + 8;

/// Writes a usual TLV, and up to 8 bytes beyond its end. Returns its end.
inline std::byte* write_usual(std::byte* at, const TlvShape& shape, const Masked& bits) {
  std::memcpy(at, shape.header.data(), 4);
  const auto number = [&](const FieldValue& value) {
    if (shape.bytes <= 8) {
      store_be(at, value.lo << (64 - 8 * shape.bytes));
    } else {
      store_be(at, value.hi);
      store_be(at + 8, value.lo);
    }
    at += shape.bytes;
  };
  std::byte* const begin = at;
  at += 4;
  number(bits.value);
  if (bits.mask == shape.full) return at;
  begin[2] |= std::byte{1};
  begin[3] = std::byte(2U * shape.bytes);
  number(bits.mask);
  return at;
}
/// Writes any TLV of at most 16 bytes. Returns its end.
std::byte* write_tlv(std::byte* at, FieldId id, std::uint8_t length, const Masked& bits,
                     bool masked);
/// Appends that of a tun_metadata of more than 16 bytes.
void put_wide(Out& out, FieldId id, std::span<const std::byte> value,
              std::span<const std::byte> mask);
/// That of a set_field, where `write_usual` cannot.
void put_unusual_field(Out& out, const SetField& set);
/// An OXM header in an action, without mask: 4 or 8 bytes.
void put_field_header(Out& out, const OxmType& type, std::uint8_t length);

}  // namespace antrea::openflow::detail
