// Addresses of Services of type LoadBalancer.
#include <algorithm>
#include <tuple>
#include <utility>

#include "allocator_state.h"
#include "antrea/egress/service_claims.h"

namespace antrea::egress {
namespace {

// Who holds an address: the pools know one holder, so all that share one are one.
std::string holder_of(const ServiceRequest& request) {
  return request.shares ? "Services that share" : "Service " + request.service.to_string();
}

}  // namespace

ServiceRequest read_service_request(const api::Service& service) {
  ServiceRequest request;
  request.service = api::key_of(service.metadata);
  request.created = service.metadata.creation_timestamp;
  request.pool = external_ip_pool(service);
  request.wished = service.load_balancer_ip;
  const auto shared = service.metadata.annotations.find(kAllowSharedIp);
  request.shares = shared != service.metadata.annotations.end() && shared->second == "true";
  request.has = service.load_balancer_ips;
  return request;
}

void Allocator::State::take_services(const AllocatorInput& input) {
  for (const api::ObjectKey& key : input.removed_services) {
    const auto entry = services_.find(key);
    if (entry == services_.end()) continue;
    release(entry->second);
    services_.erase(entry);
    dirty_services_.erase(key);
  }
  for (const ServiceRequest& request : input.services) {
    const auto known = services_.find(request.service);
    if (known == services_.end() && request.pool.empty()) continue;
    services_[request.service].request = request;
    dirty_services_.insert(request.service);
  }
}

// They had the addresses from pools that do not have them any more.
void Allocator::State::lose_services() {
  for (auto& [key, entry] : services_) {
    if (!entry.held) continue;
    const auto* const owner = pools_.owner(*entry.held);
    if (owner != nullptr && *owner == holder_of(entry.holder)) continue;
    sharers_.erase(*entry.held);
    entry.held.reset();
    dirty_services_.insert(key);
  }
}

void Allocator::State::release(ServiceEntry& entry) {
  if (!entry.held) return;
  const IpAddress ip = *entry.held;
  entry.held.reset();
  freed_.insert(entry.holder.pool);
  if (entry.holder.shares) {
    auto& sharers = sharers_[ip];
    sharers.erase(entry.holder.service);
    if (!sharers.empty()) return;
    sharers_.erase(ip);
  }
  pools_.release(ip, holder_of(entry.holder));
}

void Allocator::State::release_changed_services() {
  for (const api::ObjectKey& key : dirty_services_) {
    ServiceEntry& entry = services_.at(key);
    const ServiceRequest& now = entry.request;
    const auto wished = IpAddress::parse(now.wished);
    const bool other = !now.wished.empty() && (!wished || entry.held != *wished);
    entry.kept = entry.held;
    if (!entry.kept && !now.has.empty()) entry.kept = now.has.front();
    if (now.pool != entry.holder.pool || now.shares != entry.holder.shares || other) release(entry);
  }
}

std::vector<Allocator::State::ServiceEntry*> Allocator::State::services_in_order() {
  std::vector<ServiceEntry*> order;
  for (const api::ObjectKey& key : dirty_services_) order.push_back(&services_.at(key));
  std::ranges::sort(order, {}, [](const ServiceEntry* entry) {
    return std::tie(entry->request.created, entry->request.service);
  });
  return order;
}

void Allocator::State::hold(ServiceEntry& entry, const IpAddress& ip) {
  entry.held = ip;
  entry.holder = entry.request;
  if (entry.request.shares) sharers_[ip].insert(entry.request.service);
}

void Allocator::State::reserve_named(ServiceEntry& entry) {
  const ServiceRequest& request = entry.request;
  entry.error.reset();
  if (entry.held || request.pool.empty()) return;
  if (!request.wished.empty()) {
    const auto wished = IpAddress::parse(request.wished);
    if (!wished) {
      entry.error = wished.error();
    } else if (const auto done = pools_.reserve(request.pool, *wished, holder_of(request)); done) {
      hold(entry, *wished);
    } else {
      entry.error = done.error();
    }
  } else if (entry.kept && pools_.contains(request.pool, *entry.kept) &&
             pools_.reserve(request.pool, *entry.kept, holder_of(request))) {
    hold(entry, *entry.kept);
  }
}

void Allocator::State::allocate_missing(ServiceEntry& entry) {
  const ServiceRequest& request = entry.request;
  if (entry.held || request.pool.empty() || !request.wished.empty()) return;
  const auto given = pools_.allocate(request.pool, holder_of(request));
  if (given)
    hold(entry, *given);
  else
    entry.error = given.error();
}

void Allocator::State::tell_services(AllocatorOutput& output) {
  for (const api::ObjectKey& key : std::exchange(dirty_services_, {})) {
    ServiceEntry& entry = services_.at(key);
    const auto& has = entry.request.has;
    const std::string why = entry.error ? entry.error->to_string() : "";
    const bool told = entry.held ? has == std::vector{*entry.held} : has.empty();
    const bool known = std::exchange(entry.told, why) == why;
    if (!entry.request.pool.empty()) {
      if (!told || !known) output.services.push_back({key, entry.held, why});
      continue;
    }
    // Others may have given it addresses since.
    if (entry.kept && has == std::vector{*entry.kept}) output.services.push_back({key, {}, {}});
    services_.erase(key);
  }
}

}  // namespace antrea::egress
