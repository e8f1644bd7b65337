#include "service_patch.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace antrea::proxy {

using namespace endpoint_flags;

namespace {

// The endpoints of a port that have changed: what they were, and are.
struct Changed {
  std::vector<Candidate> were, are;
};

Changed find_changed(const SliceSet& slices, const PortOnNode& port) {
  Changed out;
  for (const auto& [ip, listings] : *slices.before()) {
    std::ranges::copy(candidates(slices, port, listings), std::back_inserter(out.were));
    std::ranges::copy(candidates(slices, port, slices.at(ip)), std::back_inserter(out.are));
  }
  return out;
}

BackendChange difference(const std::vector<Backend>& were, const std::vector<Backend>& are) {
  BackendChange out;
  std::ranges::set_difference(were, are, std::back_inserter(out.gone));
  std::ranges::set_difference(are, were, std::back_inserter(out.come));
  return out;
}

void add_part(std::uint32_t place, BackendChange change, std::vector<ServicePatch::Part>& out) {
  if (change.gone.empty() && change.come.empty()) return;
  out.push_back({place, std::move(change)});
}

void add_local(const std::vector<Candidate>& endpoints, std::set<IpAddress>& out) {
  for (const auto& endpoint : endpoints)
    if (endpoint.all(kReady | kLocal)) out.insert(endpoint.backend.ip);
}

// False: the choice among all others changes as well.
bool patch_port(const CompiledPort& port, const Changed& changed, ServicePatch& out) {
  Tally tally = port.tally;
  for (const auto& endpoint : changed.were) tally.remove(endpoint);
  for (const auto& endpoint : changed.are) tally.add(endpoint);
  out.tallies.push_back(tally);
  for (const auto& endpoint : changed.are) out.hinted |= endpoint.hinted();

  const auto patch_group = [&](std::uint32_t group, std::uint8_t wanted, std::uint8_t before) {
    if (group == kNoGroup) return true;
    if (wanted != before) return false;
    // Valid Services have no two ports of one name and protocol; should one, they share a group.
    if (std::ranges::find(out.groups, group, &ServicePatch::Part::place) != out.groups.end())
      return true;
    add_part(group, difference(choose(changed.were, wanted), choose(changed.are, wanted)),
             out.groups);
    return true;
  };
  if (port.serving != kNoGroup)
    add_part(port.serving, difference(serving(changed.were), serving(changed.are)), out.serving);
  return patch_group(port.cluster, tally.wanted_by_cluster(), port.tally.wanted_by_cluster()) &&
         patch_group(port.local, tally.wanted_by_local(), port.tally.wanted_by_local());
}

}  // namespace

std::optional<ServicePatch> patch_service(const ServiceInput& service, const SliceSet& slices,
                                          const CompiledService& compiled,
                                          const BalancerConfig& config, const NodeFacts& node) {
  // With direct server return, where an endpoint is matters as well.
  if (!slices.before() || std::ranges::any_of(compiled.groups, &GroupSpec::dsr)) return {};
  ServicePatch out;
  out.health_check = compiled.health_check;
  std::set<IpAddress> were_local, are_local;
  for (const auto& port : compiled.ports) {
    const Changed changed = find_changed(slices, on_node(service, port, config, node));
    if (!patch_port(port, changed, out)) return {};
    add_local(changed.were, were_local);
    add_local(changed.are, are_local);
  }
  if (out.health_check) out.health_check->local_endpoints += are_local.size() - were_local.size();
  return out;
}

void patch_backends(const BackendChange& change, std::vector<Backend>& backends) {
  for (const auto& backend : change.gone)
    backends.erase(std::ranges::lower_bound(backends, backend));
  for (const auto& backend : change.come)
    backends.insert(std::ranges::lower_bound(backends, backend), backend);
}

}  // namespace antrea::proxy
