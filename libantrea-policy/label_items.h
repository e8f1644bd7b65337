#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <span>
#include <vector>

#include "entities.h"
#include "index_maps.h"

namespace antrea::policy {

using GroupId = std::uint32_t;

/// All entities of a kind and a Namespace that carry exactly these labels, and the groups that
/// these are members of.
struct LabelItem {
  EntityKind kind{};
  StringId namespace_ = StringPool::kNone;
  LabelSet labels;
  FewIds members;  // EntityId
  FewIds groups;   // GroupId
};

/// The label items that have members: one for each distinct (kind, Namespace, labels).
class LabelItems {
 public:
  LabelItems(StringPool& pool, Entities& entities) : pool_(pool), entities_(entities) {}
  LabelItems(const LabelItems&) = delete;
  LabelItems& operator=(const LabelItems&) = delete;

  LabelItem& operator[](ItemId item) { return items_[item]; }
  const LabelItem& operator[](ItemId item) const { return items_[item]; }
  /// Entities::kNone if there is none.
  ItemId find(EntityKind kind, StringId namespace_, std::span<const Label> labels) const;
  ItemId add(EntityKind kind, StringId namespace_, LabelSet labels);
  /// It has no members and no groups any more.
  void remove(ItemId item);

  /// Those that carry the label.
  std::span<const ItemId> with(Label label) const;
  /// How many carry one of them.
  std::size_t count_with(std::span<const Label> labels) const;

  void attach(EntityId entity, ItemId item);
  /// The item may be left without members.
  void detach(EntityId entity);

  std::size_t count() const { return items_.size() - free_.size(); }

 private:
  struct Key {
    EntityKind kind;
    StringId namespace_;
    std::span<const Label> labels;
  };
  struct Hash {
    using is_transparent = void;
    const LabelItems* items;
    std::size_t operator()(ItemId item) const { return (*this)(items->key_of(item)); }
    std::size_t operator()(const Key& key) const;
  };
  struct Equal {
    using is_transparent = void;
    const LabelItems* items;
    bool operator()(ItemId a, ItemId b) const { return a == b; }
    bool operator()(const Key& a, ItemId b) const;
    bool operator()(ItemId a, const Key& b) const { return (*this)(b, a); }
  };
  Key key_of(ItemId item) const {
    return {items_[item].kind, items_[item].namespace_, items_[item].labels};
  }

  StringPool& pool_;
  Entities& entities_;
  std::deque<LabelItem> items_;
  std::vector<ItemId> free_;
  boost::unordered_flat_set<ItemId, Hash, Equal> by_key_{0, Hash{this}, Equal{this}};
  boost::unordered_flat_map<Label, std::vector<ItemId>> by_label_;
};

}  // namespace antrea::policy
