#pragma once

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
    std::uint16_t node_port;  ///< 0: none
    friend bool operator==(const Port&, const Port&) = default;
  };
  std::vector<IpAddress> cluster_ips;  ///< one per family
  std::vector<Port> ports;
  std::vector<IpAddress> load_balancer_ips, external_ips;
  std::vector<IpPrefix> source_ranges;  ///< of load balancer addresses; empty: all
  std::uint16_t health_check_port = 0;  ///< 0: none
  std::uint16_t affinity_timeout = 0;   ///< seconds; 0: none
  bool internal_local = false, external_local = false;
  LoadBalancerMode mode = LoadBalancerMode::kNat;
  friend bool operator==(const ServiceInput&, const ServiceInput&) = default;
};

/// Absent: a Service that this proxy leaves alone.
std::optional<ServiceInput> read_service(const api::Service& service, const BalancerConfig& config);

/// What is kept of an EndpointSlice.
struct SliceInput {
  struct Endpoint {
    IpAddress ip;
    std::uint8_t conditions = 0;  ///< `endpoint_flags`
    std::uint16_t hints = 0;      ///< 0: none; otherwise `SliceInput::hints`, counted from 1
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  };
  struct Port {
    std::string name;
    api::Protocol protocol;
    std::uint16_t port;
    friend bool operator==(const Port&, const Port&) = default;
  };
  struct Hints {
    std::vector<std::string> zones, nodes;
    friend bool operator==(const Hints&, const Hints&) = default;
  };
  Family family = Family::kIPv4;
  std::vector<Endpoint> endpoints;  ///< ascending
  std::vector<Port> ports;
  std::vector<Hints> hints;
  friend bool operator==(const SliceInput&, const SliceInput&) = default;
};

SliceInput read_slice(const api::EndpointSlice& slice, const BalancerConfig& config);

}  // namespace antrea::proxy
