#pragma once

#include <cstdint>

#include "antrea/openflow/match.h"
#include "field_table.h"

namespace antrea::openflow::detail {

/// What a match says of its packets, as far as other fields and the actions rely on it
/// (ovs-fields(7), "Prerequisites"). Actions change it on their way through a list.
class PacketFacts {
 public:
  PacketFacts() = default;
  explicit PacketFacts(const Match& match) {
    for (const MatchField& field : match.fields()) learn(field.id, field.bits);
  }

  /// A field joins the match.
  void learn(FieldId id, const Masked& bits) {
    switch (id) {
      case FieldId::kPacketType:
        packet_type = static_cast<std::uint32_t>(bits.value.lo);
        break;
      case FieldId::kEthType:
        eth_type = static_cast<std::uint16_t>(bits.value.lo);
        break;
      case FieldId::kVlanTci:
      case FieldId::kVlanVid:
        vlan = (bits.value.lo & 0x1000) != 0;
        break;
      case FieldId::kIpProto:
        ip_proto = static_cast<std::uint8_t>(bits.value.lo);
        break;
      case FieldId::kIpFrag:
        later_fragment = (bits.value.lo & 2) != 0;
        break;
      case FieldId::kIcmpv6Type:
        icmp_type = static_cast<std::uint8_t>(bits.value.lo);
        break;
      case FieldId::kIcmpv6Code:
        icmp_code = static_cast<std::uint8_t>(bits.value.lo);
        break;
      case FieldId::kCtState:
        ct_state = static_cast<std::uint32_t>(bits.value.lo);
        ct_state_mask = static_cast<std::uint32_t>(bits.mask.lo);
        break;
      case FieldId::kCtNwSrc:
      case FieldId::kCtNwDst:
        ct_ipv4 = true;
        break;
      case FieldId::kCtIpv6Src:
      case FieldId::kCtIpv6Dst:
        ct_ipv6 = true;
        break;
      default:
        break;
    }
  }

  bool ethernet() const { return packet_type == 0; }
  /// The ethertype, of a bare packet too (OpenFlow 1.5.1 section 7.2.3.11); 0x5ff: none.
  std::uint16_t type() const {
    if (packet_type == 0) return eth_type;
    return packet_type >> 16 == 1 ? static_cast<std::uint16_t>(packet_type) : 0x5ff;
  }
  bool ip() const {
    return type() == openflow::eth_type::kIpv4 || type() == openflow::eth_type::kIpv6;
  }
  bool mpls() const {
    return type() == openflow::eth_type::kMpls || type() == openflow::eth_type::kMplsMulticast;
  }
  /// The state says that the packet is tracked and the connection known.
  bool ct_valid() const;
  /// Addresses of a connection belong to the IP version that the match names.
  bool ct_addresses_fit() const {
    return (!ct_ipv4 || eth_type == openflow::eth_type::kIpv4) &&
           (!ct_ipv6 || eth_type == openflow::eth_type::kIpv6);
  }
  /// Whether a field with this prerequisite makes sense.
  bool met(Prerequisite prerequisite) const {
    switch (prerequisite) {
      case Prerequisite::kNone:
        return true;
      case Prerequisite::kEthernet:
        return ethernet();
      case Prerequisite::kIpv4:
        return type() == openflow::eth_type::kIpv4;
      case Prerequisite::kIp:
        return ip();
      default:
        return met_rarely(prerequisite);
    }
  }
  bool met(FieldId id) const { return met(info(id).prerequisite); }

  std::uint32_t packet_type = 0;
  std::uint16_t eth_type = 0;
  std::uint8_t ip_proto = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  bool vlan = false;
  bool inner_vlan = false;  ///< a second tag, after a push
  bool later_fragment = false;
  bool ct_ipv4 = false;  ///< addresses of the connection are matched, of this version
  bool ct_ipv6 = false;
  std::uint32_t ct_state = 0;
  std::uint32_t ct_state_mask = 0;

 private:
  bool met_rarely(Prerequisite prerequisite) const;
};

}  // namespace antrea::openflow::detail
