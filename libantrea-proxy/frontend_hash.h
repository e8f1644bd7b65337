#pragma once

#include <cstddef>

#include "antrea/proxy/service_types.h"

namespace antrea::proxy {

struct FrontendHash {
  std::size_t operator()(const Frontend& f) const noexcept {
    const auto low = std::size_t{f.port} << 8 | static_cast<std::size_t>(f.protocol);
    if (f.ip.is_v4()) return std::size_t{f.ip.v4_bits()} << 24 ^ low;
    std::size_t hash = low;
    for (const std::uint8_t byte : f.ip.bytes()) hash = hash * 0x100000001b3U ^ byte;
    return hash;
  }
};

}  // namespace antrea::proxy
