#pragma once

#include <random>

#include "objects.h"
#include "oracle.h"

namespace antrea::proxy {

/// A configuration, one of each kind there is.
inline BalancerConfig random_config(unsigned seed) {
  BalancerConfig config;
  config.node_name = "here";
  config.proxy_all = seed % 3 != 0;
  config.load_balancer_ips = seed % 7 != 1;
  config.dsr = seed % 4 == 1;
  if (seed % 8 == 1) config.load_balancer_mode = LoadBalancerMode::kDsr;
  if (seed % 5 == 2) config.skip_services = {"default/s1", "10.96.0.3"};
  return config;
}

/// Makes changes to a world, one after the other.
class RandomWorld {
 public:
  /// `direct`: Services are answered directly, over UDP.
  explicit RandomWorld(unsigned seed, bool direct = false) : random_(seed), direct_(direct) {}

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }

  api::Service random_service(unsigned number) {
    auto made = service("s" + std::to_string(number), {"10.96.0." + std::to_string(number + 1)},
                        80 + static_cast<int>(below(2)));
    if (one_in(2)) made.cluster_ips.push_back(ip("fd00:96::" + std::to_string(number + 1)));
    if (one_in(10)) made.cluster_ips.erase(made.cluster_ips.begin());
    if (one_in(2))
      made.ports.push_back({.name = "dns", .protocol = api::Protocol::kUdp, .port = 53});
    if (one_in(6))
      made.ports.push_back({.name = "s", .protocol = api::Protocol::kSctp, .port = 80});
    if (one_in(3)) made.type = api::ServiceType::kNodePort;
    if (one_in(2)) made.type = api::ServiceType::kLoadBalancer;
    if (one_in(20)) made.type = api::ServiceType::kExternalName;
    if (made.type != api::ServiceType::kClusterIP)
      for (std::size_t p = 0; p < made.ports.size(); ++p)
        made.ports[p].node_port = static_cast<std::int32_t>(30000 + number * 10 + p);
    if (one_in(2)) made.load_balancer_ips.push_back(shared_address());
    if (one_in(3)) made.load_balancer_ips.push_back(ip("203.0.113." + std::to_string(number + 1)));
    if (one_in(4)) made.load_balancer_ips.push_back(ip("2001:db8::" + std::to_string(number + 1)));
    if (one_in(3)) made.external_ips.push_back(shared_address());
    if (one_in(5)) made.external_ips.push_back(ip("10.96.0." + std::to_string(below(4) + 1)));
    if (one_in(3)) made.load_balancer_source_ranges.push_back(*IpPrefix::parse("192.0.2.0/24"));
    if (one_in(5)) made.load_balancer_source_ranges.push_back(*IpPrefix::parse("2001:db8:c::/48"));
    if (one_in(6)) made.load_balancer_source_ranges.push_back(*IpPrefix::parse("172.16.0.0/16"));
    if (one_in(12)) made.load_balancer_source_ranges.push_back(*IpPrefix::parse("0.0.0.0/0"));
    if (one_in(3)) made.internal_traffic_policy = api::TrafficPolicy::kLocal;
    if (one_in(2)) made.external_traffic_policy = api::TrafficPolicy::kLocal;
    if (one_in(2)) made.health_check_node_port = static_cast<std::int32_t>(32000 + number);
    made.session_affinity_client_ip = one_in(3);
    if (one_in(3)) made.session_affinity_timeout_seconds = one_in(2) ? 86400 : 7;
    made.headless = one_in(10);
    if (one_in(15)) made.metadata.labels["service.kubernetes.io/service-proxy-name"] = "other";
    if (one_in(3))
      made.metadata.annotations["service.antrea.io/load-balancer-mode"] = one_in(2) ? "dsr" : "nat";
    if (direct_) make_direct(made);
    return made;
  }

  api::EndpointSlice random_slice(unsigned number) {
    const auto family = direct_ || one_in(2) ? Family::kIPv4 : Family::kIPv6;
    const bool hints = one_in(2);
    std::vector<api::Endpoint> endpoints;
    for (auto n = below(5); n > 0; --n) endpoints.push_back(random_endpoint(family, hints));
    auto made = slice("s" + std::to_string(number), endpoints, 8080, api::Protocol::kTcp,
                      "-" + std::to_string(below(3)));
    made.address_type = family;
    if (direct_ || one_in(2))
      made.ports.push_back({.name = "dns", .protocol = api::Protocol::kUdp, .port = 5353});
    if (one_in(4)) made.ports.push_back({.name = "s", .protocol = api::Protocol::kSctp, .port = 9});
    if (one_in(9)) made.service_name = "s" + std::to_string(below(6));  // relabelled
    return made;
  }

  void change_one_endpoint(api::EndpointSlice& slice) {
    auto& endpoints = slice.endpoints;
    if (endpoints.empty() || one_in(4)) {
      endpoints.push_back(random_endpoint(slice.address_type, false));
      return;
    }
    const auto place = endpoints.begin() + below(static_cast<unsigned>(endpoints.size()));
    if (one_in(3))
      endpoints.erase(place);
    else
      set_state(*place, below(5));
  }

  NodeFacts random_node() {
    NodeFacts facts;
    if (!one_in(4)) facts.zone = one_in(3) ? "z2" : "z1";
    for (const char* address : {"172.16.0.1", "172.17.0.1", "2001:db8:a::1"})
      if (one_in(2)) facts.node_port_addresses.insert(ip(address));
    for (const char* address : {"10.10.0.3", "10.10.0.4"})
      if (one_in(2)) facts.node_ips.insert(ip(address));
    return facts;
  }

 private:
  static void set_state(api::Endpoint& endpoint, unsigned kind) {
    endpoint.ready = kind < 2;
    endpoint.serving = kind < 3;
    endpoint.terminating = kind >= 2 && kind < 4;
  }

  static void make_direct(api::Service& service) {
    service.type = api::ServiceType::kLoadBalancer;
    service.headless = false;
    service.metadata.labels.clear();
    service.metadata.annotations["service.antrea.io/load-balancer-mode"] = "dsr";
    service.external_traffic_policy = api::TrafficPolicy::kCluster;
    service.load_balancer_ips.push_back(ip("203.0.113.1"));
    service.ports = {{.name = "dns", .protocol = api::Protocol::kUdp, .port = 53}};
  }

  IpAddress shared_address() { return ip("198.51.100." + std::to_string(below(3) + 1)); }

  api::Endpoint random_endpoint(Family family, bool hints) {
    const auto n = below(12);
    auto out =
        endpoint((family == Family::kIPv4 ? "10.10.0." : "fd00:10::") + std::to_string(n + 2),
                 n % 3 == 0 ? "here" : "other");
    // Every listing of an address says the same of it, but for now and then one behind the times.
    const auto kind = one_in(12) ? below(5) : states_[n];
    set_state(out, kind);
    if (hints && n != 11) out.hint_zones = {n % 2 == 0 ? "z1" : "z2"};
    if (hints && n % 4 == 0) out.hint_zones.push_back("z3");
    if (hints && n > 5) out.hint_nodes = {n % 2 == 0 ? "here" : "other"};
    return out;
  }

  std::mt19937 random_;
  bool direct_;
  std::array<unsigned, 12> states_{0, 0, 1, 2, 2, 0, 3, 4, 0, 2, 1, 0};
};

}  // namespace antrea::proxy
