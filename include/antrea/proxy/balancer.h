#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "antrea/openflow/changes.h"
#include "antrea/proxy/service_types.h"

namespace antrea::proxy {

struct BalancerConfig {
  std::string node_name;  ///< endpoints of this Node are local
  /// Serve only Services with this value of the label service.kubernetes.io/service-proxy-name;
  /// empty: those without it.
  std::string service_proxy_name;
  /// Serve node ports, external IPs and the host's own clients as well, so that nobody else need.
  bool proxy_all = false;
  /// Serve the addresses in status.loadBalancer; otherwise they are left to the load balancer.
  bool load_balancer_ips = true;
  /// Services to leave alone: "namespace/name", or a primary cluster IP.
  std::set<std::string> skip_services;
  LoadBalancerMode load_balancer_mode = LoadBalancerMode::kNat;
  /// Obey the mode kDsr, here and in the annotation service.antrea.io/load-balancer-mode. Needs
  /// tunnels between Nodes, and IPv4.
  bool dsr = false;
};

/// What happened to Services and EndpointSlices since the last time.
struct ServiceChanges {
  std::vector<api::Service> services;  ///< new or changed
  std::vector<api::ObjectKey> removed_services;
  std::vector<api::EndpointSlice> slices;  ///< new or changed
  std::vector<api::ObjectKey> removed_slices;
};

/// What follows from it.
struct Outcome {
  openflow::Changes pipeline;
  bool host = false;                    ///< `Balancer::host` has changed
  std::vector<StaleConnections> stale;  ///< ascending; to be done once the pipeline has changed

  bool empty() const { return pipeline.empty() && !host && stale.empty(); }
};

/// A frontend as it is served.
struct ServedFrontend {
  Frontend frontend;
  FrontendKind kind = FrontendKind::kClusterIp;
  openflow::GroupId group;
  std::uint16_t affinity_timeout = 0;  ///< seconds; 0: none
  std::vector<Backend> backends;       ///< ascending; empty: connections are refused
  /// For clients on this Node, where their group is another one: with externalTrafficPolicy Local
  /// they may reach all endpoints.
  std::optional<openflow::GroupId> local_clients_group;
};

/// Engine: Services and EndpointSlices in, groups and flows of the tables NodePortMark,
/// SessionAffinity, ServiceLB, DSRServiceMark and EndpointDNAT out, and what must happen on the
/// host (antrea: pkg/agent/proxy, pkg/agent/openflow/service.go, docs/design/ovs-pipeline.md).
///
/// Serves the cluster IPs, node ports, load balancer addresses and external IPs of TCP, UDP and
/// SCTP ports of both families. Headless Services and those of type ExternalName are left alone.
/// A port without endpoints keeps its flows: its packets go to the controller, to be refused. The
/// rules by which endpoints are chosen are in README.md.
///
/// Each call returns the exact change. Groups have the same ID whenever they stand for the same
/// port of the same Service, in this process and the next one, and the result does not depend on
/// the order of the changes. No flow refers to a group that is not there; a flow of EndpointDNAT
/// exists exactly while some group leads to it.
///
/// Cost: proportional to the endpoints of the Services that changed; of `set_node`, to those of
/// the Services that what changed means something to.
class ANTREA_API Balancer {
 public:
  explicit Balancer(BalancerConfig config);
  ~Balancer();
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  /// The flows that every Service needs. To be committed first.
  openflow::Changes start() const;

  Outcome set_node(NodeFacts facts);
  Outcome apply(const ServiceChanges& changes);
  Outcome apply(const api::Service& service);
  Outcome apply(const api::EndpointSlice& slice);
  Outcome remove_service(const api::ObjectKey& key);
  Outcome remove_slice(const api::ObjectKey& key);

  /// What the host shall have now.
  const HostServices& host() const;
  const BalancerConfig& config() const;
  const NodeFacts& node() const;

  /// Services with at least one frontend, ascending.
  std::vector<api::ObjectKey> services() const;
  /// How a Service is served now; empty when it is not.
  std::vector<ServedFrontend> served(const api::ObjectKey& service) const;
  std::size_t service_count() const;
  /// Ports of Services that are served, in this family.
  std::size_t port_count(Family family) const;
  /// Distinct addresses, ports and protocols that groups lead to, in this family.
  std::size_t endpoint_count(Family family) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::proxy
