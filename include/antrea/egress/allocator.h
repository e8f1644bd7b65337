#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/egress.h"
#include "antrea/base/export.h"

namespace antrea::egress {

/// The condition of an Egress that tells whether it has its addresses.
inline constexpr std::string_view kIpAllocated = "IPAllocated";

/// A Service of type LoadBalancer as a pool sees it.
struct ServiceRequest {
  api::ObjectKey service;
  std::string created;         ///< RFC 3339, in UTC
  std::string pool;            ///< empty: it asks for nothing
  std::string wished;          ///< spec.loadBalancerIP; empty: any address
  bool shares = false;         ///< with others that share
  std::vector<IpAddress> has;  ///< as its status says
  friend bool operator==(const ServiceRequest&, const ServiceRequest&) = default;
};
ANTREA_API ServiceRequest read_service_request(const api::Service& service);

/// What happened since the last time.
struct AllocatorInput {
  std::vector<api::crd::Egress> egresses;  ///< new or changed
  std::vector<std::string> removed_egresses;
  std::vector<ServiceRequest> services;  ///< new or changed
  std::vector<api::ObjectKey> removed_services;
  std::vector<api::crd::ExternalIPPool> pools;  ///< new or changed
  std::vector<std::string> removed_pools;
};

/// What is to be written into an Egress.
struct EgressUpdate {
  std::string egress;
  /// As spec.egressIP or spec.egressIPs are to be, in the form that the Egress has; absent: as they
  /// are.
  std::optional<std::vector<api::crd::EgressAddress>> addresses;
  /// The condition IPAllocated, without time; `type` is empty if it is to go. Absent: as it is.
  std::optional<api::crd::Condition> condition;
  friend bool operator==(const EgressUpdate&, const EgressUpdate&) = default;
};

/// What status.loadBalancer of a Service is to tell: one address, or none.
struct ServiceUpdate {
  api::ObjectKey service;
  std::optional<IpAddress> ip;
  std::string why;  ///< there is none, for a log; empty: none is asked for any more
  friend bool operator==(const ServiceUpdate&, const ServiceUpdate&) = default;
};

struct PoolUpdate {
  std::string pool;
  api::crd::PoolUsage usage;
  friend bool operator==(const PoolUpdate&, const PoolUpdate&) = default;
};

struct AllocatorOutput {
  std::vector<EgressUpdate> egresses;   ///< by name
  std::vector<ServiceUpdate> services;  ///< by Namespace and name
  std::vector<PoolUpdate> pools;        ///< by name
  bool empty() const { return egresses.empty() && services.empty() && pools.empty(); }
};

/// Engine of the controller: Egresses, Services and pools in; addresses, conditions and usage to be
/// written into them out (antrea: pkg/controller/egress/controller.go,
/// pkg/controller/externalippool, pkg/controller/serviceexternalip).
///
/// - An address that an Egress names is reserved for it; of two that name one address, the Egress
///   that had it keeps it, else the older one (then by name) gets it, and the condition of the
///   other names it. One that names none is given the lowest free address of its pool.
/// - In one batch, what is named is reserved before anything is given out: so tell everything that
///   exists at once at the start.
/// - An address whose pool went, or does not have it any more, is taken back and another one given.
/// - Who did not get an address is looked at again when the pool has one.
/// - A Service has the address that it wishes for, or none; without a wish it keeps what its status
///   says, or is given the lowest free one. Services that share may have one address together, if
///   all say that they share.
///
/// Updates compare with the objects as last told: what the objects say already is not repeated, and
/// an update that did not reach its object comes again with the object's next change. What is given
/// out depends on the sequence of batches only.
class ANTREA_API Allocator {
 public:
  Allocator();
  ~Allocator();
  Allocator(Allocator&&) noexcept;
  Allocator& operator=(Allocator&&) noexcept;

  AllocatorOutput apply(const AllocatorInput& input);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace antrea::egress
