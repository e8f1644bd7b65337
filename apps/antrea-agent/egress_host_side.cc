#include "egress_host_side.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "antrea/base/asio.h"

namespace antrea::agent {

namespace {

/// Between two renewals of the host's lease on its Egress IPs.
constexpr Duration kRenewal = std::chrono::milliseconds(20);

}  // namespace

EgressHostSide::EgressHostSide(boost::asio::any_io_executor executor, const Options& options,
                               const node::NodeConfig& config, std::string transport, Logger logger)
    : executor_(std::move(executor)),
      options_(options),
      config_(config),
      transport_(std::move(transport)),
      logger_(std::move(logger)) {}

Result<std::map<IpAddress, node::EgressMark>> EgressHostSide::open() {
  ANTREA_TRY(host_, node::EgressHost::open(logger_));
  keeper_.emplace(*host_, logger_);
  ANTREA_TRY(const auto found, host_->read(node::desired_egress_host(config_, transport_)));
  return node::egress_marks(found);
}

void EgressHostSide::set(const node::EgressOutcome* outcome) {
  // A lease that had lapsed must live before the announcement, which the fence would keep in.
  const bool serving = outcome != nullptr && outcome->decision.serving;
  if (serving) renew_lease();
  node::EgressHostNeeds needs;
  if (outcome != nullptr)
    needs = {outcome->decision.local, outcome->services, outcome->decision.subnets, {}};
  if (options_.snat_fully_random_ports) needs.ports = node::SnatPorts::kFullyRandom;
  (void)keeper_->set(node::desired_egress_host(config_, transport_, needs),
                     std::chrono::steady_clock::now());
  if (serving) renew_lease();
}

void EgressHostSide::renew_lease() {
  if (const auto renewed = host_->renew_lease(); !renewed)
    logger_->error("{}", renewed.error().to_string());
}

void EgressHostSide::probe_nodes(const std::set<IpAddress>& probes) {
  if (const auto asked = host_->probe_nodes(transport_, probes); !asked)
    logger_->warn("{}", asked.error().to_string());
}

std::optional<std::set<IpAddress>> EgressHostSide::own_addresses() {
  auto own = host_->own_addresses();
  if (own) return *std::move(own);
  logger_->error("{}", own.error().to_string());
  return std::nullopt;
}

boost::asio::awaitable<void> EgressHostSide::keep_lease(std::function<bool()> serves) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  boost::asio::steady_timer timer(executor_);
  TimePoint last = std::chrono::steady_clock::now();
  for (;;) {
    timer.expires_at(std::max(last + kRenewal, std::chrono::steady_clock::now()));
    const auto [code] = co_await timer.async_wait(kTuple);
    const bool cancelled = co_await is_cancelled();
    if (code || cancelled) co_return;
    // Whoever was stopped for so long has no lease any more. Before it renews, the gossip, whose
    // timers are overdue as well, shall have told whether others have acted meanwhile.
    const TimePoint now = std::chrono::steady_clock::now();
    const bool lapsed = now - std::exchange(last, now) > node::kEgressLease;
    if (!lapsed && serves()) renew_lease();
  }
}

}  // namespace antrea::agent
