#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "antrea/lab/topology.h"

namespace antrea::lab {

/// What can go wrong with a Node.
enum class Fault : std::uint8_t {
  kAgent,   ///< the agent ends, by SIGKILL
  kNode,    ///< all of the Node's processes end, by SIGKILL, and its link is cut
  kLink,    ///< its link is cut
  kGossip,  ///< what agents say to each other of who is alive is lost, both ways; all else is not
  kOneway,  ///< what the Node sends is lost; it still hears
  kPause,   ///< its processes are stopped (SIGSTOP), and go on where they were
  kLoss,    ///< of what the Node sends, 30 % is lost
  kJitter,  ///< what it sends and hears comes up to 50 ms late, in another order (`LateLink`)
};
/// As the command line has it: "agent", "node", "link", "gossip", "oneway", "pause", "loss",
/// "jitter".
ANTREA_API std::string_view to_string(Fault fault);
/// Error: kInvalidArgument, listing what there is.
ANTREA_API Result<Fault> parse_fault(std::string_view name);
ANTREA_API std::span<const Fault> all_faults();

/// What of a fault is the network's. Nothing for those that are about processes only, and for
/// kJitter, which lasts as long as its `LateLink`.
ANTREA_API Result<> cut_network(Topology& topology, Node& node, Fault fault);
/// Takes away whatever `cut_network` did to the Node.
ANTREA_API Result<> mend_network(Topology& topology, Node& node);

}  // namespace antrea::lab
