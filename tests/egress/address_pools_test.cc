#include "antrea/egress/address_pools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

using api::crd::ExternalIPPool;
using api::crd::IpRange;
using api::crd::PoolUsage;
using testing::ElementsAre;
using testing::HasSubstr;

/// Of "10.0.0.0/30" and "10.0.1.1-10.0.1.2".
ExternalIPPool pool_of(const std::string& name, const std::vector<std::string>& ranges,
                       const std::string& gateway = {}, std::uint8_t prefix_length = 24) {
  ExternalIPPool pool;
  pool.metadata.name = name;
  for (const auto& text : ranges) {
    if (const auto dash = text.find('-'); dash != std::string::npos) {
      pool.ranges.push_back({ip(text.substr(0, dash)), ip(text.substr(dash + 1)), std::nullopt});
    } else {
      const auto cidr = *IpPrefix::parse(text);
      pool.ranges.push_back({cidr.address(), cidr.last(), cidr});
    }
  }
  if (!gateway.empty()) pool.subnet_info = {ip(gateway), prefix_length, 0};
  return pool;
}

/// What a pool hands out to the last address.
std::vector<std::string> all_of(const ExternalIPPool& pool) {
  AddressPools pools;
  pools.set(pool);
  std::vector<std::string> all;
  const auto total = pools.usage(pool.metadata.name).total;
  while (auto ip = pools.allocate(pool.metadata.name, "owner")) all.push_back(ip->to_string());
  EXPECT_EQ(static_cast<std::int64_t>(all.size()), total);
  EXPECT_EQ(pools.usage(pool.metadata.name), (PoolUsage{total, total}));
  return all;
}

TEST(AddressPools, HandsOutAllButTheEndsOfANetwork) {
  EXPECT_THAT(all_of(pool_of("p", {"10.0.0.0/30"})), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(all_of(pool_of("p", {"fd00::/126"})), ElementsAre("fd00::1", "fd00::2", "fd00::3"));
  EXPECT_THAT(all_of(pool_of("p", {"10.0.0.0/31"})), ElementsAre());
  EXPECT_THAT(all_of(pool_of("p", {"10.0.0.0/32", "fd00::/128"})), ElementsAre());
  EXPECT_THAT(all_of(pool_of("p", {"10.0.0.0-10.0.0.1"})), ElementsAre("10.0.0.0", "10.0.0.1"));
  EXPECT_THAT(all_of(pool_of("p", {"255.255.255.254-255.255.255.255"})),
              ElementsAre("255.255.255.254", "255.255.255.255"));
  EXPECT_THAT(all_of(pool_of("p", {"10.0.1.9-10.0.1.9", "10.0.0.0/30"})),
              ElementsAre("10.0.1.9", "10.0.0.1", "10.0.0.2"))
      << "in the order of the ranges";
}

// antrea #7870, where the gateway is handed out.
TEST(AddressPools, NeverHandsOutTheGatewayNorTheEndsOfItsSubnet) {
  EXPECT_THAT(all_of(pool_of("p", {"10.0.0.0-10.0.0.7"}, "10.0.0.3", 29)),
              ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"));
  EXPECT_THAT(all_of(pool_of("p", {"fd00::-fd00::3"}, "fd00::1", 64)),
              ElementsAre("fd00::2", "fd00::3"));
  AddressPools pools;
  pools.set(pool_of("p", {"10.0.0.0-10.0.0.7"}, "10.0.0.3", 29));
  EXPECT_TRUE(pools.contains("p", ip("10.0.0.3")));
  EXPECT_EQ(
      pools.reserve("p", ip("10.0.0.3"), "a").error().to_string(),
      "ExternalIPPool p: reserve 10.0.0.3: it is a gateway, or the first or last address of a "
      "network");
}

TEST(AddressPools, CountsRangesOfAnySize) {
  AddressPools pools;
  pools.set(pool_of("wide", {"fd00::/16", "fd01:1::-fd01:1::ffff:ffff:ffff:ffff:0"}));
  EXPECT_EQ(pools.usage("wide").total, std::numeric_limits<std::int64_t>::max());
  // Beyond what 64 bits of offset can tell.
  EXPECT_TRUE(pools.reserve("wide", ip("fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "a"));
  EXPECT_TRUE(pools.reserve("wide", ip("fd00:8000::"), "b"));
  EXPECT_EQ(pools.allocate("wide", "c")->to_string(), "fd00::1");
  pools.set(pool_of("half", {"fd02::/65"}));
  EXPECT_EQ(pools.usage("half").total, std::numeric_limits<std::int64_t>::max());
  pools.set(pool_of("less", {"fd03::/66"}));
  EXPECT_EQ(pools.usage("less").total, (std::int64_t{1} << 62) - 1);
  EXPECT_EQ(pools.usage("none"), PoolUsage{});
}

TEST(AddressPools, ReservedAddressesAreSkippedAndReleasedOnesComeFirst) {
  AddressPools pools;
  pools.set(pool_of("p", {"10.0.0.1-10.0.0.4"}));
  ASSERT_TRUE(pools.reserve("p", ip("10.0.0.2"), "a"));
  ASSERT_TRUE(pools.reserve("p", ip("10.0.0.2"), "a")) << "again, by the same";
  EXPECT_EQ(pools.usage("p"), (PoolUsage{4, 1}));
  EXPECT_EQ(pools.allocate("p", "b")->to_string(), "10.0.0.1");
  EXPECT_EQ(pools.allocate("p", "c")->to_string(), "10.0.0.3");
  EXPECT_FALSE(pools.release(ip("10.0.0.1"), "c")) << "it is not his";
  EXPECT_TRUE(pools.release(ip("10.0.0.1"), "b"));
  EXPECT_FALSE(pools.release(ip("10.0.0.1"), "b"));
  EXPECT_EQ(pools.allocate("p", "d")->to_string(), "10.0.0.1");
  EXPECT_EQ(*pools.owner(ip("10.0.0.1")), "d");
  EXPECT_EQ(pools.owner(ip("10.0.0.4")), nullptr);
}

TEST(AddressPools, ErrorsNameAddressPoolAndOwner) {
  AddressPools pools;
  pools.set(pool_of("p", {"10.0.0.1-10.0.0.1"}));
  ASSERT_TRUE(pools.allocate("p", "Egress web"));
  const auto taken = pools.reserve("p", ip("10.0.0.1"), "Egress db").error();
  EXPECT_EQ(taken.code, Errc::kAlreadyExists);
  EXPECT_EQ(taken.to_string(), "ExternalIPPool p: reserve 10.0.0.1: it is held by Egress web");
  EXPECT_EQ(pools.reserve("p", ip("10.0.0.2"), "x").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(pools.reserve("q", ip("10.0.0.2"), "x").error().code, Errc::kNotFound);
  EXPECT_EQ(pools.allocate("q", "x").error().code, Errc::kNotFound);
  const auto full = pools.allocate("p", "x").error();
  EXPECT_EQ(full.code, Errc::kExhausted);
  EXPECT_EQ(full.to_string(), "ExternalIPPool p: allocate: all 1 addresses of the pool are in use");
}

// antrea #6685
TEST(AddressPools, ChangedRangesTakeBackWhatTheyLack) {
  AddressPools pools;
  pools.set(pool_of("p", {"10.0.0.1-10.0.0.4"}));
  for (const auto* owner : {"a", "b", "c"}) ASSERT_TRUE(pools.allocate("p", owner));
  EXPECT_THAT(pools.set(pool_of("p", {"10.0.0.2-10.0.0.9"}, "10.0.0.3")),
              ElementsAre(Holding{ip("10.0.0.1"), "p", "a"}, Holding{ip("10.0.0.3"), "p", "c"}));
  EXPECT_EQ(pools.usage("p"), (PoolUsage{7, 1}));
  EXPECT_EQ(pools.allocate("p", "d")->to_string(), "10.0.0.4");
  EXPECT_THAT(pools.remove("p"),
              ElementsAre(Holding{ip("10.0.0.2"), "p", "b"}, Holding{ip("10.0.0.4"), "p", "d"}));
  EXPECT_EQ(pools.owner(ip("10.0.0.2")), nullptr);
}

// Everything at once, held against a list of addresses.
TEST(AddressPools, RandomHistoriesEqualANaiveList) {
  std::mt19937 random(3);
  const auto below = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  // Two pools that may overlap; .0 to .31 of one network.
  const auto random_pool = [&](const std::string& name) {
    std::vector<std::string> ranges;
    const unsigned middle = below(16);
    ranges.push_back("10.0.0." + std::to_string(below(middle + 1)) + "-10.0.0." +
                     std::to_string(middle));
    if (below(2) == 0) ranges.push_back("10.0.0.16/29");
    return pool_of(name, ranges, below(2) == 0 ? "10.0.0." + std::to_string(below(32)) : "", 27);
  };
  const auto usable = [](const ExternalIPPool& pool, const IpAddress& ip) {
    bool in = false;
    for (const auto& range : pool.ranges) {
      if (range.cidr && (ip == range.start || ip == range.end)) return false;
      in = in || range.contains(ip);
    }
    if (pool.subnet_info &&
        (ip == pool.subnet_info->gateway || ip == pool.subnet_info->subnet().address() ||
         ip == pool.subnet_info->subnet().last()))
      return false;
    return in;
  };

  AddressPools pools;
  std::map<std::string, ExternalIPPool> known;
  std::map<IpAddress, Holding> held;
  for (int step = 0; step < 20'000; ++step) {
    const std::string name = below(2) == 0 ? "a" : "b";
    const IpAddress ip = IpAddress::v4(0x0a000000 + below(32));
    const std::string owner = "o" + std::to_string(below(6));
    const bool exists = known.contains(name);
    switch (below(50) == 0 ? 0 : 1 + below(4)) {
      case 0: {
        std::vector<Holding> lost;
        const bool removed = below(3) == 0;
        const auto pool = random_pool(name);
        for (const auto& [at, holding] : held)
          if (holding.pool == name && (removed || !usable(pool, at))) lost.push_back(holding);
        for (const auto& holding : lost) held.erase(holding.ip);
        if (removed)
          known.erase(name);
        else
          known[name] = pool;
        ASSERT_EQ(removed ? pools.remove(name) : pools.set(pool), lost);
        break;
      }
      case 1: {
        std::optional<IpAddress> lowest;
        if (exists)
          for (const auto& range : known[name].ranges)
            for (IpAddress at = range.start; !lowest && at <= range.end; at = at.plus(1))
              if (usable(known[name], at) && !held.contains(at)) lowest = at;
        const auto given = pools.allocate(name, owner);
        ASSERT_EQ(given.has_value(), lowest.has_value()) << step;
        if (!lowest) break;
        ASSERT_EQ(*given, *lowest);
        held[*lowest] = {*lowest, name, owner};
        break;
      }
      case 2: {
        const bool mine = held.contains(ip) && held[ip] == Holding{ip, name, owner};
        const bool fine = exists && usable(known[name], ip) && (!held.contains(ip) || mine);
        ASSERT_EQ(pools.reserve(name, ip, owner).has_value(), fine) << step;
        if (fine) held[ip] = {ip, name, owner};
        break;
      }
      default: {
        const bool mine = held.contains(ip) && held[ip].owner == owner;
        ASSERT_EQ(pools.release(ip, owner), mine);
        if (mine) held.erase(ip);
      }
    }
    for (const auto& [each, pool] : known) {
      PoolUsage usage;
      for (unsigned i = 0; i < 32; ++i)
        usage.total += usable(pool, IpAddress::v4(0x0a000000 + i)) ? 1 : 0;
      for (const auto& [at, holding] : held) usage.used += holding.pool == each ? 1 : 0;
      ASSERT_EQ(pools.usage(each), usage) << step;
    }
  }
}

}  // namespace
}  // namespace antrea::egress
