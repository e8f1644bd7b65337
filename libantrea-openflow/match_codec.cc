#include <algorithm>
#include <array>
#include <utility>

#include "antrea/openflow/codec.h"
#include "facts.h"
#include "tlv.h"

namespace antrea::openflow {
namespace detail {
namespace {

bool written_masked(const MatchField& field) {
  if (is_tun_metadata(field.id)) return field.masked || !field.exact();
  const TlvShape& shape = tlv_shape(field.id);
  return shape.always_masked || field.bits.mask != shape.full;
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
  std::byte* at = out.room((fields.size() + 1) * kTlvRoom);
  std::byte* begin = at;
  for (const MatchField& field : fields) {
    if (const TlvShape& shape = tlv_shape(field.id); shape.usual) {
      at = write_usual(at, shape, field.bits);
      continue;
    }
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
      put_wide(out, field.id, wide.value, wide.mask, field.masked);
      at = begin = out.room((fields.size() + 1) * kTlvRoom);
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

}  // namespace detail

/// Fills a match field by field in wire order, in place of what it held; canonical input is
/// appended without a search.
class MatchDecoder {
 public:
  explicit MatchDecoder(Match& match) : fields_(match.fields_), match_(match) {
    match.wide_.clear();
  }

  detail::Fault pull(detail::In& in, detail::MatchRule rule) {
    const bool strict = rule == detail::MatchRule::kStrict;
    // What the match held is written over, not cleared first.
    for (pull_in_order(in, strict, 0); !in.empty(); pull_in_order(in, strict, fields_.size())) {
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
  /// What the match says of its packets.
  const detail::PacketFacts& facts() const { return facts_; }
  /// Some fields were not known and are lost.
  bool unknown() const { return unknown_; }

 private:
  /// Takes usual TLVs as long as each comes where it belongs, behind the first `known` fields.
  void pull_in_order(detail::In& in, bool strict, std::size_t known) {
    using detail::UsualRow;
    if (in.offset() < detail::kBeforeUsual) return fields_.resize(known);
    const std::byte* const begin = in.at();
    const std::byte* const end = begin + in.remaining();
    const std::byte* at = begin;
    unsigned last = known == 0 ? 0 : static_cast<unsigned>(fields_[known - 1].id) + 1;
    // Room at once for what may come; few TLVs have less than 8 bytes.
    fields_.resize(known + std::min<std::size_t>((in.remaining() + 7) / 8, 16));
    MatchField* field = fields_.data() + known;
    const MatchField* const room_end = fields_.data() + fields_.size();
    for (; field != room_end; ++field) {
      const UsualRow* const row = detail::read_usual(at, end, field->bits);
      if (row == nullptr || row->order <= last) break;
      if (row->prerequisite != Prerequisite::kNone) {
        if (strict && !facts_.met(row->prerequisite)) break;
        implied_ = true;
      }
      if (row->is(UsualRow::kTells)) facts_.learn(row->id, field->bits);
      field->id = row->id;
      field->length = row->bytes;
      field->masked = false;
      last = row->order;
      at += 4 + std::to_integer<std::size_t>(at[3]);  // without waiting for the row
    }
    fields_.resize(static_cast<std::size_t>(field - fields_.data()));
    in.skip(static_cast<std::size_t>(at - begin));
  }
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

  void add(const detail::Tlv& tlv) {
    facts_.learn(tlv.id, tlv.bits);
    ethernet_ |= info(tlv.id).prerequisite != Prerequisite::kNone;
    if (detail::is_tun_metadata(tlv.id)) {
      duplicate_ = match_.find(tlv.id) != nullptr;
      if (tlv.length > sizeof(FieldValue)) {
        const Bytes both = detail::wide_bytes(tlv);
        match_.set_tun_metadata(tun_index(tlv.id), std::span(both).first(tlv.length),
                                std::span(both).last(tlv.length), tlv.masked);
      } else {
        match_.put(tlv.id, tlv.length, tlv.bits.value, tlv.bits.mask, tlv.masked);
      }
    } else if (detail::tlv_shape(tlv.id).in_match &&
               (fields_.empty() || fields_.back().id < tlv.id)) {
      if (!tlv.bits.mask.zero()) fields_.push_back({tlv.id, tlv.length, false, tlv.bits});
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
    const bool implied =
        implied_ || std::any_of(fields_.begin(), fields_.end(), [](const MatchField& field) {
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
  bool ethernet_ = false;  ///< a field came that only Ethernet frames have
  bool implied_ = false;   ///< and is kept
};

namespace detail {

std::optional<DecodeError> pull_match_fields(In& in, Match& match, MatchRule rule,
                                             PacketFacts* facts) {
  MatchDecoder decoder(match);
  if (const Fault fault = decoder.pull(in, rule)) return fail(*fault, decoder.offset());
  if (facts != nullptr) *facts = decoder.facts();
  return {};
}

DecodeResult<Match> pull_kept_fields(In in, MatchRule rule, Bytes& raw) {
  DecodeResult<Match> match = Match();
  MatchDecoder decoder(*match);
  const auto came = in.peek_rest();
  if (const Fault fault = decoder.pull(in, rule)) return fail(*fault, decoder.offset());
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
    Match said;
    In kept(raw);
    if (!pull_match_fields(kept, said, MatchRule::kLoose) && said == match) return out.bytes(raw);
  }
  put_match_fields(out, match);
}

std::optional<DecodeError> pull_match(In& in, Match& match, MatchRule rule, PacketFacts* facts) {
  const std::size_t offset = in.offset();
  const std::uint16_t type = in.be16();
  const std::uint16_t length = in.be16();
  if (in.failed() || length < 4) return fail(errors::kMatchBadLen, offset);
  if (type != 1) return fail(errors::kMatchBadType, offset);
  if (pad8(length) - 4 > in.remaining()) return fail(errors::kMatchBadLen, offset);
  In fields = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  MatchDecoder decoder(match);
  if (const Fault fault = decoder.pull(fields, rule)) return fail(*fault, decoder.offset());
  if (facts != nullptr) *facts = decoder.facts();
  return {};
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
  DecodeResult<Match> match = Match();
  if (const auto error = detail::pull_match(in, *match)) return *error;
  if (!in.empty()) return detail::fail(errors::kMatchBadLen, in);
  return match;
}

}  // namespace antrea::openflow
