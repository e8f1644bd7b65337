#include "service_input.h"

#include <algorithm>

#include "antrea/base/sorted.h"
#include "endpoint_choice.h"

namespace antrea::proxy {
namespace {

constexpr std::string_view kProxyNameLabel = "service.kubernetes.io/service-proxy-name";
constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";
constexpr std::string_view kModeAnnotation = "service.antrea.io/load-balancer-mode";

std::string_view value_of(const api::Labels& labels, std::string_view key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

std::uint16_t valid_port(std::int32_t port) {
  return port > 0 && port <= 0xffff ? static_cast<std::uint16_t>(port) : std::uint16_t{0};
}

bool serves(const api::Service& service, const BalancerConfig& config) {
  if (service.type == api::ServiceType::kExternalName || service.headless ||
      service.cluster_ips.empty())
    return false;
  const auto& labels = service.metadata.labels;
  if (labels.contains(kHeadlessLabel)) return false;
  if (value_of(labels, kProxyNameLabel) != config.service_proxy_name) return false;
  const auto& skipped = config.skip_services;
  return skipped.empty() || (!skipped.contains(api::key_of(service.metadata).to_string()) &&
                             !skipped.contains(service.cluster_ips.front().to_string()));
}

// Those of the families that the Service has cluster IPs of.
std::vector<IpAddress> served_addresses(std::vector<IpAddress> addresses,
                                        const std::vector<IpAddress>& cluster_ips) {
  std::erase_if(addresses, [&](const IpAddress& address) {
    return std::ranges::find(cluster_ips, address.family(), &IpAddress::family) ==
           cluster_ips.end();
  });
  sort_unique(addresses);
  return addresses;
}

LoadBalancerMode mode_of(const api::Service& service, const BalancerConfig& config) {
  if (!config.dsr) return LoadBalancerMode::kNat;
  const auto wanted = value_of(service.metadata.annotations, kModeAnnotation);
  if (wanted == "dsr") return LoadBalancerMode::kDsr;
  if (wanted == "nat") return LoadBalancerMode::kNat;
  return config.load_balancer_mode;
}

// Adds the hints to those of the slice, where endpoints share them; which they are, from 1.
std::uint16_t place_hints(const api::Endpoint& endpoint, SliceInput& slice) {
  if (endpoint.hint_zones.empty() && endpoint.hint_nodes.empty()) return 0;
  SliceInput::Hints hints{endpoint.hint_zones, endpoint.hint_nodes};
  auto found = std::ranges::find(slice.hints, hints);
  if (found == slice.hints.end()) {
    if (slice.hints.size() == 0xffff) return 0;  // a slice has at most 1000 endpoints
    found = slice.hints.insert(found, std::move(hints));
  }
  return static_cast<std::uint16_t>(found - slice.hints.begin() + 1);
}

}  // namespace

std::optional<ServiceInput> read_service(const api::Service& service,
                                         const BalancerConfig& config) {
  if (!serves(service, config)) return {};
  ServiceInput input;
  for (const auto& ip : service.cluster_ips)
    if (std::ranges::find(input.cluster_ips, ip.family(), &IpAddress::family) ==
        input.cluster_ips.end())
      input.cluster_ips.push_back(ip);

  const bool load_balancer = service.type == api::ServiceType::kLoadBalancer;
  const bool node_ports =
      config.proxy_all && (load_balancer || service.type == api::ServiceType::kNodePort);
  for (const auto& port : service.ports)
    if (const auto number = valid_port(port.port); number != 0)
      input.ports.push_back({port.name, port.protocol, number,
                             node_ports ? valid_port(port.node_port) : std::uint16_t{0}});
  if (load_balancer && config.load_balancer_ips)
    input.load_balancer_ips = served_addresses(service.load_balancer_ips, service.cluster_ips);
  if (config.proxy_all)
    input.external_ips = served_addresses(service.external_ips, service.cluster_ips);
  if (!input.load_balancer_ips.empty()) {
    input.source_ranges = service.load_balancer_source_ranges;
    std::ranges::sort(input.source_ranges);
  }

  if (service.session_affinity_client_ip)  // a flow's timeout has 16 bits
    input.affinity_timeout =
        static_cast<std::uint16_t>(std::clamp(service.session_affinity_timeout_seconds, 1, 0xffff));
  input.internal_local = service.internal_traffic_policy == api::TrafficPolicy::kLocal;
  input.external_local = service.external_traffic_policy == api::TrafficPolicy::kLocal;
  if (config.proxy_all && load_balancer && input.external_local)
    input.health_check_port = valid_port(service.health_check_node_port);
  input.mode = mode_of(service, config);
  return input;
}

SliceInput read_slice(const api::EndpointSlice& slice, const BalancerConfig& config) {
  using namespace endpoint_flags;
  SliceInput input;
  input.family = slice.address_type;
  input.endpoints.reserve(slice.endpoints.size());
  for (const auto& endpoint : slice.endpoints) {
    // Addresses beyond the first one mean nothing (EndpointSlice API).
    if (endpoint.addresses.empty() || endpoint.addresses.front().family() != slice.address_type)
      continue;
    unsigned conditions = 0;
    if (!config.node_name.empty() && endpoint.node_name == config.node_name) conditions |= kLocal;
    if (endpoint.ready) conditions |= kReady;
    if (endpoint.serving) conditions |= kServing;
    if (endpoint.terminating) conditions |= kTerminating;
    input.endpoints.push_back({endpoint.addresses.front(), static_cast<std::uint8_t>(conditions),
                               place_hints(endpoint, input)});
  }
  if (!std::ranges::is_sorted(input.endpoints)) std::ranges::sort(input.endpoints);
  for (const auto& port : slice.ports)
    if (const auto number = valid_port(port.port.value_or(0)); number != 0)
      input.ports.push_back({port.name, port.protocol, number});
  return input;
}

}  // namespace antrea::proxy
