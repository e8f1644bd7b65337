#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea {

/// Where a daemon of Open vSwitch listens, as its tools write it: "unix:PATH" or "tcp:HOST:PORT"
/// (an IPv6 address in brackets).
struct Remote {
  enum class Kind : std::uint8_t { kUnix, kTcp };
  Kind kind = Kind::kUnix;
  std::string address;  ///< a path, or a host without brackets
  std::uint16_t port = 0;

  ANTREA_API std::string to_string() const;
  friend bool operator==(const Remote&, const Remote&) = default;
};

/// `default_port` stands for a port left out; 0 makes it required. Error: kInvalidArgument.
ANTREA_API Result<Remote> parse_remote(std::string_view text, std::uint16_t default_port = 0);

}  // namespace antrea
