#include "antrea/controlplane/status_reports.h"

#include <algorithm>

namespace antrea::controlplane {

using api::controlplane::NetworkPolicyStatus;

void StatusReports::take(const policy::PolicyUpserted& policy) {
  if (policy->source_ref.type == api::controlplane::PolicyType::kK8sNetworkPolicy) return;
  policies_[policy->metadata.name].generation = policy->metadata.generation;
  due_.insert(policy->metadata.name);
}

void StatusReports::forget(const std::string& name) {
  policies_.erase(name);
  due_.erase(name);
  failed_.erase(name);
}

void StatusReports::apply(std::span<const policy::RuleInput> batch) {
  for (const policy::RuleInput& input : batch) {
    if (const auto* upserted = std::get_if<policy::PolicyUpserted>(&input)) take(*upserted);
    if (const auto* deleted = std::get_if<policy::PolicyDeleted>(&input)) forget(deleted->name);
    if (const auto* replaced = std::get_if<policy::PoliciesReplaced>(&input)) {
      policies_.clear();
      due_.clear();
      failed_.clear();
      for (const auto& each : replaced->objects) take(each);
    }
  }
}

std::vector<NetworkPolicyStatus> StatusReports::due(std::span<const std::string> waiting,
                                                    const Failures& failures) const {
  std::set<std::string> names = due_;
  names.insert(failed_.begin(), failed_.end());
  for (const auto& [name, failure] : failures) names.insert(name);
  std::vector<NetworkPolicyStatus> reports;
  for (const std::string& name : names) {
    const auto policy = policies_.find(name);
    if (policy == policies_.end() || std::ranges::find(waiting, name) != waiting.end()) continue;
    const auto found = failures.find(name);
    const std::string failure = found == failures.end() ? std::string() : found->second;
    if (!due_.contains(name) && failure == policy->second.told) continue;
    NetworkPolicyStatus& report = reports.emplace_back();
    report.metadata.name = name;
    report.nodes.push_back({node_, policy->second.generation, !failure.empty(), failure});
  }
  return reports;
}

void StatusReports::told(const NetworkPolicyStatus& report) {
  const auto policy = policies_.find(report.metadata.name);
  const auto& said = report.nodes.front();
  if (policy == policies_.end() || policy->second.generation != said.generation) return;
  policy->second.told = said.message;
  due_.erase(policy->first);
  if (said.realization_failure)
    failed_.insert(policy->first);
  else
    failed_.erase(policy->first);
}

}  // namespace antrea::controlplane
