#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/core.h"

namespace antrea::egress {

/// Annotations of Services of type LoadBalancer (antrea: docs/service-loadbalancer.md): the
/// ExternalIPPool that the address is from, and "true" if others that say so too may have the same.
inline constexpr std::string_view kExternalIpPool = "service.antrea.io/external-ip-pool";
inline constexpr std::string_view kAllowSharedIp =
    "service.antrea.io/allow-shared-load-balancer-ip";

/// The pool that a Service asks for an address; empty: none.
ANTREA_API std::string external_ip_pool(const api::Service& service);

/// An address of a Service, and the Nodes that may have it; absent: any.
struct ClaimedIp {
  IpAddress ip;
  std::optional<std::set<std::string>> nodes;
  friend bool operator==(const ClaimedIp&, const ClaimedIp&) = default;
};

/// The addresses that a Service has of a pool, each for one Node to have.
struct ServiceClaim {
  std::string service;  ///< "namespace/name"
  std::string created;  ///< RFC 3339, in UTC
  std::string pool;
  std::vector<ClaimedIp> ips;
  friend bool operator==(const ServiceClaim&, const ServiceClaim&) = default;
};

/// Claims that are new or changed, and Services that have none any more.
struct ClaimChanges {
  std::vector<ServiceClaim> changed;
  std::vector<std::string> removed;
};

/// Engine: Services and EndpointSlices in, what each claims out (antrea:
/// pkg/agent/controller/serviceexternalip). With externalTrafficPolicy Local, only Nodes with an
/// endpoint of the address's family that is ready or serving may have it.
class ANTREA_API ServiceClaims {
 public:
  ClaimChanges apply(const api::Service& service);
  ClaimChanges remove_service(const api::ObjectKey& key);
  ClaimChanges apply(const api::EndpointSlice& slice);
  ClaimChanges remove_slice(const api::ObjectKey& key);

  /// All of them, by Service.
  const std::map<api::ObjectKey, ServiceClaim>& claims() const { return claims_; }

 private:
  struct Service {
    std::string created, pool;
    std::vector<IpAddress> ips;
    bool local = false;
  };
  struct Slice {
    api::ObjectKey service;
    Family family = Family::kIPv4;
    std::set<std::string> nodes;
    friend auto operator<=>(const Slice&, const Slice&) = default;
  };
  void settle(const api::ObjectKey& service, ClaimChanges& out);
  std::set<std::string> nodes_with_endpoints(const api::ObjectKey& service, Family family) const;

  std::map<api::ObjectKey, Service> services_;  // that ask for addresses
  std::map<api::ObjectKey, Slice> slices_;
  std::map<api::ObjectKey, std::set<api::ObjectKey>> slices_of_;  // by Service
  std::map<api::ObjectKey, ServiceClaim> claims_;
};

}  // namespace antrea::egress
