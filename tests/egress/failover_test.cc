// Membership, liveness and scheduler together, in virtual time: whoever may own an address does,
// and nobody else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "antrea/egress/scheduler.h"
#include "tests/egress/objects.h"
#include "tests/egress/virtual_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;

/// A cluster each of whose members decides alone about the addresses of one pool.
class FailoverCluster {
 public:
  FailoverCluster(std::uint64_t seed, std::size_t nodes, std::size_t addresses)
      : cluster(seed), random_(seed) {
    cluster.add_acquainted(nodes);
    SchedulerInput input{.pools = {make_pool("pool")}};
    std::set<std::string> names;
    for (const auto& node : cluster.nodes()) {
      names.insert(node.name);
      input.nodes.push_back(make_node(node.name));
    }
    for (std::size_t i = 0; i < addresses; ++i)
      input.egresses.push_back(make_egress("egress" + std::to_string(i),
                                           {IpAddress::v4(0x0a630000).plus(i).to_string()}));
    objects_ = input;
    input.alive = names;
    takes_.resize(nodes);
    deadlines_.resize(nodes, TimePoint::max());
    alive_.resize(nodes);
    says_returning_.resize(nodes);
    for (std::size_t i = 0; i < nodes; ++i) {
      schedulers_.emplace_back();
      apply(i, input, false);
    }
    cluster.on_seen = [this](const VirtualCluster::Seen& seen) {
      changed_.insert(seen.by);
      if (seen.event.kind == MemberEvent::Kind::kOutvoted) outvoted_.insert(seen.by);
    };
  }

  void run_for(Duration time) {
    // In small steps: between them members decide about what they have heard. Many of them are slow
    // at it, so that what comes together in large numbers is decided together.
    constexpr std::size_t kMany = 100;
    const Duration step = schedulers_.size() > kMany ? 100ms : 10ms;
    for (const auto until = cluster.now() + time; cluster.now() < until;) {
      cluster.run_for(step);
      decide();
      cluster.forget_seen();
    }
  }

  /// One random fault, or the end of one. Most members stay up.
  void disturb() {
    const auto count = cluster.nodes().size();
    const auto who = random_.below(count);
    auto& node = cluster.nodes()[who];
    const auto down = static_cast<std::size_t>(std::ranges::count_if(
        cluster.nodes(), [](const auto& n) { return !n.membership || n.paused; }));
    switch (random_.below(6)) {
      case 0:
        if (node.membership && !node.paused && down < count / 4) cluster.crash(who);
        break;
      case 1:
        if (node.membership && !node.paused && down < count / 4) cluster.pause(who);
        break;
      case 2:
        for (std::size_t i = 0; i < count; ++i) {
          if (cluster.nodes()[i].paused) cluster.resume(i);
          if (!cluster.nodes()[i].membership) restart(i);
        }
        break;
      case 3:  // a minority goes astray
        for (std::size_t i = 0; i < count / 3; ++i) cluster.nodes()[random_.below(count)].side = 1;
        break;
      case 4:
        for (auto& n : cluster.nodes()) n.side = 0;
        break;
      default:
        node.side = 1 - node.side;
    }
  }
  void restart(std::size_t who) {
    cluster.restart(who);
    schedulers_[who] = Scheduler();
    takes_[who].clear();
    auto input = objects_;
    input.alive = {cluster.nodes()[who].name};
    apply(who, input, false);
    withdraw(who);
    says_returning_[who] = false;
    tell_returning(who);
    for (std::size_t i = 0; i < cluster.nodes().size(); ++i)
      if (i != who) cluster.join(who, i);
  }
  void heal() {
    for (auto& node : cluster.nodes()) node.side = 0;
    for (std::size_t i = 0; i < cluster.nodes().size(); ++i) {
      if (cluster.nodes()[i].paused) cluster.resume(i);
      if (!cluster.nodes()[i].membership) restart(i);
    }
  }

  /// Those that serve each address now: the members that have taken it and are not cut off.
  std::map<IpAddress, std::set<std::size_t>> owners() const {
    std::map<IpAddress, std::set<std::size_t>> all;
    for (const auto& [key, placement] : schedulers_[0].placements()) all[key.ip];
    for (std::size_t i = 0; i < schedulers_.size(); ++i) {
      const auto& node = cluster.nodes()[i];
      if (!node.membership || node.paused || node.cut_off) continue;
      for (const auto& [ip, at] : takes_[i])
        if (at <= cluster.now()) all[ip].insert(i);
    }
    return all;
  }
  /// How many members of one side are up.
  std::size_t strength(int side) const {
    return static_cast<std::size_t>(std::ranges::count_if(cluster.nodes(), [&](const auto& node) {
      return node.membership && !node.paused && node.side == side;
    }));
  }
  /// All addresses have one owner, or none where no side has a majority.
  bool settled() const {
    const auto majority = [&](int side) { return 2 * strength(side) > schedulers_.size(); };
    const bool halves =
        2 * strength(0) == schedulers_.size() || 2 * strength(1) == schedulers_.size();
    if (halves) return true;  // which half it is depends on names: the Scheduler's own tests
    const std::size_t want = majority(0) || majority(1) ? 1 : 0;
    return std::ranges::all_of(owners(),
                               [&](const auto& entry) { return entry.second.size() == want; });
  }

  /// What is not as it should be.
  std::string describe() const {
    std::map<std::size_t, std::size_t> by_owners;
    std::string first;
    for (const auto& [ip, owners] : owners()) {
      ++by_owners[owners.size()];
      if (owners.size() != 1 && first.empty()) {
        first = "; " + ip.to_string() + " is served by";
        for (const std::size_t owner : owners) first += " " + cluster.nodes()[owner].name;
      }
    }
    std::string out = std::to_string(strength(0)) + " and " + std::to_string(strength(1)) + " of " +
                      std::to_string(schedulers_.size()) + " members are up on each side";
    for (const auto& [owners, addresses] : by_owners)
      out += ", " + std::to_string(addresses) + " addresses have " + std::to_string(owners) +
             " owners";
    return out + (cluster.agreed() ? "; all agree who is there" : "; not all agree who is there") +
           first;
  }

  /// Where the members that run believe the addresses to be: as many answers as there are.
  std::size_t opinions(const IpAddress& ip) const {
    std::set<std::string> all;
    for (std::size_t i = 0; i < schedulers_.size(); ++i) {
      if (!cluster.nodes()[i].membership) continue;
      for (const auto& [key, placement] : schedulers_[i].placements())
        if (key.ip == ip) all.insert(placement.owner);
    }
    return all.size();
  }

  mutable VirtualCluster cluster;

 private:
  /// As a Node does it: what a living Node had is taken only when that one knows, too.
  static constexpr Duration kTakeover = 100ms;

  void apply(std::size_t who, const SchedulerInput& input, bool planned) {
    for (const auto& [key, placement] : schedulers_[who].apply(input, cluster.now())) {
      if (placement->owner != cluster.nodes()[who].name)
        takes_[who].erase(key.ip);
      else
        takes_[who].emplace(key.ip, cluster.now() + (planned ? kTakeover : Duration{}));
    }
    note_deadline(who);
  }
  void note_deadline(std::size_t who) {
    deadlines_[who] = schedulers_[who].next_deadline().value_or(TimePoint::max());
  }
  /// Others may have acted without it.
  void withdraw(std::size_t who) {
    const auto& name = cluster.nodes()[who].name;
    for (const auto& [key, placement] : schedulers_[who].returned(name, cluster.now()))
      if (placement->owner != name) takes_[who].erase(key.ip);
    note_deadline(who);
  }
  void decide() {
    for (const auto who : std::exchange(changed_, {})) {
      auto& node = cluster.nodes()[who];
      if (!node.membership || node.paused) continue;
      std::set<std::string> alive, returning;
      for (const auto& member : node.membership->members()) {
        if (!member.counts()) continue;
        alive.insert(member.name);
        if (member.name != node.name && MemberMeta::decode(member.meta).returning)
          returning.insert(member.name);
      }
      const bool planned = std::ranges::includes(alive, alive_[who]);
      alive_[who] = alive;
      apply(who, {.alive = std::move(alive), .returning = std::move(returning)}, planned);
      decided_.insert(who);
    }
    for (std::size_t i = 0; i < schedulers_.size(); ++i) {
      const auto& node = cluster.nodes()[i];
      const bool was = cut_off_.contains(i), outvoted = outvoted_.erase(i) != 0;
      const bool due = deadlines_[i] <= cluster.now();
      if (!outvoted && node.cut_off == was && !due) continue;
      if (outvoted || node.cut_off != was) withdraw(i);
      node.cut_off ? (void)cut_off_.insert(i) : (void)cut_off_.erase(i);
      if (due) apply(i, {}, true);
      decided_.insert(i);
    }
    std::erase_if(decided_, [this](std::size_t who) {
      const auto& node = cluster.nodes()[who];
      if (node.membership && node.paused) return false;  // says it when it goes on
      if (node.membership) tell_returning(who);
      return true;
    });
  }
  void tell_returning(std::size_t who) {
    const bool returning = schedulers_[who].returning(cluster.nodes()[who].name);
    if (says_returning_[who] == returning) return;
    says_returning_[who] = returning;
    cluster.set_returning(who, returning);
  }

  Random random_;
  SchedulerInput objects_;
  std::vector<Scheduler> schedulers_;
  std::vector<std::map<IpAddress, TimePoint>> takes_;  ///< what each member owns, and from when
  std::vector<bool> says_returning_;
  std::vector<std::set<std::string>> alive_;
  std::vector<TimePoint> deadlines_;  ///< of the schedulers
  std::set<std::size_t> changed_, outvoted_, cut_off_, decided_;
};

/// After the last fault all is as it should be within this time, whatever came before: 10 s of it
/// are the damped return of Nodes, and a Node that nobody knows any more is looked for every 5 s.
constexpr Duration kBound = 30s;

/// How long it took until all was as it should be, and stayed so for three seconds; max() if it
/// did not within the bound.
Duration settle(FailoverCluster& f) {
  const auto start = f.cluster.now();
  Duration since = Duration::max();
  while (f.cluster.now() - start <= kBound + 3s) {
    const auto passed = f.cluster.now() - start;
    since = f.settled() ? std::min(since, passed) : Duration::max();
    if (since != Duration::max() && passed - since >= 3s) return since;
    if (since == Duration::max() && passed > kBound) return since;
    f.run_for(500ms);
  }
  return Duration::max();
}

struct SoakResult {
  std::size_t settlings = 0;
  Duration longest{};
};
/// With seed and fault in the message, a failure can be run again.
void soak(std::uint64_t seed, std::size_t nodes, std::size_t addresses, std::size_t faults,
          SoakResult* result = nullptr) {
  FailoverCluster f(seed, nodes, addresses);
  f.run_for(3s);
  ASSERT_TRUE(f.settled());
  Random pauses(seed);
  for (std::size_t i = 0; i < faults; ++i) {
    f.disturb();
    if (pauses.below(4) != 0) {  // the next one comes before this one is digested
      f.run_for(std::chrono::milliseconds(pauses.below(3000)));
      continue;
    }
    const Duration took = settle(f);
    ASSERT_LE(took, kBound) << "seed " << seed << ", fault " << i << ": " << f.describe();
    if (result == nullptr) continue;
    ++result->settlings;
    result->longest = std::max(result->longest, took);
  }
  f.heal();
  ASSERT_LE(settle(f), kBound) << "seed " << seed << ", at the end: " << f.describe();
}

TEST(Failover, AnAddressHasANewOwnerInAThirdOfASecond) {
  FailoverCluster f(1, 5, 50);
  f.run_for(5s);
  const auto before = f.owners();
  f.cluster.crash(2);
  const auto start = f.cluster.now();
  while (!f.settled() && f.cluster.now() - start < 5s) f.run_for(10ms);
  EXPECT_LT(f.cluster.now() - start, 350ms);
  for (const auto& [ip, owners] : f.owners()) {
    if (!before.at(ip).contains(2)) {
      EXPECT_EQ(owners, before.at(ip)) << "only what node2 had has moved";
    }
  }
}

TEST(Failover, NeverTwoOwnersWhileAMemberDiesOrIsCutOffAndComesBack) {
  FailoverCluster f(2, 5, 50);
  f.run_for(5s);
  const auto nobody_twice = [&] {
    for (const auto& [ip, owners] : f.owners())
      if (owners.size() > 1) return false;
    return true;
  };
  // A link that is cut takes both sides about the same time to notice, not the very same moment.
  f.cluster.nodes()[1].side = 1;
  Duration both{};
  for (int i = 0; i < 1000; ++i) {
    f.run_for(10ms);
    if (!nobody_twice()) both += 10ms;
  }
  EXPECT_LE(both, 100ms) << "the side that is cut off withdraws in time";
  ASSERT_TRUE(f.settled());
  f.cluster.nodes()[1].side = 0;
  for (int i = 0; i < 3000; ++i) {
    f.run_for(10ms);
    ASSERT_TRUE(nobody_twice()) << i * 10 << " ms after the link is whole again";
  }
  EXPECT_TRUE(f.settled());
}

TEST(Failover, WhoHasJustComeBackAgreesWithAllOthersWhereAddressesAre) {
  FailoverCluster f(4, 5, 50);
  f.run_for(5s);
  for (const std::size_t who : {2U, 1U}) {
    f.cluster.crash(who);
    f.run_for(3s);
    f.restart(who);
    f.run_for(1s);
  }
  // Node 2 comes back for some seconds yet, which node 1 was not there to see.
  std::map<IpAddress, Duration> disagreed;
  for (const auto until = f.cluster.now() + 20s; f.cluster.now() < until;) {
    f.run_for(10ms);
    for (const auto& [ip, owners] : f.owners())
      if (f.opinions(ip) > 1) disagreed[ip] += 10ms;
  }
  for (const auto& [ip, time] : disagreed)
    EXPECT_LE(time, 200ms) << ip.to_string() << ": as long as it takes to tell";
}

TEST(Failover, AMinorityThatComesBackDefersToTheMajority) {
  FailoverCluster f(3, 5, 50);
  f.run_for(5s);
  f.cluster.nodes()[0].side = f.cluster.nodes()[3].side = 1;
  f.run_for(30s);
  ASSERT_TRUE(f.settled());
  for (auto& node : f.cluster.nodes()) node.side = 0;
  for (int i = 0; i < 3000; ++i) {
    f.run_for(10ms);
    for (const auto& [ip, owners] : f.owners())
      ASSERT_LE(owners.size(), 1U) << ip.to_string() << " after " << i * 10 << " ms";
  }
  EXPECT_TRUE(f.settled());
}

TEST(Failover, OneOwnerInEveryMajorityWhateverFails) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) soak(seed, 7, 20, 25);
  soak(100, 40, 40, 6);
  soak(200, 100, 1000, 4);
}

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::stoul(text) : otherwise;
}

/// ANTREA_SOAK=FAULTS, ANTREA_SOAK_NODES (1000), ANTREA_SOAK_ADDRESSES (ten times as many), and
/// ANTREA_SOAK_SEED (42).
TEST(Failover, Soak) {
  const auto faults = from_environment("ANTREA_SOAK", 0);
  if (faults == 0) GTEST_SKIP() << "set ANTREA_SOAK to the number of faults";
  const auto nodes = from_environment("ANTREA_SOAK_NODES", 1000);
  const auto addresses = from_environment("ANTREA_SOAK_ADDRESSES", 10 * nodes);
  SoakResult result;
  soak(from_environment("ANTREA_SOAK_SEED", 42), nodes, addresses, faults, &result);
  std::printf("%zu faults, %zu times looked at; settled after %.1f s at most\n", faults,
              result.settlings, std::chrono::duration<double>(result.longest).count());
}

}  // namespace
}  // namespace antrea::egress
