#pragma once

#include "antrea/api/networking.h"
#include "policy_builder.h"

namespace antrea::policy {

/// The internal form of a networking.k8s.io NetworkPolicy (antrea:
/// pkg/controller/networkpolicy/networkpolicy_controller.go).
ConvertedPolicy convert(const api::NetworkPolicy& policy, bool enable_logging, GroupIndex& groups);

}  // namespace antrea::policy
