#include <cstring>

#include "antrea/base/bytes.h"
#include "connection_impl.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kMostRefusals = 1000;
/// What a buffer may hold while nothing is sent.
constexpr std::size_t kIdleBuffer = std::size_t{16} << 10;
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

std::uint16_t be16_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

/// What large changes took is not kept while there are none.
void give_back(std::vector<std::byte>& idle) {
  if (idle.capacity() > kIdleBuffer) idle = std::vector<std::byte>();
}

}  // namespace

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

std::optional<Error> Connection::Impl::receive_part(const Header& header,
                                                    std::span<const std::byte> wire) {
  const auto waiting = pending.find(header.xid);
  if (waiting == pending.end() || !waiting->second->part || waiting->second->reply)
    return std::nullopt;
  if (wire.size() < 16) return lost("a multipart reply of less than 16 bytes");
  auto& slot = *waiting->second;
  slot.parts_size += wire.size();
  if (be16_at(wire, 8) != slot.part_type)
    slot.reply = make_error(Errc::kMalformed, "a multipart reply of type " +
                                                  std::to_string(be16_at(wire, 8)) + ", expected " +
                                                  std::to_string(slot.part_type));
  else if (slot.parts_size > options.multipart_limit)
    slot.reply =
        make_error(Errc::kExhausted, "a multipart reply of more than " +
                                         std::to_string(options.multipart_limit) + " bytes");
  else if (auto taken = slot.part(wire); !taken)
    slot.reply = std::move(taken).error();
  else if ((be16_at(wire, 10) & 1) == 0)
    slot.reply = Message(BarrierReply{});
  if (slot.reply) replied.notify();
  return std::nullopt;
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
  if (header.type == kMultipartReply) return receive_part(header, wire);
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
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return lost("stopped");
    const auto [code, size] =
        co_await channel->read_some(asio::buffer(buffer.data() + held, buffer.size() - held));
    if (code == asio::error::eof) co_return lost("the switch closed the connection");
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
  asio::steady_timer timer(executor);
  std::vector<std::byte> batch;
  std::size_t at = 0;  ///< of the batch, what is written
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return lost("stopped");
    if (at == batch.size() && outbox.empty()) {
      at = 0;
      batch.clear();
      give_back(batch);
      give_back(outbox);
      co_await writable.wait();
      continue;
    }
    if (at == batch.size()) {
      at = 0;
      batch.clear();
      std::swap(batch, outbox);
      drained.notify();
    }
    const auto rest = asio::buffer(batch) + at;
    timer.expires_after(2 * options.probe_interval);
    auto moved = co_await (channel->write_some(rest) || timer.async_wait(kTuple));
    if (moved.index() == 1) co_return lost("the switch does not read");
    const auto [code, size] = std::get<0>(moved);
    if (code) co_return lost("write: " + code.message());
    at += size;
  }
}

awaitable<Error> Connection::Impl::probe_idle_switch() {
  std::function<void()> probe = [this] { put(0, EchoRequest{}); };
  const bool silent =
      co_await peer_fell_silent(last_received, options.probe_interval, std::move(probe));
  co_return lost(silent ? "no answer to a probe" : "stopped");
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
    const bool cancelled = co_await is_cancelled();
    if (cancelled || stopped) co_return lost("stopped");
    co_await stopping.wait();
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
  channel.reset();
  outbox = std::vector<std::byte>();
  drop_reason.clear();
  ++session_number;
  for (auto& [xid, slot] : pending)
    if (!slot->reply) slot->reply = lost("the session was lost: " + last_error.cause);
  replied.notify();
  drained.notify();
  if (was_ready && on_session) on_session(false);
  changed.notify();
}

awaitable<void> Connection::Impl::until_stopped() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled || stopped) co_return;
    co_await stopping.wait();
  }
}

awaitable<bool> Connection::Impl::attempt() {
  auto opened = co_await (port->next(options.connect_timeout) || until_stopped());
  if (stopped || opened.index() == 1) co_return false;
  auto connected = std::get<0>(std::move(opened));
  if (!connected) {
    last_error = std::move(connected).error();
    changed.notify();
    co_return false;
  }
  channel = *std::move(connected);
  last_received = std::chrono::steady_clock::now();
  const auto before = sessions;
  last_error = co_await session();
  last_error.object = options.remote;
  end_session();
  co_return sessions != before;
}

awaitable<void> Connection::Impl::run([[maybe_unused]] std::shared_ptr<Impl> self) {
  auto opened = co_await detail::Port::open(options);
  if (opened) {
    port = *std::move(opened);
    changed.notify();
    std::function<awaitable<bool>()> next = [this] { return attempt(); };
    std::function<void(std::chrono::milliseconds)> tell = [this](std::chrono::milliseconds pause) {
      options.logger->warn("{}; next attempt in {} ms", last_error.to_string(), pause.count());
    };
    Backoff backoff(options.first_backoff, options.most_backoff, options.backoff_seed);
    if (options.retry)
      co_await keep_trying(backoff, stopping, stopped, std::move(next), std::move(tell));
    else
      co_await attempt();
    port.reset();
  } else {
    last_error = std::move(opened).error();
    options.logger->error("{}", last_error.to_string());
  }
  ended = true;
  changed.notify();
}

}  // namespace antrea::openflow
