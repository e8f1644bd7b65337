#pragma once

#include <string>
#include <vector>

#include "antrea/egress/membership.h"

namespace antrea::egress {

/// How long a suspect has to contradict: the more members suspect it independently, the shorter
/// (Lifeguard; memberlist suspicion.go).
class Suspicion {
 public:
  /// Of `member_count` members, dead ones included, `from` is the first to suspect.
  Suspicion(const MembershipOptions& options, std::size_t member_count, std::string from,
            TimePoint now);
  /// Another voice. False if it was counted before, or no more are needed.
  bool confirm(const std::string& from);
  TimePoint deadline() const;

 private:
  TimePoint start_;
  Duration least_, most_;
  unsigned wanted_;                  ///< confirmations that bring the time down to `least_`
  std::vector<std::string> voices_;  ///< the first one, then the confirmations
};

}  // namespace antrea::egress
