#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "antrea/base/clock.h"
#include "antrea/base/log.h"
#include "antrea/ovsdb/replica.h"
#include "antrea/ovsdb/transaction.h"

namespace antrea::ovsdb {

struct ClientOptions {
  std::string remote;  ///< "unix:PATH" or "tcp:HOST:PORT"
  std::string database = "Open_vSwitch";
  std::vector<TableSelection> monitor;
  Duration connect_timeout = std::chrono::seconds(5);
  /// After this long without a byte the server is probed, after as long again given up.
  Duration probe_interval = std::chrono::seconds(5);
  Duration first_backoff = std::chrono::milliseconds(100);
  Duration most_backoff = std::chrono::seconds(8);
  Logger logger = null_logger();
};

/// A shell: keeps one session with an ovsdb-server, and in it a replica of the monitored tables.
///
/// All of it runs on the executor it was given, which must not run handlers in parallel (one
/// thread, or a strand); that is also where its callbacks come. A lost session is opened again with
/// backoff; the replica keeps its contents meanwhile, and callbacks tell only what differs
/// afterwards.
class ANTREA_API Client {
 public:
  using ChangeHandler = std::function<void(const RowChanges&)>;
  using SessionHandler = std::function<void(bool synced)>;

  Client(boost::asio::any_io_executor executor, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects, monitors, connects again, until `stop` or cancellation. To be spawned once by the
  /// owner.
  boost::asio::awaitable<void> run();
  void stop();

  /// True while the replica follows the server.
  bool synced() const;
  const Replica& replica() const;
  /// Why the last session ended or could not begin.
  const Error& last_error() const;
  /// How often a session got as far as following the server.
  std::uint64_t sessions() const;

  /// Called once per notification, with all its changes, after the replica has them. The first
  /// contents are insertions.
  void on_change(ChangeHandler handler);
  void on_session(SessionHandler handler);

  /// Errors: kTimeout, naming why the server is away.
  boost::asio::awaitable<Result<>> wait_synced(TimePoint deadline);
  /// Checks `condition` now and after each change of the replica or the session, until it holds
  /// (true) or the deadline passes (false).
  boost::asio::awaitable<bool> wait_until(std::function<bool()> condition, TimePoint deadline);

  /// Waits for a session if there is none. The replica has a transaction's effects before this
  /// returns. Errors: those of `Transaction::check`; kUnavailable when the session was lost first
  /// and kTimeout when no reply came in time: whether it was applied is then unknown.
  boost::asio::awaitable<Result<TransactionResult>> transact(
      Transaction transaction, Duration timeout = std::chrono::seconds(10));

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antrea::ovsdb
