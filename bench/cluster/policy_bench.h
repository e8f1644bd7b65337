#pragma once

#include <string>

#include "antrea/base/result.h"

namespace antrea::bench {

/// Prints the time from a request that creates or deletes a NetworkPolicy until the switch of the
/// Node worker-01 has acknowledged its flows, as that Node's agent counts bundles on
/// `agent_socket`.
Result<> measure_policy_latency(const std::string& kubeconfig, const std::string& agent_socket);

}  // namespace antrea::bench
