#include "antrea/egress/service_claims.h"

namespace antrea::egress {

std::string external_ip_pool(const api::Service& service) {
  if (service.type != api::ServiceType::kLoadBalancer) return {};
  const auto found = service.metadata.annotations.find(kExternalIpPool);
  return found != service.metadata.annotations.end() ? found->second : std::string();
}

std::set<std::string> ServiceClaims::nodes_with_endpoints(const api::ObjectKey& service,
                                                          Family family) const {
  std::set<std::string> nodes;
  const auto slices = slices_of_.find(service);
  if (slices == slices_of_.end()) return nodes;
  for (const api::ObjectKey& key : slices->second)
    if (const Slice& slice = slices_.at(key); slice.family == family)
      nodes.insert(slice.nodes.begin(), slice.nodes.end());
  return nodes;
}

// Brings the claim of a Service in line with what is known of it.
void ServiceClaims::settle(const api::ObjectKey& key, ClaimChanges& out) {
  const auto service = services_.find(key);
  const auto before = claims_.find(key);
  if (service == services_.end() || service->second.ips.empty()) {
    if (before == claims_.end()) return;
    claims_.erase(before);
    out.removed.push_back(key.to_string());
    return;
  }
  ServiceClaim claim{key.to_string(), service->second.created, service->second.pool, {}};
  for (const IpAddress& ip : service->second.ips) {
    ClaimedIp claimed{ip, {}};
    if (service->second.local) claimed.nodes = nodes_with_endpoints(key, ip.family());
    claim.ips.push_back(std::move(claimed));
  }
  if (before != claims_.end() && before->second == claim) return;
  out.changed.push_back(claim);
  claims_.insert_or_assign(key, std::move(claim));
}

ClaimChanges ServiceClaims::apply(const api::Service& service) {
  const auto key = api::key_of(service.metadata);
  const std::string pool = external_ip_pool(service);
  if (pool.empty()) return remove_service(key);
  services_.insert_or_assign(
      key, Service{service.metadata.creation_timestamp, pool, service.load_balancer_ips,
                   service.external_traffic_policy == api::TrafficPolicy::kLocal});
  ClaimChanges out;
  settle(key, out);
  return out;
}

ClaimChanges ServiceClaims::remove_service(const api::ObjectKey& key) {
  ClaimChanges out;
  if (services_.erase(key) != 0) settle(key, out);
  return out;
}

ClaimChanges ServiceClaims::apply(const api::EndpointSlice& slice) {
  const auto key = api::key_of(slice.metadata);
  if (slice.service_name.empty()) return remove_slice(key);
  Slice now{{slice.metadata.namespace_, slice.service_name}, slice.address_type, {}};
  for (const api::Endpoint& endpoint : slice.endpoints)
    if ((endpoint.ready || endpoint.serving) && !endpoint.node_name.empty())
      now.nodes.insert(endpoint.node_name);
  ClaimChanges out;
  const auto found = slices_.find(key);
  if (found != slices_.end() && found->second == now) return out;
  if (found != slices_.end() && found->second.service != now.service) out = remove_slice(key);
  slices_of_[now.service].insert(key);
  const api::ObjectKey service = now.service;
  slices_.insert_or_assign(key, std::move(now));
  settle(service, out);
  return out;
}

ClaimChanges ServiceClaims::remove_slice(const api::ObjectKey& key) {
  ClaimChanges out;
  const auto found = slices_.find(key);
  if (found == slices_.end()) return out;
  const api::ObjectKey service = found->second.service;
  slices_.erase(found);
  const auto siblings = slices_of_.find(service);
  siblings->second.erase(key);
  if (siblings->second.empty()) slices_of_.erase(siblings);
  settle(service, out);
  return out;
}

}  // namespace antrea::egress
