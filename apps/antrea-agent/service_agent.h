#pragma once

#include <map>
#include <string>

#include "antrea/api/core.h"
#include "antrea/kube/informer.h"
#include "antrea/node/datapath.h"
#include "antrea/node/stale_connections.h"
#include "options.h"

namespace antrea::agent {

proxy::BalancerConfig balancer_config(const Options& options);

/// What of the agent is about Services: the API's objects and the Nodes' addresses on their way
/// into the data plane, and stale connections out of the switch.
class ServiceAgent {
 public:
  /// All of it outlives this.
  ServiceAgent(boost::asio::any_io_executor executor, const Options& options,
               node::Datapath& datapath, openflow::Switch& the_switch, Logger logger);

  void take_services(std::span<const kube::Change> changes);
  void take_slices(std::span<const kube::Change> changes);
  /// Reads the host's addresses, and the Nodes' from their objects. Error: kIo.
  Result<> refresh(const std::map<std::string, api::Node>& nodes, const std::string& gateway);
  void forget(std::vector<proxy::StaleConnections> stale) { cleaner_.add(std::move(stale)); }

  /// Until cancelled. To be spawned once by the owner.
  boost::asio::awaitable<void> run() { return cleaner_.run(); }

 private:
  const Options& options_;
  node::Datapath& datapath_;
  Logger logger_;
  node::StaleConnectionCleaner cleaner_;
};

}  // namespace antrea::agent
