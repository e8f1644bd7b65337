#pragma once

// What Kubernetes promises, read from its documentation and written as plainly as can be:
// kubernetes.io/docs/reference/networking/virtual-ips, concepts/services-networking/{service,
// service-traffic-policy, endpoint-slices, topology-aware-routing}, and antrea:
// docs/antrea-proxy.md. Slow, and nothing of it shared with the engine.

#include <algorithm>

#include "antrea/proxy/balancer.h"
#include "walk.h"

namespace antrea::proxy {

struct World {
  std::map<api::ObjectKey, api::Service> services;
  std::map<api::ObjectKey, api::EndpointSlice> slices;
  NodeFacts node;
};

class Oracle {
 public:
  Oracle(const World& world, const BalancerConfig& config) : world_(world), config_(config) {}

  /// One Service port at one address.
  struct Place {
    const api::Service* service = nullptr;
    const api::ServicePort* port = nullptr;
    FrontendKind kind = FrontendKind::kClusterIp;
  };

  /// Everything that is served, and by whom.
  std::map<Frontend, Place> places() const {
    std::map<Frontend, Place> all;
    for (const FrontendKind kind : {FrontendKind::kClusterIp, FrontendKind::kNodePort,
                                    FrontendKind::kLoadBalancer, FrontendKind::kExternalIp})
      for (const auto& [key, service] : world_.services) {
        if (!served(service)) continue;
        for (const auto& port : service.ports)
          for (const auto& ip : addresses(service, kind)) {
            const auto number = kind == FrontendKind::kNodePort ? port.node_port : port.port;
            if (number == 0) continue;
            all.emplace(Frontend{ip, static_cast<std::uint16_t>(number), port.protocol},
                        Place{&service, &port, kind});
          }
      }
    return all;
  }

  Fate fate(const Place& place, Client client, const IpAddress& source, Family family) const {
    const api::Service& service = *place.service;
    Fate fate;
    if (!allowed(place, client, source, family)) return fate;
    const bool on_this_node = client == Client::kPod || client == Client::kHost;
    const bool outside_kind = place.kind != FrontendKind::kClusterIp;
    const bool local = outside_kind ? external_local(service) && !on_this_node
                                    : service.internal_traffic_policy == api::TrafficPolicy::kLocal;
    const bool direct = unchanged(place, family);
    const auto endpoints = endpoints_for(service, *place.port, family,
                                         local || (direct && client == Client::kOtherNode));
    for (const auto& [backend, endpoint] : endpoints) {
      const bool away =
          endpoint.node_name != config_.node_name && !world_.node.node_ips.contains(backend.ip);
      if (direct && client == Client::kOutside && away)
        fate.unchanged.insert(backend);
      else
        fate.endpoints.insert(backend);
    }
    fate.refused = endpoints.empty();
    if (!fate.refused && service.session_affinity_client_ip)
      fate.remembered =
          static_cast<std::uint16_t>(std::min(service.session_affinity_timeout_seconds, 65535));
    return fate;
  }

  HostServices host() const {
    HostServices host;
    if (!config_.proxy_all) return host;
    std::map<Family, std::set<IpAddress>> cluster_ips;
    for (const auto& [at, place] : places()) {
      if (place.kind == FrontendKind::kNodePort)
        host.node_ports.insert({at.ip.family(), at.protocol, at.port});
      else if (place.kind == FrontendKind::kClusterIp)
        cluster_ips[at.ip.family()].insert(at.ip);
      else
        host.external_ips.insert(at.ip);
    }
    const auto cover = [](const std::set<IpAddress>& all) -> std::optional<IpPrefix> {
      if (all.empty()) return {};
      for (unsigned length = all.begin()->width();; --length) {
        const IpPrefix prefix(*all.begin(), length);
        if (std::ranges::all_of(all, [&](const auto& ip) { return prefix.contains(ip); }))
          return prefix;
      }
    };
    host.cluster_ips_v4 = cover(cluster_ips[Family::kIPv4]);
    host.cluster_ips_v6 = cover(cluster_ips[Family::kIPv6]);
    for (const auto& [key, service] : world_.services) {
      if (!served(service) || service.type != api::ServiceType::kLoadBalancer ||
          !external_local(service) || service.health_check_node_port == 0)
        continue;
      std::set<IpAddress> ready;
      for (const auto& port : service.ports)
        for (const Family family : {Family::kIPv4, Family::kIPv6})
          if (has_family(service, family))
            for (const auto& [backend, endpoint] : listed(service, port, family))
              if (endpoint.ready && endpoint.node_name == config_.node_name)
                ready.insert(backend.ip);
      host.health_checks[key] = {static_cast<std::uint16_t>(service.health_check_node_port),
                                 ready.size()};
    }
    return host;
  }

  /// Whether packets from outside for endpoints on other Nodes go there as they are.
  bool unchanged(const Place& place, Family family) const {
    if (!config_.dsr || family != Family::kIPv4 || external_local(*place.service)) return false;
    if (place.kind != FrontendKind::kLoadBalancer && place.kind != FrontendKind::kExternalIp)
      return false;
    const auto& annotations = place.service->metadata.annotations;
    const auto mode = annotations.find("service.antrea.io/load-balancer-mode");
    if (mode == annotations.end()) return config_.load_balancer_mode == LoadBalancerMode::kDsr;
    return mode->second == "dsr";
  }

  /// Endpoints of a port that are there and not yet gone: connections to them may live.
  std::set<Backend> alive(const Place& place, Family family) const {
    std::set<Backend> out;
    for (const auto& [backend, endpoint] : listed(*place.service, *place.port, family))
      if (endpoint.ready || endpoint.serving) out.insert(backend);
    return out;
  }

 private:
  using Endpoints = std::map<Backend, api::Endpoint>;

  bool served(const api::Service& service) const {
    if (service.type == api::ServiceType::kExternalName) return false;
    if (service.headless || service.cluster_ips.empty()) return false;
    const auto& labels = service.metadata.labels;
    if (labels.count("service.kubernetes.io/headless") != 0) return false;
    const auto proxy = labels.find("service.kubernetes.io/service-proxy-name");
    if ((proxy == labels.end() ? "" : proxy->second) != config_.service_proxy_name) return false;
    return config_.skip_services.count(service.metadata.namespace_ + "/" + service.metadata.name) ==
               0 &&
           config_.skip_services.count(service.cluster_ips[0].to_string()) == 0;
  }

  static bool has_family(const api::Service& service, Family family) {
    for (const auto& ip : service.cluster_ips)
      if (ip.family() == family) return true;
    return false;
  }

  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return !name.empty() && std::ranges::count(names, name) != 0;
  }

  static bool external_local(const api::Service& service) {
    return service.external_traffic_policy == api::TrafficPolicy::kLocal;
  }

  std::vector<IpAddress> addresses(const api::Service& service, FrontendKind kind) const {
    std::vector<IpAddress> all;
    const bool balancer = service.type == api::ServiceType::kLoadBalancer;
    switch (kind) {
      case FrontendKind::kClusterIp:
        all = service.cluster_ips;
        break;
      case FrontendKind::kNodePort:
        if (config_.proxy_all && (balancer || service.type == api::ServiceType::kNodePort))
          all = {node_port_ip(Family::kIPv4), node_port_ip(Family::kIPv6)};
        break;
      case FrontendKind::kLoadBalancer:
        if (balancer && config_.load_balancer_ips) all = service.load_balancer_ips;
        break;
      case FrontendKind::kExternalIp:
        if (config_.proxy_all) all = service.external_ips;
        break;
    }
    std::erase_if(all, [&](const auto& ip) { return !has_family(service, ip.family()); });
    return all;
  }

  bool allowed(const Place& place, Client client, const IpAddress& source, Family family) const {
    if (place.kind != FrontendKind::kLoadBalancer) return true;
    bool any = false;
    for (const auto& range : place.service->load_balancer_source_ranges) {
      if (range.family() != family) continue;
      any = true;
      if (range.contains(source)) return true;
      if (client == Client::kHost)
        for (const auto& own : world_.node.node_port_addresses)
          if (range.contains(own)) return true;
    }
    // What another Node passes on unchanged has been judged there.
    return !any || (client == Client::kOtherNode && unchanged(place, family));
  }

  // A local listing wins over a remote one, a ready one over others, then one with hints.
  Endpoints listed(const api::Service& service, const api::ServicePort& port, Family family) const {
    Endpoints all;
    const auto worth = [&](const api::Endpoint& e) {
      return std::tuple(e.node_name == config_.node_name, e.ready, e.serving && e.terminating,
                        contains(e.hint_nodes, config_.node_name), !e.hint_nodes.empty(),
                        contains(e.hint_zones, world_.node.zone), !e.hint_zones.empty(),
                        e.terminating, e.serving);
    };
    for (const auto& [key, slice] : world_.slices) {
      if (slice.service_name != service.metadata.name ||
          slice.metadata.namespace_ != service.metadata.namespace_ || slice.address_type != family)
        continue;
      for (const auto& target : slice.ports) {
        if (target.name != port.name || target.protocol != port.protocol || !target.port) continue;
        for (const auto& endpoint : slice.endpoints) {
          const Backend at{endpoint.addresses[0], static_cast<std::uint16_t>(*target.port)};
          const auto [place, fresh] = all.emplace(at, endpoint);
          if (!fresh && worth(endpoint) > worth(place->second)) place->second = endpoint;
        }
      }
    }
    return all;
  }

  Endpoints endpoints_for(const api::Service& service, const api::ServicePort& port, Family family,
                          bool local) const {
    const Endpoints all = listed(service, port, family);
    const auto keep = [&](auto wanted) {
      Endpoints some;
      for (const auto& [at, endpoint] : all)
        if (wanted(endpoint) && (!local || endpoint.node_name == config_.node_name))
          some.emplace(at, endpoint);
      return some;
    };
    bool all_zones = true, all_nodes = true, zone = false, node = false;
    for (const auto& [at, endpoint] : all) {
      if (!endpoint.ready) continue;
      if (endpoint.hint_zones.empty()) all_zones = false;
      if (endpoint.hint_nodes.empty()) all_nodes = false;
      if (contains(endpoint.hint_zones, world_.node.zone)) zone = true;
      if (contains(endpoint.hint_nodes, config_.node_name)) node = true;
    }
    const auto ready = keep([&](const api::Endpoint& endpoint) {
      if (!endpoint.ready) return false;
      if (local) return true;
      if (all_nodes && node) return contains(endpoint.hint_nodes, config_.node_name);
      if (all_zones && zone) return contains(endpoint.hint_zones, world_.node.zone);
      return true;
    });
    if (!ready.empty()) return ready;
    return keep([](const api::Endpoint& e) { return e.serving && e.terminating; });
  }

  const World& world_;
  const BalancerConfig& config_;
};

}  // namespace antrea::proxy
