#pragma once

// Frames to be read by what is tested, and checksums by another hand than that of what writes them.

#include <cstddef>
#include <vector>

#include "antrea/base/ip.h"

namespace antrea::node::frames {

struct FrameSpec {
  IpAddress src, dst;
  std::uint8_t protocol = 17;
  int payload = 0;  ///< bytes behind the transport header; less than 0: it is cut by so many
  std::uint8_t tcp_flags = 0;
  std::size_t tcp_options = 0;  ///< bytes, a multiple of 4
  std::uint8_t icmp_type = 8;
  std::size_t ip_options = 0;         ///< bytes; for IPv6 an options header of this size
  std::uint16_t fragment_offset = 0;  ///< in units of 8 bytes
  MacAddress eth_src = MacAddress::from_bits(0x0a0000000001);
  MacAddress eth_dst = MacAddress::from_bits(0x0a0000000002);
  std::uint16_t src_port = 40000, dst_port = 80;
};

/// TCP has sequence number 1000 and acknowledges 5000. Checksums are left 0.
std::vector<std::byte> frame(const FrameSpec& spec);

/// Whether the checksums of IPv4, TCP, ICMP and ICMPv6 hold, as a receiver computes them.
bool checksums_hold(const std::vector<std::byte>& frame);

}  // namespace antrea::node::frames
