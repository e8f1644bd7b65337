#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "antrea/base/hash.h"

namespace antrea::policy {

/// Numbers for keys, such that the assignment depends only on the set of keys: an ordered hash
/// table (Amble and Knuth, 1974) with linear probing. A key wants the number that its hash gives;
/// where keys meet, the smaller one goes first and the others move on. It is what assigning in
/// ascending order of keys would give.
class ConjunctionIds {
 public:
  /// Numbers `first` to `last`, both included. There must always be fewer keys than numbers.
  ConjunctionIds(std::uint32_t first, std::uint32_t last) : first_(first), last_(last) {}

  void assign(std::string_view key) {
    const std::string* current = &ids_.try_emplace(std::string(key), 0).first->first;
    place(current, home(*current));
  }

  void release(std::string_view key) {
    const auto found = ids_.find(std::string(key));
    if (found == ids_.end()) return;
    std::uint32_t id = found->second;
    slots_.erase(id);
    ids_.erase(found);
    // Whoever stands behind the gap may have wanted it.
    std::vector<const std::string*> followers;
    for (id = next(id); !slots_.empty(); id = next(id)) {
      const auto slot = slots_.find(id);
      if (slot == slots_.end()) break;
      followers.push_back(slot->second);
      slots_.erase(slot);
    }
    for (const std::string* follower : followers) place(follower, home(*follower));
  }

  /// 0: none.
  std::uint32_t id_of(std::string_view key) const {
    const auto found = ids_.find(std::string(key));
    return found == ids_.end() ? 0 : found->second;
  }
  /// Null: nobody has it.
  const std::string* key_of(std::uint32_t id) const {
    const auto slot = slots_.find(id);
    return slot == slots_.end() ? nullptr : slot->second;
  }
  /// The keys that got another number since the last call, in no order; some may be gone meanwhile.
  std::vector<std::string> take_moved() { return std::exchange(moved_, {}); }

 private:
  std::uint32_t home(std::string_view key) const {
    return first_ +
           static_cast<std::uint32_t>(stable_hash(key) % (std::uint64_t{last_} - first_ + 1));
  }
  std::uint32_t next(std::uint32_t id) const { return id == last_ ? first_ : id + 1; }

  void place(const std::string* current, std::uint32_t id) {
    for (;; id = next(id)) {
      auto [slot, free] = slots_.try_emplace(id, current);
      if (!free && *slot->second < *current) continue;
      const std::string* displaced = free ? nullptr : std::exchange(slot->second, current);
      std::uint32_t& assigned = ids_.at(*current);
      if (assigned != id && assigned != 0) moved_.push_back(*current);
      assigned = id;
      if (displaced == nullptr) return;
      current = displaced;
    }
  }

  std::uint32_t first_, last_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  boost::unordered_flat_map<std::uint32_t, const std::string*> slots_;  // into ids_
  std::vector<std::string> moved_;
};

}  // namespace antrea::policy
