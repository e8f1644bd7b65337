#include "compile.h"

#include <algorithm>

namespace antrea::proxy {
namespace {

constexpr std::string_view kProxyNameLabel = "service.kubernetes.io/service-proxy-name";
constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";

std::string_view label(const api::Labels& labels, std::string_view key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

bool valid_port(std::int32_t port) { return port > 0 && port <= 0xffff; }

using Endpoint = SliceInput::Endpoint;

// An endpoint may stand in two slices for a while, when it moves. What speaks for it wins.
void merge(Endpoint& into, const Endpoint& other) {
  const auto rank = [](const Endpoint& e) {
    return std::tuple(e.local, e.ready, e.serving_terminating);
  };
  if (rank(other) > rank(into)) into = other;
}

template <typename Wanted>
std::vector<Backend> pick(const std::map<Backend, Endpoint>& endpoints, Wanted wanted) {
  std::vector<Backend> out;
  for (const auto& [backend, endpoint] : endpoints)
    if (wanted(endpoint)) out.push_back(backend);
  return out;
}

std::vector<Backend> choose(const std::map<Backend, Endpoint>& endpoints, bool local_only) {
  bool all_hinted = true;
  bool hinted_here = false;
  for (const auto& [backend, endpoint] : endpoints) {
    if (!endpoint.ready) continue;
    all_hinted &= endpoint.has_zone_hint;
    hinted_here |= endpoint.hinted_here;
  }
  const bool by_zone = !local_only && all_hinted && hinted_here;
  auto ready = pick(endpoints, [&](const Endpoint& e) {
    return e.ready && (!local_only || e.local) && (!by_zone || e.hinted_here);
  });
  if (!ready.empty()) return ready;
  return pick(endpoints,
              [&](const Endpoint& e) { return e.serving_terminating && (!local_only || e.local); });
}

}  // namespace

std::optional<ServiceInput> read_service(const api::Service& service,
                                         const BalancerConfig& config) {
  if (service.type == api::ServiceType::kExternalName || service.headless ||
      service.cluster_ips.empty())
    return {};
  if (service.metadata.labels.contains(kHeadlessLabel)) return {};
  if (label(service.metadata.labels, kProxyNameLabel) != config.service_proxy_name) return {};
  ServiceInput input;
  input.cluster_ips = service.cluster_ips;
  for (const auto& port : service.ports)
    if (valid_port(port.port))
      input.ports.push_back({port.name, port.protocol, static_cast<std::uint16_t>(port.port)});
  if (service.session_affinity_client_ip)  // a flow's timeout has 16 bits
    input.affinity_timeout =
        static_cast<std::uint16_t>(std::clamp(service.session_affinity_timeout_seconds, 1, 0xffff));
  input.local_only = service.internal_traffic_policy == api::TrafficPolicy::kLocal;
  return input;
}

SliceInput read_slice(const api::EndpointSlice& slice, const BalancerConfig& config) {
  SliceInput input;
  input.family = slice.address_type;
  for (const auto& endpoint : slice.endpoints) {
    // Addresses beyond the first one mean nothing (EndpointSlice API).
    if (endpoint.addresses.empty() || endpoint.addresses.front().family() != slice.address_type)
      continue;
    const auto& hints = endpoint.hint_zones;
    input.endpoints.push_back({
        .ip = endpoint.addresses.front(),
        .local = !config.node_name.empty() && endpoint.node_name == config.node_name,
        .ready = endpoint.ready,
        .serving_terminating = endpoint.serving && endpoint.terminating,
        .has_zone_hint = !hints.empty(),
        .hinted_here = !config.zone.empty() && std::ranges::find(hints, config.zone) != hints.end(),
    });
  }
  for (const auto& port : slice.ports)
    if (port.port && valid_port(*port.port))
      input.ports.push_back({port.name, port.protocol, static_cast<std::uint16_t>(*port.port)});
  return input;
}

CompiledService compile_service(const api::ObjectKey& key, const ServiceInput& service,
                                const SliceInputs& slices) {
  CompiledService out;
  for (const auto& port : service.ports) {
    for (const auto& ip : service.cluster_ips) {
      std::map<Backend, Endpoint> endpoints;
      for (const auto& [name, slice] : slices) {
        if (slice.family != ip.family()) continue;
        for (const auto& target : slice.ports) {
          if (target.name != port.name || target.protocol != port.protocol) continue;
          for (const auto& endpoint : slice.endpoints) {
            const auto [place, fresh] = endpoints.try_emplace({endpoint.ip, target.port}, endpoint);
            if (!fresh) merge(place->second, endpoint);
          }
        }
      }
      GroupSpec group;
      group.identity =
          key.to_string() + ":" + port.name + "/" + std::string(to_string(port.protocol)) + "/" +
          std::string(to_string(ip.family())) + (service.local_only ? "/local" : "/cluster");
      group.family = ip.family();
      group.protocol = port.protocol;
      group.affinity = service.affinity_timeout != 0;
      group.backends = choose(endpoints, service.local_only);
      out.frontends.push_back(
          {{ip, port.port, port.protocol}, group.identity, service.affinity_timeout});
      out.groups.push_back(std::move(group));
    }
  }
  // Valid Services have no two of a kind; should one, what sorts first stands for it.
  std::ranges::sort(out.groups, {}, &GroupSpec::identity);
  const auto groups = std::ranges::unique(out.groups, {}, &GroupSpec::identity);
  out.groups.erase(groups.begin(), groups.end());
  std::ranges::sort(out.frontends, {}, [](const auto& f) { return std::tie(f.frontend, f.group); });
  const auto frontends = std::ranges::unique(out.frontends, {}, &FrontendSpec::frontend);
  out.frontends.erase(frontends.begin(), frontends.end());
  return out;
}

}  // namespace antrea::proxy
