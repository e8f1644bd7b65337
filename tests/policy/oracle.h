#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/admin_policy.h"
#include "antrea/api/antrea_policy.h"
#include "antrea/api/networking.h"

/// What the policies of a cluster say about one packet, read from the texts of the APIs and nothing
/// else: no index, no groups, no code of the library.
namespace antrea::policy::testing {

struct Cluster {
  std::map<std::string, api::Namespace> namespaces;
  std::map<api::ObjectKey, api::Pod> pods;
  std::map<api::ObjectKey, api::NetworkPolicy> policies;

  std::map<std::string, api::Node> nodes;
  std::map<api::ObjectKey, api::Service> services;
  std::map<api::ObjectKey, api::crd::ExternalEntity> entities;
  std::map<std::string, api::crd::Tier> tiers;
  std::map<api::ObjectKey, api::crd::Group> groups;
  std::map<std::string, api::crd::ClusterGroup> cluster_groups;
  std::map<api::ObjectKey, api::crd::NetworkPolicy> antrea_policies;
  std::map<std::string, api::crd::ClusterNetworkPolicy> antrea_cluster_policies;
  std::map<std::string, api::admin::AdminNetworkPolicy> admin_policies;
  std::optional<api::admin::BaselineAdminNetworkPolicy> baseline_policy;
  std::map<std::string, api::admin::ClusterNetworkPolicy> cluster_network_policies;
  /// What DNS has answered, by name in lower case.
  std::map<std::string, std::set<IpAddress>> resolved;
};

/// The first packet of a connection. An end that is a Pod names it; its address is one of the
/// Pod's.
struct Probe {
  const api::Pod* from = nullptr;  ///< null: not a Pod that selectors could pick
  const api::Pod* to = nullptr;
  IpAddress source, destination;
  std::uint8_t protocol = 6;  ///< of the IP header; ICMP is 1 in both families
  std::uint16_t port = 0;
  std::uint16_t source_port = 0;
  std::uint8_t icmp_type = 8, icmp_code = 0;
  std::optional<api::ObjectKey> service;  ///< by which the packet was sent
  bool by_node_port = false;              ///< to a NodePort of it; else to its cluster IP
  std::string to_string() const;
};

/// What networking.k8s.io NetworkPolicy alone says; nothing if no policy isolates the target.
std::optional<bool> oracle_k8s_verdict(const Cluster& cluster, bool ingress, const Probe& probe);
/// Whether a rule of this one policy allows the probe in that direction.
bool oracle_policy_allows(const Cluster& cluster, const api::NetworkPolicy& policy, bool ingress,
                          const Probe& probe);

/// A Pod that takes part in the Pod network and lives.
bool oracle_is_member(const api::Pod& pod);

// What both readings stand on.
bool oracle_selects(const api::LabelSelector& selector, const api::Labels& labels);
/// A Namespace that is not known has no labels.
bool oracle_selects_namespace(const Cluster& cluster, const api::LabelSelector& selector,
                              const std::string& name);
bool oracle_contains(const api::IpBlock& block, const IpAddress& address);

}  // namespace antrea::policy::testing
