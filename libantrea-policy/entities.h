#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/antrea_policy.h"
#include "antrea/api/controlplane.h"
#include "selector.h"

namespace antrea::policy {

using EntityId = std::uint32_t;
using ItemId = std::uint32_t;  // of a label item, see label_items.h

/// What groups and policies need to know of a Pod, an ExternalEntity or a Node, beside its labels.
struct EntityState {
  StringId node = StringPool::kNone;
  bool host_network = false;
  bool terminated = false;
  std::string uid;
  boost::container::small_vector<IpAddress, 1> ips;
  std::shared_ptr<const std::vector<api::controlplane::NamedPort>> ports;  // null: none

  bool scheduled() const { return node != StringPool::kNone; }
  /// Whether policies can be applied to it.
  bool can_be_target() const { return scheduled() && !host_network && !terminated; }
  /// Whether its addresses stand for it in peers.
  bool can_be_peer() const { return !host_network && !terminated && !ips.empty(); }
  friend bool operator==(const EntityState& a, const EntityState& b) {
    return a.node == b.node && a.host_network == b.host_network && a.terminated == b.terminated &&
           a.uid == b.uid && a.ips == b.ips &&
           (a.ports == b.ports || (a.ports && b.ports && *a.ports == *b.ports));
  }
};

/// Reads states from objects. The name of the Node is acquired from the pool.
class EntityReader {
 public:
  explicit EntityReader(StringPool& pool) : pool_(pool) {}
  EntityState read(const api::Pod& pod);
  EntityState read(const api::crd::ExternalEntity& entity);
  EntityState read(const api::Node& node);

 private:
  StringPool& pool_;
  /// Replicas come one after the other and declare the same ports.
  std::shared_ptr<const std::vector<api::controlplane::NamedPort>> last_ports_;
};

/// The Pods, ExternalEntities and Nodes: who they are, how they are, and how they were before the
/// batch under way. Nodes live in the Namespace "".
class Entities {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit Entities(StringPool& pool) : pool_(pool) {}

  /// There will be at least so many of a kind, most of them new.
  void expect(EntityKind kind, std::size_t count);
  /// The entity of that name; one without state and label item if there was none.
  EntityId at(EntityKind kind, StringId namespace_, std::string_view name);
  /// kNone if none exists.
  EntityId find(EntityKind kind, StringId namespace_, StringId name) const;
  /// To be called before the first change of an entity in a batch.
  void remember(EntityId entity);
  void set_state(EntityId entity, EntityState state);
  /// Where label items keep it: kNone if it does not exist (any more).
  void set_place(EntityId entity, ItemId item, std::uint32_t position) {
    records_[entity].item = item;
    records_[entity].position = position;
  }
  ItemId item(EntityId entity) const { return records_[entity].item; }
  std::uint32_t position(EntityId entity) const { return records_[entity].position; }

  EntityKind kind(EntityId entity) const { return records_[entity].kind; }
  StringId namespace_of(EntityId entity) const { return records_[entity].namespace_; }
  StringId name_of(EntityId entity) const { return records_[entity].name; }
  /// Those that are gone stay readable until the end of the batch.
  bool exists(EntityId entity) const { return records_[entity].item != kNone; }
  const EntityState& state(EntityId entity) const { return records_[entity].state; }
  /// As before this batch.
  bool existed(EntityId entity) const { return !records_[entity].is_new; }
  const EntityState& old_state(EntityId entity) const;
  /// Those that appeared, changed or went in this batch, each once, in no order.
  std::vector<EntityId> touched() const;

  void end_batch();

 private:
  struct Record {
    EntityKind kind{};
    StringId namespace_ = StringPool::kNone;
    StringId name = StringPool::kNone;
    ItemId item = kNone;
    std::uint32_t position = 0;
    bool is_new = false;  // in this batch
    EntityState state;
  };
  using ByKey = boost::unordered_flat_map<std::uint64_t, EntityId>;

  static std::uint64_t key_of(StringId namespace_, StringId name) {
    return static_cast<std::uint64_t>(namespace_) << 32 | name;
  }
  ByKey& by_key(EntityKind kind) { return by_key_[static_cast<std::size_t>(kind)]; }

  StringPool& pool_;
  std::deque<Record> records_;
  std::vector<EntityId> free_;
  std::array<ByKey, 3> by_key_;                                  // by kind
  std::vector<EntityId> new_;                                    // in this batch
  boost::unordered_flat_map<EntityId, EntityState> old_states_;  // of those that changed or went
  std::vector<StringId> nodes_left_;  // names to release, which old states still use
};

}  // namespace antrea::policy
