#pragma once

#include <optional>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/node/interface_store.h"
#include "antrea/node/node_config.h"
#include "antrea/ovsdb/vswitch.h"

namespace antrea::node {

struct BridgeOptions {
  std::string name{kBridgeName};
  std::string datapath_type;  ///< "" or "system": the kernel's; "netdev": userspace
  std::string gateway_name{kGatewayName};
  /// The bridge's port for the gateway. By default the gateway device itself, made by the switch.
  /// Another name is that of an existing device whose other end is the gateway (where the switch
  /// cannot make devices).
  std::string gateway_port{kGatewayName};
  std::string tunnel_name{kTunnelName};
  std::string tunnel_type = "geneve";        ///< or "vxlan", "gre", "stt"
  std::optional<std::uint16_t> tunnel_port;  ///< UDP; absent: the type's own
  std::string node_name;                     ///< the gateway's MAC is derived from it
  unsigned mtu = 1450;                       ///< of the gateway, bytes
};

/// The bridge as the switch runs it.
struct BridgeState {
  std::uint32_t gateway_ofport = 0;
  MacAddress gateway_mac;
  std::uint32_t tunnel_ofport = 0;
  bool userspace_datapath = false;
  InterfaceStore interfaces;  ///< read back from external_ids
};

/// Shell: the integration bridge with its gateway and tunnel ports.
///
/// What is there already is not written again, so that a restarted agent disturbs nobody: ports
/// keep their numbers, and the gateway its MAC.
class ANTREA_API Bridge {
 public:
  Bridge(ovsdb::VSwitch& vswitch, BridgeOptions options, Logger logger = null_logger());

  /// Makes what is missing and tells what there is. A tunnel port of another type or UDP port is
  /// made anew. Errors: those of `ovsdb::VSwitch`; kNotFound when the gateway device does not
  /// appear.
  boost::asio::awaitable<Result<BridgeState>> ensure();
  /// The ports now. Such as others put there are left out.
  InterfaceStore interfaces() const;
  const BridgeOptions& options() const { return options_; }

 private:
  ovsdb::VSwitch& vswitch_;
  BridgeOptions options_;
  Logger logger_;
};

/// A locally administered unicast address that follows from the Node's name.
ANTREA_API MacAddress gateway_mac_of(std::string_view node_name);

/// Bytes that encapsulation takes from the MTU of the transport interface (antrea:
/// pkg/agent/config/node_config.go).
ANTREA_API unsigned encapsulation_overhead(std::string_view tunnel_type, bool transport_is_ipv6);

}  // namespace antrea::node
