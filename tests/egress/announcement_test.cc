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

TEST(AnnouncementSchedule, AClaimIsContradictedAtOnce) {
  AnnouncementSchedule schedule;
  const TimePoint start{};
  schedule.set({ip("10.0.0.1")}, start);
  (void)schedule.due(start);
  schedule.assert_again(ip("10.0.0.1"), start + milliseconds(5));
  schedule.assert_again(ip("10.0.0.9"), start + milliseconds(5));
  EXPECT_THAT(schedule.due(start + milliseconds(5)), ElementsAre(ip("10.0.0.1")));
}

}  // namespace
}  // namespace antrea::egress
