#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea {

enum class Family : std::uint8_t { kIPv4 = 4, kIPv6 = 6 };

/// "IPv4" or "IPv6".
ANTREA_API std::string_view to_string(Family family);

/// An IPv4 or IPv6 address; a value of 17 bytes. Orders by family, then numerically. The default is
/// 0.0.0.0.
class ANTREA_API IpAddress {
 public:
  constexpr IpAddress() = default;

  /// From 32 bits in host order: `IpAddress::v4(0x0a000001)` is 10.0.0.1.
  static IpAddress v4(std::uint32_t bits);
  /// From 16 bytes in network order. A v4-mapped address (::ffff:0:0/96) stays IPv6; see
  /// `unmapped()`.
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  /// From 4 or 16 bytes in network order. Error: kMalformed for any other length.
  static Result<IpAddress> from_bytes(std::span<const std::byte> bytes);
  /// From text: dotted quad without leading zeros, or RFC 4291 section 2.2, without zone. Error:
  /// kMalformed.
  static Result<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::kIPv4; }
  bool is_v6() const { return family_ == Family::kIPv6; }
  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_link_local() const;
  /// 32 or 128.
  unsigned width() const { return is_v4() ? 32 : 128; }
  /// Network order, 4 or 16 bytes; borrows from this address.
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), is_v4() ? 4U : 16U}; }
  /// Host order. Only for IPv4.
  std::uint32_t v4_bits() const;
  /// Always 16 bytes; IPv4 as v4-mapped.
  std::array<std::uint8_t, 16> mapped_bytes() const;
  /// The IPv4 address of a v4-mapped one, else the address itself.
  IpAddress unmapped() const;

  /// The address `count` further on, wrapping within the family.
  IpAddress plus(std::uint64_t count) const;
  IpAddress minus(std::uint64_t count) const;
  /// How far `other` lies behind this address, capped at 2^64-1; 0 if it lies before it or in
  /// another family.
  std::uint64_t distance_to(const IpAddress& other) const;

  /// RFC 5952 text.
  std::string to_string() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::kIPv4;
  std::array<std::uint8_t, 16> bytes_{};  // network order; IPv4 in the first four
};

/// A network prefix, e.g. 10.1.0.0/16. Always masked: host bits are zero.
class ANTREA_API IpPrefix {
 public:
  constexpr IpPrefix() = default;
  /// Clears the host bits. `length` is capped at the address' width.
  IpPrefix(const IpAddress& address, unsigned length);
  /// "10.1.0.0/16"; host bits may be set and are cleared. Error: kMalformed.
  static Result<IpPrefix> parse(std::string_view text);
  /// The prefix that holds only this address (/32 or /128).
  static IpPrefix host(const IpAddress& address);

  const IpAddress& address() const { return address_; }
  unsigned length() const { return length_; }
  Family family() const { return address_.family(); }
  bool contains(const IpAddress& address) const;
  bool contains(const IpPrefix& other) const;
  bool overlaps(const IpPrefix& other) const { return contains(other) || other.contains(*this); }
  /// All ones in the host part; for IPv4 the broadcast address of a subnet.
  IpAddress last() const;
  /// The mask as an address of the same family, e.g. 255.255.0.0.
  IpAddress mask() const;
  std::string to_string() const;

  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
  friend constexpr bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

/// What is left of `whole` after taking away each of `holes`: the fewest prefixes, ascending. Holes
/// of the other family or outside `whole` change nothing.
ANTREA_API std::vector<IpPrefix> subtract(const IpPrefix& whole, std::span<const IpPrefix> holes);

/// An Ethernet address.
struct ANTREA_API MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  /// "aa:bb:cc:dd:ee:ff". Error: kMalformed.
  static Result<MacAddress> parse(std::string_view text);
  /// From the low 48 bits.
  static constexpr MacAddress from_bits(std::uint64_t bits) {
    MacAddress mac;
    for (int i = 5; i >= 0; --i, bits >>= 8) mac.bytes[static_cast<std::size_t>(i)] = bits & 0xff;
    return mac;
  }
  constexpr std::uint64_t bits() const {
    std::uint64_t value = 0;
    for (auto byte : bytes) value = value << 8 | byte;
    return value;
  }
  std::string to_string() const;

  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

}  // namespace antrea

template <>
struct ANTREA_API std::hash<antrea::IpAddress> {
  std::size_t operator()(const antrea::IpAddress& address) const noexcept;
};
template <>
struct ANTREA_API std::hash<antrea::IpPrefix> {
  std::size_t operator()(const antrea::IpPrefix& prefix) const noexcept;
};
template <>
struct std::hash<antrea::MacAddress> {
  std::size_t operator()(const antrea::MacAddress& mac) const noexcept {
    return std::hash<std::uint64_t>{}(mac.bits());
  }
};
