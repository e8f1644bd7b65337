#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "antrea/openflow/message.h"

// Packets as Open vSwitch reads them into a flow (lib/flow.c, miniflow_extract).
namespace antrea::openflow::detail {

/// The headers of a packet. What was not read is zero.
struct PacketFlow {
  std::uint32_t packet_type = 0;  ///< 0: Ethernet; else what the packet starts with
  MacAddress eth_src, eth_dst;
  std::array<std::uint16_t, 2> vlans{};  ///< tags, outer first, with 0x1000 set
  std::uint16_t eth_type = 0;            ///< 0x05ff: neither Ethernet II nor SNAP
  std::array<std::uint32_t, 3> mpls{};   ///< label stack entries, outer first

  IpAddress src, dst;  ///< of IPv4, IPv6 or ARP
  std::uint32_t label = 0;
  std::uint8_t proto = 0;  ///< or the opcode of ARP
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;
  std::uint8_t fragment = 0;    ///< 1: of several, 2: not the first
  MacAddress arp_sha, arp_tha;  ///< of neighbour discovery: source and target link-layer address
  IpAddress nd_target;

  std::uint8_t nsh_flags = 0, nsh_ttl = 0, nsh_md_type = 0, nsh_next = 0;
  std::uint32_t nsh_path = 0;  ///< SPI in the upper 24 bits, SI below
  std::array<std::uint32_t, 4> nsh_context{};

  std::uint16_t tp_src = 0, tp_dst = 0;  ///< or type and code of ICMP and IGMP
  std::uint16_t tcp_flags = 0;
  std::span<const std::byte> l4;  ///< from the transport header to the packet's own end

  bool ipv4() const { return type() == eth_type::kIpv4; }
  bool ipv6() const { return type() == eth_type::kIpv6; }
  bool later_fragment() const { return (fragment & 2) != 0; }
  /// The protocol that the packet holds, be it in Ethernet or not.
  std::uint16_t type() const {
    return packet_type == 0 ? eth_type : static_cast<std::uint16_t>(packet_type);
  }
};

/// Reads as far as the packet is sound.
PacketFlow read_packet(std::span<const std::byte> packet, std::uint32_t packet_type);

}  // namespace antrea::openflow::detail
