#include "label_items.h"

#include <algorithm>
#include <utility>

#include "index_maps.h"

namespace antrea::policy {

std::size_t LabelItems::Hash::operator()(const Key& key) const {
  std::uint64_t hash =
      (static_cast<std::uint64_t>(key.kind) << 32 | key.namespace_) * 0x9e3779b97f4a7c15ULL;
  for (const Label label : key.labels) {
    hash ^= label;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

bool LabelItems::Equal::operator()(const Key& a, ItemId b) const {
  const Key key = items->key_of(b);
  return a.kind == key.kind && a.namespace_ == key.namespace_ &&
         std::ranges::equal(a.labels, key.labels);
}

ItemId LabelItems::find(EntityKind kind, StringId namespace_, std::span<const Label> labels) const {
  const auto found = by_key_.find(Key{kind, namespace_, labels});
  return found == by_key_.end() ? Entities::kNone : *found;
}

ItemId LabelItems::add(EntityKind kind, StringId namespace_, LabelSet labels) {
  ItemId id = 0;
  if (free_.empty()) {
    id = static_cast<ItemId>(items_.size());
    items_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  for (const Label label : labels) {
    pool_.acquire(static_cast<StringId>(label >> 32));
    pool_.acquire(static_cast<StringId>(label));
    add_to(by_label_, label, id);
  }
  items_[id] = {kind, namespace_, std::move(labels), {}, {}};
  by_key_.insert(id);
  return id;
}

void LabelItems::remove(ItemId id) {
  by_key_.erase(id);
  LabelItem& item = items_[id];
  for (const Label label : item.labels) remove_from(by_label_, label, id);
  release_labels(item.labels, pool_);
  item = {};
  free_.push_back(id);
}

std::span<const ItemId> LabelItems::with(Label label) const { return look_up(by_label_, label); }

std::size_t LabelItems::count_with(std::span<const Label> labels) const {
  return count_all(by_label_, labels);
}

void LabelItems::attach(EntityId entity, ItemId item) {
  FewIds& members = items_[item].members;
  entities_.set_place(entity, item, static_cast<std::uint32_t>(members.size()));
  members.push_back(entity);
}

void LabelItems::detach(EntityId entity) {
  const ItemId item = entities_.item(entity);
  const std::uint32_t position = entities_.position(entity);
  FewIds& members = items_[item].members;
  members[position] = members.back();
  entities_.set_place(members[position], item, position);
  members.pop_back();
  entities_.set_place(entity, Entities::kNone, 0);
}

}  // namespace antrea::policy
