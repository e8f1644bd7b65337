#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "antrea/base/export.h"
#include "antrea/openflow/multipart.h"

namespace antrea::policy {

/// What a conjunction has decided on, since its flows are in the switch.
struct RuleCounters {
  std::uint64_t sessions = 0;  ///< first packets; what is denied has no other ones
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const RuleCounters&, const RuleCounters&) = default;
};

/// Reads the counters of the tables EgressMetric and IngressMetric, by conjunction (see
/// `FlowCompiler::rule_of`): of what was allowed there are two flows a family, for first packets
/// and for the others, of what was denied one. Flows that are not `FlowCompiler`'s are passed over.
ANTREA_API std::map<std::uint32_t, RuleCounters> count_rules(
    std::span<const openflow::FlowStats> flows);

}  // namespace antrea::policy
