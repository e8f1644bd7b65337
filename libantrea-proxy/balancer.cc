#include "antrea/proxy/balancer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "flows.h"
#include "host_image.h"
#include "stable_ids.h"
#include "switch_image.h"

namespace antrea::proxy {

using openflow::Changes;
using openflow::GroupId;

namespace {

// Low numbers are left to groups with fixed ones.
constexpr std::uint32_t kFirstGroup = 0x10000;
constexpr std::uint32_t kGroupCount = 0xfffe0000 - kFirstGroup;

template <typename T>
std::vector<T> difference(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> out;
  std::ranges::set_difference(a, b, std::back_inserter(out));
  return out;
}

}  // namespace

struct Balancer::Impl {
  struct Service {
    api::ObjectKey key;
    std::optional<ServiceInput> input;
    SliceInputs slices;
    CompiledService compiled;
    std::vector<GroupId> group_ids;  // of compiled.groups
    bool touched = false;
  };
  struct FrontendState {
    std::vector<Service*> claims;  // who wants it
    Service* holder = nullptr;     // who has it in the switch; null: nobody
    FrontendKind kind = FrontendKind::kClusterIp;
    FrontendFlows shown;  // groups by ID
    bool touched = false;
  };

  explicit Impl(BalancerConfig c) : config(std::move(c)), host(config.proxy_all) {}

  BalancerConfig config;
  NodeFacts node;
  std::unordered_map<api::ObjectKey, Service> services;
  std::unordered_map<api::ObjectKey, Service*> slice_owners;
  StableIds ids{kFirstGroup, kGroupCount};
  std::unordered_map<std::string, Service*> group_owners;  // by identity
  boost::unordered_flat_map<Frontend, FrontendState, FrontendHash> frontends;
  EndpointFlows endpoints;
  HostImage host;
  std::size_t service_count = 0;

  // What the current call has touched.
  std::vector<Service*> touched_services;
  std::vector<std::pair<Service*, std::string>> touched_groups;  // to be shown anew
  std::vector<GroupId> left;                                     // numbers that may be free now
  std::vector<Frontend> touched_frontends;
  std::vector<StaleConnections> stale;

  void reserve(std::size_t more_services, std::size_t more_endpoints) {
    if (more_services + more_endpoints < 1000) return;
    services.reserve(services.size() + more_services);
    ids.reserve(more_services);
    group_owners.reserve(group_owners.size() + more_services);
    frontends.reserve(frontends.size() + more_services);
    touched_frontends.reserve(more_services);
    endpoints.reserve(more_endpoints);
  }

  Service& service_of(const api::ObjectKey& key) {
    const auto [found, fresh] = services.try_emplace(key);
    if (fresh) found->second.key = key;
    return found->second;
  }

  void touch(Service& service) {
    if (!std::exchange(service.touched, true)) touched_services.push_back(&service);
  }
  FrontendState& touch(const Frontend& frontend) {
    auto& state = frontends[frontend];
    if (!std::exchange(state.touched, true)) touched_frontends.push_back(frontend);
    return state;
  }

  void take_slice(const api::EndpointSlice& slice) {
    const auto key = key_of(slice.metadata);
    const api::ObjectKey owner{slice.metadata.namespace_, slice.service_name};
    if (const auto old = slice_owners.find(key);
        old != slice_owners.end() && old->second->key != owner)
      drop_slice(key);
    if (slice.service_name.empty()) return;
    auto input = read_slice(slice, config);
    auto& service = service_of(owner);
    const auto [place, fresh] = service.slices.try_emplace(slice.metadata.name);
    if (fresh)
      slice_owners.emplace(key, &service);
    else if (place->second == input)
      return;
    place->second = std::move(input);
    touch(service);
  }

  void drop_slice(const api::ObjectKey& key) {
    const auto owner = slice_owners.find(key);
    if (owner == slice_owners.end()) return;
    owner->second->slices.erase(key.name);
    touch(*owner->second);
    slice_owners.erase(owner);
  }

  void take_service(const api::ObjectKey& key, std::optional<ServiceInput> input) {
    if (!input && !services.contains(key)) return;
    auto& service = service_of(key);
    if (service.input == input) return;
    service.input = std::move(input);
    touch(service);
  }

  // Puts the new outcome for a Service in the place of the old one.
  void recompute(Service& service) {
    auto old = std::move(service.compiled);
    auto old_ids = std::move(service.group_ids);
    service.compiled =
        service.input ? compile_service(service.key, *service.input, service.slices, config, node)
                      : CompiledService{};
    const auto& now = service.compiled;
    service_count += now.frontends.empty() ? 0 : 1;
    service_count -= old.frontends.empty() ? 0 : 1;
    host.set_health_check(service.key, now.health_check);
    replace_groups(service, old.groups, old_ids);
    replace_frontends(service, old);
  }

  void replace_groups(Service& service, const std::vector<GroupSpec>& old,
                      const std::vector<GroupId>& old_ids) {
    const auto& now = service.compiled.groups;
    service.group_ids.resize(now.size());
    std::vector<std::string> renumbered;
    for (std::size_t o = 0, n = 0; o < old.size() || n < now.size();) {
      const bool gone = n == now.size() || (o < old.size() && old[o].identity < now[n].identity);
      const bool fresh = !gone && (o == old.size() || now[n].identity < old[o].identity);
      if (gone) {
        endpoints.refer(old[o].backends, old[o].protocol, -1);
        left.push_back(old_ids[o]);
        group_owners.erase(old[o].identity);
        ids.remove(old[o].identity, renumbered);
        ++o;
      } else if (fresh) {
        endpoints.refer(now[n].backends, now[n].protocol, +1);
        group_owners.insert_or_assign(now[n].identity, &service);
        ids.add(now[n].identity, renumbered);
        ++n;
      } else {
        service.group_ids[n] = old_ids[o];
        if (old[o].backends != now[n].backends) {
          endpoints.refer(now[n].backends, now[n].protocol, +1);
          endpoints.refer(old[o].backends, old[o].protocol, -1);
        }
        // A group that refuses looks the same whatever else its Service says.
        const bool both_refuse = old[o].backends.empty() && now[n].backends.empty();
        if (!both_refuse && old[o] != now[n])
          touched_groups.emplace_back(&service, now[n].identity);
        ++o;
        ++n;
      }
    }
    for (const auto& identity : renumbered) renumber(identity);
  }

  void renumber(const std::string& identity) {
    const auto owner = group_owners.find(identity);
    if (owner == group_owners.end()) return;
    Service& service = *owner->second;
    auto& id = service.group_ids[place_of(service, identity)];
    if (id != GroupId{}) left.push_back(id);
    id = GroupId{ids.id_of(identity)};
    touched_groups.emplace_back(&service, identity);
    for (const auto& spec : service.compiled.frontends) touch(spec.at);
  }

  static std::size_t place_of(const Service& service, const std::string& identity) {
    const auto& groups = service.compiled.groups;
    return static_cast<std::size_t>(
        std::ranges::lower_bound(groups, identity, {}, &GroupSpec::identity) - groups.begin());
  }

  void replace_frontends(Service& service, const CompiledService& old) {
    const auto& now = service.compiled;
    for (std::size_t o = 0, n = 0; o < old.frontends.size() || n < now.frontends.size();) {
      const bool gone = n == now.frontends.size() ||
                        (o < old.frontends.size() && old.frontends[o].at < now.frontends[n].at);
      const bool fresh =
          !gone && (o == old.frontends.size() || now.frontends[n].at < old.frontends[o].at);
      if (gone) {
        std::erase(touch(old.frontends[o].at).claims, &service);
        ++o;
      } else if (fresh) {
        touch(now.frontends[n].at).claims.push_back(&service);
        ++n;
      } else {
        const Frontend& at = now.frontends[n].at;
        const bool held = touch(at).holder == &service;
        if (held && at.protocol == api::Protocol::kUdp)
          for (const auto& backend : difference(old.serving[old.frontends[o].serving],
                                                now.serving[now.frontends[n].serving]))
            forget(at, backend.ip);
        ++o;
        ++n;
      }
    }
  }

  // A node port is addressed by the Node's addresses as well.
  void forget(const Frontend& frontend, std::optional<IpAddress> endpoint) {
    if (frontend.protocol != api::Protocol::kUdp) return;
    stale.push_back({frontend, endpoint});
    if (frontend.ip != node_port_ip(frontend.ip.family())) return;
    for (const auto& address : node.node_port_addresses)
      if (address.family() == frontend.ip.family())
        stale.push_back({{address, frontend.port, frontend.protocol}, endpoint});
  }

  static const FrontendSpec& spec_of(const Service& service, const Frontend& at) {
    return *std::ranges::lower_bound(service.compiled.frontends, at, {}, &FrontendSpec::at);
  }

  static FrontendFlows with_ids(const Service& service, FrontendFlows flows) {
    for (auto* group : {&flows.group, &flows.local_clients_group, &flows.from_tunnel_group})
      if (*group != kNoGroup) *group = service.group_ids[*group].value;
    return flows;
  }

  // Who has a frontend that several may want.
  static Service* choose_holder(const Frontend& at, const std::vector<Service*>& claims) {
    if (claims.size() == 1) return claims.front();
    const auto best = std::ranges::min_element(claims, {}, [&](const Service* service) {
      return std::tuple(spec_of(*service, at).kind, std::cref(service->key));
    });
    return best == claims.end() ? nullptr : *best;
  }

  void show_frontend_at(const Frontend& at, Changes& out) {
    const auto found = frontends.find(at);
    FrontendState& state = found->second;
    state.touched = false;
    Service* const holder = choose_holder(at, state.claims);
    const FrontendSpec* const spec = holder == nullptr ? nullptr : &spec_of(*holder, at);
    std::optional<FrontendFlows> now;
    if (spec != nullptr) now = with_ids(*holder, spec->flows);
    const bool had = state.holder != nullptr;

    if (had != now.has_value() || (now && *now != state.shown))
      show_frontend(at, had ? &state.shown : nullptr, now ? &*now : nullptr, out);
    if (had && (spec == nullptr || spec->kind != state.kind)) host.remove(at, state.kind);
    if (spec != nullptr && (!had || spec->kind != state.kind)) host.add(at, spec->kind);
    if (had && holder != state.holder) forget(at, {});
    if (holder == nullptr) {
      frontends.erase(found);
      return;
    }
    state.holder = holder;
    state.kind = spec->kind;
    state.shown = *std::move(now);
  }

  Outcome show(Outcome out = {}) {
    Changes& pipeline = out.pipeline;
    for (Service* const service : touched_services) recompute(*service);

    std::unordered_set<GroupId> present;
    pipeline.groups.reserve(touched_groups.size());
    for (const auto& [service, identity] : touched_groups) {
      const auto place = place_of(*service, identity);
      if (place == service->compiled.groups.size() ||
          service->compiled.groups[place].identity != identity)
        continue;
      const GroupId id = service->group_ids[place];
      if (present.insert(id).second)
        pipeline.groups.push_back(to_group(id, service->compiled.groups[place], config.consistent));
    }
    for (const auto& id : left)
      if (present.insert(id).second) pipeline.remove_groups.push_back(id);

    for (const auto& frontend : touched_frontends) show_frontend_at(frontend, pipeline);
    endpoints.show(pipeline);

    for (Service* const service : touched_services) {
      service->touched = false;
      if (!service->input && service->slices.empty()) services.erase(api::ObjectKey(service->key));
    }
    touched_services.clear();
    touched_groups.clear();
    left.clear();
    touched_frontends.clear();
    std::ranges::sort(stale);
    const auto repeated = std::ranges::unique(stale);
    stale.erase(repeated.begin(), repeated.end());
    out.stale = std::exchange(stale, {});
    out.host |= host.take_changed();
    return out;
  }

  Outcome set_node(NodeFacts facts) {
    Outcome out;
    const NodeFacts old = std::exchange(node, std::move(facts));
    const bool zone = node.zone != old.zone, ips = node.node_ips != old.node_ips,
               addresses = node.node_port_addresses != old.node_port_addresses;
    if (!zone && !ips && !addresses) return out;
    if (config.proxy_all) {
      for (const auto& address : old.node_port_addresses)
        if (!node.node_port_addresses.contains(address))
          out.pipeline.remove_flows.push_back(node_port_flow(address).key());
      for (const auto& address : node.node_port_addresses)
        if (!old.node_port_addresses.contains(address))
          out.pipeline.flows.push_back(node_port_flow(address));
    }
    for (auto& [key, service] : services) {
      const bool dsr = std::ranges::any_of(service.compiled.groups, &GroupSpec::dsr);
      const bool restricted = service.input && !service.input->source_ranges.empty();
      if ((zone && service.compiled.hinted) || (ips && dsr) || (addresses && restricted))
        touch(service);
    }
    return show(std::move(out));
  }
};

Balancer::Balancer(BalancerConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Balancer::~Balancer() = default;

Changes Balancer::start() const {
  Changes out;
  out.flows = common_flows(impl_->config);
  return out;
}

Outcome Balancer::set_node(NodeFacts facts) { return impl_->set_node(std::move(facts)); }

Outcome Balancer::apply(const ServiceChanges& changes) {
  std::size_t endpoint_count = 0;
  for (const auto& slice : changes.slices)
    endpoint_count += slice.endpoints.size() * slice.ports.size();
  impl_->reserve(changes.services.size(), endpoint_count);
  for (const auto& key : changes.removed_slices) impl_->drop_slice(key);
  for (const auto& key : changes.removed_services) impl_->take_service(key, {});
  for (const auto& service : changes.services)
    impl_->take_service(key_of(service.metadata), read_service(service, impl_->config));
  for (const auto& slice : changes.slices) impl_->take_slice(slice);
  return impl_->show();
}

Outcome Balancer::apply(const api::Service& service) {
  impl_->take_service(key_of(service.metadata), read_service(service, impl_->config));
  return impl_->show();
}

Outcome Balancer::apply(const api::EndpointSlice& slice) {
  impl_->take_slice(slice);
  return impl_->show();
}

Outcome Balancer::remove_service(const api::ObjectKey& key) {
  impl_->take_service(key, {});
  return impl_->show();
}

Outcome Balancer::remove_slice(const api::ObjectKey& key) {
  impl_->drop_slice(key);
  return impl_->show();
}

const HostServices& Balancer::host() const { return impl_->host.services(); }
const BalancerConfig& Balancer::config() const { return impl_->config; }
const NodeFacts& Balancer::node() const { return impl_->node; }

std::vector<api::ObjectKey> Balancer::services() const {
  std::vector<api::ObjectKey> out;
  for (const auto& [key, service] : impl_->services)
    if (!service.compiled.frontends.empty()) out.push_back(key);
  std::ranges::sort(out);
  return out;
}

std::vector<ServedFrontend> Balancer::served(const api::ObjectKey& service) const {
  std::vector<ServedFrontend> out;
  const auto found = impl_->services.find(service);
  if (found == impl_->services.end()) return out;
  const auto& [compiled, ids] = std::tie(found->second.compiled, found->second.group_ids);
  for (const auto& spec : compiled.frontends) {
    if (impl_->frontends.at(spec.at).holder != &found->second) continue;
    ServedFrontend& frontend = out.emplace_back();
    frontend.frontend = spec.at;
    frontend.kind = spec.kind;
    frontend.group = ids[spec.flows.group];
    frontend.affinity_timeout = spec.flows.affinity_timeout;
    frontend.backends = compiled.groups[spec.flows.group].backends;
    if (spec.flows.local_clients_group != kNoGroup)
      frontend.local_clients_group = ids[spec.flows.local_clients_group];
  }
  return out;
}

std::size_t Balancer::service_count() const { return impl_->service_count; }
std::size_t Balancer::endpoint_count() const { return impl_->endpoints.size(); }

}  // namespace antrea::proxy
