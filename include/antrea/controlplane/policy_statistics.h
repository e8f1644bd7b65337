#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "antrea/api/statistics.h"
#include "antrea/base/export.h"

namespace antrea::controlplane {

/// What all Nodes have counted of each policy since it came (antrea:
/// pkg/controller/stats/aggregator.go). An engine; kept in memory only.
class ANTREA_API PolicyStatistics {
 public:
  struct Sum {
    api::controlplane::NetworkPolicyReference policy;
    std::string since;  ///< RFC 3339
    api::controlplane::TrafficStats traffic;
    std::map<std::string, api::controlplane::TrafficStats> rules;  ///< by name
  };

  /// Policies that come and go. `now`: RFC 3339, when counting starts for those that come.
  void apply(const api::controlplane::Changes& changes, std::string_view now);
  /// What a Node reports; of policies that are not known nothing is kept.
  void apply(const api::controlplane::NodeStatsSummary& summary);

  /// Sorted by Namespace and name. `namespace_`: absent means all.
  std::vector<const Sum*> list(api::controlplane::PolicyType type,
                               std::optional<std::string_view> namespace_ = {}) const;
  /// Null: there is none.
  const Sum* find(api::controlplane::PolicyType type, std::string_view namespace_,
                  std::string_view name) const;

 private:
  std::map<std::string, Sum, std::less<>> sums_;  // by UID, the name of the internal policy
  std::map<api::controlplane::NetworkPolicyReference, const Sum*> sorted_;
};

/// As stats.antrea.io/v1alpha1 shows it: an object of kind NetworkPolicyStats,
/// AntreaNetworkPolicyStats or AntreaClusterNetworkPolicyStats.
ANTREA_API boost::json::object encode_statistics(const PolicyStatistics::Sum& sum);

}  // namespace antrea::controlplane
