#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/export.h"
#include "antrea/policy/rule_cache.h"

namespace antrea::controlplane {

/// What a Node has to report about the policies that it was sent: that it realises them, or why it
/// cannot (antrea: pkg/agent/controller/networkpolicy/status_controller.go). An engine.
///
/// A policy is due when it comes, again whenever it is sent anew (the controller may have
/// forgotten), and when what is said of it changes. NetworkPolicies of Kubernetes have no status
/// and are never due.
class ANTREA_API StatusReports {
 public:
  /// What of a policy is not realised, by name of the internal policy.
  using Failures = std::map<std::string, std::string>;

  explicit StatusReports(std::string node) : node_(std::move(node)) {}

  /// Inputs of other kinds than policies are passed over.
  void apply(std::span<const policy::RuleInput> batch);
  /// The reports that are due, but for the policies that wait for a group still; by name. Those
  /// without a failure are realised.
  std::vector<api::controlplane::NetworkPolicyStatus> due(std::span<const std::string> waiting,
                                                          const Failures& failures) const;
  /// The controller has it: no longer due, unless the policy was sent anew meanwhile.
  void told(const api::controlplane::NetworkPolicyStatus& report);

 private:
  struct Policy {
    std::int64_t generation = 0;
    std::string told;  ///< the failure
  };
  void take(const policy::PolicyUpserted& policy);
  void forget(const std::string& name);

  std::string node_;
  std::map<std::string, Policy> policies_;  ///< by name of the internal policy
  std::set<std::string> due_;
  std::set<std::string> failed_;  ///< as the controller was told
};

}  // namespace antrea::controlplane
