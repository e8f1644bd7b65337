#include "antrea/node/egress_director.h"

#include <algorithm>

#include "antrea/base/hash.h"
#include "antrea/egress/choice.h"

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

std::optional<EgressSubnet> subnet_of(const api::crd::ExternalIPPool& pool) {
  if (!pool.subnet_info || pool.subnet_info->vlan != 0) return {};
  return EgressSubnet{pool.subnet_info->subnet(), pool.subnet_info->gateway};
}

/// Why addresses of this pool cannot be served; empty: they can.
std::string obstacle(const api::crd::ExternalIPPool* pool,
                     const std::optional<EgressSubnet>& subnet,
                     const std::map<EgressSubnet, std::uint32_t>& tables) {
  if (pool == nullptr) return {};
  if (pool->subnet_info && pool->subnet_info->vlan != 0)
    return "its ExternalIPPool is in VLAN " + std::to_string(pool->subnet_info->vlan) +
           ", and VLANs are not served";
  if (subnet && !tables.contains(*subnet))
    return "there are more than " + std::to_string(kMostEgressSubnets) +
           " subnets of ExternalIPPools";
  return {};
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
      const auto pool = view.pools.find(address.pool);
      wish.pool = pool != view.pools.end() ? &pool->second : nullptr;
      const std::string& said = egress.status.egress_node;
      if (address.pool.empty()) {
        const bool local = view.local_addresses.contains(*address.ip);
        wish.owner = local ? self_ : said != self_ ? said : std::string();
      } else if (!view.settled) {
        wish.owner = said;
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
  for (const auto& [name, pool] : view.pools)
    if (const auto subnet = subnet_of(pool)) out.subnets.insert(*subnet);
  const auto tables = egress_tables(out.subnets);
  next_.reset();
  std::set<IpAddress> marked, peers;
  for (const auto& [ip, wish] : wanted) {
    for (const auto* const peer : {&wish.owner, &wish.standby})
      if (const auto found = view.nodes.find(*peer); found != view.nodes.end())
        peers.insert(found->second);
    EgressExit& exit = out.paths.exits[ip];
    const Standing& standing = standings_.at(ip);
    const auto subnet = wish.pool != nullptr ? subnet_of(*wish.pool) : std::nullopt;
    bool here = wish.owner == self_ && !view.cut_off;
    if (here) {
      if (auto why = obstacle(wish.pool, subnet, tables); !why.empty()) {
        out.refused.emplace(ip, std::move(why));
        here = false;
      }
    }
    const bool retiring = !here && !view.cut_off && standing.retires_at.has_value();
    const auto& destination = now < standing.switches_at ? standing.before : standing.owner;
    const auto there = view.nodes.find(destination);
    wake_at(standing.switches_at, now);
    if (there != view.nodes.end()) exit = EgressThere{there->second};
    if (!here && !retiring) continue;
    const auto mark = mark_of(ip);
    if (!mark) {
      if (here) out.refused.emplace(ip, "this Node has as many Egress IPs as there are marks for");
      continue;
    }
    marked.insert(ip);
    const EgressHere leaving{*mark, wish.bandwidth};
    if (retiring) {
      out.paths.moving.emplace(ip, leaving);
      out.local.push_back({ip, *mark, false, standing.successor, subnet});
      wake_at(*standing.retires_at, now);
      if (destination == self_) exit = leaving;
      continue;
    }
    // What other Nodes send is served at once, whatever this one's own Pods do.
    if (destination != self_ && there != view.nodes.end())
      out.paths.moving.emplace(ip, leaving);
    else
      exit = leaving;
    const bool users_own = view.local_addresses.contains(ip);
    const bool taken = standing.takes_at <= now;
    out.local.push_back({ip, *mark, taken && !users_own, {}, subnet});
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
  std::map<api::ObjectKey, std::vector<const api::crd::Egress*>> selecting;  // Pods of this Node
  for (const auto& [name, egress] : view.egresses) {
    const auto group = view.groups.find(name);
    if (group == view.groups.end()) continue;
    for (const api::ObjectKey& member : group->second)
      if (view.pods.contains(member)) selecting[member].push_back(&egress);
  }
  for (auto& [pod, egresses] : selecting) {
    std::ranges::sort(egresses,
                      [](const auto* a, const auto* b) { return egress::comes_before(*a, *b); });
    const auto choice = egress::choose(pod, egresses);
    for (const std::uint32_t port : view.pods.at(pod)) {
      if (choice.waits_for != nullptr) paths.waiting.insert(port);
      for (const auto& address : choice.addresses) paths.pods[port].push_back(address.ip);
    }
  }
}

}  // namespace antrea::node
