#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/lab/namespace.h"
#include "antrea/lab/process.h"

namespace antrea::lab {

/// Which of Open vSwitch's userspace datapaths a lab uses. Both are the same code (dpif-netdev).
enum class Datapath : std::uint8_t {
  kNetdev,  ///< internal ports are tap devices: needs /dev/net/tun
  kDummy,   ///< internal ports are seen by Open vSwitch only; the host's end is a veth. Needs
            ///< nothing.
};

/// The value of Bridge.datapath_type: "netdev" or "dummy".
ANTREA_API std::string_view to_string(Datapath datapath);

/// One host's Open vSwitch: its own ovsdb-server and ovs-vswitchd, in its own folder, without the
/// kernel's datapath.
class ANTREA_API VSwitch {
 public:
  /// Starts both daemons in `view` and returns once they answer. `run_dir` (created) holds the
  /// database, sockets, pid files and logs, under the names the tools expect: with OVS_RUNDIR set
  /// to it, or shown at /run/openvswitch, every ovs-* command works. Error: kNotFound without Open
  /// vSwitch; kUnavailable with the end of the daemon's log.
  static Result<VSwitch> start(const HostView& view, const std::string& run_dir,
                               const std::string& system_id, Datapath datapath);

  /// Runs one of Open vSwitch's tools on this host, e.g. {"ovs-vsctl", "show"}; returns its
  /// standard output.
  Result<std::string> tool(std::vector<std::string> argv) const;

  const std::string& run_dir() const { return run_dir_; }
  Datapath datapath() const { return datapath_; }
  Process& database() { return database_; }
  Process& daemon() { return daemon_; }
  /// Starts again whichever of the two has ended (for tests that kill them).
  Result<> restart_dead();

 private:
  VSwitch() = default;
  Result<> start_database();
  Result<> start_daemon();
  std::vector<std::string> environment() const;

  HostView view_;
  std::string run_dir_;
  Datapath datapath_ = Datapath::kNetdev;
  Process database_;
  Process daemon_;
};

}  // namespace antrea::lab
