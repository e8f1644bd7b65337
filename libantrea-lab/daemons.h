#pragma once

#include <string>
#include <vector>

#include "antrea/lab/lab_dir.h"
#include "antrea/lab/topology.h"

/// The command lines of the project's own programs, all in one place.
namespace antrea::lab {

/// Where the Pods and Services of a lab live.
struct ClusterNetwork {
  static constexpr const char* kPodCidr = "10.10.0.0/16";
  static constexpr const char* kServiceCidr = "10.96.0.0/16";
};

/// Runs on the machine's own network, so that kubectl reaches it at 127.0.0.1; nothing else listens
/// there.
Result<ProcessOptions> controller_command(const LabDir& dir);

/// Runs on its Node.
Result<ProcessOptions> agent_command(const LabDir& dir, const Node& node);

/// The agent's socket for CNI requests, as paths that hold outside of the Node's own view too.
std::string cni_socket(const Node& node);

/// One CNI request as a container runtime makes it: the plugin's environment, on the Node.
struct CniCall {
  std::string command;  ///< ADD, DEL, CHECK
  std::string container_id;
  std::string netns;  ///< a path
  std::string pod_namespace;
  std::string pod_name;
};
Result<ProcessOptions> cni_command(const Node& node, const CniCall& call);
/// What it gets on standard input.
std::string cni_config(const Node& node);

}  // namespace antrea::lab
