#include "antrea/base/hash.h"
#include "antrea/egress/gossip_message.h"
#include "gossip_fields.h"
#include "lzw.h"

namespace antrea::egress::gossip {
namespace {

constexpr unsigned kMostLayers = 8;  // compounds, checksums and compression inside one another
constexpr std::size_t kMostParts = 1024;

Error malformed(std::string cause) { return make_error(Errc::kMalformed, std::move(cause)); }

GossipType type_of(std::span<const std::byte> message) {
  return GossipType{std::to_integer<std::uint8_t>(message[0])};
}

/// `body` is what follows the type byte of a compressed message.
Result<Bytes> inflate(std::span<const std::byte> body, std::size_t most) {
  MsgpackReader in(body);
  std::uint64_t algorithm = 0;
  Bytes packed;
  for (auto pairs = in.map(); pairs > 0 && !in.failed(); --pairs) {
    const auto key = in.text();
    if (key == "Algo") {
      algorithm = in.number(0xff);
    } else if (key == "Buf") {
      packed = in.bytes();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed("inflate gossip message: cut off or a wrong field");
  if (algorithm != 0)
    return malformed("inflate gossip message: algorithm " + std::to_string(algorithm) +
                     ", expected 0 (LZW)");
  return lzw_inflate(packed, most);
}

Result<> unwrap(std::span<const std::byte> packet, unsigned layers, std::size_t& budget,
                std::vector<Bytes>& out) {
  if (packet.empty()) return malformed("unwrap gossip packet: no bytes");
  if (layers == 0 || out.size() >= kMostParts)
    return malformed("unwrap gossip packet: too many layers or parts");
  switch (type_of(packet)) {
    case GossipType::kHasCrc: {
      ByteReader in(packet.subspan(1));
      const auto want = in.be32();
      const auto rest = in.rest();
      if (in.failed() || crc32(rest) != want)
        return malformed("unwrap gossip packet: its checksum is another");
      return unwrap(rest, layers - 1, budget, out);
    }
    case GossipType::kCompress: {
      ANTREA_TRY(const auto inflated, inflate(packet.subspan(1), budget));
      budget -= inflated.size();
      return unwrap(inflated, layers - 1, budget, out);
    }
    case GossipType::kCompound: {
      ByteReader in(packet.subspan(1));
      std::vector<std::uint16_t> sizes(in.u8());
      for (auto& size : sizes) size = in.be16();
      if (in.failed()) return malformed("unwrap gossip packet: list of lengths is cut off");
      for (const auto size : sizes) {
        const auto part = in.take(size);
        if (in.failed()) break;
        if (part.empty()) continue;
        ANTREA_CHECK(unwrap(part, layers - 1, budget, out));
      }
      return {};
    }
    default:
      out.emplace_back(packet.begin(), packet.end());
      return {};
  }
}

}  // namespace

Bytes encode_compound(std::span<const Bytes> messages) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(GossipType::kCompound));
  writer.u8(static_cast<std::uint8_t>(messages.size()));
  for (const auto& message : messages) writer.be16(static_cast<std::uint16_t>(message.size()));
  for (const auto& message : messages) writer.bytes(message);
  return out;
}

Bytes add_crc(std::span<const std::byte> packet) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(GossipType::kHasCrc));
  writer.be32(crc32(packet));
  writer.bytes(packet);
  return out;
}

Bytes compress(std::span<const std::byte> message) {
  const auto packed = lzw_compress(message);
  Bytes out{std::byte(GossipType::kCompress)};
  MsgpackWriter writer(out);
  writer.map(2);
  writer.key("Algo"), writer.number(0);
  writer.key("Buf"), writer.bytes(packed);
  if (out.size() < message.size()) return out;
  return {message.begin(), message.end()};
}

Bytes add_label(std::string_view label, std::span<const std::byte> packet) {
  Bytes out;
  if (!label.empty()) {
    out.push_back(std::byte(GossipType::kHasLabel));
    out.push_back(std::byte(label.size()));
    const auto text = as_byte_span(label);
    out.insert(out.end(), text.begin(), text.end());
  }
  out.insert(out.end(), packet.begin(), packet.end());
  return out;
}

Result<std::span<const std::byte>> strip_label(std::string_view label,
                                               std::span<const std::byte> packet) {
  std::string_view found;
  if (!packet.empty() && type_of(packet) == GossipType::kHasLabel) {
    ByteReader in(packet.subspan(1));
    const auto text = in.take(in.u8());
    if (in.failed() || text.empty()) return malformed("read gossip label: cut off or empty");
    found = {reinterpret_cast<const char*>(text.data()), text.size()};
    packet = in.rest();
  }
  if (found != label)
    return make_error(Errc::kUnauthenticated, "read gossip label: found \"" + std::string(found) +
                                                  "\", expected \"" + std::string(label) + "\"");
  return packet;
}

Result<std::vector<Bytes>> unwrap_packet(std::span<const std::byte> packet) {
  std::vector<Bytes> out;
  auto budget = kMaxInflatedPacket;
  ANTREA_CHECK(unwrap(packet, kMostLayers, budget, out));
  return out;
}

Result<Bytes> unwrap_stream(std::span<const std::byte> message) {
  if (message.empty()) return malformed("unwrap gossip stream: no bytes");
  if (type_of(message) == GossipType::kCompress)
    return inflate(message.subspan(1), kMaxInflatedStream);
  return Bytes(message.begin(), message.end());
}

Result<std::optional<std::size_t>> StreamMeter::measure(std::span<const std::byte> stream) {
  using Measured = std::optional<std::size_t>;
  const auto malformed_or_more = [](const MsgpackReader& in) -> Result<Measured> {
    if (in.truncated()) return Measured{};
    return malformed("read gossip stream: a wrong field near byte " + std::to_string(in.offset()));
  };
  if (stream.empty()) return Measured{};
  if (!header_read_) {
    MsgpackReader in(stream.subspan(1));
    switch (type_of(stream)) {
      case GossipType::kEncrypt: {
        ByteReader length(stream.subspan(1));
        tail_ = length.be32();
        if (length.failed()) return Measured{};
        if (tail_ > kMaxStreamMessage)
          return malformed("read gossip stream: " + std::to_string(tail_) +
                           " encrypted bytes, expected at most " +
                           std::to_string(kMaxStreamMessage));
        offset_ = 5;
        break;
      }
      case GossipType::kPushPull: {
        const auto header = read_push_pull_header(in);
        nodes_ = header.nodes;
        tail_ = header.user_state_size;
        break;
      }
      case GossipType::kUser:
        tail_ = read_user_header(in);
        break;
      case GossipType::kPing:
      case GossipType::kAck:
      case GossipType::kError:
      case GossipType::kCompress:
        in.skip();
        break;
      default:
        return malformed("read gossip stream: type " +
                         std::to_string(std::to_integer<unsigned>(stream[0])));
    }
    if (in.failed() && type_of(stream) != GossipType::kEncrypt) {
      if (stream.size() > kMaxStreamMessage) return malformed("read gossip stream: too long");
      return malformed_or_more(in);
    }
    if (type_of(stream) != GossipType::kEncrypt) offset_ = 1 + in.offset();
    header_read_ = true;
  }
  for (; nodes_ > 0; --nodes_) {
    if (offset_ > kMaxStreamMessage) return malformed("read gossip stream: too long");
    MsgpackReader in(stream.subspan(offset_));
    in.skip();
    if (in.failed()) return malformed_or_more(in);
    offset_ += in.offset();
  }
  const auto size = offset_ + tail_;
  return stream.size() < size ? Measured{} : Measured{size};
}

}  // namespace antrea::egress::gossip
