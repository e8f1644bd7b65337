#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "antrea/base/ip.h"

namespace antrea::node {

/// An address of a Pod's interface, with the gateway of its subnet.
struct PodAddress {
  IpAddress address;
  unsigned prefix_length = 0;
  IpAddress gateway;
  friend bool operator==(const PodAddress&, const PodAddress&) = default;
};

/// The veth pair of a Pod: `host_name` on the Node, `name` in the Pod's network namespace.
struct PodLinkSpec {
  std::string netns;  ///< path, e.g. /proc/4711/ns/net
  std::string name;
  std::string host_name;
  MacAddress mac;
  MacAddress host_mac;
  std::uint32_t mtu = 0;  ///< 0: the kernel's default
  bool tx_checksum =
      true;  ///< false for the userspace datapath, which does not complete partial checksums
  std::vector<PodAddress> addresses;
};

/// Makes the pair with its addresses, a default route for each family, and both ends up. Blocks for
/// about a millisecond; touches the calling thread's network namespace only for moments. A pair of
/// that very name left over from a failed try is replaced. After a failure nothing of it is left.
///
/// Errors: kNotFound (no such namespace), kAlreadyExists (the Pod has an interface of that name),
/// kPermissionDenied, kIo.
ANTREA_API Result<> create_pod_link(const PodLinkSpec& spec);

/// Deletes the pair by its host end; one that is not there is deleted already. Blocks for about 16
/// ms.
ANTREA_API Result<> delete_pod_link(const std::string& host_name);

/// Whether what `create_pod_link` made is still so. Error: kNotFound or kConflict, naming the first
/// difference.
ANTREA_API Result<> check_pod_link(const PodLinkSpec& spec);

/// Sends one gratuitous ARP (RFC 5227 section 3) or unsolicited neighbour advertisement (RFC 4861
/// section 7.2.6) for each address from inside the Pod.
ANTREA_API Result<> announce_pod_addresses(const PodLinkSpec& spec);

}  // namespace antrea::node
