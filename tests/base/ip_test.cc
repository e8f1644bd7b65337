#include "antrea/base/ip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace antrea {
namespace {

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, RoundTripsText) {
  for (const auto* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "fe80::aabb:ccff:fedd:eeff", "::ffff:10.0.0.1"})
    EXPECT_EQ(address(text).to_string(), text);
  EXPECT_EQ(address("2001:DB8:0:0::1").to_string(), "2001:db8::1");
}

TEST(IpAddress, RejectsWhatIsNoAddress) {
  for (const auto* text : {"", "10", "10.0.0", "10.0.0.256", "10.0.0.01", " 10.0.0.1", "::g",
                           "1::2::3", "fe80::1%eth0", "2001:db8:0:0:0:0:0:0:0:1"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string("10.0.0.1\0", 9)));
}

TEST(IpAddress, CountsAcrossByteBorders) {
  EXPECT_EQ(address("10.0.0.255").plus(1), address("10.0.1.0"));
  EXPECT_EQ(address("10.0.1.0").minus(1), address("10.0.0.255"));
  EXPECT_EQ(address("255.255.255.255").plus(1), address("0.0.0.0"));
  EXPECT_EQ(address("2001:db8::ffff:ffff:ffff:ffff").plus(1), address("2001:db8:0:1::"));
  EXPECT_EQ(address("10.0.0.1").distance_to(address("10.0.1.1")), 256U);
  EXPECT_EQ(address("::").distance_to(address("1::")), ~0ULL);
  EXPECT_EQ(address("10.0.0.2").distance_to(address("10.0.0.1")), 0U);
}

TEST(IpAddress, MapsAndUnmaps) {
  const auto mapped = IpAddress::v6(address("10.1.2.3").mapped_bytes());
  EXPECT_EQ(mapped.to_string(), "::ffff:10.1.2.3");
  EXPECT_EQ(mapped.unmapped(), address("10.1.2.3"));
  EXPECT_EQ(address("2001:db8::1").unmapped(), address("2001:db8::1"));
}

TEST(IpPrefix, ClearsHostBits) {
  EXPECT_EQ(prefix("10.0.0.5/24").to_string(), "10.0.0.0/24");
  EXPECT_EQ(prefix("2001:db8::ffff/33").to_string(), "2001:db8::/33");
  EXPECT_EQ(prefix("10.0.0.5/0").to_string(), "0.0.0.0/0");
  EXPECT_EQ(prefix("10.0.0.0/24").last(), address("10.0.0.255"));
  EXPECT_EQ(prefix("10.0.0.0/20").mask(), address("255.255.240.0"));
}

TEST(IpPrefix, RejectsBadLengths) {
  for (const auto* text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/1x", "10.0.0.0/-1"})
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
}

TEST(IpPrefix, FamiliesNeverMatchEachOther) {
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::1")));
  EXPECT_FALSE(prefix("::/0").contains(prefix("10.0.0.0/8")));
}

TEST(Subtract, KeepsTheWholeWithoutHoles) {
  const std::vector<IpPrefix> foreign{prefix("::/0"), prefix("11.0.0.0/8")};
  EXPECT_EQ(subtract(prefix("10.0.0.0/8"), foreign), std::vector{prefix("10.0.0.0/8")});
}

TEST(Subtract, CutsAHostOut) {
  const std::vector<IpPrefix> hole{prefix("10.0.0.2/32")};
  const std::vector<IpPrefix> want{prefix("10.0.0.0/31"), prefix("10.0.0.3/32")};
  EXPECT_EQ(subtract(prefix("10.0.0.0/30"), hole), want);
  EXPECT_TRUE(subtract(prefix("10.0.0.0/30"), std::vector{prefix("10.0.0.0/8")}).empty());
}

TEST(Subtract, EqualsMembershipByHand) {
  std::mt19937 random(7);
  const IpPrefix whole = prefix("10.0.0.0/24");
  for (int round = 0; round < 200; ++round) {
    std::vector<IpPrefix> holes;
    for (int i = 0; i < 4; ++i)
      holes.emplace_back(IpAddress::v4(0x0a000000 | (random() & 0x1ff)), 24 + random() % 9);
    const auto left = subtract(whole, holes);
    for (std::uint32_t host = 0; host < 256; ++host) {
      const auto ip = IpAddress::v4(0x0a000000 | host);
      const auto in = [&](const auto& list) {
        return std::ranges::any_of(list, [&](const IpPrefix& p) { return p.contains(ip); });
      };
      ASSERT_EQ(in(left), !in(holes)) << ip.to_string();
    }
  }
}

TEST(MacAddress, RoundTrips) {
  EXPECT_EQ(MacAddress::parse("aa:bb:cc:dd:ee:0f")->to_string(), "aa:bb:cc:dd:ee:0f");
  EXPECT_EQ(MacAddress::from_bits(0xaabbccddeeff).bits(), 0xaabbccddeeffULL);
  for (const auto* text : {"", "aa:bb:cc:dd:ee", "aa-bb-cc-dd-ee-ff", "aa:bb:cc:dd:ee:fg"})
    EXPECT_FALSE(MacAddress::parse(text)) << text;
}

}  // namespace
}  // namespace antrea
