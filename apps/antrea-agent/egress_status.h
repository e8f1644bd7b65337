#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <set>
#include <string>

#include "antrea/api/egress.h"
#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/egress/scheduler.h"
#include "antrea/kube/rest_client.h"

namespace antrea::agent {

/// Writes the status of the Egresses that this Node has to report about: those whose address it
/// has, and those that nobody has and the ring says so (antrea: egress_controller.go,
/// updateEgressStatus). Other Nodes' are left alone.
class EgressStatusWriter {
 public:
  EgressStatusWriter(boost::asio::any_io_executor executor, kube::RestClient& api, std::string node,
                     Logger logger);

  /// `owned`: addresses of this Node.
  void set(const std::map<std::string, api::crd::Egress>& egresses,
           const egress::Scheduler& scheduler, const std::set<IpAddress>& owned);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  api::crd::EgressStatus wanted(const api::crd::Egress& egress, const egress::Scheduler& scheduler,
                                const std::set<IpAddress>& owned) const;
  boost::asio::awaitable<Result<>> write(std::string name, api::crd::EgressStatus status);

  kube::RestClient& api_;
  std::string node_;
  Logger logger_;
  Signal changed_;
  std::map<std::string, api::crd::EgressStatus> pending_;
};

}  // namespace antrea::agent
