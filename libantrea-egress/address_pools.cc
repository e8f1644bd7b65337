#include "antrea/egress/address_pools.h"

#include <algorithm>
#include <limits>

namespace antrea::egress {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::set<IpAddress> excluded_of(const api::crd::ExternalIPPool& pool) {
  std::set<IpAddress> excluded;
  const auto exclude_ends = [&excluded](const IpPrefix& subnet) {
    excluded.insert(subnet.address());
    if (subnet.family() == Family::kIPv4) excluded.insert(subnet.last());
  };
  for (const auto& range : pool.ranges)
    if (range.cidr) exclude_ends(*range.cidr);
  if (pool.subnet_info) {
    exclude_ends(pool.subnet_info->subnet());
    excluded.insert(pool.subnet_info->gateway);
  }
  return excluded;
}

std::int64_t size_of(const api::crd::IpRange& range) {
  const std::uint64_t more = range.start.distance_to(range.end);
  return more >= static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(more) + 1;
}

Error no_pool(std::string_view doing, std::string_view pool) {
  return make_error(Errc::kNotFound, std::string(doing) + ": the pool does not exist",
                    "ExternalIPPool " + std::string(pool));
}

}  // namespace

void AddressPools::Range::take(const IpAddress& ip) {
  const auto after = free.upper_bound(ip);
  if (after == free.begin()) return;
  const auto gap = std::prev(after);
  const auto [first, last] = *gap;
  if (last < ip) return;
  if (first == ip)
    free.erase(gap);
  else
    gap->second = ip.minus(1);
  if (ip != last) free.emplace_hint(after, ip.plus(1), last);
}

void AddressPools::Range::give_back(const IpAddress& ip) {
  auto after = free.upper_bound(ip);
  IpAddress last = ip;
  if (after != free.end() && ip != bounds.end && after->first == ip.plus(1)) {
    last = after->second;
    after = free.erase(after);
  }
  if (after != free.begin() && ip != bounds.start && std::prev(after)->second == ip.minus(1))
    std::prev(after)->second = last;
  else
    free.emplace_hint(after, ip, last);
}

bool AddressPools::Pool::hands_out(const IpAddress& ip) const {
  return !excluded.contains(ip) &&
         std::ranges::any_of(ranges, [&](const Range& range) { return range.bounds.contains(ip); });
}

std::vector<Holding> AddressPools::set(const api::crd::ExternalIPPool& given) {
  const std::string& name = given.metadata.name;
  Pool pool;
  pool.excluded = excluded_of(given);
  for (const auto& bounds : given.ranges) {
    Range range{bounds, {{bounds.start, bounds.end}}};
    std::int64_t size = size_of(bounds);
    for (const auto& ip : pool.excluded) {
      if (!bounds.contains(ip)) continue;
      range.take(ip);
      if (size != kMost) --size;
    }
    pool.usage.total = pool.usage.total > kMost - size ? kMost : pool.usage.total + size;
    pool.ranges.push_back(std::move(range));
  }

  std::vector<Holding> lost;
  for (const auto& [ip, holding] : holdings_)
    if (holding.pool == name && !pool.hands_out(ip)) lost.push_back(holding);
  for (const auto& holding : lost) release(holding.ip, holding.owner);
  for (const auto& [ip, holding] : holdings_) {
    for (Range& range : pool.ranges) range.take(ip);
    if (holding.pool == name) ++pool.usage.used;
  }
  pools_[name] = std::move(pool);
  find_overlaps();
  std::ranges::sort(lost);
  return lost;
}

std::vector<Holding> AddressPools::remove(std::string_view name) {
  const auto pool = pools_.find(name);
  if (pool == pools_.end()) return {};
  std::vector<Holding> lost;
  for (const auto& [ip, holding] : holdings_)
    if (holding.pool == name) lost.push_back(holding);
  for (const auto& holding : lost) release(holding.ip, holding.owner);
  pools_.erase(pool);
  find_overlaps();
  std::ranges::sort(lost);
  return lost;
}

void AddressPools::find_overlaps() {
  for (auto& [name, pool] : pools_) {
    pool.overlapping.clear();
    for (const auto& [other_name, other] : pools_) {
      if (other_name == name) continue;
      for (const Range& range : pool.ranges)
        for (const Range& against : other.ranges)
          if (range.bounds.overlaps(against.bounds)) pool.overlapping.insert(other_name);
    }
  }
}

bool AddressPools::contains(std::string_view name, const IpAddress& ip) const {
  const auto pool = pools_.find(name);
  return pool != pools_.end() && std::ranges::any_of(pool->second.ranges, [&](const Range& range) {
           return range.bounds.contains(ip);
         });
}

Result<IpAddress> AddressPools::allocate(std::string_view name, std::string_view owner) {
  const auto pool = pools_.find(name);
  if (pool == pools_.end()) return no_pool("allocate", name);
  for (const Range& range : pool->second.ranges) {
    if (range.free.empty()) continue;
    const IpAddress ip = range.free.begin()->first;
    hold(pool->first, ip, owner);
    return ip;
  }
  return make_error(Errc::kExhausted,
                    "allocate: all " + std::to_string(pool->second.usage.total) +
                        " addresses of the pool are in use",
                    "ExternalIPPool " + std::string(name));
}

Result<> AddressPools::reserve(std::string_view name, const IpAddress& ip, std::string_view owner) {
  const auto pool = pools_.find(name);
  if (pool == pools_.end()) return no_pool("reserve " + ip.to_string(), name);
  const auto refuse = [&](Errc code, std::string_view why) {
    return make_error(code, "reserve " + ip.to_string() + ": " + std::string(why),
                      "ExternalIPPool " + std::string(name));
  };
  if (!contains(name, ip)) return refuse(Errc::kInvalidArgument, "it is in no range of the pool");
  if (!pool->second.hands_out(ip))
    return refuse(Errc::kInvalidArgument,
                  "it is a gateway, or the first or last address of a network");
  if (const auto held = holdings_.find(ip); held != holdings_.end()) {
    if (held->second.owner == owner && held->second.pool == name) return {};
    return refuse(Errc::kAlreadyExists, "it is held by " + held->second.owner);
  }
  hold(pool->first, ip, owner);
  return {};
}

template <typename Function>
void AddressPools::for_each_range(const std::string& name, const IpAddress& ip, Function function) {
  const auto visit = [&](Pool& pool) {
    if (pool.excluded.contains(ip)) return;
    for (Range& range : pool.ranges)
      if (range.bounds.contains(ip)) return function(range);
  };
  Pool& pool = pools_.find(name)->second;
  visit(pool);
  for (const auto& other : pool.overlapping) visit(pools_.find(other)->second);
}

void AddressPools::hold(const std::string& name, const IpAddress& ip, std::string_view owner) {
  for_each_range(name, ip, [&](Range& range) { range.take(ip); });
  holdings_.emplace(ip, Holding{ip, name, std::string(owner)});
  ++pools_.find(name)->second.usage.used;
}

bool AddressPools::release(const IpAddress& ip, std::string_view owner) {
  const auto held = holdings_.find(ip);
  if (held == holdings_.end() || held->second.owner != owner) return false;
  for_each_range(held->second.pool, ip, [&](Range& range) { range.give_back(ip); });
  --pools_.find(held->second.pool)->second.usage.used;
  holdings_.erase(held);
  return true;
}

const Holding* AddressPools::holding(const IpAddress& ip) const {
  const auto held = holdings_.find(ip);
  return held != holdings_.end() ? &held->second : nullptr;
}

api::crd::PoolUsage AddressPools::usage(std::string_view name) const {
  const auto pool = pools_.find(name);
  return pool != pools_.end() ? pool->second.usage : api::crd::PoolUsage{};
}

}  // namespace antrea::egress
