#include "antrea/openflow/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <deque>
#include <map>

#include "antrea/base/asio.h"
#include "antrea/base/bytes.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kMostRefusals = 1000;
constexpr auto kNegotiationTimeout = std::chrono::seconds(10);

/// The types that the connection itself looks at (OpenFlow 1.5.1 section 7.1.1).
enum Type : std::uint8_t {
  kHello = 0,
  kError = 1,
  kEchoRequest = 2,
  kEchoReply = 3,
  kExperimenter = 4,
  kPacketIn = 10,
  kFlowRemoved = 11,
  kPortStatus = 12,
  kMultipartReply = 19,
};

Error lost(std::string cause) { return make_error(Errc::kUnavailable, std::move(cause)); }

std::uint16_t be16_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

}  // namespace

struct PacketInQueue::Impl {
  Impl(asio::any_io_executor executor, std::size_t room) : arrived(executor), capacity(room) {}
  awaitable<std::optional<PacketIn2>> next([[maybe_unused]] std::shared_ptr<Impl> self) {
    while (packets.empty() && !closed) {
      co_await arrived.wait();
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return std::nullopt;
    }
    if (packets.empty()) co_return std::nullopt;
    auto packet = std::move(packets.front());
    packets.pop_front();
    co_return packet;
  }

  Signal arrived;
  std::deque<PacketIn2> packets;
  std::size_t capacity;
  std::uint64_t dropped = 0;
  bool closed = false;
};

PacketInQueue::PacketInQueue(asio::any_io_executor executor, std::size_t capacity)
    : impl_(std::make_shared<Impl>(std::move(executor), capacity)) {}
PacketInQueue::~PacketInQueue() { close(); }
awaitable<std::optional<PacketIn2>> PacketInQueue::next() { return impl_->next(impl_); }
void PacketInQueue::close() {
  impl_->closed = true;
  impl_->arrived.notify();
}
bool PacketInQueue::push(PacketIn2 packet) {
  if (impl_->closed || impl_->packets.size() >= impl_->capacity) {
    ++impl_->dropped;
    return false;
  }
  impl_->packets.push_back(std::move(packet));
  impl_->arrived.notify();
  return true;
}
std::uint64_t PacketInQueue::dropped() const { return impl_->dropped; }

struct Connection::Impl {
  /// A request on its way; lives in the frame of the coroutine that waits for it.
  struct Pending {
    PartHandler part;
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

  Impl(asio::any_io_executor e, ConnectionOptions o)
      : executor(e),
        options(std::move(o)),
        exchanges(std::make_shared<std::vector<Exchange*>>()),
        changed(e),
        replied(e),
        writable(e),
        drained(e),
        stopping(e) {}

  awaitable<void> run(std::shared_ptr<Impl> self);
  awaitable<Error> session();
  awaitable<Error> read_messages();
  awaitable<Error> write_messages();
  awaitable<Error> probe_idle_switch();
  awaitable<Error> negotiate();
  awaitable<Result<>> has_room(TimePoint deadline);
  awaitable<Result<Message>> wait_reply(Pending& slot, std::string what, TimePoint deadline);
  awaitable<Result<Message>> request(std::shared_ptr<Impl> self, Message message,
                                     TimePoint deadline);
  awaitable<Result<>> multipart(std::shared_ptr<Impl> self,
                                std::vector<MultipartRequestBody> bodies, PartHandler part,
                                TimePoint deadline);
  awaitable<Result<>> transmit(std::shared_ptr<Impl> self, Exchange& exchange, std::size_t count,
                               MessageSource source, TimePoint deadline);
  awaitable<Result<>> wait_ready(std::shared_ptr<Impl> self, TimePoint deadline);

  std::optional<Error> receive(const Header& header, std::span<const std::byte> wire);
  void receive_error(const Header& header, const ErrorMessage& error);
  void receive_packet(PacketIn2 packet);
  void end_session();
  bool put(std::uint32_t xid, const Message& message);
  std::uint32_t reserve_xids(std::uint32_t count);

  asio::any_io_executor executor;
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

  // Of the session in progress.
  std::optional<Stream> stream;
  std::uint64_t attempt = 0;  ///< tells sessions apart, also those that fail
  bool greeted = false;
  bool ready = false;
  std::string drop_reason;
  std::vector<std::byte> outbox;
  std::map<std::uint32_t, Pending*> pending;
  std::uint32_t next_xid = 1;
  TimePoint last_received;

  Signal changed, replied, writable, drained, stopping;
};

std::uint32_t Connection::Impl::reserve_xids(std::uint32_t count) {
  if (next_xid > 0xffffffffU - count) next_xid = 1;
  return std::exchange(next_xid, next_xid + count);
}

bool Connection::Impl::put(std::uint32_t xid, const Message& message) {
  if (!encode(xid, message, outbox)) return false;
  ++statistics.sent;
  writable.notify();
  return true;
}

awaitable<Result<>> Connection::Impl::has_room(TimePoint deadline) {
  const auto mine = attempt;
  while (outbox.size() > options.write_limit) {
    const bool woken = co_await drained.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return make_error(Errc::kCancelled, "send: cancelled");
    if (attempt != mine || !stream) co_return lost("send: the session was lost");
    if (!woken)
      co_return make_error(Errc::kTimeout, "send: the switch does not read", options.remote);
  }
  if (!stream) co_return lost("send: " + last_error.cause);
  co_return Result<>{};
}

awaitable<Result<Message>> Connection::Impl::wait_reply(Pending& slot, std::string what,
                                                        TimePoint deadline) {
  while (!slot.reply) {
    const bool woken = co_await replied.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (slot.reply) break;
    if (cancelled) co_return make_error(Errc::kCancelled, what + ": cancelled");
    if (!woken) co_return make_error(Errc::kTimeout, what + ": no reply in time", options.remote);
  }
  if (slot.reply->has_error())
    co_return std::move(*slot.reply).error().within(what, options.remote);
  co_return *std::move(slot.reply);
}

awaitable<Result<Message>> Connection::Impl::request([[maybe_unused]] std::shared_ptr<Impl> self,
                                                     Message message, TimePoint deadline) {
  ANTREA_CO_CHECK(co_await has_room(deadline));
  const auto xid = reserve_xids(1);
  Pending slot;
  const Entry entry(pending, xid, slot);
  auto name = message_name(message);
  if (!put(xid, message))
    co_return make_error(Errc::kInvalidArgument, name + ": longer than a message may be");
  co_return co_await wait_reply(slot, std::move(name), deadline);
}

awaitable<Result<>> Connection::Impl::multipart([[maybe_unused]] std::shared_ptr<Impl> self,
                                                std::vector<MultipartRequestBody> bodies,
                                                PartHandler part, TimePoint deadline) {
  const auto xid = reserve_xids(1);
  Pending slot;
  slot.part = std::move(part);
  const Entry entry(pending, xid, slot);
  std::string name;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    ANTREA_CO_CHECK(co_await has_room(deadline));
    const Message message = MultipartRequest{i + 1 < bodies.size(), std::move(bodies[i])};
    name = message_name(message);
    if (!put(xid, message))
      co_return make_error(Errc::kInvalidArgument, name + ": longer than a message may be");
  }
  auto reply = co_await wait_reply(slot, std::move(name), deadline);
  if (!reply) co_return std::move(reply).error();
  co_return Result<>{};
}

awaitable<Result<>> Connection::Impl::transmit([[maybe_unused]] std::shared_ptr<Impl> self,
                                               Exchange& exchange, std::size_t count,
                                               MessageSource source, TimePoint deadline) {
  exchange.count_ = static_cast<std::uint32_t>(count);
  exchange.first_xid_ = reserve_xids(exchange.count_);
  for (std::uint32_t i = 0; i < exchange.count_; ++i) {
    if (outbox.size() > options.write_limit || !stream) {
      ANTREA_CO_CHECK(co_await has_room(deadline));
    }
    source(exchange.first_xid_ + i, outbox);
    ++statistics.sent;
    if (i % 64 == 0) writable.notify();
  }
  Message barrier = BarrierRequest{};
  auto reply = co_await request(self, std::move(barrier), deadline);
  if (!reply) co_return std::move(reply).error();
  co_return Result<>{};
}

awaitable<Result<>> Connection::Impl::wait_ready([[maybe_unused]] std::shared_ptr<Impl> self,
                                                 TimePoint deadline) {
  while (!ready) {
    const bool woken = co_await changed.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (ready) break;
    if (!woken || cancelled || stopped)
      co_return make_error(Errc::kTimeout, "wait for the switch: " + last_error.cause,
                           options.remote);
  }
  co_return Result<>{};
}

void Connection::Impl::receive_error(const Header& header, const ErrorMessage& error) {
  if (const auto found = pending.find(header.xid); found != pending.end()) {
    if (!found->second->reply)
      found->second->reply =
          make_error(Errc::kRejected, "the switch refused: " + to_string(error.error));
    replied.notify();
    return;
  }
  for (auto* exchange : *exchanges) {
    if (header.xid - exchange->first_xid_ >= exchange->count_) continue;
    if (exchange->refusals_.size() < kMostRefusals)
      exchange->refusals_.push_back({header.xid - exchange->first_xid_, error.error});
    return;
  }
  ++statistics.unclaimed_errors;
  options.logger->debug("{}: {} for unknown xid {}", options.remote, to_string(error.error),
                        header.xid);
}

void Connection::Impl::receive_packet(PacketIn2 packet) {
  const auto found = packet.userdata.empty()
                         ? subscribers.end()
                         : subscribers.find(std::to_integer<std::uint8_t>(packet.userdata[0]));
  if (found == subscribers.end())
    ++statistics.unclaimed_packets;
  else
    found->second->push(std::move(packet));
}

std::optional<Error> Connection::Impl::receive(const Header& header,
                                               std::span<const std::byte> wire) {
  ++statistics.received;
  if (!greeted && header.type != kHello && header.type != kError)
    return lost("the first message was no HELLO");
  if (header.type == kEchoRequest) {
    if (outbox.size() > 16 * options.write_limit) return lost("the switch asks without reading");
    const auto at = outbox.size();
    outbox.insert(outbox.end(), wire.begin(), wire.end());
    outbox[at + 1] = std::byte{kEchoReply};
    ++statistics.sent;
    writable.notify();
    return std::nullopt;
  }
  if (header.type == kEchoReply) return std::nullopt;
  if (header.version != kOpenFlow15 && header.type != kHello) {
    // Errors to flow monitor requests come with a random version and xid: they belong to nobody.
    if (header.type != kError)
      return lost("a message of version " + std::to_string(header.version));
    if (!greeted) return lost("the switch does not speak OpenFlow 1.5");
    ++statistics.unclaimed_errors;
    return std::nullopt;
  }
  const auto waiting = pending.find(header.xid);
  if (header.type == kMultipartReply) {
    if (waiting == pending.end() || !waiting->second->part || waiting->second->reply)
      return std::nullopt;
    if (wire.size() < 16) return lost("a multipart reply of less than 16 bytes");
    auto& slot = *waiting->second;
    if (auto taken = slot.part(wire); !taken)
      slot.reply = std::move(taken).error();
    else if ((be16_at(wire, 10) & 1) == 0)
      slot.reply = Message(BarrierReply{});
    if (slot.reply) replied.notify();
    return std::nullopt;
  }
  const bool of_interest = header.type == kHello || header.type == kError ||
                           header.type == kExperimenter || header.type == kPortStatus ||
                           header.type == kFlowRemoved || waiting != pending.end();
  if (!of_interest) {
    if (header.type == kPacketIn) ++statistics.unclaimed_packets;
    return std::nullopt;
  }
  auto decoded = decode_message(wire);
  if (!decoded) {
    ++statistics.undecodable;
    if (waiting != pending.end()) {
      waiting->second->reply = decoded.error().to_error();
      replied.notify();
    }
    if (header.type == kHello) return lost("a HELLO that does not decode");
    return std::nullopt;
  }
  auto& message = decoded->message;
  if (const auto* hello = std::get_if<Hello>(&message)) {
    const bool common = hello->version_bitmap ? (*hello->version_bitmap >> kOpenFlow15 & 1) != 0
                                              : hello->version >= kOpenFlow15;
    if (!common) return lost("the switch does not speak OpenFlow 1.5");
    greeted = true;
    changed.notify();
  } else if (const auto* error = std::get_if<ErrorMessage>(&message)) {
    if (error->error == errors::kHelloIncompatible)
      return lost("the switch refused OpenFlow 1.5: is it among the bridge's protocols?");
    receive_error(header, *error);
  } else if (auto* packet = std::get_if<PacketIn2>(&message)) {
    receive_packet(std::move(*packet));
  } else if (const auto* status = std::get_if<PortStatus>(&message)) {
    if (on_port_status) on_port_status(*status);
  } else if (const auto* removed = std::get_if<FlowRemoved>(&message)) {
    if (on_flow_removed) on_flow_removed(*removed);
  } else if (waiting != pending.end() && !waiting->second->reply) {
    waiting->second->reply = std::move(message);
    replied.notify();
  }
  return std::nullopt;
}

awaitable<Error> Connection::Impl::read_messages() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::vector<std::byte> buffer(4 * kMaxMessageSize);
  std::size_t held = 0;  // bytes of an unfinished message at the front
  for (;;) {
    const auto [code, size] = co_await stream->async_read_some(
        asio::buffer(buffer.data() + held, buffer.size() - held), kTuple);
    if (code) co_return lost("read: " + code.message());
    last_received = std::chrono::steady_clock::now();
    held += size;
    std::size_t at = 0;
    while (const auto header = peek_header(std::span(buffer).subspan(at, held - at))) {
      if (header->length < kHeaderSize) co_return lost("a message of less than 8 bytes");
      if (held - at < header->length) break;
      if (auto error = receive(*header, std::span(buffer).subspan(at, header->length)))
        co_return *std::move(error);
      at += header->length;
    }
    held -= at;
    if (held > 0 && at > 0) std::memmove(buffer.data(), buffer.data() + at, held);
  }
}

awaitable<Error> Connection::Impl::write_messages() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::vector<std::byte> batch;
  for (;;) {
    while (outbox.empty()) {
      co_await writable.wait();
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return lost("stopped");
    }
    batch.clear();
    std::swap(batch, outbox);
    drained.notify();
    const auto [code, size] = co_await asio::async_write(*stream, asio::buffer(batch), kTuple);
    if (code) co_return lost("write: " + code.message());
  }
}

awaitable<Error> Connection::Impl::probe_idle_switch() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(executor);
  TimePoint probed{};
  for (;;) {
    timer.expires_at(std::max(last_received, probed) + options.probe_interval);
    const auto [code] = co_await timer.async_wait(kTuple);
    if (code) co_return lost("stopped");
    const auto now = std::chrono::steady_clock::now();
    if (probed > last_received && now >= probed + options.probe_interval)
      co_return lost("no answer to a probe");
    if (now >= last_received + options.probe_interval && probed <= last_received) {
      probed = now;
      put(0, EchoRequest{});
    }
  }
}

awaitable<Error> Connection::Impl::negotiate() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto deadline = std::chrono::steady_clock::now() + kNegotiationTimeout;
  put(reserve_xids(1), Hello{});
  while (!greeted) {
    const bool woken = co_await changed.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return lost("stopped");
    if (!woken && !greeted) co_return lost("no HELLO in time");
  }
  if (options.asynchronous) {
    put(reserve_xids(1), SetConfig{});
    put(reserve_xids(1), NxSetPacketInFormat{});
  }
  Message ask = FeaturesRequest{};
  auto features = co_await request(nullptr, std::move(ask), deadline);
  if (!features) co_return std::move(features).error();
  const auto* reply = std::get_if<FeaturesReply>(&*features);
  if (reply == nullptr) co_return lost("no features in the answer to FEATURES_REQUEST");
  datapath_id = reply->datapath_id;
  ready = true;
  ++sessions;
  options.logger->info("{}: connected to datapath {:016x}", options.remote, datapath_id);
  if (on_session) on_session(true);
  changed.notify();
  while (drop_reason.empty()) {
    co_await stopping.wait();
    const bool cancelled = co_await is_cancelled();
    if (cancelled || stopped) co_return lost("stopped");
  }
  co_return lost(drop_reason);
}

awaitable<Error> Connection::Impl::session() {
  auto ended = co_await (read_messages() || write_messages() || probe_idle_switch() || negotiate());
  co_return std::visit([](Error& error) { return std::move(error); }, ended);
}

void Connection::Impl::end_session() {
  const bool was_ready = std::exchange(ready, false);
  greeted = false;
  stream.reset();
  outbox = {};
  drop_reason.clear();
  ++attempt;
  for (auto& [xid, slot] : pending)
    if (!slot->reply) slot->reply = lost("the session was lost: " + last_error.cause);
  replied.notify();
  drained.notify();
  if (was_ready && on_session) on_session(false);
  changed.notify();
}

awaitable<void> Connection::Impl::run([[maybe_unused]] std::shared_ptr<Impl> self) {
  co_await asio::this_coro::throw_if_cancelled(false);
  Backoff backoff(options.first_backoff, options.most_backoff);
  const auto remote = parse_remote(options.remote, 6653);
  if (!remote) {
    last_error = remote.error();
    changed.notify();
    co_return;
  }
  for (;;) {
    if (stopped) break;
    auto connected = co_await connect_stream(*remote, options.connect_timeout);
    if (connected && !stopped) {
      stream = *std::move(connected);
      last_received = std::chrono::steady_clock::now();
      const auto before = sessions;
      last_error = co_await session();
      last_error.object = options.remote;
      if (sessions != before) backoff.reset();
      end_session();
    } else if (!connected) {
      last_error = std::move(connected).error();
      changed.notify();
    }
    const bool cancelled = co_await is_cancelled();
    if (stopped || cancelled) break;
    const auto pause = backoff.next();
    options.logger->warn("{}; next attempt in {} ms", last_error.to_string(),
                         std::chrono::duration_cast<std::chrono::milliseconds>(pause).count());
    co_await stopping.wait_until(std::chrono::steady_clock::now() + pause);
  }
}

Exchange::Exchange(Connection& connection) : registry_(connection.impl_->exchanges) {
  connection.impl_->exchanges->push_back(this);
}

Exchange::~Exchange() {
  if (const auto registry = registry_.lock())
    std::erase(*std::static_pointer_cast<std::vector<Exchange*>>(registry), this);
}

Connection::Connection(asio::any_io_executor executor, ConnectionOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Connection::~Connection() { stop(); }

awaitable<void> Connection::run() { return impl_->run(impl_); }

void Connection::stop() {
  impl_->stopped = true;
  impl_->stopping.notify();
  impl_->changed.notify();
  if (impl_->stream) {
    boost::system::error_code ignored;
    impl_->stream->close(ignored);
  }
}

void Connection::drop(std::string reason) {
  if (!impl_->stream) return;
  impl_->drop_reason = std::move(reason);
  impl_->stopping.notify();
}

bool Connection::ready() const { return impl_->ready; }
std::uint64_t Connection::sessions() const { return impl_->sessions; }
std::uint64_t Connection::datapath_id() const { return impl_->datapath_id; }
const Error& Connection::last_error() const { return impl_->last_error; }
const Connection::Statistics& Connection::statistics() const { return impl_->statistics; }

awaitable<Result<>> Connection::wait_ready(TimePoint deadline) {
  return impl_->wait_ready(impl_, deadline);
}

awaitable<Result<Message>> Connection::request(Message message, TimePoint deadline) {
  return impl_->request(impl_, std::move(message), deadline);
}

awaitable<Result<>> Connection::multipart(MultipartRequestBody body, PartHandler part,
                                          TimePoint deadline) {
  std::vector<MultipartRequestBody> bodies;
  bodies.push_back(std::move(body));
  return impl_->multipart(impl_, std::move(bodies), std::move(part), deadline);
}

awaitable<Result<>> Connection::multipart(std::vector<MultipartRequestBody> bodies,
                                          PartHandler part, TimePoint deadline) {
  return impl_->multipart(impl_, std::move(bodies), std::move(part), deadline);
}

awaitable<Result<>> Connection::transmit(Exchange& exchange, std::size_t count,
                                         MessageSource source, TimePoint deadline) {
  return impl_->transmit(impl_, exchange, count, std::move(source), deadline);
}

Result<> Connection::send(const Message& message) {
  if (!impl_->ready) return lost("send " + message_name(message) + ": " + impl_->last_error.cause);
  if (impl_->outbox.size() > impl_->options.write_limit)
    return make_error(Errc::kExhausted,
                      "send " + message_name(message) + ": the switch does not read",
                      impl_->options.remote);
  if (!impl_->put(impl_->reserve_xids(1), message))
    return make_error(Errc::kInvalidArgument, "send " + message_name(message) + ": too long");
  return {};
}

std::shared_ptr<PacketInQueue> Connection::subscribe(std::uint8_t category, std::size_t capacity) {
  auto queue = std::make_shared<PacketInQueue>(impl_->executor, capacity);
  impl_->subscribers[category] = queue;
  return queue;
}

void Connection::on_session(std::function<void(bool)> handler) {
  impl_->on_session = std::move(handler);
}
void Connection::on_port_status(std::function<void(const PortStatus&)> handler) {
  impl_->on_port_status = std::move(handler);
}
void Connection::on_flow_removed(std::function<void(const FlowRemoved&)> handler) {
  impl_->on_flow_removed = std::move(handler);
}

}  // namespace antrea::openflow
