#pragma once

#include "antrea/node/host_network.h"

namespace antrea::node {

/// Adds what the Services need of the host.
void add_host_services(const NodeConfig& config, const proxy::HostServices& services,
                       const std::set<IpAddress>& node_port_addresses, HostState& state);

}  // namespace antrea::node
