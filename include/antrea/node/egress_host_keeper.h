#pragma once

#include <chrono>
#include <optional>

#include "antrea/base/clock.h"
#include "antrea/base/log.h"
#include "antrea/node/egress_host.h"

namespace antrea::node {

/// Keeps a host as it is to be. What fails is tried again, after `kFirstPause` and then each time
/// after twice as long as before; what others have changed is put right every `kResync`.
class ANTREA_API EgressHostKeeper {
 public:
  static constexpr Duration kFirstPause = std::chrono::milliseconds(50);
  static constexpr Duration kLongestPause = std::chrono::seconds(5);
  static constexpr Duration kResync = std::chrono::seconds(60);

  /// `host` outlives this.
  explicit EgressHostKeeper(EgressHostAccess& host, Logger logger = null_logger())
      : host_(host), logger_(std::move(logger)) {}

  /// At once. Error: that of the first operation that failed; it will be tried again.
  Result<> set(EgressHostState desired, TimePoint now);
  /// To be called at `next_deadline`, or later. Whether anything was done that was due.
  bool tick(TimePoint now);
  std::optional<TimePoint> next_deadline() const { return next_; }
  /// The host is not yet, or no more, as it was to be when it was last looked at.
  bool failing() const { return failures_ > 0; }

 private:
  Result<> reconcile(TimePoint now);

  EgressHostAccess& host_;
  Logger logger_;
  EgressHostState desired_;
  unsigned failures_ = 0;  // in a row
  std::optional<TimePoint> next_;
};

}  // namespace antrea::node
