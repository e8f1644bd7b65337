#include "antrea/node/policy_packets.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace antrea::node {

namespace asio = boost::asio;

namespace {

constexpr const char* kName = "antrea_agent_policy_packet_count";
constexpr const char* kHelp =
    "Packets that rules and Services handed to the agent, by what became of them.";

}  // namespace

PolicyPackets::PolicyPackets(openflow::Switch& the_switch, const InterfaceStore& interfaces,
                             const NodeConfig& config, MetricRegistry& metrics, Options options)
    : switch_(the_switch),
      interfaces_(interfaces),
      config_(config),
      options_(std::move(options)),
      queue_(the_switch.connection().subscribe(
          static_cast<std::uint8_t>(api::pipeline::PacketInCategory::kNetworkPolicy),
          options_.queue)),
      unserved_queue_(the_switch.connection().subscribe(
          static_cast<std::uint8_t>(api::pipeline::PacketInCategory::kServiceReject),
          options_.queue)),
      logged_(metrics.counter(kName, kHelp, R"(result="logged")")),
      answered_(metrics.counter(kName, kHelp, R"(result="rejected")")),
      refused_(metrics.counter(kName, kHelp, R"(result="no_endpoint")")),
      unanswered_(metrics.counter(kName, kHelp, R"(result="not_answerable")")),
      malformed_(metrics.counter(kName, kHelp, R"(result="malformed")")),
      dropped_(metrics.counter(kName, kHelp, R"(result="queue_full")")) {}

PolicyPackets::~PolicyPackets() {
  queue_->close();
  unserved_queue_->close();
}

asio::awaitable<void> PolicyPackets::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (answer_rules() && answer_services());
}

asio::awaitable<void> PolicyPackets::answer_services() {
  const auto queue = unserved_queue_;
  for (;;) {
    const auto packet = co_await queue->next();
    if (!packet) co_return;
    send(answer_unserved(*packet), refused_);
  }
}

asio::awaitable<void> PolicyPackets::answer_rules() {
  const auto queue = queue_;  // outlives `this` by the last round
  for (;;) {
    const auto packet = co_await queue->next();
    if (!packet) co_return;
    take(*packet);
    dropped_.set(static_cast<std::int64_t>(queue->dropped()));
  }
}

void PolicyPackets::take(const openflow::PacketIn2& packet) {
  namespace operation = api::pipeline::packet_in_operation;
  const auto in = PolicyPacketIn::of(packet);
  if (!in) {
    malformed_.add();
    options_.logger->debug("{}", in.error().to_string());
    return;
  }
  if ((in->operations & operation::kLog) != 0 && options_.on_log) {
    logged_.add();
    options_.on_log(*in);
  }
  if ((in->operations & operation::kReject) == 0) return;
  send(answer_rejected(*in, interfaces_, config_), answered_);
}

void PolicyPackets::send(const std::optional<openflow::PacketOut>& answer, Metric& answered) {
  if (!answer) {
    unanswered_.add();
    return;
  }
  const auto sent = switch_.packet_out(*answer);
  if (sent)
    answered.add();
  else
    options_.logger->warn("{}", Error(sent.error()).within("answer a packet").to_string());
}

}  // namespace antrea::node
