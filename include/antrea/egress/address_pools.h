#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/egress.h"
#include "antrea/base/export.h"

namespace antrea::egress {

/// An address that somebody holds. Owners are names of any form, such as "Egress web".
struct Holding {
  IpAddress ip;
  std::string pool;
  std::string owner;
  friend auto operator<=>(const Holding&, const Holding&) = default;
};

/// The addresses of ExternalIPPools and who holds them (antrea: pkg/controller/externalippool,
/// pkg/ipam/ipallocator), for both families and ranges of any size.
///
/// Never handed out are the first address of a CIDR and, for IPv4, its last one; the gateway of
/// `subnetInfo`, which the original does hand out, and the first address and, for IPv4, the last
/// one of that subnet. An address that stands in several pools (admission refuses that) is handed
/// out once. Not thread-safe. Cost of an allocation or release: logarithmic in the gaps of the
/// pool. Errors name the pool as object.
class ANTREA_API AddressPools {
 public:
  /// A new pool, or new ranges. Returns, ascending, what its owners hold no more: addresses that it
  /// does not have any more.
  std::vector<Holding> set(const api::crd::ExternalIPPool& pool);
  /// Returns, ascending, what was held of it.
  std::vector<Holding> remove(std::string_view pool);

  bool exists(std::string_view pool) const { return pools_.contains(pool); }
  /// Whether the address is in a range of the pool, handed out ever or not.
  bool contains(std::string_view pool, const IpAddress& ip) const;

  /// The lowest free address of the first range that has one. Errors: kNotFound (no such pool),
  /// kExhausted.
  Result<IpAddress> allocate(std::string_view pool, std::string_view owner);
  /// This very address; once more for the same owner is fine. Errors: kNotFound (no such pool),
  /// kInvalidArgument (not in the pool, or never handed out), kAlreadyExists (naming the owner).
  Result<> reserve(std::string_view pool, const IpAddress& ip, std::string_view owner);
  /// False if the owner does not hold it.
  bool release(const IpAddress& ip, std::string_view owner);

  /// Who holds the address; null: nobody. Lives until the next change.
  const std::string* owner(const IpAddress& ip) const;
  /// Both 0 if there is no such pool; `total` stops at 2^63-1.
  api::crd::PoolUsage usage(std::string_view pool) const;

 private:
  /// Free addresses of one range as intervals: first to last, neither touching nor overlapping.
  struct Range {
    api::crd::IpRange bounds;
    std::map<IpAddress, IpAddress> free;

    void take(const IpAddress& ip);
    IpAddress take_first();  // there is one
    void give_back(const IpAddress& ip);
  };
  struct Pool {
    std::vector<Range> ranges;
    std::set<IpAddress> excluded;
    std::set<std::string, std::less<>> overlapping;  // other pools
    api::crd::PoolUsage usage;
    bool hands_out(const IpAddress& ip) const;
  };

  using Pools = std::map<std::string, Pool, std::less<>>;
  struct Held {
    Pools::value_type* pool;
    std::string owner;
  };

  void take(Pool& pool, const IpAddress& ip);  // out of what is free, here and where it overlaps
  void hold(Pools::value_type& pool, const IpAddress& ip, std::string_view owner);
  template <typename Function>
  void for_each_range(Pool& pool, const IpAddress& ip, Function function);
  void find_overlaps();

  Pools pools_;
  boost::unordered_flat_map<IpAddress, Held, std::hash<IpAddress>> held_;
};

}  // namespace antrea::egress
