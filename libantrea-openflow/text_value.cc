#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "field_table.h"
#include "text_internal.h"

// Numbers, addresses, flags and bytes as ovs-ofctl writes them.
namespace antrea::openflow {
namespace detail {
namespace {

struct PortName {
  std::uint32_t port;
  std::string_view name;
};
constexpr PortName kPortNames[] = {
    {kPortUnset.value, "UNSET"}, {kPortInPort.value, "IN_PORT"},
    {kPortTable.value, "TABLE"}, {kPortNormal.value, "NORMAL"},
    {kPortFlood.value, "FLOOD"}, {kPortAll.value, "ALL"},
    {kPortLocal.value, "LOCAL"}, {kPortController.value, "CONTROLLER"},
    {kPortAny.value, "ANY"},
};

/// Of a mask as wide as `width`; absent if a one stands behind a zero.
std::optional<unsigned> prefix_length(const FieldValue& mask, unsigned width) {
  const FieldValue rest = ~mask & FieldValue::ones(width);
  const unsigned zeros = rest.hi != 0 ? 64 + static_cast<unsigned>(std::bit_width(rest.hi))
                                      : static_cast<unsigned>(std::bit_width(rest.lo));
  if (rest != FieldValue::ones(zeros)) return {};
  return width - zeros;
}

void print_ipv4(std::string& out, std::uint32_t address) {
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    if (shift < 32) out += '.';
    print_number(out, address >> (shift - 8) & 0xff);
  }
}

void print_ip(std::string& out, const FieldValue& value, bool v6) {
  if (v6)
    out += address_of(value, true).to_string();
  else
    print_ipv4(out, static_cast<std::uint32_t>(value.lo));
}

void print_masked_ip(std::string& out, const Masked& bits, bool v6) {
  const unsigned width = v6 ? 128 : 32;
  print_ip(out, bits.value, v6);
  const auto length = prefix_length(bits.mask, width);
  if (length == width) return;
  out += '/';
  if (length)
    print_number(out, *length);
  else
    print_ip(out, bits.mask, v6);
}

void print_masked_mac(std::string& out, const Masked& bits, bool exact) {
  print_mac(out, MacAddress::from_bits(bits.value.lo));
  if (exact || bits.mask == FieldValue::ones(48)) return;
  out += '/';
  print_mac(out, MacAddress::from_bits(bits.mask.lo));
}

std::string_view frag_text(const Masked& bits) {
  const std::uint64_t value = bits.value.lo & 3;
  switch (bits.mask.lo & 3) {
    case 1:
      return value == 1 ? "yes" : "no";
    case 2:
      return value == 2 ? "later" : "not_later";
    default:
      return value == 0 ? "no" : value == 1 ? "first" : value == 3 ? "later" : "<error>";
  }
}

/// Half of a packet type: decimal up to 9.
void print_type_half(std::string& out, std::uint64_t value) {
  if (value > 9)
    print(out, "0x{:x}", value);
  else
    print(out, "{}", value);
}

}  // namespace

void print_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void print_hex_digits(std::string& out, std::uint64_t value, unsigned width) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  const auto size = static_cast<unsigned>(end - digits.data());
  if (size < width) out.append(width - size, '0');
  out.append(digits.data(), end);
}

void print_address(std::string& out, const IpAddress& address) {
  if (address.is_v6())
    out += address.to_string();
  else
    print_ipv4(out, static_cast<std::uint32_t>(FieldValue(address).lo));
}

void print_mac(std::string& out, const MacAddress& mac) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::uint64_t bits = mac.bits();
  for (unsigned shift = 48; shift > 0; shift -= 8) {
    if (shift < 48) out += ':';
    out += kDigits[bits >> (shift - 4) & 15];
    out += kDigits[bits >> (shift - 8) & 15];
  }
}

void print_port(std::string& out, std::uint32_t port) {
  for (const PortName& name : kPortNames)
    if (name.port == port) {
      out += name.name;
      return;
    }
  // Ports are 16 bits wide inside Open vSwitch; the reserved ones between the names show it.
  print_number(out, port >= 0xffffff00 ? port & 0xffff : port);
}

void print_packet_in_reason(std::string& out, unsigned reason) {
  constexpr std::size_t kNamed = std::size(kControllerReasons);
  if (reason < kNamed)
    out += kControllerReasons[reason];
  else if (reason > kNamed + 1)
    print_number(out, reason);
}

void print_hex(std::string& out, const FieldValue& value) {
  if (value.zero()) {
    out += '0';
    return;
  }
  out += "0x";
  if (value.hi != 0) print_hex_digits(out, value.hi);
  print_hex_digits(out, value.lo, value.hi != 0 ? 16 : 1);
}

void print_hex(std::string& out, std::span<const std::byte> bytes) {
  bool begun = false;
  for (const std::byte byte : bytes) {
    if (begun)
      print(out, "{:02x}", byte);
    else if (byte != std::byte{0})
      print(out, "0x{:x}", byte);
    begun = begun || byte != std::byte{0};
  }
  if (!begun) out += '0';
}

void print_dotted(std::string& out, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    print(out, "{}{:02x}", i == 0 ? "" : ".", bytes[i]);
}

void print_hex_dump(std::string& out, std::span<const std::byte> bytes) {
  constexpr std::size_t kLine = 16;
  for (std::size_t at = 0; at < bytes.size(); at += kLine) {
    const auto line = bytes.subspan(at, std::min(kLine, bytes.size() - at));
    print_hex_digits(out, at, 8);
    out += "  ";
    for (std::size_t i = 0; i < line.size(); ++i) {
      print_hex_digits(out, std::to_integer<std::uint64_t>(line[i]), 2);
      out += i == kLine / 2 - 1 ? '-' : ' ';
    }
    out.append(3 * (kLine - line.size()), ' ');
    out += '|';
    for (const std::byte byte : line) {
      const char c = static_cast<char>(byte);
      out += c >= 32 && c < 127 ? c : '.';
    }
    out.append(kLine - line.size(), ' ');
    out += "|\n";
  }
}

void print_quoted(std::string& out, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c < 0x20 || c > 0x7e || c == '\\' || c == '"')
      print(out, "\\{:03o}", byte);
    else
      out += c;
  }
}

void print_duration(std::string& out, const FlowStatistics::Duration& duration) {
  print_number(out, duration.seconds);
  if (duration.nanoseconds % 1000000 == 0) {
    if (duration.nanoseconds != 0) print(out, ".{:03}", duration.nanoseconds / 1000000);
  } else {
    print(out, ".{:09}", duration.nanoseconds);
    while (out.back() == '0') out.pop_back();
  }
  out += 's';
}

void print_bits(std::string& out, std::uint32_t bits, std::span<const FlagName> names,
                char separator) {
  if (bits == 0) out += '0';
  bool first = true;
  const auto separate = [&] {
    if (!first) out += separator;
    first = false;
  };
  for (const FlagName& name : names) {
    if ((bits & name.bit) == 0) continue;
    separate();
    out += name.name;
    bits &= ~name.bit;
  }
  if (bits == 0) return;
  separate();
  print(out, "0x{:x}", bits);
}

void print_flags(std::string& out, const Masked& bits, std::uint64_t full,
                 std::span<const FlagName> names) {
  if (bits.mask.lo == full)
    return print_bits(out, static_cast<std::uint32_t>(bits.value.lo), names, '|');
  for (std::uint64_t left = bits.mask.lo; left != 0; left &= left - 1) {
    const std::uint64_t bit = left & (~left + 1);
    out += (bits.value.lo & bit) != 0 ? '+' : '-';
    std::string_view name = "[Unknown]";
    for (const FlagName& flag : names)
      if (flag.bit == bit) name = flag.name;
    out += name;
  }
}

IpAddress address_of(const FieldValue& value, bool v6) {
  if (!v6) return IpAddress::v4(static_cast<std::uint32_t>(value.lo));
  std::array<std::uint8_t, 16> bytes;
  for (unsigned i = 0; i < 16; ++i)
    bytes[i] = static_cast<std::uint8_t>((value >> (8 * (15 - i))).lo & 0xff);
  return IpAddress::v6(bytes);
}

void print_value(std::string& out, FieldId id, const Masked& bits, bool exact) {
  const auto whole = [&](std::uint64_t mask) {
    return Masked{bits.value, exact ? FieldValue(mask) : bits.mask};
  };
  switch (info(id).format) {
    case FieldFormat::kEthernet:
      return print_masked_mac(out, bits, exact);
    case FieldFormat::kIpv4:
      return print_masked_ip(out, whole(0xffffffff), false);
    case FieldFormat::kIpv6:
      return print_masked_ip(out, exact ? Masked{bits.value, FieldValue::ones(128)} : bits, true);
    case FieldFormat::kPort16:
      if (exact)
        return print_port(out, port_from16(static_cast<std::uint16_t>(bits.value.lo)).value);
      break;
    case FieldFormat::kPort32:
      if (exact) return print_port(out, static_cast<std::uint32_t>(bits.value.lo));
      break;
    case FieldFormat::kFrag:
      out += frag_text(whole(3));
      return;
    case FieldFormat::kCtState:
      return print_flags(out, whole(0xffffffff), 0xffff, kCtStateNames);
    case FieldFormat::kTunFlags:
      return print_flags(out, whole(1), 1, kTunFlagNames);
    case FieldFormat::kTcpFlags:
      return print_flags(out, whole(0xfff), 0xfff, kTcpFlagNames);
    case FieldFormat::kPacketType:
      out += '(';
      print_type_half(out, bits.value.lo >> 16);
      out += ',';
      print_type_half(out, bits.value.lo & 0xffff);
      out += ')';
      return;
    case FieldFormat::kDecimal:
      break;
    case FieldFormat::kHex:
      print_hex(out, bits.value);
      if (exact) return;
      out += '/';
      print_hex(out, bits.mask);
      return;
  }
  print_number(out, bits.value.lo);
  if (exact) return;
  out += '/';
  print_hex(out, bits.mask);
}

void print_subfield(std::string& out, const Subfield& s) {
  const FieldInfo& row = info(s.field);
  out += row.nxm_name;
  if (s.offset == 0 && s.bits == whole_bits(s.field))
    out += "[]";
  else if (s.bits == 1)
    print(out, "[{}]", s.offset);
  else
    print(out, "[{}..{}]", s.offset, s.offset + s.bits - 1);
}

}  // namespace detail

std::string to_string(const Subfield& s) {
  std::string text;
  detail::print_subfield(text, s);
  return text;
}

}  // namespace antrea::openflow
