#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "antrea/openflow/switch.h"

namespace antrea::node {

/// What a starting agent has to know of the switch before it computes flows for it.
struct SwitchFacts {
  bool meters = false;  ///< see `supports_meters`
  /// The flows of an earlier life from the tables where rules with tiers lie, for
  /// `policy::FlowCompiler::adopt`.
  std::vector<openflow::Flow> policy_flows;
};

/// Asks a running `openflow::Switch`, again where the connection is lost meanwhile. Errors: those
/// of `Connection::wait_ready`; what the switch answered that does not decode.
ANTREA_API boost::asio::awaitable<Result<SwitchFacts>> read_switch_facts(
    openflow::Switch& the_switch, TimePoint deadline);

}  // namespace antrea::node
