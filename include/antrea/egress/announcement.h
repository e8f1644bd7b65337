#pragma once

// Telling a network that an address has moved to this host.

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "antrea/base/clock.h"
#include "antrea/base/ip.h"
#include "antrea/egress/gossip_message.h"

namespace antrea::egress {

/// An Ethernet frame, without checksum: for IPv4 a gratuitous ARP request to all (RFC 5227, section
/// 3; RFC 2002, section 4.6), for IPv6 an unsolicited neighbour advertisement to all nodes with the
/// override flag set (RFC 4861, section 7.2.6).
ANTREA_API Bytes announcement_frame(const IpAddress& address, const MacAddress& mac);

/// What a frame of others is about, of addresses of this host.
struct Heard {
  std::optional<Bytes> answer;       ///< the frame to send: they ask who has an address
  std::optional<IpAddress> claimed;  ///< they say that they have this one
};

/// Reads ARP, and neighbour solicitations and advertisements, of any form; own ones are nobody's
/// business. Answers also those who probe for an address that they want themselves (RFC 5227,
/// section 2.1.1; RFC 4862, section 5.4).
ANTREA_API Heard hear(std::span<const std::byte> frame, const std::set<IpAddress>& own,
                      const MacAddress& mac);

/// Engine: when to announce which address. At once, since the world waits; again shortly after,
/// since nobody answers and a frame may be lost; and from then on now and then, for those whom even
/// that did not reach.
class ANTREA_API AnnouncementSchedule {
 public:
  static constexpr std::array<Duration, 4> kRepeats{
      std::chrono::milliseconds(20), std::chrono::milliseconds(100), std::chrono::milliseconds(500),
      std::chrono::milliseconds(2000)};
  static constexpr Duration kRefresh = std::chrono::seconds(30);
  /// Claims are contradicted so often at most: somebody else may do the same.
  static constexpr Duration kPatience = std::chrono::seconds(1);

  /// The addresses of now. A new one is due at once; one that is gone is never due again.
  void set(const std::set<IpAddress>& addresses, TimePoint now);
  /// `address`, if it is there, is announced as if it were new: another one claimed it. Not within
  /// `kPatience` of the last beginning.
  void assert_again(const IpAddress& address, TimePoint now);
  /// Those to be announced now, ascending.
  std::vector<IpAddress> due(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Entry {
    TimePoint due, begun;
    std::size_t sent = 0;
  };
  std::map<IpAddress, Entry> entries_;
};

}  // namespace antrea::egress
