#include "antrea/openflow/switch.h"

#include <algorithm>
#include <deque>

#include "antrea/base/asio.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

/// Entries of table features that fit into one request, at about 5 KiB each.
constexpr std::size_t kTablesPerRequest = 8;
constexpr auto kRetryPause = std::chrono::seconds(1);
/// Groups of no more buckets can be read back all together. Open vSwitch wraps the length of a
/// description beyond 64 KiB, and the stream behind it is lost.
constexpr std::size_t kReadableBuckets = 256;

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

/// What became of a delta that was sent.
struct Outcome {
  enum class Kind : std::uint8_t { kDone, kLost, kRefused };
  Kind kind = Kind::kDone;
  Error error;
  std::vector<std::pair<PlannedMessage, OfError>> refused;
};

Error refusal_error(const PlannedMessage& message, const OfError& error) {
  return make_error(Errc::kRejected, "the switch refused it: " + to_string(error),
                    message.describe());
}

}  // namespace

struct Switch::Impl {
  Impl(asio::any_io_executor e, SwitchOptions o)
      : options(std::move(o)),
        connection(e, options.connection),
        state(options.ownership),
        wake(e),
        resolved(e) {}

  awaitable<void> run(std::shared_ptr<Impl> self);
  awaitable<void> work();
  awaitable<void> synchronise();
  awaitable<void> commit_queue();
  awaitable<Result<Delta>> read_back();
  awaitable<Result<>> read_groups(TimePoint deadline);
  Result<> see_groups(std::span<const std::byte> wire);
  awaitable<Result<>> name_tables();
  awaitable<Outcome> send(const Delta& delta);
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
  /// Large groups that the switch has acknowledged in this session: they cannot be read back.
  std::map<GroupId, GroupPtr> large_groups;
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

Result<> Switch::Impl::see_groups(std::span<const std::byte> wire) {
  auto decoded = decode_message(wire);
  if (!decoded) return decoded.error().to_error().within("read groups back");
  if (const auto* reply = std::get_if<MultipartReply>(&decoded->message))
    if (const auto* groups = std::get_if<GroupDescReply>(&reply->body))
      state.see_groups(groups->groups);
  return {};
}

awaitable<Result<>> Switch::Impl::read_groups(TimePoint deadline) {
  std::map<GroupId, std::size_t> buckets;
  Connection::PartHandler count = [&](std::span<const std::byte> wire) -> Result<> {
    auto decoded = decode_message(wire);
    if (!decoded) return decoded.error().to_error().within("count buckets");
    if (const auto* reply = std::get_if<MultipartReply>(&decoded->message))
      if (const auto* stats = std::get_if<GroupStatsReply>(&reply->body))
        for (const auto& group : stats->groups) buckets[group.group] = group.buckets.size();
    return {};
  };
  Connection::PartHandler see = [this](std::span<const std::byte> wire) {
    return see_groups(wire);
  };
  MultipartRequestBody all_stats = GroupStatsRequest{};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(all_stats), count, deadline));
  if (std::ranges::none_of(buckets,
                           [](const auto& item) { return item.second > kReadableBuckets; })) {
    MultipartRequestBody all = GroupDescRequest{};
    co_return co_await connection.multipart(std::move(all), see, deadline);
  }
  for (const auto& [id, size] : buckets) {
    const auto desired = state.group(id);
    bool readable = size <= kReadableBuckets;
    if (!readable && desired != nullptr && desired->buckets.size() == size) {
      std::vector<std::byte> wire;
      readable = encode(0, GroupMod{GroupCommand::kAdd, kBucketAll, *desired}, wire);
    }
    if (readable) {
      MultipartRequestBody one = GroupDescRequest{id};
      ANTREA_CO_CHECK(co_await connection.multipart(std::move(one), see, deadline));
    } else {
      const auto known = large_groups.find(id);
      state.see_large_group(id, desired != nullptr && desired->buckets.size() == size &&
                                    known != large_groups.end() && known->second == desired);
    }
  }
  co_return Result<>{};
}

awaitable<Result<Delta>> Switch::Impl::read_back() {
  const auto deadline = now() + options.request_timeout;
  state.begin_readback();
  Connection::PartHandler flows = [this](std::span<const std::byte> wire) {
    return state.see_flows(wire);
  };
  ANTREA_CO_CHECK(co_await read_groups(deadline));
  Connection::PartHandler meters = [this](std::span<const std::byte> wire) -> Result<> {
    auto decoded = decode_message(wire);
    if (!decoded) return decoded.error().to_error().within("read meters back");
    if (const auto* reply = std::get_if<MultipartReply>(&decoded->message))
      if (const auto* configs = std::get_if<MeterConfigReply>(&reply->body))
        state.see_meters(configs->meters);
    return {};
  };
  MultipartRequestBody all_meters = MeterConfigRequest{};
  auto metered = co_await connection.multipart(std::move(all_meters), meters, deadline);
  // A datapath without meters says so.
  if (!metered && metered.error().code != Errc::kRejected) co_return std::move(metered).error();
  FlowFilter filter;
  filter.cookie = options.ownership.cookie;
  filter.cookie_mask = 0;  // a desired flow's place may be taken by somebody else's
  MultipartRequestBody all_flows = FlowStatsRequest{filter};
  ANTREA_CO_CHECK(co_await connection.multipart(std::move(all_flows), flows, deadline));
  co_return state.finish_readback();
}

awaitable<Outcome> Switch::Impl::send(const Delta& delta) {
  const auto deadline = now() + options.request_timeout;
  Outcome outcome;
  auto made = Plan::make(delta);
  if (!made) {
    outcome.kind = Outcome::Kind::kRefused;
    outcome.error = made.error();
    co_return outcome;
  }
  const Plan plan = *std::move(made);
  const auto bundle = ++bundle_id;
  const std::size_t head = plan.before.size();
  const bool bundled = !plan.bundle.empty();
  const auto lose = [&](const Error& error) {
    ++statistics.lost;
    if (error.code == Errc::kTimeout) connection.drop(error.cause);
    outcome.kind = Outcome::Kind::kLost;
    outcome.error = error;
  };
  const auto collect = [&](const Exchange& exchange) {
    outcome.kind = Outcome::Kind::kRefused;
    if (outcome.error.cause.empty())
      outcome.error =
          make_error(Errc::kRejected, "the switch refused the bundle", options.connection.remote);
    for (const auto& refusal : exchange.refusals()) {
      if (refusal.index < head)
        outcome.refused.emplace_back(plan.before[refusal.index], refusal.error);
      else if (refusal.index > head)
        outcome.refused.emplace_back(plan.bundle[refusal.index - head - 1], refusal.error);
    }
  };

  Exchange exchange(connection);
  std::size_t index = 0;
  Connection::MessageSource source = [&](std::uint32_t xid, std::vector<std::byte>& out) {
    if (index < head)
      plan.before[index].encode(xid, std::nullopt, out);
    else if (index == head)
      encode(xid, BundleControl{bundle, BundleCommand::kOpenRequest}, out);
    else
      plan.bundle[index - head - 1].encode(xid, bundle, out);
    ++index;
  };
  const auto count = head + (bundled ? plan.bundle.size() + 1 : 0);
  if (count > 0) {
    const auto sent = co_await connection.transmit(exchange, count, source, deadline);
    statistics.messages += head + plan.bundle.size();
    if (!sent) {
      lose(sent.error());
      co_return outcome;
    }
  }
  if (!exchange.refusals().empty()) {
    if (bundled) {
      Message discard = BundleControl{bundle, BundleCommand::kDiscardRequest};
      co_await connection.request(std::move(discard), deadline);
    }
    if (head > 0) need_readback = true;  // meters are not bundled
    collect(exchange);
    co_return outcome;
  }
  if (bundled) {
    Message commit = BundleControl{bundle, BundleCommand::kCommitRequest};
    const auto committed = co_await connection.request(std::move(commit), deadline);
    if (!committed && committed.error().code != Errc::kRejected) {
      lose(committed.error());
      co_return outcome;
    }
    if (!committed) {
      if (head > 0) need_readback = true;
      outcome.error = committed.error();
      collect(exchange);
      co_return outcome;
    }
    ++statistics.bundles;
  }
  for (const auto& message : plan.bundle)
    if (message.kind == PlannedMessage::Kind::kInsertBuckets)
      large_groups[message.group->id] = message.group;
  if (!plan.after.empty()) {
    Exchange cleanup(connection);
    std::size_t at = 0;
    Connection::MessageSource deletes = [&](std::uint32_t xid, std::vector<std::byte>& out) {
      plan.after[at++].encode(xid, std::nullopt, out);
    };
    const auto sent = co_await connection.transmit(cleanup, plan.after.size(), deletes, deadline);
    statistics.messages += plan.after.size();
    if (!sent) lose(sent.error());
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
  if (first) large_groups.clear();
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
    auto delta = co_await read_back();
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
    const auto outcome = co_await send(*delta);
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
  const auto outcome = co_await send(total);
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
    while (!has_work()) {
      const bool periodic = options.resync_interval > Duration::zero() && synced;
      const bool woken = co_await wake.wait_until(periodic ? last_sync + options.resync_interval
                                                           : TimePoint::max());
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return;
      if (!woken && periodic) {
        need_readback = true;
        last_sync = now();
      }
    }
    const bool cancelled = co_await is_cancelled();
    if (stopped || cancelled) co_return;
    if (need_readback) {
      co_await synchronise();
    } else if (!plan_requests.empty()) {
      auto requests = std::exchange(plan_requests, {});
      auto delta = co_await read_back();
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

Result<> Switch::prepare(Changes changes) {
  if (!impl_->started) {
    ANTREA_TRY([[maybe_unused]] const auto delta, impl_->state.apply(changes));
    return {};
  }
  auto ticket = std::make_shared<Ticket>();
  ticket->changes = std::move(changes);
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
