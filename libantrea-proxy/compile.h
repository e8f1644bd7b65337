#pragma once

#include <map>
#include <string>
#include <vector>

#include "antrea/proxy/balancer.h"

namespace antrea::proxy {

/// What is kept of a Service.
struct ServiceInput {
  struct Port {
    std::string name;
    api::Protocol protocol;
    std::uint16_t port;
    friend bool operator==(const Port&, const Port&) = default;
  };
  std::vector<IpAddress> cluster_ips;
  std::vector<Port> ports;
  std::uint16_t affinity_timeout = 0;  ///< seconds; 0: none
  bool local_only = false;             ///< internalTrafficPolicy Local
  friend bool operator==(const ServiceInput&, const ServiceInput&) = default;
};

/// What is kept of an EndpointSlice.
struct SliceInput {
  struct Endpoint {
    IpAddress ip;
    bool local = false;
    bool ready = false;
    bool serving_terminating = false;
    bool has_zone_hint = false;
    bool hinted_here = false;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };
  struct Port {
    std::string name;
    api::Protocol protocol;
    std::uint16_t port;
    friend bool operator==(const Port&, const Port&) = default;
  };
  Family family = Family::kIPv4;
  std::vector<Endpoint> endpoints;
  std::vector<Port> ports;
  friend bool operator==(const SliceInput&, const SliceInput&) = default;
};
using SliceInputs = std::map<std::string, SliceInput, std::less<>>;  ///< by name

/// Absent: a Service that this proxy leaves alone.
std::optional<ServiceInput> read_service(const api::Service& service, const BalancerConfig& config);
SliceInput read_slice(const api::EndpointSlice& slice, const BalancerConfig& config);

/// A select group to be, under the name of what it stands for.
struct GroupSpec {
  std::string identity;  ///< "namespace/name:port/TCP/IPv4/cluster"
  Family family = Family::kIPv4;
  api::Protocol protocol = api::Protocol::kTcp;
  bool affinity = false;
  std::vector<Backend> backends;  ///< ascending
  friend bool operator==(const GroupSpec&, const GroupSpec&) = default;
};
struct FrontendSpec {
  Frontend frontend;
  std::string group;  ///< identity
  std::uint16_t affinity_timeout = 0;
  friend bool operator==(const FrontendSpec&, const FrontendSpec&) = default;
};
struct CompiledService {
  std::vector<GroupSpec> groups;        ///< by identity
  std::vector<FrontendSpec> frontends;  ///< by frontend
};

/// The decision: which frontends lead to which endpoints.
CompiledService compile_service(const api::ObjectKey& key, const ServiceInput& service,
                                const SliceInputs& slices);

// What it becomes in the switch.
openflow::Group to_group(openflow::GroupId id, const GroupSpec& spec);
std::vector<openflow::Flow> frontend_flows(const Frontend& frontend, openflow::GroupId group,
                                           std::uint16_t affinity_timeout);
openflow::Flow endpoint_flow(const Backend& backend, api::Protocol protocol);
openflow::FlowKey endpoint_flow_key(const Backend& backend, api::Protocol protocol);
std::vector<openflow::Flow> common_flows();

}  // namespace antrea::proxy
