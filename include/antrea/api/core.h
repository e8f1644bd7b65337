#pragma once

#include <optional>
#include <string>
#include <vector>

#include "antrea/api/meta.h"
#include "antrea/base/ip.h"

namespace antrea::api {

/// The transport protocols that Kubernetes names; the numbers are those of the IP header.
enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17, kSctp = 132 };
ANTREA_API std::string_view to_string(Protocol protocol);  ///< "TCP", "UDP", "SCTP"
ANTREA_API Result<Protocol> parse_protocol(std::string_view text);

/// core/v1 Namespace
struct Namespace {
  ObjectMeta metadata;
  std::string phase;  ///< status.phase
  friend bool operator==(const Namespace&, const Namespace&) = default;
};

/// Keeps Pods off a Node that do not tolerate it.
struct Taint {
  std::string key, value;
  std::string effect;  ///< "NoSchedule", "PreferNoSchedule", "NoExecute"
  friend bool operator==(const Taint&, const Taint&) = default;
};

/// core/v1 Node
struct Node {
  ObjectMeta metadata;
  std::vector<IpPrefix> pod_cidrs;      ///< spec.podCIDRs (or podCIDR), one per family
  std::vector<IpAddress> internal_ips;  ///< status.addresses of type InternalIP
  std::vector<IpAddress> external_ips;  ///< status.addresses of type ExternalIP
  bool ready = false;                   ///< condition Ready is True
  bool unschedulable = false;
  std::vector<Taint> taints;  ///< spec.taints
  friend bool operator==(const Node&, const Node&) = default;
};

struct ContainerPort {
  std::string name;
  std::int32_t container_port = 0;
  std::int32_t host_port = 0;
  Protocol protocol = Protocol::kTcp;
  friend bool operator==(const ContainerPort&, const ContainerPort&) = default;
};

struct Container {
  std::string name;
  std::string image;
  std::vector<ContainerPort> ports;
  friend bool operator==(const Container&, const Container&) = default;
};

/// core/v1 Pod, as far as networking reads it.
struct Pod {
  ObjectMeta metadata;
  std::string node_name;
  std::string service_account_name;
  bool host_network = false;
  std::vector<Container> containers;  ///< spec.containers only
  std::string hostname, subdomain;
  std::string phase;                ///< "Pending", "Running", "Succeeded", "Failed", "Unknown"
  std::vector<IpAddress> pod_ips;   ///< status.podIPs (or podIP)
  std::vector<IpAddress> host_ips;  ///< status.hostIPs (or hostIP)
  bool ready = false;               ///< condition Ready is True
  bool terminated() const { return phase == "Succeeded" || phase == "Failed"; }
  friend bool operator==(const Pod&, const Pod&) = default;
};

struct ServicePort {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  std::int32_t port = 0;
  IntOrString target_port;
  std::int32_t node_port = 0;
  std::string app_protocol;
  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

enum class ServiceType : std::uint8_t { kClusterIP, kNodePort, kLoadBalancer, kExternalName };
enum class TrafficPolicy : std::uint8_t { kCluster, kLocal };

/// core/v1 Service
struct Service {
  ObjectMeta metadata;
  ServiceType type = ServiceType::kClusterIP;
  Labels selector;
  std::vector<ServicePort> ports;
  std::vector<IpAddress> cluster_ips;  ///< empty when headless or not yet allocated
  bool headless = false;               ///< clusterIP is "None"
  std::vector<Family> ip_families;
  std::vector<IpAddress> external_ips;
  std::vector<IpAddress> load_balancer_ips;  ///< status.loadBalancer.ingress[].ip with ipMode VIP
  std::string load_balancer_ip;  ///< spec.loadBalancerIP, as written: Kubernetes does not check it
  std::vector<IpPrefix> load_balancer_source_ranges;
  TrafficPolicy internal_traffic_policy = TrafficPolicy::kCluster;
  TrafficPolicy external_traffic_policy = TrafficPolicy::kCluster;
  bool session_affinity_client_ip = false;
  std::int32_t session_affinity_timeout_seconds = 10800;
  bool publish_not_ready_addresses = false;
  std::int32_t health_check_node_port = 0;
  std::string traffic_distribution;
  friend bool operator==(const Service&, const Service&) = default;
};

/// One endpoint of an EndpointSlice. An absent condition is read as the API says: ready true,
/// serving = ready, terminating false.
struct Endpoint {
  std::vector<IpAddress> addresses;
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  std::string node_name;
  std::string zone;
  std::vector<std::string> hint_zones, hint_nodes;
  std::optional<ObjectKey> target_pod;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct EndpointPort {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  std::optional<std::int32_t> port;
  friend bool operator==(const EndpointPort&, const EndpointPort&) = default;
};

/// discovery.k8s.io/v1 EndpointSlice. `service_name` is the label kubernetes.io/service-name.
struct EndpointSlice {
  ObjectMeta metadata;
  std::string service_name;
  Family address_type = Family::kIPv4;
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
  friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

}  // namespace antrea::api
