#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace antrea {

/// An integer that does not mix with others: `using GroupId = StrongId<struct GroupIdTag,
/// std::uint32_t>;`
template <typename Tag, typename Integer>
struct StrongId {
  using Value = Integer;
  Integer value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Integer v) : value(v) {}
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace antrea

template <typename Tag, typename Integer>
struct std::hash<antrea::StrongId<Tag, Integer>> {
  std::size_t operator()(const antrea::StrongId<Tag, Integer>& id) const noexcept {
    return std::hash<Integer>{}(id.value);
  }
};
