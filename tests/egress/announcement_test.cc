#include "antrea/egress/announcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/addresses.h"

namespace antrea::egress {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

std::string hex(const Bytes& bytes) {
  std::string out;
  for (const std::byte byte : bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[std::to_integer<unsigned>(byte) >> 4];
    out += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

const MacAddress kMac = *MacAddress::parse("02:00:00:00:00:07");

// Field by field as RFC 5227 and RFC 4861 have them.
TEST(Announcement, Ipv4IsAGratuitousArpRequestToAll) {
  EXPECT_EQ(hex(announcement_frame(ip("172.18.0.100"), kMac)),
            "ffffffffffff020000000007"
            "0806"
            "0001080006040001"
            "020000000007ac120064"
            "000000000000ac120064");
}

TEST(Announcement, Ipv6IsAnUnsolicitedAdvertisementWithARightChecksum) {
  const Bytes frame = announcement_frame(ip("fd00::64"), kMac);
  EXPECT_EQ(hex(frame).substr(0, 28),
            "333300000001020000000007"
            "86dd");
  ASSERT_EQ(frame.size(), 14U + 40 + 32);
  EXPECT_EQ(hex(frame).substr(28, 16), "6000000000203aff") << "32 bytes of ICMPv6, hop limit 255";
  EXPECT_EQ(hex(frame).substr(54 * 2, 4), "8800") << "neighbour advertisement";
  EXPECT_EQ(hex(frame).substr(58 * 2, 8), "20000000") << "override only";
  EXPECT_EQ(hex(frame).substr(78 * 2), "0201020000000007") << "target link-layer address";
  // Summed with its checksum, a right message gives all ones (RFC 1071).
  std::uint32_t sum = 32 + 58;
  for (std::size_t at = 22; at < frame.size(); at += 2)
    sum += std::to_integer<std::uint32_t>(frame[at]) << 8 |
           std::to_integer<std::uint32_t>(frame[at + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(AnnouncementSchedule, ANewAddressIsAnnouncedAtOnceAgainAndThenNowAndThen) {
  AnnouncementSchedule schedule;
  TimePoint now{};
  schedule.set({ip("10.0.0.1")}, now);
  std::vector<milliseconds> when;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(schedule.next_deadline());
    now = *schedule.next_deadline();
    ASSERT_THAT(schedule.due(now), ElementsAre(ip("10.0.0.1")));
    EXPECT_THAT(schedule.due(now), IsEmpty()) << "twice at one time";
    when.push_back(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()));
  }
  EXPECT_THAT(when,
              ElementsAre(milliseconds(0), milliseconds(20), milliseconds(120), milliseconds(620),
                          milliseconds(2620), milliseconds(32620), milliseconds(62620)));
}

TEST(AnnouncementSchedule, OneThatStaysKeepsItsPaceAndOneThatIsGoneIsNeverDue) {
  AnnouncementSchedule schedule;
  const TimePoint start{};
  schedule.set({ip("10.0.0.1"), ip("10.0.0.2")}, start);
  EXPECT_THAT(schedule.due(start), ElementsAre(ip("10.0.0.1"), ip("10.0.0.2")));
  schedule.set({ip("10.0.0.1")}, start + milliseconds(1));
  EXPECT_THAT(schedule.due(start + milliseconds(1)), IsEmpty());
  EXPECT_THAT(schedule.due(start + seconds(100)), ElementsAre(ip("10.0.0.1")));
  schedule.set({}, start + seconds(101));
  EXPECT_FALSE(schedule.next_deadline());
  EXPECT_THAT(schedule.due(start + seconds(1000)), IsEmpty());
}

TEST(AnnouncementSchedule, AClaimIsContradictedAtOnceButNotForEverAndEver) {
  AnnouncementSchedule schedule;
  const TimePoint start{};
  schedule.set({ip("10.0.0.1")}, start);
  (void)schedule.due(start);
  const auto contradicts_at = [&](Duration when) {
    while (*schedule.next_deadline() < start + when) (void)schedule.due(*schedule.next_deadline());
    (void)schedule.due(start + when);
    schedule.assert_again(ip("10.0.0.1"), start + when);
    schedule.assert_again(ip("10.0.0.9"), start + when);
    return !schedule.due(start + when).empty();
  };
  EXPECT_FALSE(contradicts_at(milliseconds(500))) << "it is being announced";
  EXPECT_TRUE(contradicts_at(milliseconds(1000)));
  EXPECT_FALSE(contradicts_at(milliseconds(1999)));
  EXPECT_TRUE(contradicts_at(seconds(100)));
}

Bytes bytes(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return out;
}

const std::set<IpAddress> kOwn{ip("172.18.0.100"), ip("fd00::64")};
// Frames of the Linux kernel, as tcpdump shows them; 02:...:09 is 172.18.0.9 and fd00::9.
const std::string kArpRequest =
    "ffffffffffff020000000009080600010800060400010200000000"
    "09ac1200090000000000"
    "00ac120064";
const std::string kSolicitation =
    "3333ff00006402000000000986dd6000000000203aff"
    "fd000000000000000000000000000009ff0200000000000000000001ff000064"
    "870000000000"
    "0000fd0000000000000000000000000000640101020000000009";

/// With its checksum right.
Bytes solicitation(std::string text) {
  Bytes frame = bytes(text);
  std::uint32_t sum = static_cast<std::uint32_t>(frame.size() - 54) + 58;
  for (std::size_t at = 22; at + 1 < frame.size(); at += 2)
    sum += std::to_integer<std::uint32_t>(frame[at]) << 8 |
           std::to_integer<std::uint32_t>(frame[at + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  frame[56] = static_cast<std::byte>(~sum >> 8 & 0xff);
  frame[57] = static_cast<std::byte>(~sum & 0xff);
  return frame;
}

TEST(Hear, AnswersWhoAsksForAnOwnAddress) {
  const auto arp = hear(bytes(kArpRequest), kOwn, kMac);
  ASSERT_TRUE(arp.answer);
  EXPECT_EQ(hex(*arp.answer),
            "020000000009020000000007"
            "0806"
            "0001080006040002"
            "020000000007ac120064"
            "020000000009ac120009");
  const auto v6 = hear(solicitation(kSolicitation), kOwn, kMac);
  ASSERT_TRUE(v6.answer);
  EXPECT_EQ(hex(*v6.answer).substr(0, 28), "02000000000902000000000786dd");
  EXPECT_EQ(hex(*v6.answer).substr(22 * 2, 64),
            "fd000000000000000000000000000064fd000000000000000000000000000009");
  EXPECT_EQ(hex(*v6.answer).substr(54 * 2, 4), "8800");
  EXPECT_EQ(hex(*v6.answer).substr(58 * 2, 8), "60000000") << "solicited, override";
  for (const auto& heard : {arp, v6}) EXPECT_FALSE(heard.claimed);
}

TEST(Hear, WhoWantsAnOwnAddressForItselfIsAnsweredToo) {
  std::string probe = kArpRequest, detection = kSolicitation;
  probe.replace(28 * 2, 8, "00000000");
  EXPECT_TRUE(hear(bytes(probe), kOwn, kMac).answer);
  detection.replace(22 * 2, 32, std::string(32, '0'));
  const auto heard = hear(solicitation(detection), kOwn, kMac);
  ASSERT_TRUE(heard.answer);
  EXPECT_EQ(hex(*heard.answer).substr(38 * 2, 32), "ff020000000000000000000000000001");
  EXPECT_EQ(hex(*heard.answer).substr(58 * 2, 8), "20000000") << "to all: not solicited";
}

TEST(Hear, NoticesWhoClaimsAnOwnAddress) {  // antrea#5127
  const MacAddress other = *MacAddress::parse("02:00:00:00:00:09");
  for (const auto& address : kOwn) {
    const Bytes claim = announcement_frame(address, other);
    EXPECT_EQ(hear(claim, kOwn, kMac).claimed, address);
    EXPECT_FALSE(hear(claim, kOwn, kMac).answer);
    EXPECT_FALSE(hear(claim, {}, kMac).claimed) << "nothing to us";
    EXPECT_FALSE(hear(announcement_frame(address, kMac), kOwn, kMac).claimed) << "our own";
  }
}

TEST(Hear, IsSilentAboutAllElse) {
  const Bytes arp = bytes(kArpRequest), v6 = solicitation(kSolicitation);
  for (const Bytes& whole : {arp, v6}) {
    EXPECT_FALSE(hear(whole, {ip("172.18.0.101"), ip("fd00::65")}, kMac).answer);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto heard = hear(std::span(whole).first(size), kOwn, kMac);
      EXPECT_FALSE(heard.answer || heard.claimed) << size;
    }
  }
  Bytes damaged = v6;
  damaged[60] ^= std::byte{1};
  EXPECT_FALSE(hear(damaged, kOwn, kMac).answer) << "its checksum is wrong";
  Bytes routed = v6;
  routed[21] = std::byte{254};
  EXPECT_FALSE(hear(routed, kOwn, kMac).answer) << "a router has passed it on";
}

}  // namespace
}  // namespace antrea::egress
