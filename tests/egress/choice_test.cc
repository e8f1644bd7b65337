#include "antrea/egress/choice.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

const api::ObjectKey kPod{"default", "web"};

std::vector<const api::crd::Egress*> in_order(const std::vector<api::crd::Egress>& egresses) {
  std::vector<const api::crd::Egress*> out;
  for (const auto& each : egresses) out.push_back(&each);
  std::ranges::sort(out, [](const auto* a, const auto* b) { return comes_before(*a, *b); });
  return out;
}

TEST(EgressChoice, TheOldestHasThePodAndOfEqualsTheFirstByName) {
  const std::vector all{make_egress("young", {"10.0.0.1"}, "pool", 9),
                        make_egress("b", {"10.0.0.2"}, "pool", 1),
                        make_egress("a", {"10.0.0.3"}, "pool", 1)};
  const auto choice = choose(kPod, in_order(all));
  ASSERT_EQ(choice.addresses.size(), 1U);
  EXPECT_EQ(choice.addresses[0].egress->metadata.name, "a");
  EXPECT_EQ(choice.addresses[0].ip, ip("10.0.0.3"));
  EXPECT_EQ(choice.waits_for, nullptr);
}

TEST(EgressChoice, AFamilyThatTheOldestHasNoAddressOfIsTheNextOnes) {
  const std::vector all{make_egress("a", {"10.0.0.1"}, "pool", 1),
                        make_egress("b", {"10.0.0.2", "fd00::2"}, "pool", 2),
                        make_egress("c", {"fd00::3"}, "pool", 3)};
  const auto choice = choose(kPod, in_order(all));
  ASSERT_EQ(choice.addresses.size(), 2U);
  EXPECT_EQ(choice.addresses[0].egress->metadata.name, "a");
  EXPECT_EQ(choice.addresses[1].egress->metadata.name, "b");
  EXPECT_EQ(choice.addresses[1].ip, ip("fd00::2"));
}

TEST(EgressChoice, APodWhoseEgressHasNoAddressYetWaits) {
  std::vector all{make_egress("a", {}, "pool", 1), make_egress("b", {"10.0.0.2"}, "pool", 2)};
  all[0].spec.addresses = {{std::nullopt, "pool"}};
  const auto choice = choose(kPod, in_order(all));
  EXPECT_TRUE(choice.addresses.empty());
  ASSERT_NE(choice.waits_for, nullptr);
  EXPECT_EQ(choice.waits_for->metadata.name, "a");
  EXPECT_EQ(choose(kPod, {}).waits_for, nullptr);
}

TEST(EgressChoice, AnAddressThatGoesMovesOnlyItsPods) {
  const auto of_all = [](const api::crd::Egress& egress) {
    std::map<std::string, IpAddress> out;
    for (int i = 0; i < 300; ++i) {
      const std::string name = "pod-" + std::to_string(i);
      out.emplace(name, choose({"default", name}, std::vector{&egress}).addresses.at(0).ip);
    }
    return out;
  };
  auto egress = make_egress("e", {"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  const auto before = of_all(egress);
  egress.spec.addresses.pop_back();
  for (const auto& [pod, now] : of_all(egress))
    if (before.at(pod) != ip("10.0.0.3")) {
      EXPECT_EQ(now, before.at(pod)) << pod;
    }
}

}  // namespace
}  // namespace antrea::egress
