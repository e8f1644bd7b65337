#include "antrea/node/host_inputs.h"

#include "antrea/node/host_policies.h"

namespace antrea::node {

HostState desired_host_state(const HostInputs& inputs) {
  HostState desired =
      desired_host_state(inputs.config, inputs.peers, inputs.services, inputs.node_port_addresses);
  desired.complete = inputs.services_known;
  if (inputs.node_rules) add_node_policies(*inputs.node_rules, desired);
  if (inputs.local_ports) add_local_ports(inputs.config, *inputs.local_ports, desired);
  return desired;
}

}  // namespace antrea::node
