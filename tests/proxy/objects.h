#pragma once

#include "antrea/proxy/balancer.h"
#include "tests/addresses.h"

namespace antrea::proxy {

inline api::Service service(std::string name, std::vector<std::string_view> cluster_ips,
                            std::int32_t port = 80, api::Protocol protocol = api::Protocol::kTcp) {
  api::Service out;
  out.metadata.namespace_ = "default";
  out.metadata.name = std::move(name);
  for (const auto& address : cluster_ips) out.cluster_ips.push_back(ip(address));
  out.ports.push_back({.name = "", .protocol = protocol, .port = port});
  return out;
}

inline api::Endpoint endpoint(std::string_view address, std::string node = "other") {
  api::Endpoint out;
  out.addresses = {ip(address)};
  out.node_name = std::move(node);
  return out;
}

inline api::EndpointSlice slice(std::string service, std::vector<api::Endpoint> endpoints,
                                std::int32_t port = 8080,
                                api::Protocol protocol = api::Protocol::kTcp,
                                std::string suffix = "-1") {
  api::EndpointSlice out;
  out.metadata.namespace_ = "default";
  out.metadata.name = service + suffix;
  out.service_name = std::move(service);
  if (!endpoints.empty()) out.address_type = endpoints.front().addresses.front().family();
  out.endpoints = std::move(endpoints);
  out.ports.push_back({.name = "", .protocol = protocol, .port = port});
  return out;
}

}  // namespace antrea::proxy
