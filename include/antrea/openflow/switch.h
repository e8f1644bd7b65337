#pragma once

#include <map>

#include "antrea/openflow/connection.h"
#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {

struct SwitchOptions {
  ConnectionOptions connection;
  Ownership ownership;
  /// Names to give to tables; others keep theirs.
  std::map<TableId, std::string> table_names;
  /// What each tun_metadata field stands for, one an index; others keep theirs unless `ownership`
  /// says so.
  std::vector<TlvMap> tlv_maps;
  /// How long the switch may take for a readback or a bundle before the session is given up.
  Duration request_timeout = std::chrono::seconds(30);
  /// How often to look for what others changed; zero: only on `resync`.
  Duration resync_interval{};
  Logger logger = null_logger();
};

/// A shell: keeps one switch as desired.
///
/// The owner tells what shall be there with `prepare` until it knows all of it, and then calls
/// `sync` once: only then may anything be removed from the switch. At every connect the switch is
/// read back and the difference sent as one atomic bundle; if there is none, nothing is written.
/// Later changes are committed as bundles, merged while one is on its way. A bundle whose answer
/// was lost is settled by reading back. All of it runs on the executor it was given, which must not
/// run handlers in parallel.
class ANTREA_API Switch {
 public:
  Switch(boost::asio::any_io_executor executor, SwitchOptions options);
  ~Switch();
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

  /// Connects and works until `stop` or cancellation. To be spawned once by the owner.
  boost::asio::awaitable<void> run();
  void stop();

  /// Changes what is desired without waiting for the switch; after `sync` by way of a copy. What it
  /// refuses is told to `on_refused`. Error before `sync`: kInvalidArgument (a flow longer than a
  /// message).
  Result<> prepare(const Changes& changes);
  /// What is desired is complete: begin.
  void sync();
  /// The same as `prepare`, and returns when the switch has acknowledged; before `sync`, or while
  /// there is no connection, that takes as long. Errors: kRejected names the flow, group or meter,
  /// and nothing of these changes is desired any longer; kCancelled after `stop`.
  boost::asio::awaitable<Result<>> commit(Changes changes);
  /// Waits until the switch is as desired. Error: kTimeout.
  boost::asio::awaitable<Result<>> wait_synced(TimePoint deadline);
  /// Reads back and puts right what others changed. Returns when done.
  boost::asio::awaitable<Result<>> resync();
  /// What a resync would send now.
  boost::asio::awaitable<Result<Plan>> plan();

  /// Flows in the switch with their counters.
  boost::asio::awaitable<Result<std::vector<FlowStats>>> dump_flows(
      FlowFilter filter = {}, Duration timeout = std::chrono::seconds(10));
  Result<> packet_out(const PacketOut& packet);

  bool synced() const;
  const SwitchState& state() const;
  /// For packet-ins, port status and requests of the owner's own. Its `on_session` belongs to the
  /// switch.
  Connection& connection();
  void on_session(std::function<void(bool ready)> handler);
  /// A desired flow, group or meter that the switch refused in a sync, or one of `prepare`; it is
  /// not desired any longer.
  void on_refused(std::function<void(const Error&)> handler);

  struct Statistics {
    std::uint64_t syncs = 0;     ///< readbacks completed
    std::uint64_t bundles = 0;   ///< committed
    std::uint64_t messages = 0;  ///< flow, group and meter mods sent
    std::uint64_t commits = 0;   ///< acknowledged or refused
    std::uint64_t refused = 0;   ///< flows, groups and meters
    std::uint64_t repaired = 0;  ///< differences that a resync within a session found
    std::uint64_t lost = 0;      ///< bundles whose outcome was not heard
  };
  const Statistics& statistics() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antrea::openflow
