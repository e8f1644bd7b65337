#include <algorithm>
#include <array>
#include <utility>

#include "antrea/openflow/codec.h"
#include "facts.h"
#include "field_table.h"
#include "wire.h"

namespace antrea::openflow {
namespace detail {
namespace {

/// The header of a field as it stands on the wire, with the length of the unmasked field.
struct WireHeader {
  std::array<std::uint8_t, 8> bytes{};
  std::uint8_t size = 4;
  bool always_masked = false;  ///< Open vSwitch writes a mask even where every bit counts
  FieldValue full;             ///< the mask of the whole field
};

std::array<WireHeader, kFieldCount> make_headers() {
  std::array<WireHeader, kFieldCount> headers{};
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const FieldInfo& row = kFields[i];
    WireHeader& header = headers[i];
    header.full = full_mask(row.id);
    header.always_masked = row.id == FieldId::kTunFlags || row.id == FieldId::kTunErspanVer ||
                           row.id == FieldId::kTunErspanDir || row.id == FieldId::kTunErspanHwid;
    header.bytes[0] = static_cast<std::uint8_t>(row.oxm.oxm_class >> 8);
    header.bytes[1] = static_cast<std::uint8_t>(row.oxm.oxm_class & 0xff);
    header.bytes[2] = static_cast<std::uint8_t>(row.oxm.field << 1);
    if (row.oxm.oxm_class != 0xffff) continue;
    header.size = 8;
    for (unsigned byte = 0; byte < 4; ++byte)
      header.bytes[4 + byte] =
          static_cast<std::uint8_t>(row.oxm.experimenter >> (24 - 8 * byte) & 0xff);
  }
  return headers;
}
const std::array<WireHeader, kFieldCount> kHeaders = make_headers();

constexpr std::size_t kMaxTlv = 8 + 32;
constexpr std::uint8_t kMaxWide = 124;

/// Writes the header into room of at least 8 bytes; returns where the value goes.
std::byte* write_header(std::byte* at, FieldId id, std::size_t value_size, bool masked) {
  const WireHeader& header = kHeaders[static_cast<std::size_t>(id)];
  std::memcpy(at, header.bytes.data(), header.bytes.size());
  const std::size_t size = masked ? 2 * value_size : value_size;
  if (masked) at[2] |= std::byte{1};
  at[3] = std::byte(size + header.size - 4);
  return at + header.size;
}

std::byte* write_tlv(std::byte* at, FieldId id, std::uint8_t length, const Masked& bits,
                     bool masked) {
  at = write_header(at, id, length, masked);
  store_value(at, bits.value, length);
  if (!masked) return at + length;
  store_value(at + length, bits.mask, length);
  return at + 2U * length;
}

bool all_ones(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0xff}; });
}

void put_wide(Out& out, FieldId id, std::span<const std::byte> value,
              std::span<const std::byte> mask) {
  const bool masked = !all_ones(mask);
  std::byte* at = out.room(kMaxTlv + 2 * value.size());
  std::byte* const begin = at;
  at = write_header(at, id, value.size(), masked);
  std::memcpy(at, value.data(), value.size());
  at += value.size();
  if (masked) {
    std::memcpy(at, mask.data(), mask.size());
    at += mask.size();
  }
  out.advance(static_cast<std::size_t>(at - begin));
}

bool written_masked(const MatchField& field) {
  const WireHeader& header = kHeaders[static_cast<std::size_t>(field.id)];
  if (is_tun_metadata(field.id)) return field.length == 0 || !field.exact();
  return header.always_masked || field.bits.mask != header.full;
}

/// A priority without a tag to carry it. It only says that the packet is an Ethernet frame.
bool idle_priority(const Match& match, const MatchField& field) {
  if (field.id != FieldId::kVlanPcp) return false;
  const auto vid = match.get(FieldId::kVlanVid);
  return !vid || vid->value.zero();
}

/// Fields say that packets are Ethernet frames, yet none of them is written: then the packet type
/// has to be.
bool needs_packet_type(const Match& match) {
  bool wanted = false;
  for (const MatchField& field : match.fields()) {
    if (idle_priority(match, field))
      wanted = true;
    else if (info(field.id).prerequisite != Prerequisite::kNone)
      return false;
  }
  return wanted;
}

}  // namespace

void put_match_fields(Out& out, const Match& match) {
  const auto fields = match.fields();
  std::byte* at = out.room((fields.size() + 1) * kMaxTlv);
  std::byte* begin = at;
  for (const MatchField& field : fields) {
    if (field.id == FieldId::kVlanPcp && idle_priority(match, field)) {
      if (!needs_packet_type(match)) continue;
      // It stands before all other fields.
      const std::size_t behind = static_cast<std::size_t>(at - begin);
      std::memmove(begin + 8, begin, behind);
      at = write_tlv(begin, FieldId::kPacketType, 4, {}, false) + behind;
      continue;
    }
    if (field.wide()) {
      out.advance(static_cast<std::size_t>(at - begin));
      const Match::Wide wide = match.wide(field.id);
      put_wide(out, field.id, wide.value, wide.mask);
      at = begin = out.room((fields.size() + 1) * kMaxTlv);
      continue;
    }
    at = write_tlv(at, field.id, field.length, field.bits, written_masked(field));
  }
  out.advance(static_cast<std::size_t>(at - begin));
}

void put_match(Out& out, const Match& match) {
  const std::size_t start = out.size();
  out.be32(0x00010000);
  put_match_fields(out, match);
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

void put_set_field(Out& out, const SetField& set) {
  if (set.length > sizeof(FieldValue) && set.wide.size() == 2U * set.length) {
    const auto both = std::span(set.wide);
    return put_wide(out, set.field, both.first(set.length), both.last(set.length));
  }
  const FieldInfo& row = info(set.field);
  const bool variable = is_tun_metadata(set.field);
  const std::uint8_t length = !variable         ? row.bytes
                              : set.length != 0 ? set.length
                                                : std::uint8_t{4};
  const FieldValue all = FieldValue::ones(variable ? 8U * length : row.bits);
  std::byte* const begin = out.room(kMaxTlv + 2U * length);
  const std::byte* const end = write_tlv(begin, set.field, length, {set.value, set.mask},
                                         set.masked || !all.within(set.mask));
  out.advance(static_cast<std::size_t>(end - begin));
}

void put_field_header(Out& out, const OxmType& type, std::uint8_t length) {
  const bool experimenter = type.oxm_class == 0xffff;
  out.be16(type.oxm_class);
  out.u8(static_cast<std::uint8_t>(type.field << 1));
  out.u8(static_cast<std::uint8_t>(length + (experimenter ? 4 : 0)));
  if (experimenter) out.be32(type.experimenter);
}

bool value_valid(FieldId id, const FieldValue& value) {
  switch (id) {
    case FieldId::kInPortOxm:
    case FieldId::kActsetOutput:
      return port_valid(static_cast<std::uint32_t>(value.lo));
    case FieldId::kArpOp:
    case FieldId::kCtState:
      return value.lo <= 0xff;
    case FieldId::kIpTos:
      return (value.lo & 3) == 0;
    case FieldId::kNshMdtype:
      return value.lo == 1 || value.lo == 2;
    case FieldId::kTunErspanIdx:
    case FieldId::kTunErspanVer:
    case FieldId::kTunErspanDir:
    case FieldId::kTunErspanHwid:
      return true;
    default:
      return is_tun_metadata(id) || value.within(FieldValue::ones(info(id).bits));
  }
}

Fault parse_tlv(In& in, Tlv& tlv, bool action) {
  const std::uint32_t header = in.be32();
  const auto oxm_class = static_cast<std::uint16_t>(header >> 16);
  std::size_t length = header & 0xff;
  std::uint32_t experimenter = 0;
  if (oxm_class == 0xffff) {
    experimenter = in.be32();
    if (length < 4) return &errors::kMatchBadLen;
    length -= 4;
  }
  if (in.failed()) return &errors::kMatchBadLen;
  tlv.masked = (header >> 8 & 1) != 0;
  const std::size_t size = tlv.masked ? length / 2 : length;
  const int space = oxm_space(oxm_class, experimenter);
  const std::uint8_t found =
      space < 0 ? 0 : kFieldByNumber[static_cast<std::size_t>(space)][header >> 9 & 0x7f];
  const FieldId id = static_cast<FieldId>(found - 1);
  const bool wrong_size = found != 0 && size != info(id).bytes && !is_tun_metadata(id);
  if (action && (found == 0 || wrong_size))
    return wrong_size && length > 0 ? &errors::kActionBadSetLen : &errors::kActionBadSetType;
  const auto payload = in.take(length);
  if (in.failed()) return &errors::kMatchBadLen;
  tlv.raw_value = payload.first(size);
  tlv.raw_mask = tlv.masked ? payload.subspan(size, size) : std::span<const std::byte>();
  if (found == 0 || wrong_size || size > sizeof(FieldValue)) {
    // Not a number of this library, or a wide one: the bytes have to do.
    for (std::size_t i = 0; i < tlv.raw_mask.size(); ++i)
      if ((tlv.raw_value[i] & ~tlv.raw_mask[i]) != std::byte{0}) return &errors::kMatchBadWildcards;
    if (found == 0 || wrong_size) return &errors::kMatchBadField;
    if (size > kMaxWide) return &errors::kMatchBadField;
  }
  tlv.id = id;
  tlv.length = static_cast<std::uint8_t>(size);
  const auto number = [](std::span<const std::byte> bytes) {
    switch (bytes.size()) {
      case 1:
        return FieldValue(std::to_integer<std::uint64_t>(bytes[0]));
      case 2:
        return FieldValue(load_be<std::uint16_t>(bytes.data()));
      case 4:
        return FieldValue(load_be<std::uint32_t>(bytes.data()));
      case 8:
        return FieldValue(load_be<std::uint64_t>(bytes.data()));
      default:
        if (bytes.size() > sizeof(FieldValue)) bytes = bytes.last(sizeof(FieldValue));
        return In(bytes).value(bytes.size());
    }
  };
  tlv.bits.value = number(tlv.raw_value);
  if (tlv.masked) {
    tlv.bits.mask = number(tlv.raw_mask);
    if (!tlv.bits.value.within(tlv.bits.mask)) return &errors::kMatchBadWildcards;
  } else {
    tlv.bits.mask = FieldValue::ones(size >= sizeof(FieldValue) ? 128 : 8U * size);
  }
  return nullptr;
}

Bytes wide_bytes(const Tlv& tlv) {
  Bytes both(2U * tlv.length, std::byte{0xff});
  std::copy(tlv.raw_value.begin(), tlv.raw_value.end(), both.begin());
  std::copy(tlv.raw_mask.begin(), tlv.raw_mask.end(), both.begin() + tlv.length);
  return both;
}

}  // namespace detail

/// Fills a match field by field in wire order; canonical input is appended without a search.
class MatchDecoder {
 public:
  explicit MatchDecoder(Match& match) : fields_(match.fields_), match_(match) {}

  detail::Fault pull(detail::In in, detail::MatchRule rule) {
    const bool strict = rule == detail::MatchRule::kStrict;
    fields_.reserve(std::min<std::size_t>(in.remaining() / 6, 16));
    while (!in.empty()) {
      offset_ = in.offset();
      detail::Tlv tlv;
      detail::Fault fault = detail::parse_tlv(in, tlv, false);
      if (fault == nullptr) fault = check(tlv);
      if (fault == &errors::kMatchBadField && !strict) {
        unknown_ = true;
        continue;
      }
      if (fault != nullptr) return fault;
      if (strict && !facts_.met(tlv.id)) return &errors::kMatchBadPrereq;
      add(tlv);
      if (duplicate_) return &errors::kMatchDupField;
    }
    finish();
    return nullptr;
  }
  std::size_t offset() const { return offset_; }
  /// Some fields were not known and are lost.
  bool unknown() const { return unknown_; }

 private:
  static detail::Fault check(detail::Tlv& tlv) {
    const FieldValue all = detail::full_mask(tlv.id);
    if (tlv.masked && !info(tlv.id).maskable && !tlv.bits.mask.zero() &&
        tlv.bits.mask != FieldValue::ones(8U * tlv.length))
      return &errors::kMatchBadMask;
    if (!detail::value_valid(tlv.id, tlv.bits.value)) return &errors::kMatchBadValue;
    tlv.bits.mask = tlv.bits.mask & all;
    switch (tlv.id) {
      case FieldId::kCtState:
        tlv.bits.mask = tlv.bits.mask & FieldValue(0xff);
        break;
      case FieldId::kTunErspanVer:
      case FieldId::kTunErspanDir:
      case FieldId::kTunErspanHwid:
        // Open vSwitch takes the value for the mask, whatever mask there is.
        tlv.bits.mask = tlv.bits.value;
        break;
      default:
        break;
    }
    return nullptr;
  }
  static const FieldInfo& info(FieldId id) { return detail::info(id); }

  /// Kept under its own number, and not by parts.
  static bool plain(FieldId id) {
    if (id >= FieldId::kEthSrc && id <= FieldId::kEthType) return true;
    if (id > FieldId::kIpTos && id < FieldId::kTunMetadata0) return true;
    if (id > FieldId::kXxreg7) return true;
    return !is_in(id, FieldId::kReg0, FieldId::kReg31) &&
           !is_in(id, FieldId::kXxreg0, FieldId::kXxreg7) && !detail::is_tun_metadata(id) &&
           id != FieldId::kVlanTci && id != FieldId::kInPort && id != FieldId::kIpTos &&
           id != FieldId::kVlanPcp;
  }

  void add(const detail::Tlv& tlv) {
    facts_.learn(tlv.id, tlv.bits);
    ethernet_ |= info(tlv.id).prerequisite != Prerequisite::kNone;
    if (detail::is_tun_metadata(tlv.id)) {
      duplicate_ = match_.find(tlv.id) != nullptr;
      if (tlv.length > sizeof(FieldValue)) {
        const Bytes both = detail::wide_bytes(tlv);
        match_.set_tun_metadata(tun_index(tlv.id), std::span(both).first(tlv.length),
                                std::span(both).last(tlv.length));
      } else {
        match_.put(tlv.id, tlv.length, tlv.bits.value, tlv.bits.mask);
      }
    } else if (plain(tlv.id) && (fields_.empty() || fields_.back().id < tlv.id)) {
      if (!tlv.bits.mask.zero()) fields_.push_back({tlv.id, tlv.length, tlv.bits});
    } else {
      duplicate_ = match_.has(tlv.id);
      if (!duplicate_) match_.set(tlv.id, tlv.bits.value, tlv.bits.mask);
    }
  }
  static unsigned tun_index(FieldId id) {
    return static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kTunMetadata0);
  }

  /// Ethernet is the packet type that fields imply; it stands alone only where none of them does.
  void finish() {
    const bool said = !fields_.empty() && fields_.front().id == FieldId::kPacketType &&
                      fields_.front().bits.value.zero();
    const bool implied = std::any_of(fields_.begin(), fields_.end(), [](const MatchField& field) {
      return info(field.id).prerequisite != Prerequisite::kNone;
    });
    if (said && implied)
      fields_.erase(fields_.begin());
    else if (!said && ethernet_ && !implied)
      match_.set(FieldId::kPacketType, 0);
  }

  std::vector<MatchField>& fields_;
  Match& match_;
  detail::PacketFacts facts_;
  std::size_t offset_ = 0;
  bool unknown_ = false;
  bool duplicate_ = false;
  bool ethernet_ = false;
};

namespace detail {

DecodeResult<Match> pull_match_fields(In in, MatchRule rule) {
  DecodeResult<Match> match = Match();
  MatchDecoder decoder(*match);
  if (const Fault fault = decoder.pull(in, rule)) return fail(*fault, decoder.offset());
  return match;
}

DecodeResult<Match> pull_kept_fields(In in, MatchRule rule, Bytes& raw) {
  DecodeResult<Match> match = Match();
  MatchDecoder decoder(*match);
  if (const Fault fault = decoder.pull(in, rule)) return fail(*fault, decoder.offset());
  const auto came = in.peek_rest();
  const auto usual = [&] {
    std::array<std::byte, 1024> room;
    Out out(room);
    put_match_fields(out, *match);
    const auto wrote = out.since(0);
    return std::equal(wrote.begin(), wrote.end(), came.begin(), came.end());
  };
  if (decoder.unknown() || !usual()) raw = to_bytes(came);
  return match;
}

void put_kept_fields(Out& out, const Match& match, const Bytes& raw) {
  if (!raw.empty()) {
    const auto said = pull_match_fields(In(raw), MatchRule::kLoose);
    if (said.has_value() && *said == match) return out.bytes(raw);
  }
  put_match_fields(out, match);
}

DecodeResult<Match> pull_match(In& in, MatchRule rule) {
  const std::size_t offset = in.offset();
  const std::uint16_t type = in.be16();
  const std::uint16_t length = in.be16();
  if (in.failed() || length < 4) return fail(errors::kMatchBadLen, offset);
  if (type != 1) return fail(errors::kMatchBadType, offset);
  if (pad8(length) - 4 > in.remaining()) return fail(errors::kMatchBadLen, offset);
  const In fields = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  return pull_match_fields(fields, rule);
}

Fault pull_plain_property(In& in, Property& property) {
  const auto all = in.peek_rest();
  if (all.size() < 4) return &errors::kPropertyBadLen;
  property.type = in.be16();
  const std::uint16_t length = in.be16();
  if (length < 4 || pad8(length) > all.size()) return &errors::kPropertyBadLen;
  property.body = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  property.raw = all.first(pad8(length));
  return nullptr;
}

Fault pull_property(In& in, Property& property) {
  if (const Fault fault = pull_plain_property(in, property)) return fault;
  if (property.type != 0xffff) return nullptr;
  property.experimenter = property.body.be32();
  property.exp_type = property.body.be32();
  if (property.body.failed()) return &errors::kPropertyBadLen;
  return property.experimenter != 0 ? nullptr : &errors::kPropertyBadExperimenter;
}

}  // namespace detail

void encode_match(const Match& match, std::vector<std::byte>& out) {
  detail::Out writer(out);
  detail::put_match(writer, match);
}

DecodeResult<Match> decode_match(std::span<const std::byte> wire) {
  detail::In in(wire);
  auto match = detail::pull_match(in);
  if (match.has_value() && !in.empty()) return detail::fail(errors::kMatchBadLen, in);
  return match;
}

}  // namespace antrea::openflow
