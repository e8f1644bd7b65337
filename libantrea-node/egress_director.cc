#include "antrea/node/egress_director.h"

#include <algorithm>

#include "antrea/base/hash.h"

namespace antrea::node {

namespace {

constexpr unsigned kMarks = 255;

// In kbit, at least 1.
std::optional<EgressBandwidth> bandwidth_of(const api::crd::Egress& egress) {
  if (!egress.spec.bandwidth) return {};
  const auto kilo = [](std::uint64_t bits) {
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bits / 1000, 1, 0xffffffff));
  };
  return EgressBandwidth{kilo(egress.spec.bandwidth->rate), kilo(egress.spec.bandwidth->burst)};
}

}  // namespace

void EgressDirector::adopt(std::map<IpAddress, EgressMark> marks) { marks_ = std::move(marks); }

std::optional<EgressMark> EgressDirector::mark_of(const IpAddress& ip) {
  if (const auto found = marks_.find(ip); found != marks_.end()) return found->second;
  std::set<EgressMark> taken;
  for (const auto& [other, mark] : marks_) taken.insert(mark);
  const auto first = static_cast<unsigned>(stable_hash(ip.to_string()) % kMarks);
  for (unsigned i = 0; i < kMarks; ++i) {
    const auto mark = static_cast<EgressMark>((first + i) % kMarks + 1);
    if (taken.contains(mark)) continue;
    marks_.emplace(ip, mark);
    return mark;
  }
  return {};
}

std::map<IpAddress, EgressDirector::Wish> EgressDirector::wishes(
    const EgressView& view, const std::map<egress::EgressIp, egress::Placement>& placements) const {
  std::map<IpAddress, Wish> out;
  for (const auto& [name, egress] : view.egresses) {
    for (const auto& address : egress.spec.addresses) {
      if (!address.ip) continue;
      Wish& wish = out[*address.ip];
      if (!wish.bandwidth) wish.bandwidth = bandwidth_of(egress);
      if (!wish.owner.empty()) continue;
      if (address.pool.empty() && view.local_addresses.contains(*address.ip)) {
        wish.owner = self_;
      } else if (address.pool.empty() || !view.settled) {
        wish.owner = egress.status.egress_node;
      } else if (const auto placed = placements.find({name, *address.ip});
                 placed != placements.end()) {
        wish.owner = placed->second.owner;
        wish.standby = placed->second.standby;
      }
    }
  }
  return out;
}

// A Node that begins to come back gave up what it had before it said so.
bool EgressDirector::serves(const EgressView& view, const std::string& node) const {
  return view.alive.contains(node) && (!view.returning.contains(node) || returning_.contains(node));
}

// Who has had what, and since when.
void EgressDirector::follow(const EgressView& view, const std::map<IpAddress, Wish>& wishes,
                            TimePoint now) {
  std::erase_if(standings_, [&](const auto& entry) { return !wishes.contains(entry.first); });
  for (const auto& [ip, wish] : wishes) {
    Standing& standing = standings_[ip];
    if (standing.retires_at && *standing.retires_at <= now) standing.retires_at.reset();
    if (!serves(view, standing.before)) standing.switches_at = now;
    if (standing.owner == wish.owner) continue;
    const std::string before = std::exchange(standing.owner, wish.owner);
    const bool planned = view.settled && !view.cut_off && serves(view, before);
    standing.before = before;
    standing.switches_at = planned ? now + kSwitchover : now;
    const auto successor = view.nodes.find(wish.owner);
    standing.takes_at = planned && before != self_ ? now + kTakeover : now;
    if (planned && before == self_ && successor != view.nodes.end()) {
      standing.retires_at = now + kRetirement;
      standing.successor = successor->second;
    } else {
      standing.retires_at.reset();
    }
  }
}

EgressDecision EgressDirector::decide(
    const EgressView& view, const std::map<egress::EgressIp, egress::Placement>& placements,
    TimePoint now) {
  const auto wanted = wishes(view, placements);
  follow(view, wanted, now);
  EgressDecision out;
  out.serving = view.settled && !view.cut_off;
  out.paths.exceptions = view.exceptions;
  next_.reset();
  std::set<IpAddress> marked, peers;
  for (const auto& [ip, wish] : wanted) {
    for (const auto* const peer : {&wish.owner, &wish.standby})
      if (const auto found = view.nodes.find(*peer); found != view.nodes.end())
        peers.insert(found->second);
    EgressExit& exit = out.paths.exits[ip];
    const Standing& standing = standings_.at(ip);
    const bool here = wish.owner == self_ && !view.cut_off;
    const bool retiring = !here && !view.cut_off && standing.retires_at.has_value();
    const auto& destination = now < standing.switches_at ? standing.before : standing.owner;
    const auto there = view.nodes.find(destination);
    if (!here) wake_at(standing.switches_at, now);
    if (there != view.nodes.end()) exit = EgressThere{there->second};
    if (!here && !retiring) continue;
    const auto mark = mark_of(ip);
    if (!mark) continue;  // more than 255 addresses: the Node's limit keeps it from that
    marked.insert(ip);
    const EgressHere leaving{*mark, wish.bandwidth};
    if (retiring) {
      out.paths.retiring.emplace(ip, leaving);
      out.local.push_back({ip, *mark, false, standing.successor});
      wake_at(*standing.retires_at, now);
      if (destination == self_) exit = leaving;
      continue;
    }
    exit = leaving;
    const bool users_own = view.local_addresses.contains(ip);
    const bool taken = standing.takes_at <= now;
    out.local.push_back({ip, *mark, taken && !users_own, {}});
    if (taken) out.owned.insert(ip);
    wake_at(standing.takes_at, now);
  }
  std::erase_if(marks_, [&](const auto& entry) { return !marked.contains(entry.first); });
  choose_for_pods(view, out.paths);
  out.probes = probe(peers, now);
  returning_ = view.returning;
  return out;
}

std::set<IpAddress> EgressDirector::probe(const std::set<IpAddress>& peers, TimePoint now) {
  std::erase_if(probed_, [&](const auto& entry) { return !peers.contains(entry.first); });
  std::set<IpAddress> due;
  for (const IpAddress& peer : peers) {
    const auto [entry, added] = probed_.try_emplace(peer, now);
    if (added || now >= entry->second + kProbeAgain) {
      entry->second = now;
      due.insert(peer);
    }
    wake_at(entry->second + kProbeAgain, now);
  }
  return due;
}

void EgressDirector::choose_for_pods(const EgressView& view, EgressPaths& paths) {
  std::vector<const api::crd::Egress*> oldest_first;
  for (const auto& [name, egress] : view.egresses) oldest_first.push_back(&egress);
  std::ranges::stable_sort(oldest_first, {}, [](const api::crd::Egress* egress) {
    return egress->metadata.creation_timestamp;
  });
  for (const api::crd::Egress* const egress : oldest_first) {
    const auto group = view.groups.find(egress->metadata.name);
    if (group == view.groups.end()) continue;
    for (const api::ObjectKey& member : group->second) {
      const auto pod = view.pods.find(member);
      if (pod == view.pods.end()) continue;
      const bool has_address = std::ranges::any_of(
          egress->spec.addresses, [](const auto& address) { return address.ip.has_value(); });
      if (!has_address)
        for (const std::uint32_t port : pod->second)
          if (!paths.pods.contains(port)) paths.waiting.insert(port);
      for (const Family family : {Family::kIPv4, Family::kIPv6}) {
        // The highest hash of Pod and address: an address that comes or goes moves only its Pods.
        std::optional<std::pair<std::uint64_t, IpAddress>> best;
        for (const auto& address : egress->spec.addresses) {
          if (!address.ip || address.ip->family() != family) continue;
          const std::pair candidate(stable_hash(member.to_string() + " " + address.ip->to_string()),
                                    *address.ip);
          if (!best || candidate > *best) best = candidate;
        }
        if (!best) continue;
        for (const std::uint32_t port : pod->second) {
          if (paths.waiting.contains(port)) continue;  // an older Egress has the Pod
          auto& ips = paths.pods[port];
          if (std::ranges::find(ips, family, &IpAddress::family) == ips.end())
            ips.push_back(best->second);
        }
      }
    }
  }
}

}  // namespace antrea::node
