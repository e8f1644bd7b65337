// Policies about Services, with real packets: those applied to NodePorts, wherever the endpoint is
// and however the client's address was translated on the way, and those with toServices. Who is to
// be kept out waits long enough to send its first packet again; who is to be let in, for as long as
// a busy machine may take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "antrea/lab/prober.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "tests/node/service_world.h"

namespace antrea::node {
namespace {

namespace cp = api::controlplane;
using antrea::lab::Outcome;
using antrea::lab::ProberOptions;
using LabProtocol = antrea::lab::Protocol;

constexpr std::uint16_t kPort = 8000, kPortOfNode = 30080, kTarget = 8080;

/// What the agent of a Node does with policies.
class PolicyAgent {
 public:
  explicit PolicyAgent(Node& node) : node_(node) {}
  void apply(std::vector<policy::RuleInput> inputs) {
    policy::ServiceGroups groups{{"default", "web"}, {}};
    for (const proxy::ServedFrontend& served : node_.balancer->served({"default", "web"})) {
      groups.groups.push_back(served.group.value);
      if (served.local_clients_group) groups.groups.push_back(served.local_clients_group->value);
    }
    inputs.emplace_back(std::move(groups));
    const auto rules = cache_.apply(inputs);
    ASSERT_TRUE(rules) << rules.error().to_string();
    node_.commit(compiler_.apply(*rules));
  }

 private:
  Node& node_;
  policy::RuleCache cache_;
  policy::FlowCompiler compiler_;
};

cp::NetworkPolicyRule rule(cp::RuleAction action, std::vector<const char*> clients, int index) {
  cp::NetworkPolicyRule rule;
  rule.direction = cp::Direction::kIn;
  rule.action = action;
  rule.priority = index;
  for (const char* client : clients) rule.peers.ip_blocks.push_back({*IpPrefix::parse(client), {}});
  return rule;
}

policy::PolicyUpserted at_web(std::vector<cp::NetworkPolicyRule> rules) {
  auto policy = std::make_shared<cp::NetworkPolicy>();
  policy->metadata.name = policy->metadata.uid = "p";
  policy->source_ref = {cp::PolicyType::kAntreaClusterNetworkPolicy, {}, "p", "p"};
  policy->tier_priority = 250;
  policy->priority = 5;
  policy->applied_to_groups = {"web"};
  policy->rules = std::move(rules);
  return policy;
}

policy::AppliedToGroupUpserted web() {
  auto group = std::make_shared<cp::AppliedToGroup>();
  group->metadata.name = "web";
  group->members.push_back({.kind = cp::MemberKind::kService, .key = {"default", "web"}});
  return group;
}

class ServicePolicies : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::can_switch())
      GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
    world_.emplace();
    for (const Pod* pod : {&world_->b, &world_->c})
      answering_.serve(*pod, {{kTarget, LabProtocol::kTcp}, {kTarget, LabProtocol::kUdp}});
    first_.emplace(world_->one);
    second_.emplace(world_->two);
  }

  void serve(const Pod& endpoint) {
    proxy::ServiceChanges changes;
    api::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = "web";
    service.type = api::ServiceType::kLoadBalancer;
    service.ip_families = {Family::kIPv4, Family::kIPv6};
    service.cluster_ips = {ip("10.96.0.10"), ip("fd96::10")};
    service.load_balancer_ips = {ip("203.0.113.1"), ip("fd20::1")};
    service.ports = {
        {.name = "tcp", .protocol = api::Protocol::kTcp, .port = kPort, .node_port = kPortOfNode},
        {.name = "udp", .protocol = api::Protocol::kUdp, .port = kPort, .node_port = kPortOfNode}};
    changes.services = {std::move(service)};
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      const bool v4 = family == Family::kIPv4;
      api::EndpointSlice slice;
      slice.metadata.namespace_ = "default";
      slice.metadata.name = v4 ? "v4" : "v6";
      slice.service_name = "web";
      slice.address_type = family;
      slice.ports = {{.name = "tcp", .protocol = api::Protocol::kTcp, .port = kTarget},
                     {.name = "udp", .protocol = api::Protocol::kUdp, .port = kTarget}};
      slice.endpoints.push_back({.addresses = {v4 ? endpoint.address() : endpoint.address_v6()},
                                 .node_name = &endpoint == &world_->c ? "node-2" : "node-1"});
      changes.slices.push_back(std::move(slice));
    }
    world_->apply(changes);
  }

  void apply(const std::vector<policy::RuleInput>& inputs) {
    first_->apply(inputs);
    second_->apply(inputs);
  }

  /// What gets an answer at this address, of both protocols: "TCP UDP", "" and so on.
  static std::string reach(const Namespace& from, const char* to, std::uint16_t port,
                           const ProberOptions& options = kPatient) {
    auto ns = antrea::lab::NetNamespace::open("/proc/" + std::to_string(from.pid()) + "/ns/net");
    EXPECT_TRUE(ns);
    std::vector<antrea::lab::ProbeRequest> requests;
    for (const auto protocol : {LabProtocol::kTcp, LabProtocol::kUdp})
      requests.push_back({.from = &*ns, .address = ip(to), .port = port, .protocol = protocol});
    const auto results = antrea::lab::probe(requests, options);
    std::string answered;
    if (results[0].outcome == Outcome::kAllowed) answered += "TCP";
    if (results[1].outcome == Outcome::kAllowed) answered += answered.empty() ? "UDP" : " UDP";
    return answered;
  }

  std::optional<ServiceWorld> world_;
  Answering answering_;
  std::optional<PolicyAgent> first_, second_;
};

TEST_F(ServicePolicies, AtNodePortsKeepOutWhoComesByThemAndNobodyElse) {
  for (const Pod* endpoint : {&world_->b, &world_->c}) {
    SCOPED_TRACE(endpoint->server_name);
    serve(*endpoint);
    apply({web(), at_web({rule(cp::RuleAction::kDrop, {"172.18.0.9/32", "fd18::9/128"}, 0)})});
    EXPECT_EQ(reach(world_->outside, "172.18.0.1", kPortOfNode, kBrief), "");
    EXPECT_EQ(reach(world_->outside, "fd18::1", kPortOfNode, kBrief), "");
    EXPECT_EQ(reach(world_->outside, "203.0.113.1", kPort), "TCP UDP") << "not by a NodePort";
    EXPECT_EQ(reach(world_->outside, "fd20::1", kPort), "TCP UDP") << "not by a NodePort";
    EXPECT_EQ(reach(world_->two.where, "172.18.0.1", kPortOfNode), "TCP UDP") << "another client";
    EXPECT_EQ(reach(world_->two.where, "fd18::1", kPortOfNode), "TCP UDP") << "another client";
    EXPECT_EQ(reach(world_->a.where, "10.96.0.10", kPort), "TCP UDP");
    apply({policy::PolicyDeleted{"p"}});
    EXPECT_EQ(reach(world_->outside, "172.18.0.1", kPortOfNode), "TCP UDP") << "no policy";
  }
}

TEST_F(ServicePolicies, AtNodePortsLetInOnlyWhomTheyName) {
  for (const Pod* endpoint : {&world_->b, &world_->c}) {
    SCOPED_TRACE(endpoint->server_name);
    serve(*endpoint);
    apply({web(), at_web({rule(cp::RuleAction::kAllow, {"172.18.0.8/31", "fd18::8/125"}, 0),
                          rule(cp::RuleAction::kDrop, {"0.0.0.0/0", "::/0"}, 1)})});
    for (const char* node : {"172.18.0.1", "fd18::1"}) {
      EXPECT_EQ(reach(world_->outside, node, kPortOfNode), "TCP UDP") << node;
      EXPECT_EQ(reach(world_->two.where, node, kPortOfNode, kBrief), "") << node;
      EXPECT_EQ(reach(world_->a.where, node, kPortOfNode, kBrief), "") << node;
    }
    EXPECT_EQ(reach(world_->two.where, "203.0.113.1", kPort), "TCP UDP") << "not by a NodePort";
    EXPECT_EQ(reach(world_->a.where, "10.96.0.10", kPort), "TCP UDP");
  }
}

TEST_F(ServicePolicies, KeepAPodFromAServiceButNotFromItsEndpoints) {
  cp::NetworkPolicyRule drop = rule(cp::RuleAction::kDrop, {}, 0);
  drop.direction = cp::Direction::kOut;
  drop.peers.to_services = {{"default", "web"}};
  auto group = std::make_shared<cp::AppliedToGroup>();
  group->metadata.name = "web";
  group->members.push_back({.kind = cp::MemberKind::kPod, .key = {"default", "pod-a"}});
  for (const Pod* endpoint : {&world_->b, &world_->c}) {
    SCOPED_TRACE(endpoint->server_name);
    serve(*endpoint);
    first_->apply({policy::AppliedToGroupUpserted(group), at_web({drop}),
                   policy::PodInterface{
                       {"default", "pod-a"}, world_->a.interface.ofport, world_->a.interface.ips}});
    for (const char* address : {"10.96.0.10", "fd96::10"})
      EXPECT_EQ(reach(world_->a.where, address, kPort, kBrief), "") << address;
    EXPECT_EQ(reach(world_->a.where, endpoint->address().to_string().c_str(), kTarget), "TCP UDP");
    EXPECT_EQ(reach(world_->d.where, "10.96.0.10", kPort), "TCP UDP") << "another Pod";
  }
}

}  // namespace
}  // namespace antrea::node
