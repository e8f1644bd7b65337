// Where each address is placed: only those are placed anew for which something has changed.
#include <algorithm>
#include <utility>

#include "scheduler_state.h"

namespace antrea::egress {
namespace {

// Fewer Nodes than this cannot tell which one of them was cut off.
constexpr std::size_t kFewVoters = 3;

}  // namespace

void Scheduler::State::place_all(std::vector<PlacementChange>& changes) {
  const bool candidates_changed = judge_candidates(), pools_changed = judge_pools();
  if (all_due_ || candidates_changed || pools_changed || requests_changed_) {
    // Where a Node has as many as it may, each placement depends on all before it.
    if (all_due_ || tight_ || !place_due(changes)) place_each(changes);
  }
  for (auto& [name, candidate] : candidates_) candidate.changed = false;
  for (auto& [name, pool] : pools_) {
    pool.come.clear();
    pool.judged_anew = false;
  }
  departed_.clear();
  all_due_ = requests_changed_ = false;
}

/// Whether any of them has changed, come or gone.
bool Scheduler::State::judge_candidates() {
  std::erase_if(just_returned_, [this](const auto& name) {
    const Member& member = members_.find(name)->second;
    return !member.returned || now_ >= *member.returned + config_.return_delay;
  });
  bool changed = !departed_.empty();
  for (auto& [name, candidate] : candidates_) {
    const int misgiving = candidate.node->drain ? 2 : is_returning(*candidate.member) ? 1 : 0;
    if (std::exchange(candidate.misgiving, misgiving) == misgiving) continue;
    candidate.changed = changed = true;
  }
  return changed;
}

/// Whether any of them has changed, or has another Node.
bool Scheduler::State::judge_pools() {
  bool changed = false;
  for (auto& [name, pool] : pools_) {
    std::ranges::sort(pool.come);
    const Unowned verdict = judge(pool);
    const int least = least_misgiving(pool);
    pool.judged_anew = verdict != pool.verdict || least != pool.least_misgiving;
    pool.verdict = verdict;
    pool.least_misgiving = least;
    changed = changed || pool.judged_anew || !pool.come.empty();
  }
  return changed;
}

Unowned Scheduler::State::judge(const PoolState& pool) const {
  if (pool.ring.empty()) return Unowned::kNoNode;
  return config_.majority && !has_majority(pool) ? Unowned::kNoMajority : Unowned::kNo;
}

int Scheduler::State::least_misgiving(const PoolState& pool) const {
  std::optional<int> least;
  for (const auto& name : pool.nodes) {
    const auto candidate = candidates_.find(name);
    if (candidate == candidates_.end()) continue;
    least = std::min(least.value_or(candidate->second.misgiving), candidate->second.misgiving);
    if (least == 0) break;
  }
  return least.value_or(0);
}

bool Scheduler::State::has_majority(const PoolState& pool) const {
  const bool few = pool.nodes.size() < kFewVoters;
  const auto& voters = few ? cluster_ : pool.nodes;
  const std::size_t alive = few ? alive_.size() : pool.ring.size();
  if (alive * 2 == voters.size()) return alive_.contains(*voters.begin());
  return alive * 2 > voters.size();
}

/// Whether anything of what its placement was decided by has changed.
bool Scheduler::State::is_due(const Request& request) {
  if (request.due || (request.as != nullptr && request.as->moved)) return true;
  if (request.pool == nullptr) return false;
  if (request.pool->judged_anew || request.looked_at_all) return true;
  const auto end = request.looked_at.begin() + request.looked_at_count;
  if (std::any_of(request.looked_at.begin(), end, [](const auto* each) { return each->changed; }))
    return true;
  const auto& come = request.pool->come;
  if (come.empty() || request.looked_at_count == 0) return false;
  const auto first = std::ranges::lower_bound(come, request.hash);
  if (request.hash <= request.last) return first != come.end() && *first <= request.last;
  return first != come.end() || come.front() <= request.last;
}

/// Places all, each as if it came anew.
void Scheduler::State::place_each(std::vector<PlacementChange>& changes) {
  counting_ = true;
  for (auto& [name, candidate] : candidates_) candidate.owned = 0;
  for (Request* const request : requests_) {
    request->owner = nullptr;
    request->counted = false;
  }
  const EgressState* egress = nullptr;
  for (Request* const request : requests_) {
    if (std::exchange(egress, request->egress) != request->egress) siblings_.clear();
    Placement before = *request->placement;
    place(*request);
    if (*request->placement != before) changes.push_back({*request->key, *request->placement});
    if (request->owner != nullptr)
      siblings_.emplace_back(request->key->ip.family(), request->owner);
  }
  siblings_.clear();
  counting_ = false;
  tight_ =
      std::ranges::any_of(candidates_, [](const auto& each) { return each.second.is_tight(); });
}

/// Places those that are due. False, and nothing is changed, if that makes a Node full.
bool Scheduler::State::place_due(std::vector<PlacementChange>& changes) {
  const auto told = static_cast<std::ptrdiff_t>(changes.size());
  std::vector<std::pair<Request*, Placement>> before;
  const EgressState* egress = nullptr;
  bool others_moved = false;  // of the same Egress
  for (Request* const request : requests_) {
    if (std::exchange(egress, request->egress) != request->egress) {
      siblings_.clear();
      others_moved = false;
    }
    request->moved = false;
    if (others_moved || is_due(*request)) {
      const auto* const owner = request->owner;
      before.emplace_back(request, *request->placement);
      place(*request);
      request->moved = *request->placement != before.back().second;
      if (request->moved) changes.push_back({*request->key, *request->placement});
      others_moved = others_moved || request->owner != owner;
      if (request->counted && request->owner->is_tight()) tight_ = true;
    }
    if (request->owner != nullptr)
      siblings_.emplace_back(request->key->ip.family(), request->owner);
  }
  siblings_.clear();
  if (!tight_) return true;
  for (auto& [request, placement] : before) *request->placement = std::move(placement);
  changes.erase(changes.begin() + told, changes.end());
  return false;
}

void Scheduler::State::place(Request& request) {
  if (std::exchange(request.counted, false)) --request.owner->owned;
  request.owner = nullptr;
  request.due = request.looked_at_all = false;
  request.looked_at_count = 0;
  Placement& placement = *request.placement;
  const auto& pool_name = request.egress->addresses[request.index].pool;
  placement = {pool_name, {}, {}, Unowned::kNo};
  const auto pool = pools_.find(pool_name);
  request.pool = pool != pools_.end() ? &pool->second : nullptr;
  if (request.as != nullptr && !request.as->placement->owner.empty()) {
    placement.owner = request.as->placement->owner;
    placement.standby = request.as->placement->standby;
    request.owner = request.as->owner;
  } else if (request.pool == nullptr) {
    placement.unowned = Unowned::kNoPool;
  } else if (request.pool->verdict != Unowned::kNo) {
    placement.unowned = request.pool->verdict;
  } else if ((request.owner = choose(request, {}, placement.owner)) != nullptr) {
    choose(request, placement.owner, placement.standby);
    request.counted = request.egress->limited;
    if (request.counted) ++request.owner->owned;
  } else {
    placement.unowned = request.only_at != nullptr ? Unowned::kNoEndpoint : Unowned::kFull;
  }
}

// The best of those that have room; of equals, the first one of the walk.
Candidate* Scheduler::State::choose(Request& request, std::string_view without, std::string& name) {
  const auto is_sibling = [&](const Candidate& candidate) {
    return std::ranges::any_of(siblings_, [&](const auto& sibling) {
      return sibling.first == request.key->ip.family() && sibling.second == &candidate;
    });
  };
  Candidate* best = nullptr;
  int least = 0;
  auto walk = request.pool->ring.walk_from(request.hash, without);
  for (;;) {
    const auto* const node = walk.next();
    if (node == nullptr) {
      request.looked_at_all = true;
      break;
    }
    Candidate& candidate = candidates_.find(*node)->second;
    look_at(request, candidate);
    if (request.egress->limited && !has_room(candidate)) continue;
    if (request.only_at != nullptr && !request.only_at->contains(*node)) continue;
    const int misgiving = candidate.misgiving * 2 + (is_sibling(candidate) ? 1 : 0);
    if (best != nullptr && misgiving >= least) continue;
    best = &candidate;
    least = misgiving;
    name = *node;
    if (least == request.pool->least_misgiving * 2) break;
  }
  request.last = walk.last();
  return best;
}

bool Scheduler::State::has_room(const Candidate& candidate) const {
  if (candidate.node->limit == 0) return false;
  // When not all are placed, none is full: those that are placed already stand behind some that are
  // not.
  return !counting_ || candidate.owned < candidate.node->limit;
}

void Scheduler::State::look_at(Request& request, const Candidate& candidate) {
  const auto end = request.looked_at.begin() + request.looked_at_count;
  if (std::find(request.looked_at.begin(), end, &candidate) != end) return;
  if (end == request.looked_at.end())
    request.looked_at_all = true;
  else
    request.looked_at[request.looked_at_count++] = &candidate;
}

}  // namespace antrea::egress
