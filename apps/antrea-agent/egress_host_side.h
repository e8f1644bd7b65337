#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "antrea/base/log.h"
#include "antrea/node/egress_host.h"
#include "antrea/node/egress_host_keeper.h"
#include "antrea/node/egress_node.h"
#include "options.h"

namespace antrea::agent {

/// The host's side of addresses that move: what it has of them, and the lease without which it lets
/// nobody use them.
class EgressHostSide {
 public:
  /// `transport`: the interface that has the Node's address. What is referred to outlives this.
  EgressHostSide(boost::asio::any_io_executor executor, const Options& options,
                 const node::NodeConfig& config, std::string transport, Logger logger);

  /// Returns the marks of an earlier life. Errors: those of `node::EgressHost`.
  Result<std::map<IpAddress, node::EgressMark>> open();
  /// What it is to have; null: nothing is decided yet. What fails is logged, and tried again by
  /// `keeper`.
  void set(const node::EgressOutcome* outcome);
  node::EgressHostKeeper& keeper() { return *keeper_; }

  void probe_nodes(const std::set<IpAddress>& probes);
  /// The Node's own; nothing where they cannot be read, which is logged.
  std::optional<std::set<IpAddress>> own_addresses();

  /// Renews the lease while `serves`, until cancelled.
  boost::asio::awaitable<void> keep_lease(std::function<bool()> serves);

 private:
  void renew_lease();

  boost::asio::any_io_executor executor_;
  const Options& options_;
  const node::NodeConfig& config_;
  std::string transport_;
  Logger logger_;
  std::optional<node::EgressHost> host_;
  std::optional<node::EgressHostKeeper> keeper_;
};

}  // namespace antrea::agent
