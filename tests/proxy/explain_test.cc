#include "antrea/proxy/explain.h"

#include <gmock/gmock.h>

#include "model_switch.h"
#include "objects.h"
#include "random_world.h"

namespace antrea::proxy {
namespace {

using testing::Contains;
using testing::Pair;

std::map<std::string, Reason> reasons(const ExplainedFrontend& frontend) {
  std::map<std::string, Reason> out;
  for (const auto& each : frontend.endpoints) out.emplace(each.backend.ip.to_string(), each.reason);
  return out;
}

TEST(Explain, SaysWhyEachEndpoint) {
  auto web = service("web", {"10.96.0.10"});
  web.internal_traffic_policy = api::TrafficPolicy::kLocal;
  auto leaving = endpoint("10.10.0.3", "here"), starting = endpoint("10.10.0.4", "here");
  leaving.ready = starting.ready = starting.serving = false;
  leaving.terminating = true;
  const std::vector slices{
      slice("web", {endpoint("10.10.0.2", "here"), leaving, starting, endpoint("10.10.1.2")})};
  const BalancerConfig config{.node_name = "here"};
  const auto local = explain(web, slices, config, {}, {.address = ip("10.10.0.77")});
  ASSERT_EQ(local.frontends.size(), 1U);
  EXPECT_EQ(reasons(local.frontends[0]),
            (std::map<std::string, Reason>{{"10.10.0.2", Reason::kReadyHere},
                                           {"10.10.0.3", Reason::kTerminates},
                                           {"10.10.0.4", Reason::kNotReady},
                                           {"10.10.1.2", Reason::kOtherNode}}));
  EXPECT_EQ(local.frontends[0].endpoints[3].node, "other");
  web.internal_traffic_policy = api::TrafficPolicy::kCluster;
  EXPECT_THAT(reasons(explain(web, slices, config, {}, {.address = ip("10.10.0.77")}).frontends[0]),
              Contains(Pair("10.10.1.2", Reason::kReady)));
}

// Whatever the objects: what is called chosen is what the switch was given for this client.
TEST(Explain, AgreesWithTheFlows) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto config = random_config(seed);
    RandomWorld random(seed);
    const auto made = random.random_service(0);
    const auto node = random.random_node();
    std::map<std::string, api::EndpointSlice> named;
    for (int n = 0; n < 3; ++n) {
      auto slice = random.random_slice(0);
      named.insert_or_assign(slice.metadata.name, std::move(slice));
    }
    std::vector<api::EndpointSlice> slices;
    for (auto& [name, slice] : named) slices.push_back(std::move(slice));
    for (const Client client : {Client::kPod, Client::kHost, Client::kOutside}) {
      ExplainedClient who{.address = ip("192.0.2.9"),
                          .on_this_node = client != Client::kOutside,
                          .is_this_node = client == Client::kHost};
      const auto explained = explain(made, slices, config, node, who);
      ModelSwitch sw;
      sw.commit(explained.pipeline);
      sw.commit(Balancer(config).start());
      for (const auto& frontend : explained.frontends) {
        std::set<Backend> chosen;
        for (const auto& each : frontend.endpoints)
          if (is_chosen(each.reason)) chosen.insert(each.backend);
        const Fate fate = Walk(sw.flows(), sw.groups())
                              .first_packet(client, who.address, frontend.frontend, config.dsr);
        EXPECT_EQ(frontend.refused_by_source, fate.endpoints.empty() && fate.unchanged.empty() &&
                                                  !fate.refused && !fate.no_service);
        if (frontend.refused_by_source) continue;
        auto reached = fate.endpoints;
        reached.insert(fate.unchanged.begin(), fate.unchanged.end());
        EXPECT_EQ(chosen, reached);
        EXPECT_TRUE(sw.groups().contains(frontend.group));
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace antrea::proxy
