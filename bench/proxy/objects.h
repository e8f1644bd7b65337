#pragma once

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

inline api::EndpointSlice make_slice(unsigned n, unsigned endpoints) {
  api::EndpointSlice out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "service-" + std::to_string(n) + "-abcde";
  out.service_name = "service-" + std::to_string(n);
  out.ports.push_back({.name = "http", .protocol = api::Protocol::kTcp, .port = 8080});
  for (unsigned e = 0; e < endpoints; ++e) {
    api::Endpoint endpoint;
    endpoint.addresses = {IpAddress::v4(0x0a000000 + n * 16 + e)};
    endpoint.node_name = "node-" + std::to_string(e);
    out.endpoints.push_back(std::move(endpoint));
  }
  return out;
}

inline ServiceChanges everything(unsigned services, unsigned endpoints) {
  ServiceChanges out;
  for (unsigned n = 0; n < services; ++n) {
    out.services.push_back(make_service(n));
    out.slices.push_back(make_slice(n, endpoints));
  }
  return out;
}

}  // namespace antrea::proxy
