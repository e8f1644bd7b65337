// Addresses of load balancers that come to a Node: answered for in a real kernel, while the lease
// lasts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/node/egress_host.h"
#include "tests/node/kept_lease.h"
#include "tests/node/lab.h"
#include "tests/node/neighbour.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServiceAddress : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node.emplace();
    client.emplace();
    node->run({"ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(client->pid())});
    node->run({"ip", "link", "add", "antrea-gw0", "type", "veth", "peer", "name", "switch"});
    node->run({"ip", "addr", "add", "172.18.0.2/24", "dev", "uplink"});
    node->run({"ip", "addr", "add", "10.10.0.1/24", "dev", "antrea-gw0"});
    client->run({"ip", "addr", "add", "172.18.0.9/24", "dev", "eth0"});
    for (const char* const link : {"lo", "uplink", "antrea-gw0", "switch"})
      node->run({"ip", "link", "set", link, "up"});
    client->run({"ip", "link", "set", "eth0", "up"});
    node->run({"sysctl", "-qw", "net.ipv4.ip_forward=1"});
    // As `HostNetwork` leads what is for load balancers into the switch.
    node->run({"ip", "route", "add", "172.18.0.200", "dev", "antrea-gw0"});
    config.proxy_all = true;
    config.node_ips = {*IpAddress::parse("172.18.0.2")};
  }

  std::size_t apply(const std::set<IpAddress>& services) {
    std::size_t operations = 0;
    node->enter([&] {
      auto host = EgressHost::open();  // as a new process: it knows nothing
      ASSERT_TRUE(host) << host.error().to_string();
      const auto done = host->apply(desired_egress_host(config, "uplink", {.services = services}));
      ASSERT_TRUE(done) << done.error().to_string();
      operations = done->size();
    });
    return operations;
  }
  bool leased() {
    return node->run({"nft", "list", "set", "netdev", "antrea-egress", "lease"}).find("expires") !=
           std::string::npos;
  }
  /// Whether somebody tells the client a MAC for the address.
  bool answered(const std::string& address) { return neighbour_answers(*client, address); }
  std::string proxies() { return node->run({"ip", "neighbour", "show", "proxy"}); }

  NodeConfig config;
  const IpAddress address = *IpAddress::parse("172.18.0.200");
  std::optional<lab::Namespace> node, client;
  std::optional<KeptLease> lease;
};

TEST_F(ServiceAddress, IsAnsweredForWhileTheLeaseLasts) {
  node->run({"ip", "neighbour", "add", "proxy", "172.18.0.77", "dev", "uplink"});
  apply({});
  EXPECT_FALSE(answered("172.18.0.200")) << "not yet this Node's";
  EXPECT_GT(apply({address}), 0U);
  EXPECT_EQ(apply({address}), 0U) << "a new process finds nothing to do";
  EXPECT_THAT(proxies(), HasSubstr("172.18.0.200"));
  EXPECT_THAT(node->run({"ip", "address"}), Not(HasSubstr("172.18.0.200"))) << "on no device";
  EXPECT_FALSE(answered("172.18.0.200")) << "without a lease";
  lease.emplace(*node);
  ASSERT_TRUE(lab::eventually([&] { return leased(); }));
  EXPECT_TRUE(answered("172.18.0.200"));
  EXPECT_TRUE(answered("172.18.0.2"));

  lease.reset();
  ASSERT_TRUE(lab::eventually([&] { return !leased(); }));
  EXPECT_FALSE(answered("172.18.0.200")) << "the lease has lapsed";
  EXPECT_TRUE(answered("172.18.0.2")) << "the Node itself is never fenced";
  EXPECT_GT(apply({}), 0U);
  EXPECT_THAT(proxies(), Not(HasSubstr("172.18.0.200")));
  EXPECT_THAT(proxies(), HasSubstr("172.18.0.77")) << "another's business";
}

// The kernel forgets for whom it answers when a device goes down.
TEST_F(ServiceAddress, IsAnsweredForAgainOnceTheDeviceIsBack) {
  apply({address});
  lease.emplace(*node);
  ASSERT_TRUE(lab::eventually([&] { return leased(); }));
  EXPECT_TRUE(answered("172.18.0.200"));
  node->run({"ip", "link", "set", "uplink", "down"});
  EXPECT_THAT(proxies(), Not(HasSubstr("172.18.0.200")));
  node->run({"ip", "link", "set", "uplink", "up"});
  EXPECT_GT(apply({address}), 0U) << "found missing, as at the next look at the host";
  EXPECT_TRUE(answered("172.18.0.200"));
  EXPECT_EQ(apply({address}), 0U);
}

// No route leads it into the switch: kube-proxy translates what comes in for it, for which a rule
// of nftables stands, and what it does not translate is lost.
TEST_F(ServiceAddress, IsAnsweredForBesideKubeProxy) {
  node->run({"ip", "route", "del", "172.18.0.200"});
  const lab::Server server(*node, "endpoint", 80);
  node->run({"nft",
             "add table ip kube-proxy { chain services { type nat hook prerouting priority dstnat; "
             "ip daddr 172.18.0.200 tcp dport 8000 dnat to 172.18.0.2:80; }; }"});
  lease.emplace(*node);
  apply({address});
  EXPECT_FALSE(answered("172.18.0.200")) << "the kernel takes it for one of the uplink's network";

  config.proxy_all = false;
  EXPECT_GT(apply({address}), 0U);
  EXPECT_EQ(apply({address}), 0U);
  ASSERT_TRUE(lab::eventually([&] { return leased(); }));
  EXPECT_TRUE(answered("172.18.0.200"));
  EXPECT_THAT(node->run({"ip", "address"}), Not(HasSubstr("172.18.0.200"))) << "on no device";
  EXPECT_THAT(node->run({"ip", "route", "get", "172.18.0.200"}),
              HasSubstr("dev antrea-egress0 src 172.18.0.2"));
  EXPECT_THAT(lab::ask(*client, address, 8000), HasSubstr("endpoint"));
  EXPECT_EQ(lab::ask(*client, address, 80, 300), "");

  EXPECT_GT(apply({}), 0U);
  EXPECT_THAT(node->run({"ip", "route"}), Not(HasSubstr("172.18.0.200")));
  EXPECT_FALSE(answered("172.18.0.200"));
}

// A Node that stops or begins to serve for kube-proxy as well.
TEST_F(ServiceAddress, GoesFromOneProxyToTheOther) {
  lease.emplace(*node);
  config.proxy_all = false;
  apply({address});
  EXPECT_THAT(node->run({"ip", "route"}), HasSubstr("172.18.0.200 dev antrea-egress0"));
  config.proxy_all = true;
  node->run({"ip", "route", "replace", "172.18.0.200", "dev", "antrea-gw0"});
  apply({address});
  EXPECT_THAT(node->run({"ip", "route"}), HasSubstr("172.18.0.200 dev antrea-gw0"));
  ASSERT_TRUE(lab::eventually([&] { return leased(); }));
  EXPECT_TRUE(answered("172.18.0.200"));
}

TEST(ServiceAddressPlan, TheFenceStandsBeforeTheAnswer) {
  NodeConfig config;
  const auto plan = [&](bool comes) {
    const auto without = desired_egress_host(config, "uplink");
    const auto with =
        desired_egress_host(config, "uplink", {.services = {*IpAddress::parse("172.18.0.200")}});
    std::vector<std::string> texts;
    for (const auto& operation :
         comes ? plan_egress_host(with, without) : plan_egress_host(without, with))
      texts.push_back(describe(operation));
    return texts;
  };
  const std::string delay = "sysctl net/ipv4/neigh/uplink/proxy_delay = 0";
  const std::string answer = "answer for 172.18.0.200", no_more = "answer no more for 172.18.0.200";
  EXPECT_THAT(plan(true), testing::ElementsAre(delay, HasSubstr("nft transaction"),
                                               "route 172.18.0.200 to antrea-egress0", answer));
  EXPECT_THAT(plan(false), testing::ElementsAre(no_more, "no route to 172.18.0.200",
                                                HasSubstr("nft transaction")));
  config.proxy_all = true;
  EXPECT_THAT(plan(true), testing::ElementsAre(delay, HasSubstr("nft transaction"), answer));
  EXPECT_THAT(plan(false), testing::ElementsAre(no_more, HasSubstr("nft transaction")));
}

}  // namespace
}  // namespace antrea::node
