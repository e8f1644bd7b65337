#pragma once

#include <optional>
#include <string>

#include "antrea/base/ip.h"
#include "antrea/base/remote.h"

namespace antrea::controller {

struct Options {
  std::string state_dir;  ///< keeps objects, token and certificates; empty: all in memory
  Remote listen;          ///< of the API; port 0: any free one, the last one if it is still free
  std::string kubeconfig_out;  ///< written once the API serves; empty: only in `state_dir`
  IpPrefix cluster_cidr;       ///< Nodes' Pod CIDRs are cut from it
  unsigned node_mask_size = 24;
  IpPrefix service_cidr;
  std::string log_level;
};

/// The options, or the exit code with which to end.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace antrea::controller
