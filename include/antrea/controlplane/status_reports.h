#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/export.h"
#include "antrea/policy/rule_cache.h"

namespace antrea::controlplane {

/// What a Node has to report about the policies that it was sent: that it realises them (antrea:
/// pkg/agent/controller/networkpolicy/status_controller.go). An engine.
///
/// A policy is due when it comes, and again whenever it is sent anew: the controller may have
/// forgotten. NetworkPolicies of Kubernetes have no status and are never due.
class ANTREA_API StatusReports {
 public:
  explicit StatusReports(std::string node) : node_(std::move(node)) {}

  /// Inputs of other kinds than policies are passed over.
  void apply(std::span<const policy::RuleInput> batch);
  /// The reports that are due, but for the policies that wait for a group still; by name.
  std::vector<api::controlplane::NetworkPolicyStatus> due(
      std::span<const std::string> waiting) const;
  /// The controller has it: no longer due, unless the policy was sent anew meanwhile.
  void told(const api::controlplane::NetworkPolicyStatus& report);

 private:
  void take(const policy::PolicyUpserted& policy);

  std::string node_;
  std::map<std::string, std::int64_t> due_;  ///< generation by name of the internal policy
};

}  // namespace antrea::controlplane
