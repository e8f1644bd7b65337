#include "antrea/controlplane/policy_statistics.h"

#include <boost/json.hpp>

namespace antrea::controlplane {

using namespace api::controlplane;
namespace json = boost::json;

namespace {

/// Kinds with statistics.
bool is_counted(PolicyType type) {
  return type == PolicyType::kK8sNetworkPolicy || type == PolicyType::kAntreaNetworkPolicy ||
         type == PolicyType::kAntreaClusterNetworkPolicy;
}

json::object encode(const TrafficStats& traffic) {
  return {{"packets", traffic.packets}, {"bytes", traffic.bytes}, {"sessions", traffic.sessions}};
}

}  // namespace

void PolicyStatistics::apply(const Changes& changes, std::string_view now) {
  for (const PolicyChange& change : changes.policies) {
    const auto known = sums_.find(change.name());
    if (!change.policy) {
      if (known == sums_.end()) continue;
      const auto shown = sorted_.find(known->second.policy);
      if (shown != sorted_.end() && shown->second == &known->second) sorted_.erase(shown);
      sums_.erase(known);
    } else if (known == sums_.end() && is_counted(change.policy->source_ref.type)) {
      Sum& sum = sums_[change.name()];
      sum.policy = change.policy->source_ref;
      sum.since = now;
      sorted_[sum.policy] = &sum;
    }
  }
}

void PolicyStatistics::apply(const NodeStatsSummary& summary) {
  for (const auto* const reports :
       {&summary.network_policies, &summary.antrea_cluster_network_policies,
        &summary.antrea_network_policies}) {
    for (const NetworkPolicyStats& report : *reports) {
      const auto found = sums_.find(report.policy.uid);
      if (found == sums_.end()) continue;
      found->second.traffic += report.traffic;
      for (const RuleTrafficStats& rule : report.rules) {
        found->second.rules[rule.name] += rule.traffic;
        found->second.traffic += rule.traffic;
      }
    }
  }
}

std::vector<const PolicyStatistics::Sum*> PolicyStatistics::list(
    PolicyType type, std::optional<std::string_view> namespace_) const {
  std::vector<const Sum*> out;
  NetworkPolicyReference first;
  first.type = type;
  if (namespace_) first.namespace_ = *namespace_;
  for (auto it = sorted_.lower_bound(first); it != sorted_.end(); ++it) {
    if (it->first.type != type || (namespace_ && it->first.namespace_ != *namespace_)) break;
    out.push_back(it->second);
  }
  return out;
}

const PolicyStatistics::Sum* PolicyStatistics::find(PolicyType type, std::string_view namespace_,
                                                    std::string_view name) const {
  const NetworkPolicyReference first{type, std::string(namespace_), std::string(name), {}};
  const auto found = sorted_.lower_bound(first);
  return found != sorted_.end() && found->first.type == type &&
                 found->first.namespace_ == namespace_ && found->first.name == name
             ? found->second
             : nullptr;
}

json::object encode_statistics(const PolicyStatistics::Sum& sum) {
  const PolicyType type = sum.policy.type;
  const std::string_view kind = type == PolicyType::kK8sNetworkPolicy ? "NetworkPolicyStats"
                                : type == PolicyType::kAntreaNetworkPolicy
                                    ? "AntreaNetworkPolicyStats"
                                    : "AntreaClusterNetworkPolicyStats";
  json::object metadata{{"name", sum.policy.name}};
  if (!sum.policy.namespace_.empty()) metadata["namespace"] = sum.policy.namespace_;
  metadata["uid"] = sum.policy.uid;
  metadata["creationTimestamp"] = sum.since;
  json::object object{{"kind", kind},
                      {"apiVersion", "stats.antrea.io/v1alpha1"},
                      {"metadata", std::move(metadata)},
                      {"trafficStats", encode(sum.traffic)}};
  if (sum.rules.empty()) return object;
  json::array rules;
  for (const auto& [name, traffic] : sum.rules)
    rules.push_back(json::object{{"name", name}, {"trafficStats", encode(traffic)}});
  object["ruleTrafficStats"] = std::move(rules);
  return object;
}

}  // namespace antrea::controlplane
