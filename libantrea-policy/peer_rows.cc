#include "peer_rows.h"

#include <algorithm>
#include <set>

#include "antrea/base/sorted.h"
#include "rule_text.h"

namespace antrea::policy {

std::vector<IpPrefix> prefixes_of(std::span<const IpRange> ranges) {
  std::vector<IpPrefix> prefixes;
  for (const IpRange& range : ranges) {
    for (IpAddress at = range.first;;) {
      unsigned length = at.width();
      while (length > 0) {
        const IpPrefix wider(at, length - 1);
        if (wider.address() != at || wider.last() > range.last) break;
        --length;
      }
      const IpPrefix prefix(at, length);
      prefixes.push_back(prefix);
      if (prefix.last() >= range.last) break;
      at = prefix.last().plus(1);
    }
  }
  return prefixes;
}

std::size_t NumbersHash::operator()(const std::vector<std::uint32_t>& numbers) const {
  std::size_t hash = numbers.size();
  for (const std::uint32_t number : numbers) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

PeerRows::PeerRows(std::span<const RuleBook* const> sides) {
  (void)ports_id({});
  (void)name_lists_.intern({});
  for (std::size_t side = 0; side < sides.size(); ++side) take(side, *sides[side]);
  sweep(sides.size());
}

PeerRows::PortsId PeerRows::ports_id(const RuleBook::Ports& ports) {
  const auto [at, added] = ports_ids_.try_emplace(ports, static_cast<PortsId>(ports_.size()));
  if (added) ports_.push_back(&at->first);
  return at->second;
}

void PeerRows::add_range(std::uint32_t set, const IpRange& range) {
  events_.push_back({range.first, set, true});
  const IpAddress next = range.last.plus(1);
  if (next > range.last) events_.push_back({next, set, false});
}

void PeerRows::take(std::size_t side, const RuleBook& book) {
  const auto new_set = [&] {
    users_.emplace_back();
    return static_cast<std::uint32_t>(users_.size() - 1);
  };
  std::map<const RuleBook::Members*, std::map<PortsId, std::uint32_t>> groups;
  for (std::uint32_t r = 0; r < book.rules().size(); ++r) {
    const RuleBook::Rule& rule = book.rules()[r];
    const bool asks_names = rule.direction == api::controlplane::Direction::kOut &&
                            has_named_port(rule.source->services);
    for (const RuleBook::Members* group : rule.groups) {
      const auto [at, added] = groups.try_emplace(group);
      if (added) {
        for (const auto& member : group->all) {
          const auto [set, first] = at->second.try_emplace(ports_id(member.ports), 0);
          if (first) set->second = new_set();
          for (const IpAddress& ip : member.ips) add_range(set->second, {ip, ip});
        }
      }
      for (const auto& [names, set] : at->second)
        users_[set].push_back({static_cast<std::uint32_t>(side), r, asks_names ? names : 0});
    }
    if (rule.blocks.empty()) continue;
    const auto [at, added] = block_sets_.try_emplace(rule.blocks, 0);
    if (added) {
      at->second = new_set();
      for (const IpPrefix& block : rule.blocks)
        add_range(at->second, {block.address(), block.last()});
    }
    users_[at->second].push_back({static_cast<std::uint32_t>(side), r, 0});
  }
}

std::uint32_t PeerRows::make_row(const std::vector<std::uint32_t>& sets, std::size_t sides) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> matched;
  for (const std::uint32_t set : sets)
    for (const User& user : users_[set]) matched[{user.side, user.rule}].push_back(user.names);
  std::vector<std::uint32_t> flat;
  for (auto& [user, names] : matched) {
    sort_unique(names);
    flat.insert(flat.end(), {user.first, user.second, name_lists_.intern(names)});
  }
  const std::size_t before = rows_.size();
  const std::uint32_t row = rows_.intern(flat);
  if (rows_.size() == before) return row;
  peers_.resize(sides);
  for (auto& side : peers_) side.emplace_back();
  for (std::size_t i = 0; i < flat.size(); i += 3)
    peers_[flat[i]].back().push_back({flat[i + 1], flat[i + 2]});
  return row;
}

void PeerRows::sweep(std::size_t sides) {
  std::ranges::sort(events_, [](const Event& a, const Event& b) { return a.at < b.at; });
  std::map<std::uint32_t, int> active;  // sets, and how many of their ranges are open
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  const std::array starts{IpAddress::v4(0), IpAddress::v6({})};
  const std::array lasts{IpPrefix(starts[0], 0).last(), IpPrefix(starts[1], 0).last()};
  std::size_t at = 0;
  for (std::size_t family = 0; family < starts.size(); ++family) {
    active.clear();  // a range never crosses families
    IpAddress first = starts[family];
    for (;;) {
      for (; at < events_.size() && events_[at].at == first; ++at) {
        int& open = active[events_[at].set];
        open += events_[at].begins ? 1 : -1;
        if (open == 0) active.erase(events_[at].set);
      }
      std::vector<std::uint32_t> sets;
      for (const auto& [set, open] : active) sets.push_back(set);
      const auto [found, added] = known.try_emplace(sets, 0);
      if (added) found->second = make_row(sets, sides);
      const bool ends = at == events_.size() || events_[at].at.family() != starts[family].family();
      const IpAddress last = ends ? lasts[family] : events_[at].at.minus(1);
      if (!segments_.empty() && segments_.back().row == found->second &&
          segments_.back().range.first.family() == first.family())
        segments_.back().range.last = last;
      else
        segments_.push_back({{first, last}, found->second});
      if (ends) break;
      first = events_[at].at;
    }
  }
}

std::uint32_t PeerRows::row_of(const IpAddress& ip) const {
  const auto after = std::ranges::upper_bound(
      segments_, ip, {}, [](const Segment& segment) { return segment.range.first; });
  return std::prev(after)->row;
}

}  // namespace antrea::policy
