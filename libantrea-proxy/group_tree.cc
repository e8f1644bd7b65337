#include "group_tree.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

namespace antrea::proxy {

namespace {

constexpr unsigned kNumberBits = 31;

// Follows from the endpoint alone, the same in every process and on every machine.
std::uint32_t number_of(const Backend& backend) {
  std::uint64_t hash = backend.port * 0x9e3779b97f4a7c15U;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32;
  };
  std::uint64_t word = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : backend.ip.bytes()) {
    word = word << 8 | byte;
    if (++count % 8 == 0 || count == 4) {
      mix(word);
      word = 0;
    }
  }
  mix(count);
  return static_cast<std::uint32_t>(hash >> (64 - kNumberBits));
}

auto order(const PlacedBackend& placed) { return std::tie(placed.number, placed.backend); }
bool before(const PlacedBackend& a, const PlacedBackend& b) { return order(a) < order(b); }

struct Range {
  std::uint32_t first, last;
};
// The numbers that begin with the bits of a path.
Range numbers_of(std::uint32_t path) {
  const unsigned free = kNumberBits + 1 - static_cast<unsigned>(std::bit_width(path));
  const std::uint32_t bits = path ^ std::bit_floor(path);
  const std::uint32_t first = bits << free;
  return {first, first + ((std::uint32_t{1} << free) - 1)};
}

// Of a division of all numbers.
template <typename Leaves>
auto* find_leaf(Leaves& leaves, std::uint32_t path) {
  const auto first = [](std::uint32_t of) { return numbers_of(of).first; };
  const auto found = std::ranges::lower_bound(
      leaves, first(path), {}, [&](const GroupLeaf& leaf) { return first(leaf.path); });
  return found == leaves.end() || found->path != path ? nullptr : &*found;
}

}  // namespace

PlacedBackend place_backend(const Backend& backend, bool away) {
  return {number_of(backend), away, backend};
}

std::vector<PlacedBackend> place_backends(const GroupSpec& spec) {
  std::vector<PlacedBackend> placed;
  placed.reserve(spec.backends.size());
  for (std::size_t at = 0; at < spec.backends.size(); ++at)
    placed.push_back(place_backend(spec.backends[at], spec.is_away(at)));
  std::ranges::sort(placed, before);
  return placed;
}

void GroupTree::add(const PlacedBackend& backend) {
  endpoints_.insert(std::ranges::upper_bound(endpoints_, backend, before), backend);
  touched_.push_back(backend.number);
}

void GroupTree::remove(const PlacedBackend& backend) {
  endpoints_.erase(std::ranges::lower_bound(endpoints_, backend, before));
  touched_.push_back(backend.number);
}

void GroupTree::divide(std::uint32_t path, std::size_t begin, std::size_t end,
                       std::vector<GroupLeaf>& out) {
  if (begin == end) return;
  const Range numbers = numbers_of(path);
  if (end - begin <= kMostInGroup || numbers.first == numbers.last) {
    out.push_back({path, {}, static_cast<std::uint32_t>(end - begin)});
    return;
  }
  const auto half =
      std::ranges::lower_bound(endpoints_.begin() + static_cast<std::ptrdiff_t>(begin),
                               endpoints_.begin() + static_cast<std::ptrdiff_t>(end),
                               numbers_of(2 * path + 1).first, {}, &PlacedBackend::number);
  const auto middle = static_cast<std::size_t>(half - endpoints_.begin());
  divide(2 * path, begin, middle, out);
  divide(2 * path + 1, middle, end, out);
}

std::vector<GroupLeaf> GroupTree::divide() {
  std::vector<GroupLeaf> old = std::exchange(leaves_, {});
  leaves_.reserve(old.size() + 1);
  divide(1, 0, endpoints_.size(), leaves_);
  std::vector<GroupLeaf> gone;
  for (const auto& leaf : old) {
    if (GroupLeaf* const still = find(leaf.path))
      still->id = leaf.id;
    else
      gone.push_back(leaf);
  }
  return gone;
}

GroupLeaf* GroupTree::find(std::uint32_t path) { return find_leaf(leaves_, path); }

std::vector<GroupLeaf> GroupTree::take_changed() {
  std::ranges::sort(touched_);
  const auto changed = [&](const GroupLeaf& leaf) {
    const Range numbers = numbers_of(leaf.path);
    const auto touched = std::ranges::lower_bound(touched_, numbers.first);
    if (leaves_changed_ || (touched != touched_.end() && *touched <= numbers.last)) return true;
    const GroupLeaf* const was = find_leaf(shown_, leaf.path);
    return was == nullptr || was->id != leaf.id;
  };
  std::vector<GroupLeaf> out;
  std::ranges::copy_if(leaves_, std::back_inserter(out), changed);
  shown_ = leaves_;
  touched_.clear();
  leaves_changed_ = choice_changed_ = false;
  return out;
}

std::span<const PlacedBackend> GroupTree::endpoints_of(const GroupLeaf& leaf) const {
  const auto begin =
      std::ranges::lower_bound(endpoints_, numbers_of(leaf.path).first, {}, &PlacedBackend::number);
  return {&*begin, leaf.size};
}

// Open vSwitch takes the bucket whose hash, times its weight, is greatest (ofproto-dpif-xlate.c,
// group_best_live_bucket). With unequal weights the shares are not proportional to them: with two
// buckets of weights 1 and 2 the first has a quarter. With weights w1 <= ... <= wk the shares p
// follow
//   p_i - p_(i-1) = (w_i^m - w_(i-1)^m) / (m * w_i * ... * w_k), where m = k - i + 1,
// since a greatest value above w_(i-1) is that of i or a heavier one, each as likely. Solved for
// w_(i-1), from the heaviest one down; in logarithms.
std::vector<std::uint16_t> weights_for(std::span<const std::uint32_t> sizes) {
  constexpr double kHeaviest = 0xffff;
  std::vector<std::size_t> by_size(sizes.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::ranges::sort(by_size, {}, [&](std::size_t i) { return sizes[i]; });
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::vector<std::uint16_t> weights(sizes.size());
  double log_weight = 0, log_product = 0;
  for (std::size_t i = by_size.size(); i-- > 0;) {
    const double scaled = std::round(kHeaviest * std::exp(log_weight));
    weights[by_size[i]] = static_cast<std::uint16_t>(std::max(scaled, 1.0));
    if (i == 0) break;
    const auto heavier = static_cast<double>(by_size.size() - i);
    log_product += log_weight;
    const double more = (sizes[by_size[i]] - sizes[by_size[i - 1]]) / total;
    if (more == 0) continue;
    log_weight +=
        std::log1p(-heavier * more * std::exp(log_product - heavier * log_weight)) / heavier;
  }
  return weights;
}

}  // namespace antrea::proxy
