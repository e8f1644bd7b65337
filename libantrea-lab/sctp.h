#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace antrea::lab::sctp {

/// The first chunk of a packet, as far as a probe cares (RFC 9260, section 3).
enum class ChunkType : std::uint8_t { kInit = 1, kInitAck = 2, kAbort = 6 };

struct Packet {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
  std::uint32_t tag = 0;           ///< verification tag of the common header
  ChunkType type{};                ///< of the first chunk
  std::uint32_t initiate_tag = 0;  ///< of INIT and INIT-ACK
};

/// The packet with its CRC32c. INIT-ACK carries a state cookie; ABORT no cause.
std::vector<std::byte> encode(const Packet& packet);

/// Nothing if it is cut short or its CRC32c is wrong.
std::optional<Packet> decode(std::span<const std::byte> bytes);

}  // namespace antrea::lab::sctp
