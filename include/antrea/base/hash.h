#pragma once

#include <array>
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

}  // namespace antrea
