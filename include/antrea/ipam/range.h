#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/base/ip.h"

namespace antrea::ipam {

/// A range as a configuration writes it: only `subnet` is required.
struct RangeConfig {
  std::string subnet;
  std::string range_start;
  std::string range_end;
  std::string gateway;
};

/// Consecutive addresses of one subnet, ends included, from which addresses are handed out; never
/// the gateway.
struct Range {
  IpPrefix subnet;
  IpAddress start;
  IpAddress end;
  IpAddress gateway;

  bool contains(const IpAddress& address) const { return start <= address && address <= end; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// Fills in what the host-local plugin fills in: gateway and start are the first address after the
/// network's, the end is the last one, for IPv4 that before the broadcast address.
///
/// Errors (kInvalidArgument, the text is host-local's own): the subnet has host bits set or is too
/// small to allocate from, start or end lie outside it, or the start lies behind the end.
ANTREA_API Result<Range> make_range(const RangeConfig& config);

/// Ranges that stand in for each other: one address is taken from each set.
class ANTREA_API RangeSet {
 public:
  /// Errors (kInvalidArgument): no range, mixed families, overlapping ranges.
  static Result<RangeSet> make(std::vector<Range> ranges);

  std::span<const Range> ranges() const { return ranges_; }
  Family family() const { return ranges_.front().start.family(); }
  bool contains(const IpAddress& address) const { return range_of(address) != nullptr; }
  /// The range that holds the address, or null.
  const Range* range_of(const IpAddress& address) const;
  bool overlaps(const RangeSet& other) const;
  /// "start-end,start-end"
  std::string to_string() const;

 private:
  explicit RangeSet(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}
  std::vector<Range> ranges_;
};

/// Error (kInvalidArgument): "range set 0 overlaps with 1".
ANTREA_API Result<> check_disjoint(std::span<const RangeSet> sets);

/// The candidates of one allocation in host-local's order: from the address after `last` through
/// all ranges and around, so that `last` comes at the very end; from the first range's start when
/// `last` is absent or foreign. Gateways are left out.
class ANTREA_API Candidates {
 public:
  Candidates(const RangeSet& set, const std::optional<IpAddress>& last);  ///< borrows `set`
  std::optional<IpAddress> next();

 private:
  void step();

  const RangeSet& set_;
  std::size_t range_ = 0;
  IpAddress current_;
  std::optional<IpAddress> first_;  // the first candidate given out; the walk ends on return to it
};

}  // namespace antrea::ipam
