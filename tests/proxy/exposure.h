#pragma once

#include <gtest/gtest.h>

#include "model_switch.h"
#include "objects.h"

namespace antrea::proxy {

using api::Protocol;
using api::TrafficPolicy;

inline const Backend kHere{ip("10.10.0.2"), 8080}, kThere{ip("10.10.1.2"), 8080};

inline api::Service load_balancer(TrafficPolicy external = TrafficPolicy::kCluster) {
  auto out = service("web", {"10.96.0.10"});
  out.type = api::ServiceType::kLoadBalancer;
  out.ports[0].node_port = 30080;
  out.load_balancer_ips = {ip("203.0.113.1")};
  out.external_ips = {ip("198.51.100.1")};
  out.external_traffic_policy = external;
  return out;
}

class Exposure : public testing::Test {
 protected:
  void start(BalancerConfig config = {.node_name = "here", .proxy_all = true}) {
    dsr = config.dsr;
    balancer.emplace(std::move(config));
    sw.commit(balancer->start());
    NodeFacts facts;
    facts.node_port_addresses = {ip("172.18.0.2")};
    facts.node_ips = {ip("172.18.0.2"), ip("172.18.0.3")};
    sw.commit(balancer->set_node(facts));
    apply(slice("web", {endpoint("10.10.0.2", "here"), endpoint("10.10.1.2")}));
  }
  template <typename T>
  std::vector<StaleConnections> apply(const T& object) {
    const auto outcome = balancer->apply(object);
    sw.commit(outcome);
    return outcome.stale;
  }
  Fate fate(Client client, std::string_view to, std::uint16_t port = 80,
            std::string_view source = "192.0.2.9") {
    return Walk(sw.flows(), sw.groups())
        .first_packet(client, ip(source), {ip(to), port, Protocol::kTcp}, dsr);
  }
  std::set<Backend> ends(Client client, std::string_view to, std::uint16_t port = 80,
                         std::string_view source = "192.0.2.9") {
    return fate(client, to, port, source).endpoints;
  }

  std::optional<Balancer> balancer;
  ModelSwitch sw;
  bool dsr = false;
};

}  // namespace antrea::proxy
