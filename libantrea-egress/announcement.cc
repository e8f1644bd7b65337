#include "antrea/egress/announcement.h"

#include <algorithm>

namespace antrea::egress {

namespace {

class Frame {
 public:
  Frame& mac(const MacAddress& mac) {
    for (const auto byte : mac.bytes) put8(byte);
    return *this;
  }
  Frame& ip(const IpAddress& ip) {
    for (const auto byte : ip.bytes()) put8(byte);
    return *this;
  }
  Frame& put8(unsigned value) {
    bytes.push_back(static_cast<Bytes::value_type>(value));
    return *this;
  }
  Frame& put16(unsigned value) { return put8(value >> 8).put8(value & 0xff); }
  unsigned at16(std::size_t at) const {
    return static_cast<unsigned>(bytes[at]) << 8 | static_cast<unsigned>(bytes[at + 1]);
  }

  Bytes bytes;
};

Bytes gratuitous_arp(const IpAddress& address, const MacAddress& mac) {
  Frame frame;
  frame.mac(MacAddress::from_bits(0xffffffffffff)).mac(mac).put16(0x0806);
  frame.put16(1).put16(0x0800).put8(6).put8(4).put16(1);  // Ethernet, IPv4, request
  frame.mac(mac).ip(address).mac({}).ip(address);
  return std::move(frame.bytes);
}

Bytes unsolicited_advertisement(const IpAddress& address, const MacAddress& mac) {
  constexpr std::size_t kIp = 14, kSource = kIp + 8, kIcmp = kIp + 40;
  constexpr unsigned kPayload = 32, kIcmpv6 = 58;
  Frame frame;
  frame.mac(MacAddress::from_bits(0x333300000001)).mac(mac).put16(0x86dd);
  frame.put16(0x6000).put16(0).put16(kPayload).put8(kIcmpv6).put8(255);
  frame.ip(address).ip(IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  frame.put8(136).put8(0).put16(0);            // neighbour advertisement; its checksum comes below
  frame.put16(0x2000).put16(0);                // override
  frame.ip(address).put8(2).put8(1).mac(mac);  // option: target link-layer address
  // RFC 4443, section 2.3: over the addresses, the length, the next header, and the message.
  std::uint32_t sum = kPayload + kIcmpv6;
  for (std::size_t at = kSource; at < frame.bytes.size(); at += 2) sum += frame.at16(at);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  frame.bytes[kIcmp + 2] = static_cast<Bytes::value_type>(~sum >> 8 & 0xff);
  frame.bytes[kIcmp + 3] = static_cast<Bytes::value_type>(~sum & 0xff);
  return std::move(frame.bytes);
}

}  // namespace

Bytes announcement_frame(const IpAddress& address, const MacAddress& mac) {
  return address.is_v4() ? gratuitous_arp(address, mac) : unsolicited_advertisement(address, mac);
}

void AnnouncementSchedule::set(const std::set<IpAddress>& addresses, TimePoint now) {
  std::erase_if(entries_, [&](const auto& entry) { return !addresses.contains(entry.first); });
  for (const IpAddress& address : addresses) entries_.try_emplace(address, Entry{now});
}

void AnnouncementSchedule::assert_again(const IpAddress& address, TimePoint now) {
  if (const auto found = entries_.find(address); found != entries_.end())
    found->second = Entry{now};
}

std::vector<IpAddress> AnnouncementSchedule::due(TimePoint now) {
  std::vector<IpAddress> out;
  for (auto& [address, entry] : entries_) {
    if (entry.due > now) continue;
    out.push_back(address);
    entry.due = now + (entry.sent < kRepeats.size() ? kRepeats[entry.sent] : kRefresh);
    ++entry.sent;
  }
  return out;
}

std::optional<TimePoint> AnnouncementSchedule::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [address, entry] : entries_)
    if (!next || entry.due < *next) next = entry.due;
  return next;
}

}  // namespace antrea::egress
