#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"

/// What agents count of policies and tell the controller (antrea:
/// pkg/apis/controlplane/v1beta2/types.go, pkg/apis/stats/v1alpha1/types.go).
namespace antrea::api::controlplane {

struct TrafficStats {
  std::int64_t packets = 0;
  std::int64_t bytes = 0;
  std::int64_t sessions = 0;

  TrafficStats& operator+=(const TrafficStats& more) {
    packets += more.packets;
    bytes += more.bytes;
    sessions += more.sessions;
    return *this;
  }
  friend bool operator==(const TrafficStats&, const TrafficStats&) = default;
};

struct RuleTrafficStats {
  std::string name;  ///< of the rule
  TrafficStats traffic;
  friend bool operator==(const RuleTrafficStats&, const RuleTrafficStats&) = default;
};

/// What came to pass at one policy since the last report.
struct NetworkPolicyStats {
  NetworkPolicyReference policy;
  TrafficStats traffic;                 ///< absent from policies of crd.antrea.io: see `rules`
  std::vector<RuleTrafficStats> rules;  ///< of policies of crd.antrea.io only
  friend bool operator==(const NetworkPolicyStats&, const NetworkPolicyStats&) = default;
};

/// POST nodestatssummaries: `metadata.name` is the Node.
struct NodeStatsSummary {
  Metadata metadata;
  std::vector<NetworkPolicyStats> network_policies;  ///< networking.k8s.io
  std::vector<NetworkPolicyStats> antrea_cluster_network_policies;
  std::vector<NetworkPolicyStats> antrea_network_policies;
  bool empty() const {
    return network_policies.empty() && antrea_cluster_network_policies.empty() &&
           antrea_network_policies.empty();
  }
  friend bool operator==(const NodeStatsSummary&, const NodeStatsSummary&) = default;
};

}  // namespace antrea::api::controlplane
