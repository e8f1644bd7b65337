#pragma once

#include "antrea/ovsdb/client.h"

namespace antrea::ovsdb {

struct BridgeSpec {
  std::string name;
  std::string datapath_type;  ///< "" or "system": the kernel's; "netdev": userspace
  std::vector<std::string> protocols{"OpenFlow15"};
  std::string fail_mode = "secure";
  StringMap external_ids;  ///< to be there; other keys are left alone
  StringMap other_config;  ///< likewise
};

struct PortSpec {
  std::string name;
  std::string
      type;  ///< "" (a device that exists), "internal", "geneve", "vxlan", "gre", "patch" ...
  StringMap options;
  StringMap external_ids;                       ///< of the Port row, to be there
  std::optional<std::uint32_t> ofport_request;  ///< 1 to 65279; a wish
  std::optional<std::string> mac;
  std::optional<std::uint32_t> mtu_request;
  std::optional<std::uint16_t> tag;
};

struct Port {
  std::string name;
  std::string bridge;
  std::string type;
  Uuid uuid;
  Uuid interface_uuid;
  std::optional<std::int64_t> ofport;  ///< none: not made yet; -1: could not be made, see `error`
  std::string error;
  std::string mac_in_use;
  std::optional<std::int64_t> mtu;
  StringMap options;
  StringMap external_ids;
};

struct Bridge {
  std::string name;
  Uuid uuid;
  std::string datapath_type;
  std::string datapath_id;  ///< 16 hex digits; empty until the switch has made it
  StringMap external_ids;
  StringMap other_config;
};

/// The tables of an Open vSwitch as an agent uses them, on top of a client that follows
/// `monitored()`.
///
/// Everything states what shall be: what is there already is not written again, what lacks is
/// added, keys and ports of others stay. A call may be repeated, also after its outcome was lost
/// with the session.
class ANTREA_API VSwitch {
 public:
  explicit VSwitch(Client& client) : client_(client) {}
  /// What the client's options must select. No column in it changes by itself.
  static std::vector<TableSelection> monitored();

  /// Makes the bridge with its local port and waits until the switch runs it. Errors: kTimeout (is
  /// ovs-vswitchd running?), those of `Client::transact`.
  boost::asio::awaitable<Result<Bridge>> ensure_bridge(BridgeSpec spec,
                                                       Duration timeout = std::chrono::seconds(10));
  boost::asio::awaitable<Result<>> del_bridge(std::string name,
                                              Duration timeout = std::chrono::seconds(10));

  /// Adds the port and waits for its OpenFlow port number. A port that does not come up is taken
  /// out again, unless it was there before. Errors: kRejected with the switch's own words (no such
  /// device ...), kAlreadyExists (in another bridge), kNotFound (no such bridge), kTimeout.
  boost::asio::awaitable<Result<Port>> add_port(std::string bridge, PortSpec spec,
                                                Duration timeout = std::chrono::seconds(10));
  /// The same for many, in one transaction; an outcome for each, in the order asked for.
  boost::asio::awaitable<Result<std::vector<Result<Port>>>> add_ports(
      std::string bridge, std::vector<PortSpec> specs, Duration timeout = std::chrono::seconds(10));
  /// No such port is success.
  boost::asio::awaitable<Result<>> del_port(std::string bridge, std::string port,
                                            Duration timeout = std::chrono::seconds(10));
  boost::asio::awaitable<Result<>> del_ports(std::string bridge, std::vector<std::string> ports,
                                             Duration timeout = std::chrono::seconds(10));

  /// Sets keys and drops others; the rest stays.
  boost::asio::awaitable<Result<>> set_bridge_external_ids(
      std::string bridge, StringMap set, std::vector<std::string> drop = {},
      Duration timeout = std::chrono::seconds(10));
  boost::asio::awaitable<Result<>> set_port_external_ids(
      std::string port, StringMap set, std::vector<std::string> drop = {},
      Duration timeout = std::chrono::seconds(10));
  /// Of the Open_vSwitch row, e.g. "flow-restore-wait".
  boost::asio::awaitable<Result<>> set_other_config(StringMap set,
                                                    std::vector<std::string> drop = {},
                                                    Duration timeout = std::chrono::seconds(10));
  /// Waits until ovs-vswitchd has applied everything written before this call.
  boost::asio::awaitable<Result<>> wait_configured(Duration timeout = std::chrono::seconds(10));

  // Snapshots of the replica; complete while the client is synced.
  std::optional<Bridge> bridge(std::string_view name) const;
  std::vector<Port> ports(std::string_view bridge) const;
  std::optional<Port> port(std::string_view name) const;
  std::string ovs_version() const;
  StringMap other_config() const;

 private:
  struct Plan;
  std::pair<Uuid, RowPtr> find_by_name(std::string_view table, std::string_view name) const;
  RowPtr root() const;
  Port describe(const Uuid& uuid, const Row& port, std::string_view bridge) const;
  Result<Plan> plan_ports(const std::string& bridge, const std::vector<PortSpec>& specs) const;
  boost::asio::awaitable<Result<>> set_map(std::string table, std::string name, std::string column,
                                           StringMap set, std::vector<std::string> drop,
                                           Duration timeout);

  Client& client_;
};

}  // namespace antrea::ovsdb
