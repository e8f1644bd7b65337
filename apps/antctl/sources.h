#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "antrea/base/result.h"

namespace antrea::antctl {

/// Where a command asks: given on the command line, found in a lab, or the defaults of a Node and
/// of kubectl.
struct Sources {
  std::string kubeconfig;  ///< --kubeconfig
  std::string agent;       ///< --agent: the agent's socket
  std::string lab;         ///< --lab
  std::string node;        ///< --node: which of the lab's Nodes

  /// GET from the API server; the body as JSON. Errors tell what answered, or why nobody did.
  Result<boost::json::value> from_api(const std::string& target) const;
  /// GET from an agent's REST endpoint.
  Result<boost::json::value> from_agent(const std::string& target) const;

 private:
  Result<std::string> agent_socket() const;
};

}  // namespace antrea::antctl
