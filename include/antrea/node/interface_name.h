#pragma once

#include <string>
#include <string_view>

#include "antrea/base/export.h"

namespace antrea::node {

inline constexpr std::string_view kBridgeName = "br-int";
inline constexpr std::string_view kGatewayName = "antrea-gw0";
inline constexpr std::string_view kTunnelName = "antrea-tun0";

/// The host side of a Pod's veth pair: up to eight characters of the Pod's name, a dash, six hex
/// digits of SHA-1 over the container ID (over container ID and interface name for other interfaces
/// than eth0), e.g. "frontend-fbd015". At most 15 characters, as the kernel wants it (antrea:
/// pkg/agent/util/net.go, GenerateContainerInterfaceName).
ANTREA_API std::string host_interface_name(std::string_view pod_name, std::string_view container_id,
                                           std::string_view interface = "eth0");

}  // namespace antrea::node
