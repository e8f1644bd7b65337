#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace antrea::egress {

/// SplitMix64: a seed gives the same numbers on every machine, in eight bytes of state.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// 0 to `count` - 1; 0 for none.
  std::uint64_t below(std::uint64_t count) { return count == 0 ? 0 : next() % count; }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace antrea::egress
