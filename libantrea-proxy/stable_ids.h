#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/hash.h"

namespace antrea::proxy {

/// Gives every identity a number that follows from the set of identities alone, not from the order
/// in which they came. `Owner` is whatever the caller wants to be told along with an identity.
///
/// An identity's first choice is a hash of it. Of several with one first choice the smallest has
/// it; the others, in their order, take the first of their further choices that is nobody's first
/// choice and not taken. With 32 bits there is hardly ever such a one, so settling all of them
/// again at each change costs nothing.
template <typename Owner>
class StableIds {
 public:
  struct Holder {
    std::string identity;
    Owner owner;
  };

  /// `first` and `count` bound the numbers; there must be more of them than identities.
  StableIds(std::uint32_t first, std::uint32_t count) : first_(first), count_(count) {}

  /// Room for so many more identities, where they are known to come.
  void reserve(std::size_t more) { holders_.reserve(holders_.size() + more); }

  /// The number of a new identity. Appends to `others` those that have another number than before.
  std::uint32_t add(const std::string& identity, Owner owner, std::vector<Holder>& others) {
    const std::uint32_t first = choice(identity, 0);
    const auto [place, fresh] = holders_.try_emplace(first);
    if (fresh) {
      place->second = {identity, owner};
    } else if (identity < place->second.identity) {
      lose(std::exchange(place->second, {identity, owner}));
    } else {
      lose({identity, owner});
    }
    if (losers_.empty()) return first;
    settle(others);
    std::erase_if(others, [&](const Holder& other) { return other.identity == identity; });
    return id_of(identity);
  }

  /// The identity must be there.
  void remove(const std::string& identity, std::vector<Holder>& others) {
    const auto held = holders_.find(choice(identity, 0));
    if (held->second.identity != identity) {
      losers_.erase(identity);
    } else if (const auto heir = heir_to(held->first); heir == losers_.end()) {
      holders_.erase(held);
    } else {
      held->second = {heir->first, heir->second.owner};
      others.push_back(held->second);
      losers_.erase(heir);
    }
    if (!losers_.empty()) settle(others);
  }

  /// The identity must be there.
  std::uint32_t id_of(const std::string& identity) const {
    const auto loser = losers_.find(identity);
    return loser == losers_.end() ? choice(identity, 0) : loser->second.id;
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Loser {
    Owner owner;
    std::uint32_t id = kNone;
  };
  using Losers = std::map<std::string, Loser>;

  std::uint32_t choice(std::string_view identity, unsigned attempt) const {
    return first_ + static_cast<std::uint32_t>(stable_hash(identity, attempt) % count_);
  }

  void lose(Holder holder) {
    losers_.emplace(std::move(holder.identity), Loser{holder.owner, kNone});
  }

  typename Losers::iterator heir_to(std::uint32_t number) {
    return std::ranges::find_if(
        losers_, [&](const auto& loser) { return choice(loser.first, 0) == number; });
  }

  void settle(std::vector<Holder>& others) {
    std::set<std::uint32_t> taken;
    for (auto& [identity, loser] : losers_) {
      std::uint32_t now = 0;
      for (unsigned attempt = 1;; ++attempt) {
        now = choice(identity, attempt);
        if (!holders_.contains(now) && taken.insert(now).second) break;
      }
      if (now != loser.id) others.push_back({identity, loser.owner});
      loser.id = now;
    }
  }

  std::uint32_t first_, count_;
  boost::unordered_flat_map<std::uint32_t, Holder> holders_;  // of their first choice
  Losers losers_;
};

}  // namespace antrea::proxy
