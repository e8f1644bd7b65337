#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea {

/// Where a peer of Open vSwitch is, as its tools write it. To connect: "unix:PATH",
/// "tcp:HOST:PORT" or "ssl:HOST:PORT" (an IPv6 address in brackets). To listen: "punix:PATH",
/// "ptcp:[PORT][:HOST]" or "pssl:[PORT][:HOST]", without a host on all addresses.
struct Remote {
  enum class Kind : std::uint8_t { kUnix, kTcp, kSsl };
  Kind kind = Kind::kUnix;
  std::string address;  ///< a path, or a host without brackets
  std::uint16_t port = 0;
  bool passive = false;  ///< listens; a port of 0 is then any free one

  ANTREA_API std::string to_string() const;
  friend bool operator==(const Remote&, const Remote&) = default;
};

/// `default_port` stands for a port left out; 0 makes it required, but for listening. Error:
/// kInvalidArgument.
ANTREA_API Result<Remote> parse_remote(std::string_view text, std::uint16_t default_port = 0);

}  // namespace antrea
