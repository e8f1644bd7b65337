// Random histories, held against an oracle that knows only the present, and nothing of rings,
// increments or caches.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/egress/objects.h"
#include "tests/egress/ring_oracle.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

/// Everything that a Scheduler has been told, as it is now.
struct World {
  std::map<std::string, api::crd::Egress> egresses;
  std::map<std::string, api::crd::ExternalIPPool> pools;
  std::map<std::string, api::Node> nodes;
  std::set<std::string> alive;
  std::map<std::string, TimePoint> returned;
  TimePoint now;
  SchedulerConfig config;

  SchedulerInput all() const {
    SchedulerInput input;
    for (const auto& [name, each] : egresses) input.egresses.push_back(each);
    for (const auto& [name, each] : pools) input.pools.push_back(each);
    for (const auto& [name, each] : nodes) input.nodes.push_back(each);
    input.alive = alive;
    return input;
  }
};

constexpr SchedulerConfig kNarrow{.max_ips_per_node = 4, .return_delay = 10s};
/// No Node ever has as many as it may, so that each placement stands alone.
constexpr SchedulerConfig kRoomy{.return_delay = 10s};

/// What the documentation of Scheduler says, one rule after the other.
class Oracle {
 public:
  explicit Oracle(const World& world) : world_(world) {
    std::vector<const api::crd::Egress*> order;
    for (const auto& [name, egress] : world.egresses) order.push_back(&egress);
    std::ranges::sort(order, {}, [](const auto* egress) {
      return std::pair(egress->metadata.creation_timestamp, egress->metadata.name);
    });
    for (const auto* egress : order)
      for (const auto& address : egress->spec.addresses)
        if (address.ip && !address.pool.empty()) place(*egress, address);
  }

  std::map<EgressIp, Placement> placements;

 private:
  void place(const api::crd::Egress& egress, const api::crd::EgressAddress& address) {
    const EgressIp key{egress.metadata.name, *address.ip};
    if (placements.contains(key)) return;
    Placement& placement = placements[key];
    placement.pool = address.pool;
    for (const auto& [other, placed] : placements)
      if (other.ip == key.ip && !placed.owner.empty()) {
        placement.owner = placed.owner;
        placement.standby = placed.standby;
        return;
      }
    if (!world_.pools.contains(address.pool)) {
      placement.unowned = Unowned::kNoPool;
      return;
    }
    const auto nodes = nodes_of(address.pool);
    std::set<std::string> living;
    for (const auto& node : nodes)
      if (world_.alive.contains(node)) living.insert(node);
    if (living.empty()) {
      placement.unowned = Unowned::kNoNode;
    } else if (!majority(nodes.size() < 3 ? all_nodes() : nodes)) {
      placement.unowned = Unowned::kNoMajority;
    } else {
      const std::string owner = best(living, key);
      living.erase(owner);
      placement.standby = owner.empty() ? "" : best(living, key);
      placement.owner = owner;
      if (owner.empty()) placement.unowned = Unowned::kFull;
    }
  }

  std::set<std::string> all_nodes() const {
    std::set<std::string> names;
    for (const auto& [name, node] : world_.nodes) names.insert(name);
    return names;
  }
  std::set<std::string> nodes_of(const std::string& pool) const {
    std::set<std::string> names;
    for (const auto& [name, node] : world_.nodes)
      if (world_.pools.at(pool).node_selector.matches(node.metadata.labels)) names.insert(name);
    return names;
  }
  bool majority(const std::set<std::string>& voters) const {
    std::size_t living = 0;
    for (const auto& node : voters) living += world_.alive.contains(node) ? 1 : 0;
    return living * 2 > voters.size() ||
           (living * 2 == voters.size() && world_.alive.contains(*voters.begin()));
  }
  std::set<IpAddress> addresses_on(const std::string& node) const {
    std::set<IpAddress> addresses;
    for (const auto& [key, placed] : placements)
      if (placed.owner == node) addresses.insert(key.ip);
    return addresses;
  }
  std::string best(const std::set<std::string>& living, const EgressIp& key) const {
    std::string found;
    int least = 99;
    for (const auto& name : defined_order(living, key.ip.to_string())) {
      const auto& annotations = world_.nodes.at(name).metadata.annotations;
      const auto limit = annotations.find(kMaxEgressIps);
      const std::size_t room = limit != annotations.end()
                                   ? std::stoul(limit->second)
                                   : std::size_t{world_.config.max_ips_per_node};
      if (addresses_on(name).size() >= room) continue;
      int misgiving = 0;
      for (const auto& [other, placed] : placements)
        if (other.egress == key.egress && placed.owner == name &&
            other.ip.family() == key.ip.family())
          misgiving = 1;
      const auto back = world_.returned.find(name);
      if (back != world_.returned.end() && world_.now < back->second + world_.config.return_delay)
        misgiving += 2;
      if (annotations.contains(kDrain)) misgiving = misgiving % 2 + 4;
      if (misgiving < least) {
        least = misgiving;
        found = name;
      }
    }
    return found;
  }

  const World& world_;
};

/// A random change of the world, told to the Scheduler as it happens.
class History {
 public:
  explicit History(unsigned seed) : random_(seed) {}

  std::vector<PlacementChange> step(World& world, Scheduler& scheduler) {
    world.now += std::chrono::milliseconds(random_() % 3000);
    SchedulerInput input;
    const auto before = world.alive;
    for (unsigned i = 0; i <= random_() % 3; ++i) change(world, input);
    note_returns(before, world);
    return scheduler.apply(input, world.now);
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  template <typename T>
  static void told(std::vector<T>& told, T value) {
    std::erase_if(told, [&](const T& each) { return each.metadata.name == value.metadata.name; });
    told.push_back(std::move(value));
  }
  // An object that was told of in the same input is left alone: there is no order between both.
  template <typename T>
  static bool mentioned(const std::vector<T>& told, const std::string& name) {
    return std::ranges::any_of(told, [&](const T& each) { return each.metadata.name == name; });
  }

  void note_returns(const std::set<std::string>& before, World& world) {
    std::set<std::string> back, stayed;
    for (const auto& each : world.alive) {
      if (before.contains(each))
        stayed.insert(each);
      else if (seen_.contains(each))
        back.insert(each);
      seen_.insert(each);
    }
    const auto weight = [&](const std::set<std::string>& side) {
      int votes = 0;  // twice what it has less all there are, and one for the first of two halves
      for (const auto& [name, node] : world.nodes) votes += side.contains(name) ? 1 : -1;
      const bool first = !world.nodes.empty() && side.contains(world.nodes.begin()->first);
      return votes > 0 || (votes == 0 && first);
    };
    const bool met_the_majority = !back.empty() && !weight(before) && weight(world.alive);
    for (const auto& each : met_the_majority ? stayed : back) world.returned[each] = world.now;
  }

  void change(World& world, SchedulerInput& input) {
    const std::string node = "node-" + std::to_string(below(7));
    const std::string pool = below(3) == 0 ? "b" : "a";
    const std::string egress = "egress-" + std::to_string(below(12));
    switch (below(10)) {
      case 0: {
        api::Labels labels, annotations;
        if (below(2) == 0) labels["pool"] = "b";
        if (below(3) == 0)
          annotations[std::string(kMaxEgressIps)] = std::to_string(
              world.config.max_ips_per_node == kNarrow.max_ips_per_node ? below(4) : 0);
        if (below(5) == 0) annotations[std::string(kDrain)] = "true";
        if (std::ranges::count(input.removed_nodes, node) > 0) return;
        world.nodes[node] = make_node(node, labels, annotations);
        told(input.nodes, world.nodes[node]);
        return;
      }
      case 1:
        if (below(4) != 0 || mentioned(input.nodes, node)) return;
        if (world.nodes.erase(node) > 0) input.removed_nodes.push_back(node);
        return;
      case 2:
        if (std::ranges::count(input.removed_pools, pool) > 0) return;
        world.pools[pool] = make_pool(pool, pool == "a");
        told(input.pools, world.pools[pool]);
        return;
      case 3:
        if (below(4) != 0 || mentioned(input.pools, pool)) return;
        if (world.pools.erase(pool) > 0) input.removed_pools.push_back(pool);
        return;
      case 4:
      case 5:
      case 6: {
        if (input.alive) return;
        auto alive = world.alive;
        for (unsigned i = 0; i <= below(2); ++i) {
          const std::string each = "node-" + std::to_string(below(7));
          if (below(4) == 0)
            alive.erase(each);
          else
            alive.insert(each);
        }
        world.alive = alive;
        input.alive = alive;
        return;
      }
      case 7:
        if (mentioned(input.egresses, egress)) return;
        if (world.egresses.erase(egress) > 0) input.removed_egresses.push_back(egress);
        return;
      default: {
        if (std::ranges::count(input.removed_egresses, egress) > 0) return;
        api::crd::Egress object = make_egress(egress, {}, pool, below(3));
        for (unsigned i = 0; i <= below(3); ++i) {
          const std::string host = std::to_string(1 + below(20));
          object.spec.addresses.push_back(
              {below(6) == 0 ? std::nullopt
                             : std::optional(ip((below(3) == 0 ? "fd00::" : "10.0.0.") + host)),
               below(8) == 0 ? std::string() : pool});
        }
        world.egresses[egress] = object;
        told(input.egresses, object);
      }
    }
  }

  std::mt19937 random_;
  std::set<std::string> seen_;
};

std::string text(const std::map<EgressIp, Placement>& placements) {
  std::string all;
  for (const auto& [key, placed] : placements)
    all += key.egress + " " + key.ip.to_string() + ": " + placed.pool + " " + placed.owner + " " +
           placed.standby + " " + std::string(to_string(placed.unowned)) + "\n";
  return all;
}

struct Course {
  unsigned seed;
  SchedulerConfig config;
};
void PrintTo(const Course& course, std::ostream* os) {
  *os << "seed " << course.seed << ", " << course.config.max_ips_per_node << " per Node";
}

class SchedulerHistory : public testing::TestWithParam<Course> {};

TEST_P(SchedulerHistory, EqualsTheOracleAtEveryStep) {
  World world{.config = GetParam().config};
  Scheduler scheduler(world.config);
  History history(GetParam().seed);
  std::map<EgressIp, Placement> followed;  // by the changes alone
  for (int step = 0; step < 300; ++step) {
    for (const auto& [key, placement] : history.step(world, scheduler)) {
      if (placement) {
        ASSERT_NE(followed[key], *placement) << "a change that is none";
        followed[key] = *placement;
      } else {
        ASSERT_EQ(followed.erase(key), 1U) << "gone, but never there";
      }
    }
    ASSERT_EQ(text(scheduler.placements()), text(Oracle(world).placements)) << "step " << step;
    ASSERT_EQ(text(followed), text(scheduler.placements())) << "step " << step;
  }
}

TEST_P(SchedulerHistory, EndsAsOneThatIsToldEverythingAtOnce) {
  World world{.config = GetParam().config};
  Scheduler scheduler(world.config);
  History history(GetParam().seed + 1000);
  for (int step = 0; step < 300; ++step) history.step(world, scheduler);
  Scheduler fresh(world.config);
  for (const auto& [node, when] : world.returned) fresh.returned(node, when);
  fresh.apply({}, world.now);
  auto all = world.all();
  fresh.apply(all, world.now);
  // Those that came back without having been seen to go are known by `returned`: told again.
  for (const auto& [node, when] : world.returned)
    if (world.alive.contains(node)) fresh.returned(node, when);
  EXPECT_EQ(text(fresh.placements()), text(scheduler.placements()));
}

TEST_P(SchedulerHistory, PlacementsFollowFromWhoIsAliveAndWhoReturns) {
  World world{.config = GetParam().config};
  Scheduler scheduler(world.config);
  // One that knows no addresses tells who returns; one that sees no returns, where addresses are.
  Scheduler returns(world.config);
  History history(GetParam().seed + 2000);
  for (int step = 0; step < 300; ++step) {
    history.step(world, scheduler);
    SchedulerInput all = world.all(), who;
    who.nodes = all.nodes;
    for (int i = 0; i < 7; ++i)
      if (const auto name = "node-" + std::to_string(i); !world.nodes.contains(name))
        who.removed_nodes.push_back(name);
    who.alive = all.alive;
    returns.apply(who, world.now);
    all.returning.emplace();
    for (const auto& name : world.alive)
      if (returns.returning(name)) all.returning->insert(name);
    Scheduler places({.max_ips_per_node = world.config.max_ips_per_node, .return_delay = 0s});
    places.apply(all, world.now);
    ASSERT_EQ(text(places.placements()), text(scheduler.placements())) << "step " << step;
  }
}

std::vector<Course> courses() {
  std::vector<Course> out;
  for (const auto& config : {kNarrow, kRoomy})
    for (unsigned seed = 0; seed < 20; ++seed) out.push_back({seed, config});
  return out;
}
INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerHistory, testing::ValuesIn(courses()));

TEST(SchedulerMovement, OnlyAddressesOfTheLostNodeMoveAndToTheirStandby) {
  SchedulerInput input;
  std::set<std::string> names;
  for (int i = 0; i < 30; ++i) {
    names.insert("node-" + std::to_string(i));
    input.nodes.push_back(make_node("node-" + std::to_string(i)));
  }
  input.pools = {make_pool("pool")};
  input.alive = names;
  for (int i = 0; i < 1000; ++i)
    input.egresses.push_back(
        make_egress("egress-" + std::to_string(i),
                    {"10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)}));
  Scheduler scheduler;
  TimePoint now;
  scheduler.apply(input, now);
  for (const std::string lost : {"node-0", "node-17", "node-29"}) {
    const auto before = scheduler.placements();
    SchedulerInput death, life;
    life.alive = names;
    death.alive = names;
    death.alive->erase(lost);
    std::size_t moved = 0;
    scheduler.apply(death, now);
    for (const auto& [key, after] : scheduler.placements()) {
      const auto& then = before.at(key);
      if (then.owner == lost) ++moved;
      EXPECT_EQ(after.owner, then.owner == lost ? then.standby : then.owner) << key.egress;
      EXPECT_NE(after.standby, lost);
    }
    EXPECT_GT(moved, 0U);
    scheduler.apply(life, now);
    scheduler.apply({}, now += 1min);
    EXPECT_EQ(text(scheduler.placements()), text(before)) << "it has again what it had";
  }
}

}  // namespace
}  // namespace antrea::egress
