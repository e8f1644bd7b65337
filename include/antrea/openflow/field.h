#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"

namespace antrea::openflow {

/// Every field that Open vSwitch can match or set (ovs-fields(7)). The order is the canonical order
/// of fields in a match: what a field requires stands before it.
enum class FieldId : std::uint8_t {
  kPacketType,
  kDpHash,
  kRecircId,
  kConjId,
  kInPortOxm,  ///< 32-bit port number; the "in_port" of matches
  kInPort,     ///< 16-bit form, in actions only: a match turns it into kInPortOxm
  kActsetOutput,
  kEthSrc,
  kEthDst,
  kEthType,
  kVlanTci,  ///< in actions only: a match turns it into kVlanVid and kVlanPcp
  kVlanVid,  ///< with 0x1000 for "tag present"
  kVlanPcp,
  kMplsTc,
  kMplsBos,
  kMplsTtl,
  kMplsLabel,
  kIpSrc,
  kIpDst,
  kIpv6Src,
  kIpv6Dst,
  kIpFrag,
  kIpTos,  ///< in actions only: a match turns it into kIpDscp
  kIpDscp,
  kIpEcn,
  kIpTtl,
  kIpv6Label,
  kIpProto,
  kTcpSrc,
  kTcpDst,
  kTcpFlags,
  kUdpSrc,
  kUdpDst,
  kSctpSrc,
  kSctpDst,
  kIcmpType,
  kIcmpCode,
  kIcmpv6Type,
  kIcmpv6Code,
  kNdReserved,
  kNdTarget,
  kNdOptionsType,
  kNdSll,
  kNdTll,
  kArpOp,
  kArpSpa,
  kArpTpa,
  kArpSha,
  kArpTha,
  kTunId,
  kTunFlags,
  kTunSrc,
  kTunDst,
  kTunIpv6Src,
  kTunIpv6Dst,
  kTunGbpId,
  kTunGbpFlags,
  kTunMetadata0,
  kTunMetadata63 = kTunMetadata0 + 63,
  kTunErspanIdx,
  kTunErspanVer,
  kTunErspanDir,
  kTunErspanHwid,
  kTunGtpuFlags,
  kTunGtpuMsgType,
  kNshFlags,
  kNshTtl,
  kNshMdtype,
  kNshNp,
  kNshSpi,
  kNshSi,
  kNshC1,
  kNshC2,
  kNshC3,
  kNshC4,
  kReg0,  ///< registers in a match are kept, and sent, as kXreg0 to kXreg15
  kReg1,
  kReg2,
  kReg3,
  kReg4,
  kReg5,
  kReg6,
  kReg7,
  kReg8,
  kReg9,
  kReg15 = kReg0 + 15,
  kReg31 = kReg0 + 31,
  kXreg0,
  kXreg15 = kXreg0 + 15,
  kXxreg0,
  kXxreg3 = kXxreg0 + 3,
  kXxreg7 = kXxreg0 + 7,
  kPktMark,
  kCtState,
  kCtZone,
  kCtMark,
  kCtLabel,
  kCtNwSrc,
  kCtNwDst,
  kCtIpv6Src,
  kCtIpv6Dst,
  kCtNwProto,
  kCtTpSrc,
  kCtTpDst,
  kMetadata,
};
inline constexpr std::size_t kFieldCount = static_cast<std::size_t>(FieldId::kMetadata) + 1;

/// The field `index` further on, e.g. `field_at(FieldId::kReg0, 4)` is reg4.
constexpr FieldId field_at(FieldId first, unsigned index) {
  return static_cast<FieldId>(static_cast<unsigned>(first) + index);
}
constexpr FieldId reg_field(unsigned index) { return field_at(FieldId::kReg0, index); }
constexpr FieldId xreg_field(unsigned index) { return field_at(FieldId::kXreg0, index); }
constexpr FieldId xxreg_field(unsigned index) { return field_at(FieldId::kXxreg0, index); }
constexpr FieldId tun_metadata_field(unsigned index) {
  return field_at(FieldId::kTunMetadata0, index);
}
constexpr bool is_in(FieldId id, FieldId first, FieldId last) { return id >= first && id <= last; }

/// Up to 128 bits, as a number: `lo` holds the low 64. Addresses are numbers too (10.0.0.1 is
/// 0x0a000001).
struct FieldValue {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  constexpr FieldValue() = default;
  constexpr FieldValue(std::uint64_t low) : lo(low) {}  // NOLINT: a number is a value
  constexpr FieldValue(std::uint64_t high, std::uint64_t low) : hi(high), lo(low) {}
  FieldValue(const IpAddress& address) {  // NOLINT
    for (const std::uint8_t byte : address.bytes()) *this = (*this << 8) | FieldValue(byte);
  }
  constexpr FieldValue(const MacAddress& mac) : lo(mac.bits()) {}  // NOLINT

  /// The low `bits` set, 0 to 128.
  static constexpr FieldValue ones(unsigned bits) {
    if (bits == 0) return {};
    if (bits < 64) return FieldValue((std::uint64_t{1} << bits) - 1);
    if (bits == 64) return FieldValue(~std::uint64_t{0});
    if (bits < 128) return {(std::uint64_t{1} << (bits - 64)) - 1, ~std::uint64_t{0}};
    return {~std::uint64_t{0}, ~std::uint64_t{0}};
  }
  constexpr bool zero() const { return (hi | lo) == 0; }
  /// True if every bit set here is set in `other`.
  constexpr bool within(const FieldValue& other) const {
    return (hi & ~other.hi) == 0 && (lo & ~other.lo) == 0;
  }

  friend constexpr FieldValue operator&(const FieldValue& a, const FieldValue& b) {
    return {a.hi & b.hi, a.lo & b.lo};
  }
  friend constexpr FieldValue operator|(const FieldValue& a, const FieldValue& b) {
    return {a.hi | b.hi, a.lo | b.lo};
  }
  friend constexpr FieldValue operator~(const FieldValue& a) { return {~a.hi, ~a.lo}; }
  friend constexpr FieldValue operator<<(const FieldValue& a, unsigned n) {
    if (n == 0) return a;
    if (n >= 128) return {};
    if (n >= 64) return {a.lo << (n - 64), 0};
    return {a.hi << n | a.lo >> (64 - n), a.lo << n};
  }
  friend constexpr FieldValue operator>>(const FieldValue& a, unsigned n) {
    if (n == 0) return a;
    if (n >= 128) return {};
    if (n >= 64) return {0, a.hi >> (n - 64)};
    return {a.hi >> n, a.lo >> n | a.hi << (64 - n)};
  }
  friend constexpr auto operator<=>(const FieldValue&, const FieldValue&) = default;
};

/// What else a match must hold for a field to make sense (ovs-fields(7), "Prerequisites").
enum class Prerequisite : std::uint8_t {
  kNone,
  kEthernet,
  kVlan,
  kMpls,
  kIpv4,
  kIpv6,
  kIp,
  kArp,
  kNsh,
  kTcp,
  kUdp,
  kSctp,
  kIcmpv4,
  kIcmpv6,
  kNd,
  kNdSolicit,
  kNdAdvert,
  kCt,
};

/// How a value is written in flow syntax.
enum class FieldFormat : std::uint8_t {
  kDecimal,
  kHex,
  kEthernet,
  kIpv4,
  kIpv6,
  kPort16,
  kPort32,
  kFrag,
  kCtState,
  kTunFlags,
  kTcpFlags,
  kPacketType,
};

/// The number of a field on the wire: class and field of an OXM or NXM header, and the experimenter
/// of class 0xffff.
struct OxmType {
  std::uint16_t oxm_class = 0;
  std::uint8_t field = 0;
  std::uint32_t experimenter = 0;

  constexpr bool valid() const { return oxm_class != 0 || field != 0 || experimenter != 0; }
  friend constexpr bool operator==(const OxmType&, const OxmType&) = default;
};

/// One row of the field table.
struct FieldInfo {
  FieldId id{};
  std::string_view name;      ///< as ovs-ofctl prints it
  std::string_view alias;     ///< another name it takes, or empty
  std::string_view nxm_name;  ///< of its `nxm` number, e.g. "NXM_NX_REG0"
  std::string_view oxm_name;  ///< of its `oxm` number, e.g. "OXM_OF_ETH_TYPE"
  std::uint8_t bytes = 0;     ///< of the value on the wire; the longest for tun_metadata
  std::uint8_t bits = 0;      ///< that count; 128 for longer tun_metadata
  bool maskable = false;
  bool settable = false;  ///< may be the target of set_field, copy_field, learn and stack pop
  Prerequisite prerequisite{};
  FieldFormat format{};
  OxmType oxm;    ///< what Open vSwitch writes in OpenFlow 1.5
  OxmType nxm;    ///< its oldest number, which headers inside Nicira actions use
  OxmType other;  ///< one more number taken on input
};

/// The row of a field. Constant time.
ANTREA_API const FieldInfo& field_info(FieldId id);
/// The field of a name in flow syntax ("nw_src", "ip_src", "NXM_NX_REG0", "reg0").
ANTREA_API std::optional<FieldId> field_by_name(std::string_view name);
/// The field of a number on the wire.
ANTREA_API std::optional<FieldId> field_by_oxm(const OxmType& type);

/// Some bits of a field, counted from its least significant one; all of it by default.
struct Subfield {
  FieldId field{};
  std::uint8_t length = 0;  ///< of a tun_metadata: bytes of its option; 0: as long as there are
  std::uint16_t offset = 0;
  std::uint16_t bits = 0;

  constexpr Subfield() = default;
  constexpr Subfield(FieldId f, std::uint16_t o, std::uint16_t n) : field(f), offset(o), bits(n) {}
  ANTREA_API explicit Subfield(FieldId whole);

  FieldValue mask() const { return FieldValue::ones(bits) << offset; }
  friend constexpr auto operator<=>(const Subfield&, const Subfield&) = default;
};

/// Bits `first` to `last`, both included, of a register: `reg_bits(4, 16, 18)` is reg4[16..18].
constexpr Subfield reg_bits(unsigned reg, unsigned first, unsigned last) {
  return {reg_field(reg), static_cast<std::uint16_t>(first),
          static_cast<std::uint16_t>(last - first + 1)};
}

}  // namespace antrea::openflow

template <>
struct std::hash<antrea::openflow::FieldValue> {
  std::size_t operator()(const antrea::openflow::FieldValue& v) const noexcept {
    return static_cast<std::size_t>((v.hi * 0x9e3779b97f4a7c15ULL) ^ v.lo);
  }
};
