#include "antrea/node/dns_interception.h"

#include "antrea/base/bytes.h"
#include "antrea/node/dns_state.h"
#include "antrea/node/packet.h"

namespace antrea::node {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr Duration kSavePause = 1s;
constexpr const char* kAnswers = "antrea_agent_dns_answer_count";
constexpr const char* kAnswersHelp = "DNS answers to Pods that were held, by what became of them.";
constexpr const char* kEvictions = "antrea_agent_fqdn_cache_eviction_count";
constexpr const char* kEvictionsHelp = "DNS names that were forgotten because there were too many.";

}  // namespace

Result<DnsAnswer> dns_answer_in(std::span<const std::byte> frame) {
  ANTREA_TRY(const PacketView packet, PacketView::of(frame));
  ByteReader in(packet.transport);
  if (packet.src_port != kDnsPort || packet.later_fragment)
    return make_error(Errc::kUnsupported, "read a DNS answer: another port");
  if (packet.protocol == openflow::ip_proto::kUdp) {
    in.skip(8);
    return decode_dns_answer(in.rest());
  }
  if (packet.protocol != openflow::ip_proto::kTcp)
    return make_error(Errc::kUnsupported, "read a DNS answer: neither UDP nor TCP");
  in.skip(12);
  const std::size_t header = static_cast<std::size_t>(in.u8() >> 4) * 4;
  if (in.failed() || header < 20 || header > packet.transport.size())
    return make_error(Errc::kMalformed, "read a DNS answer", "TCP header", "cut");
  ByteReader body(packet.transport.subspan(header));
  const std::size_t size = body.be16();
  const auto message = body.rest();
  return decode_dns_answer(message.first(std::min(size, message.size())));
}

DnsInterception::DnsInterception(asio::any_io_executor executor, openflow::Switch& the_switch,
                                 Datapath& datapath, MetricRegistry& metrics, Options options)
    : switch_(the_switch),
      datapath_(datapath),
      options_(std::move(options)),
      names_(options_.names),
      queue_(the_switch.connection().subscribe(
          static_cast<std::uint8_t>(api::pipeline::PacketInCategory::kDns), options_.queue)),
      rules_come_(executor),
      held_changed_(executor),
      questions_changed_(executor),
      time_changed_(executor),
      resumed_(metrics.counter(kAnswers, kAnswersHelp, R"(result="delivered")")),
      dropped_(metrics.counter(kAnswers, kAnswersHelp, R"(result="too_late")")),
      queue_full_(metrics.counter(kAnswers, kAnswersHelp, R"(result="queue_full")")),
      names_count_(metrics.gauge("antrea_agent_fqdn_cache_size",
                                 "DNS names that rules are about and that are known.")),
      evicted_of_pattern_(
          metrics.counter(kEvictions, kEvictionsHelp, R"(reason="selector_limit")")),
      evicted_of_all_(metrics.counter(kEvictions, kEvictionsHelp, R"(reason="total_limit")")) {
  restore();
}

DnsInterception::~DnsInterception() {
  queue_->close();
  if (unsaved_) save();
}

void DnsInterception::restore() {
  if (options_.state_file.empty()) return;
  const auto text = read_dns_state(options_.state_file);
  if (!text) return options_.logger->warn("{}", text.error().to_string());
  if (text->empty()) return;
  const auto known = decode_dns_state(*text, steady_clock::now(), system_clock::now());
  if (!known) return options_.logger->warn("{}", known.error().to_string());
  apply(names_.restore(*known, steady_clock::now()));
}

void DnsInterception::save() {
  unsaved_ = false;
  saved_ = steady_clock::now();
  if (options_.state_file.empty()) return;
  const auto written =
      write_dns_state(options_.state_file,
                      encode_dns_state(names_.all(), steady_clock::now(), system_clock::now()));
  if (!written) options_.logger->warn("{}", written.error().to_string());
}

void DnsInterception::count() {
  const DnsNames::Counts counts = names_.counts();
  names_count_.set(static_cast<std::int64_t>(counts.names));
  evicted_of_pattern_.set(static_cast<std::int64_t>(counts.evicted_of_pattern));
  evicted_of_all_.set(static_cast<std::int64_t>(counts.evicted_of_all));
  queue_full_.set(static_cast<std::int64_t>(queue_->dropped()));
  time_changed_.notify();
}

awaitable<Result<>> DnsInterception::commit(DnsNames::Changes changes) {
  std::vector<policy::RuleInput> batch;
  for (policy::NameResolved& each : changes) batch.emplace_back(std::move(each));
  return datapath_.commit(batch);
}

void DnsInterception::apply(DnsNames::Changes changes) {
  std::vector<policy::RuleInput> batch;
  for (policy::NameResolved& each : changes) batch.emplace_back(std::move(each));
  const auto applied = datapath_.apply(batch);
  if (!applied) options_.logger->error("{}", applied.error().to_string());
}

void DnsInterception::rules_changed() {
  if (!std::exchange(rules_known_, true)) rules_come_.notify();
  const auto patterns = datapath_.take_name_patterns();
  if (!patterns) return;
  apply(names_.set_patterns(*patterns, steady_clock::now()));
  unsaved_ = true;
  count();
}

void DnsInterception::resume(const openflow::PacketIn2& packet) {
  openflow::Resume resume;
  static_cast<openflow::PacketInProperties&>(resume) = packet;
  const auto sent = switch_.connection().send(resume);
  if (!sent)
    options_.logger->warn("{}", Error(sent.error()).within("deliver a DNS answer").to_string());
}

awaitable<void> DnsInterception::run() {
  if (!options_.server) {
    co_await (intercept() && release() && keep_time());
    co_return;
  }
  // As many questions at once.
  co_await (intercept() && release() && keep_time() && ask() && ask() && ask() && ask());
}

awaitable<void> DnsInterception::intercept() {
  const auto queue = queue_;
  while (!rules_known_) {
    co_await rules_come_.wait();
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
  }
  for (;;) {
    auto packet = co_await queue->next();
    if (!packet) co_return;
    const auto answer = dns_answer_in(packet->packet);
    if (!answer || answer->addresses.empty() || !names_.wants(answer->name)) {
      resume(*packet);
      continue;
    }
    const TimePoint now = steady_clock::now();
    auto done = commit(names_.learn(*answer, true, now));  // behind all that came before
    held_.push_back({*std::move(packet), std::move(done), now + options_.hold_timeout});
    held_changed_.notify();
    unsaved_ = true;
    count();
  }
}

awaitable<void> DnsInterception::release() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    while (held_.empty()) {
      co_await held_changed_.wait();
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return;
    }
    Held held = std::move(held_.front());
    held_.pop_front();
    timer.expires_at(held.deadline);
    auto first = co_await (std::move(held.done) || timer.async_wait(kTuple));
    if (first.index() == 0 && std::get<0>(first)) {
      resumed_.add();
      resume(held.packet);
    } else {
      dropped_.add();
    }
  }
}

awaitable<void> DnsInterception::keep_time() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    TimePoint next = names_.next_event().value_or(TimePoint::max());
    if (unsaved_) next = std::min(next, saved_ + kSavePause);
    if (next > steady_clock::now()) co_await time_changed_.wait_until(next);

    const TimePoint now = steady_clock::now();
    if (auto ended = names_.expire(now); !ended.empty()) {
      apply(std::move(ended));
      unsaved_ = true;
    }
    for (std::string& name : names_.take_queries(now)) {
      if (options_.server) questions_.push_back(std::move(name));
      questions_changed_.notify();
    }
    if (unsaved_ && now >= saved_ + kSavePause) save();
  }
}

awaitable<void> DnsInterception::ask() {
  for (;;) {
    while (questions_.empty()) {
      co_await questions_changed_.wait();
      const bool cancelled = co_await is_cancelled();
      if (cancelled) co_return;
    }
    const std::string name = std::move(questions_.front());
    questions_.pop_front();
    const auto answer = co_await resolve_dns_name(*options_.server, name, options_.families);
    if (answer) {
      apply(names_.learn(*answer, false, steady_clock::now()));
      unsaved_ = true;
    } else {
      options_.logger->debug("{}", answer.error().to_string());
      names_.failed(name, steady_clock::now());
    }
    count();
  }
}

}  // namespace antrea::node
