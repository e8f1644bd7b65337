#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service_input.h"

namespace antrea::proxy {

/// The EndpointSlices of a Service, and all their endpoints in the order of their addresses. That
/// order is kept where slices change by little, so that a change among many endpoints costs no
/// sorting of all.
class SliceSet {
 public:
  struct Listing {
    SliceInput::Endpoint endpoint;
    std::uint32_t slice = 0;  ///< place in `slices`
  };
  struct Slice {
    std::string name;
    SliceInput input;
  };

  struct Change {
    bool fresh = false;    ///< there was none of this name
    bool changed = false;  ///< or it was another one
  };
  /// What was listed at some addresses.
  using Listings = std::map<IpAddress, std::vector<Listing>>;

  Change set(std::string_view name, SliceInput input);
  void erase(std::string_view name);

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return size_; }                    ///< all slices' endpoints
  const std::vector<Slice>& slices() const { return slices_; }  ///< without a name: none

  /// What is listed now is what `before` tells of from here on.
  void settle();
  /// What was listed at the addresses of all endpoints that have changed since. Absent: more has
  /// changed than a few endpoints of slices that are there as before, or it is not known.
  const std::optional<Listings>& before() const { return before_; }
  /// What is listed at an address; while `before` is there.
  std::span<const Listing> at(const IpAddress& ip) const;

  /// Calls `take(endpoint, slice)` for all, ascending by address.
  template <typename Take>
  void each(Take take) const {
    if (slices_.size() == 1) {
      for (const auto& endpoint : slices_.front().input.endpoints) take(endpoint, 0U);
      return;
    }
    sort_if_needed();
    for (const auto& [endpoint, slice] : listings_) take(endpoint, slice);
  }

 private:
  std::vector<Slice>::iterator find(std::string_view name);
  void change(std::uint32_t slice, const SliceInput& before, const SliceInput& now);
  void list(const Listing& listing);
  void unlist(const Listing& listing);
  void remember(const IpAddress& ip);
  void sort_if_needed() const;

  std::vector<Slice> slices_;
  std::size_t count_ = 0, size_ = 0;
  // Of two slices or more; made when asked for.
  mutable std::vector<Listing> listings_;
  mutable bool sorted_ = false;
  std::optional<Listings> before_;
};

}  // namespace antrea::proxy
