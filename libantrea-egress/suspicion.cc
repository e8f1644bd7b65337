#include "suspicion.h"

#include <algorithm>
#include <cmath>

namespace antrea::egress {

Suspicion::Suspicion(const MembershipOptions& options, std::size_t member_count, std::string from,
                     TimePoint now)
    : start_(now),
      wanted_(options.suspicion_multiplier > 2 ? options.suspicion_multiplier - 2 : 0) {
  // With too few members to give so many voices, nobody waits for them.
  if (member_count < wanted_ + 2) wanted_ = 0;
  const auto scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(member_count))));
  least_ = options.suspicion_multiplier * options.probe_interval *
           static_cast<Duration::rep>(scale * 1000) / 1000;
  most_ = least_ * options.suspicion_max_multiplier;
  voices_.push_back(std::move(from));
}

bool Suspicion::confirm(const std::string& from) {
  if (voices_.size() > wanted_ || std::ranges::find(voices_, from) != voices_.end()) return false;
  voices_.push_back(from);
  return true;
}

TimePoint Suspicion::deadline() const {
  if (wanted_ == 0) return start_ + least_;
  const double heard = static_cast<double>(voices_.size());  // confirmations + 1
  const double part = std::log(heard) / std::log(wanted_ + 1.0);
  const std::chrono::duration<double> span =
      std::chrono::duration<double>(most_) - part * std::chrono::duration<double>(most_ - least_);
  const auto floored = std::chrono::floor<std::chrono::milliseconds>(span);
  return start_ + std::max<Duration>(floored, least_);
}

}  // namespace antrea::egress
