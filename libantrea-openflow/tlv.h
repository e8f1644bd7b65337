#pragma once

#include <array>
#include <bit>
#include <cstring>

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
[[gnu::visibility("hidden")]] extern const std::array<TlvShape, kFieldCount> kTlvShapes;
inline const TlvShape& tlv_shape(FieldId id) { return kTlvShapes[static_cast<std::size_t>(id)]; }
inline const FieldValue& full_mask(FieldId id) { return tlv_shape(id).full; }

/// How usual TLVs of one header are read.
struct UsualRow {
  /// What has to be looked at beyond the value.
  enum Trait : std::uint8_t {
    kMasked = 1,
    kPort = 2,      ///< the value is a port number
    kWide = 4,      ///< more than 8 bytes
    kTells = 8,     ///< `PacketFacts` learn from it
    kPartial = 16,  ///< some bits of its bytes do not count
  };
  std::uint32_t header = kNone;  ///< as on the wire, length included, in the order of this machine
  FieldId id{};
  std::uint8_t bytes = 0;   ///< of the value
  std::uint8_t length = 0;  ///< of value and mask
  Prerequisite prerequisite{};
  std::uint64_t low = 0;    ///< the bits of its last 8 bytes, or of fewer
  std::uint64_t valid = 0;  ///< those of them that a peer may set
  std::uint16_t order = 0;  ///< where it stands in a match; 0: kept there under another number
  std::uint8_t traits = 0;
  std::uint32_t set_field =
      0;  ///< how that action with it begins; 0: it has more rules, or is none

  /// In rows that no usual TLV has: a header whose own row is not one of them.
  static constexpr std::uint32_t kNone = 0x80;

  bool is(unsigned any) const { return (traits & any) != 0; }
};
static_assert(std::endian::native == std::endian::little);
/// By the bits of a header as it is in memory: class 0x8000 or not, last bit of the class, field
/// and has-mask.
constexpr std::size_t kUsualRows = 1024;
constexpr std::size_t usual_row(std::uint32_t header) {
  return (header >> 16 & 0xff) + (header & 0x180) * 2;
}
[[gnu::visibility("hidden")]] extern const std::array<UsualRow, kUsualRows> kUsual;

/// Numbers are read with the 8 bytes that end with them: so many have to stand before a header.
constexpr std::size_t kBeforeUsual = 4;
/// Reads the TLV that starts at `at`; the next one starts `4 + row->length` further.
/// Null if it is not a usual one, not all there, or has bits that have to be looked at: `parse_tlv`
/// tells then what it is.
[[gnu::always_inline]] inline const UsualRow* read_usual(const std::byte* at, const std::byte* end,
                                                         Masked& bits) {
  if (end - at < 5) return nullptr;
  std::uint32_t header;
  std::memcpy(&header, at, sizeof(header));
  const UsualRow* const row = &kUsual[usual_row(header)];
  if (row->header != header || row->length > end - at - 4) return nullptr;
  const std::byte* const value_end = at + 4 + row->bytes;
  const std::uint64_t lo = load_be<std::uint64_t>(value_end - 8) & row->low;
  if ((lo & ~row->valid) != 0) return nullptr;
  bits = {lo, row->valid};
  if (!row->is(UsualRow::kMasked | UsualRow::kPort | UsualRow::kWide)) return row;
  if (row->is(UsualRow::kWide)) {
    bits.value.hi = load_be<std::uint64_t>(value_end - 16);
    bits.mask.hi = ~std::uint64_t{0};
  }
  if (row->is(UsualRow::kMasked)) {
    const std::byte* const mask_end = value_end + row->bytes;
    const std::uint64_t mask_lo = load_be<std::uint64_t>(mask_end - 8);
    if (row->is(UsualRow::kWide)) bits.mask.hi = load_be<std::uint64_t>(mask_end - 16);
    bits.mask.lo = row->valid & mask_lo;
    if ((lo & ~mask_lo) != 0 || (bits.value.hi & ~bits.mask.hi) != 0 || bits.mask.zero())
      return nullptr;
  }
  return row->is(UsualRow::kPort) && !port_valid(static_cast<std::uint32_t>(lo)) ? nullptr : row;
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
bool all_ones(std::span<const std::byte> bytes);
/// Appends that of a tun_metadata of more than 16 bytes.
void put_wide(Out& out, FieldId id, std::span<const std::byte> value,
              std::span<const std::byte> mask, bool masked);
/// How many bytes Open vSwitch writes of a tun_metadata: those in front that are zero go, of value
/// and mask. All ones are no mask.
std::uint8_t tun_metadata_length(const Masked& bits);
/// Whether a set_field says with a mask which bits it sets.
bool written_masked(const SetField& set);
/// That of a set_field, where `write_usual` cannot.
void put_unusual_field(Out& out, const SetField& set);
/// An OXM header in an action, without mask: 4 or 8 bytes.
void put_field_header(Out& out, const OxmType& type, std::uint8_t length);

}  // namespace antrea::openflow::detail
