#include "antrea/proxy/balancer.h"

#include <algorithm>
#include <unordered_map>

#include "flows.h"
#include "frontend_image.h"
#include "group_image.h"

namespace antrea::proxy {

using openflow::Changes;
struct Balancer::Impl {
  using Service = ServiceState;

  explicit Impl(BalancerConfig c) : config(std::move(c)), frontends(config.proxy_all, node) {}

  BalancerConfig config;
  NodeFacts node;
  std::unordered_map<api::ObjectKey, Service> services;
  std::unordered_map<api::ObjectKey, Service*> slice_owners;
  GroupImage groups;
  FrontendImage frontends;
  std::size_t service_count = 0;
  std::vector<Service*> touched;  // by the current call

  void reserve(std::size_t more_services, std::size_t more_endpoints) {
    if (more_services + more_endpoints < 1000) return;
    services.reserve(services.size() + more_services);
    slice_owners.reserve(slice_owners.size() + more_services);
    touched.reserve(more_services);
    groups.reserve(more_services, more_endpoints);
    frontends.reserve(more_services);
  }

  Service& service_of(const api::ObjectKey& key) {
    const auto [found, fresh] = services.try_emplace(key);
    if (fresh) found->second.key = key;
    return found->second;
  }

  void touch(Service& service) {
    if (!std::exchange(service.touched, true)) touched.push_back(&service);
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
    const auto [fresh, changed] = service.slices.set(slice.metadata.name, std::move(input));
    if (fresh) slice_owners.emplace(key, &service);
    if (changed) touch(service);
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
    service.anew = true;
    touch(service);
  }

  void update(Service& service) {
    std::optional<ServicePatch> small;
    if (service.input && !service.anew)
      small = patch_service(*service.input, service.slices, service.compiled, config, node);
    if (small)
      patch(service, *std::move(small));
    else
      recompute(service);
    service.slices.settle();
    service.anew = false;
  }

  // Changes of the outcome for a Service what its changed endpoints mean to it.
  void patch(Service& service, ServicePatch change) {
    CompiledService& compiled = service.compiled;
    for (std::size_t place = 0; place < compiled.ports.size(); ++place)
      compiled.ports[place].tally = change.tallies[place];
    compiled.hinted |= change.hinted;
    compiled.health_check = change.health_check;
    frontends.host().set_health_check(service.key, compiled.health_check);
    for (const auto& [place, backends] : change.serving) {
      patch_backends(backends, compiled.serving[place]);
      frontends.cut_off(service, place, backends.gone);
    }
    std::vector<Service*> renumbered;
    for (const auto& [place, backends] : change.groups)
      groups.patch(service, place, backends, renumbered);
    for (const Service* const other : renumbered) frontends.renumber(*other);
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
    frontends.host().set_health_check(service.key, now.health_check);
    std::vector<Service*> renumbered;
    groups.replace(service, old.groups, old_ids, renumbered);
    frontends.replace(service, old);
    for (const Service* const other : renumbered) frontends.renumber(*other);
  }

  Outcome show(Outcome out = {}) {
    for (Service* const service : touched) update(*service);
    frontends.show(out.pipeline, out.stale);
    groups.show(out.pipeline);
    for (Service* const service : touched) {
      service->touched = false;
      if (!service->input && service->slices.empty()) services.erase(api::ObjectKey(service->key));
    }
    touched.clear();
    out.host |= frontends.host().take_changed();
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
      if ((zone && service.compiled.hinted) || (ips && dsr) || (addresses && restricted)) {
        service.anew = true;
        touch(service);
      }
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

const HostServices& Balancer::host() const { return impl_->frontends.host().services(); }
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
    if (impl_->frontends.holder(spec.at) != &found->second) continue;
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
std::size_t Balancer::port_count(Family family) const {
  return impl_->frontends.cluster_ip_count(family);
}
std::size_t Balancer::endpoint_count(Family family) const {
  return impl_->groups.endpoint_count(family);
}

}  // namespace antrea::proxy
