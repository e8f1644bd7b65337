#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "antrea/openflow/group.h"
#include "compile.h"

namespace antrea::proxy {

/// As many endpoints as a group takes by itself. Those of a Service with more are divided among
/// groups, its leaves, which its own group chooses from: so a change costs the leaf, a connection's
/// choice looks at some hundreds of buckets, and everybody can read the groups back (Open vSwitch
/// cannot describe a group of 64 KiB, and adding buckets to one takes time by their square).
inline constexpr std::size_t kMostInGroup = 128;

/// An endpoint of a group, under its bucket's number.
struct PlacedBackend {
  std::uint32_t number = 0;
  bool away = false;  ///< with dsr: behind the tunnel
  Backend backend;
  friend bool operator==(const PlacedBackend&, const PlacedBackend&) = default;
};
PlacedBackend place_backend(const Backend& backend, bool away = false);
/// All endpoints of a group, in the order of their buckets.
std::vector<PlacedBackend> place_backends(const GroupSpec& spec);

/// The endpoints whose numbers begin with the same bits.
struct GroupLeaf {
  std::uint32_t path = 1;  ///< 1, and the bits; also the number of the leaf's bucket
  openflow::GroupId id;
  std::uint32_t size = 0;
  friend bool operator==(const GroupLeaf&, const GroupLeaf&) = default;
};

/// The endpoints of a large group, and how they are divided: a leaf that outgrows `kMostInGroup` is
/// two, by the next bit. That follows from the endpoints alone, and a change of one touches the
/// leaf it is in.
class GroupTree {
 public:
  GroupTree() = default;
  /// `endpoints` in the order of `place_backends`.
  explicit GroupTree(std::vector<PlacedBackend> endpoints) : endpoints_(std::move(endpoints)) {}

  void add(const PlacedBackend& backend);
  void remove(const PlacedBackend& backend);

  /// What all leaves have in common has changed.
  void mark_leaves_changed() { leaves_changed_ = true; }
  /// The group that chooses among them has another ID.
  void mark_choice_changed() { choice_changed_ = true; }

  /// Divides the endpoints anew, after changes. Leaves that were there keep their IDs; others have
  /// none. Returns the leaves that are gone.
  std::vector<GroupLeaf> divide();
  std::vector<GroupLeaf>& leaves() { return leaves_; }  ///< ascending by their endpoints' numbers
  GroupLeaf* find(std::uint32_t path);

  /// Whether the group that chooses among the leaves differs from what it was at `take_changed`.
  bool choice_changed() const { return choice_changed_ || leaves_ != shown_; }
  /// The leaves that differ from what they were the last time, or have another ID.
  std::vector<GroupLeaf> take_changed();
  std::span<const PlacedBackend> endpoints_of(const GroupLeaf& leaf) const;

 private:
  void divide(std::uint32_t path, std::size_t begin, std::size_t end, std::vector<GroupLeaf>& out);

  std::vector<PlacedBackend> endpoints_;  // by number and address
  std::vector<GroupLeaf> leaves_;
  std::vector<GroupLeaf> shown_;        // the last time
  std::vector<std::uint32_t> touched_;  // numbers of endpoints that came or went
  bool leaves_changed_ = false, choice_changed_ = false;
};

/// Weights that make Open vSwitch choose buckets in the proportion of `sizes`, which are not 0.
std::vector<std::uint16_t> weights_for(std::span<const std::uint32_t> sizes);

}  // namespace antrea::proxy
