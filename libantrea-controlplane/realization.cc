#include "antrea/controlplane/realization.h"

#include <algorithm>

namespace antrea::controlplane {

using namespace api::controlplane;
namespace crd = api::crd;

namespace {

constexpr std::size_t kMaxMessage = 256;

bool has_status(PolicyType type) {
  return type == PolicyType::kAntreaNetworkPolicy ||
         type == PolicyType::kAntreaClusterNetworkPolicy;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string cut(std::string text) {
  if (text.size() > kMaxMessage) text.replace(kMaxMessage, std::string::npos, "...");
  return text;
}

/// What is said of a condition, and when it came to be so: as before if nothing else differs.
void keep_times(std::vector<crd::Condition>& now, const std::vector<crd::Condition>& before) {
  for (crd::Condition& condition : now) {
    const auto old = std::ranges::find(before, condition.type, &crd::Condition::type);
    if (old != before.end() && old->status == condition.status)
      condition.last_transition_time = old->last_transition_time;
  }
}

}  // namespace

bool Realization::judge(Policy& policy, std::string_view now) {
  crd::PolicyStatus status;
  status.observed_generation = policy.generation;
  if (policy.unrealizable) {
    status.phase = crd::PolicyPhase::kPending;
    status.conditions.push_back({"Realizable", "False", "NetworkPolicyAppliedToUnsupportedGroup",
                                 "found a Group with Pods of other Namespaces in appliedTo, "
                                 "expected Pods of the policy's Namespace only",
                                 std::string(now)});
  } else {
    std::string failures;
    std::int32_t failed = 0;
    for (const auto& [node, report] : policy.reports) {
      if (!report.failed) continue;
      failures += (failed++ == 0 ? "" : ", ") + quoted(node) + ":" + quoted(report.message);
    }
    status.desired_nodes_realized = static_cast<std::int32_t>(policy.span.size());
    status.current_nodes_realized = static_cast<std::int32_t>(policy.reports.size()) - failed;
    status.phase = policy.reports.size() < policy.span.size() ? crd::PolicyPhase::kRealizing
                   : failed > 0                               ? crd::PolicyPhase::kFailed
                                                              : crd::PolicyPhase::kRealized;
    if (failed > 0)
      status.conditions.push_back(
          {"RealizationFailure", "True", "NetworkPolicyRealizationFailedOnNode",
           cut("failed on " + std::to_string(failed) + " Nodes: " + failures), std::string(now)});
  }
  keep_times(status.conditions, policy.status.conditions);
  if (status == policy.status) return false;
  policy.status = std::move(status);
  return true;
}

std::vector<Realization::Change> Realization::apply(const Changes& changes, std::string_view now) {
  std::vector<Change> changed;
  for (const PolicyChange& change : changes.policies) {
    if (!change.policy) {
      policies_.erase(change.gone);
      continue;
    }
    if (!has_status(change.policy->source_ref.type)) continue;
    Policy& policy = policies_[change.name()];
    policy.source = change.policy->source_ref;
    policy.unrealizable = change.unrealizable;
    policy.span = change.span;
    const std::int64_t generation = change.policy->metadata.generation;
    if (std::exchange(policy.generation, generation) != generation) policy.reports.clear();
    std::erase_if(policy.reports,
                  [&](const auto& report) { return !policy.span.contains(report.first); });
    if (judge(policy, now)) changed.push_back({policy.source, policy.status});
  }
  return changed;
}

std::vector<Realization::Change> Realization::apply(const NetworkPolicyStatus& report,
                                                    std::string_view now) {
  const auto found = policies_.find(report.metadata.name);
  if (found == policies_.end()) return {};
  Policy& policy = found->second;
  for (const NetworkPolicyNodeStatus& node : report.nodes)
    if (node.generation == policy.generation && policy.span.contains(node.node_name))
      policy.reports[node.node_name] = {node.realization_failure, node.message};
  if (!judge(policy, now)) return {};
  return {{policy.source, policy.status}};
}

}  // namespace antrea::controlplane
