#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "antrea/openflow/error.h"
#include "antrea/openflow/field.h"
#include "antrea/openflow/message.h"

// Reading and writing network order, shared by all codecs of this library.
namespace antrea::openflow::detail {

template <typename Integer>
inline Integer load_be(const std::byte* at) {
  Integer value;
  std::memcpy(&value, at, sizeof(value));
  if constexpr (sizeof(Integer) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(Integer) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(Integer) == 8) return __builtin_bswap64(value);
  return value;
}
template <typename Integer>
inline void store_be(std::byte* at, Integer value) {
  if constexpr (sizeof(Integer) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(Integer) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(Integer) == 8) value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof(value));
}
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t pad8(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

/// A bounded cursor that counts its offset from the start of the message, in parts of it too. Reads
/// past the end give zeros and set `failed()`.
class In {
 public:
  explicit In(std::span<const std::byte> bytes)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  bool empty() const { return at_ == end_ || failed_; }
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t remaining() const { return failed_ ? 0 : static_cast<std::size_t>(end_ - at_); }
  const std::byte* at() const { return at_; }
  std::span<const std::byte> peek_rest() const { return {at_, remaining()}; }

  std::uint8_t u8() { return integer<std::uint8_t>(); }
  std::uint16_t be16() { return integer<std::uint16_t>(); }
  std::uint32_t be32() { return integer<std::uint32_t>(); }
  std::uint64_t be64() { return integer<std::uint64_t>(); }
  void skip(std::size_t size) { (void)take(size); }
  std::span<const std::byte> take(std::size_t size) {
    if (size > remaining()) {
      failed_ = true;
      return {};
    }
    const std::span<const std::byte> part(at_, size);
    at_ += size;
    return part;
  }
  /// A cursor over the next `size` bytes, which this one steps over.
  In sub(std::size_t size) {
    In part = *this;
    const auto bytes = take(size);
    part.failed_ = failed_;
    if (failed_)
      part.end_ = part.at_;
    else
      part.end_ = part.at_ + bytes.size();
    return part;
  }
  std::span<const std::byte> rest() { return take(remaining()); }
  /// `size` bytes as a number, right-aligned; 0 to 16 bytes.
  FieldValue value(std::size_t size);
  bool zeros(std::size_t size) {
    for (const std::byte byte : take(size))
      if (byte != std::byte{0}) return false;
    return true;
  }

 private:
  template <typename Integer>
  Integer integer() {
    if (sizeof(Integer) > remaining()) {
      failed_ = true;
      return 0;
    }
    const Integer value = load_be<Integer>(at_);
    at_ += sizeof(Integer);
    return value;
  }

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  bool failed_ = false;
};

inline FieldValue In::value(std::size_t size) {
  const auto bytes = take(size);
  switch (bytes.size()) {
    case 1:
      return std::to_integer<std::uint64_t>(bytes[0]);
    case 2:
      return load_be<std::uint16_t>(bytes.data());
    case 4:
      return load_be<std::uint32_t>(bytes.data());
    case 8:
      return load_be<std::uint64_t>(bytes.data());
    case 16:
      return {load_be<std::uint64_t>(bytes.data()), load_be<std::uint64_t>(bytes.data() + 8)};
    default: {
      FieldValue value;
      for (const std::byte byte : bytes)
        value = (value << 8) | FieldValue(std::to_integer<std::uint64_t>(byte));
      return value;
    }
  }
}

/// Stores the low `size` bytes of a number.
inline void store_value(std::byte* at, const FieldValue& value, std::size_t size) {
  switch (size) {
    case 1:
      *at = std::byte(value.lo & 0xff);
      return;
    case 2:
      store_be(at, static_cast<std::uint16_t>(value.lo));
      return;
    case 4:
      store_be(at, static_cast<std::uint32_t>(value.lo));
      return;
    case 8:
      store_be(at, value.lo);
      return;
    default:
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t shift = 8 * (size - 1 - i);
        at[i] = shift >= 128 ? std::byte{0}
                             : std::byte((value >> static_cast<unsigned>(shift)).lo & 0xff);
      }
  }
}

/// Appends to a caller's buffer. `put` hands out zeroed room, so that padding needs no code.
class Out {
 public:
  explicit Out(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  std::size_t size() const { return bytes_.size(); }
  std::byte* put(std::size_t size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    return bytes_.data() + at;
  }
  void u8(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
  void be16(std::uint16_t value) { store_be(put(2), value); }
  void be32(std::uint32_t value) { store_be(put(4), value); }
  void be64(std::uint64_t value) { store_be(put(8), value); }
  void zeros(std::size_t size) { put(size); }
  void bytes(std::span<const std::byte> data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }
  void bytes(const std::vector<std::uint8_t>& data) { bytes(std::as_bytes(std::span(data))); }
  /// Text in a field of fixed size, cut to fit with a terminating zero.
  void text(std::string_view text, std::size_t size) {
    std::byte* at = put(size);
    std::memcpy(at, text.data(), std::min(text.size(), size - 1));
  }
  void mac(const MacAddress& mac) { bytes(std::as_bytes(std::span(mac.bytes))); }
  void pad_from(std::size_t start) { put(pad8(size() - start) - (size() - start)); }
  void patch16(std::size_t at, std::size_t value) {
    store_be(bytes_.data() + at, static_cast<std::uint16_t>(value));
  }
  std::vector<std::byte>& buffer() { return bytes_; }
  void truncate(std::size_t size) { bytes_.resize(size); }

 private:
  std::vector<std::byte>& bytes_;
};

inline DecodeError fail(OfError error, std::size_t offset) { return {error, offset}; }
inline DecodeError fail(OfError error, const In& in) { return {error, in.offset()}; }

inline std::string take_text(In& in, std::size_t size) {
  const auto raw = in.take(size);
  std::string text(reinterpret_cast<const char*>(raw.data()), raw.size());
  text.resize(std::strlen(text.c_str()));
  return text;
}
inline MacAddress take_mac(In& in) { return MacAddress::from_bits(in.value(6).lo); }
inline Bytes to_bytes(std::span<const std::byte> span) { return Bytes(span.begin(), span.end()); }

/// Ports that Open vSwitch can have: 1 to 0xfeff and the reserved ones.
inline bool port_valid(std::uint32_t port) { return port < 0xff00 || port >= 0xffffff00; }

/// One property: type, length without padding. Fails if its padded length passes the end.
struct Property {
  std::uint16_t type = 0;
  In body;                         ///< behind the 4-byte header
  std::span<const std::byte> raw;  ///< header and padding included
};
DecodeResult<Property> pull_property(In& in);

// Match (match_codec.cc). `decode_match_at` reads header, TLVs and padding.
void put_match(Out& out, const Match& match);
void put_match_fields(Out& out, const Match& match);
DecodeResult<Match> pull_match(In& in, bool check_prerequisites = true);
/// TLVs without a match header. Fields that are not known are skipped if `lenient`, as OVS does in
/// packet-ins.
DecodeResult<Match> pull_match_fields(In in, bool check_prerequisites, bool lenient = false);

/// An OXM header in an action, without mask: 4 or 8 bytes.
DecodeResult<FieldId> pull_field_header(In& in);
void put_field_header(Out& out, const OxmType& type, std::uint8_t length);
/// One TLV: field, length of the value in bytes, value and mask.
struct Tlv {
  FieldId id{};
  std::uint8_t length = 0;
  bool masked = false;
  Masked bits;
};
DecodeResult<Tlv> pull_tlv(In& in);
void put_tlv(Out& out, FieldId id, std::uint8_t length, const Masked& bits, bool masked);
/// Whether a peer may send this value for the field.
bool value_valid(FieldId id, const FieldValue& value);

// Actions (action_codec.cc).
void put_actions(Out& out, const Actions& actions);
DecodeResult<Actions> pull_actions(In in, unsigned depth = 0);

// Instructions and flows (flow_codec.cc).
void put_instructions(Out& out, const Instructions& instructions);
DecodeResult<Instructions> pull_instructions(In in, std::optional<TableId> table = {});
void put_statistics(Out& out, const FlowStatistics& statistics);
DecodeResult<FlowStatistics> pull_statistics(In& in);
void put_flow_mod_body(Out& out, const FlowMod& mod);
DecodeResult<FlowMod> pull_flow_mod(In in);
/// Checks that the match has what the actions rely on (OFPBAC_MATCH_INCONSISTENT).
std::optional<DecodeError> check_actions(const Match& match, const Actions& actions,
                                         std::size_t offset);

// Groups and meters (group_codec.cc).
void put_group_mod_body(Out& out, const GroupMod& mod);
DecodeResult<GroupMod> pull_group_mod(In in);
void put_buckets(Out& out, const Group& group);
DecodeResult<std::vector<Bucket>> pull_buckets(In in, GroupType type);
void put_group_properties(Out& out, const Group& group);
DecodeResult<std::optional<SelectionMethod>> pull_group_properties(In in, GroupType type);
void put_bands(Out& out, const std::vector<Band>& bands);
DecodeResult<std::vector<Band>> pull_bands(In in);
void put_meter_mod_body(Out& out, const MeterMod& mod);
DecodeResult<MeterMod> pull_meter_mod(In in);

// Multipart (multipart_codec.cc); the body starts behind the message header.
void put_multipart(Out& out, const MultipartRequest& request);
void put_multipart(Out& out, const MultipartReply& reply);
DecodeResult<Message> pull_multipart_request(In in);
DecodeResult<Message> pull_multipart_reply(In in);
void put_port(Out& out, const Port& port);
DecodeResult<Port> pull_port(In& in);
void put_table_desc(Out& out, const TableDesc& desc);
DecodeResult<TableDesc> pull_table_desc(In& in);
void put_table_properties(Out& out, const TableDesc& desc);
std::optional<DecodeError> pull_table_properties(In in, TableDesc& desc);

// Nicira and ONF messages (nicira_codec.cc); behind experimenter and type.
DecodeResult<Message> pull_experimenter(In in);
void put_packet_in_properties(Out& out, const PacketInProperties& properties, bool userdata);

}  // namespace antrea::openflow::detail
