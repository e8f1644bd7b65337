#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "antrea/egress/reporter.h"
#include "antrea/kube/write_queue.h"
#include "antrea/node/egress_node.h"

namespace antrea::agent {

/// What this Node tells the API server of Egresses: statuses and Events, as `egress::Reporter` has
/// them, with the time that it is.
class EgressReports {
 public:
  /// `api` outlives this.
  EgressReports(boost::asio::any_io_executor executor, const std::string& node,
                kube::ApiTransport& api, const Logger& logger)
      : node_(node), reporter_(node), writes_(std::move(executor), api, logger) {}

  void tell(const node::EgressNode& node, const node::EgressDecision& decision);

  /// Writes, until cancelled.
  boost::asio::awaitable<void> run() { return writes_.run(); }

 private:
  std::string node_;
  egress::Reporter reporter_;
  kube::WriteQueue writes_;
};

}  // namespace antrea::agent
