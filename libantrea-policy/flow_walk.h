#pragma once

#include <map>
#include <vector>

#include "antrea/openflow/changes.h"
#include "antrea/policy/evaluator.h"

namespace antrea::policy {

/// The flows of a switch, in the order in which it looks at them: by table, the highest priority
/// first.
struct FlowOrder {
  bool operator()(const openflow::FlowKey& a, const openflow::FlowKey& b) const {
    if (a.table != b.table) return a.table < b.table;
    if (a.priority != b.priority) return a.priority > b.priority;
    return a.match < b.match;
  }
};
using SwitchFlows = std::map<openflow::FlowKey, openflow::Flow, FlowOrder>;

/// Where a packet comes to the policy tables of its direction.
struct WalkStart {
  Conversation conversation;
  api::controlplane::Direction direction{};
  std::uint32_t ofport = 0;         ///< of the target; ingress
  std::uint32_t service_group = 0;  ///< by which it was sent
};
struct WalkEnd {
  std::vector<openflow::Flow> flows;  ///< that were met
  bool dropped = false;
};
/// Looks the packet up as Open vSwitch does (ovs-fields(7), "Conjunctive Match Fields").
WalkEnd walk(const SwitchFlows& flows, const WalkStart& start);

}  // namespace antrea::policy
