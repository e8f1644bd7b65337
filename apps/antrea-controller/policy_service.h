#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/controlplane/group_conditions.h"
#include "antrea/controlplane/policy_statistics.h"
#include "antrea/controlplane/realization.h"
#include "antrea/controlplane/server.h"
#include "antrea/kube/api_server.h"
#include "antrea/policy/compiler.h"
#include "policy_status.h"

namespace antrea::controller {

/// Feeds the policy compiler with what the API server has, and the control-plane server with what
/// the compiler says; keeps the status of policies. Changes that come in one turn of the event loop
/// are compiled as one batch.
class PolicyService {
 public:
  /// The references must outlive it.
  PolicyService(boost::asio::any_io_executor executor, kube::ApiServer& api,
                controlplane::Server& server, Logger logger);
  ~PolicyService();

  /// Begins. Error: kNotFound (a type that is not served).
  Result<> start();
  /// What an agent reports about a policy.
  void take(const api::controlplane::NetworkPolicyStatus& report);
  /// What it has counted.
  void take(const api::controlplane::NodeStatsSummary& summary) { statistics_.apply(summary); }
  const controlplane::PolicyStatistics& statistics() const { return statistics_; }

 private:
  /// So that `kubectl get tiers` shows them; the compiler knows them anyway.
  Result<> create_static_tiers();
  template <typename T>
  Result<> follow(std::string_view group, std::string_view version, std::string_view plural,
                  policy::ObjectKind kind, Result<T> (*decode)(const boost::json::value&));
  void add(policy::ObjectChange change);
  /// What `change` says of the conditions of groups.
  void judge_groups(const policy::ObjectChange& change, std::string_view now);
  void compile();

  boost::asio::any_io_executor executor_;
  kube::ApiServer& api_;
  controlplane::Server& server_;
  Logger logger_;
  policy::Compiler compiler_;
  controlplane::Realization realization_;
  controlplane::PolicyStatistics statistics_;
  controlplane::GroupConditions group_conditions_;
  PolicyStatusWriter statuses_;
  std::vector<policy::ObjectChange> batch_;
  std::size_t unsynced_ = 0;  // watches that have not told all yet
  bool scheduled_ = false;
  bool published_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::unique_ptr<kube::ApiServer::Watch>> watches_;
};

}  // namespace antrea::controller
