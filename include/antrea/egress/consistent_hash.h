#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"

namespace antrea::egress {

/// A ring of Node names on which keys find Nodes: when a Node comes or goes, only the keys that it
/// gains or loses move. Gives the very Nodes that the original gives (antrea:
/// pkg/agent/consistenthash: CRC-32 of the decimal number of a replica followed by the name; the
/// first replica at or after the CRC-32 of the key), but for replicas of two Nodes with one hash:
/// here they always belong to the greater name, whatever came first, so that all agents agree.
///
/// A value. Cost: `add` and `remove` linear in the replicas, `Walk::next` logarithmic at first,
/// then constant.
class ANTREA_API ConsistentHash {
 public:
  static constexpr std::uint32_t kReplicas = 50;  ///< of the original; others make another ring

  /// `replicas`: at least 1.
  explicit ConsistentHash(std::uint32_t replicas = kReplicas) : replicas_(replicas) {}

  /// The ring of these Nodes, at once.
  explicit ConsistentHash(const std::set<std::string>& nodes, std::uint32_t replicas = kReplicas);

  /// Whether the ring has changed: it does not if the Node is there, or not there, already.
  bool add(std::string_view node);
  bool remove(std::string_view node);
  /// Many at once, at the cost of one: those that go, then those that come.
  void change(const std::vector<std::string>& go, const std::vector<std::string>& come);

  bool contains(std::string_view node) const { return slots_.contains(node); }
  std::size_t size() const { return slots_.size(); }  ///< in Nodes
  bool empty() const { return slots_.empty(); }

  /// The Nodes in the order in which they stand in for each other for one key, each once. Borrows
  /// the ring, which must not change meanwhile.
  class ANTREA_API Walk {
   public:
    /// The next Node, or null after the last one.
    const std::string* next();
    /// The hash of the last replica that was looked at. As long as no replica comes or goes from
    /// that of the key up to here, this part of the walk stays the same.
    std::uint32_t last() const { return last_; }

   private:
    friend ConsistentHash;
    Walk(const ConsistentHash& ring, std::uint32_t hash, std::string_view without);

    const ConsistentHash* ring_;
    std::size_t at_ = 0, left_ = 0;  // replicas: where the walk is, how many it has not seen
    std::size_t unseen_ = 0;         // Nodes
    std::uint32_t last_;
    std::optional<std::uint32_t> without_;
    std::vector<bool> seen_;  // by slot
  };
  /// From the owner of `key` on. `without`: as if this Node were not in the ring.
  Walk walk(std::string_view key, std::string_view without = {}) const {
    return {*this, hash(key), without};
  }
  Walk walk_from(std::uint32_t hash, std::string_view without = {}) const {
    return {*this, hash, without};
  }
  static std::uint32_t hash(std::string_view key);
  /// The hashes of a Node's replicas, in no order.
  std::vector<std::uint32_t> replicas(std::string_view node) const;
  /// The first Node of the walk, or null if the ring is empty.
  const std::string* owner(std::string_view key) const { return walk(key).next(); }

 private:
  struct Replica {
    std::uint32_t hash;
    std::uint32_t slot;
  };
  bool before(const Replica& a, const Replica& b) const;
  void append_replicas(std::uint32_t slot);

  std::uint32_t replicas_;
  std::map<std::string, std::uint32_t, std::less<>> slots_;  // numbers of Nodes, for short replicas
  std::vector<std::string> names_;                           // by slot; empty: free
  std::vector<Replica> ring_;  // sorted; of several with one hash, only the first one counts
};

}  // namespace antrea::egress
