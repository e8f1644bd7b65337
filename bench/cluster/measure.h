#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace antrea::bench {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Durations in milliseconds, by rank.
class Times {
 public:
  void add(double ms) { values_.push_back(ms); }
  double at(double share) {
    if (values_.empty()) return 0;
    std::ranges::sort(values_);
    return values_[std::min(values_.size() - 1,
                            static_cast<std::size_t>(share * static_cast<double>(values_.size())))];
  }
  std::size_t size() const { return values_.size(); }

 private:
  std::vector<double> values_;
};

}  // namespace antrea::bench
