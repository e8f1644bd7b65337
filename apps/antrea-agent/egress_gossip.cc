#include "egress_gossip.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "antrea/base/asio.h"

namespace antrea::agent {

using namespace std::chrono_literals;

namespace {

/// How often the folder of the keys is looked at, and how often it is said that there are none.
constexpr Duration kReadKeys = 1s, kMissKeys = 60s;

egress::GossipOptions gossip_options(const Options& options, const IpAddress& address,
                                     const Logger& logger) {
  egress::GossipOptions gossip;
  gossip.name = options.node;
  gossip.bind.port = options.cluster_port;
  gossip.advertise = address;
  gossip.verify_incoming = options.gossip_verify_incoming;
  gossip.verify_outgoing = options.gossip_verify_outgoing;
  gossip.returning = true;  // until it is known whether others went on meanwhile
  gossip.log = logger;
  return gossip;
}

}  // namespace

EgressGossip::EgressGossip(boost::asio::any_io_executor executor, const Options& options,
                           const IpAddress& address, Logger logger)
    : executor_(executor),
      options_(options),
      logger_(std::move(logger)),
      gossip_(std::move(executor), gossip_options(options, address, logger_)) {
  if (!options.gossip_key_dir.empty()) key_folder_.emplace(options.gossip_key_dir);
}

Result<> EgressGossip::start(std::function<void()> on_begin) {
  on_begin_ = std::move(on_begin);
  return read_keys() ? begin() : Result<>();
}

Result<> EgressGossip::begin() {
  ANTREA_CHECK(gossip_.start());
  begun_ = true;
  on_begin_();
  return {};
}

void EgressGossip::keep_joining(const std::map<std::string, IpAddress>& nodes) {
  std::vector<egress::GossipEndpoint> others;
  for (const auto& [name, address] : nodes) others.push_back({address, options_.cluster_port});
  gossip_.keep_joining(std::move(others));
}

/// Whether there are keys, or none are needed.
bool EgressGossip::read_keys() {
  if (!key_folder_) return true;
  auto keys = key_folder_->poll();
  if (!keys) {
    logger_->error("{}", keys.error().to_string());
  } else if (*keys) {
    logger_->info("gossip is encrypted with the first of {} keys", (*keys)->keys().size());
    have_keys_ = true;
    gossip_.set_keys(**std::move(keys));
  }
  return have_keys_;
}

boost::asio::awaitable<void> EgressGossip::keep_keys() {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  boost::asio::steady_timer timer(executor_);
  TimePoint missed = std::chrono::steady_clock::now();
  while (key_folder_) {
    timer.expires_after(kReadKeys);
    const auto [code] = co_await timer.async_wait(kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
    const bool there = read_keys();
    if (there && !begun_) {
      if (const auto done = begin(); !done) logger_->error("{}", done.error().to_string());
    } else if (!there && std::chrono::steady_clock::now() >= missed + kMissKeys) {
      missed = std::chrono::steady_clock::now();
      logger_->warn("no gossip key in {} yet: this Node has no Egress IPs",
                    options_.gossip_key_dir);
    }
  }
}

}  // namespace antrea::agent
