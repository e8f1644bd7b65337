#include "antrea/node/stale_connections.h"

#include <iterator>
#include <utility>

#include "antrea/api/pipeline.h"

namespace antrea::node {

namespace asio = boost::asio;

openflow::NxCtFlush to_ct_flush(const proxy::StaleConnections& stale) {
  openflow::NxCtFlush flush;
  flush.ip_proto = static_cast<std::uint8_t>(stale.original.protocol);
  flush.zone = stale.original.ip.is_v4() ? api::pipeline::kCtZone : api::pipeline::kCtZoneV6;
  flush.original.emplace();
  flush.original->dst = stale.original.ip;
  flush.original->dst_port = stale.original.port;
  if (stale.endpoint) {
    flush.reply.emplace();
    flush.reply->src = *stale.endpoint;
  }
  return flush;
}

StaleConnectionCleaner::StaleConnectionCleaner(asio::any_io_executor executor,
                                               openflow::Switch& the_switch, Logger logger)
    : switch_(the_switch), logger_(std::move(logger)), added_(std::move(executor)) {}

void StaleConnectionCleaner::add(std::vector<proxy::StaleConnections> stale) {
  std::ranges::move(stale, std::back_inserter(waiting_));
  if (!waiting_.empty()) added_.notify();
}

asio::awaitable<void> StaleConnectionCleaner::run() {
  for (;;) {
    while (waiting_.empty()) co_await added_.wait();
    const auto batch = std::exchange(waiting_, {});
    openflow::Changes nothing;  // acknowledged behind all that was prepared before
    const auto acknowledged = co_await switch_.commit(std::move(nothing));
    if (!acknowledged) {
      logger_->error("forget stale connections: {}", acknowledged.error().to_string());
      continue;
    }
    for (const auto& each : batch)
      if (const auto sent = switch_.connection().send(openflow::Message(to_ct_flush(each))); !sent)
        logger_->error("forget stale connections: {}", sent.error().to_string());
  }
}

}  // namespace antrea::node
