#include "antrea/node/dns_names.h"

#include <algorithm>
#include <utility>

#include "antrea/policy/name_pattern.h"

namespace antrea::node {
namespace {

using namespace std::chrono_literals;

constexpr Duration kShortestLife = 2s;
constexpr Duration kShortestLead = 500ms, kLongestLead = 10s;
constexpr Duration kFirstPause = 5s, kLongestPause = 300s;
constexpr Duration kAway = 60s, kRestoredLife = 10s;
constexpr std::size_t kMostAddresses = 1000;  // of one name

policy::NameResolved resolved(const std::string& text,
                              const std::map<IpAddress, TimePoint>& addresses) {
  policy::NameResolved name{text, {}};
  for (const auto& [address, end] : addresses) name.ips.push_back(address);
  return name;
}

bool is_exact(std::string_view pattern) { return pattern.find('*') == std::string_view::npos; }

}  // namespace

DnsNames::Changes DnsNames::set_patterns(const std::vector<std::string>& patterns, TimePoint now) {
  const bool first = !std::exchange(patterns_known_, true);
  exact_.clear();
  patterns_.clear();
  evictable_.clear();
  for (const std::string& pattern : patterns) {
    if (is_exact(pattern))
      exact_.insert(pattern);
    else
      patterns_.emplace(pattern, ByUse());
  }
  Changes changes;
  for (auto name = names_.begin(); name != names_.end();) {
    const auto next = std::next(name);
    match(name->first, name->second);
    if (!name->second.exact && name->second.patterns.empty()) {
      forget(name, changes);
    } else if (first) {  // restored
      name->second.query = now;
      schedule(name->first, name->second);
    }
    name = next;
  }
  for (const std::string& text : exact_) {
    const auto known = names_.find(text);
    if (known != names_.end()) continue;
    Name& name = add(text);
    name.query = now;
    schedule(text, name);
  }
  return changes;
}

bool DnsNames::wants(std::string_view name) const {
  return exact_.contains(name) || std::ranges::any_of(patterns_, [&](const auto& entry) {
           return policy::matches_name(entry.first, name);
         });
}

DnsNames::Changes DnsNames::learn(const DnsAnswer& answer, bool by_pod, TimePoint now) {
  auto at = names_.find(answer.name);
  if (answer.addresses.empty()) {
    if (!by_pod) failed(answer.name, now);
    return {};
  }
  Changes changes;
  const bool fresh = at == names_.end();
  if (fresh) {
    if (!by_pod || !wants(answer.name)) return {};
    add(answer.name);
    at = names_.find(answer.name);
  }
  Name& name = at->second;
  const std::size_t before = name.addresses.size();
  for (const auto& [address, ttl] : answer.addresses) {
    const TimePoint end =
        now + std::max<Duration>({std::chrono::seconds(ttl), options_.min_ttl, kShortestLife});
    if (const auto known = name.addresses.find(address); known != name.addresses.end())
      known->second = std::max(known->second, end);
    else if (name.addresses.size() < kMostAddresses)
      name.addresses.emplace(address, end);
  }
  name.failures = 0;
  if (by_pod) use(answer.name, name);
  schedule_query(name, now);
  schedule(answer.name, name);
  if (name.addresses.size() != before) changes.push_back(resolved(answer.name, name.addresses));
  if (fresh) make_room(answer.name, changes);
  return changes;
}

DnsNames::Changes DnsNames::expire(TimePoint now) {
  Changes changes;
  std::vector<std::string> due;
  for (const auto& [time, text] : events_) {
    if (time > now) break;
    due.push_back(text);
  }
  for (const std::string& text : due) {
    const auto at = names_.find(text);
    Name& name = at->second;
    if (std::erase_if(name.addresses, [&](const auto& entry) { return entry.second <= now; }) == 0)
      continue;
    if (name.addresses.empty() && !name.exact) {
      forget(at, changes);
      continue;
    }
    changes.push_back(resolved(text, name.addresses));
    schedule(text, name);
  }
  return changes;
}

std::vector<std::string> DnsNames::take_queries(TimePoint now) {
  std::vector<std::string> queries;
  for (const auto& [time, text] : events_) {
    if (time > now) break;
    const Name& name = names_.find(text)->second;
    if (name.query && *name.query <= now) queries.push_back(text);
  }
  for (const std::string& text : queries) {
    Name& name = names_.find(text)->second;
    name.query.reset();
    schedule(text, name);
  }
  return queries;
}

void DnsNames::failed(const std::string& text, TimePoint now) {
  const auto at = names_.find(text);
  if (at == names_.end()) return;
  Name& name = at->second;
  const Duration pause =
      std::min<Duration>(kFirstPause * (1 << std::min(name.failures, 6U)), kLongestPause);
  ++name.failures;
  name.query = now + pause;
  schedule(text, name);
}

std::optional<TimePoint> DnsNames::next_event() const {
  return events_.empty() ? std::nullopt : std::optional(events_.begin()->first);
}

std::vector<DnsNames::Known> DnsNames::all() const {
  std::vector<Known> known;
  for (const auto& [text, name] : names_)
    if (!name.addresses.empty()) known.push_back({text, name.addresses});
  return known;
}

DnsNames::Changes DnsNames::restore(const std::vector<Known>& known, TimePoint now) {
  Changes changes;
  for (const Known& each : known) {
    std::map<IpAddress, TimePoint> addresses = each.addresses;
    std::erase_if(addresses, [&](const auto& entry) { return entry.second + kAway <= now; });
    for (auto& [address, end] : addresses) end = std::max(end, now + kRestoredLife);
    if (addresses.empty() || names_.size() >= options_.most_names) continue;
    Name& name = add(each.name);
    name.addresses = std::move(addresses);
    schedule(each.name, name);
    changes.push_back(resolved(each.name, name.addresses));
  }
  return changes;
}

DnsNames::Name& DnsNames::add(const std::string& text) {
  Name& name = names_[text];
  name.used = ++uses_;
  match(text, name);
  return name;
}

/// Which patterns mean the name, and with that its place among those that may have to go.
void DnsNames::match(const std::string& text, Name& name) {
  name.exact = exact_.contains(text);
  name.patterns.clear();
  for (auto& [pattern, names] : patterns_) {
    if (!policy::matches_name(pattern, text)) continue;
    name.patterns.push_back(pattern);
    if (!name.exact) names.emplace(name.used, text);
  }
  if (!name.exact) evictable_.emplace(name.used, text);
}

void DnsNames::leave_order(const std::string& text, const Name& name) {
  evictable_.erase({name.used, text});
  for (const std::string& pattern : name.patterns)
    if (const auto at = patterns_.find(pattern); at != patterns_.end())
      at->second.erase({name.used, text});
}

void DnsNames::use(const std::string& text, Name& name) {
  leave_order(text, name);
  name.used = ++uses_;
  if (name.exact) return;
  evictable_.emplace(name.used, text);
  for (const std::string& pattern : name.patterns) patterns_[pattern].emplace(name.used, text);
}

void DnsNames::schedule_query(Name& name, TimePoint now) {
  TimePoint end = TimePoint::max();
  for (const auto& [address, until] : name.addresses) end = std::min(end, until);
  name.query = end - std::clamp<Duration>((end - now) / 10, kShortestLead, kLongestLead);
}

void DnsNames::schedule(const std::string& text, Name& name) {
  if (name.event) events_.erase({*name.event, text});
  name.event = name.query;
  for (const auto& [address, end] : name.addresses)
    name.event = name.event ? std::min(*name.event, end) : end;
  if (name.event) events_.emplace(*name.event, text);
}

void DnsNames::forget(Names::iterator at, Changes& changes) {
  const auto& [text, name] = *at;
  leave_order(text, name);
  if (name.event) events_.erase({*name.event, text});
  changes.push_back({text, {}});
  names_.erase(at);
}

void DnsNames::make_room(const std::string& newcomer, Changes& changes) {
  const auto at = names_.find(newcomer);
  if (at->second.exact) return;
  for (const std::string& pattern : std::vector(at->second.patterns)) {
    const ByUse& order = patterns_.at(pattern);
    if (order.size() <= options_.most_names_of_pattern) continue;
    evict_first(order, newcomer, changes);
    ++evicted_of_pattern_;
  }
  if (evictable_.size() <= options_.most_names) return;
  evict_first(evictable_, newcomer, changes);
  ++evicted_of_all_;
}

void DnsNames::evict_first(const ByUse& order, const std::string& newcomer, Changes& changes) {
  const std::string first = order.begin()->second;
  if (first != newcomer) forget(names_.find(first), changes);
}

}  // namespace antrea::node
