#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "antrea/api/antrea_policy.h"

/// crd.antrea.io/v1beta1 Egress and ExternalIPPool (antrea: pkg/apis/crd/v1beta1/types.go). Their
/// JSON form is in egress_json.h.
namespace antrea::api::crd {

/// Limits of what leaves with an Egress IP.
struct Bandwidth {
  std::uint64_t rate = 0;   ///< bits per second
  std::uint64_t burst = 0;  ///< bits
  friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

/// One address of an Egress: which one, and the pool that it comes from. At least one is given.
struct EgressAddress {
  std::optional<IpAddress> ip;  ///< absent: not allocated yet
  std::string pool;             ///< empty: some Node has the address already
  friend bool operator==(const EgressAddress&, const EgressAddress&) = default;
};

/// Whose traffic leaves the cluster with which addresses.
struct EgressSpec {
  /// Of `appliedTo`; without either, no Pod is selected.
  std::optional<LabelSelector> pod_selector, namespace_selector;
  /// From egressIP and externalIPPool, or, if `several`, the entries of egressIPs and
  /// externalIPPools that have the same index.
  std::vector<EgressAddress> addresses;
  bool several = false;  ///< which of the two forms the object has
  std::optional<Bandwidth> bandwidth;
  friend bool operator==(const EgressSpec&, const EgressSpec&) = default;
};

struct EgressStatus {
  std::string egress_node;
  std::string egress_ip;
  std::vector<Condition> conditions;
  friend bool operator==(const EgressStatus&, const EgressStatus&) = default;
};

struct Egress {
  ObjectMeta metadata;
  EgressSpec spec;
  EgressStatus status;
  friend bool operator==(const Egress&, const Egress&) = default;
};

/// Consecutive addresses of one family, both ends included.
struct IpRange {
  IpAddress start, end;
  /// Given as this CIDR, whose first address is not handed out, nor, for IPv4, its last one.
  std::optional<IpPrefix> cidr;

  bool contains(const IpAddress& address) const { return start <= address && address <= end; }
  bool overlaps(const IpRange& other) const { return start <= other.end && other.start <= end; }
  /// "10.0.0.0/24" or "10.0.0.1-10.0.0.9".
  ANTREA_API std::string to_string() const;
  friend bool operator==(const IpRange&, const IpRange&) = default;
};

/// The subnet that the addresses of a pool are in, if it is not the Nodes' own.
struct SubnetInfo {
  IpAddress gateway;
  std::uint8_t prefix_length = 0;
  std::uint16_t vlan = 0;  ///< 0: none
  IpPrefix subnet() const { return {gateway, prefix_length}; }
  friend bool operator==(const SubnetInfo&, const SubnetInfo&) = default;
};

struct PoolUsage {
  std::int64_t total = 0, used = 0;
  friend bool operator==(const PoolUsage&, const PoolUsage&) = default;
};

struct ExternalIPPool {
  ObjectMeta metadata;
  std::vector<IpRange> ranges;
  std::optional<SubnetInfo> subnet_info;
  LabelSelector node_selector;  ///< which Nodes may have its addresses
  std::optional<PoolUsage> usage;
  friend bool operator==(const ExternalIPPool&, const ExternalIPPool&) = default;
};

}  // namespace antrea::api::crd
