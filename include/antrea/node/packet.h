#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/base/result.h"

namespace antrea::node {

/// The headers of an Ethernet frame that carries IPv4 or IPv6 (RFC 791, RFC 8200), read in place;
/// the spans borrow from the frame and end where it, or the IP packet in it, ends.
struct PacketView {
  MacAddress eth_src, eth_dst;
  IpAddress src, dst;
  std::uint8_t protocol = 0;      ///< of the transport; for IPv6 behind the extension headers
  std::uint16_t ip_length = 0;    ///< what the IP header says of the whole packet, bytes
  bool later_fragment = false;    ///< not the first one: there is no transport header
  std::span<const std::byte> ip;  ///< from the IP header on
  std::span<const std::byte> transport;  ///< from the transport header on; empty in later fragments
  std::optional<std::uint16_t> src_port;  ///< TCP, UDP, SCTP
  std::optional<std::uint16_t> dst_port;

  /// Errors: kUnsupported, neither IPv4 nor IPv6 (tagged frames too); kMalformed, cut inside a
  /// header that is needed.
  ANTREA_API static Result<PacketView> of(std::span<const std::byte> frame);
};

/// Why a packet is sent back.
enum class Refusal : std::uint8_t {
  kProhibited,  ///< ICMP "administratively prohibited": type 3 code 10, of IPv6 type 1 code 1
  kNobody,      ///< ICMP "port unreachable": type 3 code 3, of IPv6 type 1 code 4
};

/// A whole frame that says to the sender of `packet` that it is not let through: a RST for TCP
/// (RFC 9293, section 3.5.2), else an ICMP error (RFC 792, RFC 4443) that quotes the packet's IP
/// header and eight bytes more.
///
/// Nothing for what must not be answered (RFC 1122, section 3.2.2; RFC 4443, section 2.4): a RST,
/// an ICMP error, later fragments, and what was sent to or claims to come from broadcast,
/// multicast, loopback or the unspecified address.
ANTREA_API std::optional<std::vector<std::byte>> make_rejection(
    const PacketView& packet, const MacAddress& eth_src, const MacAddress& eth_dst,
    Refusal refusal = Refusal::kProhibited);

}  // namespace antrea::node
