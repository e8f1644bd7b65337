#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "antrea/api/egress.h"
#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/kube/rest_client.h"

namespace antrea::agent {

/// Tells with Events on the Egresses that this Node has been given one of their addresses, or has
/// it no more: IPAssigned and IPUnassigned (antrea: egress_controller.go).
class EgressEvents {
 public:
  EgressEvents(boost::asio::any_io_executor executor, kube::RestClient& api, std::string node,
               Logger logger);

  /// `owned`: addresses of this Node. What the status of an Egress has said already is no news at
  /// the first time.
  void set(const std::map<std::string, api::crd::Egress>& egresses,
           const std::set<IpAddress>& owned);

  /// Until cancelled.
  boost::asio::awaitable<void> run();

 private:
  struct Assigned {
    std::string uid;  // of the Egress
    std::set<IpAddress> ips;
  };
  void tell(const std::string& egress, const std::string& uid, bool assigned, const IpAddress& ip);

  kube::RestClient& api_;
  std::string node_;
  Logger logger_;
  Signal changed_;
  std::map<std::string, Assigned> assigned_;  // by Egress
  bool known_ = false;
  std::deque<boost::json::value> pending_;
};

}  // namespace antrea::agent
