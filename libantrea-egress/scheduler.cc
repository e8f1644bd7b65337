#include "antrea/egress/scheduler.h"

#include <algorithm>
#include <utility>

#include "scheduler_state.h"

namespace antrea::egress {
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

std::vector<PlacementChange> Scheduler::State::apply(const SchedulerInput& input, TimePoint now) {
  now_ = std::max(now_, now);
  const bool nodes = take_nodes(input), pools = take_pools(input);
  if (nodes || pools) {
    select_nodes();
    fill_rings();
  }
  if (input.alive) take_alive(*input.alive, now_);
  if (input.returning) take_returning(*input.returning);

  std::vector<PlacementChange> changes;
  take_egresses(input, changes);
  place_all(changes);
  std::ranges::sort(changes, {}, &PlacementChange::key);
  return changes;
}

}  // namespace antrea::egress
