#pragma once

#include <algorithm>

#include "antrea/proxy/balancer.h"

namespace antrea::proxy {

inline api::Service make_service(unsigned n) {
  api::Service out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "service-" + std::to_string(n);
  out.cluster_ips = {IpAddress::v4(0x0a600000 + n)};
  out.ports.push_back({.name = "http", .protocol = api::Protocol::kTcp, .port = 80});
  return out;
}

/// Endpoints are in slices of at most 100 each, as Kubernetes' controller makes them.
inline constexpr unsigned kMostInSlice = 100;

inline api::EndpointSlice make_slice(unsigned n, unsigned endpoints, unsigned place = 0) {
  api::EndpointSlice out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "service-" + std::to_string(n) + "-" + std::to_string(place);
  out.service_name = "service-" + std::to_string(n);
  out.ports.push_back({.name = "http", .protocol = api::Protocol::kTcp, .port = 8080});
  for (unsigned e = 0; e < endpoints; ++e) {
    api::Endpoint endpoint;
    // In no order, as Pods come; each another one, since the factor is odd.
    const unsigned number = (n * 16 + place * kMostInSlice + e) * 40503 % 0x1000000;
    endpoint.addresses = {IpAddress::v4(0x0a000000 + number)};
    endpoint.node_name = "node-" + std::to_string(e);
    out.endpoints.push_back(std::move(endpoint));
  }
  return out;
}

inline ServiceChanges everything(unsigned services, unsigned endpoints) {
  ServiceChanges out;
  for (unsigned n = 0; n < services; ++n) {
    out.services.push_back(make_service(n));
    for (unsigned first = 0; first < endpoints; first += kMostInSlice)
      out.slices.push_back(
          make_slice(n, std::min(endpoints - first, kMostInSlice), first / kMostInSlice));
  }
  return out;
}

}  // namespace antrea::proxy
