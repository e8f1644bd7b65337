#include "antrea/node/egress_host_keeper.h"

#include <algorithm>

namespace antrea::node {
namespace {

/// What gives this host something that others may not have at the same time, or leads packets where
/// there may be no way.
bool needs_all_before(const EgressHostOperation& operation) {
  return std::holds_alternative<AddAddress>(operation) ||
         std::holds_alternative<Answer>(operation) ||
         std::holds_alternative<AddEgressRule>(operation);
}

}  // namespace

Result<std::vector<EgressHostOperation>> reconcile_egress_host(EgressHostAccess& host,
                                                               const EgressHostState& desired,
                                                               const Logger& logger) {
  ANTREA_TRY(const auto actual, host.read(desired));
  auto plan = plan_egress_host(desired, actual);
  std::optional<Error> first;
  for (const auto& operation : plan) {
    if (first && needs_all_before(operation)) continue;
    logger->info("host network: {}", describe(operation));
    auto done = host.execute(operation, desired);
    if (done) continue;
    logger->error("{}", done.error().to_string());
    if (!first) first = std::move(done).error();
  }
  if (first) return *std::move(first);
  return plan;
}

Result<> EgressHostKeeper::set(EgressHostState desired, TimePoint now) {
  desired_ = std::move(desired);
  failures_ = 0;
  return reconcile(now);
}

bool EgressHostKeeper::tick(TimePoint now) {
  if (!next_ || now < *next_) return false;
  (void)reconcile(now);
  return true;
}

Result<> EgressHostKeeper::reconcile(TimePoint now) {
  const auto done = reconcile_egress_host(host_, desired_, logger_);
  if (done) {
    failures_ = 0;
    next_ = now + kResync;
    return {};
  }
  constexpr unsigned kMostDoublings = 10;
  next_ = now + std::min(kFirstPause * (1U << std::min(failures_, kMostDoublings)), kLongestPause);
  ++failures_;
  logger_->warn("{}; the host is looked at again in {} ms", done.error().to_string(),
                std::chrono::duration_cast<std::chrono::milliseconds>(*next_ - now).count());
  return done.error();
}

}  // namespace antrea::node
