#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/bytes.h"
#include "antrea/base/hash.h"

namespace antrea::egress {

/// The order of Nodes for a key as the ring's definition has it, word by word: a map of all
/// replicas, made anew.
inline std::vector<std::string> defined_order(std::set<std::string> nodes, std::string_view key,
                                              std::uint32_t replicas = 50) {
  std::map<std::uint32_t, std::string> ring;
  for (const auto& node : nodes)  // ascending, so the greater name stays
    for (std::uint32_t i = 0; i < replicas; ++i)
      ring[crc32(as_byte_span(std::to_string(i) + node))] = node;
  std::vector<std::string> order;
  const auto see = [&](const std::string& node) {
    if (nodes.erase(node) > 0) order.push_back(node);
  };
  const auto from = ring.lower_bound(crc32(as_byte_span(key)));
  for (auto it = from; it != ring.end(); ++it) see(it->second);
  for (auto it = ring.begin(); it != from; ++it) see(it->second);
  return order;
}

}  // namespace antrea::egress
