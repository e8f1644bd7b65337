#pragma once

#include <span>
#include <string>

#include "antrea/base/ip.h"
#include "antrea/node/netlink.h"

namespace antrea::node {

/// The interface that carries a Node's tunnels, and its address there.
struct Transport {
  Link link;
  IpAddress address;
};

/// The interface of that name and its IPv4 address; without a name the one that has one of the
/// Node's addresses. Error: kNotFound; those of `Netlink`.
ANTREA_API Result<Transport> find_transport(const std::string& interface,
                                            std::span<const IpAddress> node_addresses);

}  // namespace antrea::node
