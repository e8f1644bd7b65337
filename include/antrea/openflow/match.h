#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/openflow/error.h"
#include "antrea/openflow/field.h"
#include "antrea/openflow/port.h"

namespace antrea::openflow {

/// Bits of ct_state.
namespace ct_state {
inline constexpr std::uint32_t kNew = 0x01, kEst = 0x02, kRel = 0x04, kRpl = 0x08, kInv = 0x10,
                               kTrk = 0x20, kSnat = 0x40, kDnat = 0x80;
}

namespace eth_type {
inline constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kRarp = 0x8035, kIpv6 = 0x86dd,
                               kMpls = 0x8847, kMplsMulticast = 0x8848, kVlan = 0x8100,
                               kNsh = 0x894f;
}

namespace ip_proto {
inline constexpr std::uint8_t kIcmp = 1, kIgmp = 2, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;
}

/// A value and the bits of it that count.
struct Masked {
  FieldValue value;
  FieldValue mask;
  friend constexpr auto operator<=>(const Masked&, const Masked&) = default;
};

/// One field of a match.
struct MatchField {
  FieldId id{};
  std::uint8_t length = 0;  ///< bytes on the wire, of value or mask
  /// Of a tun_metadata: only these bytes count, all of them, and not that those before are zero.
  bool masked = false;
  Masked bits;  ///< of a wide field (`Match::wide`) the low 128 bits

  /// A tun_metadata of more than 16 bytes.
  bool wide() const { return length > sizeof(FieldValue); }

  /// The mask counts every bit of the field.
  ANTREA_API bool exact() const;
  friend constexpr auto operator<=>(const MatchField&, const MatchField&) = default;
};

/// What a flow matches: a set of fields with values and masks, in one canonical form. Two matches
/// that mean the same are equal and encode to the same bytes, which are those that Open vSwitch
/// dumps: fields stand in the order of `FieldId`; bits outside a mask are zero; a mask of zeros is
/// no field; registers are kept as 64-bit pairs (xreg); in_port, vlan_tci and nw_tos of NXM are
/// kept as in_port_oxm, vlan_vid with vlan_pcp, ip_dscp.
///
///   Match().in_port(PortNo{3}).ip_dst(prefix).tcp_dst(80).ct_state("+new+trk").set_reg(0, 0, 4, 2)
///
/// The named setters add a field's unambiguous prerequisites (ip_dst adds eth_type, tcp_dst adds
/// ip_proto).
class ANTREA_API Match {
 public:
  Match() = default;

  /// Sets a field wholly, or the bits of `mask`; what was set of it before is replaced, except that
  /// bits of registers accumulate. Bits of `value` outside the field or the mask are dropped.
  Match& set(FieldId id, const FieldValue& value);
  Match& set(FieldId id, const FieldValue& value, const FieldValue& mask);
  /// Of tun_metadata: `length` is that of the mapped option in bytes, 4 to 124 in steps of 4; above
  /// 16 the number gives the low 128 bits, the others do not count. `masked` is for masks that
  /// cover the length; of length 0 it says that the option is there, whatever its value.
  Match& set_tun_metadata(unsigned index, std::uint8_t length, const FieldValue& value,
                          const FieldValue& mask, bool masked = false);
  /// The same from bytes as on the wire; value and mask are equally long, up to 124 bytes.
  Match& set_tun_metadata(unsigned index, std::span<const std::byte> value,
                          std::span<const std::byte> mask, bool masked = false);
  Match& set(const Subfield& subfield, std::uint64_t value);
  /// Bits [offset, offset + bits) of a 32-bit register; other bits of it stay as they are.
  Match& set_reg(unsigned reg, unsigned offset, unsigned bits, std::uint32_t value);
  Match& set_reg(unsigned reg, std::uint32_t value) { return set_reg(reg, 0, 32, value); }

  Match& in_port(PortNo port) { return set(FieldId::kInPortOxm, port.value); }
  Match& eth_type(std::uint16_t type) { return set(FieldId::kEthType, type); }
  /// eth_type of the family.
  Match& ip(Family family) { return eth_type(family == Family::kIPv4 ? 0x0800 : 0x86dd); }
  Match& arp() { return eth_type(0x0806); }
  Match& eth_src(const MacAddress& mac) { return set(FieldId::kEthSrc, mac); }
  Match& eth_dst(const MacAddress& mac) { return set(FieldId::kEthDst, mac); }
  Match& eth_dst(const MacAddress& mac, const MacAddress& mask) {
    return set(FieldId::kEthDst, mac, mask);
  }
  /// A tag with this VLAN ID, 0 to 4095.
  Match& vlan(std::uint16_t vid) { return set(FieldId::kVlanVid, 0x1000U | vid); }
  Match& any_vlan() { return set(FieldId::kVlanVid, 0x1000, 0x1000); }
  Match& no_vlan() { return set(FieldId::kVlanVid, 0); }
  /// Source or destination in the prefix; its family decides the field and the eth_type. /0 sets
  /// only the eth_type.
  Match& ip_src(const IpPrefix& prefix);
  Match& ip_dst(const IpPrefix& prefix);
  Match& ip_src(const IpAddress& address) { return ip_src(IpPrefix::host(address)); }
  Match& ip_dst(const IpAddress& address) { return ip_dst(IpPrefix::host(address)); }
  Match& ip_proto(std::uint8_t proto) { return set(FieldId::kIpProto, proto); }
  Match& ip_dscp(std::uint8_t dscp) { return set(FieldId::kIpDscp, dscp); }
  Match& arp_op(std::uint16_t op) { return arp().set(FieldId::kArpOp, op); }
  Match& arp_spa(const IpAddress& address) { return arp().set(FieldId::kArpSpa, address); }
  Match& arp_tpa(const IpAddress& address) { return arp().set(FieldId::kArpTpa, address); }
  Match& arp_sha(const MacAddress& mac) { return arp().set(FieldId::kArpSha, mac); }
  Match& tcp_src(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(6, FieldId::kTcpSrc, port, mask);
  }
  Match& tcp_dst(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(6, FieldId::kTcpDst, port, mask);
  }
  Match& udp_src(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(17, FieldId::kUdpSrc, port, mask);
  }
  Match& udp_dst(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(17, FieldId::kUdpDst, port, mask);
  }
  Match& sctp_src(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(132, FieldId::kSctpSrc, port, mask);
  }
  Match& sctp_dst(std::uint16_t port, std::uint16_t mask = 0xffff) {
    return port_field(132, FieldId::kSctpDst, port, mask);
  }
  /// ICMP of IPv4.
  Match& icmp_type(std::uint8_t type) { return ip_proto(1).set(FieldId::kIcmpType, type); }
  Match& icmp_code(std::uint8_t code) { return ip_proto(1).set(FieldId::kIcmpCode, code); }
  Match& icmpv6_type(std::uint8_t type) { return ip_proto(58).set(FieldId::kIcmpv6Type, type); }
  Match& icmpv6_code(std::uint8_t code) { return ip_proto(58).set(FieldId::kIcmpv6Code, code); }
  /// "+new-rpl+trk": the flags to be set and clear. Flags: new est rel rpl inv trk snat dnat;
  /// others are ignored.
  Match& ct_state(std::string_view flags);
  Match& ct_state(std::uint32_t value, std::uint32_t mask) {
    return set(FieldId::kCtState, value, mask);
  }
  Match& ct_zone(std::uint16_t zone) { return set(FieldId::kCtZone, zone); }
  Match& ct_mark(std::uint32_t value, std::uint32_t mask = 0xffffffff) {
    return set(FieldId::kCtMark, value, mask);
  }
  Match& ct_label(const FieldValue& value, const FieldValue& mask) {
    return set(FieldId::kCtLabel, value, mask);
  }
  Match& conj_id(std::uint32_t id) { return set(FieldId::kConjId, id); }
  Match& pkt_mark(std::uint32_t value, std::uint32_t mask = 0xffffffff) {
    return set(FieldId::kPktMark, value, mask);
  }
  Match& tun_id(std::uint64_t id) { return set(FieldId::kTunId, id); }
  Match& metadata(std::uint64_t value, std::uint64_t mask = ~std::uint64_t{0}) {
    return set(FieldId::kMetadata, value, mask);
  }
  Match& erase(FieldId id);

  /// Value and mask of a field; registers of any width are cut out of what was set. Absent if no
  /// bit of it counts.
  std::optional<Masked> get(FieldId id) const;
  bool has(FieldId id) const { return get(id).has_value(); }
  /// The fields in canonical order.
  std::span<const MatchField> fields() const { return fields_; }
  /// Value and mask of a tun_metadata of more than 16 bytes, each of its length, as on the wire;
  /// empty for all other fields. Borrowed from the match.
  struct Wide {
    std::span<const std::byte> value, mask;
  };
  Wide wide(FieldId id) const;
  bool empty() const { return fields_.empty(); }
  /// The first field whose prerequisite is absent.
  std::optional<FieldId> missing_prerequisite() const;

  friend auto operator<=>(const Match&, const Match&) = default;
  friend bool operator==(const Match&, const Match&) = default;

 private:
  friend class MatchDecoder;
  Match& port_field(std::uint8_t proto, FieldId id, std::uint16_t port, std::uint16_t mask) {
    return ip_proto(proto).set(id, port, mask);
  }
  MatchField* find(FieldId id);
  const MatchField* find(FieldId id) const { return const_cast<Match*>(this)->find(id); }
  void put(FieldId id, std::uint8_t length, const FieldValue& value, const FieldValue& mask,
           bool masked = false);
  void drop_wide(FieldId id);
  std::size_t wide_offset(FieldId id) const;

  std::vector<MatchField> fields_;
  std::vector<std::byte> wide_;  ///< value and mask of each wide field, in the order of the fields
};

/// Whether `match` has what `id` requires.
ANTREA_API bool prerequisite_met(const Match& match, FieldId id);

}  // namespace antrea::openflow

template <>
struct ANTREA_API std::hash<antrea::openflow::Match> {
  std::size_t operator()(const antrea::openflow::Match& match) const noexcept;
};
