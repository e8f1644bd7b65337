#pragma once

#include <set>

#include "antrea/api/admin_policy.h"
#include "antrea/api/antrea_policy.h"
#include "directory.h"
#include "policy_builder.h"

namespace antrea::policy {

/// What the conversion of a policy looks at, and what it looked at.
struct Surroundings {
  const Directory& directory;
  GroupIndex& groups;
  std::set<Subject> used;
};

/// The internal form of policies with tiers and actions (antrea:
/// pkg/controller/networkpolicy/{antreanetworkpolicy,antreaclusternetworkpolicy}.go). Rules that
/// can match nothing, since a group they name does not exist, are left out.
ConvertedPolicy convert(const api::crd::NetworkPolicy& policy, Surroundings& around);
ConvertedPolicy convert(const api::crd::ClusterNetworkPolicy& policy, Surroundings& around);
/// (antrea: pkg/controller/networkpolicy/adminnetworkpolicy.go)
ConvertedPolicy convert(const api::admin::AdminNetworkPolicy& policy, Surroundings& around);
ConvertedPolicy convert(const api::admin::BaselineAdminNetworkPolicy& policy, Surroundings& around);
/// (antrea: pkg/controller/networkpolicy/clusternetworkpolicy.go)
ConvertedPolicy convert(const api::admin::ClusterNetworkPolicy& policy, Surroundings& around);

}  // namespace antrea::policy
