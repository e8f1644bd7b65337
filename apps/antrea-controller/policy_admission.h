#pragma once

#include "antrea/base/result.h"
#include "antrea/kube/api_server.h"

namespace antrea::controller {

/// Refuses what only other objects can tell to be wrong: a policy in a Tier that does not exist; a
/// Tier with a priority that is reserved or taken, or that changes (antrea:
/// pkg/controller/networkpolicy/validate.go). The API server must outlive its use.
void admit_policies(kube::ApiServer& api);

}  // namespace antrea::controller
