#include "antrea/egress/scheduler.h"

#include <algorithm>

#include "scheduler_state.h"

namespace antrea::egress {
namespace {

// Fewer Nodes than this cannot tell which one of them was cut off.
constexpr std::size_t kFewVoters = 3;

}  // namespace

std::string_view to_string(Unowned reason) {
  switch (reason) {
    case Unowned::kNo:
      return "";
    case Unowned::kNoPool:
      return "its ExternalIPPool does not exist";
    case Unowned::kNoMajority:
      return "most Nodes of its ExternalIPPool cannot be reached from here";
    case Unowned::kNoNode:
      return "no Node that is alive matches the nodeSelector of its ExternalIPPool";
    case Unowned::kNoEndpoint:
      return "no Node of its ExternalIPPool that is alive has an endpoint of the Service";
    case Unowned::kFull:
      return "all Nodes of its ExternalIPPool have as many Egress IPs as they may";
  }
  return "";
}

Scheduler::Scheduler(SchedulerConfig config) : state_(std::make_unique<State>(config)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

std::vector<PlacementChange> Scheduler::apply(const SchedulerInput& input, TimePoint now) {
  return state_->apply(input, now);
}

std::vector<PlacementChange> Scheduler::returned(std::string_view node, TimePoint now) {
  state_->note_return(node, now);
  return state_->apply({}, now);
}

bool Scheduler::returning(std::string_view node) const { return state_->is_returning(node); }

std::optional<TimePoint> Scheduler::next_deadline() const { return state_->next_deadline(); }

const std::map<EgressIp, Placement>& Scheduler::placements() const { return state_->placements(); }

std::string Scheduler::reporter(std::string_view key) const {
  const ConsistentHash ring(state_->alive_members());
  const auto* node = ring.owner(key);
  return node != nullptr ? *node : std::string();
}

void Scheduler::State::judge_candidates() {
  for (auto& [name, candidate] : candidates_) {
    candidate.misgiving = nodes_.find(name)->second.drain ? 2 : is_returning(name) ? 1 : 0;
    candidate.owned = 0;
  }
}

void Scheduler::State::place_all(std::vector<PlacementChange>& changes) {
  judge_candidates();
  const std::string* egress = nullptr;
  for (const Request& request : requests_) {
    if (egress == nullptr || *egress != request.key->egress) siblings_.clear();
    egress = &request.key->egress;
    Placement placement = place(request);
    if (placement == *request.placement) continue;
    *request.placement = std::move(placement);
    changes.push_back({*request.key, *request.placement});
  }
  siblings_.clear();
}

Placement Scheduler::State::place(const Request& request) {
  Placement placement{request.pool, {}, {}, Unowned::kNo};
  if (request.as != nullptr && !request.as->owner.empty()) {
    placement.owner = request.as->owner;
    placement.standby = request.as->standby;
    siblings_.emplace_back(request.key->ip.family(), &candidates_.find(placement.owner)->second);
    return placement;
  }
  const auto pool = pools_.find(request.pool);
  if (pool == pools_.end()) {
    placement.unowned = Unowned::kNoPool;
  } else if (pool->second.ring.empty()) {
    placement.unowned = Unowned::kNoNode;
  } else if (config_.majority && !has_majority(pool->second)) {
    placement.unowned = Unowned::kNoMajority;
  } else if (Candidate* owner = choose(pool->second, request, {}, placement.owner)) {
    choose(pool->second, request, placement.owner, placement.standby);
    if (request.limited) ++owner->owned;
    siblings_.emplace_back(request.key->ip.family(), owner);
  } else {
    placement.unowned = request.only_at != nullptr ? Unowned::kNoEndpoint : Unowned::kFull;
  }
  return placement;
}

bool Scheduler::State::has_majority(const PoolState& pool) const {
  const bool few = pool.nodes.size() < kFewVoters;
  const auto& voters = few ? cluster_ : pool.nodes;
  const std::size_t alive = few ? alive_.size() : pool.alive.size();
  if (alive * 2 == voters.size()) return alive_.contains(*voters.begin());
  return alive * 2 > voters.size();
}

// The best of those that have room; of equals, the first one of the walk.
Candidate* Scheduler::State::choose(const PoolState& pool, const Request& request,
                                    std::string_view without, std::string& name) {
  const auto is_sibling = [&](const Candidate& candidate) {
    return std::ranges::any_of(siblings_, [&](const auto& sibling) {
      return sibling.first == request.key->ip.family() && sibling.second == &candidate;
    });
  };
  Candidate* best = nullptr;
  int least = 0;
  auto walk = pool.ring.walk(request.text, without);
  while (const auto* node = walk.next()) {
    Candidate& candidate = candidates_.find(*node)->second;
    if (request.limited && candidate.owned >= candidate.limit) continue;
    if (request.only_at != nullptr && !request.only_at->contains(*node)) continue;
    const int misgiving = candidate.misgiving * 2 + (is_sibling(candidate) ? 1 : 0);
    if (best != nullptr && misgiving >= least) continue;
    best = &candidate;
    least = misgiving;
    name = *node;
    if (least == 0) break;
  }
  return best;
}

}  // namespace antrea::egress
