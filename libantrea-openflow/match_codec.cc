#include <algorithm>
#include <utility>

#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "wire.h"

namespace antrea::openflow {

/// Fills a match field by field in wire order; canonical input is appended without a search.
class MatchDecoder {
 public:
  explicit MatchDecoder(Match& match) : match_(match) { match_.fields_.reserve(12); }

  bool wild(FieldId id) const {
    const auto& fields = match_.fields_;
    if (fields.empty() || (fields.back().id < id && plain(id))) return true;
    if (is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63))
      return match_.find(id) == nullptr;
    return !match_.has(id);
  }
  void add(const detail::Tlv& tlv) {
    auto& fields = match_.fields_;
    if (is_in(tlv.id, FieldId::kTunMetadata0, FieldId::kTunMetadata63)) {
      match_.put(tlv.id, tlv.length, tlv.bits.value, tlv.bits.mask);
    } else if (plain(tlv.id) && (fields.empty() || fields.back().id < tlv.id)) {
      if (!tlv.bits.mask.zero()) fields.push_back({tlv.id, tlv.length, tlv.bits});
    } else {
      match_.set(tlv.id, tlv.bits.value, tlv.bits.mask);
    }
  }

 private:
  static bool plain(FieldId id) {
    return !is_in(id, FieldId::kReg0, FieldId::kReg31) &&
           !is_in(id, FieldId::kXxreg0, FieldId::kXxreg7) &&
           !is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63) && id != FieldId::kVlanTci &&
           id != FieldId::kInPort && id != FieldId::kIpTos && id != FieldId::kVlanVid &&
           id != FieldId::kVlanPcp;
  }
  Match& match_;
};

namespace detail {
namespace {

bool is_tun_metadata(FieldId id) {
  return is_in(id, FieldId::kTunMetadata0, FieldId::kTunMetadata63);
}

constexpr std::size_t kMaxTlv = 8 + 32;

std::byte* write_tlv(std::byte* at, FieldId id, std::uint8_t length, const Masked& bits,
                     bool masked) {
  const FieldInfo& row = info(id);
  const std::size_t value_size = length;
  const std::size_t size = masked ? 2 * value_size : value_size;
  store_be(at, row.oxm.oxm_class);
  at[2] = std::byte(row.oxm.field << 1 | (masked ? 1 : 0));
  if (row.oxm.oxm_class == 0xffff) {
    at[3] = std::byte(size + 4);
    store_be(at + 4, row.oxm.experimenter);
    at += 8;
  } else {
    at[3] = std::byte(size);
    at += 4;
  }
  store_value(at, bits.value, value_size);
  if (masked) store_value(at + value_size, bits.mask, value_size);
  return at + size;
}

/// Open vSwitch writes these with a mask even where every bit counts.
bool always_masked(const MatchField& field) {
  return field.id == FieldId::kTunFlags ||
         is_in(field.id, FieldId::kTunErspanVer, FieldId::kTunErspanHwid) || field.length == 0;
}

}  // namespace

void put_match_fields(Out& out, const Match& match) {
  const std::size_t start = out.size();
  std::byte* const begin = out.put(match.fields().size() * kMaxTlv);
  std::byte* at = begin;
  for (const MatchField& field : match.fields())
    at = write_tlv(at, field.id, field.length, field.bits, !field.exact() || always_masked(field));
  out.truncate(start + static_cast<std::size_t>(at - begin));
}

void put_match(Out& out, const Match& match) {
  const std::size_t start = out.size();
  out.be32(0x00010000);
  put_match_fields(out, match);
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

void put_tlv(Out& out, FieldId id, std::uint8_t length, const Masked& bits, bool masked) {
  const std::size_t start = out.size();
  std::byte* const begin = out.put(kMaxTlv);
  const std::byte* const end = write_tlv(begin, id, length, bits, masked);
  out.truncate(start + static_cast<std::size_t>(end - begin));
}

void put_field_header(Out& out, const OxmType& type, std::uint8_t length) {
  if (type.oxm_class == 0xffff) length = static_cast<std::uint8_t>(length + 4);
  out.be16(type.oxm_class);
  out.u8(static_cast<std::uint8_t>(type.field << 1));
  out.u8(length);
  if (type.oxm_class == 0xffff) out.be32(type.experimenter);
}

DecodeResult<FieldId> pull_field_header(In& in) {
  const std::size_t offset = in.offset();
  const std::uint16_t oxm_class = in.be16();
  const std::uint8_t number = in.u8();
  std::uint8_t length = in.u8();
  std::uint32_t experimenter = 0;
  if (oxm_class == 0xffff) {
    experimenter = in.be32();
    if (length < 4) return fail(errors::kMatchBadLen, offset);
    length = static_cast<std::uint8_t>(length - 4);
  }
  if (in.failed()) return fail(errors::kMatchBadLen, offset);
  const auto id = field_by_oxm({oxm_class, static_cast<std::uint8_t>(number >> 1), experimenter});
  if (!id) return fail(errors::kMatchBadField, offset);
  if ((number & 1) != 0) return fail(errors::kMatchBadMask, offset);
  if (length != info(*id).bytes && !is_tun_metadata(*id))
    return fail(errors::kMatchBadField, offset);
  return *id;
}

bool value_valid(FieldId id, const FieldValue& value) {
  switch (id) {
    case FieldId::kInPortOxm:
      return port_valid(static_cast<std::uint32_t>(value.lo));
    case FieldId::kActsetOutput:
      return port_valid(static_cast<std::uint32_t>(value.lo));
    case FieldId::kArpOp:
      return value.lo <= 0xff;
    case FieldId::kIpTos:
      return (value.lo & 3) == 0;
    case FieldId::kCtState:
      return value.lo <= 0xff;
    default:
      return value.within(FieldValue::ones(info(id).bits)) || is_tun_metadata(id);
  }
}

DecodeResult<Tlv> pull_tlv(In& in) {
  const std::size_t offset = in.offset();
  Tlv tlv;
  const std::uint32_t header = in.be32();
  if (in.failed()) return fail(errors::kMatchBadLen, offset);
  const auto oxm_class = static_cast<std::uint16_t>(header >> 16);
  std::size_t length = header & 0xff;
  std::uint32_t experimenter = 0;
  if (length > in.remaining()) return fail(errors::kMatchBadLen, offset);
  if (oxm_class == 0xffff) {
    if (length < 4) return fail(errors::kMatchBadLen, offset);
    experimenter = in.be32();
    length -= 4;
  }
  const int space = oxm_space(oxm_class, experimenter);
  const std::uint8_t found =
      space < 0 ? 0 : kFieldByNumber[static_cast<std::size_t>(space)][header >> 9 & 0x7f];
  if (found == 0) return fail(errors::kMatchBadField, offset);
  tlv.id = static_cast<FieldId>(found - 1);
  tlv.masked = (header >> 8 & 1) != 0;
  const FieldInfo& row = info(tlv.id);
  std::size_t size = row.bytes;
  if (is_tun_metadata(tlv.id)) {
    size = tlv.masked ? length / 2 : length;
    if (size > 16) return fail(errors::kNxInvalidTlvField, offset);
  }
  if (length != (tlv.masked ? 2 * size : size)) return fail(errors::kMatchBadField, offset);
  if (tlv.masked && !row.maskable) return fail(errors::kMatchBadMask, offset);
  tlv.length = static_cast<std::uint8_t>(size);
  const FieldValue all =
      FieldValue::ones(is_tun_metadata(tlv.id) ? static_cast<unsigned>(8 * size) : row.bits);
  tlv.bits.value = in.value(size);
  tlv.bits.mask = all;
  if (tlv.masked) {
    const FieldValue mask = in.value(size);
    if (!tlv.bits.value.within(mask)) return fail(errors::kMatchBadWildcards, offset);
    tlv.bits.mask = mask & all;
  }
  if (tlv.id == FieldId::kCtState) tlv.bits.mask = tlv.bits.mask & FieldValue(0xff);
  if (!value_valid(tlv.id, tlv.bits.value)) return fail(errors::kMatchBadValue, offset);
  return tlv;
}

DecodeResult<Match> pull_match_fields(In in, bool check_prerequisites, bool lenient) {
  Match match;
  MatchDecoder decoder(match);
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    In tlv_in = in;
    auto tlv = pull_tlv(tlv_in);
    if (tlv.has_error()) {
      if (lenient && tlv.error().error == errors::kMatchBadField && in.remaining() >= 4) {
        const std::size_t size = 4 + std::to_integer<std::size_t>(in.at()[3]);
        in.skip(size);
        continue;
      }
      return tlv.error();
    }
    in = tlv_in;
    if (check_prerequisites && info(tlv->id).prerequisite != Prerequisite::kNone &&
        !prerequisite_met(match, tlv->id))
      return fail(errors::kMatchBadPrereq, offset);
    if (!decoder.wild(tlv->id)) return fail(errors::kMatchDupField, offset);
    decoder.add(*tlv);
  }
  return match;
}

DecodeResult<Match> pull_match(In& in, bool check_prerequisites) {
  const std::size_t offset = in.offset();
  const std::uint16_t type = in.be16();
  const std::uint16_t length = in.be16();
  if (in.failed()) return fail(errors::kMatchBadLen, offset);
  if (type != 1) return fail(errors::kMatchBadType, offset);
  if (length < 4 || pad8(length) - 4 > in.remaining()) return fail(errors::kMatchBadLen, offset);
  const In fields = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  return pull_match_fields(fields, check_prerequisites);
}

DecodeResult<Property> pull_property(In& in) {
  const In start = in;
  if (in.remaining() < 4) return fail(errors::kPropertyBadLen, in);
  const std::uint16_t type = in.be16();
  const std::uint16_t length = in.be16();
  if (length < 4 || length > start.remaining()) return fail(errors::kPropertyBadLen, start);
  Property property{type, in.sub(length - 4U), {}};
  const std::size_t padding = pad8(length) - length;
  if (padding > in.remaining()) return fail(errors::kPropertyBadLen, start);
  in.skip(padding);
  property.raw = start.peek_rest().first(length + padding);
  return property;
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
