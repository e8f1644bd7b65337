#include "antrea/proxy/node_health.h"

#include <algorithm>

namespace antrea::proxy {

bool is_eligible(const api::Node& node) {
  const auto leaves = [](const api::Taint& taint) {
    return taint.key == "ToBeDeletedByClusterAutoscaler";
  };
  return node.metadata.deletion_timestamp.empty() && std::ranges::none_of(node.taints, leaves);
}

}  // namespace antrea::proxy
