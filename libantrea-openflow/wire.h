#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "antrea/openflow/error.h"
#include "antrea/openflow/field.h"
#include "antrea/openflow/message.h"
#include "out.h"

// Reading network order, and what the codecs of this library give each other.
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
/// A bounded cursor that counts its offset from the start of the message, in parts of it too. Reads
/// past the end give zeros and set `failed()`.
class In {
 public:
  explicit In(std::span<const std::byte> bytes, bool keep_unknown = false)
      : begin_(bytes.data()),
        at_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        keep_unknown_(keep_unknown) {}

  /// `DecodeOptions::keep_unknown`.
  bool keeps_unknown() const { return keep_unknown_; }
  /// The first byte of the message.
  const std::byte* begin() const { return begin_; }

  bool failed() const { return failed_; }
  bool empty() const { return at_ == end_ || failed_; }
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t remaining() const { return failed_ ? 0 : static_cast<std::size_t>(end_ - at_); }
  const std::byte* at() const { return at_; }
  std::span<const std::byte> peek_rest() const { return {at_, remaining()}; }

  [[gnu::always_inline]] std::uint8_t u8() { return integer<std::uint8_t>(); }
  [[gnu::always_inline]] std::uint16_t be16() { return integer<std::uint16_t>(); }
  [[gnu::always_inline]] std::uint32_t be32() { return integer<std::uint32_t>(); }
  [[gnu::always_inline]] std::uint64_t be64() { return integer<std::uint64_t>(); }
  [[gnu::always_inline]] void skip(std::size_t size) { (void)take(size); }
  [[gnu::always_inline]] std::span<const std::byte> take(std::size_t size) {
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
    const std::byte* const start = at_;
    const auto bytes = take(size);
    return {begin_, start, start + bytes.size(), failed_, keep_unknown_};
  }
  /// The same for bytes further on, which have to be there.
  In part(std::size_t skipped, std::size_t size) const {
    return {begin_, at_ + skipped, at_ + skipped + size, failed_, keep_unknown_};
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
  In(const std::byte* begin, const std::byte* at, const std::byte* end, bool failed,
     bool keep_unknown)
      : begin_(begin), at_(at), end_(end), failed_(failed), keep_unknown_(keep_unknown) {}
  template <typename Integer>
  [[gnu::always_inline]] Integer integer() {
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
  bool keep_unknown_ = false;
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

inline DecodeError fail(OfError error, std::size_t offset) { return {error, offset}; }
inline DecodeError fail(OfError error, const In& in) { return {error, in.offset()}; }
inline DecodeError bad_length(const In& in) { return fail(errors::kBadLen, in); }

inline std::string take_text(In& in, std::size_t size) {
  const auto raw = in.take(size);
  std::string text(reinterpret_cast<const char*>(raw.data()), raw.size());
  text.resize(std::strlen(text.c_str()));
  return text;
}
inline MacAddress take_mac(In& in) { return MacAddress::from_bits(in.value(6).lo); }
inline Bytes to_bytes(std::span<const std::byte> span) { return Bytes(span.begin(), span.end()); }

/// Calls `put` with each number of a list, those in `order` first, then the others as usual.
template <std::size_t kCount, typename Put>
void each_in_order(const PropertyOrder& order, const unsigned (&usual)[kCount], Put put) {
  for (std::size_t i = 0; i < order.size(); ++i) put(order[i]);
  for (const unsigned number : usual)
    if (!order.contains(number)) put(number);
}
/// What came, in the order it came, stands in the usual order.
template <std::size_t kCount>
bool in_usual_order(const PropertyOrder& came, const unsigned (&usual)[kCount]) {
  std::size_t next = 0;
  for (const unsigned number : usual)
    if (next < came.size() && came[next] == number) ++next;
  return next == came.size();
}

/// The error that names what is wrong, or null.
using Fault = const OfError*;

/// Ports that Open vSwitch can have: up to 0xfeff and the reserved ones.
inline bool port_valid(std::uint32_t port) { return port < 0xff00 || port >= 0xffffff00; }
/// Those of them that can be an output.
inline bool output_port_valid(PortNo port) {
  return port.value < 0xff00 || (port >= kPortInPort && port <= kPortLocal);
}

/// One property: type, length without padding (OpenFlow 1.5.1 section 7.2.1.1, "Property").
struct Property {
  std::uint16_t type = 0;
  std::uint32_t experimenter = 0;  ///< of type 0xffff, whose body starts behind both numbers
  std::uint32_t exp_type = 0;
  In body{{}};
  std::span<const std::byte> raw;  ///< header and padding included

  /// Of a type that may not stand here.
  Fault unknown() const {
    return type == 0xffff ? &errors::kPropertyBadExpType : &errors::kPropertyBadType;
  }
};
Fault pull_property(In& in, Property& property);
/// The same for a list whose experimenters are not told apart by number.
Fault pull_plain_property(In& in, Property& property);

class PacketFacts;  // facts.h

// Match (match_codec.cc).
void put_match(Out& out, const Match& match);
void put_match_fields(Out& out, const Match& match);
/// How a match is read. Strict: fields must be known and their prerequisites stand before them.
/// Loose, as in packet-ins: unknown fields are skipped, prerequisites are not looked at.
enum class MatchRule : std::uint8_t { kStrict, kLoose };
/// Header, TLVs and padding; in place of what the match held, as all of these. `facts` gets what
/// the match says of its packets.
std::optional<DecodeError> pull_match(In& in, Match& match, MatchRule rule = MatchRule::kStrict,
                                      PacketFacts* facts = nullptr);
/// The same, or the fixed match of OpenFlow 1.1, which requests may still hold.
std::optional<DecodeError> pull_any_match(In& in, Match& match, PacketFacts* facts = nullptr);
/// TLVs without a match header.
std::optional<DecodeError> pull_match_fields(In& in, Match& match, MatchRule rule,
                                             PacketFacts* facts = nullptr);
/// The same; `raw` gets the bytes where they are not in the usual form or some fields not known.
DecodeResult<Match> pull_kept_fields(In in, MatchRule rule, Bytes& raw);
/// `raw` as long as it says the same as `match`.
void put_kept_fields(Out& out, const Match& match, const Bytes& raw);

// Actions (action_decode.cc, action_encode.cc).
void put_actions(Out& out, const Actions& actions);
DecodeResult<Actions> pull_actions(In in);

// Instructions and flows (flow_codec.cc).
void put_instructions(Out& out, const Instructions& instructions);
DecodeResult<Instructions> pull_instructions(In in);
/// What stands behind the match of a flow-mod, into a flow whose other members are known.
/// `flags_at`: where in the message its flags stand.
std::optional<DecodeError> pull_flow_instructions(In& in, Flow& flow, const PacketFacts& facts,
                                                  std::size_t flags_at);
void put_statistics(Out& out, const FlowStatistics& statistics);
DecodeResult<FlowStatistics> pull_statistics(In& in);
void put_flow_mod_body(Out& out, const FlowMod& mod);
/// All members but the flow at their defaults.
void put_flow_mod_body(Out& out, const Flow& flow, FlowCommand command);
std::optional<DecodeError> pull_flow_mod(In& in, FlowMod& mod);

// Groups and meters (group_codec.cc).
void put_group_mod_body(Out& out, const GroupMod& mod);
DecodeResult<GroupMod> pull_group_mod(In in);
void put_buckets(Out& out, const Group& group);
DecodeResult<std::vector<Bucket>> pull_buckets(In in, GroupType type);
void put_group_properties(Out& out, const Group& group);
DecodeResult<std::optional<SelectionMethod>> pull_group_properties(In in, GroupType type,
                                                                   GroupCommand command);
void put_bands(Out& out, const std::vector<Band>& bands);
DecodeResult<std::vector<Band>> pull_bands(In in);
void put_meter_mod_body(Out& out, const MeterMod& mod);
DecodeResult<MeterMod> pull_meter_mod(In in);

}  // namespace antrea::openflow::detail
