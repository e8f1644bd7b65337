#include "sctp.h"

namespace antrea::lab::sctp {
namespace {

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kInitSize = 20;
constexpr std::uint16_t kStateCookie = 7;

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    // The checksum field itself counts as zero.
    const bool in_field = i >= 8 && i < 12;
    crc ^= in_field ? 0U : std::to_integer<std::uint32_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

std::uint32_t be(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

void put(std::vector<std::byte>& out, std::uint32_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

}  // namespace

std::vector<std::byte> encode(const Packet& packet) {
  std::vector<std::byte> out;
  put(out, packet.source, 2);
  put(out, packet.destination, 2);
  put(out, packet.tag, 4);
  put(out, 0, 4);
  put(out, static_cast<std::uint32_t>(packet.type), 1);
  put(out, 0, 1);
  if (packet.type == ChunkType::kAbort) {
    put(out, 4, 2);
  } else {
    const bool ack = packet.type == ChunkType::kInitAck;
    put(out, kInitSize + (ack ? 8 : 0), 2);
    put(out, packet.initiate_tag, 4);
    put(out, 65536, 4);  // receiver window
    put(out, 1, 2);      // outbound streams
    put(out, 1, 2);      // inbound streams
    put(out, 1, 4);      // initial TSN
    if (ack) {
      put(out, kStateCookie, 2);
      put(out, 8, 2);
      put(out, packet.initiate_tag, 4);
    }
  }
  const std::uint32_t crc = crc32c(out);
  for (std::size_t i = 0; i < 4; ++i) out[8 + i] = static_cast<std::byte>(crc >> (8 * i));
  return out;
}

std::optional<Packet> decode(std::span<const std::byte> bytes) {
  if (bytes.size() < kCommonHeader + 4) return std::nullopt;
  const std::uint32_t crc = crc32c(bytes);
  for (std::size_t i = 0; i < 4; ++i) {
    if (bytes[8 + i] != static_cast<std::byte>(crc >> (8 * i))) return std::nullopt;
  }
  Packet out{.source = static_cast<std::uint16_t>(be(bytes, 0, 2)),
             .destination = static_cast<std::uint16_t>(be(bytes, 2, 2)),
             .tag = be(bytes, 4, 4),
             .type = static_cast<ChunkType>(be(bytes, 12, 1))};
  if (out.type == ChunkType::kInit || out.type == ChunkType::kInitAck) {
    if (bytes.size() < kCommonHeader + kInitSize) return std::nullopt;
    out.initiate_tag = be(bytes, 16, 4);
  }
  return out;
}

}  // namespace antrea::lab::sctp
