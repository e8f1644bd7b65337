#pragma once

#include "antrea/openflow/changes.h"
#include "compile.h"

namespace antrea::proxy {

/// What decisions become in the switch.
openflow::Group to_group(openflow::GroupId id, const GroupSpec& spec, bool consistent);
/// Groups in `flows` by ID.
void append_frontend_flows(const Frontend& frontend, const FrontendFlows& flows,
                           std::vector<openflow::Flow>& out);
openflow::Flow endpoint_flow(const Backend& backend, api::Protocol protocol);
openflow::FlowKey endpoint_flow_key(const Backend& backend, api::Protocol protocol);
openflow::Flow node_port_flow(const IpAddress& address);
std::vector<openflow::Flow> common_flows(const BalancerConfig& config);

}  // namespace antrea::proxy
