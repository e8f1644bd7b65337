#pragma once

#include <optional>
#include <set>
#include <vector>

#include "antrea/node/host_network.h"
#include "antrea/node/local_ports.h"
#include "antrea/policy/node_rules.h"

namespace antrea::node {

/// All that decides on what the host shall have. What is not known yet leaves alone what is there
/// of an earlier life: it may be desired once it is.
struct HostInputs {
  const NodeConfig& config;
  std::vector<PeerNode> peers;
  proxy::HostServices services;
  bool services_known = false;  ///< `services` are all
  std::set<IpAddress> node_port_addresses;
  std::optional<policy::NodeRules> node_rules;  ///< absent: not known
  std::optional<LocalPorts> local_ports;        ///< absent: not known
};

ANTREA_API HostState desired_host_state(const HostInputs& inputs);

}  // namespace antrea::node
