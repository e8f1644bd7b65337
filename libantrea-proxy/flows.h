#pragma once

#include "antrea/openflow/changes.h"
#include "compile.h"
#include "group_tree.h"

namespace antrea::proxy {

/// What decisions become in the switch.
openflow::Group to_group(openflow::GroupId id, const GroupSpec& spec);
/// The two kinds of groups of a Service with many endpoints.
openflow::Group to_leaf_group(const GroupLeaf& leaf, const GroupSpec& spec,
                              std::span<const PlacedBackend> endpoints);
openflow::Group to_choice_group(openflow::GroupId id, const GroupSpec& spec,
                                std::span<const GroupLeaf> leaves);
/// Groups in `flows` by ID.
void append_frontend_flows(const Frontend& frontend, const FrontendFlows& flows,
                           std::vector<openflow::Flow>& out);
openflow::Flow endpoint_flow(const Backend& backend, api::Protocol protocol);
openflow::FlowKey endpoint_flow_key(const Backend& backend, api::Protocol protocol);
openflow::Flow node_port_flow(const IpAddress& address);
std::vector<openflow::Flow> common_flows(const BalancerConfig& config);

}  // namespace antrea::proxy
