#include "antrea/egress/announcement.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "antrea/base/bytes.h"

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

  Bytes bytes;
};

constexpr unsigned kArp = 0x0806, kIpv6 = 0x86dd, kIcmpv6 = 58, kSolicitation = 135,
                   kAdvertisement = 136;
constexpr std::size_t kIpHeader = 14, kIcmp = kIpHeader + 40;
const IpAddress kAllNodes = IpAddress::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

/// Somebody on the link.
struct Station {
  MacAddress mac;
  IpAddress ip;
};

Bytes arp(unsigned operation, const MacAddress& to, const Station& sender, const Station& target) {
  Frame frame;
  frame.mac(to).mac(sender.mac).put16(kArp);
  frame.put16(1).put16(0x0800).put8(6).put8(4).put16(operation);  // Ethernet, IPv4
  frame.mac(sender.mac).ip(sender.ip).mac(target.mac).ip(target.ip);
  return std::move(frame.bytes);
}

/// RFC 4443, section 2.3: over the addresses, the length, the next header, and the message.
std::uint16_t sum_of(std::span<const std::byte> frame) {
  const auto at = [&](std::size_t i) {
    return i < frame.size() ? std::to_integer<std::uint32_t>(frame[i]) : 0;
  };
  std::uint32_t sum = static_cast<std::uint32_t>(frame.size() - kIcmp) + kIcmpv6;
  for (std::size_t i = kIpHeader + 8; i < frame.size(); i += 2) sum += at(i) << 8 | at(i + 1);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

Bytes advertisement(unsigned flags, const Station& sender, const Station& to) {
  constexpr unsigned kPayload = 32;
  Frame frame;
  frame.mac(to.mac).mac(sender.mac).put16(kIpv6);
  frame.put16(0x6000).put16(0).put16(kPayload).put8(kIcmpv6).put8(255);
  frame.ip(sender.ip).ip(to.ip);
  frame.put8(kAdvertisement).put8(0).put16(0).put16(flags).put16(0);
  frame.ip(sender.ip).put8(2).put8(1).mac(sender.mac);  // option: target link-layer address
  const unsigned checksum = ~static_cast<unsigned>(sum_of(frame.bytes));
  frame.bytes[kIcmp + 2] = static_cast<Bytes::value_type>(checksum >> 8 & 0xff);
  frame.bytes[kIcmp + 3] = static_cast<Bytes::value_type>(checksum & 0xff);
  return std::move(frame.bytes);
}

MacAddress read_mac(ByteReader& in) {
  MacAddress mac;
  const auto bytes = in.take(mac.bytes.size());
  if (!in.failed()) std::memcpy(mac.bytes.data(), bytes.data(), bytes.size());
  return mac;
}
IpAddress read_ip(ByteReader& in, std::size_t size) {
  const auto address = IpAddress::from_bytes(in.take(size));
  return address ? *address : IpAddress();
}

Heard hear_arp(ByteReader in, const std::set<IpAddress>& own, const MacAddress& mac) {
  const bool usual = in.be32() == 0x00010800 && in.be16() == 0x0604;
  const unsigned operation = in.be16();
  Station sender, target;
  sender.mac = read_mac(in);
  sender.ip = read_ip(in, 4);
  target.mac = read_mac(in);
  target.ip = read_ip(in, 4);
  if (in.failed() || !usual || sender.mac == mac) return {};
  if (own.contains(sender.ip)) return {{}, sender.ip};
  constexpr unsigned kRequest = 1, kReply = 2;
  if (operation != kRequest || !own.contains(target.ip)) return {};
  return {arp(kReply, sender.mac, {mac, target.ip}, sender), {}};
}

Heard hear_icmpv6(std::span<const std::byte> frame, const MacAddress& from,
                  const std::set<IpAddress>& own, const MacAddress& mac) {
  ByteReader in(frame.subspan(kIpHeader));
  in.skip(4);
  const std::size_t size = in.be16();
  const bool icmpv6 = in.u8() == kIcmpv6, local = in.u8() == 255;  // no router has touched it
  const IpAddress sender = read_ip(in, 16);
  in.skip(16);
  const unsigned type = in.u8();
  in.skip(7);
  const IpAddress target = read_ip(in, 16);
  if (in.failed() || !icmpv6 || !local || frame.size() < kIcmp + size || !own.contains(target) ||
      from == mac || sum_of(frame.first(kIcmp + size)) != 0xffff)
    return {};
  if (type == kAdvertisement) return {{}, target};
  if (type != kSolicitation) return {};
  constexpr unsigned kSolicited = 0x4000, kOverride = 0x2000;
  if (sender.is_unspecified())  // it wants the address for itself
    return {advertisement(kOverride, {mac, target}, {from, kAllNodes}), {}};
  return {advertisement(kSolicited | kOverride, {mac, target}, {from, sender}), {}};
}

}  // namespace

Bytes announcement_frame(const IpAddress& address, const MacAddress& mac) {
  constexpr unsigned kRequest = 1, kOverride = 0x2000;
  if (address.is_v4())
    return arp(kRequest, MacAddress::from_bits(0xffffffffffff), {mac, address}, {{}, address});
  return advertisement(kOverride, {mac, address},
                       {MacAddress::from_bits(0x333300000001), kAllNodes});
}

Heard hear(std::span<const std::byte> frame, const std::set<IpAddress>& own,
           const MacAddress& mac) {
  ByteReader in(frame);
  in.skip(6);
  const MacAddress from = read_mac(in);
  const unsigned type = in.be16();
  if (in.failed()) return {};
  if (type == kArp) return hear_arp(in, own, mac);
  return type == kIpv6 ? hear_icmpv6(frame, from, own, mac) : Heard{};
}

void AnnouncementSchedule::set(const std::set<IpAddress>& addresses, TimePoint now) {
  std::erase_if(entries_, [&](const auto& entry) { return !addresses.contains(entry.first); });
  for (const IpAddress& address : addresses) entries_.try_emplace(address, Entry{now, now});
}

void AnnouncementSchedule::assert_again(const IpAddress& address, TimePoint now) {
  const auto found = entries_.find(address);
  if (found != entries_.end() && now >= found->second.begun + kPatience)
    found->second = Entry{now, now};
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
