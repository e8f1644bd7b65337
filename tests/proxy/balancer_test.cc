#include "antrea/proxy/balancer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "model_switch.h"
#include "objects.h"

namespace antrea::proxy {
namespace {

using api::Protocol;
using api::pipeline::Table;
using Reach = std::optional<std::set<Backend>>;

class BalancerTest : public testing::Test {
 protected:
  BalancerTest() {
    sw.commit(balancer.start());
    NodeFacts facts;
    facts.zone = "z1";
    sw.commit(balancer.set_node(facts));
  }
  template <typename... T>
  void apply(const T&... objects) {
    (sw.commit(balancer.apply(objects)), ...);
  }
  Reach reach(std::string_view address, std::uint16_t port = 80,
              Protocol protocol = Protocol::kTcp) {
    return sw.reach({ip(address), port, protocol});
  }
  std::size_t count(Table table) {
    std::size_t n = 0;
    for (const auto& [key, flow] : sw.flows())
      n += key.table.value == static_cast<std::uint8_t>(table);
    return n;
  }

  Balancer balancer{{.node_name = "here"}};
  ModelSwitch sw;
};

TEST_F(BalancerTest, LeadsAClusterIpToItsEndpoints) {
  apply(service("web", {"10.96.0.10"}),
        slice("web", {endpoint("10.10.0.2"), endpoint("10.10.1.2")}));
  EXPECT_EQ(reach("10.96.0.10"),
            (std::set<Backend>{{ip("10.10.0.2"), 8080}, {ip("10.10.1.2"), 8080}}));
  EXPECT_EQ(reach("10.96.0.10", 81), Reach());
  EXPECT_EQ(reach("10.96.0.10", 80, Protocol::kUdp), Reach());
  EXPECT_EQ(reach("10.96.0.11"), Reach());
  EXPECT_EQ(balancer.service_count(), 1U);
  EXPECT_EQ(balancer.endpoint_count(Family::kIPv4), 2U);
}

TEST_F(BalancerTest, SlicesMayComeFirst) {
  apply(slice("web", {endpoint("10.10.0.2")}));
  EXPECT_EQ(balancer.service_count(), 0U);
  apply(service("web", {"10.96.0.10"}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
}

TEST_F(BalancerTest, TellsProtocolsOnOnePortApart) {
  auto dns = service("dns", {"10.96.0.10"}, 53);
  dns.ports = {{.name = "dns", .protocol = Protocol::kUdp, .port = 53},
               {.name = "dns-tcp", .protocol = Protocol::kTcp, .port = 53},
               {.name = "sctp", .protocol = Protocol::kSctp, .port = 53}};
  auto endpoints = slice("dns", {endpoint("10.10.0.2")});
  endpoints.ports = {{.name = "dns", .protocol = Protocol::kUdp, .port = 5353},
                     {.name = "dns-tcp", .protocol = Protocol::kTcp, .port = 5354},
                     {.name = "sctp", .protocol = Protocol::kSctp, .port = 5355}};
  apply(dns, endpoints);
  EXPECT_EQ(reach("10.96.0.10", 53, Protocol::kUdp), (std::set<Backend>{{ip("10.10.0.2"), 5353}}));
  EXPECT_EQ(reach("10.96.0.10", 53, Protocol::kTcp), (std::set<Backend>{{ip("10.10.0.2"), 5354}}));
  EXPECT_EQ(reach("10.96.0.10", 53, Protocol::kSctp), (std::set<Backend>{{ip("10.10.0.2"), 5355}}));
}

TEST_F(BalancerTest, KeepsFamiliesApart) {
  auto v6 = slice("web", {endpoint("fd00:10::2")}, 8080, Protocol::kTcp, "-6");
  apply(service("web", {"10.96.0.10", "fd00:96::10"}), slice("web", {endpoint("10.10.0.2")}), v6);
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  EXPECT_EQ(reach("fd00:96::10"), (std::set<Backend>{{ip("fd00:10::2"), 8080}}));
}

// The API does not forbid it.
TEST_F(BalancerTest, AnAddressThatASliceListsTwiceIsOneEndpoint) {
  apply(service("web", {"10.96.0.10"}));
  apply(slice("web", {endpoint("10.10.0.9")}, 8080, Protocol::kTcp, "-2"));
  auto gone = endpoint("10.10.0.2");
  gone.ready = gone.serving = false;
  const auto reached = [&] { return reach("10.96.0.10")->size(); };
  apply(slice("web", {gone}));
  EXPECT_EQ(reached(), 1U);
  apply(slice("web", {endpoint("10.10.0.2"), gone}));
  EXPECT_EQ(reached(), 2U);
  apply(slice("web", {gone, endpoint("10.10.0.2"), gone}));
  EXPECT_EQ(reached(), 2U);
  apply(slice("web", {gone}));
  EXPECT_EQ(reached(), 1U);
  apply(slice("web", {}));
  EXPECT_EQ(reached(), 1U);
}

TEST_F(BalancerTest, AnEndpointIsItsFirstAddressAtAPortWithANumber) {
  auto endpoints = slice("web", {endpoint("10.10.0.2")});
  endpoints.endpoints[0].addresses.push_back(ip("10.10.0.3"));
  apply(service("web", {"10.96.0.10"}), endpoints);
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  for (const std::optional<std::int32_t> port : {std::optional<std::int32_t>(), {0}}) {
    endpoints.ports[0].port = port;
    apply(endpoints);
    EXPECT_EQ(reach("10.96.0.10"), std::set<Backend>()) << "refused";
  }
}

TEST_F(BalancerTest, WithoutEndpointsRefuses) {
  apply(service("web", {"10.96.0.10"}));
  EXPECT_EQ(reach("10.96.0.10"), std::set<Backend>());
  ASSERT_EQ(sw.groups().size(), 1U);
  ASSERT_EQ(sw.groups().begin()->second.buckets.size(), 1U);
  const auto& actions = sw.groups().begin()->second.buckets.front().actions;
  const auto* mark = std::get_if<openflow::SetField>(&actions.front());
  ASSERT_NE(mark, nullptr);
  EXPECT_EQ(mark->field, openflow::FieldId::kReg0);
  EXPECT_EQ(mark->mask.lo, 1U << 14);
}

TEST_F(BalancerTest, PrefersReadyThenServingTerminating) {
  auto leaving = endpoint("10.10.0.3");
  leaving.ready = false;
  leaving.terminating = true;
  auto broken = endpoint("10.10.0.4");
  broken.ready = broken.serving = false;
  broken.terminating = true;
  auto starting = endpoint("10.10.0.5");
  starting.ready = starting.serving = false;
  apply(service("web", {"10.96.0.10"}),
        slice("web", {endpoint("10.10.0.2"), leaving, broken, starting}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  apply(slice("web", {leaving, broken, starting}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.3"), 8080}}));
  apply(slice("web", {broken, starting}));
  EXPECT_EQ(reach("10.96.0.10"), std::set<Backend>());
}

TEST_F(BalancerTest, InternalTrafficPolicyLocalStaysOnTheNode) {
  auto local = service("web", {"10.96.0.10"});
  local.internal_traffic_policy = api::TrafficPolicy::kLocal;
  apply(local, slice("web", {endpoint("10.10.0.2", "here"), endpoint("10.10.1.2")}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  apply(slice("web", {endpoint("10.10.1.2")}));
  EXPECT_EQ(reach("10.96.0.10"), std::set<Backend>()) << "no fallback to other Nodes";
  apply(service("web", {"10.96.0.10"}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.1.2"), 8080}}));
}

TEST_F(BalancerTest, FollowsZoneHintsOnlyWhenAllEndpointsHaveThem) {
  auto near = endpoint("10.10.0.2");
  near.hint_zones = {"z1"};
  auto far = endpoint("10.10.1.2");
  far.hint_zones = {"z2"};
  apply(service("web", {"10.96.0.10"}), slice("web", {near, far}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  apply(slice("web", {near, far, endpoint("10.10.2.2")}));
  EXPECT_EQ(reach("10.96.0.10")->size(), 3U);
}

TEST_F(BalancerTest, LeavesHeadlessAndForeignServicesAlone) {
  auto headless = service("a", {});
  headless.headless = true;
  auto external = service("b", {"10.96.0.11"});
  external.type = api::ServiceType::kExternalName;
  auto foreign = service("c", {"10.96.0.12"});
  foreign.metadata.labels["service.kubernetes.io/service-proxy-name"] = "other";
  auto labelled = service("d", {"10.96.0.13"});
  labelled.metadata.labels["service.kubernetes.io/headless"] = "";
  const auto before = sw;
  apply(headless, external, foreign, labelled, slice("c", {endpoint("10.10.0.2")}));
  EXPECT_EQ(sw, before);
  // What was served and becomes one of them goes.
  apply(service("c", {"10.96.0.12"}));
  EXPECT_NE(reach("10.96.0.12"), Reach());
  apply(foreign);
  EXPECT_EQ(sw, before);
}

TEST_F(BalancerTest, SharesEndpointFlows) {
  apply(service("a", {"10.96.0.10"}), service("b", {"10.96.0.11"}),
        slice("a", {endpoint("10.10.0.2")}), slice("b", {endpoint("10.10.0.2")}));
  EXPECT_EQ(count(Table::kEndpointDnat), 3U);  // it, and the two that are always there
  sw.commit(balancer.remove_service({"default", "a"}));
  EXPECT_EQ(reach("10.96.0.11"), (std::set<Backend>{{ip("10.10.0.2"), 8080}}));
  sw.commit(balancer.remove_slice({"default", "b-1"}));
  EXPECT_EQ(count(Table::kEndpointDnat), 2U);
}

TEST_F(BalancerTest, SessionAffinityLearns) {
  auto sticky = service("web", {"10.96.0.10"}, 53, Protocol::kUdp);
  sticky.session_affinity_client_ip = true;
  sticky.session_affinity_timeout_seconds = 86400;
  apply(sticky, slice("web", {endpoint("10.10.0.2")}, 53, Protocol::kUdp));
  ASSERT_EQ(count(Table::kServiceLb), 4U) << "choose, learn; the endpoint stays; choose again";
  const openflow::Learn* learn = nullptr;
  for (const auto& [key, flow] : sw.flows())
    for (const auto& action : flow.apply_actions)
      if (const auto* found = std::get_if<openflow::Learn>(&action)) learn = found;
  ASSERT_NE(learn, nullptr);
  EXPECT_EQ(learn->hard_timeout, 65535) << "the longest a flow can have";
  EXPECT_TRUE(learn->delete_learned);
  const std::uint64_t cookie = learn->cookie;
  // The bucket returns to ServiceLB, where the client is remembered.
  const auto* back =
      std::get_if<openflow::Resubmit>(&sw.groups().begin()->second.buckets.front().actions.back());
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->table.value, static_cast<std::uint8_t>(Table::kServiceLb));

  sticky.session_affinity_timeout_seconds = 10;
  const auto change = balancer.apply(sticky).pipeline;
  ASSERT_EQ(change.flows.size(), 1U) << "only the flow with the timeout";
  EXPECT_TRUE(change.groups.empty());
  const auto& shorter = std::get<openflow::Learn>(change.flows.front().apply_actions.front());
  EXPECT_EQ(shorter.hard_timeout, 10);
  EXPECT_NE(shorter.cookie, cookie) << "clients would be kept for as long as before";
  sticky.session_affinity_client_ip = false;
  sw.commit(change);
  apply(sticky);
  EXPECT_EQ(count(Table::kServiceLb), 2U);
}

// Its flow of EndpointDNAT stays, as another Service has the endpoint.
TEST_F(BalancerTest, WhoIsRememberedForAnEndpointThatLeftIsLedElsewhere) {
  const Backend stays{ip("10.10.0.2"), 8080}, leaves{ip("10.10.0.3"), 8080};
  auto sticky = service("web", {"10.96.0.10"});
  sticky.session_affinity_client_ip = true;
  const auto both = slice("web", {endpoint("10.10.0.2"), endpoint("10.10.0.3")});
  apply(sticky, both, service("other", {"10.96.0.11"}),
        slice("other", {endpoint("10.10.0.2"), endpoint("10.10.0.3")}));
  const auto come = [&](std::string_view client, const Backend& chosen) {
    Walk walk(sw.flows(), sw.groups());
    const auto ends =
        walk.knowing(sw.learned())
            .first_packet(Client::kPod, ip(client), {ip("10.96.0.10"), 80, Protocol::kTcp}, false)
            .endpoints;
    if (walk.learned().contains(chosen)) sw.learn(walk.learned().at(chosen));
    return ends;
  };
  for (const auto& [client, chosen] : {std::pair("10.10.0.77", leaves), {"10.10.0.78", stays}}) {
    EXPECT_EQ(come(client, chosen), (std::set<Backend>{stays, leaves}));
    EXPECT_EQ(come(client, chosen), std::set<Backend>{chosen});
  }
  const auto change = balancer.apply(slice("web", {endpoint("10.10.0.2")})).pipeline;
  EXPECT_EQ(change.remove_flows.size(), 1U) << "that the Service has it";
  EXPECT_EQ(change.groups.size(), 1U);
  EXPECT_TRUE(change.flows.empty());
  sw.commit(change);
  EXPECT_EQ(come("10.10.0.77", stays), std::set<Backend>{stays});
  EXPECT_EQ(come("10.10.0.78", stays), std::set<Backend>{stays});
  EXPECT_EQ(reach("10.96.0.11"), (std::set<Backend>{stays, leaves}));
  apply(both);
  EXPECT_EQ(come("10.10.0.77", stays), std::set<Backend>{stays}) << "it has been there since";

  // Without affinity nobody has to look.
  const auto flows = count(Table::kServiceLb);
  sticky.session_affinity_client_ip = false;
  apply(sticky);
  EXPECT_EQ(count(Table::kServiceLb), flows - 3) << "two endpoints, and what learns";
}

// Names of one hash: the one that sorts first takes the other's number, and leaves it again.
TEST_F(BalancerTest, WhatAGroupHasGoesWithItsNumber) {
  const auto sticky = [](const char* name, const char* address) {
    auto made = service(name, {address});
    made.session_affinity_client_ip = true;
    return made;
  };
  const auto loses = sticky("s56133", "10.96.0.10"), takes = sticky("s133782", "10.96.0.11");
  apply(loses, slice("s56133", {endpoint("10.10.0.2"), endpoint("10.10.0.3")}));
  const auto alone = sw;
  apply(takes, slice("s133782", {endpoint("10.10.0.3")}));
  EXPECT_NE(balancer.served({"default", "s56133"})[0].group,
            balancer.served({"default", "s133782"})[0].group);
  EXPECT_EQ(balancer.served({"default", "s133782"})[0].group, alone.groups().begin()->first);
  apply(slice("s56133", {endpoint("10.10.0.3")}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.3"), 8080}}));
  EXPECT_EQ(count(Table::kServiceLb), 2 * 3U + 1);
  apply(slice("s56133", {endpoint("10.10.0.2"), endpoint("10.10.0.3")}));
  sw.commit(balancer.remove_slice({"default", "s133782-1"}));
  sw.commit(balancer.remove_service({"default", "s133782"}));
  EXPECT_TRUE(sw == alone);
}

TEST_F(BalancerTest, RepeatedInputChangesNothing) {
  const auto web = service("web", {"10.96.0.10"});
  const auto endpoints = slice("web", {endpoint("10.10.0.2")});
  apply(web, endpoints);
  EXPECT_TRUE(balancer.apply(web).empty());
  EXPECT_TRUE(balancer.apply(endpoints).empty());
  EXPECT_TRUE(balancer.remove_service({"default", "other"}).empty());
  EXPECT_TRUE(balancer.remove_slice({"default", "other"}).empty());
}

TEST_F(BalancerTest, ChangingOneEndpointChangesOneGroup) {
  apply(service("a", {"10.96.0.10"}), service("b", {"10.96.0.11"}),
        slice("b", {endpoint("10.10.0.9")}),
        slice("a", {endpoint("10.10.0.2"), endpoint("10.10.0.3"), endpoint("10.10.0.4")}));
  const auto before = sw;
  const auto change =
      balancer.apply(slice("a", {endpoint("10.10.0.2"), endpoint("10.10.0.4")})).pipeline;
  EXPECT_EQ(change.groups.size(), 1U);
  EXPECT_EQ(change.flows.size(), 0U);
  EXPECT_EQ(change.remove_flows.size(), 1U);
  // The buckets of the others keep their numbers.
  const auto& old = before.groups().at(change.groups.front().id).buckets;
  for (const auto& bucket : change.groups.front().buckets)
    EXPECT_THAT(old, testing::Contains(bucket));
}

TEST_F(BalancerTest, AServiceMayTakeOverAnAddress) {
  apply(service("b-new", {"10.96.0.10"}), slice("b-new", {endpoint("10.10.0.3")}),
        service("a-old", {"10.96.0.10"}), slice("a-old", {endpoint("10.10.0.2")}));
  sw.commit(balancer.remove_service({"default", "a-old"}));
  EXPECT_EQ(reach("10.96.0.10"), (std::set<Backend>{{ip("10.10.0.3"), 8080}}));
}

TEST_F(BalancerTest, TellsWhatItServes) {
  apply(service("web", {"10.96.0.10"}), slice("web", {endpoint("10.10.0.2")}));
  const auto served = balancer.served({"default", "web"});
  ASSERT_EQ(served.size(), 1U);
  EXPECT_EQ(served[0].frontend, (Frontend{ip("10.96.0.10"), 80, Protocol::kTcp}));
  EXPECT_EQ(served[0].group, sw.groups().begin()->first);
  EXPECT_EQ(served[0].backends, (std::vector<Backend>{{ip("10.10.0.2"), 8080}}));
}

// Whatever their number: packets of several connections must not share a cached choice, which would
// outlive the endpoint for a moment. Equal weights make equal shares.
TEST_F(BalancerTest, EachConnectionIsHashedByItself) {
  apply(service("web", {"10.96.0.10", "fd00:96::10"}));
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    for (const unsigned count : {1U, 2U, 16U, 17U, 128U}) {
      auto all = slice("web", {});
      all.address_type = family;
      for (unsigned i = 1; i <= count; ++i)
        all.endpoints.push_back(
            endpoint((family == Family::kIPv4 ? "10.10.0." : "fd00:10::") + std::to_string(i)));
      apply(all);
      const auto served = balancer.served({"default", "web"});
      const auto of_family = std::ranges::find(
          served, family, [](const auto& each) { return each.frontend.ip.family(); });
      const auto& group = sw.groups().at(of_family->group);
      EXPECT_EQ(group.buckets.size(), count);
      ASSERT_TRUE(group.selection) << count;
      EXPECT_EQ(group.selection->method, "hash");
      EXPECT_EQ(group.selection->fields.size(), 4U) << "both addresses and ports";
      for (const auto& bucket : group.buckets)
        EXPECT_EQ(bucket.weight, group.buckets.front().weight);
    }
}

}  // namespace
}  // namespace antrea::proxy
