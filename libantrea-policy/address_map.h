#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "antrea/base/ip.h"

namespace antrea::policy {

/// A hash map by address. There may be hundreds of thousands, nearly all of IPv4: these take 4
/// bytes for their key.
template <typename Value>
class AddressMap {
 public:
  bool empty() const { return v4_.empty() && v6_.empty(); }
  bool contains(const IpAddress& ip) const {
    return ip.is_v4() ? v4_.contains(ip.v4_bits()) : v6_.contains(ip);
  }
  /// Null: not there.
  const Value* find(const IpAddress& ip) const {
    return ip.is_v4() ? find(v4_, ip.v4_bits()) : find(v6_, ip);
  }
  /// Whether it was not there; else nothing happens.
  bool insert(const IpAddress& ip, const Value& value) {
    return ip.is_v4() ? v4_.try_emplace(ip.v4_bits(), value).second
                      : v6_.try_emplace(ip, value).second;
  }
  void erase(const IpAddress& ip) { ip.is_v4() ? v4_.erase(ip.v4_bits()) : v6_.erase(ip); }

  /// Calls `function` with each address and value.
  template <typename Function>
  void for_each(Function function) const {
    for (const auto& [bits, value] : v4_) function(IpAddress::v4(bits), value);
    for (const auto& [ip, value] : v6_) function(ip, value);
  }

 private:
  template <typename Map, typename Key>
  static const Value* find(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  boost::unordered_flat_map<std::uint32_t, Value> v4_;
  boost::unordered_flat_map<IpAddress, Value, std::hash<IpAddress>> v6_;
};

}  // namespace antrea::policy
