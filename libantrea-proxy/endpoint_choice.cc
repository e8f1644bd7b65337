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

// What a slice says of a Service's port, and how its hints read here.
struct OfSlice {
  std::uint16_t port = 0;  // 0: nothing
  std::vector<std::uint8_t> flags_of_hints;
};

OfSlice look_at(const SliceInput& slice, std::string_view port_name, api::Protocol protocol,
                Family family, std::string_view zone, std::string_view node) {
  OfSlice out;
  const auto port = std::ranges::find_if(slice.ports, [&](const SliceInput::Port& each) {
    return each.name == port_name && each.protocol == protocol;
  });
  if (slice.family != family || port == slice.ports.end()) return out;
  out.port = port->port;
  for (const auto& hints : slice.hints) out.flags_of_hints.push_back(hint_flags(hints, zone, node));
  return out;
}

// Of those that ascend by address, each of its ports once.
void keep_loudest(std::vector<Candidate>& all) {
  for (auto first = all.begin(); first != all.end();) {
    const auto last = std::find_if(first, all.end(), [&](const Candidate& each) {
      return each.backend.ip != first->backend.ip;
    });
    std::sort(first, last, [](const Candidate& a, const Candidate& b) {
      return a.backend != b.backend ? a.backend < b.backend : speaks_louder(a, b);
    });
    first = last;
  }
  const auto more = std::ranges::unique(all, {}, &Candidate::backend);
  all.erase(more.begin(), more.end());
}

std::vector<Backend> pick(const std::vector<Candidate>& endpoints, std::uint8_t wanted) {
  std::vector<Backend> out;
  out.reserve(endpoints.size());
  for (const auto& endpoint : endpoints)
    if (endpoint.all(wanted)) out.push_back(endpoint.backend);
  return out;
}

}  // namespace

std::vector<Candidate> candidates(const SliceSet& slices, std::string_view port_name,
                                  api::Protocol protocol, Family family, std::string_view zone,
                                  std::string_view node) {
  std::vector<OfSlice> of_slices;
  of_slices.reserve(slices.slices().size());
  for (const auto& slice : slices.slices())
    of_slices.push_back(look_at(slice.input, port_name, protocol, family, zone, node));
  std::vector<Candidate> out;
  out.reserve(slices.size());
  bool repeated = false;
  slices.each([&](const SliceInput::Endpoint& endpoint, std::uint32_t place) {
    const OfSlice& slice = of_slices[place];
    if (slice.port == 0) return;
    const unsigned flags = endpoint.hints == 0 ? 0U : slice.flags_of_hints[endpoint.hints - 1U];
    repeated |= !out.empty() && out.back().backend.ip == endpoint.ip;
    out.push_back(
        {{endpoint.ip, slice.port}, static_cast<std::uint8_t>(endpoint.conditions | flags)});
  });
  if (repeated) keep_loudest(out);
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
