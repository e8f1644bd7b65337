// Services of so many endpoints that groups lead to groups.
#include <gmock/gmock.h>

#include <random>

#include "libantrea-proxy/group_tree.h"
#include "model_switch.h"
#include "objects.h"

namespace antrea::proxy {
namespace {

using openflow::Group;

// What Open vSwitch does (ofproto-dpif-xlate.c, group_best_live_bucket).
std::size_t choose(const std::vector<std::uint16_t>& weights, std::mt19937& random) {
  std::size_t best = 0;
  std::uint32_t best_score = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint32_t score = (random() & 0xffff) * weights[i];
    if (score >= best_score) best = i;
    best_score = std::max(score, best_score);
  }
  return best;
}

struct Sizes {
  const char* name;
  std::vector<std::uint32_t> sizes;
};
void PrintTo(const Sizes& c, std::ostream* os) { *os << c.name; }
class WeightsFor : public testing::TestWithParam<Sizes> {};

TEST_P(WeightsFor, GivesEachItsShare) {
  const auto& sizes = GetParam().sizes;
  const auto weights = weights_for(sizes);
  constexpr unsigned kDraws = 200'000;
  std::mt19937 random(7);
  std::vector<unsigned> drawn(sizes.size());
  for (unsigned i = 0; i < kDraws; ++i) ++drawn[choose(weights, random)];
  double total = 0, chi_square = 0;
  for (const auto size : sizes) total += size;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double expected = kDraws * sizes[i] / total;
    chi_square += (drawn[i] - expected) * (drawn[i] - expected) / expected;
  }
  const auto freedom = static_cast<double>(sizes.size() - 1);
  EXPECT_LT(chi_square, freedom + 4.5 * std::sqrt(2 * freedom) + 6);
}
INSTANTIATE_TEST_SUITE_P(Shares, WeightsFor,
                         testing::Values(Sizes{"TwoEqual", {70, 70}}, Sizes{"OneAndTwo", {64, 128}},
                                         Sizes{"VeryUneven", {1, 128, 3, 128, 40}},
                                         Sizes{"Alike", std::vector<std::uint32_t>(100, 77)},
                                         Sizes{"Many",
                                               [] {
                                                 std::vector<std::uint32_t> sizes;
                                                 for (unsigned i = 0; i < 128; ++i)
                                                   sizes.push_back(60 + i * 37 % 60);
                                                 return sizes;
                                               }()}),
                         [](const auto& info) { return std::string(info.param.name); });

class LargeService : public testing::Test {
 protected:
  LargeService() { sw.commit(balancer.start()); }

  static Backend backend(unsigned n) { return {IpAddress::v4(0x0a0a0000 + n), 8080}; }
  static api::EndpointSlice slice_of(const std::set<unsigned>& numbers, unsigned place = 0) {
    auto out = slice("big", {}, 8080, api::Protocol::kTcp, "-" + std::to_string(place));
    for (const unsigned n : numbers) out.endpoints.push_back(endpoint(backend(n).ip.to_string()));
    return out;
  }
  static std::set<unsigned> up_to(unsigned count) {
    std::set<unsigned> out;
    for (unsigned n = 0; n < count; ++n) out.insert(n);
    return out;
  }
  template <typename T>
  openflow::Changes apply(const T& object) {
    auto changes = balancer.apply(object).pipeline;
    sw.commit(changes);
    return changes;
  }
  void expect_reached(const std::set<unsigned>& numbers) {
    std::set<Backend> want;
    for (const unsigned n : numbers) want.insert(backend(n));
    EXPECT_EQ(sw.reach({ip("10.96.0.10"), 80, api::Protocol::kTcp}), want);
  }
  void expect_as_if_new(const std::vector<api::Service>& services,
                        const std::vector<api::EndpointSlice>& slices) {
    Balancer other({.node_name = "here"});
    ModelSwitch fresh;
    fresh.commit(other.start());
    fresh.commit(other.apply(ServiceChanges{services, {}, slices, {}}));
    EXPECT_TRUE(sw == fresh);
  }

  const api::Service big = service("big", {"10.96.0.10"});
  Balancer balancer{{.node_name = "here"}};
  ModelSwitch sw;
};

TEST_F(LargeService, LeadsToAllOfItsEndpointsOnce) {
  apply(big);
  apply(slice_of(up_to(1000)));
  expect_reached(up_to(1000));
}

TEST_F(LargeService, HasNoGroupThatIsTooLarge) {
  apply(big);
  for (unsigned s = 0; s < 100; ++s) {
    std::set<unsigned> hundred;
    for (unsigned n = 0; n < 100; ++n) hundred.insert(s * 100 + n);
    apply(slice_of(hundred, s));
  }
  EXPECT_EQ(balancer.endpoint_count(Family::kIPv4), 10'000U);
  for (const auto& [id, group] : sw.groups()) EXPECT_LE(group.buckets.size(), 2 * kMostInGroup);
  EXPECT_LT(sw.groups().size(), 10'000 / 32);
}

TEST_F(LargeService, AChangedEndpointCostsItsLeafAndTheChoice) {
  apply(big);
  apply(slice_of(up_to(5000)));
  const auto before = sw;
  auto fewer = up_to(5000);
  fewer.erase(1234);
  const auto change = apply(slice_of(fewer));
  EXPECT_EQ(change.groups.size(), 2U);
  EXPECT_TRUE(change.flows.empty());
  EXPECT_EQ(change.remove_flows.size(), 1U);
  for (const Group& group : change.groups) {
    EXPECT_LE(group.buckets.size(), kMostInGroup);
    if (std::holds_alternative<openflow::GroupAction>(group.buckets.front().actions.front()))
      continue;  // the choice, with other weights
    for (const auto& bucket : group.buckets)
      EXPECT_THAT(before.groups().at(group.id).buckets, testing::Contains(bucket));
  }
}

// With many slices, as Kubernetes makes them, a change is looked at by itself.
TEST_F(LargeService, SmallChangesAddUp) {
  apply(big);
  constexpr unsigned kSlices = 30, kInSlice = 6;  // around the size at which a group is divided
  std::mt19937 random(17);
  std::vector<api::EndpointSlice> slices(kSlices);
  for (unsigned place = 0; place < kSlices; ++place) {
    std::set<unsigned> numbers;
    while (numbers.size() < kInSlice) numbers.insert(static_cast<unsigned>(random() % 250));
    slices[place] = slice_of(numbers, place);
    apply(slices[place]);
  }
  for (unsigned step = 0; step < 600; ++step) {
    api::EndpointSlice& changed = slices[random() % kSlices];
    if (changed.endpoints.empty() || random() % 2 == 0)
      changed.endpoints.push_back(
          endpoint(backend(static_cast<unsigned>(random() % 250)).ip.to_string()));
    else
      changed.endpoints.erase(changed.endpoints.begin());
    apply(changed);
    if (step % 20 == 0) expect_as_if_new({big}, slices);
  }
  expect_as_if_new({big}, slices);
  for (const auto& gone : slices) sw.commit(balancer.remove_slice(key_of(gone.metadata)));
  expect_reached({});
}

TEST_F(LargeService, ComesToTheSameWhateverHappenedBefore) {
  apply(big);
  std::mt19937 random(3);
  std::set<unsigned> present;
  for (unsigned step = 0; step < 60; ++step) {
    const bool grow = step < 30;
    for (unsigned i = 0; i < 40; ++i) {
      const unsigned n = static_cast<unsigned>(random() % 1000);
      if (grow) present.insert(n);
      if (!grow && !present.empty())
        present.erase(present.lower_bound(n) == present.end() ? present.begin()
                                                              : present.lower_bound(n));
    }
    apply(slice_of(present));
    if (step % 10 != 0) continue;
    expect_reached(present);
    expect_as_if_new({big}, {slice_of(present)});
  }
  expect_as_if_new({big}, {slice_of(present)});
  sw.commit(balancer.remove_service({"default", "big"}));
  EXPECT_TRUE(sw.groups().empty());
}

TEST_F(LargeService, AffinityIsInEveryLeaf) {
  apply(big);
  apply(slice_of(up_to(300)));
  api::Service sticky = big;
  sticky.session_affinity_client_ip = true;
  apply(sticky);
  expect_as_if_new({sticky}, {slice_of(up_to(300))});
  EXPECT_EQ(Walk(sw.flows(), sw.groups())
                .first_packet(Client::kPod, ip("10.10.9.9"),
                              {ip("10.96.0.10"), 80, api::Protocol::kTcp}, false)
                .remembered,
            10800);
  const auto change = apply(slice_of(up_to(299)));
  EXPECT_EQ(change.remove_flows.size(), 2U) << "to the endpoint, and that the Service has it";
  EXPECT_TRUE(change.flows.empty());
  expect_as_if_new({sticky}, {slice_of(up_to(299))});
}

// Names that have the same hash as a leaf of "big": the group of the one before it in order takes
// the leaf's number, that of the one behind it leaves it to the leaf.
TEST_F(LargeService, GivesUpANumberAndTakesItBack) {
  const std::vector<api::EndpointSlice> slices{slice_of(up_to(1000))};
  const std::vector<api::Service> others{service("a374653811", {"10.96.0.11"}),
                                         service("z152156943", {"10.96.0.12"})};
  apply(others[0]);
  apply(others[1]);
  const auto numbers = sw.groups();
  apply(big);
  apply(slices.front());
  expect_as_if_new({big, others[0], others[1]}, slices);
  expect_reached(up_to(1000));
  for (const auto& other : others) {
    sw.commit(balancer.remove_service(key_of(other.metadata)));
    expect_reached(up_to(1000));
  }
  expect_as_if_new({big}, slices);
  for (const auto& [id, group] : numbers)
    EXPECT_TRUE(sw.groups().contains(id)) << "each is the hash of a leaf";
  apply(others[0]);
  apply(others[1]);
  expect_as_if_new({big, others[0], others[1]}, slices);
}

}  // namespace
}  // namespace antrea::proxy
