#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "scheduler_state.h"

namespace antrea::egress {
namespace {

// More changes to a ring than this, and it is made anew.
constexpr std::size_t kFewChanges = 16;

NodeState state_of(const api::Node& node, std::uint32_t default_limit) {
  const auto& meta = node.metadata;
  NodeState state{meta.labels, default_limit, false, true};
  if (const auto os = meta.labels.find("kubernetes.io/os"); os != meta.labels.end())
    state.linux = os->second == "linux";
  if (const auto drain = meta.annotations.find(kDrain); drain != meta.annotations.end())
    state.drain = drain->second == "true";
  if (const auto limit = meta.annotations.find(kMaxEgressIps); limit != meta.annotations.end()) {
    const std::string& text = limit->second;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size())
      state.limit = static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 0, UINT32_MAX));
  }
  return state;
}

/// Whether those of `voters` that are in `present` may act for all of them.
bool is_majority(const std::set<std::string>& present, const std::set<std::string>& voters) {
  const auto count = static_cast<std::size_t>(
      std::ranges::count_if(voters, [&](const auto& name) { return present.contains(name); }));
  if (voters.empty()) return false;
  return count * 2 == voters.size() ? present.contains(*voters.begin()) : count * 2 > voters.size();
}

}  // namespace

std::vector<PlacementChange> Scheduler::State::apply(const SchedulerInput& input, TimePoint now) {
  now_ = std::max(now_, now);
  const bool nodes = take_nodes(input), pools = take_pools(input);
  if (nodes || pools) select_nodes();
  const bool alive = input.alive && take_alive(*input.alive, now_);
  if (nodes || pools || alive) fill_rings();
  if (input.returning) take_returning(*input.returning);

  std::vector<PlacementChange> changes;
  take_egresses(input, changes);
  place_all(changes);
  std::ranges::sort(changes, {}, &PlacementChange::key);
  return changes;
}

bool Scheduler::State::take_nodes(const SchedulerInput& input) {
  for (const auto& name : input.removed_nodes) nodes_.erase(name);
  for (const auto& node : input.nodes)
    nodes_[node.metadata.name] = state_of(node, config_.max_ips_per_node);
  return !input.nodes.empty() || !input.removed_nodes.empty();
}

bool Scheduler::State::take_pools(const SchedulerInput& input) {
  for (const auto& name : input.removed_pools) pools_.erase(name);
  for (const auto& pool : input.pools) pools_[pool.metadata.name].selector = pool.node_selector;
  return !input.pools.empty() || !input.removed_pools.empty();
}

bool Scheduler::State::take_alive(const std::set<std::string>& alive, TimePoint now) {
  const auto before = alive_members();
  if (alive == before) return false;
  std::set<std::string> back;
  for (const auto& name : alive)
    if (!members_.try_emplace(name).second && !before.contains(name)) back.insert(name);
  // Where a minority meets the majority again, those of the minority are the ones who return: the
  // majority, which had the addresses meanwhile, sees it so, too.
  if (!back.empty() && !is_majority(before, cluster_) && is_majority(alive, cluster_)) {
    back.clear();
    std::ranges::set_intersection(alive, before, std::inserter(back, back.end()));
  }
  for (const auto& name : back) members_[name].returned = now;
  for (auto& [name, member] : members_) member.alive = alive.contains(name);
  return true;
}

void Scheduler::State::take_returning(const std::set<std::string>& returning) {
  for (auto& [name, member] : members_) {
    const bool says = returning.contains(name);
    if (member.says_returning == says) continue;
    member.says_returning = says;
    member.returned.reset();
  }
}

bool Scheduler::State::is_returning(std::string_view node) const {
  const auto found = members_.find(node);
  if (found == members_.end()) return false;
  const auto& [alive, says, returned] = found->second;
  return says || (returned && now_ < *returned + config_.return_delay);
}

void Scheduler::State::note_return(std::string_view node, TimePoint now) {
  members_[std::string(node)].returned = now;
}

std::optional<TimePoint> Scheduler::State::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [name, member] : members_) {
    if (!member.alive || !member.returned) continue;
    const TimePoint settled = *member.returned + config_.return_delay;
    if (settled > now_ && (!next || settled < *next)) next = settled;
  }
  return next;
}

std::set<std::string> Scheduler::State::alive_members() const {
  std::set<std::string> alive;
  for (const auto& [name, member] : members_)
    if (member.alive) alive.insert(name);
  return alive;
}

void Scheduler::State::select_nodes() {
  cluster_.clear();
  for (const auto& [name, node] : nodes_)
    if (node.linux) cluster_.insert(name);
  for (auto& [unused, pool] : pools_) {
    pool.nodes.clear();
    for (const auto& [name, node] : nodes_)
      if (node.linux && pool.selector.matches(node.labels)) pool.nodes.insert(name);
  }
}

void Scheduler::State::fill_rings() {
  const auto members = alive_members();
  alive_.clear();
  std::ranges::set_intersection(cluster_, members, std::inserter(alive_, alive_.end()));
  candidates_.clear();
  for (const auto& name : alive_) candidates_[name].limit = nodes_.find(name)->second.limit;

  for (auto& [unused, pool] : pools_) {
    std::set<std::string> alive;
    std::ranges::set_intersection(pool.nodes, members, std::inserter(alive, alive.end()));
    std::vector<std::string> come, go;
    std::ranges::set_difference(alive, pool.alive, std::back_inserter(come));
    std::ranges::set_difference(pool.alive, alive, std::back_inserter(go));
    if (come.size() + go.size() > kFewChanges) {
      pool.ring = ConsistentHash(alive);
    } else {
      for (const auto& node : come) pool.ring.add(node);
      for (const auto& node : go) pool.ring.remove(node);
    }
    pool.alive = std::move(alive);
  }
}

void Scheduler::State::append_requests(const std::string& name, const EgressState& egress) {
  std::set<IpAddress> seen;
  for (std::size_t i = 0; i < egress.addresses.size(); ++i) {
    const auto& [ip, pool] = egress.addresses[i];
    if (!ip || pool.empty() || !seen.insert(*ip).second) continue;
    const auto entry = placements_.try_emplace({name, *ip}).first;
    const auto only_at = egress.only_at.find(*ip);
    requests_.push_back({egress.created, &entry->first, &entry->second, i, pool, ip->to_string(),
                         egress.limited,
                         only_at != egress.only_at.end() ? &only_at->second : nullptr, nullptr});
  }
}

std::set<std::string, std::less<>> Scheduler::State::take_states(const SchedulerInput& input) {
  std::set<std::string, std::less<>> changed;
  for (const auto* const removed : {&input.removed_egresses, &input.removed_services})
    for (const auto& name : *removed)
      if (egresses_.erase(name) > 0) changed.insert(name);
  const auto set = [&](const std::string& name, EgressState state) {
    const auto entry = egresses_.try_emplace(name).first;
    if (entry->second == state) return;
    entry->second = std::move(state);
    changed.insert(name);
  };
  for (const auto& egress : input.egresses)
    set(egress.metadata.name,
        {egress.metadata.creation_timestamp, egress.spec.addresses, true, {}});
  for (const ServiceClaim& claim : input.services) {
    EgressState state{claim.created, {}, false, {}};
    for (const ClaimedIp& claimed : claim.ips) {
      state.addresses.push_back({claimed.ip, claim.pool});
      if (claimed.nodes) state.only_at.emplace(claimed.ip, *claimed.nodes);
    }
    set(claim.service, std::move(state));
  }
  return changed;
}

// Takes the requests of changed Egresses out, puts their new ones in, in order.
void Scheduler::State::take_egresses(const SchedulerInput& input,
                                     std::vector<PlacementChange>& changes) {
  const auto changed = take_states(input);
  if (changed.empty()) return;

  std::erase_if(requests_, [&](const Request& each) { return changed.contains(each.key->egress); });
  const auto kept = static_cast<std::ptrdiff_t>(requests_.size());
  for (const auto& name : changed)
    if (const auto egress = egresses_.find(name); egress != egresses_.end())
      append_requests(name, egress->second);
  std::ranges::sort(requests_.begin() + kept, requests_.end(), {}, &Request::order);
  std::set<const EgressIp*> wanted;
  for (auto each = requests_.begin() + kept; each != requests_.end(); ++each)
    wanted.insert(each->key);
  for (const auto& name : changed)
    for (auto each = placements_.lower_bound({name, {}});
         each != placements_.end() && each->first.egress == name;) {
      if (wanted.contains(&each->first)) {
        ++each;
        continue;
      }
      changes.push_back({each->first, std::nullopt});
      each = placements_.erase(each);
    }
  std::ranges::inplace_merge(requests_, requests_.begin() + kept, {}, &Request::order);

  std::unordered_map<IpAddress, const Placement*> latest;
  latest.reserve(requests_.size());
  for (Request& each : requests_) each.as = std::exchange(latest[each.key->ip], each.placement);
}

}  // namespace antrea::egress
