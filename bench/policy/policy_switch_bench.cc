// One policy's change on a Node whose switch holds 10,000 policy flows: from what the controller
// says to what the switch has acknowledged, beside ovs-ofctl --bundle with the flows that came
// alone; and what a policy flow costs the agent's memory, all engines and the switch's desired
// state together.
#include <malloc.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "antrea/openflow/switch.h"
#include "antrea/openflow/text.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "tests/ovs/fixture.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
using Clock = std::chrono::steady_clock;
using antrea::testing::in;
using antrea::testing::run;

constexpr unsigned kPolicies = 100, kPeers = 100, kPods = 20, kChanges = 500, kPeerRuns = 100;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double allocated() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

void print(const char* what, std::vector<double> times) {
  std::ranges::sort(times);
  std::printf("%-52s p50 %6.2f ms  p99 %6.2f ms\n", what, times[times.size() / 2],
              times[times.size() * 99 / 100]);
}

std::string name(const char* kind, unsigned number) { return kind + std::to_string(number); }

/// Ingress on all local Pods from a hundred addresses of its own; `port` is what changes.
PolicyUpserted policy(unsigned number, int port) {
  auto policy = std::make_shared<cp::NetworkPolicy>();
  policy->metadata.name = policy->metadata.uid = name("policy-", number);
  policy->source_ref = {cp::PolicyType::kAntreaClusterNetworkPolicy,
                        {},
                        policy->metadata.name,
                        policy->metadata.name};
  policy->tier_priority = 250;
  policy->priority = 1 + number;
  policy->applied_to_groups = {"pods"};
  cp::NetworkPolicyRule& rule = policy->rules.emplace_back();
  rule.action = cp::RuleAction::kAllow;
  rule.priority = 0;
  rule.peers.address_groups = {name("peers-", number)};
  rule.services = {{.protocol = cp::ServiceProtocol::kTcp, .port = api::IntOrString{port, {}}}};
  return policy;
}

std::vector<RuleInput> everything() {
  std::vector<RuleInput> inputs;
  auto pods = std::make_shared<cp::AppliedToGroup>();
  pods->metadata.name = "pods";
  for (unsigned i = 0; i < kPods; ++i) {
    const api::ObjectKey key{"default", name("pod-", i)};
    pods->members.push_back({cp::MemberKind::kPod, key, {}, {}});
    inputs.push_back(PodInterface{key, i + 10, {IpAddress::v4(0x0a0a0000 + i)}});
  }
  inputs.push_back(std::shared_ptr<const cp::AppliedToGroup>(pods));
  for (unsigned number = 0; number < kPolicies; ++number) {
    auto peers = std::make_shared<cp::AddressGroup>();
    peers->metadata.name = name("peers-", number);
    for (unsigned i = 0; i < kPeers; ++i)
      peers->members.push_back({cp::MemberKind::kPod,
                                {"default", name("peer-", number * kPeers + i)},
                                {IpAddress::v4(0x0b000000 + number * kPeers + i)},
                                {}});
    inputs.push_back(std::shared_ptr<const cp::AddressGroup>(peers));
    inputs.push_back(policy(number, 80));
  }
  return inputs;
}

int measure() {
  if (!antrea::testing::enter_private_network()) return 1;
  antrea::testing::OpenVSwitch ovs;
  ovs.start_switch();
  if (!ovs.add_bridge()) return 1;
  boost::asio::io_context io(1);
  openflow::SwitchOptions options;
  options.connection.remote = "unix:" + ovs.bridge_socket();
  openflow::Switch the_switch(io.get_executor(), options);
  boost::asio::co_spawn(io, the_switch.run(), [](std::exception_ptr) {});
  the_switch.sync();
  if (!run(io, the_switch.wait_synced(in(std::chrono::seconds(10))))) return 1;

  RuleCache rules;
  FlowCompiler flows({.ipv6 = false});
  const auto apply = [&](std::span<const RuleInput> inputs) {
    return flows.apply(*rules.apply(inputs));
  };
  {
    const auto inputs = everything();
    const double before = allocated();
    if (!run(io, the_switch.commit(apply(inputs)))) return 1;
    const double held = allocated() - before;
    const double count = static_cast<double>(flows.counts().flows);
    std::printf("%.0f policy flows in the switch, %.0f bytes of the agent's memory each\n", count,
                held / count);
  }

  std::vector<double> acknowledged, by_ofctl;
  for (unsigned i = 0; i < kChanges; ++i) {
    const RuleInput changed = policy(i % kPolicies, 1000 + static_cast<int>(i));
    const auto start = Clock::now();
    auto changes = apply({&changed, 1});
    const auto copy = changes.flows;
    if (copy.empty() || !run(io, the_switch.commit(std::move(changes)))) return 1;
    acknowledged.push_back(ms_since(start));
    if (i >= kPeerRuns) continue;
    const std::string file = ovs.dir() / "flows";
    std::ofstream text(file);
    for (const auto& flow : copy) text << openflow::to_string(flow) << "\n";
    text.close();
    const auto peer_start = Clock::now();
    if (antrea::testing::run_command({"ovs-ofctl", "-OOpenFlow15", "--bundle", "add-flows",
                                      "unix:" + ovs.bridge_socket(), file}) != 0)
      return 1;
    by_ofctl.push_back(ms_since(peer_start));
  }
  print("one policy changed, acknowledged by the switch", acknowledged);
  print("its new flows by ovs-ofctl --bundle (a process)", by_ofctl);
  the_switch.stop();
  io.restart();
  io.run();
  return 0;
}

}  // namespace
}  // namespace antrea::policy

int main() { return antrea::policy::measure(); }
