#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "antrea/ipam/host_local_store.h"
#include "antrea/kube/informer.h"
#include "antrea/kube/rest_client.h"
#include "antrea/node/cni_service.h"
#include "antrea/node/node_config.h"
#include "options.h"
#include "tasks.h"

namespace antrea::agent {

/// What of the agent is about Pods' interfaces: their addresses, the CNI service, and interfaces
/// from before this start, whose Pods may have gone meanwhile.
class PodAgent {
 public:
  /// All of it outlives this.
  PodAgent(Tasks& tasks, const Options& options, node::InterfaceStore& interfaces, Logger logger)
      : tasks_(tasks), options_(options), interfaces_(interfaces), logger_(std::move(logger)) {}

  /// Opens the store of addresses and frees those that no interface has. Errors: those of
  /// `ipam::HostLocalStore`.
  Result<> open_addresses();
  /// Listens; ADD waits for `begin`. Errors: those of `node::CniServer`.
  Result<> listen(const node::NodeConfig& config, node::PodNetwork& network);
  /// Serves: the network works. Interfaces whose Pods are not there any more are removed as by DEL.
  Result<> begin(const node::NodeConfig& config, kube::RestClient& api);
  /// After the io_context has ended.
  void stop();

 private:
  void remove_orphans(kube::RestClient& api);
  boost::asio::awaitable<void> remove(node::Interface interface);

  Tasks& tasks_;
  const Options& options_;
  node::InterfaceStore& interfaces_;
  Logger logger_;
  std::optional<ipam::HostLocalStore> addresses_;
  std::optional<node::CniService> service_;
  std::unique_ptr<node::CniServer> server_;
  std::optional<kube::Informer> pods_;  // of this Node; absent: there were no interfaces
};

}  // namespace antrea::agent
