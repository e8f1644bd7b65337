#include "parse_field.h"

#include <array>
#include <bit>
#include <span>

#include "field_table.h"
#include "parse_names.h"
#include "text_internal.h"

namespace antrea::openflow::detail {
namespace {

bool scan_ipv4(const char*& at, const char* end, std::uint32_t& address) {
  std::uint32_t bits = 0;
  const char* p = at;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (p == end || *p++ != '.')) return false;
    unsigned number = 0;
    const char* const digits = p;
    for (; p != end && *p >= '0' && *p <= '9' && p - digits < 3; ++p)
      number = number * 10 + static_cast<unsigned>(*p - '0');
    if (p == digits || number > 255) return false;
    bits = bits << 8 | number;
  }
  at = p;
  address = bits;
  return true;
}

/// One or two hex digits between colons, six times.
bool scan_mac(const char*& at, const char* end, std::uint64_t& address) {
  std::uint64_t bits = 0;
  for (int octet = 0; octet < 6; ++octet) {
    if (octet > 0 && (at == end || *at++ != ':')) return false;
    unsigned number = 0;
    const char* const digits = at;
    for (; at != end && at - digits < 2; ++at) {
      const char c = to_lower(*at);
      if (c >= '0' && c <= '9')
        number = number << 4 | static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f')
        number = number << 4 | static_cast<unsigned>(c - 'a' + 10);
      else
        break;
    }
    if (at == digits) return false;
    bits = bits << 8 | number;
  }
  address = bits;
  return true;
}

FieldValue prefix_mask(unsigned length, unsigned width) {
  return FieldValue::ones(length) << (width - length);
}

bool read_prefix_length(Source& source, std::string_view token, unsigned width, FieldValue& mask) {
  std::int64_t length = 0;
  if (!to_signed(token, 10, length)) return source.fail(token, "expected a prefix length");
  if (length < 0 || length > width)
    return source.fail(token, "prefix length must be 0 to " + std::to_string(width));
  mask = prefix_mask(static_cast<unsigned>(length), width);
  return true;
}

bool read_masked_ipv4(Source& source, std::string_view token, Masked& bits) {
  const char* at = token.data();
  const char* const end = at + token.size();
  std::uint32_t address = 0;
  if (!scan_ipv4(at, end, address)) return source.fail(at, "expected an IPv4 address");
  bits = {address, 0xffffffff};
  if (at == end) return true;
  if (*at != '/') return source.fail(at, "unexpected text behind an IPv4 address");
  ++at;
  const std::string_view mask_text(at, static_cast<std::size_t>(end - at));
  std::uint32_t mask = 0;
  if (!scan_ipv4(at, end, mask)) return read_prefix_length(source, mask_text, 32, bits.mask);
  if (at != end) return source.fail(at, "unexpected text behind an IPv4 mask");
  bits.mask = mask;
  return true;
}

bool to_ipv6(std::string_view token, FieldValue& value) {
  const auto address = IpAddress::parse(token);
  if (address.has_error() || !address->is_v6()) return false;
  value = FieldValue(*address);
  return true;
}

bool read_masked_ipv6(Source& source, std::string_view token, Masked& bits) {
  const std::size_t slash = token.find('/');
  const std::string_view address = token.substr(0, slash);
  bits.mask = FieldValue::ones(128);
  if (!to_ipv6(address, bits.value)) return source.fail(token, "expected an IPv6 address");
  if (slash == std::string_view::npos) return true;
  const std::string_view mask = token.substr(slash + 1);
  if (mask.find(':') == std::string_view::npos)
    return read_prefix_length(source, mask, 128, bits.mask);
  if (!to_ipv6(mask, bits.mask)) return source.fail(mask, "expected an IPv6 mask");
  return true;
}

bool read_masked_mac(Source& source, std::string_view token, Masked& bits) {
  const char* at = token.data();
  const char* const end = at + token.size();
  std::uint64_t address = 0;
  if (!scan_mac(at, end, address)) return source.fail(token, "expected an Ethernet address");
  bits = {address, FieldValue::ones(48)};
  if (at == end) return true;
  if (*at != '/') return source.fail(at, "unexpected text behind an Ethernet address");
  std::uint64_t mask = 0;
  if (!scan_mac(++at, end, mask) || at != end)
    return source.fail(token.substr(token.find('/') + 1), "expected an Ethernet mask");
  bits.mask = mask;
  return true;
}

bool read_masked_number(Source& source, FieldId id, std::string_view token, Masked& bits) {
  const FieldInfo& row = info(id);
  const char* at = token.data();
  const char* const end = at + token.size();
  const auto read = [&](FieldValue& value, const char* what) {
    const char* const start = at;
    switch (scan_value(at, end, row.bytes, value)) {
      case Scan::kOk:
        return true;
      case Scan::kNone:
        return source.fail(
            start, std::string("expected a number as ") + what + " of " + std::string(row.name));
      case Scan::kTooLarge:
        break;
    }
    return source.fail(start, std::string(what) + " does not fit into the " +
                                  std::to_string(row.bytes) + " bytes of " + std::string(row.name));
  };
  if (!read(bits.value, "value")) return false;
  bits.mask = byte_mask(id);
  if (at != end && *at == '/') {
    ++at;
    if (!read(bits.mask, "mask")) return false;
  }
  if (at != end) return source.fail(at, "unexpected text behind a number");
  return true;
}

/// "+NAME-NAME", "NAME|NAME" or "VALUE/MASK".
bool read_flags(Source& source, FieldId id, std::string_view token, std::span<const FlagName> names,
                std::uint32_t allowed, Masked& bits) {
  const auto unknown = [&](std::string_view at) {
    return source.fail(at, "unknown flag of " + std::string(info(id).name));
  };
  const char* at = token.data();
  const char* const end = at + token.size();
  std::uint64_t value = 0;
  std::uint64_t mask = 0;
  const char* p = at;
  if (scan_number(p, end, 0, value) == Scan::kOk && p != end && *p == '/' &&
      scan_number(++p, end, 0, mask) == Scan::kOk) {
    if (p != end) return source.fail(p, "unexpected text behind a mask");
    if (((value | mask) & ~std::uint64_t{allowed}) != 0) return unknown(token);
    bits = {value, mask};
    return true;
  }
  const auto flag_at = [&](std::string_view name) -> std::uint32_t {
    for (const FlagName& flag : names)
      if (flag.name == name) return flag.bit;
    return 0;
  };
  value = 0;
  mask = 0;
  std::string_view rest = token;
  if (rest.starts_with('+') || rest.starts_with('-')) {
    while (!rest.empty()) {
      const bool set = rest[0] == '+';
      const std::string_view name = rest.substr(1, rest.find_first_of("+-", 1) - 1);
      const std::uint32_t bit = flag_at(name);
      if (bit == 0) return unknown(name);
      if ((mask & bit) != 0) return source.fail(name, "a flag stands twice");
      mask |= bit;
      if (set) value |= bit;
      rest.remove_prefix(1 + name.size());
    }
    bits = {value, mask};
    return true;
  }
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('|'));
    std::uint64_t number = flag_at(part);
    if (number == 0 && (!to_unsigned(part, number) || (number & ~std::uint64_t{allowed}) != 0))
      return unknown(part);
    value |= number;
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  bits = {value, byte_mask(id)};
  return true;
}

struct FragName {
  std::string_view name;
  std::uint8_t value;
  std::uint8_t mask;
};
constexpr FragName kFragNames[] = {
    {"no", 0, 3}, {"first", 1, 3}, {"later", 3, 3}, {"yes", 1, 1}, {"not_later", 0, 2},
};

bool read_frag(Source& source, std::string_view token, Masked& bits) {
  for (const FragName& row : kFragNames) {
    if (!equals_ignoring_case(token, row.name)) continue;
    bits = {row.value, row.mask == 3 ? 0xff : row.mask};
    return true;
  }
  return source.fail(token, "expected no, yes, first, later or not_later");
}

/// "(NAMESPACE,TYPE)".
bool read_packet_type(Source& source, std::string_view token, Masked& bits) {
  const char* at = token.data();
  const char* const end = at + token.size();
  const auto read = [&](char before, FieldValue& number) {
    if (at == end || *at != before)
      return source.fail(at, std::string("expected '") + before + "' in a packet type");
    const char* const start = ++at;
    if (scan_value(at, end, 2, number) == Scan::kOk) return true;
    return source.fail(start, "expected a number of 16 bits in a packet type");
  };
  FieldValue space;
  FieldValue type;
  if (!read('(', space) || !read(',', type)) return false;
  if (at == end || *at != ')') return source.fail(at, "expected ')' behind a packet type");
  bits = {space << 16 | type, 0xffffffff};
  return true;
}

bool read_port_value(Source& source, FieldId id, std::string_view token, Masked& bits) {
  std::uint16_t port = 0;
  if (!source.to_port16(token, port)) return source.fail(token, quoted(token) + " is no port");
  if (id == FieldId::kInPort)
    bits = {port, 0xffff};
  else
    bits = {port_from16(port).value, 0xffffffff};
  return true;
}

bool read_by_format(Source& source, FieldId id, std::string_view token, Masked& bits) {
  switch (info(id).format) {
    case FieldFormat::kDecimal:
    case FieldFormat::kHex:
      return read_masked_number(source, id, token, bits);
    case FieldFormat::kEthernet:
      return read_masked_mac(source, token, bits);
    case FieldFormat::kIpv4:
      return read_masked_ipv4(source, token, bits);
    case FieldFormat::kIpv6:
      return read_masked_ipv6(source, token, bits);
    case FieldFormat::kPort16:
    case FieldFormat::kPort32:
      return read_port_value(source, id, token, bits);
    case FieldFormat::kFrag:
      return read_frag(source, token, bits);
    case FieldFormat::kCtState:
      return read_flags(source, id, token, kCtStateNames, 0xff, bits);
    case FieldFormat::kTunFlags:
      return read_flags(source, id, token, kTunFlagNames, 1, bits);
    case FieldFormat::kTcpFlags:
      return read_flags(source, id, token, kTcpFlagNames, 0xfff, bits);
    case FieldFormat::kPacketType:
      return read_packet_type(source, token, bits);
  }
  return false;
}

}  // namespace

unsigned subfield_width(FieldId id) { return id == FieldId::kVlanVid ? 12 : whole_bits(id); }

namespace {
constexpr auto kMaskByBytes = [] {
  std::array<FieldValue, 256> masks{};
  for (unsigned bytes = 0; bytes < masks.size(); ++bytes)
    masks[bytes] = FieldValue::ones(std::min(128U, 8U * bytes));
  return masks;
}();
}  // namespace

FieldValue byte_mask(FieldId id) { return kMaskByBytes[info(id).bytes]; }

Masked trimmed(FieldId id, const Masked& bits) {
  if (bits.mask != byte_mask(id)) return bits;
  return {bits.value, is_tun_metadata(id) ? bits.mask : FieldValue::ones(info(id).bits)};
}

bool read_field_value(Source& source, FieldId id, std::string_view token, Masked& bits) {
  if (token == "*") {
    bits = {};
    return true;
  }
  if (!read_by_format(source, id, token, bits)) return false;
  if (!info(id).maskable && bits.mask != byte_mask(id) && !bits.mask.zero())
    return source.fail(token, std::string(info(id).name) + " takes no mask");
  return true;
}

bool is_wide_value(FieldId id, std::string_view token) {
  if (!is_tun_metadata(id)) return false;
  const auto wide = [](std::string_view number) {
    std::vector<std::byte> bytes;
    const char* at = number.data();
    return scan_hex(at, at + number.size(), bytes) == Scan::kOk &&
           bytes.size() > sizeof(FieldValue);
  };
  const std::size_t slash = token.find('/');
  return wide(token.substr(0, slash)) ||
         (slash != std::string_view::npos && wide(token.substr(slash + 1)));
}

bool read_wide_value(Source& source, FieldId id, std::string_view token, WideBits& bits) {
  const char* at = token.data();
  const char* const end = at + token.size();
  const auto read = [&](std::vector<std::byte>& bytes, const char* what) {
    const char* const start = at;
    if (scan_hex(at, end, bytes) != Scan::kOk)
      return source.fail(start, std::string("expected a hexadecimal number as ") + what + " of " +
                                    std::string(info(id).name));
    if (bytes.size() <= info(id).bytes) return true;
    return source.fail(start, std::string(what) + " does not fit into the " +
                                  std::to_string(info(id).bytes) + " bytes of " +
                                  std::string(info(id).name));
  };
  if (!read(bits.value, "value")) return false;
  bits.masked = at != end && *at == '/';
  if (bits.masked && !read(bits.mask, (++at, "mask"))) return false;
  if (at != end) return source.fail(at, "unexpected text behind a number");
  const std::size_t size = std::max(bits.value.size(), bits.mask.size());
  bits.value.insert(bits.value.begin(), size - bits.value.size(), std::byte{0});
  bits.mask.insert(bits.mask.begin(), size - bits.mask.size(), std::byte{0});
  if (!bits.masked) std::fill(bits.mask.begin(), bits.mask.end(), std::byte{0xff});
  return true;
}

bool read_exact_value(Source& source, FieldId id, std::string_view token, FieldValue& value) {
  Masked bits;
  if (!read_field_value(source, id, token, bits)) return false;
  if (bits.mask != byte_mask(id)) return source.fail(token, "a mask is not possible here");
  value = bits.value;
  return true;
}

bool settable_value(FieldId id, const FieldValue& value) {
  switch (id) {
    case FieldId::kArpOp:
      return value.lo <= 0xff;
    case FieldId::kIpTos:
      return (value.lo & 3) == 0;
    case FieldId::kNshTtl:
      return value.lo <= 63;
    case FieldId::kTunErspanIdx:
    case FieldId::kTunErspanVer:
    case FieldId::kTunErspanDir:
    case FieldId::kTunErspanHwid:
      return true;
    default:
      return is_tun_metadata(id) || value.within(FieldValue::ones(info(id).bits));
  }
}

bool read_subfield_prefix(Source& source, std::string_view& rest, Subfield& subfield) {
  const std::string_view name = rest.substr(0, rest.find_first_of("[-"));
  const auto id = field_by_any_name(name);
  if (!id) return source.fail(rest, "unknown field " + quoted(name));
  const unsigned width = subfield_width(*id);
  std::uint64_t first = 0;
  std::uint64_t last = width - 1;
  const char* const begin = rest.data();
  const char* at = begin + name.size();
  const char* const end = begin + rest.size();
  if (at != end && *at == '[') {
    ++at;
    if (at != end && *at != ']') {
      const char* const number = at;
      bool good = scan_number(at, end, 10, first) == Scan::kOk;
      last = first;
      if (good && end - at >= 2 && at[0] == '.' && at[1] == '.') {
        at += 2;
        good = scan_number(at, end, 10, last) == Scan::kOk;
      }
      if (!good || at == end || *at != ']')
        return source.fail(number, "expected [], [BIT] or [FIRST..LAST]");
      if (first > last) return source.fail(number, "the first bit is behind the last");
      if (last >= width)
        return source.fail(
            number, std::string(info(*id).name) + " has only " + std::to_string(width) + " bits");
    }
    if (at == end) return source.fail(at, "expected ']'");
    ++at;
  }
  subfield = {*id, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last - first + 1)};
  rest.remove_prefix(static_cast<std::size_t>(at - begin));
  return true;
}

bool read_subfield(Source& source, std::string_view token, Subfield& subfield) {
  if (!read_subfield_prefix(source, token, subfield)) return false;
  if (!token.empty()) return source.fail(token, "unexpected text behind a field");
  return true;
}

bool read_short_subfield(Source& source, std::string_view token, Subfield& subfield) {
  if (!read_subfield(source, token, subfield)) return false;
  return info(subfield.field).nxm.oxm_class != 0xffff ||
         source.fail(token, std::string(info(subfield.field).name) +
                                " has no number short enough for this action");
}

bool read_ipv4(Source& source, std::string_view token, std::uint32_t& address) {
  const char* at = token.data();
  if (!scan_ipv4(at, token.data() + token.size(), address) || at != token.data() + token.size())
    return source.fail(token, "expected an IPv4 address");
  return true;
}

bool read_mac(Source& source, std::string_view token, std::uint64_t& address) {
  const char* at = token.data();
  if (!scan_mac(at, token.data() + token.size(), address) || at != token.data() + token.size())
    return source.fail(token, "expected an Ethernet address");
  return true;
}

}  // namespace antrea::openflow::detail
