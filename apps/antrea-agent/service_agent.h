#pragma once

#include <map>
#include <string>

#include "antrea/api/core.h"
#include "antrea/kube/informer.h"
#include "antrea/node/datapath.h"
#include "antrea/node/stale_connections.h"
#include "options.h"
#include "service_health.h"
#include "service_sync.h"

namespace antrea::agent {

proxy::BalancerConfig balancer_config(const Options& options);

/// What of the agent is about Services: the API's objects and the Nodes' addresses on their way
/// into the data plane, stale connections out of the switch, and health checks.
class ServiceAgent {
 public:
  /// All of it outlives this.
  ServiceAgent(boost::asio::any_io_executor executor, const Options& options,
               node::Datapath& datapath, openflow::Switch& the_switch, MetricRegistry& metrics,
               Logger logger);

  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  /// Reads the host's addresses, and the Nodes' from their objects; then serves the health checks
  /// there. Error: kIo.
  Result<> refresh(const std::map<std::string, api::Node>& nodes, const std::string& gateway);
  void forget(std::vector<proxy::StaleConnections> stale) { cleaner_.add(std::move(stale)); }

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run();

 private:
  const Options& options_;
  node::Datapath& datapath_;
  Logger logger_;
  node::StaleConnectionCleaner cleaner_;
  ServiceSync sync_;
  std::optional<ServiceHealth> health_;  // absent: not served here
};

}  // namespace antrea::agent
