#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"

namespace antrea::policy {

/// A box of traffic, bounds inclusive. For ICMP the ports are the type and the source ports the
/// code, 0 to 255; without protocol (everything that is not TCP, UDP, SCTP or ICMP) they mean
/// nothing.
struct TrafficRange {
  std::optional<api::controlplane::ServiceProtocol> protocol;
  std::uint16_t first_port = 0, last_port = 65535;
  std::uint16_t first_source_port = 0, last_source_port = 65535;

  /// "TCP/80", "UDP/53-54/src=1-1023", "ICMP/type=8/code=0", "SCTP", "other protocols".
  ANTREA_API std::string to_string() const;
  friend auto operator<=>(const TrafficRange&, const TrafficRange&) = default;
};

/// "TCP/80, UDP", or "everything".
ANTREA_API std::string to_string(std::span<const TrafficRange> traffic);

}  // namespace antrea::policy
