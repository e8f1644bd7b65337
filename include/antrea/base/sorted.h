#pragma once

#include <algorithm>
#include <functional>
#include <span>

// Vectors as sets and multimaps. (What std::ranges::unique and equal_range return, clang 14 cannot
// compile with the standard library of gcc.)
namespace antrea {

/// Drops all but the first of neighbours with equal keys.
template <typename Vector, typename Key = std::identity>
void keep_first(Vector& all, Key key = {}) {
  const auto same = [&](const auto& a, const auto& b) {
    return std::invoke(key, a) == std::invoke(key, b);
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
}

/// Sorts, and leaves one of each.
template <typename Vector>
void sort_unique(Vector& all) {
  std::ranges::sort(all);
  keep_first(all);
}

/// Those with this key, where `all` is sorted by it.
template <typename Vector, typename Key, typename Projection = std::identity>
std::span<const typename Vector::value_type> equal_span(const Vector& all, const Key& key,
                                                        Projection projection = {}) {
  return {std::ranges::lower_bound(all, key, {}, projection),
          std::ranges::upper_bound(all, key, {}, projection)};
}

}  // namespace antrea
