#include "antrea/openflow/switch.h"

#include <algorithm>
#include <deque>

#include "antrea/base/asio.h"
#include "antrea/openflow/bundle.h"
#include "antrea/openflow/readback.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

/// Entries of table features that fit into one request, at about 5 KiB each.
constexpr std::size_t kTablesPerRequest = 8;
constexpr auto kRetryPause = std::chrono::seconds(1);
/// Changes on their way, and what became of them.
struct Ticket {
  Changes changes;
  Delta delta;         ///< what they changed, once applied
  bool alone = false;  ///< was refused in company: next time by itself
  bool awaited = false;
  std::optional<Result<>> result;
};
using TicketPtr = std::shared_ptr<Ticket>;

struct PlanRequest {
  std::optional<Result<Plan>> result;
};

}  // namespace

struct Switch::Impl {
  Impl(asio::any_io_executor e, SwitchOptions o)
      : options(std::move(o)),
        connection(e, options.connection),
        state(options.ownership),
        readback(connection, state),
        wake(e),
        resolved(e) {
    state.desire_tlv_maps(options.tlv_maps);
  }

  awaitable<void> run(std::shared_ptr<Impl> self);
  awaitable<void> work();
  awaitable<void> synchronise();
  awaitable<void> commit_queue();
  awaitable<Result<>> name_tables();
  awaitable<Outcome> send(Delta delta);
  awaitable<Result<>> settle(std::shared_ptr<Impl> self, TicketPtr ticket);
  awaitable<Result<>> wait_synced(std::shared_ptr<Impl> self, TimePoint deadline);
  awaitable<Result<Plan>> plan(std::shared_ptr<Impl> self);
  awaitable<Result<std::vector<FlowStats>>> dump_flows(std::shared_ptr<Impl> self,
                                                       FlowFilter filter, TimePoint deadline);

  void resolve(Ticket& ticket, Result<> result);
  void refuse(const Error& error);
  void take_back(std::vector<TicketPtr> tickets);
  bool has_work() const {
    return stopped || (started && connection.ready() &&
                       (need_readback || !queue.empty() || !plan_requests.empty()));
  }

  SwitchOptions options;
  Connection connection;
  SwitchState state;
  Readback readback;
  std::function<void(bool)> on_session;
  std::function<void(const Error&)> on_refused;
  Statistics statistics;
  bool started = false;
  bool stopped = false;
  bool need_readback = true;
  bool new_session = true;
  bool synced = false;
  std::uint32_t bundle_id = 0;
  TimePoint last_sync;

  std::deque<TicketPtr> queue;     ///< not applied yet
  std::vector<TicketPtr> riding;   ///< applied; the next sync settles them
  std::vector<TicketPtr> resyncs;  ///< wait for a sync that has not begun
  std::vector<std::shared_ptr<PlanRequest>> plan_requests;
  Signal wake, resolved;
};

void Switch::Impl::resolve(Ticket& ticket, Result<> result) {
  ++statistics.commits;
  if (!result && !ticket.awaited) refuse(result.error());
  ticket.result = std::move(result);
  resolved.notify();
}

void Switch::Impl::refuse(const Error& error) {
  options.logger->error("{}", error.to_string());
  if (on_refused) on_refused(error);
}

/// Undoes tickets that were refused together; each comes again by itself.
void Switch::Impl::take_back(std::vector<TicketPtr> tickets) {
  for (auto ticket = tickets.rbegin(); ticket != tickets.rend(); ++ticket) {
    state.revert((*ticket)->delta);
    (*ticket)->delta = {};
    (*ticket)->alone = true;
    queue.push_front(*ticket);
  }
}

awaitable<Outcome> Switch::Impl::send(Delta delta) {
  const auto deadline = now() + options.request_timeout;
  auto made = Plan::make(std::move(delta));
  if (!made) co_return Outcome{Outcome::Kind::kRefused, std::move(made).error(), {}, false};
  const Plan plan = *std::move(made);
  auto outcome = co_await send_plan(connection, plan, ++bundle_id, deadline);
  statistics.messages += plan.size();
  if (outcome.partial) need_readback = true;
  if (outcome.error.object.empty()) outcome.error.object = options.connection.remote;
  if (outcome.kind == Outcome::Kind::kLost) {
    ++statistics.lost;
    if (outcome.error.code == Errc::kTimeout) connection.drop(outcome.error.cause);
  } else if (outcome.kind == Outcome::Kind::kDone) {
    if (!plan.bundle.empty()) ++statistics.bundles;
    readback.acknowledged(plan);
    statistics.refused += outcome.refused.size();
    for (const auto& [message, error] : outcome.refused) refuse(refusal_error(message, error));
  }
  co_return outcome;
}

awaitable<Result<>> Switch::Impl::name_tables() {
  const auto deadline = now() + options.request_timeout;
  std::vector<TableFeatures> tables;
  Connection::PartHandler collect = [&](std::span<const std::byte> wire) -> Result<> {
    auto decoded = decode_message(wire);
    if (!decoded) return decoded.error().to_error().within("read table names");
    if (auto* reply = std::get_if<MultipartReply>(&decoded->message))
      if (auto* features = std::get_if<TableFeaturesReply>(&reply->body))
        for (auto& table : features->tables) tables.push_back(std::move(table));
    return {};
  };
  MultipartRequestBody ask = TableFeaturesRequest{};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(ask), collect, deadline));
  bool differs = false;
  for (auto& table : tables) {
    const auto wanted = options.table_names.find(table.table);
    if (wanted != options.table_names.end() && table.name != wanted->second.substr(0, 31)) {
      table.name = wanted->second.substr(0, 31);
      differs = true;
    }
    table.command = TableFeatures::Command::kReplace;
  }
  if (!differs) co_return Result<>{};
  std::vector<MultipartRequestBody> requests;
  for (std::size_t at = 0; at < tables.size(); at += kTablesPerRequest) {
    TableFeaturesRequest request;
    const auto end = std::min(at + kTablesPerRequest, tables.size());
    for (auto i = at; i < end; ++i) request.tables.push_back(std::move(tables[i]));
    requests.emplace_back(std::move(request));
  }
  Connection::PartHandler ignore = [](std::span<const std::byte>) { return Result<>{}; };
  co_return co_await connection.multipart(std::move(requests), ignore, deadline);
}

awaitable<void> Switch::Impl::synchronise() {
  need_readback = false;
  const bool first = std::exchange(new_session, false);
  if (first) readback.begin_session();
  riding.insert(riding.end(), resyncs.begin(), resyncs.end());
  resyncs.clear();
  const auto again = [this, first] {
    need_readback = true;
    new_session = new_session || first;
  };
  if (first && !options.table_names.empty()) {
    const auto named = co_await name_tables();
    if (!named) options.logger->warn("{}", Error(named.error()).within("name tables").to_string());
  }
  for (;;) {
    auto delta = co_await readback.run(now() + options.request_timeout);
    if (!delta) {
      again();
      if (delta.error().code == Errc::kUnavailable || delta.error().code == Errc::kCancelled)
        co_return;
      connection.drop(delta.error().to_string());
      co_await wake.wait_until(now() + kRetryPause);
      co_return;
    }
    if (!first) statistics.repaired += delta->size();
    if (delta->empty()) break;
    options.logger->info("{}: {} flows, {} groups, {} meters differ", options.connection.remote,
                         delta->flows.size(), delta->groups.size(), delta->meters.size());
    const auto outcome = co_await send(*std::move(delta));
    if (outcome.kind == Outcome::Kind::kDone) break;
    if (outcome.kind == Outcome::Kind::kLost) {
      again();
      co_return;
    }
    if (!riding.empty() &&
        std::ranges::any_of(riding, [](const auto& ticket) { return !ticket->delta.empty(); })) {
      take_back(std::exchange(riding, {}));
      continue;
    }
    if (outcome.refused.empty()) {
      again();
      refuse(Error(outcome.error).within("sync"));
      co_await wake.wait_until(now() + kRetryPause);
      co_return;
    }
    for (const auto& [message, error] : outcome.refused) {
      ++statistics.refused;
      state.forget(message);
      refuse(refusal_error(message, error));
    }
  }
  ++statistics.syncs;
  last_sync = now();
  synced = true;
  for (const auto& ticket : std::exchange(riding, {})) resolve(*ticket, {});
  resolved.notify();
}

awaitable<void> Switch::Impl::commit_queue() {
  std::vector<TicketPtr> tickets;
  Delta total;
  while (!queue.empty() && (tickets.empty() || !queue.front()->alone)) {
    auto ticket = std::move(queue.front());
    queue.pop_front();
    auto delta = state.apply(ticket->changes);
    if (!delta) {
      resolve(*ticket, std::move(delta).error());
      continue;
    }
    ticket->delta = *std::move(delta);
    total.append(ticket->delta);
    tickets.push_back(std::move(ticket));
    if (tickets.back()->alone) break;
  }
  if (total.empty()) {
    for (const auto& ticket : tickets) resolve(*ticket, {});
    co_return;
  }
  const auto outcome = co_await send(std::move(total));
  if (outcome.kind == Outcome::Kind::kDone) {
    for (const auto& ticket : tickets) resolve(*ticket, {});
  } else if (outcome.kind == Outcome::Kind::kLost) {
    riding.insert(riding.end(), tickets.begin(), tickets.end());
    need_readback = true;
  } else if (tickets.size() > 1) {
    take_back(std::move(tickets));
  } else {
    state.revert(tickets.front()->delta);
    ++statistics.refused;
    resolve(*tickets.front(),
            outcome.refused.empty()
                ? outcome.error
                : refusal_error(outcome.refused.front().first, outcome.refused.front().second));
  }
}

awaitable<void> Switch::Impl::work() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    for (;;) {
      const bool cancelled = co_await is_cancelled();
      if (stopped || cancelled) co_return;
      if (has_work()) break;
      const bool periodic = options.resync_interval > Duration::zero() && synced;
      const bool woken = co_await wake.wait_until(periodic ? last_sync + options.resync_interval
                                                           : TimePoint::max());
      if (!woken && periodic) {
        need_readback = true;
        last_sync = now();
      }
    }
    if (need_readback) {
      co_await synchronise();
    } else if (!plan_requests.empty()) {
      auto requests = std::exchange(plan_requests, {});
      auto delta = co_await readback.run(now() + options.request_timeout);
      for (const auto& request : requests)
        request->result = delta ? Plan::make(*delta) : Result<Plan>(delta.error());
      resolved.notify();
    } else {
      co_await commit_queue();
    }
  }
}

awaitable<void> Switch::Impl::run([[maybe_unused]] std::shared_ptr<Impl> self) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await (connection.run() || work());
}

awaitable<Result<>> Switch::Impl::settle([[maybe_unused]] std::shared_ptr<Impl> self,
                                         TicketPtr ticket) {
  while (!ticket->result) {
    co_await resolved.wait();
    const bool cancelled = co_await is_cancelled();
    if (!ticket->result && (cancelled || stopped))
      co_return make_error(Errc::kCancelled, "commit: stopped before the switch answered");
  }
  co_return *ticket->result;
}

awaitable<Result<>> Switch::Impl::wait_synced([[maybe_unused]] std::shared_ptr<Impl> self,
                                              TimePoint deadline) {
  while (!synced || !queue.empty()) {
    const bool woken = co_await resolved.wait_until(deadline);
    const bool cancelled = co_await is_cancelled();
    if (synced && queue.empty()) break;
    if (!woken || cancelled || stopped)
      co_return make_error(
          Errc::kTimeout,
          "wait for the switch to be as desired: " +
              (connection.ready() ? "it is still being written" : connection.last_error().cause),
          options.connection.remote);
  }
  co_return Result<>{};
}

awaitable<Result<Plan>> Switch::Impl::plan([[maybe_unused]] std::shared_ptr<Impl> self) {
  auto request = std::make_shared<PlanRequest>();
  plan_requests.push_back(request);
  wake.notify();
  while (!request->result) {
    co_await resolved.wait();
    const bool cancelled = co_await is_cancelled();
    if (!request->result && (cancelled || stopped))
      co_return make_error(Errc::kCancelled, "plan: stopped");
  }
  co_return *std::move(request->result);
}

awaitable<Result<std::vector<FlowStats>>> Switch::Impl::dump_flows(
    [[maybe_unused]] std::shared_ptr<Impl> self, FlowFilter filter, TimePoint deadline) {
  std::vector<FlowStats> flows;
  Connection::PartHandler part = [&](std::span<const std::byte> wire) -> Result<> {
    FlowStatsReader reader(wire);
    while (const auto view = reader.next()) {
      auto decoded = view->decode();
      if (!decoded) return decoded.error().to_error().within("dump flows");
      flows.push_back(*std::move(decoded));
    }
    if (reader.error()) return reader.error()->to_error().within("dump flows");
    return {};
  };
  MultipartRequestBody request = FlowStatsRequest{std::move(filter)};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(request), part, deadline));
  co_return flows;
}

Switch::Switch(asio::any_io_executor executor, SwitchOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {
  impl_->connection.on_session([impl = impl_.get()](bool ready) {
    impl->synced = false;
    impl->need_readback = true;
    impl->new_session = true;
    if (impl->on_session) impl->on_session(ready);
    impl->wake.notify();
    impl->resolved.notify();
  });
}

Switch::~Switch() {
  impl_->on_session = nullptr;
  impl_->on_refused = nullptr;
  stop();
}

awaitable<void> Switch::run() { return impl_->run(impl_); }

void Switch::stop() {
  impl_->stopped = true;
  impl_->connection.stop();
  impl_->wake.notify();
  impl_->resolved.notify();
}

Result<> Switch::prepare(const Changes& changes) {
  if (!impl_->started) {
    ANTREA_TRY([[maybe_unused]] const auto delta, impl_->state.apply(changes));
    return {};
  }
  auto ticket = std::make_shared<Ticket>();
  ticket->changes = changes;
  impl_->queue.push_back(std::move(ticket));
  impl_->wake.notify();
  return {};
}

void Switch::sync() {
  impl_->started = true;
  impl_->wake.notify();
}

awaitable<Result<>> Switch::commit(Changes changes) {
  auto ticket = std::make_shared<Ticket>();
  ticket->changes = std::move(changes);
  ticket->awaited = true;
  impl_->queue.push_back(ticket);
  impl_->wake.notify();
  return impl_->settle(impl_, std::move(ticket));
}

awaitable<Result<>> Switch::wait_synced(TimePoint deadline) {
  return impl_->wait_synced(impl_, deadline);
}

awaitable<Result<>> Switch::resync() {
  auto ticket = std::make_shared<Ticket>();
  ticket->awaited = true;
  impl_->resyncs.push_back(ticket);
  impl_->need_readback = true;
  impl_->wake.notify();
  return impl_->settle(impl_, std::move(ticket));
}

awaitable<Result<Plan>> Switch::plan() { return impl_->plan(impl_); }

awaitable<Result<std::vector<FlowStats>>> Switch::dump_flows(FlowFilter filter, Duration timeout) {
  return impl_->dump_flows(impl_, std::move(filter), now() + timeout);
}

Connection& Switch::connection() { return impl_->connection; }
Result<> Switch::packet_out(const PacketOut& packet) { return impl_->connection.send(packet); }
bool Switch::synced() const { return impl_->synced; }
const SwitchState& Switch::state() const { return impl_->state; }
const Switch::Statistics& Switch::statistics() const { return impl_->statistics; }
void Switch::on_session(std::function<void(bool)> handler) {
  impl_->on_session = std::move(handler);
}
void Switch::on_refused(std::function<void(const Error&)> handler) {
  impl_->on_refused = std::move(handler);
}

}  // namespace antrea::openflow
