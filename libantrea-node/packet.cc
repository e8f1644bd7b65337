#include "antrea/node/packet.h"

#include "antrea/base/bytes.h"
#include "antrea/openflow/match.h"

namespace antrea::node {
namespace {

namespace ip_proto = openflow::ip_proto;
namespace eth_type = openflow::eth_type;

constexpr std::size_t kEthernetSize = 14;

Error cut(const char* header) {
  return make_error(Errc::kMalformed, "read a packet", header, "cut");
}

MacAddress read_mac(ByteReader& in) {
  const std::uint64_t high = in.be16();
  return MacAddress::from_bits(high << 32 | in.be32());
}

IpAddress read_address(ByteReader& in, std::size_t size) {
  const auto address = IpAddress::from_bytes(in.take(size));
  return address ? *address : IpAddress();
}

bool has_ports(std::uint8_t protocol) {
  return protocol == ip_proto::kTcp || protocol == ip_proto::kUdp || protocol == ip_proto::kSctp;
}

Result<> read_v4(ByteReader in, PacketView& packet) {
  const std::size_t header = static_cast<std::size_t>(in.u8() & 0xf) * 4;
  in.skip(1);
  packet.ip_length = in.be16();
  in.skip(2);
  packet.later_fragment = (in.be16() & 0x1fff) != 0;
  in.skip(1);
  packet.protocol = in.u8();
  in.skip(2);
  packet.src = read_address(in, 4);
  packet.dst = read_address(in, 4);
  if (in.failed() || header < 20 || packet.ip_length < header || packet.ip.size() < header)
    return cut("IPv4 header");
  packet.ip = packet.ip.first(std::min<std::size_t>(packet.ip.size(), packet.ip_length));
  packet.transport = packet.ip.subspan(header);
  return {};
}

Result<> read_v6(ByteReader in, PacketView& packet) {
  in.skip(4);
  const std::size_t payload = in.be16();
  packet.protocol = in.u8();
  in.skip(1);
  packet.src = read_address(in, 16);
  packet.dst = read_address(in, 16);
  if (in.failed()) return cut("IPv6 header");
  packet.ip_length = static_cast<std::uint16_t>(std::min<std::size_t>(40 + payload, 0xffff));
  packet.ip = packet.ip.first(std::min<std::size_t>(packet.ip.size(), 40 + payload));
  in = ByteReader(packet.ip.subspan(40));
  for (;;) {
    // Hop-by-hop options, routing, destination options; fragment; authentication.
    const std::uint8_t kind = packet.protocol;
    if (kind != 0 && kind != 43 && kind != 60 && kind != 44 && kind != 51) break;
    packet.protocol = in.u8();
    const std::size_t length = in.u8();
    if (kind == 44) {
      if ((in.be16() & 0xfff8) != 0) packet.later_fragment = true;
      in.skip(4);
    } else {
      in.skip((kind == 51 ? (length + 2) * 4 : (length + 1) * 8) - 2);
    }
    if (in.failed()) return cut("IPv6 extension header");
    if (packet.later_fragment) break;
  }
  packet.transport = in.rest();
  return {};
}

/// The ones' complement sum of RFC 1071.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  while (in.remaining() >= 2) sum += in.be16();
  if (!in.empty()) sum += static_cast<std::uint32_t>(in.u8()) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}
std::uint16_t checksum_of(std::uint32_t sum) { return static_cast<std::uint16_t>(~sum & 0xffff); }

/// Of what a transport checksum also covers.
std::uint32_t pseudo_header(const IpAddress& src, const IpAddress& dst, std::uint8_t protocol,
                            std::size_t length) {
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(length);
  sum = add_words(sum, std::as_bytes(src.bytes()));
  return add_words(sum, std::as_bytes(dst.bytes()));
}

bool one_host(const IpAddress& address) {
  static const IpAddress kBroadcast = IpAddress::v4(0xffffffff);
  return !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() &&
         address != kBroadcast;
}

bool is_icmp_error(const PacketView& packet) {
  if (packet.protocol != ip_proto::kIcmp && packet.protocol != ip_proto::kIcmpv6) return false;
  if (packet.transport.empty()) return true;  // cannot be told
  const auto type = std::to_integer<std::uint8_t>(packet.transport[0]);
  if (packet.protocol == ip_proto::kIcmpv6) return type < 128 || type == 137;
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/// The transport part of the answer, its checksum left 0; empty: there is none.
std::vector<std::byte> make_reset(const PacketView& packet) {
  constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  std::vector<std::byte> tcp;
  ByteReader in(packet.transport);
  in.skip(4);
  const std::uint32_t sequence = in.be32();
  const std::uint32_t acknowledged = in.be32();
  const std::size_t header = static_cast<std::size_t>(in.u8() >> 4) * 4;
  const std::uint8_t flags = in.u8();
  in.skip(6);
  if (in.failed() || header < 20 || header > packet.transport.size() || (flags & kRst) != 0)
    return tcp;
  const auto length = static_cast<std::uint32_t>(packet.transport.size() - header) +
                      ((flags & kSyn) != 0 ? 1U : 0U) + ((flags & kFin) != 0 ? 1U : 0U);
  const bool follows = (flags & kAck) != 0;  // a RST that answers an ACK takes its number
  ByteWriter out(tcp);
  out.be16(*packet.dst_port);
  out.be16(*packet.src_port);
  out.be32(follows ? acknowledged : 0);
  out.be32(follows ? 0 : sequence + length);
  out.u8(5 << 4);
  out.u8(follows ? kRst : kRst | kAck);
  out.zeros(6);  // window, checksum, urgent pointer
  return tcp;
}

std::vector<std::byte> make_unreachable(const PacketView& packet, Refusal refusal) {
  std::vector<std::byte> icmp;
  if (is_icmp_error(packet)) return icmp;
  ByteWriter out(icmp);
  out.u8(packet.src.is_v4() ? 3 : 1);
  const bool prohibited = refusal == Refusal::kProhibited;
  out.u8(packet.src.is_v4() ? (prohibited ? 10 : 3) : (prohibited ? 1 : 4));
  out.zeros(6);  // checksum, unused
  const std::size_t headers = packet.ip.size() - packet.transport.size();
  out.bytes(packet.ip.first(std::min({packet.ip.size(), headers + 8, std::size_t{1232}})));
  return icmp;
}

}  // namespace

Result<PacketView> PacketView::of(std::span<const std::byte> frame) {
  ByteReader in(frame);
  PacketView packet;
  packet.eth_dst = read_mac(in);
  packet.eth_src = read_mac(in);
  const std::uint16_t type = in.be16();
  if (in.failed()) return cut("Ethernet header");
  if (type != eth_type::kIpv4 && type != eth_type::kIpv6)
    return make_error(Errc::kUnsupported, "read a packet: neither IPv4 nor IPv6");
  packet.ip = in.rest();
  ANTREA_CHECK(type == eth_type::kIpv4 ? read_v4(ByteReader(packet.ip), packet)
                                       : read_v6(ByteReader(packet.ip), packet));
  if (packet.later_fragment) {
    packet.transport = {};
  } else if (has_ports(packet.protocol)) {
    ByteReader ports(packet.transport);
    packet.src_port = ports.be16();
    packet.dst_port = ports.be16();
    if (ports.failed()) return cut("ports");
  }
  return packet;
}

std::optional<std::vector<std::byte>> make_rejection(const PacketView& packet,
                                                     const MacAddress& eth_src,
                                                     const MacAddress& eth_dst, Refusal refusal) {
  constexpr std::uint8_t kTtl = 128;
  const bool group = (packet.eth_dst.bytes[0] & 1) != 0 || (packet.eth_src.bytes[0] & 1) != 0;
  if (group || packet.later_fragment || !one_host(packet.src) || !one_host(packet.dst)) return {};
  const bool v4 = packet.src.is_v4();
  const bool tcp = packet.protocol == ip_proto::kTcp;
  std::vector<std::byte> body = tcp ? make_reset(packet) : make_unreachable(packet, refusal);
  if (body.empty()) return {};
  const std::uint8_t protocol = tcp ? ip_proto::kTcp : v4 ? ip_proto::kIcmp : ip_proto::kIcmpv6;
  const std::uint32_t covered =
      tcp || !v4 ? pseudo_header(packet.dst, packet.src, protocol, body.size()) : 0;
  ByteWriter(body).patch_be16(tcp ? 16 : 2, checksum_of(add_words(covered, body)));

  std::vector<std::byte> frame;
  ByteWriter out(frame);
  out.bytes(std::as_bytes(std::span(eth_dst.bytes)));
  out.bytes(std::as_bytes(std::span(eth_src.bytes)));
  out.be16(v4 ? eth_type::kIpv4 : eth_type::kIpv6);
  if (v4) {
    out.be16(0x4500);
    out.be16(static_cast<std::uint16_t>(20 + body.size()));
    out.be32(0x4000);  // no identification: never to be fragmented
    out.u8(kTtl);
    out.u8(protocol);
    out.be16(0);
  } else {
    out.be32(0x60000000);
    out.be16(static_cast<std::uint16_t>(body.size()));
    out.u8(protocol);
    out.u8(kTtl);
  }
  out.bytes(std::as_bytes(packet.dst.bytes()));
  out.bytes(std::as_bytes(packet.src.bytes()));
  if (v4)
    out.patch_be16(kEthernetSize + 10,
                   checksum_of(add_words(0, std::span(frame).subspan(kEthernetSize, 20))));
  out.bytes(body);
  return frame;
}

}  // namespace antrea::node
