#pragma once

#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// LZW as Go's compress/lzw writes it with least significant bits first and literals of 8 bits: a
/// clear code first, codes of 9 to 12 bits, wider as soon as the next code needs it.
Bytes lzw_compress(std::span<const std::byte> in);
/// Error: kMalformed; kExhausted when it would be more than `most` bytes.
Result<Bytes> lzw_inflate(std::span<const std::byte> in, std::size_t most);

}  // namespace antrea::egress
