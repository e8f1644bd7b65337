#include "antrea/proxy/service_types.h"

#include "antrea/api/pipeline.h"

namespace antrea::proxy {

IpAddress node_port_ip(Family family) {
  if (family == Family::kIPv4) return IpAddress::v4(api::pipeline::kNodePortDnatIp);
  return IpAddress::v6({0xfc, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xfe});
}

std::string_view to_string(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return "ClusterIP";
    case FrontendKind::kNodePort:
      return "NodePort";
    case FrontendKind::kLoadBalancer:
      return "LoadBalancer";
    case FrontendKind::kExternalIp:
      return "ExternalIP";
  }
  return "";
}

}  // namespace antrea::proxy
