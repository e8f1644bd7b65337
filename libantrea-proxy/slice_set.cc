#include "slice_set.h"

#include <algorithm>
#include <iterator>

#include "antrea/base/sorted.h"

namespace antrea::proxy {

namespace {

using Endpoint = SliceInput::Endpoint;

// With more changes at once it is quicker to sort all.
constexpr std::size_t kMostMoves = 8;

const IpAddress& ip_of(const SliceSet::Listing& listing) { return listing.endpoint.ip; }

// Whether an endpoint of one would mean the same in the other.
bool reads_as(const SliceInput& a, const SliceInput& b) {
  return a.family == b.family && a.ports == b.ports && a.hints == b.hints;
}

// What is in one and not in the other.
std::vector<Endpoint> missing(const std::vector<Endpoint>& from, const std::vector<Endpoint>& in) {
  std::vector<Endpoint> out;
  std::ranges::set_difference(from, in, std::back_inserter(out));
  return out;
}

}  // namespace

std::vector<SliceSet::Slice>::iterator SliceSet::find(std::string_view name) {
  return std::ranges::find(slices_, name, &Slice::name);
}

SliceSet::Change SliceSet::set(std::string_view name, SliceInput input) {
  auto place = find(name);
  const bool fresh = place == slices_.end();
  if (!fresh && place->input == input) return {};
  if (fresh) {
    ++count_;
    place = std::ranges::find_if(slices_, &std::string::empty, &Slice::name);
    if (place == slices_.end()) place = slices_.emplace(place);
    place->name = name;
  }
  change(static_cast<std::uint32_t>(place - slices_.begin()), place->input, input);
  place->input = std::move(input);
  return {fresh, true};
}

void SliceSet::erase(std::string_view name) {
  const auto place = find(name);
  if (place == slices_.end()) return;
  --count_;
  change(static_cast<std::uint32_t>(place - slices_.begin()), place->input, {});
  *place = {};
}

void SliceSet::change(std::uint32_t slice, const SliceInput& before, const SliceInput& now) {
  size_ += now.endpoints.size() - before.endpoints.size();
  if (!sorted_) return;
  const auto gone = missing(before.endpoints, now.endpoints),
             come = missing(now.endpoints, before.endpoints);
  if (gone.size() + come.size() > kMostMoves) {
    sorted_ = false;
    before_.reset();
    return;
  }
  if (!reads_as(before, now)) before_.reset();
  for (const auto& endpoint : gone) unlist({endpoint, slice});
  for (const auto& endpoint : come) list({endpoint, slice});
}

void SliceSet::settle() {
  before_.reset();
  if (sorted_) before_.emplace();
}

std::span<const SliceSet::Listing> SliceSet::at(const IpAddress& ip) const {
  return equal_span(listings_, ip, ip_of);
}

void SliceSet::remember(const IpAddress& ip) {
  if (!before_ || before_->contains(ip)) return;
  const auto now = at(ip);
  before_->emplace(ip, std::vector<Listing>(now.begin(), now.end()));
  if (before_->size() > kMostMoves) before_.reset();
}

void SliceSet::unlist(const Listing& listing) {
  remember(listing.endpoint.ip);
  const auto first = std::ranges::lower_bound(listings_, listing.endpoint.ip, {}, ip_of);
  listings_.erase(std::find_if(first, listings_.end(), [&](const Listing& each) {
    return each.slice == listing.slice && each.endpoint == listing.endpoint;
  }));
}

void SliceSet::list(const Listing& listing) {
  remember(listing.endpoint.ip);
  const auto place = std::ranges::lower_bound(listings_, listing.endpoint.ip, {}, ip_of);
  listings_.insert(place, listing);
}

void SliceSet::sort_if_needed() const {
  if (sorted_) return;
  listings_.clear();
  listings_.reserve(size_);
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice)
    for (const auto& endpoint : slices_[slice].input.endpoints)
      listings_.push_back({endpoint, slice});
  if (!std::ranges::is_sorted(listings_, {}, ip_of)) std::ranges::sort(listings_, {}, ip_of);
  sorted_ = true;
}

}  // namespace antrea::proxy
