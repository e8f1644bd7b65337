// Policies on Nodes as the host's packet filter: in a real kernel, with real packets.
#include "antrea/node/host_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/addresses.h"
#include "tests/node/lab.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using policy::NodeRule;
using policy::NodeRules;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

cp::Service port(cp::ServiceProtocol protocol, std::optional<std::int32_t> first,
                 std::optional<std::int32_t> last = {}) {
  cp::Service service;
  service.protocol = protocol;
  if (first) service.port = api::IntOrString{*first, {}};
  service.end_port = last;
  return service;
}

/// A Node with an address in two families, and somebody beside it.
class NodePolicy : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node_.emplace();
    other_.emplace();
    node_->run({"ip", "link", "add", "antrea-gw0", "type", "veth", "peer", "name", "eth0", "netns",
                std::to_string(other_->pid())});
    other_->run({"ip", "addr", "add", "192.0.2.2/24", "dev", "eth0"});
    other_->run({"ip", "addr", "add", "192.0.2.3/24", "dev", "eth0"});
    other_->run({"ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad"});
    other_->run({"ip", "link", "set", "eth0", "up"});
    node_->run({"ip", "link", "set", "antrea-gw0", "up"});
    // The gateway's addresses stand for the Node's; what else is there is not Antrea's to keep.
    base_.mtu = 1500;
    base_.addresses = {{ip("192.0.2.1"), 24}, {ip("2001:db8::1"), 64}};
    apply({});
    web_.emplace(*node_, "web", 80);
    web6_.emplace(*node_, "web", 81, Family::kIPv6);
    outside_.emplace(*other_, "outside", 80);
  }
  std::vector<HostOperation> apply(const NodeRules& rules) {
    HostState desired = base_;
    add_node_policies(rules, desired);
    std::vector<HostOperation> out;
    node_->enter([&] {
      auto host = HostNetwork::open();  // as a new process: it knows nothing
      ASSERT_TRUE(host) << host.error().to_string();
      auto done = host->apply(desired);
      ASSERT_TRUE(done) << done.error().to_string();
      out = *std::move(done);
    });
    return out;
  }
  bool enters(std::string_view from = "192.0.2.2", std::uint16_t to = 80) {
    const IpAddress source = ip(from);
    const bool v6 = source.is_v6();
    return !lab::ask(*other_, ip(v6 ? "2001:db8::1" : "192.0.2.1"), to, 700, &source).empty();
  }
  bool leaves() { return !lab::ask(*node_, ip("192.0.2.2"), 80, 700).empty(); }

  std::optional<lab::Namespace> node_, other_;
  std::optional<lab::Server> web_, web6_, outside_;
  HostState base_;
};

NodeRule rule(std::string key, cp::Direction direction, cp::RuleAction action,
              std::optional<std::vector<IpPrefix>> peers = {},
              std::optional<std::vector<cp::Service>> services = {}) {
  return {std::move(key), direction, action, std::move(peers), std::move(services), {}};
}
constexpr auto kIn = cp::Direction::kIn, kOut = cp::Direction::kOut;
constexpr auto kAllow = cp::RuleAction::kAllow, kDrop = cp::RuleAction::kDrop,
               kReject = cp::RuleAction::kReject;

TEST_F(NodePolicy, DecidesInItsOrder) {
  ASSERT_TRUE(enters());
  ASSERT_TRUE(enters("2001:db8::2", 81));
  ASSERT_TRUE(leaves());
  NodeRules rules;
  rules.rules = {rule("a", kIn, kAllow, {{cidr("192.0.2.3/32")}}),
                 rule("b", kIn, kDrop, {{cidr("192.0.2.0/24"), cidr("2001:db8::/32")}},
                      {{port(cp::ServiceProtocol::kTcp, 80, 90)}})};
  apply(rules);
  EXPECT_FALSE(enters("192.0.2.2"));
  EXPECT_TRUE(enters("192.0.2.3"));
  EXPECT_FALSE(enters("2001:db8::2", 81)) << "neighbours are found, connections are not made";
  EXPECT_TRUE(leaves()) << "its answers come in";

  rules.rules = {rule("c", kOut, kDrop)};
  apply(rules);
  EXPECT_FALSE(leaves());
  EXPECT_TRUE(enters()) << "its answers go out";
  EXPECT_TRUE(enters("2001:db8::2", 81));
  apply({});
  EXPECT_TRUE(leaves());
  EXPECT_THAT(node_->run({"nft", "list", "ruleset"}), Not(HasSubstr("antrea-policy")));
}

TEST_F(NodePolicy, RejectsAreHeardAtOnce) {
  NodeRules rules;
  rules.rules = {rule("a", kIn, kReject, {{cidr("192.0.2.2/32")}})};
  apply(rules);
  const auto begin = std::chrono::steady_clock::now();
  const IpAddress source = ip("192.0.2.2");
  EXPECT_EQ(lab::ask(*other_, ip("192.0.2.1"), 80, 20'000, &source), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_TRUE(enters("192.0.2.3"));
}

TEST_F(NodePolicy, IsFoundAgainAndChangedByElements) {
  NodeRules rules;
  auto logged = rule("0123456789abcdef", kIn, kDrop,
                     {{cidr("192.0.2.2/32"), cidr("198.51.100.0/24"), cidr("198.51.101.0/24")}},
                     {{port(cp::ServiceProtocol::kUdp, 53), port(cp::ServiceProtocol::kSctp, {}),
                       port(cp::ServiceProtocol::kTcp, 80)}});
  logged.log_prefix = "Antrea:I:Drop:why:";
  auto sourced =
      rule("fedcba9876543210/TCP", kOut, kReject, {}, {{port(cp::ServiceProtocol::kTcp, 1, 9)}});
  sourced.services->front().src_port = 1000;
  sourced.services->front().src_end_port = 2000;
  rules.rules = {logged, sourced,
                 rule("any", kOut, kDrop, {{cidr("0.0.0.0/0"), cidr("2001:db8:1::/48")}}),
                 rule("all", kIn, kAllow, {{cidr("0.0.0.0/0"), cidr("::/0")}})};
  EXPECT_THAT(apply(rules), SizeIs(1)) << "one transaction";
  EXPECT_THAT(apply(rules), IsEmpty()) << "a new process finds nothing to do";
  EXPECT_FALSE(enters("192.0.2.2"));
  EXPECT_TRUE(enters("192.0.2.3"));

  rules.rules[0].peers->push_back(cidr("192.0.2.3/32"));
  const auto more = apply(rules);
  ASSERT_THAT(more, SizeIs(1));
  EXPECT_EQ(std::get<NftTransaction>(more[0]).commands,
            "add element inet antrea-policy rule-0123456789abcdef-4 { 192.0.2.3 }\n");
  EXPECT_FALSE(enters("192.0.2.3"));

  // ICMP goes by other names in nft's listings: a new process writes it anew, and right.
  cp::Service echo;
  echo.protocol = cp::ServiceProtocol::kIcmp;
  echo.icmp_type = 8;
  rules.rules = {rule("ping", kIn, kDrop, {}, {{echo}})};
  apply(rules);
  EXPECT_THAT(node_->run({"nft", "list", "table", "inet", "antrea-policy"}),
              HasSubstr("icmp type echo-request drop"));
  EXPECT_TRUE(enters("192.0.2.2"));
}

// Until the rules are known, those of an earlier life stand.
TEST_F(NodePolicy, StaysWhileItIsNotKnown) {
  NodeRules rules;
  rules.rules = {rule("a", kIn, kDrop)};
  apply(rules);
  node_->enter([&] {
    auto host = HostNetwork::open();
    ASSERT_TRUE(host);
    const auto done = host->apply(base_);
    ASSERT_TRUE(done) << done.error().to_string();
    EXPECT_THAT(*done, IsEmpty());
  });
  EXPECT_FALSE(enters());
}

}  // namespace
}  // namespace antrea::node
