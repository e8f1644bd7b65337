#pragma once

#include "antrea/base/export.h"
#include "antrea/kube/resource_type.h"

namespace antrea::kube {

/// The resources of Kubernetes that Antrea reads or writes: core/v1 Namespaces, Nodes, Pods,
/// Services, Endpoints, ConfigMaps, Secrets, ServiceAccounts and Events; discovery.k8s.io/v1
/// EndpointSlices; networking.k8s.io/v1 NetworkPolicies; coordination.k8s.io/v1 Leases. Defaults,
/// rules and Table columns are those of Kubernetes 1.26.
ANTREA_API ResourceTypes make_builtin_types();

}  // namespace antrea::kube
