#pragma once

#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/controlplane/policy_statistics.h"
#include "antrea/kube/http_server.h"
#include "antrea/kube/resource_type.h"

namespace antrea::controlplane {

/// Serves `PolicyStatistics` as stats.antrea.io/v1alpha1: get and list of networkpolicystats,
/// antreanetworkpolicystats (in Namespaces) and antreaclusternetworkpolicystats, as objects or as
/// the Table that kubectl prints. Mount it at `kPath` of a kube::ApiServer.
class ANTREA_API StatisticsServer {
 public:
  static constexpr std::string_view kPath = "/apis/stats.antrea.io";

  /// Borrowed: it must outlive this.
  explicit StatisticsServer(const PolicyStatistics& statistics) : statistics_(statistics) {}

  void handle(const kube::HttpRequest& request, kube::HttpExchange exchange) const;
  /// What it serves, for the discovery of the server that it is mounted in.
  static std::vector<kube::ResourceType> resource_types();

 private:
  const PolicyStatistics& statistics_;
};

}  // namespace antrea::controlplane
