#pragma once

#include <optional>

#include "antrea/base/clock.h"

namespace antrea::proxy {

/// Follows changes on their way into the switch, one batch at a time, for health checks:
///
///   changed(t)    something waits
///   sent()        all that waits is under way; what comes now waits for the next batch
///   acknowledged  the switch has what was under way
///   lost()        it has not: that waits again, for as long as it has
class ANTREA_API SyncProgress {
 public:
  /// A change that takes longer to arrive makes the proxy unhealthy (antrea:
  /// third_party/proxy/healthcheck/proxier_health.go).
  static constexpr Duration kPatience = std::chrono::minutes(2);

  void changed(TimePoint now);
  void sent();
  /// For how long the oldest change of the batch has been on its way.
  Duration acknowledged(TimePoint now);
  void lost();

  /// Whether there is something to send.
  bool waiting() const { return waiting_since_.has_value(); }
  bool healthy(TimePoint now) const;

 private:
  std::optional<TimePoint> waiting_since_, under_way_since_;  // that of the second is the older one
};

}  // namespace antrea::proxy
