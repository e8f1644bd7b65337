#include "endpoint_choice.h"

#include <algorithm>
#include <tuple>

namespace antrea::proxy {

using namespace endpoint_flags;

namespace {

std::uint8_t hint_flags(const SliceInput::Hints& hints, std::string_view zone,
                        std::string_view node) {
  const auto names = [](const std::vector<std::string>& all, std::string_view one) {
    return !one.empty() && std::ranges::find(all, one) != all.end();
  };
  unsigned flags = 0;
  if (!hints.zones.empty()) flags |= kZoneHint;
  if (names(hints.zones, zone)) flags |= kThisZone;
  if (!hints.nodes.empty()) flags |= kNodeHint;
  if (names(hints.nodes, node)) flags |= kThisNode;
  return static_cast<std::uint8_t>(flags);
}

bool speaks_louder(const Candidate& a, const Candidate& b) {
  const auto rank = [](const Candidate& c) {
    return std::tuple(c.all(kLocal), c.all(kReady), c.all(kServing | kTerminating), c.flags);
  };
  return rank(a) > rank(b);
}

std::vector<Backend> pick(const std::vector<Candidate>& endpoints, std::uint8_t wanted) {
  std::vector<Backend> out;
  out.reserve(endpoints.size());
  for (const auto& endpoint : endpoints)
    if (endpoint.all(wanted)) out.push_back(endpoint.backend);
  return out;
}

}  // namespace

std::vector<Candidate> candidates(const SliceInputs& slices, std::string_view port_name,
                                  api::Protocol protocol, Family family, std::string_view zone,
                                  std::string_view node) {
  std::vector<Candidate> out;
  std::vector<std::uint8_t> flags_of_hints;
  for (const auto& [name, slice] : slices) {
    if (slice.family != family) continue;
    for (const auto& port : slice.ports) {
      if (port.name != port_name || port.protocol != protocol) continue;
      flags_of_hints.assign(1, 0);
      for (const auto& hints : slice.hints) flags_of_hints.push_back(hint_flags(hints, zone, node));
      out.reserve(out.size() + slice.endpoints.size());
      for (const auto& endpoint : slice.endpoints)
        out.push_back(
            {{endpoint.ip, port.port},
             static_cast<std::uint8_t>(endpoint.conditions | flags_of_hints[endpoint.hints])});
    }
  }
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.backend != b.backend ? a.backend < b.backend : speaks_louder(a, b);
  };
  if (!std::ranges::is_sorted(out, before)) std::ranges::sort(out, before);
  const auto repeated = std::ranges::unique(out, {}, &Candidate::backend);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

Topology topology_of(const std::vector<Candidate>& endpoints) {
  unsigned all = kZoneHint | kNodeHint, some = 0;
  for (const auto& endpoint : endpoints) {
    if (!endpoint.all(kReady)) continue;
    all &= endpoint.flags;
    some |= endpoint.flags;
  }
  if ((all & kNodeHint) != 0 && (some & kThisNode) != 0) return Topology::kThisNode;
  if ((all & kZoneHint) != 0 && (some & kThisZone) != 0) return Topology::kThisZone;
  return Topology::kAnywhere;
}

std::vector<Backend> choose_cluster(const std::vector<Candidate>& endpoints) {
  unsigned wanted = kReady;
  switch (topology_of(endpoints)) {
    case Topology::kThisNode:
      wanted |= kThisNode;
      break;
    case Topology::kThisZone:
      wanted |= kThisZone;
      break;
    case Topology::kAnywhere:
      break;
  }
  auto chosen = pick(endpoints, static_cast<std::uint8_t>(wanted));
  return chosen.empty() ? pick(endpoints, kServing | kTerminating) : chosen;
}

std::vector<Backend> choose_local(const std::vector<Candidate>& endpoints) {
  auto chosen = pick(endpoints, kReady | kLocal);
  return chosen.empty() ? pick(endpoints, kServing | kTerminating | kLocal) : chosen;
}

std::vector<Backend> serving(const std::vector<Candidate>& endpoints) {
  std::vector<Backend> out;
  for (const auto& endpoint : endpoints)
    if ((endpoint.flags & (kReady | kServing)) != 0) out.push_back(endpoint.backend);
  return out;
}

}  // namespace antrea::proxy
