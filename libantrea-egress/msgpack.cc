#include "msgpack.h"

namespace antrea::egress {
namespace {

constexpr std::uint8_t kNil = 0xc0, kFalse = 0xc2, kTrue = 0xc3;
constexpr std::uint8_t kBin8 = 0xc4, kBin16 = 0xc5, kBin32 = 0xc6;
constexpr std::uint8_t kExt8 = 0xc7, kExt32 = 0xc9, kFixExt1 = 0xd4, kFixExt16 = 0xd8;
constexpr std::uint8_t kU8 = 0xcc, kU16 = 0xcd, kU32 = 0xce, kU64 = 0xcf;
constexpr std::uint8_t kI8 = 0xd0, kI16 = 0xd1, kI32 = 0xd2, kI64 = 0xd3, kFloat32 = 0xca,
                       kFloat64 = 0xcb;
constexpr std::uint8_t kRaw8 = 0xd9, kRaw16 = 0xda, kRaw32 = 0xdb;
constexpr std::uint8_t kArray16 = 0xdc, kArray32 = 0xdd, kMap16 = 0xde, kMap32 = 0xdf;

constexpr bool is_fix_map(std::uint8_t tag) { return (tag & 0xf0) == 0x80; }
constexpr bool is_fix_array(std::uint8_t tag) { return (tag & 0xf0) == 0x90; }
constexpr bool is_fix_raw(std::uint8_t tag) { return (tag & 0xe0) == 0xa0; }

}  // namespace

void MsgpackWriter::map(std::size_t fields) { out_.u8(static_cast<std::uint8_t>(0x80 | fields)); }

void MsgpackWriter::number(std::uint64_t value) {
  if (value < 0x80) return out_.u8(static_cast<std::uint8_t>(value));
  if (value <= 0xff) return out_.u8(kU8), out_.u8(static_cast<std::uint8_t>(value));
  if (value <= 0xffff) return out_.u8(kU16), out_.be16(static_cast<std::uint16_t>(value));
  if (value <= 0xffffffff) return out_.u8(kU32), out_.be32(static_cast<std::uint32_t>(value));
  out_.u8(kU64);
  out_.be64(value);
}

void MsgpackWriter::raw(std::span<const std::byte> value) {
  if (value.size() < 32) {
    out_.u8(static_cast<std::uint8_t>(0xa0 | value.size()));
  } else if (value.size() <= 0xffff) {
    out_.u8(kRaw16);
    out_.be16(static_cast<std::uint16_t>(value.size()));
  } else {
    out_.u8(kRaw32);
    out_.be32(static_cast<std::uint32_t>(value.size()));
  }
  out_.bytes(value);
}

void MsgpackWriter::bytes(std::span<const std::byte> value) {
  if (value.empty()) return out_.u8(kNil);
  raw(value);
}

bool MsgpackReader::has_room(std::size_t values) {
  if (values <= in_.remaining()) return true;  // each takes a byte at least
  in_.skip(values);
  return false;
}

std::size_t MsgpackReader::array_or_map_size(std::uint8_t tag) {
  if (is_fix_map(tag) || is_fix_array(tag)) return tag & 0x0f;
  return tag == kMap16 || tag == kArray16 ? in_.be16() : in_.be32();
}

std::size_t MsgpackReader::map() {
  const auto tag = in_.u8();
  if (failed()) return 0;
  if (!is_fix_map(tag) && tag != kMap16 && tag != kMap32) return fail(), 0;
  const auto pairs = array_or_map_size(tag);
  return has_room(pairs) ? pairs : 0;
}

std::uint64_t MsgpackReader::number(std::uint64_t most) {
  const auto tag = in_.u8();
  std::uint64_t value = 0;
  if (tag < 0x80) {
    value = tag;
  } else {
    switch (tag) {
      case kNil:
        break;
      case kU8:
        value = in_.u8();
        break;
      case kU16:
        value = in_.be16();
        break;
      case kU32:
        value = in_.be32();
        break;
      case kU64:
        value = in_.be64();
        break;
      // Signed forms of what is not negative.
      case kI8:
        value = in_.u8();
        if (value >> 7) fail();
        break;
      case kI16:
        value = in_.be16();
        if (value >> 15) fail();
        break;
      case kI32:
        value = in_.be32();
        if (value >> 31) fail();
        break;
      case kI64:
        value = in_.be64();
        if (value >> 63) fail();
        break;
      default:
        fail();
    }
  }
  if (value > most) fail();
  return failed() ? 0 : value;
}

bool MsgpackReader::boolean() {
  const auto tag = in_.u8();
  if (!failed() && tag != kTrue && tag != kFalse && tag != kNil) fail();
  return tag == kTrue;
}

std::optional<std::size_t> MsgpackReader::raw_size(std::uint8_t tag) {
  if (is_fix_raw(tag)) return tag & 0x1f;
  switch (tag) {
    case kRaw8:
    case kBin8:
      return in_.u8();
    case kRaw16:
    case kBin16:
      return in_.be16();
    case kRaw32:
    case kBin32:
      return in_.be32();
    default:
      return std::nullopt;
  }
}

Bytes MsgpackReader::bytes() {
  const auto tag = in_.u8();
  if (failed() || tag == kNil) return {};
  if (const auto size = raw_size(tag)) {
    const auto part = in_.take(*size);
    return {part.begin(), part.end()};
  }
  if (!is_fix_array(tag) && tag != kArray16 && tag != kArray32) return fail(), Bytes{};
  const auto count = array_or_map_size(tag);
  if (!has_room(count)) return {};
  Bytes out;
  for (std::size_t i = 0; i < count && !failed(); ++i) out.push_back(std::byte(number(0xff)));
  return out;
}

std::string MsgpackReader::text() {
  const auto value = bytes();
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

std::optional<IpAddress> MsgpackReader::address() {
  const auto value = bytes();
  if (value.empty()) return std::nullopt;
  const auto address = IpAddress::from_bytes(value);
  if (!address) return fail(), std::nullopt;
  return *address;
}

void MsgpackReader::skip() {
  // Values still to step over, instead of recursion: nesting costs no stack.
  for (std::size_t left = 1; left > 0 && !failed(); --left) {
    const auto tag = in_.u8();
    if (failed()) return;
    if (const auto size = raw_size(tag)) {
      in_.skip(*size);
    } else if (is_fix_map(tag) || tag == kMap16 || tag == kMap32) {
      left += 2 * array_or_map_size(tag);
      if (!has_room(left - 1)) return;
    } else if (is_fix_array(tag) || tag == kArray16 || tag == kArray32) {
      left += array_or_map_size(tag);
      if (!has_room(left - 1)) return;
    } else if (tag >= kExt8 && tag <= kExt32) {
      const std::size_t size = tag == kExt8 ? in_.u8() : tag == kExt32 ? in_.be32() : in_.be16();
      in_.skip(size + 1);
    } else if (tag >= kFixExt1 && tag <= kFixExt16) {
      in_.skip((std::size_t{1} << (tag - kFixExt1)) + 1);
    } else if (tag >= kU8 && tag <= kU64) {
      in_.skip(std::size_t{1} << (tag - kU8));
    } else if (tag >= kI8 && tag <= kI64) {
      in_.skip(std::size_t{1} << (tag - kI8));
    } else if (tag == kFloat32 || tag == kFloat64) {
      in_.skip(tag == kFloat32 ? 4 : 8);
    }  // everything else is a value of one byte
  }
}

}  // namespace antrea::egress
