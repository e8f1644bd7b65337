#include "antrea/ipam/range.h"

#include <gtest/gtest.h>

#include <ostream>

#include "tests/addresses.h"

namespace antrea::ipam {
namespace {

struct GoodRange {
  std::string_view name;
  RangeConfig config;
  std::string_view start, end, gateway;
};
void PrintTo(const GoodRange& c, std::ostream* os) { *os << c.config.subnet; }

class MakeRange : public testing::TestWithParam<GoodRange> {};
TEST_P(MakeRange, FillsInDefaults) {
  const auto range = make_range(GetParam().config);
  ASSERT_TRUE(range) << range.error().to_string();
  EXPECT_EQ(range->start, ip(GetParam().start));
  EXPECT_EQ(range->end, ip(GetParam().end));
  EXPECT_EQ(range->gateway, ip(GetParam().gateway));
}
INSTANTIATE_TEST_SUITE_P(
    HostLocal, MakeRange,
    testing::Values(
        GoodRange{"Slash24", {"192.0.2.0/24", "", "", ""}, "192.0.2.1", "192.0.2.254", "192.0.2.1"},
        GoodRange{"Slash25", {"192.0.2.0/25", "", "", ""}, "192.0.2.1", "192.0.2.126", "192.0.2.1"},
        GoodRange{"IPv6",
                  {"2001:DB8:1::/64", "", "", ""},
                  "2001:db8:1::1",
                  "2001:db8:1::ffff:ffff:ffff:ffff",
                  "2001:db8:1::1"},
        GoodRange{"AllGiven",
                  {"192.0.2.0/24", "192.0.2.40", "192.0.2.50", "192.0.2.254"},
                  "192.0.2.40",
                  "192.0.2.50",
                  "192.0.2.254"}),
    [](const auto& info) { return std::string(info.param.name); });

struct BadRange {
  std::string_view name;
  RangeConfig config;
  std::string_view cause;
};
void PrintTo(const BadRange& c, std::ostream* os) { *os << c.config.subnet; }

class BadRanges : public testing::TestWithParam<BadRange> {};
TEST_P(BadRanges, AreRefusedWithTheirReason) {
  const auto range = make_range(GetParam().config);
  ASSERT_FALSE(range);
  EXPECT_NE(range.error().to_string().find(GetParam().cause), std::string::npos)
      << range.error().to_string();
}
INSTANTIATE_TEST_SUITE_P(
    HostLocal, BadRanges,
    testing::Values(
        BadRange{"HostBits", {"192.0.2.12/24", "", "", ""}, "the network address is 192.0.2.0"},
        BadRange{"HostBitsV6", {"2001:DB8:24:19ff::/63", "", "", ""}, "host bits set"},
        BadRange{"TooSmall", {"192.0.2.0/31", "", "", ""}, "too small to allocate from"},
        BadRange{"StartOutside",
                 {"192.0.2.0/24", "192.0.3.0", "", ""},
                 "RangeStart 192.0.3.0 not in network"},
        BadRange{"EndOutside",
                 {"192.0.2.0/24", "", "192.0.4.0", ""},
                 "RangeEnd 192.0.4.0 not in network"},
        BadRange{"StartBehindEnd",
                 {"192.0.2.0/24", "192.0.2.50", "192.0.2.40", ""},
                 "RangeStart 192.0.2.50 not in network"},
        BadRange{"NoSubnet", {"", "", "", ""}, "expected ADDRESS/LENGTH"}),
    [](const auto& info) { return std::string(info.param.name); });

RangeSet set_of(std::initializer_list<RangeConfig> configs) {
  std::vector<Range> ranges;
  for (const auto& config : configs) ranges.push_back(make_range(config).value());
  return RangeSet::make(ranges).value();
}

TEST(RangeSet, RefusesMixedFamiliesAndOverlap) {
  const auto v4 = make_range({"10.1.0.0/22", "", "", ""}).value();
  const auto inside = make_range({"10.1.2.0/24", "", "", ""}).value();
  const auto v6 = make_range({"2001:db8::/64", "", "", ""}).value();
  EXPECT_EQ(RangeSet::make({v4, v6}).error().cause, "mixed address families");
  EXPECT_EQ(RangeSet::make({v4, inside}).error().cause,
            "subnets 10.1.0.1-10.1.3.254 and 10.1.2.1-10.1.2.254 overlap");
  EXPECT_FALSE(RangeSet::make({}));
  const std::vector sets{RangeSet::make({v4}).value(), RangeSet::make({inside}).value()};
  EXPECT_EQ(check_disjoint(sets).error().cause, "range set 0 overlaps with 1");
}

std::vector<std::string> walk(const RangeSet& set, std::optional<IpAddress> last) {
  std::vector<std::string> addresses;
  Candidates candidates(set, last);
  while (const auto next = candidates.next()) addresses.push_back(next->to_string());
  return addresses;
}

TEST(Candidates, WalkHostLocalsOrder) {
  using Addresses = std::vector<std::string>;
  const RangeSet set = set_of({{"10.0.0.0/29", "", "", ""}});
  const Addresses all{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"};
  EXPECT_EQ(walk(set, {}), all);
  EXPECT_EQ(walk(set, ip("10.0.0.6")), all);
  EXPECT_EQ(walk(set, ip("10.0.0.128")), all) << "a foreign last address counts for nothing";
  EXPECT_EQ(walk(set, ip("10.0.0.3")),
            (Addresses{"10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2", "10.0.0.3"}));
}

TEST(Candidates, GoOnInTheNextRange) {
  const RangeSet set = set_of({{"10.0.0.0/30", "", "", ""}, {"10.0.1.0/30", "", "", ""}});
  EXPECT_EQ(walk(set, {}), (std::vector<std::string>{"10.0.0.2", "10.0.1.2"}));
  EXPECT_EQ(walk(set, ip("10.0.0.2")), (std::vector<std::string>{"10.0.1.2", "10.0.0.2"}));
}

TEST(Candidates, EndOnNothingButGateways) {
  EXPECT_TRUE(walk(set_of({{"10.0.0.0/29", "10.0.0.1", "10.0.0.1", "10.0.0.1"}}), {}).empty());
}

}  // namespace
}  // namespace antrea::ipam
