// Random Services and slices against a model of the Kubernetes rules that shares no code with the
// engine.
#include <gtest/gtest.h>

#include <random>

#include "model_switch.h"
#include "objects.h"

namespace antrea::proxy {
namespace {

struct World {
  std::map<api::ObjectKey, api::Service> services;
  std::map<api::ObjectKey, api::EndpointSlice> slices;
};

// The endpoints that a frontend of a Service may be led to, straight from the API's words.
std::set<Backend> eligible(const World& world, const api::Service& service,
                           const api::ServicePort& port, Family family) {
  struct Facts {
    bool ready = false, serving_terminating = false, local = false;
  };
  std::map<Backend, Facts> all;
  for (const auto& [key, slice] : world.slices) {
    if (slice.service_name != service.metadata.name ||
        slice.metadata.namespace_ != service.metadata.namespace_ || slice.address_type != family)
      continue;
    for (const auto& target : slice.ports)
      for (const auto& endpoint : slice.endpoints)
        if (target.name == port.name && target.protocol == port.protocol && target.port) {
          const bool local = endpoint.node_name == "here";
          auto& facts = all[{endpoint.addresses[0], static_cast<std::uint16_t>(*target.port)}];
          facts.ready |= endpoint.ready;
          facts.serving_terminating |= endpoint.serving && endpoint.terminating;
          facts.local |= local;
        }
  }
  const bool only_local = service.internal_traffic_policy == api::TrafficPolicy::kLocal;
  std::set<Backend> ready, fallback;
  for (const auto& [backend, facts] : all) {
    if (only_local && !facts.local) continue;
    if (facts.ready) ready.insert(backend);
    if (facts.serving_terminating) fallback.insert(backend);
  }
  return ready.empty() ? fallback : ready;
}

class RandomWorld {
 public:
  explicit RandomWorld(unsigned seed) : random_(seed) {}

  // Every address belongs to one Node and is in one state, wherever it is listed.
  api::Endpoint random_endpoint(Family family) {
    const auto n = random_() % 12;
    auto out =
        endpoint((family == Family::kIPv4 ? "10.10.0." : "fd00:10::") + std::to_string(n + 2),
                 n % 3 == 0 ? "here" : "other");
    const auto kind = states_[n];
    out.ready = kind < 2;
    out.serving = kind < 3;
    out.terminating = kind >= 2 && kind < 4;
    return out;
  }

  void step(World& world, Balancer& balancer, ModelSwitch& sw) {
    const auto number = random_() % 6;
    const auto name = "s" + std::to_string(number);
    switch (random_() % 8) {
      case 0:
        world.services.erase({"default", name});
        return sw.commit(balancer.remove_service({"default", name}));
      case 1:
      case 2:
      case 3: {
        auto made = service(name, {"10.96.0." + std::to_string(number + 1)},
                            80 + static_cast<int>(random_() % 2));
        if (random_() % 2) made.cluster_ips.push_back(ip("fd00:96::" + std::to_string(number + 1)));
        if (random_() % 2)
          made.ports.push_back({.name = "dns", .protocol = api::Protocol::kUdp, .port = 53});
        if (random_() % 3 == 0) made.internal_traffic_policy = api::TrafficPolicy::kLocal;
        made.session_affinity_client_ip = random_() % 3 == 0;
        made.headless = random_() % 8 == 0;
        world.services.insert_or_assign(key_of(made.metadata), made);
        return sw.commit(balancer.apply(made));
      }
      case 4: {
        const auto key = api::ObjectKey{"default", name + "-" + std::to_string(random_() % 3)};
        world.slices.erase(key);
        return sw.commit(balancer.remove_slice(key));
      }
      default: {
        const auto family = random_() % 2 ? Family::kIPv4 : Family::kIPv6;
        // All slices that list an address say the same of it, so a new state is told everywhere.
        std::vector<api::Endpoint> endpoints;
        for (auto n = random_() % 5; n > 0; --n) endpoints.push_back(random_endpoint(family));
        auto made =
            slice(name, endpoints, 8080, api::Protocol::kTcp, "-" + std::to_string(random_() % 3));
        made.address_type = family;
        if (random_() % 2)
          made.ports.push_back({.name = "dns", .protocol = api::Protocol::kUdp, .port = 5353});
        if (random_() % 9 == 0)
          made.service_name = "s" + std::to_string(random_() % 6);  // relabelled
        world.slices.insert_or_assign(key_of(made.metadata), made);
        return sw.commit(balancer.apply(made));
      }
    }
  }

 private:
  std::mt19937 random_;
  std::array<unsigned, 12> states_{0, 0, 1, 2, 2, 0, 3, 4, 0, 2, 1, 0};
};

void expect_right(const World& world, const ModelSwitch& sw) {
  std::size_t frontends = 0;
  std::set<std::pair<Backend, api::Protocol>> endpoints;
  for (const auto& [key, service] : world.services) {
    if (service.headless) continue;
    for (const auto& port : service.ports)
      for (const auto& cluster_ip : service.cluster_ips) {
        const auto want = eligible(world, service, port, cluster_ip.family());
        EXPECT_EQ(sw.reach({cluster_ip, static_cast<std::uint16_t>(port.port), port.protocol}),
                  want)
            << key.to_string();
        frontends += service.session_affinity_client_ip ? 2 : 1;
        for (const auto& backend : want) endpoints.insert({backend, port.protocol});
      }
  }
  std::size_t found_frontends = 0, found_endpoints = 0;
  for (const auto& [key, flow] : sw.flows()) {
    found_frontends +=
        key.table.value == static_cast<std::uint8_t>(api::pipeline::Table::kServiceLb);
    found_endpoints +=
        key.table.value == static_cast<std::uint8_t>(api::pipeline::Table::kEndpointDnat);
  }
  EXPECT_EQ(found_frontends, frontends);
  EXPECT_EQ(found_endpoints, endpoints.size() + 2);
}

TEST(BalancerProperty, AgreesWithTheModelAndWithARecomputation) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const BalancerConfig config{.node_name = "here", .zone = "", .service_proxy_name = ""};
    RandomWorld random(seed);
    World world;
    Balancer balancer(config);
    ModelSwitch sw;
    sw.commit(balancer.start());
    for (int step = 0; step < 60; ++step) {
      random.step(world, balancer, sw);
      if (step % 6 == 0) expect_right(world, sw);
      if (testing::Test::HasFailure()) return;
    }
    expect_right(world, sw);

    // All at once, and in the opposite order, it comes to the same.
    Balancer at_once(config), backwards(config);
    ModelSwitch switch_at_once, switch_backwards;
    switch_at_once.commit(at_once.start());
    switch_backwards.commit(backwards.start());
    ServiceChanges all;
    for (const auto& [key, service] : world.services) all.services.push_back(service);
    for (const auto& [key, slice] : world.slices) all.slices.push_back(slice);
    switch_at_once.commit(at_once.apply(all));
    for (auto s = world.slices.rbegin(); s != world.slices.rend(); ++s)
      switch_backwards.commit(backwards.apply(s->second));
    for (auto s = world.services.rbegin(); s != world.services.rend(); ++s)
      switch_backwards.commit(backwards.apply(s->second));
    EXPECT_TRUE(sw == switch_at_once);
    EXPECT_TRUE(sw == switch_backwards);

    for (const auto& [key, slice] : world.slices) sw.commit(balancer.remove_slice(key));
    for (const auto& [key, service] : world.services) sw.commit(balancer.remove_service(key));
    EXPECT_TRUE(sw.groups().empty());
    EXPECT_EQ(sw.flows().size(), 2U);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace antrea::proxy
