#pragma once

#include "antrea/api/core.h"

namespace antrea::proxy {

/// Whether load balancers may send a Node new connections, as kube-proxy tells at /healthz: it is
/// not being deleted, and has no taint ToBeDeletedByClusterAutoscaler (kep.k8s.io/3836).
ANTREA_API bool is_eligible(const api::Node& node);

}  // namespace antrea::proxy
