#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/openflow/changes.h"

namespace antrea::proxy {

struct BalancerConfig {
  std::string node_name;  ///< endpoints of this Node are local
  std::string zone;       ///< this Node's topology.kubernetes.io/zone, or empty
  /// Serve only Services with this value of the label service.kubernetes.io/service-proxy-name;
  /// empty: those without it.
  std::string service_proxy_name;
};

/// What happened to Services and EndpointSlices since the last time.
struct ServiceChanges {
  std::vector<api::Service> services;  ///< new or changed
  std::vector<api::ObjectKey> removed_services;
  std::vector<api::EndpointSlice> slices;  ///< new or changed
  std::vector<api::ObjectKey> removed_slices;
};

struct Backend {
  IpAddress ip;
  std::uint16_t port = 0;
  friend auto operator<=>(const Backend&, const Backend&) = default;
};

/// What packets are addressed to.
struct Frontend {
  IpAddress ip;
  std::uint16_t port = 0;
  api::Protocol protocol = api::Protocol::kTcp;
  friend auto operator<=>(const Frontend&, const Frontend&) = default;
};

/// A frontend as it is served.
struct ServedFrontend {
  Frontend frontend;
  openflow::GroupId group;
  std::uint16_t affinity_timeout = 0;  ///< seconds; 0: none
  std::vector<Backend> backends;       ///< ascending; empty: connections are refused
};

/// Engine: Services and EndpointSlices in, groups and flows of the tables ServiceLB,
/// SessionAffinity and EndpointDNAT out (antrea: pkg/agent/proxy, docs/design/ovs-pipeline.md).
///
/// Serves the cluster IPs of TCP, UDP and SCTP ports of both families. Headless Services and those
/// of type ExternalName are left alone. Endpoints are the ready ones (of this zone, where every
/// ready endpoint has a zone hint and one names it); if there is none, the serving ones that
/// terminate. With internalTrafficPolicy Local only those of this Node count. A port without
/// endpoints keeps its flows: its packets go to the controller, to be refused.
///
/// Each call returns the exact change. Groups have the same ID whenever they stand for the same
/// port of the same Service, in this process and the next one, and the result does not depend on
/// the order of the changes. No flow refers to a group that is not there; a flow of EndpointDNAT
/// exists exactly while some group leads to it.
///
/// Cost: proportional to the endpoints of the Services that changed.
class ANTREA_API Balancer {
 public:
  explicit Balancer(BalancerConfig config);
  ~Balancer();
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  /// The flows that every Service needs. To be committed first.
  openflow::Changes start() const;

  openflow::Changes apply(ServiceChanges changes);
  openflow::Changes apply(const api::Service& service);
  openflow::Changes apply(const api::EndpointSlice& slice);
  openflow::Changes remove_service(const api::ObjectKey& key);
  openflow::Changes remove_slice(const api::ObjectKey& key);

  /// How a Service is served now; empty when it is not.
  std::vector<ServedFrontend> served(const api::ObjectKey& service) const;
  /// Services with at least one frontend.
  std::size_t service_count() const;
  /// Distinct addresses, ports and protocols that groups lead to.
  std::size_t endpoint_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::proxy
