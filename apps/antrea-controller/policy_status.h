#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/controlplane/group_conditions.h"
#include "antrea/controlplane/realization.h"
#include "antrea/kube/api_server.h"

namespace antrea::controller {

/// Writes the status of policies and groups into their objects: the last one of each turn of the
/// event loop.
class PolicyStatusWriter {
 public:
  /// The API server must outlive it.
  PolicyStatusWriter(boost::asio::any_io_executor executor, kube::ApiServer& api, Logger logger);
  ~PolicyStatusWriter();
  PolicyStatusWriter(const PolicyStatusWriter&) = delete;
  PolicyStatusWriter& operator=(const PolicyStatusWriter&) = delete;

  void write(std::vector<controlplane::Realization::Change> changes);
  void write(std::vector<controlplane::GroupConditions::Change> changes);
  /// RFC 3339, UTC.
  static std::string now();

 private:
  void write(const char* plural, const api::ObjectKey& key, boost::json::object status);
  void flush();

  boost::asio::any_io_executor executor_;
  kube::ApiServer& api_;
  Logger logger_;
  /// By plural name of the resource, and object.
  std::map<std::pair<std::string, api::ObjectKey>, boost::json::object> pending_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace antrea::controller
