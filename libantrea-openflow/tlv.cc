#include "tlv.h"

#include <algorithm>

namespace antrea::openflow::detail {
namespace {

constexpr std::uint8_t kMaxWide = 124;

/// Writes the header into room of at least 8 bytes; returns where the value goes.
std::byte* write_header(std::byte* at, FieldId id, std::size_t value_size, bool masked) {
  const TlvShape& shape = tlv_shape(id);
  std::memcpy(at, shape.header.data(), shape.header.size());
  const std::size_t size = masked ? 2 * value_size : value_size;
  if (masked) at[2] |= std::byte{1};
  at[3] = std::byte(size + shape.header_size - 4);
  return at + shape.header_size;
}

}  // namespace

bool all_ones(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0xff}; });
}

std::uint8_t tun_metadata_length(const Masked& bits) {
  const auto length = [](const FieldValue& value) {
    const unsigned width = value.hi != 0 ? 64U + static_cast<unsigned>(std::bit_width(value.hi))
                                         : static_cast<unsigned>(std::bit_width(value.lo));
    return (width + 7) / 8;
  };
  const bool masked = bits.mask != FieldValue::ones(128);
  return static_cast<std::uint8_t>(std::max(length(bits.value), masked ? length(bits.mask) : 0U));
}

std::byte* write_tlv(std::byte* at, FieldId id, std::uint8_t length, const Masked& bits,
                     bool masked) {
  at = write_header(at, id, length, masked);
  store_value(at, bits.value, length);
  if (!masked) return at + length;
  store_value(at + length, bits.mask, length);
  return at + 2U * length;
}

void put_wide(Out& out, FieldId id, std::span<const std::byte> value,
              std::span<const std::byte> mask, bool masked) {
  masked = masked || !all_ones(mask);
  std::byte* at = out.room(kTlvRoom + 2 * value.size());
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

bool written_masked(const SetField& set) {
  if (set.masked) return true;
  if (!is_tun_metadata(set.field)) return !FieldValue::ones(info(set.field).bits).within(set.mask);
  if (!set.wide.empty()) return !all_ones(std::span(set.wide).subspan(set.length));
  return !FieldValue::ones(set.length == 0 ? 128 : 8U * set.length).within(set.mask);
}

void put_unusual_field(Out& out, const SetField& set) {
  if (set.length > sizeof(FieldValue) && set.wide.size() == 2U * set.length) {
    const auto both = std::span(set.wide);
    return put_wide(out, set.field, both.first(set.length), both.last(set.length), set.masked);
  }
  const std::uint8_t length = !is_tun_metadata(set.field) ? info(set.field).bytes
                              : set.length != 0           ? set.length
                                                : tun_metadata_length({set.value, set.mask});
  std::byte* const begin = out.room(kTlvRoom + 2U * length);
  const std::byte* const end =
      write_tlv(begin, set.field, length, {set.value, set.mask}, written_masked(set));
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

}  // namespace antrea::openflow::detail
