#pragma once

#include "antrea/base/export.h"
#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// Adds what is beside the resources of Kubernetes, as the CustomResourceDefinitions and webhooks of
/// Antrea have them: crd.antrea.io/v1beta1 ClusterNetworkPolicy, NetworkPolicy, Tier, ClusterGroup,
/// Group, Egress and ExternalIPPool, crd.antrea.io/v1alpha2 ExternalEntity,
/// policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy and BaselineAdminNetworkPolicy,
/// policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy. Defaults (the tier, names of rules) are
/// written into the objects. What takes other objects to judge (a tier that does not exist) is for
/// an admitter. `types` must hold the builtin ones already.
ANTREA_API void add_antrea_types(ResourceTypes& types);

}  // namespace antrea::kube
