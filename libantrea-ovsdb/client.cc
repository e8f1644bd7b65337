#include "antrea/ovsdb/client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "antrea/base/asio.h"
#include "message_reader.h"

namespace antrea::ovsdb {
namespace asio = boost::asio;
namespace json = boost::json;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::string_view kNoTransaction = "00000000-0000-0000-0000-000000000000";

Error session_error(std::string cause) { return make_error(Errc::kUnavailable, std::move(cause)); }

bool is_null(const json::value* value) { return value == nullptr || value->is_null(); }

}  // namespace

struct Client::Impl {
  /// A request on its way; lives in the frame of the coroutine that waits for it.
  struct Pending {
    std::optional<Result<json::value>> reply;
  };

  Impl(asio::any_io_executor e, ClientOptions o)
      : executor(e), options(std::move(o)), changed(e), replied(e), writable(e), stopping(e) {}

  awaitable<void> run(std::shared_ptr<Impl> self);
  awaitable<bool> attempt(Remote remote);
  awaitable<Error> session();
  awaitable<Error> read_messages();
  awaitable<Error> write_messages();
  awaitable<Error> probe_idle_server();
  awaitable<Error> follow_server();
  awaitable<Result<>> start_monitor(const Schema& schema);
  awaitable<Result<json::value>> request(std::string_view method, json::array params,
                                         TimePoint deadline);
  awaitable<Result<TransactionResult>> transact(std::shared_ptr<Impl> self, Transaction transaction,
                                                TimePoint deadline);
  awaitable<bool> wait_until(std::shared_ptr<Impl> self, std::function<bool()> condition,
                             TimePoint deadline);
  awaitable<Result<>> wait_synced(std::shared_ptr<Impl> self, TimePoint deadline);

  void send(json::object message);
  std::optional<Error> receive(json::object message);
  std::optional<Error> receive_update(std::string_view method, const json::array& params);
  void publish(const RowChanges& changes);
  void end_session();

  asio::any_io_executor executor;
  ClientOptions options;
  Replica replica;
  ChangeHandler on_change;
  SessionHandler on_session;
  Error last_error = make_error(Errc::kUnavailable, "not connected yet");
  std::uint64_t sessions = 0;
  std::string last_transaction{kNoTransaction};
  bool stopped = false;
  bool synced = false;

  // Of the session in progress.
  std::optional<Stream> stream;
  std::string outbox;
  std::map<std::int64_t, Pending*> pending;
  std::int64_t next_id = 1;
  TimePoint last_received;
  std::string monitor_id;
  std::optional<UpdateFormat> monitor_format;  ///< set once the first contents are in
  /// Starts from the reply, still unread, of the monitor request: taken in `receive`, so that the
  /// updates behind it find the contents they change.
  std::optional<std::int64_t> monitor_request;
  std::string monitor_method;

  Signal changed, replied, writable, stopping;
};

void Client::Impl::send(json::object message) {
  outbox += json::serialize(message);
  writable.notify();
}

awaitable<Result<json::value>> Client::Impl::request(std::string_view method, json::array params,
                                                     TimePoint deadline) {
  const auto id = next_id++;
  Pending slot;
  struct Entry {
    std::map<std::int64_t, Pending*>& all;
    std::int64_t id;
    ~Entry() { all.erase(id); }
  } const entry{pending, id};
  pending[id] = &slot;
  if (method.starts_with("monitor")) {
    monitor_request = id;
    monitor_method = method;
  }
  const std::string name(method);
  send({{"id", id}, {"method", name}, {"params", std::move(params)}});
  while (!slot.reply) {
    const bool woken = co_await replied.wait_until(deadline);
    if (!woken && !slot.reply) {
      // The server may still hold the request back (a wait operation): it need not any longer.
      if (name == "transact")
        send({{"id", nullptr}, {"method", "cancel"}, {"params", json::array{id}}});
      co_return make_error(Errc::kTimeout, name + ": no reply in time", options.remote);
    }
    if (co_await is_cancelled()) co_return make_error(Errc::kCancelled, name + ": cancelled");
  }
  co_return *std::move(slot.reply);
}

void Client::Impl::publish(const RowChanges& changes) {
  if (!changes.empty() && on_change) on_change(changes);
  changed.notify();
}

std::optional<Error> Client::Impl::receive_update(std::string_view method,
                                                  const json::array& params) {
  const bool update3 = method == "update3";
  if (params.size() != (update3 ? 3 : 2))
    return make_error(Errc::kMalformed, std::string(method) + " with " +
                                            std::to_string(params.size()) + " parameters");
  if (params[0] != json::value(monitor_id)) return std::nullopt;  // of a monitor given up
  if (!monitor_format)
    return make_error(Errc::kMalformed, std::string(method) + " before the first contents");
  auto changes = replica.apply(params.back(),
                               method == "update" ? UpdateFormat::kUpdate : UpdateFormat::kUpdate2);
  if (!changes) return std::move(changes).error();
  if (update3 && params[1].is_string()) last_transaction = params[1].get_string().c_str();
  publish(*changes);
  return std::nullopt;
}

std::optional<Error> Client::Impl::receive(json::object message) {
  const auto* id = message.if_contains("id");
  if (const auto* method = message.if_contains("method");
      method != nullptr && method->is_string()) {
    const std::string_view name(method->get_string().data(), method->get_string().size());
    const auto* params = message.if_contains("params");
    if (params == nullptr || !params->is_array())
      return make_error(Errc::kMalformed, std::string(name) + " without parameters");
    if (name == "echo" && !is_null(id)) {
      if (outbox.size() > std::size_t{64} << 20)
        return make_error(Errc::kUnavailable, "the server asks without reading");
      send({{"id", *id}, {"result", *params}, {"error", nullptr}});
      return std::nullopt;
    }
    if (name == "update" || name == "update2" || name == "update3")
      return receive_update(name, params->get_array());
    if (name == "monitor_canceled")
      return make_error(Errc::kUnavailable, "the database was removed or converted");
    if (!is_null(id)) send({{"id", *id}, {"error", json::object{{"error", "unknown method"}}}});
    return std::nullopt;
  }
  if (id == nullptr || !id->is_int64()) return std::nullopt;  // of our own echo
  const auto found = pending.find(id->get_int64());
  if (found == pending.end()) return std::nullopt;  // its asker has given up
  auto* result = message.if_contains("result");
  const auto* error = message.if_contains("error");
  if (!is_null(error)) {
    found->second->reply = make_error(
        Errc::kRejected, "the server refused: " + json::serialize(*error), options.remote);
  } else if (result == nullptr) {
    return make_error(Errc::kMalformed, "a reply without result and error");
  } else {
    if (monitor_request == id->get_int64()) {
      auto format = monitor_method == "monitor" ? UpdateFormat::kUpdate : UpdateFormat::kUpdate2;
      bool complete = true;
      const json::value* contents = result;
      if (monitor_method == "monitor_cond_since") {
        const auto* triple = result->if_array();
        if (triple == nullptr || triple->size() != 3 || !(*triple)[0].is_bool() ||
            !(*triple)[1].is_string())
          return make_error(Errc::kMalformed, "monitor_cond_since: no [found, id, updates]");
        complete = !(*triple)[0].get_bool();
        last_transaction = (*triple)[1].get_string().c_str();
        contents = &(*triple)[2];
      }
      auto changes =
          complete ? replica.replace(*contents, format) : replica.apply(*contents, format);
      if (!changes) return std::move(changes).error();
      monitor_format = format;
      publish(*changes);
      *result = nullptr;
    }
    found->second->reply = std::move(*result);
  }
  replied.notify();
  return std::nullopt;
}

awaitable<Error> Client::Impl::read_messages() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MessageReader reader;
  std::vector<json::object> messages;
  std::vector<char> buffer(std::size_t{64} << 10);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return session_error("stopped");
    const auto [code, size] = co_await stream->async_read_some(asio::buffer(buffer), kTuple);
    if (code) co_return session_error("read: " + code.message());
    last_received = std::chrono::steady_clock::now();
    messages.clear();
    if (auto fed = reader.feed({buffer.data(), size}, messages); !fed) co_return fed.error();
    for (auto& message : messages)
      if (auto error = receive(std::move(message))) co_return *std::move(error);
  }
}

awaitable<Error> Client::Impl::write_messages() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string batch;
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return session_error("stopped");
    if (outbox.empty()) {
      co_await writable.wait();
      continue;
    }
    batch.clear();
    std::swap(batch, outbox);
    const auto [code, size] = co_await asio::async_write(*stream, asio::buffer(batch), kTuple);
    if (code) co_return session_error("write: " + code.message());
  }
}

awaitable<Error> Client::Impl::probe_idle_server() {
  std::function<void()> probe = [this] {
    send({{"id", "echo"}, {"method", "echo"}, {"params", json::array()}});
  };
  const bool silent =
      co_await peer_fell_silent(last_received, options.probe_interval, std::move(probe));
  co_return session_error(silent ? "no answer to a probe" : "stopped");
}

awaitable<Result<>> Client::Impl::start_monitor(const Schema& schema) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  replica.select(schema, options.monitor);
  monitor_id = "monitor-" + std::to_string(next_id);
  for (const auto* method : {"monitor_cond_since", "monitor_cond", "monitor"}) {
    json::array params{options.database, monitor_id, replica.monitor_requests()};
    if (std::string_view(method) == "monitor_cond_since") params.emplace_back(last_transaction);
    auto reply = co_await request(method, std::move(params), deadline);
    if (reply) co_return Result<>{};
    if (reply.error().cause.find("unknown method") == std::string::npos ||
        std::string_view(method) == "monitor")
      co_return std::move(reply).error().within(method);
  }
  co_return Result<>{};
}

awaitable<Error> Client::Impl::follow_server() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  json::array params{options.database};
  auto reply = co_await request("get_schema", std::move(params), deadline);
  if (!reply) co_return std::move(reply).error().within("get_schema", options.database);
  auto schema = Schema::parse(*reply);
  if (!schema) co_return std::move(schema).error();
  auto started = co_await start_monitor(*schema);
  if (!started) co_return std::move(started).error();
  synced = true;
  ++sessions;
  options.logger->info("{}: following {} {}", options.remote, schema->name, schema->version);
  if (on_session) on_session(true);
  changed.notify();
  co_await stopping.wait();
  co_return session_error("stopped");
}

awaitable<Error> Client::Impl::session() {
  auto ended =
      co_await (read_messages() || write_messages() || probe_idle_server() || follow_server());
  co_return std::visit([](Error& error) { return std::move(error); }, ended);
}

void Client::Impl::end_session() {
  const bool was_synced = std::exchange(synced, false);
  stream.reset();
  outbox.clear();
  monitor_format.reset();
  monitor_request.reset();
  for (auto& [id, slot] : pending)
    if (!slot->reply) slot->reply = session_error("the session was lost: " + last_error.cause);
  pending.clear();
  replied.notify();
  if (was_synced && on_session) on_session(false);
  changed.notify();
}

awaitable<bool> Client::Impl::attempt(Remote remote) {
  auto connected = co_await connect_stream(std::move(remote), options.connect_timeout);
  if (!connected) {
    last_error = std::move(connected).error();
    changed.notify();
    co_return false;
  }
  if (stopped) co_return false;
  stream = *std::move(connected);
  last_received = std::chrono::steady_clock::now();
  const auto before = sessions;
  last_error = co_await session();
  last_error.object = options.remote;
  end_session();
  co_return sessions != before;
}

awaitable<void> Client::Impl::run([[maybe_unused]] std::shared_ptr<Impl> self) {
  auto remote = parse_remote(options.remote, 6640);
  if (remote && (remote->passive || remote->kind == Remote::Kind::kSsl))
    remote = make_error(Errc::kUnsupported, "only unix: and tcp: are spoken", options.remote);
  if (!remote) {
    last_error = remote.error();
    co_return;
  }
  std::function<awaitable<bool>()> next = [this, &remote] { return attempt(*remote); };
  std::function<void(std::chrono::milliseconds)> tell = [this](std::chrono::milliseconds pause) {
    options.logger->warn("{}; next attempt in {} ms", last_error.to_string(), pause.count());
  };
  Backoff backoff(options.first_backoff, options.most_backoff);
  co_await keep_trying(backoff, stopping, stopped, std::move(next), std::move(tell));
}

awaitable<bool> Client::Impl::wait_until([[maybe_unused]] std::shared_ptr<Impl> self,
                                         std::function<bool()> condition, TimePoint deadline) {
  while (!condition()) {
    const bool cancelled = co_await is_cancelled();
    if (stopped || cancelled) co_return false;
    const bool woken = co_await changed.wait_until(deadline);
    if (!woken) co_return condition();
  }
  co_return true;
}

awaitable<Result<>> Client::Impl::wait_synced(std::shared_ptr<Impl> self, TimePoint deadline) {
  std::function<bool()> condition = [this] { return synced; };
  if (co_await wait_until(std::move(self), std::move(condition), deadline)) co_return Result<>{};
  co_return make_error(Errc::kTimeout, "wait for the database: " + last_error.cause,
                       options.remote);
}

awaitable<Result<TransactionResult>> Client::Impl::transact(std::shared_ptr<Impl> self,
                                                            Transaction transaction,
                                                            TimePoint deadline) {
  ANTREA_CO_CHECK(co_await wait_synced(self, deadline));
  auto params = transaction.params(options.database);
  auto reply = co_await request("transact", std::move(params), deadline);
  if (!reply) co_return std::move(reply).error();
  co_return transaction.check(*reply);
}

Client::Client(asio::any_io_executor executor, ClientOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Client::~Client() { stop(); }

awaitable<void> Client::run() { return impl_->run(impl_); }

void Client::stop() {
  impl_->stopped = true;
  impl_->stopping.notify();
  impl_->changed.notify();
  if (impl_->stream) {
    boost::system::error_code ignored;
    impl_->stream->close(ignored);
  }
}

bool Client::synced() const { return impl_->synced; }
const Replica& Client::replica() const { return impl_->replica; }
const Error& Client::last_error() const { return impl_->last_error; }
std::uint64_t Client::sessions() const { return impl_->sessions; }
void Client::on_change(ChangeHandler handler) { impl_->on_change = std::move(handler); }
void Client::on_session(SessionHandler handler) { impl_->on_session = std::move(handler); }

awaitable<Result<>> Client::wait_synced(TimePoint deadline) {
  return impl_->wait_synced(impl_, deadline);
}

awaitable<bool> Client::wait_until(std::function<bool()> condition, TimePoint deadline) {
  return impl_->wait_until(impl_, std::move(condition), deadline);
}

awaitable<Result<TransactionResult>> Client::transact(Transaction transaction, Duration timeout) {
  return impl_->transact(impl_, std::move(transaction), std::chrono::steady_clock::now() + timeout);
}

}  // namespace antrea::ovsdb
