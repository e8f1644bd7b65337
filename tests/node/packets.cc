#include "tests/node/packets.h"

#include "antrea/base/bytes.h"

namespace antrea::node::frames {
namespace {

std::vector<std::byte> transport(const FrameSpec& spec) {
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  if (spec.protocol == 1 || spec.protocol == 58) {
    out.u8(spec.icmp_type);
    out.zeros(7);
  } else {
    out.be16(spec.src_port);
    out.be16(spec.dst_port);
    if (spec.protocol == 6) {
      out.be32(1000);
      out.be32(5000);
      out.u8(static_cast<std::uint8_t>((5 + spec.tcp_options / 4) << 4));
      out.u8(spec.tcp_flags);
      out.zeros(6 + spec.tcp_options);
    } else {
      out.be16(static_cast<std::uint16_t>(8 + spec.payload));
      out.be16(0);
    }
  }
  bytes.resize(static_cast<std::size_t>(static_cast<int>(bytes.size()) + spec.payload));
  return bytes;
}

void write_address(ByteWriter& out, const IpAddress& address) {
  out.bytes(std::as_bytes(address.bytes()));
}

/// The end-around carry sum, byte by byte.
unsigned fold(const std::vector<std::byte>& bytes) {
  unsigned long sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += std::to_integer<unsigned long>(bytes[i]) * (i % 2 == 0 ? 256 : 1);
  return static_cast<unsigned>(sum % 0xffff);
}

}  // namespace

std::vector<std::byte> frame(const FrameSpec& spec) {
  const auto body = transport(spec);
  std::vector<std::byte> bytes;
  ByteWriter out(bytes);
  for (const auto* mac : {&spec.eth_dst, &spec.eth_src})
    out.bytes(std::as_bytes(std::span(mac->bytes)));
  if (spec.src.is_v4()) {
    out.be16(0x0800);
    out.u8(static_cast<std::uint8_t>(0x40 + 5 + spec.ip_options / 4));
    out.u8(0);
    out.be16(static_cast<std::uint16_t>(20 + spec.ip_options + body.size()));
    out.be16(0x1234);
    out.be16(spec.fragment_offset);
    out.u8(64);
    out.u8(spec.protocol);
    out.be16(0);
    write_address(out, spec.src);
    write_address(out, spec.dst);
    out.zeros(spec.ip_options);
  } else {
    const std::size_t fragment = spec.fragment_offset != 0 ? 8 : 0;
    out.be16(0x86dd);
    out.be32(0x60000000);
    out.be16(static_cast<std::uint16_t>(spec.ip_options + fragment + body.size()));
    out.u8(spec.ip_options != 0 ? 60 : fragment != 0 ? 44 : spec.protocol);
    out.u8(64);
    write_address(out, spec.src);
    write_address(out, spec.dst);
    if (spec.ip_options != 0) {
      out.u8(fragment != 0 ? 44 : spec.protocol);
      out.u8(static_cast<std::uint8_t>(spec.ip_options / 8 - 1));
      out.zeros(spec.ip_options - 2);
    }
    if (fragment != 0) {
      out.u8(spec.protocol);
      out.u8(0);
      out.be16(static_cast<std::uint16_t>(spec.fragment_offset << 3));
      out.be32(7);
    }
  }
  out.bytes(body);
  return bytes;
}

bool checksums_hold(const std::vector<std::byte>& frame) {
  const bool v4 = frame[12] == std::byte{0x08};
  const std::size_t header = v4 ? 20 : 40;
  const auto at = [&](std::size_t from, std::size_t size) {
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(from);
    return std::vector<std::byte>(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
  if (v4 && fold(at(14, header)) != 0) return false;
  const std::byte protocol = frame[14 + (v4 ? 9 : 6)];
  auto covered = at(14 + header, frame.size() - 14 - header);
  const auto length = covered.size();
  if (covered.size() % 2 != 0) covered.push_back(std::byte{0});
  if (protocol != std::byte{1}) {
    const auto addresses = at(14 + (v4 ? 12 : 8), v4 ? 8 : 32);
    covered.insert(covered.end(), addresses.begin(), addresses.end());
    ByteWriter out(covered);
    out.be32(static_cast<std::uint32_t>(length));
    out.be16(std::to_integer<std::uint16_t>(protocol));
  }
  return fold(covered) == 0;
}

}  // namespace antrea::node::frames
