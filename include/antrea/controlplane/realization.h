#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/antrea_policy.h"
#include "antrea/api/controlplane_changes.h"
#include "antrea/base/export.h"

namespace antrea::controlplane {

/// How far the policies of crd.antrea.io are realised, from what the compiler tells and agents
/// report (antrea: pkg/controller/networkpolicy/status_controller.go).
///
/// - Pending: the policy cannot be realised (condition Realizable, False).
/// - Realizing: some Node that needs it has not reported its generation.
/// - Realized: all have. No Node needing it counts as that.
/// - Failed: all have reported, some that it failed (condition RealizationFailure with what they
///   said).
///
/// A report counts if it is about the present generation and from a Node that needs the policy.
/// Reports are kept for as long as they count; agents report again after they are sent the policy
/// anew. An engine: each call returns the policies whose status changed by it.
class ANTREA_API Realization {
 public:
  struct Change {
    api::controlplane::NetworkPolicyReference policy;
    api::crd::PolicyStatus status;
  };

  /// `now`: RFC 3339, becomes the time at which conditions changed.
  std::vector<Change> apply(const api::controlplane::Changes& changes, std::string_view now);
  /// Reports about policies that are not known, or of other kinds, change nothing.
  std::vector<Change> apply(const api::controlplane::NetworkPolicyStatus& report,
                            std::string_view now);

 private:
  struct Report {
    bool failed = false;
    std::string message;
  };
  struct Policy {
    api::controlplane::NetworkPolicyReference source;
    std::int64_t generation = 0;
    api::controlplane::NodeSet span;
    bool unrealizable = false;
    std::map<std::string, Report> reports;  // by Node; those that count
    api::crd::PolicyStatus status;
  };
  /// True if the status changed.
  static bool judge(Policy& policy, std::string_view now);

  std::map<std::string, Policy, std::less<>> policies_;  // by name of the internal policy
};

}  // namespace antrea::controlplane
