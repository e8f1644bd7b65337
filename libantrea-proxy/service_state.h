#pragma once

#include <optional>
#include <vector>

#include "compile.h"

namespace antrea::proxy {

/// What is known of a Service, and what has come of it.
struct ServiceState {
  api::ObjectKey key;
  std::optional<ServiceInput> input;
  SliceSet slices;
  CompiledService compiled;
  std::vector<openflow::GroupId> group_ids;  ///< of `compiled.groups`
  bool touched = false;                      ///< something of it has changed
  bool anew = false;                         ///< more than its slices
};

}  // namespace antrea::proxy
