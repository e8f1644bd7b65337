#include "tests/egress/failover_cluster.h"

#include <algorithm>

#include "tests/egress/objects.h"

namespace antrea::egress {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> names(std::size_t nodes) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < nodes; ++i) out.push_back("node" + std::to_string(i));
  return out;
}

SchedulerInput nodes_named(const std::vector<std::string>& names) {
  SchedulerInput input;
  for (const auto& name : names) input.nodes.push_back(make_node(name));
  return input;
}

SchedulerInput with_addresses(SchedulerInput input, std::size_t addresses) {
  input.pools = {make_pool("pool")};
  for (std::size_t i = 0; i < addresses; ++i)
    input.egresses.push_back(
        make_egress("egress" + std::to_string(i), {IpAddress::v4(0x0a630000).plus(i).to_string()}));
  return input;
}

}  // namespace

FailoverCluster::FailoverCluster(std::uint64_t seed, std::size_t nodes, std::size_t addresses)
    : cluster(seed),
      random_(seed),
      nodes_only_(nodes_named(names(nodes))),
      placements_(with_addresses(nodes_only_, addresses), names(nodes)) {
  cluster.add_acquainted(nodes);
  auto input = nodes_only_;
  input.alive.emplace();
  for (const auto& node : cluster.nodes()) {
    numbers_.emplace(node.name, numbers_.size());
    input.alive->insert(node.name);
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    auto& decider = deciders_.emplace_back();
    decider.alive = *input.alive;
    decider.returns.apply(input, cluster.now());
  }
  for (std::size_t i = 0; i < nodes; ++i) note_view(i);
  act();
  cluster.on_seen = [this](const VirtualCluster::Seen& seen) { take_in(seen); };
}

void FailoverCluster::run_for(Duration time) {
  // In small steps: between them members decide about what they have heard. Many of them are slow
  // at it, so that what comes together in large numbers is decided together.
  constexpr std::size_t kMany = 100;
  const Duration step = deciders_.size() > kMany ? 100ms : 10ms;
  for (const auto until = cluster.now() + time; cluster.now() < until;) {
    cluster.run_for(step);
    decide();
    cluster.forget_seen();
  }
}

void FailoverCluster::disturb() {
  const auto count = cluster.nodes().size();
  const auto who = random_.below(count);
  auto& node = cluster.nodes()[who];
  std::size_t down = 0;
  for (std::size_t i = 0; i < count; ++i) down += runs(i) ? 0 : 1;
  switch (random_.below(6)) {
    case 0:
      if (runs(who) && down < count / 4) cluster.crash(who);
      break;
    case 1:
      if (runs(who) && down < count / 4) cluster.pause(who);
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

void FailoverCluster::restart(std::size_t who) {
  cluster.restart(who);
  auto& decider = deciders_[who] = Decider();
  auto input = nodes_only_;
  input.alive = decider.alive = {cluster.nodes()[who].name};
  decider.returns.apply(input, cluster.now());
  withdraw(who);
  note_view(who);
  tell_returning(who);
  for (std::size_t i = 0; i < cluster.nodes().size(); ++i)
    if (i != who) cluster.join(who, i);
}

void FailoverCluster::heal() {
  for (auto& node : cluster.nodes()) node.side = 0;
  for (std::size_t i = 0; i < cluster.nodes().size(); ++i) {
    if (cluster.nodes()[i].paused) cluster.resume(i);
    if (!cluster.nodes()[i].membership) restart(i);
  }
}

std::map<IpAddress, std::set<std::size_t>> FailoverCluster::owners() {
  act();
  std::map<IpAddress, std::set<std::size_t>> all;
  for (const auto& ip : placements_.addresses()) all[ip];
  for (std::size_t i = 0; i < deciders_.size(); ++i) {
    if (!runs(i) || cluster.nodes()[i].cut_off) continue;
    for (const auto& [ip, at] : deciders_[i].takes)
      if (at <= cluster.now()) all[ip].insert(i);
  }
  return all;
}

std::size_t FailoverCluster::strength(int side) const {
  std::size_t up = 0;
  for (std::size_t i = 0; i < deciders_.size(); ++i)
    up += runs(i) && cluster.nodes()[i].side == side ? 1 : 0;
  return up;
}

bool FailoverCluster::settled() {
  const auto all = deciders_.size();
  const bool halves = 2 * strength(0) == all || 2 * strength(1) == all;
  if (halves) return true;  // which half it is depends on names: the Scheduler's own tests
  const std::size_t want = 2 * strength(0) > all || 2 * strength(1) > all ? 1 : 0;
  return std::ranges::all_of(owners(),
                             [&](const auto& entry) { return entry.second.size() == want; });
}

std::set<std::size_t> FailoverCluster::entitled() const {
  const auto all = deciders_.size();
  boost::dynamic_bitset<> common(all);
  for (const int side : {0, 1}) {
    if (2 * strength(side) <= all) continue;
    common.set();
    for (std::size_t i = 0; i < all; ++i)
      if (runs(i) && cluster.nodes()[i].side == side)
        common &= deciders_[i].view.alive - deciders_[i].view.returning;
  }
  std::set<std::size_t> out;
  for (auto i = common.find_first(); i != common.npos; i = common.find_next(i)) out.insert(i);
  return out;
}

std::map<IpAddress, std::size_t> FailoverCluster::opinions() {
  std::map<IpAddress, std::set<std::string>> said;
  for (std::size_t i = 0; i < deciders_.size(); ++i) {
    if (!cluster.nodes()[i].membership) continue;
    for (const auto& [key, placement] : placements_.in(deciders_[i].view))
      said[key.ip].insert(placement.owner);
  }
  std::map<IpAddress, std::size_t> out;
  for (const auto& [ip, answers] : said) out.emplace(ip, answers.size());
  return out;
}

bool FailoverCluster::consistent() const {
  for (std::size_t i = 0; i < deciders_.size(); ++i) {
    if (!runs(i)) continue;
    std::set<std::string> counted;
    for (const auto& member : cluster.nodes()[i].membership->members())
      if (member.counts()) counted.insert(member.name);
    if (counted != deciders_[i].alive) return false;
  }
  return true;
}

std::string FailoverCluster::describe() {
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
                    std::to_string(deciders_.size()) + " members are up on each side";
  for (const auto& [owners, addresses] : by_owners)
    out +=
        ", " + std::to_string(addresses) + " addresses have " + std::to_string(owners) + " owners";
  return out + (cluster.agreed() ? "; all agree who is there" : "; not all agree who is there") +
         first;
}

void FailoverCluster::take_in(const VirtualCluster::Seen& seen) {
  auto& decider = deciders_[seen.by];
  const Member& member = seen.event.member;
  changed_.insert(seen.by);
  if (seen.event.kind == MemberEvent::Kind::kOutvoted) {
    outvoted_.insert(seen.by);
    return;
  }
  const bool counts = member.counts();
  counts ? (void)decider.alive.insert(member.name) : (void)decider.alive.erase(member.name);
  const bool back = counts && member.name != cluster.nodes()[seen.by].name &&
                    MemberMeta::decode(member.meta).returning;
  back ? (void)decider.comebacks.insert(member.name) : (void)decider.comebacks.erase(member.name);
}

void FailoverCluster::decide() {
  for (const auto who : std::exchange(changed_, {})) {
    if (!runs(who)) continue;
    auto& decider = deciders_[who];
    decider.returns.apply({.alive = decider.alive, .returning = decider.comebacks}, cluster.now());
    decided_.insert(who);
  }
  for (std::size_t i = 0; i < deciders_.size(); ++i) {
    auto& decider = deciders_[i];
    const bool outvoted = outvoted_.erase(i) != 0;
    const bool turned =
        std::exchange(decider.cut_off, cluster.nodes()[i].cut_off) != cluster.nodes()[i].cut_off;
    const bool due = decider.deadline <= cluster.now();
    if (!outvoted && !turned && !due && !decided_.contains(i)) continue;
    if (outvoted || turned) withdraw(i);
    if (due) (void)decider.returns.apply({}, cluster.now());
    note_view(i);
    decided_.insert(i);
  }
  std::erase_if(decided_, [this](std::size_t who) {
    if (cluster.nodes()[who].membership && cluster.nodes()[who].paused)
      return false;  // says it when it goes on
    if (cluster.nodes()[who].membership) tell_returning(who);
    return true;
  });
}

void FailoverCluster::withdraw(std::size_t who) {
  (void)deciders_[who].returns.returned(cluster.nodes()[who].name, cluster.now());
}

void FailoverCluster::note_view(std::size_t who) {
  auto& decider = deciders_[who];
  const auto deadline = decider.returns.next_deadline();
  decider.deadline = deadline.value_or(TimePoint::max());
  const bool some_return = deadline || !decider.comebacks.empty();
  View view{boost::dynamic_bitset<>(deciders_.size()), boost::dynamic_bitset<>(deciders_.size())};
  for (const auto& name : decider.alive) {
    const auto number = numbers_.find(name)->second;
    view.alive.set(number);
    if (some_return && decider.returns.returning(name)) view.returning.set(number);
  }
  if (view == decider.view) return;
  decider.view = std::move(view);
  decider.viewed_at = cluster.now();
  to_act_.insert(who);
}

void FailoverCluster::tell_returning(std::size_t who) {
  auto& decider = deciders_[who];
  const bool returning = decider.returns.returning(cluster.nodes()[who].name);
  if (std::exchange(decider.says_returning, returning) != returning)
    cluster.set_returning(who, returning);
}

void FailoverCluster::act() {
  std::vector<SharedPlacements::Asked> asked;
  std::erase_if(to_act_, [&](std::size_t who) {
    if (runs(who)) asked.push_back({who, &deciders_[who].view});
    return runs(who);
  });
  placements_.ask(std::move(asked), [this](std::size_t who, const std::set<IpAddress>& has) {
    auto& decider = deciders_[who];
    const auto& before = decider.acted_on.alive;
    const bool planned =
        before.size() == decider.view.alive.size() && before.is_subset_of(decider.view.alive);
    std::erase_if(decider.takes, [&](const auto& entry) { return !has.contains(entry.first); });
    for (const auto& ip : has)
      decider.takes.emplace(ip, decider.viewed_at + (planned ? kTakeover : Duration{}));
    decider.acted_on = decider.view;
  });
}

}  // namespace antrea::egress
