#include "allocator_state.h"

#include <algorithm>
#include <tuple>

namespace antrea::egress {

using api::crd::Condition;
using api::crd::Egress;
using api::crd::EgressAddress;

namespace {

std::string owner_of(const std::string& egress) { return "Egress " + egress; }

Condition condition_of(const std::optional<Error>& error) {
  if (!error)
    return {std::string(kIpAllocated), "True", "Allocated", "all addresses are allocated", {}};
  return {std::string(kIpAllocated), "False", "AllocationError", error->to_string(), {}};
}

const Condition* find_condition(const Egress& egress) {
  const auto& conditions = egress.status.conditions;
  const auto found = std::ranges::find(conditions, kIpAllocated, &Condition::type);
  return found != conditions.end() ? &*found : nullptr;
}

bool same_but_time(const Condition& a, const Condition& b) {
  return std::tie(a.status, a.reason, a.message) == std::tie(b.status, b.reason, b.message);
}

}  // namespace

Allocator::Allocator() : state_(std::make_unique<State>()) {}
Allocator::~Allocator() = default;
Allocator::Allocator(Allocator&&) noexcept = default;
Allocator& Allocator::operator=(Allocator&&) noexcept = default;
AllocatorOutput Allocator::apply(const AllocatorInput& input) { return state_->apply(input); }

AllocatorOutput Allocator::State::apply(const AllocatorInput& input) {
  take_pools(input);
  take_egresses(input);
  take_services(input);
  for (const auto& name : dirty_) release_changed(egresses_.find(name)->second);
  release_changed_services();
  find_waiting();

  std::vector<Entry*> order;
  for (const auto& name : dirty_) order.push_back(&egresses_.find(name)->second);
  dirty_.clear();
  std::ranges::sort(order, {}, [](const Entry* entry) {
    return std::tie(entry->object.metadata.creation_timestamp, entry->object.metadata.name);
  });
  const auto services = services_in_order();
  for (Entry* entry : order) reserve_named(*entry);
  for (ServiceEntry* entry : services) reserve_named(*entry);
  for (Entry* entry : order) allocate_missing(*entry);
  for (ServiceEntry* entry : services) allocate_missing(*entry);

  AllocatorOutput output;
  tell_services(output);
  for (Entry* entry : order)
    if (auto update = update_of(*entry)) output.egresses.push_back(*std::move(update));
  std::ranges::sort(output.egresses, {}, &EgressUpdate::egress);
  for (auto& [name, written] : written_usage_) {
    const auto usage = pools_.usage(name);
    if (written == usage) continue;
    written = usage;
    output.pools.push_back({name, usage});
  }
  return output;
}

void Allocator::State::take_pools(const AllocatorInput& input) {
  for (const auto& name : input.removed_pools) {
    lose(pools_.remove(name));
    written_usage_.erase(name);
    freed_.insert(name);
  }
  for (const auto& pool : input.pools) {
    lose(pools_.set(pool));
    written_usage_[pool.metadata.name] = pool.usage;
    freed_.insert(pool.metadata.name);
  }
}

// They had the addresses from pools that do not have them any more.
void Allocator::State::lose(const std::vector<Holding>& lost) {
  if (lost.empty()) return;
  lose_services();
  for (auto& [name, entry] : egresses_)
    for (std::size_t i = 0; i < entry.held.size(); ++i) {
      auto& held = entry.held[i];
      if (!held.ip) continue;
      const auto* owner = pools_.owner(*held.ip);
      if (owner != nullptr && *owner == owner_of(name)) continue;
      if (entry.named[i] == held) entry.named[i].ip.reset();
      held.ip.reset();
      dirty_.insert(name);
    }
}

// Who has a fault and asks for a pool that may have an address now is looked at again.
void Allocator::State::find_waiting() {
  if (freed_.empty()) return;
  for (const auto& [name, entry] : egresses_)
    if (entry.error && std::ranges::any_of(entry.named, [this](const EgressAddress& address) {
          return freed_.contains(address.pool);
        }))
      dirty_.insert(name);
  for (const auto& [key, entry] : services_)
    if (!entry.held && freed_.contains(entry.request.pool)) dirty_services_.insert(key);
  freed_.clear();
}

void Allocator::State::take_egresses(const AllocatorInput& input) {
  for (const auto& name : input.removed_egresses) {
    const auto entry = egresses_.find(name);
    if (entry == egresses_.end()) continue;
    for (auto& held : entry->second.held) release(held, name);
    egresses_.erase(entry);
    dirty_.erase(name);
  }
  for (const auto& egress : input.egresses) {
    Entry& entry = egresses_[egress.metadata.name];
    entry.object = egress;
    entry.named = egress.spec.addresses;
    dirty_.insert(egress.metadata.name);
  }
}

void Allocator::State::release(EgressAddress& held, const std::string& name) {
  if (!held.ip) return;
  pools_.release(*held.ip, owner_of(name));
  held.ip.reset();
  freed_.insert(held.pool);
}

// What it had and does not ask for any more. An address that it does not name is still asked for:
// it may not have been written yet.
void Allocator::State::release_changed(Entry& entry) {
  const auto& named = entry.named;
  for (std::size_t i = 0; i < entry.held.size(); ++i) {
    const bool kept = i < named.size() && named[i].pool == entry.held[i].pool &&
                      (!named[i].ip || named[i].ip == entry.held[i].ip);
    if (!kept) release(entry.held[i], entry.object.metadata.name);
  }
  entry.held.resize(named.size());
  for (std::size_t i = 0; i < named.size(); ++i) entry.held[i].pool = named[i].pool;
}

void Allocator::State::reserve_named(Entry& entry) {
  entry.error.reset();
  for (std::size_t i = 0; i < entry.held.size(); ++i) {
    auto& named = entry.named[i];
    if (named.pool.empty() || !named.ip) continue;
    const auto reserved =
        pools_.reserve(named.pool, *named.ip, owner_of(entry.object.metadata.name));
    if (reserved) {
      entry.held[i].ip = named.ip;
      continue;
    }
    entry.held[i].ip.reset();
    // Nobody can tell what it was in a pool that is not there; it is given another one later.
    if (reserved.error().code == Errc::kNotFound) named.ip.reset();
    if (!entry.error) entry.error = reserved.error();
  }
}

void Allocator::State::allocate_missing(Entry& entry) {
  for (std::size_t i = 0; i < entry.held.size(); ++i) {
    const auto& named = entry.named[i];
    if (named.pool.empty() || named.ip || entry.held[i].ip) continue;
    const auto given = pools_.allocate(named.pool, owner_of(entry.object.metadata.name));
    if (given)
      entry.held[i].ip = *given;
    else if (!entry.error)
      entry.error = given.error();
  }
}

std::optional<EgressUpdate> Allocator::State::update_of(Entry& entry) const {
  EgressUpdate update{entry.object.metadata.name, {}, {}};
  bool from_pools = false;
  auto wanted = entry.named;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].pool.empty()) continue;
    from_pools = true;
    if (!wanted[i].ip) wanted[i].ip = entry.held[i].ip;
  }
  if (wanted != entry.object.spec.addresses) update.addresses = std::move(wanted);

  const auto* said = find_condition(entry.object);
  const Condition condition = condition_of(entry.error);
  if (from_pools && (said == nullptr || !same_but_time(*said, condition)))
    update.condition = condition;
  else if (!from_pools && said != nullptr)
    update.condition = Condition{};
  if (!update.addresses && !update.condition) return std::nullopt;
  return update;
}

}  // namespace antrea::egress
