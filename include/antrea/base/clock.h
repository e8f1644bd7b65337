#pragma once

#include <chrono>

#include "antrea/base/export.h"

namespace antrea {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Where shells read the time. Engines take a `TimePoint` as an argument instead.
class ANTREA_API Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class ANTREA_API SteadyClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

/// Moves only when told to.
class ANTREA_API ManualClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  TimePoint now_{};
};

}  // namespace antrea
