#include "libantrea-policy/held_groups.h"

#include <gtest/gtest.h>

#include <random>

namespace antrea::policy {
namespace {

/// Members of few addresses, so that they share them, some with two addresses or with a port.
class Crowd {
 public:
  explicit Crowd(std::uint32_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  cp::GroupMember member() {
    cp::GroupMember member;
    member.key = {"ns", "pod-" + std::to_string(below(6))};
    member.ips = {IpAddress::v4(below(4))};
    if (below(4) == 0)
      member.ips.push_back(IpAddress::v6({0, 1, static_cast<std::uint8_t>(below(2))}));
    if (below(4) == 0) member.ports = {{80, "http", api::Protocol::kTcp}};
    return member;
  }

 private:
  std::mt19937 random_;
};

/// As the controllers tell members apart.
using Model = std::map<std::pair<api::ObjectKey, std::vector<IpAddress>>, cp::GroupMember>;

std::set<IpAddress> addresses_of(const Model& model) {
  std::set<IpAddress> ips;
  for (const auto& [key, member] : model) ips.insert(member.ips.begin(), member.ips.end());
  return ips;
}

TEST(HeldAddressGroup, HoldsTheAddressesOfItsMembersThroughRandomHistories) {
  for (std::uint32_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Crowd crowd(seed);
    HeldAddressGroup group;
    Model model;
    for (int batch = 0; batch < 20; ++batch) {
      const std::set<IpAddress> before = addresses_of(model);
      for (std::uint32_t i = 0; i < 1 + crowd.below(4); ++i) {
        const cp::GroupMember member = crowd.member();
        switch (crowd.below(5)) {
          case 0: {
            std::vector<cp::GroupMember> all;
            model.clear();
            for (std::uint32_t j = 0; j < crowd.below(8); ++j) {
              const cp::GroupMember each = crowd.member();
              if (model.emplace(std::pair(each.key, each.ips), each).second) all.push_back(each);
            }
            group.replace(all);
            break;
          }
          case 1:
          case 2:
            group.remove(member);
            model.erase({member.key, member.ips});
            break;
          default:
            group.add(member);
            model.insert_or_assign({member.key, member.ips}, member);
        }
      }
      const std::set<IpAddress> after = addresses_of(model);
      std::set<IpAddress> held;
      group.for_each_address([&](const IpAddress& ip) { held.insert(ip); });
      EXPECT_EQ(held, after);
      std::multiset<std::pair<IpAddress, std::size_t>> members, expected;
      group.for_each_member([&](auto ips, auto ports) {
        for (const IpAddress& ip : ips) members.emplace(ip, ports.size());
      });
      for (const auto& [key, member] : model)
        for (const IpAddress& ip : member.ips) expected.emplace(ip, member.ports.size());
      EXPECT_EQ(members, expected);
      for (const auto& [ip, was_there] : group.touched()) EXPECT_EQ(was_there, before.contains(ip));
      for (const std::set<IpAddress>* side : {&before, &after})
        for (const IpAddress& ip : *side) {
          EXPECT_EQ(group.contained(ip), before.contains(ip));
          EXPECT_EQ(group.contains(ip), after.contains(ip));
          EXPECT_TRUE(before.contains(ip) == after.contains(ip) || group.touched().contains(ip));
        }
      EXPECT_EQ(group.empty(), model.empty());
      group.end_batch();
    }
  }
}

}  // namespace
}  // namespace antrea::policy
