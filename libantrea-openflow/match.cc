#include "antrea/openflow/match.h"

#include <algorithm>

#include "facts.h"
#include "field_table.h"
#include "out.h"
#include "tlv.h"

namespace antrea::openflow {
namespace {

using detail::info;

FieldValue width_mask(FieldId id, std::uint8_t length) {
  return detail::is_tun_metadata(id) ? FieldValue::ones(std::min<unsigned>(128, length * 8U))
                                     : detail::full_mask(id);
}

FieldValue prefix_mask(const IpPrefix& prefix) {
  const unsigned width = prefix.address().width();
  return FieldValue::ones(prefix.length()) << (width - prefix.length());
}

struct CtStateFlag {
  std::string_view name;
  std::uint32_t bit;
};
constexpr CtStateFlag kCtStateFlags[] = {
    {"new", ct_state::kNew},   {"est", ct_state::kEst},   {"rel", ct_state::kRel},
    {"rpl", ct_state::kRpl},   {"inv", ct_state::kInv},   {"trk", ct_state::kTrk},
    {"snat", ct_state::kSnat}, {"dnat", ct_state::kDnat},
};

}  // namespace

bool MatchField::exact() const { return bits.mask == width_mask(id, length); }

std::size_t Match::wide_offset(FieldId id) const {
  std::size_t offset = 0;
  for (const MatchField& field : fields_) {
    if (field.id >= id) break;
    if (field.wide()) offset += 2U * field.length;
  }
  return offset;
}

Match::Wide Match::wide(FieldId id) const {
  if (wide_.empty()) return {};
  const MatchField* field = find(id);
  if (field == nullptr || !field->wide()) return {};
  const auto both = std::span(wide_).subspan(wide_offset(id), 2U * field->length);
  return {both.first(field->length), both.subspan(field->length)};
}

void Match::drop_wide(FieldId id) {
  const Wide old = wide(id);
  if (old.value.empty()) return;
  const auto first = wide_.begin() + static_cast<std::ptrdiff_t>(wide_offset(id));
  wide_.erase(first, first + static_cast<std::ptrdiff_t>(2 * old.value.size()));
}

MatchField* Match::find(FieldId id) {
  for (MatchField& field : fields_) {
    if (field.id == id) return &field;
    if (field.id > id) return nullptr;
  }
  return nullptr;
}

void Match::put(FieldId id, std::uint8_t length, const FieldValue& value, const FieldValue& mask,
                bool masked) {
  const auto at =
      std::find_if(fields_.begin(), fields_.end(), [&](const auto& f) { return f.id >= id; });
  const bool present = at != fields_.end() && at->id == id;
  if (mask.zero() && !detail::is_tun_metadata(id)) {
    if (present) fields_.erase(at);
    return;
  }
  // Ethernet is implied by what requires it.
  const auto implies = [](const MatchField& field) {
    return info(field.id).prerequisite != Prerequisite::kNone;
  };
  if (id == FieldId::kPacketType && value.zero() &&
      std::any_of(fields_.begin(), fields_.end(), implies))
    return;
  const MatchField field{
      id, length, masked && mask == width_mask(id, length), {value & mask, mask}};
  if (present) {
    *at = field;
  } else {
    if (fields_.capacity() == 0) {
      fields_.reserve(8);
      fields_.push_back(field);
      return;
    }
    fields_.insert(at, field);
    if (fields_.front().id == FieldId::kPacketType && fields_.front().bits.value.zero() &&
        implies(field))
      fields_.erase(fields_.begin());
  }
}

Match& Match::set(FieldId id, const FieldValue& value) {
  return set(id, value, detail::full_mask(id));
}

Match& Match::set(FieldId id, const FieldValue& value, const FieldValue& wanted_mask) {
  const FieldInfo& row = info(id);
  const bool whole = FieldValue::ones(row.bits).within(wanted_mask);
  const FieldValue mask = whole ? detail::full_mask(id) : wanted_mask & FieldValue::ones(row.bits);
  if (detail::is_tun_metadata(id)) {
    const auto index = static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kTunMetadata0);
    return set_tun_metadata(index, row.bytes, value, mask);
  }
  if (is_in(id, FieldId::kReg0, FieldId::kReg31)) {
    const unsigned reg = static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kReg0);
    const unsigned shift = reg % 2 == 0 ? 32 : 0;
    return set(xreg_field(reg / 2), (value & mask) << shift, mask << shift);
  }
  if (is_in(id, FieldId::kXxreg0, FieldId::kXxreg7)) {
    const unsigned first =
        2 * (static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kXxreg0));
    if (mask.hi != 0) set(xreg_field(first), value.hi, mask.hi);
    if (mask.lo != 0) set(xreg_field(first + 1), value.lo, mask.lo);
    return *this;
  }
  if (is_in(id, FieldId::kXreg0, FieldId::kXreg15)) {
    if (mask.zero()) return *this;
    const MatchField* old = find(id);
    const Masked before = old != nullptr ? old->bits : Masked{};
    put(id, row.bytes, (before.value & ~mask) | (value & mask), before.mask | mask);
    return *this;
  }
  switch (id) {
    case FieldId::kCtState:
      put(id, row.bytes, value, mask & FieldValue(0xff));
      return *this;
    case FieldId::kInPort:
      if (!mask.zero())
        put(FieldId::kInPortOxm, 4, port_from16(static_cast<std::uint16_t>(value.lo)).value,
            FieldValue::ones(32));
      return *this;
    case FieldId::kVlanTci: {
      const FieldValue vid_mask = mask & FieldValue(0x1fff);
      put(FieldId::kVlanVid, 2, value & vid_mask, vid_mask);
      // Behind a tag the priority counts wholly, as Open vSwitch has it.
      const FieldValue pcp_mask = (mask >> 13) & FieldValue(7);
      const bool tagged = !(value & vid_mask).zero();
      put(FieldId::kVlanPcp, 1, ((value & mask) >> 13) & FieldValue(7),
          tagged && !pcp_mask.zero() ? FieldValue(7) : pcp_mask);
      return *this;
    }
    case FieldId::kIpTos:
      put(FieldId::kIpDscp, 1, value.lo >> 2, (mask.lo >> 2) == 0 ? 0 : 0x3f);
      return *this;
    default:
      put(id, row.bytes, value, mask);
      return *this;
  }
}

Match& Match::set_tun_metadata(unsigned index, std::uint8_t length, const FieldValue& value,
                               const FieldValue& mask, bool masked) {
  const FieldId id = tun_metadata_field(index);
  const FieldValue kept = mask & width_mask(id, length);
  if (length > sizeof(FieldValue)) {
    std::vector<std::byte> bytes(2U * length);
    detail::store_value(bytes.data(), value & kept, length);
    detail::store_value(bytes.data() + length, kept, length);
    return set_tun_metadata(index, std::span(bytes).first(length), std::span(bytes).last(length),
                            masked);
  }
  drop_wide(id);
  put(id, length, value, kept, masked);
  return *this;
}

Match& Match::set_tun_metadata(unsigned index, std::span<const std::byte> value,
                               std::span<const std::byte> mask, bool masked) {
  const FieldId id = tun_metadata_field(index);
  const std::size_t length = std::min({value.size(), mask.size(), std::size_t{124}});
  const auto low = [&](std::span<const std::byte> bytes) {
    FieldValue number;
    for (const std::byte byte : bytes.first(length))
      number = number << 8 | FieldValue(std::to_integer<std::uint64_t>(byte));
    return number;
  };
  drop_wide(id);
  put(id, static_cast<std::uint8_t>(length), low(value) & low(mask), low(mask),
      masked && detail::all_ones(mask.first(length)));
  if (length <= sizeof(FieldValue)) return *this;
  std::vector<std::byte> both(2 * length);
  for (std::size_t i = 0; i < length; ++i) {
    both[i] = value[i] & mask[i];
    both[length + i] = mask[i];
  }
  wide_.insert(wide_.begin() + static_cast<std::ptrdiff_t>(wide_offset(id)), both.begin(),
               both.end());
  return *this;
}

Match& Match::set(const Subfield& subfield, std::uint64_t value) {
  return set(subfield.field, FieldValue(value) << subfield.offset, subfield.mask());
}

Match& Match::set_reg(unsigned reg, unsigned offset, unsigned bits, std::uint32_t value) {
  return set(reg_field(reg), FieldValue(value) << offset, FieldValue::ones(bits) << offset);
}

Match& Match::ip_src(const IpPrefix& prefix) {
  ip(prefix.family());
  return set(prefix.address().is_v4() ? FieldId::kIpSrc : FieldId::kIpv6Src, prefix.address(),
             prefix_mask(prefix));
}

Match& Match::ip_dst(const IpPrefix& prefix) {
  ip(prefix.family());
  return set(prefix.address().is_v4() ? FieldId::kIpDst : FieldId::kIpv6Dst, prefix.address(),
             prefix_mask(prefix));
}

Match& Match::ct_state(std::string_view flags) {
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
  while (!flags.empty()) {
    const bool on = flags.front() == '+';
    flags.remove_prefix(1);
    const std::string_view name = flags.substr(0, flags.find_first_of("+-"));
    flags.remove_prefix(name.size());
    for (const CtStateFlag& flag : kCtStateFlags) {
      if (flag.name != name) continue;
      mask |= flag.bit;
      if (on) value |= flag.bit;
    }
  }
  return ct_state(value, mask);
}

Match& Match::erase(FieldId id) {
  drop_wide(id);
  std::erase_if(fields_, [&](const MatchField& field) { return field.id == id; });
  return *this;
}

std::optional<Masked> Match::get(FieldId id) const {
  Masked bits;
  if (is_in(id, FieldId::kReg0, FieldId::kReg31)) {
    const unsigned reg = static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kReg0);
    const MatchField* pair = find(xreg_field(reg / 2));
    if (pair == nullptr) return {};
    const unsigned shift = reg % 2 == 0 ? 32 : 0;
    const FieldValue word = FieldValue::ones(32);
    bits = {(pair->bits.value >> shift) & word, (pair->bits.mask >> shift) & word};
  } else if (is_in(id, FieldId::kXxreg0, FieldId::kXxreg7)) {
    const unsigned first =
        2 * (static_cast<unsigned>(id) - static_cast<unsigned>(FieldId::kXxreg0));
    if (const MatchField* high = find(xreg_field(first)))
      bits.value.hi = high->bits.value.lo, bits.mask.hi = high->bits.mask.lo;
    if (const MatchField* low = find(xreg_field(first + 1)))
      bits.value.lo = low->bits.value.lo, bits.mask.lo = low->bits.mask.lo;
  } else if (id == FieldId::kVlanTci) {
    if (const MatchField* vid = find(FieldId::kVlanVid)) bits = vid->bits;
    if (const MatchField* pcp = find(FieldId::kVlanPcp))
      bits = {bits.value | pcp->bits.value << 13, bits.mask | pcp->bits.mask << 13};
  } else if (id == FieldId::kInPort) {
    if (const MatchField* port = find(FieldId::kInPortOxm))
      bits = {port->bits.value & FieldValue(0xffff), 0xffff};
  } else if (id == FieldId::kIpTos) {
    if (const MatchField* dscp = find(FieldId::kIpDscp)) bits = {dscp->bits.value << 2, 0xfc};
  } else if (const MatchField* field = find(id)) {
    return field->bits;
  }
  if (bits.mask.zero()) return {};
  return bits;
}

bool prerequisite_met(const Match& match, FieldId id) { return detail::PacketFacts(match).met(id); }

std::optional<FieldId> Match::missing_prerequisite() const {
  const detail::PacketFacts facts(*this);
  for (const MatchField& field : fields_)
    if (!facts.met(field.id)) return field.id;
  return {};
}

}  // namespace antrea::openflow

std::size_t std::hash<antrea::openflow::Match>::operator()(
    const antrea::openflow::Match& match) const noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  };
  for (const auto& field : match.fields()) {
    mix(static_cast<std::uint64_t>(field.id));
    mix(field.bits.value.lo);
    mix(field.bits.mask.lo);
    if ((field.bits.mask.hi) != 0) {
      mix(field.bits.value.hi);
      mix(field.bits.mask.hi);
    }
  }
  return static_cast<std::size_t>(hash);
}
