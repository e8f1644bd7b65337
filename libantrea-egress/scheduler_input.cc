// What the Scheduler is told of Nodes, pools and members.
#include <algorithm>
#include <charconv>
#include <utility>

#include "scheduler_state.h"

namespace antrea::egress {
namespace {

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
  if (voters.empty()) return false;
  return present.size() * 2 == voters.size() ? present.contains(*voters.begin())
                                             : present.size() * 2 > voters.size();
}

}  // namespace

// Whether rings or limits may be others now. That a Node is to be drained is seen with the others'
// misgivings.
bool Scheduler::State::take_nodes(const SchedulerInput& input) {
  bool changed = false;
  for (const auto& name : input.removed_nodes) changed |= nodes_.erase(name) > 0;
  for (const auto& node : input.nodes) {
    auto state = state_of(node, config_.max_ips_per_node);
    const auto [entry, added] = nodes_.try_emplace(node.metadata.name);
    entry->second.drain = state.drain;
    if (!added && entry->second == state) continue;
    entry->second = std::move(state);
    changed = true;
  }
  return changed;
}

bool Scheduler::State::take_pools(const SchedulerInput& input) {
  bool changed = false;
  for (const auto& name : input.removed_pools) changed |= pools_.erase(name) > 0;
  for (const auto& pool : input.pools) {
    const auto [entry, added] = pools_.try_emplace(pool.metadata.name);
    if (!added && entry->second.selector == pool.node_selector) continue;
    entry->second.selector = pool.node_selector;
    changed = true;
  }
  return changed;
}

void Scheduler::State::take_alive(const std::set<std::string>& alive, TimePoint now) {
  std::vector<std::string> come, gone;
  std::set<std::string> back;
  auto member = members_.begin();
  const auto pass = [&] {
    if (std::exchange(member->second.alive, false)) gone.push_back(member->first);
    ++member;
  };
  for (const auto& name : alive) {  // both are in order of names
    while (member != members_.end() && member->first < name) pass();
    const bool known = member != members_.end() && member->first == name;
    if (!known) member = members_.emplace_hint(member, name, Member());
    if (!std::exchange(member->second.alive, true)) {
      come.push_back(name);
      if (known) back.insert(name);
    }
    ++member;
  }
  while (member != members_.end()) pass();

  const bool was_majority = is_majority(alive_, cluster_);
  change_rings(gone, come);
  // Where a minority meets the majority again, those of the minority are the ones who return: the
  // majority, which had the addresses meanwhile, sees it so, too.
  if (!back.empty() && !was_majority && is_majority(alive_, cluster_)) {
    back = alive;
    for (const auto& name : come) back.erase(name);
  }
  for (const auto& name : back) note_return(name, now);
}

void Scheduler::State::take_returning(const std::set<std::string>& returning) {
  for (auto& [name, member] : members_) {
    const bool says = returning.contains(name);
    if (member.says_returning == says) continue;
    member.says_returning = says;
    member.returned.reset();
  }
}

bool Scheduler::State::is_returning(const Member& member) const {
  return member.says_returning ||
         (member.returned && now_ < *member.returned + config_.return_delay);
}

bool Scheduler::State::is_returning(std::string_view node) const {
  const auto found = members_.find(node);
  return found != members_.end() && is_returning(found->second);
}

void Scheduler::State::note_return(std::string_view node, TimePoint now) {
  members_[std::string(node)].returned = now;
  just_returned_.emplace(node);
}

std::optional<TimePoint> Scheduler::State::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& name : just_returned_) {
    const Member& member = members_.find(name)->second;
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
  for (Request* const request : requests_) {
    request->owner = nullptr;
    request->counted = false;
  }
  all_due_ = true;
  candidates_.clear();
  alive_.clear();
  for (const auto& name : cluster_) {
    const auto member = members_.find(name);
    if (member == members_.end() || !member->second.alive) continue;
    alive_.insert(name);
    candidates_[name] = {.node = &nodes_.find(name)->second, .member = &member->second};
  }
  for (auto& [unused, pool] : pools_) {
    std::set<std::string> alive;
    std::ranges::set_intersection(pool.nodes, alive_, std::inserter(alive, alive.end()));
    pool.ring = ConsistentHash(alive);
  }
}

void Scheduler::State::change_rings(const std::vector<std::string>& gone,
                                    const std::vector<std::string>& come) {
  for (const auto& name : gone) {
    if (alive_.erase(name) == 0) continue;
    departed_.push_back(candidates_.extract(name));
    departed_.back().mapped().changed = true;
  }
  for (const auto& name : come) {
    if (!cluster_.contains(name)) continue;
    alive_.insert(name);
    candidates_[name] = {.node = &nodes_.find(name)->second,
                         .member = &members_.find(name)->second};
  }
  for (auto& [unused, pool] : pools_) {
    std::vector<std::string> its;
    std::ranges::copy_if(come, std::back_inserter(its),
                         [&](const auto& name) { return pool.nodes.contains(name); });
    pool.ring.change(gone, its);
    for (const auto& name : its) {
      const auto replicas = pool.ring.replicas(name);
      pool.come.insert(pool.come.end(), replicas.begin(), replicas.end());
    }
  }
}

}  // namespace antrea::egress
