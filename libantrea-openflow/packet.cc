#include "packet.h"

#include "wire.h"

namespace antrea::openflow::detail {
namespace {

IpAddress take_ipv6(In& in) {
  std::array<std::uint8_t, 16> bytes{};
  const auto raw = in.take(bytes.size());
  std::memcpy(bytes.data(), raw.data(), raw.size());
  return IpAddress::v6(bytes);
}

class PacketReader {
 public:
  PacketReader(std::span<const std::byte> packet, std::uint32_t packet_type) : in_(packet) {
    flow_.packet_type = packet_type;
    flow_.src = flow_.dst = IpAddress::v4(0);
  }

  PacketFlow read() {
    if (flow_.packet_type != 0)
      flow_.eth_type = static_cast<std::uint16_t>(flow_.packet_type);
    else if (!ethernet())
      return flow_;
    network();
    if (flow_.ipv6()) default_v6();
    return flow_;
  }

 private:
  bool ethernet() {
    if (in_.remaining() < 14) return false;
    flow_.eth_dst = take_mac(in_);
    flow_.eth_src = take_mac(in_);
    for (std::uint16_t& vlan : flow_.vlans) {
      const auto next = in_.peek_rest();
      const auto type = load_be<std::uint16_t>(next.data());
      if ((type != 0x8100 && type != 0x88a8) || next.size() < 6) break;
      in_.skip(2);
      vlan = in_.be16() | 0x1000;
    }
    flow_.eth_type = ethertype();
    return true;
  }

  std::uint16_t ethertype() {
    constexpr std::uint16_t kEthernet2 = 0x600;
    constexpr std::uint16_t kNone = 0x05ff;
    const std::uint16_t type = in_.be16();
    if (type >= kEthernet2) return type;
    // LLC and SNAP with the organization code of Ethernet, then the type.
    In snap = in_;
    if (snap.remaining() < 8 || snap.value(6) != FieldValue(0xaaaa03000000)) return kNone;
    const std::uint16_t inner = snap.be16();
    in_.skip(8);
    return inner >= kEthernet2 ? inner : kNone;
  }

  void network() {
    if (flow_.eth_type == eth_type::kMpls || flow_.eth_type == eth_type::kMplsMulticast)
      return mpls();
    switch (flow_.eth_type) {
      case eth_type::kIpv4:
        return ipv4();
      case eth_type::kIpv6:
        return ipv6();
      case eth_type::kArp:
      case eth_type::kRarp:
        return arp();
      case eth_type::kNsh:
        return nsh();
      default:
        return;
    }
  }

  void mpls() {
    for (std::uint32_t& entry : flow_.mpls) {
      if (in_.remaining() < 4) return;
      entry = in_.be32();
      if ((entry & 0x100) != 0) return;
    }
  }

  void ipv4() {
    const auto header = in_.peek_rest();
    if (header.size() < 20) return;
    const std::size_t header_size = std::to_integer<std::size_t>(header[0] & std::byte{0xf}) * 4;
    const std::size_t total = load_be<std::uint16_t>(header.data() + 2);
    if (header_size < 20 || header.size() < header_size || total > header.size() ||
        header_size > total || header.size() - total > 0xffff)
      return;
    In in = in_.sub(total);
    in.skip(1);
    flow_.tos = in.u8();
    in.skip(4);
    const std::uint16_t fragment = in.be16();
    flow_.ttl = in.u8();
    flow_.proto = in.u8();
    in.skip(2);
    flow_.src = IpAddress::v4(in.be32());
    flow_.dst = IpAddress::v4(in.be32());
    in.skip(header_size - 20);
    if ((fragment & 0x3fff) != 0) flow_.fragment = (fragment & 0x1fff) != 0 ? 3 : 1;
    transport(in);
  }

  void ipv6() {
    const auto header = in_.peek_rest();
    if (header.size() < 40) return;
    const std::size_t payload = load_be<std::uint16_t>(header.data() + 4);
    if (payload + 40 > header.size() || header.size() - payload - 40 > 0xffff) return;
    In in = in_.sub(40 + payload);
    const std::uint32_t first = in.be32();
    in.skip(2);
    std::uint8_t proto = in.u8();
    const std::uint8_t hops = in.u8();
    flow_.src = take_ipv6(in);
    flow_.dst = take_ipv6(in);
    addresses_read_ = true;
    std::uint8_t fragment = 0;
    if (!extensions(in, proto, fragment)) return;
    flow_.label = first & 0xfffff;
    flow_.tos = static_cast<std::uint8_t>(first >> 20);
    flow_.ttl = hops;
    flow_.proto = proto;
    flow_.fragment = fragment;
    transport(in);
  }

  /// Steps over extension headers; false if the packet ends in one.
  static bool extensions(In& in, std::uint8_t& proto, std::uint8_t& fragment) {
    constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51,
                           kDestination = 60;
    for (;;) {
      const bool options = proto == kHopByHop || proto == kRouting || proto == kDestination;
      if (!options && proto != kFragment && proto != kAuthentication) return true;
      const auto header = in.peek_rest();
      if (header.size() < 8) return false;
      const std::uint8_t next = std::to_integer<std::uint8_t>(header[0]);
      const std::size_t length = std::to_integer<std::size_t>(header[1]);
      const std::size_t size = options              ? (length + 1) * 8
                               : proto == kFragment ? 8
                                                    : (length + 2) * 4;
      const bool is_fragment = proto == kFragment;
      proto = next;
      if (size > header.size()) return false;
      in.skip(size);
      if (!is_fragment) continue;
      const auto offset = load_be<std::uint16_t>(header.data() + 2);
      if (offset == 0) continue;
      fragment = 1;
      if ((offset & 0xfff8) == 0) continue;
      fragment = 3;
      proto = kFragment;
      return true;
    }
  }

  void arp() {
    if (in_.remaining() < 28) return;
    constexpr std::uint64_t kEthernetIpv4 = 0x000108000604;
    if (in_.value(6) != FieldValue(kEthernetIpv4)) return;
    const std::uint16_t op = in_.be16();
    if (op <= 0xff) flow_.proto = static_cast<std::uint8_t>(op);
    flow_.arp_sha = take_mac(in_);
    flow_.src = IpAddress::v4(in_.be32());
    flow_.arp_tha = take_mac(in_);
    flow_.dst = IpAddress::v4(in_.be32());
  }

  void nsh() {
    const std::size_t size = in_.remaining();
    if (size < 8) return;
    const std::uint16_t first = in_.be16();
    const std::size_t length = std::size_t{first & 0x3fU} * 4;
    const std::uint8_t md_type = in_.u8();
    const std::uint8_t next = in_.u8();
    const std::uint32_t path = in_.be32();
    if (length > size || (first & 0xc000) != 0) return;
    if (md_type == 1 && length != 24) return;
    if (md_type == 2 && length < 8) return;
    flow_.nsh_flags = static_cast<std::uint8_t>(first >> 12 & 3);
    flow_.nsh_ttl = static_cast<std::uint8_t>(first >> 6 & 0x3f);
    flow_.nsh_md_type = md_type;
    flow_.nsh_next = next;
    flow_.nsh_path = path;
    if (md_type == 1)
      for (std::uint32_t& word : flow_.nsh_context) word = in_.be32();
  }

  void transport(In in) {
    flow_.l4 = in.peek_rest();
    if (flow_.later_fragment()) return;
    const std::size_t size = flow_.l4.size();
    switch (flow_.proto) {
      case ip_proto::kTcp: {
        if (size < 20) return;
        const auto control = load_be<std::uint16_t>(flow_.l4.data() + 12);
        const std::size_t header_size = static_cast<std::size_t>(control >> 12) * 4;
        if (header_size < 20 || header_size > size) return;
        flow_.tcp_flags = control & 0xfff;
        break;
      }
      case ip_proto::kUdp:
        if (size < 8) return;
        break;
      case ip_proto::kSctp:
        if (size < 12) return;
        break;
      case ip_proto::kIcmp:
      case ip_proto::kIgmp:
        if (size < 8) return;
        flow_.tp_src = in.u8();
        flow_.tp_dst = in.u8();
        return;
      case ip_proto::kIcmpv6:
        return icmpv6(in);
      default:
        return;
    }
    flow_.tp_src = in.be16();
    flow_.tp_dst = in.be16();
  }

  void icmpv6(In in) {
    if (in.remaining() < 8) return;
    flow_.tp_src = in.u8();
    flow_.tp_dst = in.u8();
    if (flow_.tp_dst != 0 || (flow_.tp_src != 135 && flow_.tp_src != 136)) return;
    in.skip(6);
    if (in.remaining() < 16) return;
    const IpAddress target = take_ipv6(in);
    flow_.nd_target = target;
    while (in.remaining() >= 8) {
      const auto option = in.peek_rest();
      const std::size_t size = std::to_integer<std::size_t>(option[1]) * 8;
      if (size == 0 || size > option.size()) return;
      const auto type = std::to_integer<std::uint8_t>(option[0]);
      In body = in.sub(size);
      if ((type != 1 && type != 2) || size != 8) continue;
      body.skip(2);
      MacAddress& mac = type == 1 ? flow_.arp_sha : flow_.arp_tha;
      if (mac != MacAddress()) {  // the same option twice: nothing of it is trusted
        flow_.nd_target = IpAddress::v6({});
        flow_.arp_sha = flow_.arp_tha = MacAddress();
        return;
      }
      mac = take_mac(body);
    }
  }

  void default_v6() {
    if (!addresses_read_) flow_.src = flow_.dst = IpAddress::v6({});
    if (!flow_.nd_target.is_v6()) flow_.nd_target = IpAddress::v6({});
  }

  In in_;
  PacketFlow flow_;
  bool addresses_read_ = false;
};

}  // namespace

PacketFlow read_packet(std::span<const std::byte> packet, std::uint32_t packet_type) {
  return PacketReader(packet, packet_type).read();
}

}  // namespace antrea::openflow::detail
