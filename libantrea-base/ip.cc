#include "antrea/base/ip.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace antrea {
namespace {

/// Adds `count` to a big-endian number, wrapping.
void add(std::span<std::uint8_t> number, std::uint64_t count) {
  for (std::size_t i = number.size(); i-- > 0 && count != 0;) {
    const std::uint64_t sum = number[i] + (count & 0xff);
    number[i] = static_cast<std::uint8_t>(sum);
    count = (count >> 8) + (sum >> 8);
  }
}

void subtract_from(std::span<std::uint8_t> number, std::uint64_t count) {
  unsigned borrow = 0;
  for (std::size_t i = number.size(); i-- > 0;) {
    const int difference = number[i] - static_cast<int>(count & 0xff) - static_cast<int>(borrow);
    number[i] = static_cast<std::uint8_t>(difference);
    borrow = difference < 0 ? 1 : 0;
    count >>= 8;
    if (count == 0 && borrow == 0) return;
  }
}

void mask_bits(std::span<std::uint8_t> bytes, unsigned length) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    if (before >= length)
      bytes[i] = 0;
    else if (length - before < 8)
      bytes[i] &= static_cast<std::uint8_t>(0xff << (8 - (length - before)));
  }
}

IpAddress from_raw(Family family, const std::array<std::uint8_t, 16>& bytes) {
  if (family == Family::kIPv6) return IpAddress::v6(bytes);
  return IpAddress::v4(static_cast<std::uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 |
                       bytes[3]);
}

std::array<std::uint8_t, 16> raw(const IpAddress& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return bytes;
}

}  // namespace

std::string_view to_string(Family family) { return family == Family::kIPv4 ? "IPv4" : "IPv6"; }

IpAddress IpAddress::v4(std::uint32_t bits) {
  IpAddress address;
  for (int i = 0; i < 4; ++i)
    address.bytes_[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(bits >> (24 - 8 * i));
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address;
  address.family_ = Family::kIPv6;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::from_bytes(std::span<const std::byte> bytes) {
  std::array<std::uint8_t, 16> copy{};
  if (bytes.size() != 4 && bytes.size() != 16)
    return make_error(Errc::kMalformed,
                      fmt::format("decode IP address: {} bytes, expected 4 or 16", bytes.size()));
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return from_raw(bytes.size() == 4 ? Family::kIPv4 : Family::kIPv6, copy);
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<std::uint8_t, 16> bytes{};
  char terminated[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() < sizeof terminated && text.find('\0') == std::string_view::npos) {
    std::memcpy(terminated, text.data(), text.size());
    if (text.find(':') == std::string_view::npos) {
      if (inet_pton(AF_INET, terminated, bytes.data()) == 1) return from_raw(Family::kIPv4, bytes);
    } else if (inet_pton(AF_INET6, terminated, bytes.data()) == 1) {
      return v6(bytes);
    }
  }
  return make_error(Errc::kMalformed, "parse IP address: expected an IPv4 or IPv6 address",
                    fmt::format("\"{}\"", text));
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes_, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  return is_v4() ? bytes_[0] == 127
                 : bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1,
                                                  [](auto byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::uint32_t IpAddress::v4_bits() const {
  return static_cast<std::uint32_t>(bytes_[0]) << 24 | static_cast<std::uint32_t>(bytes_[1]) << 16 |
         static_cast<std::uint32_t>(bytes_[2]) << 8 | bytes_[3];
}

std::array<std::uint8_t, 16> IpAddress::mapped_bytes() const {
  if (is_v6()) return bytes_;
  std::array<std::uint8_t, 16> mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::copy_n(bytes_.begin(), 4, mapped.begin() + 12);
  return mapped;
}

IpAddress IpAddress::unmapped() const {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (is_v4() || !std::equal(kMapped.begin(), kMapped.end(), bytes_.begin())) return *this;
  std::array<std::uint8_t, 16> tail{};
  std::copy_n(bytes_.begin() + 12, 4, tail.begin());
  return from_raw(Family::kIPv4, tail);
}

IpAddress IpAddress::plus(std::uint64_t count) const {
  IpAddress sum = *this;
  add(std::span(sum.bytes_).first(is_v4() ? 4 : 16), count);
  return sum;
}

IpAddress IpAddress::minus(std::uint64_t count) const {
  IpAddress difference = *this;
  subtract_from(std::span(difference.bytes_).first(is_v4() ? 4 : 16), count);
  return difference;
}

std::uint64_t IpAddress::distance_to(const IpAddress& other) const {
  if (other.family_ != family_ || other < *this) return 0;
  if (is_v4()) return other.v4_bits() - v4_bits();
  std::array<std::uint8_t, 16> difference = other.bytes_;
  unsigned borrow = 0;
  for (std::size_t i = 16; i-- > 0;) {
    const int digit = difference[i] - bytes_[i] - static_cast<int>(borrow);
    difference[i] = static_cast<std::uint8_t>(digit);
    borrow = digit < 0 ? 1 : 0;
  }
  if (std::any_of(difference.begin(), difference.begin() + 8, [](auto b) { return b != 0; }))
    return ~0ULL;
  std::uint64_t distance = 0;
  for (std::size_t i = 8; i < 16; ++i) distance = distance << 8 | difference[i];
  return distance;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned length)
    : length_(static_cast<std::uint8_t>(std::min(length, address.width()))) {
  auto bytes = raw(address);
  mask_bits(std::span(bytes).first(address.is_v4() ? 4 : 16), length_);
  address_ = from_raw(address.family(), bytes);
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto bad = [&](std::string_view why) {
    return make_error(Errc::kMalformed, fmt::format("parse CIDR: {}", why),
                      fmt::format("\"{}\"", text));
  };
  if (slash == std::string_view::npos) return bad("expected ADDRESS/LENGTH");
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad("the part before the slash is no IP address");
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto [next, code] = std::from_chars(text.data() + slash + 1, end, length);
  if (code != std::errc() || next != end || length > address->width())
    return bad(fmt::format("expected a prefix length from 0 to {}", address->width()));
  return IpPrefix(*address, length);
}

IpPrefix IpPrefix::host(const IpAddress& address) { return IpPrefix(address, address.width()); }

bool IpPrefix::contains(const IpAddress& address) const {
  return address.family() == family() && IpPrefix(address, length_).address_ == address_;
}

bool IpPrefix::contains(const IpPrefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

IpAddress IpPrefix::last() const {
  auto bytes = raw(address_);
  const auto host_mask = raw(mask());
  for (std::size_t i = 0; i < address_.bytes().size(); ++i)
    bytes[i] |= static_cast<std::uint8_t>(~host_mask[i]);
  return from_raw(family(), bytes);
}

IpAddress IpPrefix::mask() const {
  std::array<std::uint8_t, 16> bytes;
  bytes.fill(0xff);
  mask_bits(std::span(bytes).first(address_.bytes().size()), length_);
  return from_raw(family(), bytes);
}

std::string IpPrefix::to_string() const {
  return fmt::format("{}/{}", address_.to_string(), length_);
}

std::vector<IpPrefix> subtract(const IpPrefix& whole, std::span<const IpPrefix> holes) {
  std::vector<IpPrefix> left;
  const bool covered =
      std::ranges::any_of(holes, [&](const IpPrefix& hole) { return hole.contains(whole); });
  if (covered) return left;
  const bool cut =
      std::ranges::any_of(holes, [&](const IpPrefix& hole) { return whole.contains(hole); });
  if (!cut) return {whole};
  // A hole lies strictly inside: look at both halves.
  const unsigned length = whole.length() + 1;
  const IpPrefix lower(whole.address(), length);
  const IpPrefix upper(whole.last(), length);
  for (const IpPrefix& half : {lower, upper}) {
    const auto rest = subtract(half, holes);
    left.insert(left.end(), rest.begin(), rest.end());
  }
  return left;
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  MacAddress mac;
  bool good = text.size() == 17;
  for (std::size_t i = 0; good && i < 6; ++i) {
    const char* const begin = text.data() + 3 * i;
    const auto [next, code] = std::from_chars(begin, begin + 2, mac.bytes[i], 16);
    good = code == std::errc() && next == begin + 2 && (i == 5 || begin[2] == ':');
  }
  if (good) return mac;
  return make_error(Errc::kMalformed,
                    "parse MAC address: expected six pairs of hex digits with colons",
                    fmt::format("\"{}\"", text));
}

std::string MacAddress::to_string() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2],
                     bytes[3], bytes[4], bytes[5]);
}

}  // namespace antrea

namespace {
std::size_t mix(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  return value;
}
}  // namespace

std::size_t std::hash<antrea::IpAddress>::operator()(
    const antrea::IpAddress& address) const noexcept {
  const auto bytes = address.mapped_bytes();
  std::uint64_t halves[2];
  std::memcpy(halves, bytes.data(), sizeof halves);
  return mix(halves[0] ^ mix(halves[1] + static_cast<std::uint64_t>(address.family())));
}

std::size_t std::hash<antrea::IpPrefix>::operator()(const antrea::IpPrefix& prefix) const noexcept {
  return mix(std::hash<antrea::IpAddress>{}(prefix.address()) + prefix.length());
}
