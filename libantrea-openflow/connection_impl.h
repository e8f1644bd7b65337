#pragma once

#include <map>

#include "channel.h"

// What connection.cc (requests) and session.cc (the session that carries them) share.
namespace antrea::openflow {

inline Error lost(std::string cause) { return make_error(Errc::kUnavailable, std::move(cause)); }

struct Connection::Impl {
  /// A request on its way; lives in the frame of the coroutine that waits for it.
  struct Pending {
    PartHandler part;
    std::uint16_t part_type = 0;  ///< of multipart
    std::size_t parts_size = 0;   ///< bytes so far
    std::optional<Result<Message>> reply;
  };
  /// Takes part in `pending` for the life of a frame.
  struct Entry {
    Entry(std::map<std::uint32_t, Pending*>& map, std::uint32_t id, Pending& slot)
        : all(map), xid(id) {
      all[xid] = &slot;
    }
    ~Entry() { all.erase(xid); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    std::map<std::uint32_t, Pending*>& all;
    std::uint32_t xid;
  };

  Impl(boost::asio::any_io_executor e, ConnectionOptions o)
      : executor(e),
        options(std::move(o)),
        exchanges(std::make_shared<std::vector<Exchange*>>()),
        changed(e),
        replied(e),
        writable(e),
        drained(e),
        stopping(e) {}

  boost::asio::awaitable<void> run(std::shared_ptr<Impl> self);
  boost::asio::awaitable<bool> attempt();
  boost::asio::awaitable<void> until_stopped();
  boost::asio::awaitable<Error> session();
  boost::asio::awaitable<Error> read_messages();
  boost::asio::awaitable<Error> write_messages();
  boost::asio::awaitable<Error> probe_idle_switch();
  boost::asio::awaitable<Error> negotiate();
  boost::asio::awaitable<Result<>> has_room(TimePoint deadline);
  boost::asio::awaitable<Result<Message>> wait_reply(Pending& slot, std::string what,
                                                     TimePoint deadline);
  boost::asio::awaitable<Result<Message>> request(std::shared_ptr<Impl> self, Message message,
                                                  TimePoint deadline);
  boost::asio::awaitable<Result<>> multipart(std::shared_ptr<Impl> self,
                                             std::vector<MultipartRequestBody> bodies,
                                             PartHandler part, TimePoint deadline);
  boost::asio::awaitable<Result<>> transmit(std::shared_ptr<Impl> self, Exchange& exchange,
                                            std::size_t count, MessageSource source,
                                            TimePoint deadline);
  boost::asio::awaitable<Result<>> wait_ready(std::shared_ptr<Impl> self, TimePoint deadline);

  std::optional<Error> receive(const Header& header, std::span<const std::byte> wire);
  std::optional<Error> receive_part(const Header& header, std::span<const std::byte> wire);
  void receive_error(const Header& header, const ErrorMessage& error);
  void receive_packet(PacketIn2 packet);
  void end_session();
  bool put(std::uint32_t xid, const Message& message);
  std::uint32_t reserve_xids(std::uint32_t count);

  boost::asio::any_io_executor executor;
  ConnectionOptions options;
  std::function<void(bool)> on_session;
  std::function<void(const PortStatus&)> on_port_status;
  std::function<void(const FlowRemoved&)> on_flow_removed;
  std::map<std::uint8_t, std::shared_ptr<PacketInQueue>> subscribers;
  std::shared_ptr<std::vector<Exchange*>> exchanges;
  Statistics statistics;
  Error last_error = lost("not connected yet");
  std::uint64_t sessions = 0;
  std::uint64_t datapath_id = 0;
  bool stopped = false;
  bool ended = false;  ///< there will be no other session
  std::unique_ptr<detail::Port> port;

  // Of the session in progress.
  std::unique_ptr<detail::Channel> channel;
  std::uint64_t session_number = 0;  ///< tells sessions apart, also those that fail
  bool greeted = false;
  bool ready = false;
  std::string drop_reason;
  std::vector<std::byte> outbox;
  std::map<std::uint32_t, Pending*> pending;
  std::uint32_t next_xid = 1;
  TimePoint last_received;

  Signal changed, replied, writable, drained, stopping;
};

}  // namespace antrea::openflow
