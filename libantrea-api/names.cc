#include "antrea/api/controlplane.h"
#include "antrea/api/core.h"

namespace antrea::api {

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "Unknown";
}

Result<Protocol> parse_protocol(std::string_view text) {
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
    if (text == to_string(protocol)) return protocol;
  return make_error(Errc::kInvalidArgument,
                    "protocol: found \"" + std::string(text) + "\", expected TCP, UDP or SCTP");
}

namespace controlplane {

std::string_view to_string(PolicyType type) {
  switch (type) {
    case PolicyType::kK8sNetworkPolicy:
      return "K8sNetworkPolicy";
    case PolicyType::kAntreaClusterNetworkPolicy:
      return "AntreaClusterNetworkPolicy";
    case PolicyType::kAntreaNetworkPolicy:
      return "AntreaNetworkPolicy";
    case PolicyType::kAdminNetworkPolicy:
      return "AdminNetworkPolicy";
    case PolicyType::kBaselineAdminNetworkPolicy:
      return "BaselineAdminNetworkPolicy";
    case PolicyType::kClusterNetworkPolicy:
      return "ClusterNetworkPolicy";
  }
  return "Unknown";
}

std::string NetworkPolicyReference::to_string() const {
  std::string text(controlplane::to_string(type));
  text += ':';
  if (!namespace_.empty()) text += namespace_ + '/';
  return text + name;
}

}  // namespace controlplane
}  // namespace antrea::api
