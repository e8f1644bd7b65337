#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "antrea/base/export.h"

namespace antrea {

/// SHA-1 (RFC 3174), for names on the wire, never for security.
ANTREA_API std::array<std::uint8_t, 20> sha1(std::string_view text);
/// The first `digits` (at most 40) lower-case hex digits of SHA-1.
ANTREA_API std::string sha1_hex(std::string_view text, std::size_t digits = 40);
/// A name-based UUID (RFC 4122 version 5) as text. `name_space` is a UUID as text.
ANTREA_API std::string uuid_v5(std::string_view name_space, std::string_view name);
/// A random UUID (version 4) as text.
ANTREA_API std::string uuid_v4();
/// FNV-1a, 64 bits: stable over processes and releases, so fit for numbers that reach the switch.
ANTREA_API std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0);
/// CRC-32 of IEEE 802.3 (polynomial 0xedb88320, reflected), as zlib and Go's hash/crc32 have it.
/// `before`: the CRC of what stands before these bytes.
ANTREA_API std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace antrea
