#pragma once

#include <boost/json/array.hpp>
#include <map>
#include <set>
#include <span>
#include <string>

#include "antrea/base/log.h"
#include "antrea/egress/scheduler.h"
#include "antrea/egress/service_claims.h"
#include "antrea/kube/informer.h"

namespace antrea::agent {

/// Addresses of Services of type LoadBalancer from ExternalIPPools (ServiceExternalIP): the API's
/// objects on their way to the scheduler, and what its placements mean for this Node.
class ServiceAddresses {
 public:
  using Placements = std::map<egress::EgressIp, egress::Placement>;

  ServiceAddresses(std::string node, Logger logger)
      : node_(std::move(node)), logger_(std::move(logger)) {}

  egress::SchedulerInput take_services(std::span<const kube::Change> changes);
  egress::SchedulerInput take_slices(std::span<const kube::Change> changes);
  bool any() const { return !claims_.claims().empty(); }

  /// The addresses that this Node is to have.
  std::set<IpAddress> here(const Placements& placements) const;
  /// As antctl is told of them: [{"namespace", "serviceName", "externalIPPool", "externalIP",
  /// "assignedNode"}].
  boost::json::array describe(const Placements& placements) const;

 private:
  std::string node_;
  Logger logger_;
  egress::ServiceClaims claims_;
};

}  // namespace antrea::agent
