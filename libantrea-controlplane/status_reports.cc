#include "antrea/controlplane/status_reports.h"

#include <algorithm>

namespace antrea::controlplane {

using api::controlplane::NetworkPolicyStatus;

void StatusReports::take(const policy::PolicyUpserted& policy) {
  if (policy->source_ref.type == api::controlplane::PolicyType::kK8sNetworkPolicy) return;
  due_[policy->metadata.name] = policy->metadata.generation;
}

void StatusReports::apply(std::span<const policy::RuleInput> batch) {
  for (const policy::RuleInput& input : batch) {
    if (const auto* upserted = std::get_if<policy::PolicyUpserted>(&input)) take(*upserted);
    if (const auto* deleted = std::get_if<policy::PolicyDeleted>(&input)) due_.erase(deleted->name);
    if (const auto* replaced = std::get_if<policy::PoliciesReplaced>(&input)) {
      due_.clear();
      for (const auto& each : replaced->objects) take(each);
    }
  }
}

std::vector<NetworkPolicyStatus> StatusReports::due(std::span<const std::string> waiting) const {
  std::vector<NetworkPolicyStatus> reports;
  for (const auto& [name, generation] : due_) {
    if (std::ranges::find(waiting, name) != waiting.end()) continue;
    NetworkPolicyStatus& report = reports.emplace_back();
    report.metadata.name = name;
    report.nodes.push_back({node_, generation, false, {}});
  }
  return reports;
}

void StatusReports::told(const NetworkPolicyStatus& report) {
  const auto found = due_.find(report.metadata.name);
  if (found != due_.end() && found->second == report.nodes.front().generation) due_.erase(found);
}

}  // namespace antrea::controlplane
