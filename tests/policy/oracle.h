#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/networking.h"

/// What networking.k8s.io/v1 NetworkPolicy says about one packet, read from the API's text and
/// nothing else: no index, no groups, no code of the library.
namespace antrea::policy::testing {

struct Cluster {
  std::map<std::string, api::Namespace> namespaces;
  std::map<api::ObjectKey, api::Pod> pods;
  std::map<api::ObjectKey, api::NetworkPolicy> policies;
};

/// The first packet of a connection. An end that is a Pod names it; its address is one of the
/// Pod's.
struct Probe {
  const api::Pod* from = nullptr;  ///< null: not a Pod that selectors could pick
  const api::Pod* to = nullptr;
  IpAddress source, destination;
  std::uint8_t protocol = 6;  ///< of the IP header; ICMP is 1 in both families
  std::uint16_t port = 0;
  std::string to_string() const;
};

bool oracle_allows_egress(const Cluster& cluster, const Probe& probe);
bool oracle_allows_ingress(const Cluster& cluster, const Probe& probe);
/// Whether a rule of this one policy allows the probe in that direction.
bool oracle_policy_allows(const Cluster& cluster, const api::NetworkPolicy& policy, bool ingress,
                          const Probe& probe);

/// A Pod that takes part in the Pod network and lives.
bool oracle_is_member(const api::Pod& pod);

}  // namespace antrea::policy::testing
