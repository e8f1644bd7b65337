#pragma once

#include "antrea/api/pipeline.h"
#include "antrea/openflow/changes.h"
#include "compile.h"
#include "group_tree.h"

namespace antrea::proxy {

/// Where connections are translated to, by a flow of EndpointDNAT.
struct Endpoint {
  Backend backend;
  api::Protocol protocol = api::Protocol::kTcp;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
/// That a group has an endpoint, said by a flow of ServiceLB: clients that are remembered for it,
/// or connections that are kept at it, are led to it while that is there.
struct Member {
  openflow::GroupId group;
  Endpoint endpoint;
  api::pipeline::EpState state = api::pipeline::EpState::kRemembered;  ///< or kKept
  friend bool operator==(const Member&, const Member&) = default;
};

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
openflow::Flow to_flow(const Endpoint& endpoint);
openflow::FlowKey to_flow_key(const Endpoint& endpoint);
openflow::Flow to_flow(const Member& member);
openflow::FlowKey to_flow_key(const Member& member);
openflow::Flow node_port_flow(const IpAddress& address);
std::vector<openflow::Flow> common_flows(const BalancerConfig& config);

}  // namespace antrea::proxy
