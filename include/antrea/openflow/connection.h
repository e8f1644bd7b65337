#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "antrea/base/clock.h"
#include "antrea/base/log.h"
#include "antrea/openflow/codec.h"

namespace antrea::openflow {

/// PEM files. Both sides prove who they are by a certificate of the same CA, as Open vSwitch has
/// it; names in it are not looked at.
struct TlsFiles {
  std::string private_key;
  std::string certificate;
  std::string ca_certificate;
};

struct ConnectionOptions {
  /// "unix:PATH" (a bridge's .mgmt socket), "tcp:HOST[:PORT]" or "ssl:HOST[:PORT]"; or, to wait for
  /// the switch to connect, "punix:PATH", "ptcp:[PORT][:HOST]" or "pssl:[PORT][:HOST]". An IPv6
  /// address stands in brackets; the port is 6653 unless given.
  std::string remote;
  TlsFiles tls;  ///< for ssl: and pssl:, all of them
  Duration connect_timeout = std::chrono::seconds(5);
  /// After this long without a byte the switch is probed, after as long again given up; so it is
  /// when it takes none of our bytes for as long as both together.
  Duration probe_interval = std::chrono::seconds(5);
  bool retry = true;  ///< false: `run` ends with the first session, or the first failure to get one
  Duration first_backoff = std::chrono::milliseconds(100);
  Duration most_backoff = std::chrono::seconds(8);
  std::uint32_t backoff_seed = 0;  ///< of the jitter; 0: another one each time
  /// Bytes that may wait for the switch to read them before senders wait.
  std::size_t write_limit = std::size_t{1} << 20;
  /// Bytes of all parts of one multipart reply; a longer one ends its request.
  std::size_t multipart_limit = std::size_t{1} << 30;
  /// Ask for packet-ins (as NXT_PACKET_IN2), port status and flow removed messages.
  bool asynchronous = true;
  Logger logger = null_logger();
};

/// Packet-ins of one category that wait for their reader; what does not fit is dropped and counted.
class ANTREA_API PacketInQueue {
 public:
  PacketInQueue(boost::asio::any_io_executor executor, std::size_t capacity);
  ~PacketInQueue();
  /// Waits for the next one; nothing once `close`d.
  boost::asio::awaitable<std::optional<PacketIn2>> next();
  void close();
  bool push(PacketIn2 packet);  ///< false: dropped
  std::uint64_t dropped() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// A message that the switch refused.
struct Refusal {
  std::size_t index = 0;  ///< among the messages of its exchange
  OfError error;
};

class Connection;

/// Collects the errors of messages that have no reply of their own, for as long as it exists: those
/// of a bundle come at ADD and again at COMMIT.
class ANTREA_API Exchange {
 public:
  explicit Exchange(Connection& connection);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// The first 1000, in the order they came.
  const std::vector<Refusal>& refusals() const { return refusals_; }

 private:
  friend class Connection;
  std::weak_ptr<void> registry_;
  std::uint32_t first_xid_ = 0;
  std::uint32_t count_ = 0;
  std::vector<Refusal> refusals_;
};

/// A shell: keeps one OpenFlow 1.5 session with a switch, at the address it was given or, where it
/// listens, with the switch that comes; others that come meanwhile wait.
///
/// All of it runs on the executor it was given, which must not run handlers in parallel; that is
/// also where callbacks come. Reading never waits for writing, so that neither side can wedge the
/// other. A lost session is opened again with backoff; its requests end with kUnavailable.
class ANTREA_API Connection {
 public:
  /// Appends the next message with the given xid.
  using MessageSource = std::function<void(std::uint32_t xid, std::vector<std::byte>& out)>;
  using PartHandler = std::function<Result<>(std::span<const std::byte> wire)>;

  Connection(boost::asio::any_io_executor executor, ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects, negotiates, connects again, until `stop` or cancellation. To be spawned once by the
  /// owner.
  boost::asio::awaitable<void> run();
  void stop();
  /// Ends the session there is, as a lost reply demands; `run` opens another one.
  void drop(std::string reason);

  bool ready() const;
  std::uint64_t sessions() const;
  std::uint64_t datapath_id() const;
  /// Where it listens, with the port it got; else the remote it was given.
  std::string address() const;
  const Error& last_error() const;
  /// Waits for a session. Errors: kTimeout, naming why there is none; why there will be none.
  boost::asio::awaitable<Result<>> wait_ready(TimePoint deadline);

  /// One reply. Errors: kRejected (the switch's error by name), kUnavailable, kTimeout.
  boost::asio::awaitable<Result<Message>> request(Message message, TimePoint deadline);
  /// All parts of a multipart reply, one by one and undecoded; the bytes are borrowed for the call.
  /// Errors: those of `request` and of `part`; kExhausted beyond the multipart limit.
  boost::asio::awaitable<Result<>> multipart(MultipartRequestBody body, PartHandler part,
                                             TimePoint deadline);
  /// The same with a request that was cut to several messages.
  boost::asio::awaitable<Result<>> multipart(std::vector<MultipartRequestBody> bodies,
                                             PartHandler part, TimePoint deadline);
  /// Sends `count` messages and then a barrier, and waits for its answer: all errors are in the
  /// exchange then.
  boost::asio::awaitable<Result<>> transmit(Exchange& exchange, std::size_t count,
                                            MessageSource source, TimePoint deadline);
  /// Sends without waiting for anything. Errors: kUnavailable; kExhausted beyond the write limit;
  /// kInvalidArgument for a message of more than 64 KiB.
  Result<> send(const Message& message);

  /// Packet-ins whose userdata starts with `category`, from now on. One queue a category.
  std::shared_ptr<PacketInQueue> subscribe(std::uint8_t category, std::size_t capacity);
  void on_session(std::function<void(bool ready)> handler);
  void on_port_status(std::function<void(const PortStatus&)> handler);
  void on_flow_removed(std::function<void(const FlowRemoved&)> handler);

  struct Statistics {
    std::uint64_t received = 0, sent = 0;  ///< messages
    std::uint64_t unclaimed_errors = 0;    ///< errors of no request that is known
    std::uint64_t unclaimed_packets = 0;   ///< packet-ins nobody subscribed to
    std::uint64_t undecodable = 0;
  };
  const Statistics& statistics() const;

 private:
  friend class Exchange;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace antrea::openflow
