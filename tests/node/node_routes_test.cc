#include "antrea/node/node_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace antrea::node {
namespace {

NodeConfig self() {
  NodeConfig out;
  out.name = "node-1";
  out.node_ips = {*IpAddress::parse("172.18.0.1")};
  out.pod_cidrs = {*IpPrefix::parse("10.10.1.0/24")};
  return out;
}
api::Node node(std::string name, std::string_view address, std::string_view cidr,
               std::string created = "2026-01-01") {
  api::Node out;
  out.metadata.name = std::move(name);
  out.metadata.creation_timestamp = std::move(created);
  if (!address.empty())
    out.internal_ips = {*IpAddress::parse("fd00::1"), *IpAddress::parse(address)};
  if (!cidr.empty()) out.pod_cidrs = {*IpPrefix::parse(cidr)};
  return out;
}

TEST(NodeRoutes, MakesPeersOfOtherNodes) {
  NodeRoutes routes(self());
  EXPECT_TRUE(routes.apply(node("node-1", "172.18.0.1", "10.10.1.0/24")).empty());
  EXPECT_TRUE(routes.apply(node("node-2", "", "10.10.2.0/24")).empty()) << "no address yet";
  EXPECT_TRUE(routes.apply(node("node-2", "172.18.0.2", "")).empty()) << "no Pod CIDR yet";
  const PeerNode peer{
      "node-2", *IpAddress::parse("172.18.0.2"), {*IpPrefix::parse("10.10.2.0/24")}};
  EXPECT_EQ(routes.apply(node("node-2", "172.18.0.2", "10.10.2.0/24")), (PeerChanges{{peer}, {}}));
  EXPECT_TRUE(routes.apply(node("node-2", "172.18.0.2", "10.10.2.0/24")).empty());
  EXPECT_EQ(routes.remove("node-2"), (PeerChanges{{}, {"node-2"}}));
  EXPECT_TRUE(routes.remove("node-2").empty());
}

TEST(NodeRoutes, TheOlderNodeKeepsADisputedRange) {
  std::vector<api::Node> nodes{node("old", "172.18.0.2", "10.10.2.0/24", "2026-01-01"),
                               node("new", "172.18.0.3", "10.10.2.0/24", "2026-02-01"),
                               node("thief", "172.18.0.4", "10.10.1.0/24")};
  std::ranges::sort(nodes, {}, [](const auto& n) { return n.metadata.name; });
  do {
    NodeRoutes routes(self());
    for (const auto& n : nodes) routes.apply(n);
    ASSERT_EQ(routes.peers().size(), 1U);
    EXPECT_EQ(routes.peers().begin()->first, "old");
    const auto change = routes.remove("old");
    EXPECT_EQ(change.removed, std::vector<std::string>{"old"});
    ASSERT_EQ(change.updated.size(), 1U);
    EXPECT_EQ(change.updated[0].name, "new");
  } while (std::ranges::next_permutation(nodes, {}, [](const auto& n) {
             return n.metadata.name;
           }).found);
}

TEST(NodeRoutes, ReplaceTellsTheDifference) {
  NodeRoutes routes(self());
  routes.apply(node("a", "172.18.0.2", "10.10.2.0/24"));
  routes.apply(node("b", "172.18.0.3", "10.10.3.0/24"));
  const auto change = routes.replace(
      {node("b", "172.18.0.9", "10.10.3.0/24"), node("c", "172.18.0.4", "10.10.2.0/24")});
  EXPECT_EQ(change.removed, std::vector<std::string>{"a"});
  ASSERT_EQ(change.updated.size(), 2U);
  EXPECT_EQ(change.updated[0].node_ip, *IpAddress::parse("172.18.0.9"));
  EXPECT_EQ(change.updated[1].pod_cidrs, std::vector{*IpPrefix::parse("10.10.2.0/24")});
}

}  // namespace
}  // namespace antrea::node
