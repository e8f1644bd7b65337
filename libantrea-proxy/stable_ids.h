#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "antrea/base/hash.h"

namespace antrea::proxy {

/// Gives every identity a number that follows from the set of identities alone, not from the order
/// in which they came.
///
/// An identity's first choice is a hash of it. Of several with one first choice the smallest has
/// it; the others, in their order, take the first of their further choices that is nobody's first
/// choice and not taken. With 32 bits there is hardly ever such a one, so settling all of them
/// again at each change costs nothing.
class StableIds {
 public:
  /// `first` and `count` bound the numbers; there must be more of them than identities.
  StableIds(std::uint32_t first, std::uint32_t count) : first_(first), count_(count) {}

  /// Room for so many more identities, where they are known to come.
  void reserve(std::size_t more) { first_choices_.reserve(first_choices_.size() + more); }

  /// Appends to `changed` the identities that have another number than before, the new one
  /// included.
  void add(const std::string& identity, std::vector<std::string>& changed) {
    auto& choosers = first_choices_[choice(identity, 0)];
    const auto place = std::ranges::lower_bound(choosers, identity);
    const bool first = place == choosers.begin();
    choosers.insert(place, identity);
    // One of several is a loser now; if that is who held the number, the new one pushed it out.
    if (choosers.size() > 1) losers_.emplace(first ? choosers[1] : identity, kNone);
    if (first) changed.push_back(identity);
    if (!losers_.empty()) settle(changed);
  }

  /// The identity must be there.
  void remove(const std::string& identity, std::vector<std::string>& changed) {
    const auto found = first_choices_.find(choice(identity, 0));
    auto& choosers = found->second;
    const bool held = choosers.front() == identity;
    choosers.erase(std::ranges::lower_bound(choosers, identity));
    if (!held) {
      losers_.erase(identity);
    } else if (!choosers.empty()) {
      losers_.erase(choosers.front());
      changed.push_back(choosers.front());
    }
    if (choosers.empty()) first_choices_.erase(found);
    if (!losers_.empty()) settle(changed);
  }

  /// The identity must be there.
  std::uint32_t id_of(const std::string& identity) const {
    const auto loser = losers_.find(identity);
    return loser == losers_.end() ? choice(identity, 0) : loser->second;
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  std::uint32_t choice(const std::string& identity, unsigned attempt) const {
    return first_ + static_cast<std::uint32_t>(stable_hash(identity, attempt) % count_);
  }

  void settle(std::vector<std::string>& changed) {
    std::set<std::uint32_t> taken;
    for (auto& [identity, id] : losers_) {
      std::uint32_t now = 0;
      for (unsigned attempt = 1;; ++attempt) {
        now = choice(identity, attempt);
        if (!first_choices_.contains(now) && taken.insert(now).second) break;
      }
      if (now != id) changed.push_back(identity);
      id = now;
    }
  }

  std::uint32_t first_, count_;
  // Ascending; nearly always one.
  boost::unordered_flat_map<std::uint32_t, std::vector<std::string>> first_choices_;
  std::map<std::string, std::uint32_t> losers_;
};

}  // namespace antrea::proxy
