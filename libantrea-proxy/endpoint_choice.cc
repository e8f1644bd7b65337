#include "endpoint_choice.h"

#include <algorithm>
#include <tuple>

#include "antrea/base/sorted.h"

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

// The number of a Service's port in a slice; 0: it says nothing of it.
std::uint16_t find_port(const SliceInput& slice, const PortOnNode& port) {
  if (slice.family != port.family) return 0;
  const auto found = std::ranges::find_if(slice.ports, [&](const SliceInput::Port& each) {
    return each.name == port.name && each.protocol == port.protocol;
  });
  return found == slice.ports.end() ? std::uint16_t{0} : found->port;
}

// What a slice says of a Service's port, and how its hints read here.
struct OfSlice {
  std::uint16_t port = 0;  // 0: nothing
  std::vector<std::uint8_t> flags_of_hints;
};

OfSlice look_at(const SliceInput& slice, const PortOnNode& port) {
  OfSlice out;
  out.port = find_port(slice, port);
  if (out.port == 0) return out;
  for (const auto& hints : slice.hints)
    out.flags_of_hints.push_back(hint_flags(hints, port.zone, port.node));
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
  keep_first(all, &Candidate::backend);
}

}  // namespace

std::vector<Candidate> candidates(const SliceSet& slices, const PortOnNode& port) {
  std::vector<OfSlice> of_slices;
  of_slices.reserve(slices.slices().size());
  for (const auto& slice : slices.slices()) of_slices.push_back(look_at(slice.input, port));
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

std::vector<Candidate> candidates(const SliceSet& slices, const PortOnNode& port,
                                  std::span<const SliceSet::Listing> listings) {
  std::vector<Candidate> out;
  for (const auto& [endpoint, place] : listings) {
    const SliceInput& slice = slices.slices()[place].input;
    const auto number = find_port(slice, port);
    if (number == 0) continue;
    const unsigned flags = endpoint.hints == 0
                               ? 0U
                               : hint_flags(slice.hints[endpoint.hints - 1U], port.zone, port.node);
    out.push_back({{endpoint.ip, number}, static_cast<std::uint8_t>(endpoint.conditions | flags)});
  }
  keep_loudest(out);
  return out;
}

void Tally::count(const Candidate& endpoint, int by) {
  if (!endpoint.all(kReady)) return;
  const auto add = [&](std::uint32_t& to, std::uint8_t flags) {
    if (endpoint.all(flags)) to += static_cast<std::uint32_t>(by);
  };
  add(ready_, kReady);
  add(local_, kLocal);
  add(zone_hints_, kZoneHint);
  add(this_zone_, kThisZone);
  add(node_hints_, kNodeHint);
  add(this_node_, kThisNode);
}

Topology Tally::topology() const {
  if (node_hints_ == ready_ && this_node_ != 0) return Topology::kThisNode;
  if (zone_hints_ == ready_ && this_zone_ != 0) return Topology::kThisZone;
  return Topology::kAnywhere;
}

std::uint8_t Tally::wanted_by_cluster() const {
  if (ready_ == 0) return kServing | kTerminating;
  switch (topology()) {
    case Topology::kThisNode:
      return kReady | kThisNode;
    case Topology::kThisZone:
      return kReady | kThisZone;
    case Topology::kAnywhere:
      break;
  }
  return kReady;
}

std::uint8_t Tally::wanted_by_local() const {
  return local_ != 0 ? kReady | kLocal : kServing | kTerminating | kLocal;
}

Tally tally_of(const std::vector<Candidate>& endpoints) {
  Tally out;
  for (const auto& endpoint : endpoints) out.add(endpoint);
  return out;
}

std::vector<Backend> choose(const std::vector<Candidate>& endpoints, std::uint8_t wanted) {
  std::vector<Backend> out;
  out.reserve(endpoints.size());
  for (const auto& endpoint : endpoints)
    if (endpoint.all(wanted)) out.push_back(endpoint.backend);
  return out;
}

std::vector<Backend> serving(const std::vector<Candidate>& endpoints) {
  std::vector<Backend> out;
  for (const auto& endpoint : endpoints)
    if ((endpoint.flags & (kReady | kServing)) != 0) out.push_back(endpoint.backend);
  return out;
}

}  // namespace antrea::proxy
