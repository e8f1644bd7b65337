#include "antrea/egress/allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>

#include "antrea/api/egress_json.h"
#include "antrea/egress/admission.h"
#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

using api::crd::Condition;
using api::crd::Egress;
using api::crd::EgressAddress;
using api::crd::ExternalIPPool;
using api::crd::PoolUsage;
using testing::HasSubstr;

ExternalIPPool pool_of(const std::string& name, std::string_view from, std::string_view to) {
  ExternalIPPool pool = make_pool(name);
  pool.ranges = {{ip(from), ip(to), std::nullopt}};
  return pool;
}

Egress pending(const std::string& name, const std::vector<std::string>& pools,
               unsigned created = 0) {
  Egress egress = make_egress(name, {}, "", created);
  for (const auto& pool : pools) egress.spec.addresses.push_back({std::nullopt, pool});
  egress.spec.several = pools.size() > 1;
  return egress;
}

/// The objects of an API server; what the Allocator says is written into them, and told.
class Cluster {
 public:
  void put(const Egress& egress) {
    egresses_[egress.metadata.name] = egress;
    run({.egresses = {egress}});
  }
  void put(const ExternalIPPool& pool) {
    pools_[pool.metadata.name] = pool;
    run({.pools = {pool}});
  }
  void remove_egress(const std::string& name) {
    egresses_.erase(name);
    run({.removed_egresses = {name}});
  }
  void remove_pool(const std::string& name) {
    pools_.erase(name);
    run({.removed_pools = {name}});
  }
  void run(AllocatorInput input) {
    for (int turn = 0; !input.egresses.empty() || !input.pools.empty() ||
                       !input.removed_egresses.empty() || !input.removed_pools.empty();
         ++turn) {
      ASSERT_LT(turn, 3) << "it never settles";
      const auto output = allocator_.apply(input);
      input = {};
      for (const auto& update : output.egresses) {
        Egress& egress = egresses_.at(update.egress);
        const Egress before = egress;
        if (update.addresses) egress.spec.addresses = *update.addresses;
        if (update.condition) egress.status.conditions = {*update.condition};
        if (update.condition && update.condition->type.empty()) egress.status.conditions.clear();
        ASSERT_FALSE(egress == before) << "an update that changes nothing";
        input.egresses.push_back(egress);
      }
      for (const auto& update : output.pools) {
        ASSERT_NE(pools_.at(update.pool).usage, update.usage);
        pools_.at(update.pool).usage = update.usage;
        input.pools.push_back(pools_.at(update.pool));
      }
    }
  }
  void restart() {
    allocator_ = Allocator();
    run(everything());
  }
  AllocatorInput everything() const {
    AllocatorInput all;
    for (const auto& [name, egress] : egresses_) all.egresses.push_back(egress);
    for (const auto& [name, pool] : pools_) all.pools.push_back(pool);
    return all;
  }

  const Egress& egress(const std::string& name) const { return egresses_.at(name); }
  std::string address(const std::string& name, std::size_t index = 0) const {
    const auto& address = egress(name).spec.addresses.at(index);
    return address.ip ? address.ip->to_string() : "";
  }
  const Condition& condition(const std::string& name) const {
    return egress(name).status.conditions.at(0);
  }
  PoolUsage usage(const std::string& pool) const { return *pools_.at(pool).usage; }
  const auto& egresses() const { return egresses_; }
  const auto& pools() const { return pools_; }

 private:
  Allocator allocator_;
  std::map<std::string, Egress> egresses_;
  std::map<std::string, ExternalIPPool> pools_;
};

TEST(Allocator, GivesTheLowestFreeAddressAndSaysSo) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 0}));
  cluster.put(pending("web", {"p"}));
  cluster.put(pending("db", {"p"}));
  EXPECT_EQ(cluster.address("web"), "10.0.0.1");
  EXPECT_EQ(cluster.address("db"), "10.0.0.2");
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 2}));
  EXPECT_EQ(cluster.condition("web").type, "IPAllocated");
  EXPECT_EQ(cluster.condition("web").status, "True");
  EXPECT_EQ(cluster.condition("web").reason, "Allocated");
  cluster.remove_egress("web");
  cluster.put(pending("next", {"p"}));
  EXPECT_EQ(cluster.address("next"), "10.0.0.1");
}

TEST(Allocator, WaitsForAPoolAndForFreeAddresses) {
  Cluster cluster;
  cluster.put(pending("web", {"p"}, 1));
  EXPECT_EQ(cluster.condition("web").status, "False");
  EXPECT_EQ(cluster.condition("web").reason, "AllocationError");
  EXPECT_THAT(cluster.condition("web").message, HasSubstr("ExternalIPPool p"));
  EXPECT_THAT(cluster.condition("web").message, HasSubstr("does not exist"));
  cluster.put(pending("db", {"p"}, 0));
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.1"));
  EXPECT_EQ(cluster.address("db"), "10.0.0.1") << "it is older";
  EXPECT_THAT(cluster.condition("web").message,
              HasSubstr("all 1 addresses of the pool are in use"));
  cluster.remove_egress("db");
  EXPECT_EQ(cluster.address("web"), "10.0.0.1");
  EXPECT_EQ(cluster.condition("web").status, "True");
}

TEST(Allocator, NamesWhoHoldsAnAddressThatTwoWant) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  cluster.put(make_egress("first", {"10.0.0.5"}, "p", 9));
  cluster.put(make_egress("older", {"10.0.0.5"}, "p", 1));
  EXPECT_EQ(cluster.condition("first").status, "True");
  EXPECT_EQ(cluster.condition("older").message,
            "ExternalIPPool p: reserve 10.0.0.5: it is held by Egress first");
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 1}));
  cluster.remove_egress("first");
  EXPECT_EQ(cluster.condition("older").status, "True");
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 1}));
}

TEST(Allocator, ReservesWhatIsNamedBeforeItGives) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  cluster.put(pending("first", {"p"}, 1));
  cluster.put(pending("second", {"p"}, 2));
  cluster.remove_egress("first");
  cluster.put(pending("third", {"p"}, 0));
  const auto before = cluster.egresses();
  cluster.restart();
  EXPECT_EQ(cluster.egresses(), before);
  EXPECT_EQ(cluster.address("second"), "10.0.0.2");
}

// antrea #6685
TEST(Allocator, TakesBackWhatAPoolDoesNotHaveAnyMore) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  cluster.put(pending("web", {"p"}));
  cluster.put(pool_of("p", "10.0.0.4", "10.0.0.9"));
  EXPECT_EQ(cluster.address("web"), "10.0.0.4");
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{6, 1}));
  cluster.remove_pool("p");
  EXPECT_EQ(cluster.address("web"), "");
  EXPECT_EQ(cluster.condition("web").status, "False");
  cluster.put(pool_of("p", "10.0.1.1", "10.0.1.9"));
  EXPECT_EQ(cluster.address("web"), "10.0.1.1");
}

TEST(Allocator, ReleasesWhenAddressOrPoolChange) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  cluster.put(pool_of("q", "10.0.1.1", "10.0.1.9"));
  cluster.put(make_egress("web", {"10.0.0.5"}, "p"));
  cluster.put(make_egress("web", {"10.0.0.6"}, "p"));
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 1}));
  cluster.put(pending("web", {"q"}));
  EXPECT_EQ(cluster.usage("p"), (PoolUsage{9, 0}));
  EXPECT_EQ(cluster.address("web"), "10.0.1.1");
  cluster.put(make_egress("web", {"192.0.2.1"}, ""));
  EXPECT_EQ(cluster.usage("q"), (PoolUsage{9, 0}));
  EXPECT_TRUE(cluster.egress("web").status.conditions.empty());
}

TEST(Allocator, GivesSeveralAddressesByIndex) {
  Cluster cluster;
  cluster.put(pool_of("p", "10.0.0.1", "10.0.0.9"));
  cluster.put(pool_of("q", "10.0.1.1", "10.0.1.1"));
  cluster.put(pending("web", {"p", "q", "p"}));
  EXPECT_EQ(cluster.address("web", 0), "10.0.0.1");
  EXPECT_EQ(cluster.address("web", 1), "10.0.1.1");
  EXPECT_EQ(cluster.address("web", 2), "10.0.0.2");
  cluster.put(pending("db", {"p", "q"}));
  EXPECT_EQ(cluster.address("db", 0), "10.0.0.3") << "it has what there is";
  EXPECT_EQ(cluster.address("db", 1), "");
  EXPECT_THAT(cluster.condition("db").message, HasSubstr("ExternalIPPool q"));
}

TEST(Allocator, SaysItAgainUntilItIsWritten) {
  Allocator allocator;
  const auto egress = pending("web", {"p"});
  const auto first =
      allocator.apply({.egresses = {egress}, .pools = {pool_of("p", "10.0.0.1", "10.0.0.9")}});
  ASSERT_EQ(first.egresses.size(), 1U);
  EXPECT_EQ(first.egresses[0].addresses, (std::vector<EgressAddress>{{ip("10.0.0.1"), "p"}}));
  EXPECT_EQ(allocator.apply({.egresses = {egress}}).egresses, first.egresses);
  EXPECT_TRUE(allocator.apply({}).empty());
}

TEST(Allocator, KeepsItsPromisesThroughRandomHistories) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned bound) {
      return static_cast<unsigned>(random() % bound);
    };
    Cluster cluster;
    for (int step = 0; step < 150; ++step) {
      const std::string name = "e" + std::to_string(below(8));
      const std::string pool = below(2) == 0 ? "p" : "q";
      const std::string net = pool == "p" ? "10.0.0." : "10.0.1.";
      switch (below(8)) {
        case 0:
          cluster.put(
              pool_of(pool, net + std::to_string(below(4)), net + std::to_string(4 + below(4))));
          break;
        case 1:
          if (cluster.pools().contains(pool) && below(3) == 0) cluster.remove_pool(pool);
          break;
        case 2:
          if (cluster.egresses().contains(name)) cluster.remove_egress(name);
          break;
        case 3:
          cluster.put(make_egress(name, {net + std::to_string(below(9))}, pool, below(60)));
          break;
        case 4:
          cluster.restart();
          break;
        default:
          if (cluster.egresses().contains(name)) break;
          cluster.put(below(3) == 0 ? pending(name, {"p", "q"}, below(60))
                                    : pending(name, {pool}, below(60)));
      }
      if (testing::Test::HasFatalFailure()) return;
      std::map<IpAddress, std::string> holders;
      std::map<std::string, std::int64_t> used;
      for (const auto& [each, egress] : cluster.egresses()) {
        ASSERT_EQ(egress.status.conditions.size(), 1U);
        for (const auto& [ip, from] : egress.spec.addresses) {
          if (cluster.condition(each).status != "True") continue;
          ASSERT_TRUE(ip) << each;
          ASSERT_TRUE(holders.emplace(*ip, each).second) << ip->to_string() << " is given twice";
          ASSERT_TRUE(cluster.pools().at(from).ranges[0].contains(*ip));
        }
      }
      for (const auto& [each, object] : cluster.pools())
        ASSERT_LE(object.usage->used, object.usage->total);
    }
  }
}

TEST(EgressAdmission, LooksAtPoolsOfChangedAddresses) {
  const std::vector pools{pool_of("p", "10.0.0.1", "10.0.0.9")};
  EXPECT_TRUE(admit(make_egress("web", {"10.0.0.9"}, "p"), nullptr, pools));
  EXPECT_TRUE(admit(make_egress("web", {"192.0.2.1"}, ""), nullptr, pools));
  EXPECT_TRUE(admit(pending("web", {"q"}), nullptr, pools)) << "a pool may come later";
  const auto outside = make_egress("web", {"10.0.1.9"}, "p");
  EXPECT_EQ(admit(outside, nullptr, pools).error().to_string(),
            "Egress web: spec.egressIP: found 10.0.1.9, expected an address of ExternalIPPool p");
  EXPECT_TRUE(admit(outside, &outside, pools)) << "that was so before";
  EXPECT_EQ(admit(make_egress("web", {"10.0.0.9"}, "q"), nullptr, pools).error().to_string(),
            "Egress web: spec.externalIPPool: ExternalIPPool q does not exist");
  auto several = make_egress("web", {"10.0.0.9", "10.0.0.10"}, "p");
  several.spec.several = true;
  EXPECT_THAT(admit(several, nullptr, pools).error().to_string(), HasSubstr("spec.egressIPs[1]: "));
}

// antrea #5898
TEST(PoolAdmission, RefusesOverlapsAndLostRanges) {
  const auto pool = pool_of("p", "10.0.0.1", "10.0.0.9");
  const std::vector others{pool, pool_of("q", "10.0.1.1", "10.0.1.9")};
  EXPECT_TRUE(admit(pool, nullptr, others)) << "itself";
  EXPECT_EQ(admit(pool_of("r", "10.0.0.5", "10.0.0.50"), nullptr, others).error().to_string(),
            "ExternalIPPool r: spec.ipRanges: found 10.0.0.5-10.0.0.50, which overlaps with "
            "10.0.0.1-10.0.0.9 of ExternalIPPool p");
  auto more = pool;
  more.ranges.push_back({ip("10.0.2.1"), ip("10.0.2.9"), std::nullopt});
  EXPECT_TRUE(admit(more, &pool, others));
  EXPECT_EQ(admit(pool, &more, others).error().to_string(),
            "ExternalIPPool p: spec.ipRanges: found no 10.0.2.1-10.0.2.9, expected it to stay: "
            "ranges may be added only");
}

TEST(EgressAdmission, AnswersReviews) {
  const std::vector pools{pool_of("p", "10.0.0.1", "10.0.0.9")};
  const auto review = [&](boost::json::value object, boost::json::value old = nullptr) {
    return validate({.uid = "u", .object = std::move(object), .old_object = std::move(old)}, pools);
  };
  const auto good = api::encode(make_egress("web", {"10.0.0.9"}, "p"));
  auto bad = api::encode(make_egress("web", {"10.0.1.9"}, "p"));
  EXPECT_TRUE(review(good)->allowed);
  EXPECT_EQ(review(good)->uid, "u");
  const auto refused = review(bad);
  EXPECT_FALSE(refused->allowed);
  EXPECT_EQ(refused->code, 422);
  EXPECT_THAT(refused->message, HasSubstr("Egress web: spec.egressIP: found 10.0.1.9"));
  EXPECT_TRUE(review(bad, bad)->allowed) << "it was so before";
  EXPECT_TRUE(review(nullptr, bad)->allowed) << "it goes";
  bad.at("spec").as_object().erase("appliedTo");
  EXPECT_THAT(review(bad)->message, HasSubstr("spec.appliedTo"));
  EXPECT_FALSE(review(api::encode(pool_of("q", "10.0.0.9", "10.0.0.10")))->allowed);
  EXPECT_FALSE(review({{"kind", "Tier"}}).has_value());
}

}  // namespace
}  // namespace antrea::egress
