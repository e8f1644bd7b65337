#include "antrea/openflow/connection.h"

#include <arpa/inet.h>

#include <cstring>

#include "connection_impl.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;

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
  const auto mine = session_number;
  while (outbox.size() > options.write_limit) {
    const bool woken = co_await drained.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return make_error(Errc::kCancelled, "send: cancelled");
    if (session_number != mine || !channel) co_return lost("send: the session was lost");
    if (!woken)
      co_return make_error(Errc::kTimeout, "send: the switch does not read", options.remote);
  }
  if (!channel) co_return lost("send: " + last_error.cause);
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
    const auto at = outbox.size();
    if (!put(xid, message))
      co_return make_error(Errc::kInvalidArgument, name + ": longer than a message may be");
    std::memcpy(&slot.part_type, outbox.data() + at + kHeaderSize, sizeof slot.part_type);
    slot.part_type = ntohs(slot.part_type);
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
    if (outbox.size() > options.write_limit || !channel) {
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
    if (ended) co_return last_error;
    const bool woken = co_await changed.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (ready) break;
    if (!woken || cancelled || stopped)
      co_return make_error(Errc::kTimeout, "wait for the switch: " + last_error.cause,
                           options.remote);
  }
  co_return Result<>{};
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
  if (impl_->channel) impl_->channel->close();
}

void Connection::drop(std::string reason) {
  if (!impl_->channel) return;
  impl_->drop_reason = std::move(reason);
  impl_->stopping.notify();
}

bool Connection::ready() const { return impl_->ready; }
std::uint64_t Connection::sessions() const { return impl_->sessions; }
std::uint64_t Connection::datapath_id() const { return impl_->datapath_id; }
std::string Connection::address() const {
  return impl_->port ? impl_->port->remote().to_string() : impl_->options.remote;
}
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
