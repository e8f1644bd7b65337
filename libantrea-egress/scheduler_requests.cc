// What the Scheduler is told of Egresses and of Services: the addresses that are to be placed.
#include <algorithm>
#include <utility>

#include "scheduler_state.h"

namespace antrea::egress {

void Scheduler::State::take_egresses(const SchedulerInput& input,
                                     std::vector<PlacementChange>& changes) {
  std::vector<std::unique_ptr<Request>> retired;
  for (const auto* const removed : {&input.removed_egresses, &input.removed_services})
    for (const auto& name : *removed) remove(name, retired, changes);
  for (const auto& egress : input.egresses)
    set(egress.metadata.name, {egress.metadata.creation_timestamp, egress.spec.addresses, true, {}},
        retired, changes);
  for (const ServiceClaim& claim : input.services) {
    EgressState state{claim.created, {}, false, {}};
    for (const ClaimedIp& claimed : claim.ips) {
      state.addresses.push_back({claimed.ip, claim.pool});
      if (claimed.nodes) state.only_at.emplace(claimed.ip, *claimed.nodes);
    }
    set(claim.service, std::move(state), retired, changes);
  }
  if (!requests_changed_) return;
  // New ones stand behind those that stay, each in its order.
  std::erase_if(requests_, [](const Request* each) { return each->gone; });
  const auto order = [](const Request* each) { return each->order(); };
  const auto kept =
      std::ranges::find_if(requests_, [](const Request* each) { return each->added; });
  for (Request* const each : std::span(kept, requests_.end())) each->added = false;
  std::ranges::sort(kept, requests_.end(), {}, order);
  std::ranges::inplace_merge(requests_.begin(), kept, requests_.end(), {}, order);
}

void Scheduler::State::set(const std::string& name, EgressState state, Retired& retired,
                           std::vector<PlacementChange>& changes) {
  const auto [entry, added] = egresses_.try_emplace(name);
  EgressState& egress = entry->second;
  if (!added && egress.says_the_same(state)) return;
  retire_requests(egress, retired);
  egress = std::move(state);
  make_requests(name, egress);
  drop_placements(name, egress, changes);
}

void Scheduler::State::remove(const std::string& name, Retired& retired,
                              std::vector<PlacementChange>& changes) {
  const auto entry = egresses_.find(name);
  if (entry == egresses_.end()) return;
  retire_requests(entry->second, retired);
  egresses_.erase(entry);
  drop_placements(name, {}, changes);
}

void Scheduler::State::retire_requests(EgressState& egress, Retired& retired) {
  for (auto& request : egress.requests) {
    if (request->counted) --request->owner->owned;
    unlink(*request);
    request->gone = true;
    requests_changed_ = true;
    retired.push_back(std::move(request));
  }
  egress.requests.clear();
}

void Scheduler::State::make_requests(const std::string& name, EgressState& egress) {
  std::set<IpAddress> seen;
  for (std::uint32_t i = 0; i < egress.addresses.size(); ++i) {
    const auto& [ip, pool] = egress.addresses[i];
    if (!ip || pool.empty() || !seen.insert(*ip).second) continue;
    const auto entry = placements_.try_emplace({name, *ip}).first;
    const auto only_at = egress.only_at.find(*ip);
    egress.requests.push_back(std::make_unique<Request>(
        Request{.egress = &egress,
                .key = &entry->first,
                .placement = &entry->second,
                .index = i,
                .hash = ConsistentHash::hash(ip->to_string()),
                .only_at = only_at != egress.only_at.end() ? &only_at->second : nullptr}));
    link(*egress.requests.back());
    requests_.push_back(egress.requests.back().get());
    requests_changed_ = true;
  }
}

/// Those of addresses that are not to be placed any more.
void Scheduler::State::drop_placements(const std::string& name, const EgressState& egress,
                                       std::vector<PlacementChange>& changes) {
  for (auto each = placements_.lower_bound({name, {}});
       each != placements_.end() && each->first.egress == name;) {
    const bool wanted = std::ranges::any_of(
        egress.requests, [&](const auto& request) { return request->key == &each->first; });
    if (wanted) {
      ++each;
      continue;
    }
    changes.push_back({each->first, std::nullopt});
    each = placements_.erase(each);
  }
}

// Among the requests for the same address.
void Scheduler::State::link(Request& request) {
  auto& same = by_address_[request.key->ip];
  const auto behind = std::ranges::find_if(
      same, [&](const Request* each) { return request.order() < each->order(); });
  request.as = behind != same.begin() ? *std::prev(behind) : nullptr;
  if (behind != same.end()) {
    (*behind)->as = &request;
    (*behind)->due = true;
  }
  same.insert(behind, &request);
}

void Scheduler::State::unlink(Request& request) {
  const auto found = by_address_.find(request.key->ip);
  auto& same = found->second;
  const auto behind = same.erase(std::ranges::find(same, &request));
  if (behind != same.end()) {
    (*behind)->as = request.as;
    (*behind)->due = true;
  }
  if (same.empty()) by_address_.erase(found);
}

}  // namespace antrea::egress
