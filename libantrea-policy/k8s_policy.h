#pragma once

#include <memory>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/networking.h"
#include "group_index.h"

namespace antrea::policy {

/// An internal policy and the groups it refers to, each once, each acquired.
struct ConvertedPolicy {
  std::shared_ptr<const api::controlplane::NetworkPolicy> object;
  std::vector<GroupId> applied_to;
  std::vector<GroupId> peers;
};

/// networking.k8s.io/v1 NetworkPolicy to internal form (antrea:
/// pkg/controller/networkpolicy/networkpolicy_controller.go, processNetworkPolicy).
ConvertedPolicy convert(const api::NetworkPolicy& policy, bool enable_logging, GroupIndex& groups);

}  // namespace antrea::policy
