#pragma once

#include <string>
#include <utility>
#include <vector>

#include "antrea/egress/scheduler.h"
#include "tests/addresses.h"

namespace antrea::egress {

inline api::Node make_node(const std::string& name, api::Labels labels = {},
                           api::Labels annotations = {}) {
  api::Node node;
  node.metadata.name = name;
  node.metadata.labels = std::move(labels);
  node.metadata.annotations = std::move(annotations);
  return node;
}

/// With addresses of one pool; `created`: seconds of one minute.
inline api::crd::Egress make_egress(const std::string& name, const std::vector<std::string>& ips,
                                    const std::string& pool = "pool", unsigned created = 0) {
  api::crd::Egress egress;
  egress.metadata.name = name;
  egress.metadata.creation_timestamp =
      "2026-01-01T00:00:" + std::string(created < 10 ? "0" : "") + std::to_string(created) + "Z";
  for (const auto& each : ips) egress.spec.addresses.push_back({ip(each), pool});
  return egress;
}

/// Of all Nodes, or those with a label pool=NAME.
inline api::crd::ExternalIPPool make_pool(const std::string& name, bool all = true) {
  api::crd::ExternalIPPool pool;
  pool.metadata.name = name;
  if (!all) pool.node_selector.match_labels["pool"] = name;
  return pool;
}

}  // namespace antrea::egress
