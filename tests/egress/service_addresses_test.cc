// Addresses of Services of type LoadBalancer: who asks, who gets, and which Node has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/egress/allocator.h"
#include "antrea/egress/scheduler.h"
#include "antrea/egress/service_claims.h"
#include "tests/egress/objects.h"
#include "tests/egress/ring_oracle.h"

namespace antrea::egress {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

api::Service make_service(const std::string& name, const std::vector<std::string>& ips = {},
                          const std::string& pool = "pool") {
  api::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = name;
  service.metadata.creation_timestamp = "2026-01-01T00:00:00Z";
  if (!pool.empty()) service.metadata.annotations[std::string(kExternalIpPool)] = pool;
  service.type = api::ServiceType::kLoadBalancer;
  for (const auto& each : ips) service.load_balancer_ips.push_back(ip(each));
  return service;
}

api::EndpointSlice make_slice(const std::string& name, const std::string& service,
                              const std::vector<std::string>& nodes) {
  api::EndpointSlice slice;
  slice.metadata.namespace_ = "default";
  slice.metadata.name = name;
  slice.service_name = service;
  for (const auto& node : nodes) slice.endpoints.push_back({.node_name = node});
  return slice;
}

using Nodes = std::optional<std::set<std::string>>;

TEST(ServiceClaims, AreOfLoadBalancersThatNameAPool) {
  ServiceClaims claims;
  auto other = make_service("other", {"10.10.0.1"});
  other.type = api::ServiceType::kNodePort;
  EXPECT_THAT(claims.apply(other).changed, IsEmpty());
  EXPECT_THAT(claims.apply(make_service("cloud", {"10.10.0.1"}, "")).changed, IsEmpty());
  EXPECT_THAT(claims.apply(make_service("web")).changed, IsEmpty()) << "it has no address yet";
  const auto web = make_service("web", {"10.10.0.1"});
  const auto told = claims.apply(web).changed;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0],
            (ServiceClaim{"default/web", "2026-01-01T00:00:00Z", "pool", {{ip("10.10.0.1"), {}}}}));
  EXPECT_THAT(claims.apply(web).changed, IsEmpty()) << "nothing is said twice";
  // Its type changes, or its annotation, or it goes.
  auto changed = web;
  changed.type = api::ServiceType::kClusterIP;
  EXPECT_THAT(claims.apply(changed).removed, ElementsAre("default/web"));
  claims.apply(web);
  EXPECT_THAT(claims.apply(make_service("web", {"10.10.0.1"}, "")).removed,
              ElementsAre("default/web"));
  claims.apply(web);
  EXPECT_THAT(claims.remove_service({"default", "web"}).removed, ElementsAre("default/web"));
}

TEST(ServiceClaims, OfLocalServicesAreForNodesWithEndpoints) {
  ServiceClaims claims;
  claims.apply(make_slice("web-1", "web", {"node2"}));
  auto web = make_service("web", {"10.10.0.1"});
  EXPECT_EQ(claims.apply(web).changed.at(0).ips.at(0).nodes, Nodes());
  web.external_traffic_policy = api::TrafficPolicy::kLocal;
  EXPECT_EQ(claims.apply(web).changed.at(0).ips.at(0).nodes, Nodes({"node2"}));

  auto more = make_slice("web-2", "web", {"node1", "node3", "node4"});
  more.endpoints[1].ready = more.endpoints[1].serving = false;
  more.endpoints[2].ready = false;  // terminating, but it serves
  EXPECT_EQ(claims.apply(more).changed.at(0).ips.at(0).nodes, Nodes({"node1", "node2", "node4"}));
  auto v6 = make_slice("web-3", "web", {"node5"});
  v6.address_type = Family::kIPv6;
  EXPECT_THAT(claims.apply(v6).changed, IsEmpty()) << "of another family";
  EXPECT_THAT(claims.apply(make_slice("other", "db", {"node5"})).changed, IsEmpty());
  EXPECT_EQ(claims.remove_slice({"default", "web-1"}).changed.at(0).ips.at(0).nodes,
            Nodes({"node1", "node4"}));
  claims.remove_slice({"default", "web-2"});
  EXPECT_EQ(claims.claims().at({"default", "web"}).ips.at(0).nodes, Nodes(std::set<std::string>{}));
}

class ServicePlacement : public testing::Test {
 protected:
  ServicePlacement() {
    SchedulerInput input;
    for (const auto& name : names) input.nodes.push_back(make_node(name));
    input.pools = {make_pool("pool")};
    input.alive = names;
    scheduler.apply(input, TimePoint{});
  }
  void claim(const std::string& service, const std::string& address, Nodes nodes = {}) {
    SchedulerInput input;
    input.services = {{service, "2026-01-01T00:00:00Z", "pool", {{ip(address), std::move(nodes)}}}};
    scheduler.apply(input, TimePoint{});
  }
  const Placement& at(const std::string& service, const std::string& address) {
    return scheduler.placements().at({service, ip(address)});
  }
  std::set<std::string> names{"node1", "node2", "node3", "node4", "node5"};
  Scheduler scheduler{{.max_ips_per_node = 0}};
};

TEST_F(ServicePlacement, IsThatOfTheRingWithoutLimits) {
  const auto order = defined_order(names, "10.10.0.1");
  claim("default/web", "10.10.0.1");
  EXPECT_EQ(at("default/web", "10.10.0.1"), (Placement{"pool", order[0], order[1], Unowned::kNo}));
  // An Egress of that name is somebody else, and Egresses do have limits.
  SchedulerInput input;
  input.egresses = {make_egress("web", {"10.10.0.2"})};
  scheduler.apply(input, TimePoint{});
  EXPECT_EQ(at("web", "10.10.0.2").unowned, Unowned::kFull);
  SchedulerInput fails;
  fails.alive = names;
  fails.alive->erase(order[0]);
  scheduler.apply(fails, TimePoint{});
  EXPECT_EQ(at("default/web", "10.10.0.1").owner, order[1]);
  SchedulerInput gone;
  gone.removed_services = {"default/web"};
  scheduler.apply(gone, TimePoint{});
  EXPECT_FALSE(scheduler.placements().contains({"default/web", ip("10.10.0.1")}));
}

TEST_F(ServicePlacement, IsAtNodesOfTheClaimOnly) {
  const auto order = defined_order(names, "10.10.0.1");
  claim("default/web", "10.10.0.1", std::set{order[3], order[4]});
  EXPECT_EQ(at("default/web", "10.10.0.1").owner, order[3]);
  EXPECT_EQ(at("default/web", "10.10.0.1").standby, order[4]);
  claim("default/web", "10.10.0.1", std::set{order[4]});
  EXPECT_EQ(at("default/web", "10.10.0.1").owner, order[4]);
  EXPECT_EQ(at("default/web", "10.10.0.1").standby, "");
  claim("default/web", "10.10.0.1", std::set<std::string>{});
  EXPECT_EQ(at("default/web", "10.10.0.1").unowned, Unowned::kNoEndpoint);
  EXPECT_THAT(std::string(to_string(Unowned::kNoEndpoint)), HasSubstr("endpoint"));
}

TEST_F(ServicePlacement, OfASharedAddressIsOneNode) {
  claim("default/a", "10.10.0.1", std::set<std::string>{"node4"});
  claim("default/b", "10.10.0.1");
  EXPECT_EQ(at("default/a", "10.10.0.1").owner, "node4");
  EXPECT_EQ(at("default/b", "10.10.0.1").owner, "node4");
}

/// Services of an API server; what the allocator says is written into them, and told again.
class ServiceAllocation : public testing::Test {
 protected:
  ServiceAllocation() { put_pool("10.10.0.1", "10.10.0.2"); }

  void put_pool(const std::string& from, const std::string& to) {
    auto pool = make_pool("pool");
    pool.ranges = {{ip(from), ip(to), std::nullopt}};
    run({.pools = {pool}});
  }
  void put(const std::string& name, const std::string& wished = {}, bool shares = false,
           const std::string& pool = "pool") {
    ServiceRequest& request = services[name];
    request.service = {"default", name};
    request.created = "2026-01-01T00:00:00Z";
    request.pool = pool;
    request.wished = wished;
    request.shares = shares;
    run({.services = {request}});
  }
  void remove(const std::string& name) {
    services.erase(name);
    run({.removed_services = {{"default", name}}});
  }
  void run(AllocatorInput input) {
    for (int turn = 0; turn < 10; ++turn) {
      const auto output = allocator->apply(input);
      for (const auto& pool : output.pools) used = pool.usage.used;
      input = {};
      for (const auto& update : output.services) {
        auto& request = services.at(update.service.name);
        if (!update.why.empty()) why = update.why;
        std::vector<IpAddress> has;
        if (update.ip) has.push_back(*update.ip);
        if (has == request.has) continue;
        request.has = std::move(has);
        input.services.push_back(request);
      }
      if (input.services.empty()) return;
    }
    FAIL() << "it does not come to an end";
  }
  std::string of(const std::string& name) {
    const auto& has = services.at(name).has;
    return has.empty() ? "" : has.front().to_string();
  }

  std::unique_ptr<Allocator> allocator = std::make_unique<Allocator>();
  std::map<std::string, ServiceRequest> services;
  std::string why;  // last told
  std::int64_t used = 0;
};

TEST_F(ServiceAllocation, GivesTheLowestAndTakesItBack) {
  put("a");
  put("b");
  EXPECT_EQ(of("a"), "10.10.0.1");
  EXPECT_EQ(of("b"), "10.10.0.2");
  EXPECT_EQ(used, 2);
  put("c");
  EXPECT_EQ(of("c"), "");
  EXPECT_THAT(why, HasSubstr("pool"));
  put("a", "", false, "");  // the annotation goes, or the type changes
  EXPECT_EQ(of("a"), "");
  EXPECT_EQ(of("c"), "10.10.0.1") << "who waits gets what others give up";
  remove("b");
  EXPECT_EQ(used, 1);
}

TEST_F(ServiceAllocation, LeavesOthersAddressesAlone) {
  services["cloud"].has = {ip("203.0.113.1")};
  put("cloud", "", false, "");
  EXPECT_EQ(of("cloud"), "203.0.113.1");
}

TEST_F(ServiceAllocation, AWishIsMetOrNothingIs) {
  put("a", "10.10.0.2");
  EXPECT_EQ(of("a"), "10.10.0.2");
  put("b", "10.10.0.2");
  EXPECT_EQ(of("b"), "");
  EXPECT_THAT(why, HasSubstr("default/a")) << "it says who has it";
  put("c", "192.0.2.1");
  EXPECT_EQ(of("c"), "");
  put("c", "no address");
  EXPECT_EQ(of("c"), "");
  EXPECT_THAT(why, HasSubstr("no address"));
  put("a", "10.10.0.1");  // another wish: the first one is met for who waits
  EXPECT_EQ(of("a"), "10.10.0.1");
  EXPECT_EQ(of("b"), "10.10.0.2");
  put("a", "192.0.2.1");
  EXPECT_EQ(of("a"), "") << "not what it had before";
}

TEST_F(ServiceAllocation, ThoseWhoShareMayHaveOneAddress) {
  put("a", "10.10.0.1");
  put("b", "10.10.0.1", true);
  EXPECT_EQ(of("b"), "") << "all must say so";
  put("a", "10.10.0.1", true);
  EXPECT_EQ(of("a"), "10.10.0.1");
  EXPECT_EQ(of("b"), "10.10.0.1");
  EXPECT_EQ(used, 1);
  put("c", "10.10.0.1");
  EXPECT_EQ(of("c"), "");
  put("d", "", true);
  EXPECT_EQ(of("d"), "10.10.0.2") << "without a wish an own one";
  remove("a");
  EXPECT_EQ(of("b"), "10.10.0.1");
  EXPECT_EQ(used, 2);
  put("b", "10.10.0.1", false);
  EXPECT_EQ(of("b"), "10.10.0.1") << "alone it may stop sharing";
  remove("b");
  EXPECT_EQ(of("c"), "10.10.0.1");
}

TEST_F(ServiceAllocation, ARestartFindsWhatIsThere) {
  put("a");
  put("b");
  services["c"] = services["b"];  // two of one address, as a fault left them
  services["c"].service.name = "c";
  services["new"] = {{"default", "new"}, "2025-01-01T00:00:00Z", "pool", {}, false, {}};
  allocator = std::make_unique<Allocator>();
  AllocatorInput all;
  auto pool = make_pool("pool");
  pool.ranges = {{ip("10.10.0.1"), ip("10.10.0.9"), std::nullopt}};
  all.pools = {pool};
  for (const auto& [name, request] : services) all.services.push_back(request);
  run(all);
  EXPECT_EQ(of("a"), "10.10.0.1") << "though an older one has none yet";
  EXPECT_EQ(of("b"), "10.10.0.2");
  EXPECT_EQ(of("c"), "10.10.0.4");
  EXPECT_EQ(of("new"), "10.10.0.3");
}

TEST_F(ServiceAllocation, APoolThatGoesTakesItsAddresses) {
  put("a");
  put("b", "10.10.0.2");
  run({.removed_pools = {"pool"}});
  EXPECT_EQ(of("a"), "");
  EXPECT_EQ(of("b"), "");
  put_pool("10.10.0.2", "10.10.0.3");
  EXPECT_EQ(of("b"), "10.10.0.2");
  EXPECT_EQ(of("a"), "10.10.0.3");
}

TEST_F(ServiceAllocation, EgressesAndServicesDrawFromOnePool) {
  put("a");
  auto egress = make_egress("web", {"10.10.0.1"});
  const auto output = allocator->apply({.egresses = {egress}});
  ASSERT_EQ(output.egresses.size(), 1U);
  EXPECT_THAT(output.egresses[0].condition->message, HasSubstr("Service default/a"));
}

}  // namespace
}  // namespace antrea::egress
