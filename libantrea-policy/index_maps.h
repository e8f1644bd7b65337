#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "antrea/base/sorted.h"
#include "selector.h"

/// Maps from a key to a list without order: what the indexes of groups are made of.
namespace antrea::policy {

template <typename Map, typename Value>
void add_to(Map& map, typename Map::key_type key, Value value) {
  map[key].push_back(value);
}

/// Room for so many elements at once, of which some may be there already.
template <typename Table>
void expect_in(Table& table, std::size_t count) {
  if (count > table.max_load()) table.reserve(count);
}

/// Lists of IDs that mostly hold one or two.
using FewIds = boost::container::small_vector<std::uint32_t, 2>;

template <typename List>
void remove_one(List& values, typename List::value_type value) {
  const auto found = std::ranges::find(values, value);
  if (found == values.end()) return;
  *found = values.back();
  values.pop_back();
}

template <typename Map, typename Value>
void remove_from(Map& map, typename Map::key_type key, Value value) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  remove_one(found->second, value);
  if (found->second.empty()) map.erase(found);
}

template <typename Map>
std::span<const typename Map::mapped_type::value_type> look_up(const Map& map,
                                                               typename Map::key_type key) {
  const auto found = map.find(key);
  if (found == map.end()) return {};
  return found->second;
}

template <typename Map>
std::size_t count_all(const Map& map, std::span<const Label> labels) {
  std::size_t count = 0;
  for (const Label label : labels) count += look_up(map, label).size();
  return count;
}

}  // namespace antrea::policy
