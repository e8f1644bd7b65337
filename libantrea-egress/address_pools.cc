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
  if (first != ip) {
    gap->second = ip.minus(1);
    if (ip != last) free.emplace_hint(after, ip.plus(1), last);
  } else if (ip == last) {
    free.erase(gap);
  } else {
    auto rest = free.extract(gap);
    rest.key() = ip.plus(1);
    free.insert(after, std::move(rest));
  }
}

IpAddress AddressPools::Range::take_first() {
  auto gap = free.extract(free.begin());
  const IpAddress ip = gap.key();
  if (ip == gap.mapped()) return ip;
  gap.key() = ip.plus(1);
  free.insert(free.begin(), std::move(gap));
  return ip;
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
  for (const auto& [ip, held] : held_)
    if (held.pool->first == name && !pool.hands_out(ip)) lost.push_back({ip, name, held.owner});
  for (const auto& holding : lost) release(holding.ip, holding.owner);
  for (const auto& [ip, held] : held_) {
    for (Range& range : pool.ranges) range.take(ip);
    if (held.pool->first == name) ++pool.usage.used;
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
  for (const auto& [ip, held] : held_)
    if (held.pool == &*pool) lost.push_back({ip, pool->first, held.owner});
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
  for (Range& range : pool->second.ranges) {
    if (range.free.empty()) continue;
    const IpAddress ip = range.take_first();
    if (!pool->second.overlapping.empty()) take(pool->second, ip);
    hold(*pool, ip, owner);
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
  if (const auto held = held_.find(ip); held != held_.end()) {
    if (held->second.owner == owner && held->second.pool == &*pool) return {};
    return refuse(Errc::kAlreadyExists, "it is held by " + held->second.owner);
  }
  take(pool->second, ip);
  hold(*pool, ip, owner);
  return {};
}

template <typename Function>
void AddressPools::for_each_range(Pool& pool, const IpAddress& ip, Function function) {
  const auto visit = [&](Pool& each) {
    if (each.excluded.contains(ip)) return;
    for (Range& range : each.ranges)
      if (range.bounds.contains(ip)) return function(range);
  };
  visit(pool);
  for (const auto& other : pool.overlapping) visit(pools_.find(other)->second);
}

void AddressPools::take(Pool& pool, const IpAddress& ip) {
  for_each_range(pool, ip, [&](Range& range) { range.take(ip); });
}

void AddressPools::hold(Pools::value_type& pool, const IpAddress& ip, std::string_view owner) {
  held_.try_emplace(ip, Held{&pool, std::string(owner)});
  ++pool.second.usage.used;
}

bool AddressPools::release(const IpAddress& ip, std::string_view owner) {
  const auto held = held_.find(ip);
  if (held == held_.end() || held->second.owner != owner) return false;
  Pool& pool = held->second.pool->second;
  for_each_range(pool, ip, [&](Range& range) { range.give_back(ip); });
  --pool.usage.used;
  held_.erase(held);
  return true;
}

const std::string* AddressPools::owner(const IpAddress& ip) const {
  const auto held = held_.find(ip);
  return held != held_.end() ? &held->second.owner : nullptr;
}

api::crd::PoolUsage AddressPools::usage(std::string_view name) const {
  const auto pool = pools_.find(name);
  return pool != pools_.end() ? pool->second.usage : api::crd::PoolUsage{};
}

}  // namespace antrea::egress
