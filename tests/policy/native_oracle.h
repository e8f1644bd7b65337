#pragma once

#include <set>
#include <string>

#include "oracle.h"

/// What policies with tiers and actions say about one packet, and what all policies together say;
/// read from the APIs' texts as oracle.h is.
namespace antrea::policy::testing {

enum class Verdict { kAllow, kDrop, kReject };

struct Judgement {
  Verdict verdict = Verdict::kAllow;
  /// The native rules that may have decided, as "KIND:NAMESPACE/NAME/RULE": those that come first
  /// and say the same. Empty if Kubernetes' policies decided, or nobody did.
  std::set<std::string> deciders;
};

/// Egress is judged at the source, ingress at the destination. The target is a Pod on a Node.
Judgement oracle_judge(const Cluster& cluster, bool ingress, const Probe& probe);

}  // namespace antrea::policy::testing
