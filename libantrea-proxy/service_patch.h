#pragma once

#include <optional>
#include <span>
#include <vector>

#include "compile.h"

namespace antrea::proxy {

/// Endpoints that a list loses and gains; both ascend.
struct BackendChange {
  std::vector<Backend> gone, come;
};

/// What changes of a few endpoints mean to a Service that has been compiled before.
struct ServicePatch {
  struct Part {
    std::uint32_t place = 0;
    BackendChange backends;
  };
  std::vector<Part> groups;    ///< by their place in `CompiledService::groups`
  std::vector<Part> serving;   ///< in `CompiledService::serving`
  std::vector<Tally> tallies;  ///< of `CompiledService::ports`
  std::optional<HealthCheck> health_check;
  bool hinted = false;
};

/// Looks at nothing but the endpoints that `SliceSet::before` tells of. Absent: the Service must be
/// compiled anew, since that is not known, or since the choice among all others changes as well.
std::optional<ServicePatch> patch_service(const ServiceInput& service, const SliceSet& slices,
                                          const CompiledService& compiled,
                                          const BalancerConfig& config, const NodeFacts& node);

/// Takes what has gone out of a list that ascends, and puts in what has come.
void patch_backends(const BackendChange& change, std::vector<Backend>& backends);

}  // namespace antrea::proxy
