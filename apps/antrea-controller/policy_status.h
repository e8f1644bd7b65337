#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/controlplane/realization.h"
#include "antrea/kube/api_server.h"

namespace antrea::controller {

/// Writes the status of policies into their objects: the last one of each turn of the event loop.
class PolicyStatusWriter {
 public:
  /// The API server must outlive it.
  PolicyStatusWriter(boost::asio::any_io_executor executor, kube::ApiServer& api, Logger logger);
  ~PolicyStatusWriter();
  PolicyStatusWriter(const PolicyStatusWriter&) = delete;
  PolicyStatusWriter& operator=(const PolicyStatusWriter&) = delete;

  void write(std::vector<controlplane::Realization::Change> changes);
  /// RFC 3339, UTC.
  static std::string now();

 private:
  void flush();

  boost::asio::any_io_executor executor_;
  kube::ApiServer& api_;
  Logger logger_;
  std::map<api::controlplane::NetworkPolicyReference, api::crd::PolicyStatus> pending_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace antrea::controller
