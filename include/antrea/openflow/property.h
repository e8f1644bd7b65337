#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace antrea::openflow {

/// Properties decoded from a peer that this library has no member for, as they came.
using RawProperties = std::vector<std::byte>;

/// The order in which a peer wrote the members of a list, where it is not the usual one, so that
/// the list can be written again as it came. Empty: the usual order. Holds up to 16 numbers, 0 to
/// 14; what it does not hold follows in the usual order.
class PropertyOrder {
 public:
  constexpr bool empty() const { return nibbles_ == 0; }
  constexpr std::size_t size() const {
    std::size_t count = 0;
    while (count < 16 && (nibbles_ >> (4 * count) & 15) != 0) ++count;
    return count;
  }
  constexpr unsigned operator[](std::size_t index) const {
    return static_cast<unsigned>(nibbles_ >> (4 * index) & 15) - 1;
  }
  constexpr void push_back(unsigned number) {
    const std::size_t at = size();
    if (at < 16 && number < 15) nibbles_ |= std::uint64_t{number + 1} << (4 * at);
  }
  constexpr bool contains(unsigned number) const {
    for (std::size_t i = 0; i < size(); ++i)
      if ((*this)[i] == number) return true;
    return false;
  }
  friend constexpr bool operator==(const PropertyOrder&, const PropertyOrder&) = default;

 private:
  std::uint64_t nibbles_ = 0;
};

}  // namespace antrea::openflow
