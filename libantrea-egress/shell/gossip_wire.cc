#include "gossip_wire.h"

namespace antrea::egress {
namespace {

constexpr std::size_t kStreamHead = 5;  // type byte, length

Bytes joined(std::span<const std::byte> a, std::string_view b) {
  Bytes out(a.begin(), a.end());
  const auto more = as_byte_span(b);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

std::size_t GossipWire::overhead() const {
  return (label.empty() ? 0 : 2 + label.size()) + (encrypts() ? Keyring::kOverhead : 0);
}

Result<Bytes> GossipWire::wrap_packet(std::span<const std::byte> packet) const {
  if (!encrypts()) return gossip::add_label(label, packet);
  ANTREA_TRY(const auto sealed, keys.seal(packet, as_byte_span(label)));
  return gossip::add_label(label, sealed);
}

Result<Bytes> GossipWire::unwrap_packet(std::span<const std::byte> wire) const {
  ANTREA_TRY(const auto body, gossip::strip_label(label, wire));
  if (keys.empty()) return Bytes(body.begin(), body.end());
  auto plain = keys.open(body, as_byte_span(label));
  if (!plain && !verify_incoming) return Bytes(body.begin(), body.end());
  return plain;
}

Result<Bytes> GossipWire::wrap_stream(std::span<const std::byte> message, bool opening) const {
  Bytes bytes(message.begin(), message.end());
  if (compression) bytes = gossip::compress(bytes);
  if (encrypts()) {
    Bytes head;
    ByteWriter writer(head);
    writer.u8(static_cast<std::uint8_t>(GossipType::kEncrypt));
    writer.be32(static_cast<std::uint32_t>(bytes.size() + Keyring::kOverhead));
    ANTREA_TRY(const auto sealed, keys.seal(bytes, joined(head, label)));
    writer.bytes(sealed);
    bytes = std::move(head);
  }
  return opening ? gossip::add_label(label, bytes) : std::move(bytes);
}

Result<Bytes> GossipWire::unwrap_stream(std::span<const std::byte> wire) const {
  if (wire.empty()) return make_error(Errc::kMalformed, "read gossip stream: no bytes");
  if (wire[0] != std::byte(GossipType::kEncrypt)) {
    const bool error = wire[0] == std::byte(GossipType::kError);
    if (!keys.empty() && verify_incoming && !error)
      return make_error(Errc::kUnauthenticated, "read gossip stream: not encrypted");
    return gossip::unwrap_stream(wire);
  }
  if (keys.empty())
    return make_error(Errc::kUnauthenticated, "read gossip stream: encrypted, and there is no key");
  ANTREA_TRY(const auto plain,
             keys.open(wire.subspan(kStreamHead), joined(wire.first(kStreamHead), label)));
  return gossip::unwrap_stream(plain);
}

}  // namespace antrea::egress
