#include "antrea/ipam/range.h"

#include <fmt/format.h>

#include <algorithm>

namespace antrea::ipam {
namespace {

Error invalid(std::string cause, std::string object = {}) {
  return make_error(Errc::kInvalidArgument, std::move(cause), std::move(object));
}

Result<IpAddress> address_inside(const std::string& text, std::string_view field,
                                 const IpPrefix& subnet) {
  ANTREA_TRY(const IpAddress address, IpAddress::parse(text));
  if (!subnet.contains(address))
    return invalid(fmt::format("{} {} not in network {}", field, text, subnet.to_string()));
  return address;
}

}  // namespace

Result<Range> make_range(const RangeConfig& config) {
  Range range;
  auto subnet = IpPrefix::parse(config.subnet);
  if (!subnet) return std::move(subnet).error().within("read IPAM range");
  range.subnet = *subnet;
  const auto written = IpAddress::parse(config.subnet.substr(0, config.subnet.find('/')));
  if (*written != range.subnet.address())
    return invalid(fmt::format("Network has host bits set. For a subnet mask of length {} the "
                               "network address is {}",
                               range.subnet.length(), range.subnet.address().to_string()),
                   config.subnet);
  if (range.subnet.length() + 2 > written->width())
    return invalid(fmt::format("Network {} too small to allocate from", config.subnet));

  range.start = range.gateway = range.subnet.address().plus(1);
  range.end = written->is_v4() ? range.subnet.last().minus(1) : range.subnet.last();
  if (!config.gateway.empty()) {
    ANTREA_TRY(range.gateway, IpAddress::parse(config.gateway));
  }
  if (!config.range_start.empty()) {
    ANTREA_TRY(range.start, address_inside(config.range_start, "RangeStart", range.subnet));
  }
  if (!config.range_end.empty()) {
    ANTREA_TRY(range.end, address_inside(config.range_end, "RangeEnd", range.subnet));
  }
  if (range.end < range.start)
    return invalid(fmt::format("RangeStart {} not in network {}: it lies behind RangeEnd {}",
                               range.start.to_string(), range.subnet.to_string(),
                               range.end.to_string()));
  return range;
}

Result<RangeSet> RangeSet::make(std::vector<Range> ranges) {
  if (ranges.empty()) return invalid("empty range set");
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].start.family() != ranges[0].start.family())
      return invalid("mixed address families");
    for (std::size_t j = 0; j < i; ++j) {
      if (ranges[j].start <= ranges[i].end && ranges[i].start <= ranges[j].end)
        return invalid(fmt::format("subnets {}-{} and {}-{} overlap", ranges[j].start.to_string(),
                                   ranges[j].end.to_string(), ranges[i].start.to_string(),
                                   ranges[i].end.to_string()));
    }
  }
  return RangeSet(std::move(ranges));
}

const Range* RangeSet::range_of(const IpAddress& address) const {
  const auto found =
      std::ranges::find_if(ranges_, [&](const Range& range) { return range.contains(address); });
  return found == ranges_.end() ? nullptr : &*found;
}

bool RangeSet::overlaps(const RangeSet& other) const {
  return std::ranges::any_of(ranges_, [&](const Range& mine) {
    return std::ranges::any_of(other.ranges_, [&](const Range& theirs) {
      return mine.start <= theirs.end && theirs.start <= mine.end;
    });
  });
}

std::string RangeSet::to_string() const {
  std::string text;
  for (const Range& range : ranges_)
    text += fmt::format("{}{}-{}", text.empty() ? "" : ",", range.start.to_string(),
                        range.end.to_string());
  return text;
}

Result<> check_disjoint(std::span<const RangeSet> sets) {
  for (std::size_t i = 0; i < sets.size(); ++i)
    for (std::size_t j = i + 1; j < sets.size(); ++j)
      if (sets[i].overlaps(sets[j]))
        return invalid(fmt::format("range set {} overlaps with {}", i, j));
  return {};
}

Candidates::Candidates(const RangeSet& set, const std::optional<IpAddress>& last)
    : set_(set), current_(set.ranges().front().start) {
  if (!last) return;
  const Range* const range = set_.range_of(*last);
  if (range == nullptr) return;
  range_ = static_cast<std::size_t>(range - set_.ranges().data());
  current_ = *last;
  step();
}

void Candidates::step() {
  if (current_ != set_.ranges()[range_].end) {
    current_ = current_.plus(1);
    return;
  }
  range_ = (range_ + 1) % set_.ranges().size();
  current_ = set_.ranges()[range_].start;
}

std::optional<IpAddress> Candidates::next() {
  // A range of nothing but its gateway holds no candidate at all: one turn without one ends the
  // walk.
  std::size_t gateways = 0;
  while (current_ == set_.ranges()[range_].gateway) {
    if (++gateways > set_.ranges().size()) return std::nullopt;
    step();
  }
  if (first_ && current_ == *first_) return std::nullopt;
  if (!first_) first_ = current_;
  const IpAddress candidate = current_;
  step();
  return candidate;
}

}  // namespace antrea::ipam
