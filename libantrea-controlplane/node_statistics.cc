#include "antrea/controlplane/node_statistics.h"

#include <utility>

namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
using policy::RuleCounters;

/// Counters that shrank were reset: the flow or the switch is another one.
TrafficStats difference(const RuleCounters& now, const RuleCounters& before) {
  const RuleCounters base =
      now.bytes < before.bytes || now.packets < before.packets || now.sessions < before.sessions
          ? RuleCounters{}
          : before;
  return {static_cast<std::int64_t>(now.packets - base.packets),
          static_cast<std::int64_t>(now.bytes - base.bytes),
          static_cast<std::int64_t>(now.sessions - base.sessions)};
}

}  // namespace

NodeStatsSummary NodeStatistics::due(Readings now, const FindRule& find_rule) {
  NodeStatsSummary summary;
  summary.metadata.name = node_;
  latest_ = std::move(now);
  if (!std::exchange(begun_, true)) {
    told_ = latest_;
    return summary;
  }
  // By policy, and of those of crd.antrea.io by the rule's name.
  std::map<NetworkPolicyReference, std::map<std::string, TrafficStats>> sums;
  for (const auto& [conjunction, counters] : latest_) {
    const auto before = told_.find(conjunction);
    const TrafficStats more =
        difference(counters, before == told_.end() ? RuleCounters{} : before->second);
    if (more == TrafficStats{}) continue;
    if (const auto rule = find_rule(conjunction)) sums[rule->policy][rule->name] += more;
  }
  for (auto& [policy, rules] : sums) {
    NetworkPolicyStats stats{policy, {}, {}};
    switch (policy.type) {
      case PolicyType::kK8sNetworkPolicy:
        for (const auto& [name, traffic] : rules) stats.traffic += traffic;
        summary.network_policies.push_back(std::move(stats));
        break;
      case PolicyType::kAntreaClusterNetworkPolicy:
      case PolicyType::kAntreaNetworkPolicy:
        for (auto& [name, traffic] : rules) stats.rules.push_back({name, traffic});
        (policy.type == PolicyType::kAntreaNetworkPolicy ? summary.antrea_network_policies
                                                         : summary.antrea_cluster_network_policies)
            .push_back(std::move(stats));
        break;
      default:
        break;
    }
  }
  return summary;
}

void NodeStatistics::told() { told_ = latest_; }

}  // namespace antrea::controlplane
