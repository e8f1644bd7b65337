#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <string>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "group_roles.h"
#include "policy_builder.h"

namespace antrea::policy {

/// The source of a policy; those of different kinds may have one name.
struct PolicyKey {
  api::controlplane::PolicyType type{};
  api::ObjectKey key;  ///< without Namespace if cluster-scoped
  friend auto operator<=>(const PolicyKey&, const PolicyKey&) = default;
};

/// The internal policies, and the Nodes that each is needed on.
class PolicyTable {
 public:
  PolicyTable(GroupIndex& index, GroupRoles& roles) : index_(index), roles_(roles) {}

  /// There will be at least so many.
  void expect(std::size_t count) { expect_in(by_key_, count); }
  void set(const PolicyKey& key, ConvertedPolicy converted);
  void remove(const PolicyKey& key);
  /// Turns the audit log of the Namespace's Kubernetes policies on or off.
  void set_logging(const std::string& namespace_, bool enabled);

  /// Tells what changed; `moved`: the policies whose span may have.
  void flush(const std::vector<PolicyId>& moved, api::controlplane::Changes& changes);

  std::size_t count() const { return by_key_.size(); }
  std::size_t string_count() const { return pool_.count(); }
  /// Confined policies whose groups reach beyond their Namespace; sorted.
  std::vector<api::controlplane::NetworkPolicyReference> unrealizable() const;

 private:
  struct Record {
    std::shared_ptr<const api::controlplane::NetworkPolicy> object;  // null: gone
    std::shared_ptr<const api::controlplane::NetworkPolicy> published;
    GroupUse groups;
    api::controlplane::NodeSet span;
    bool confined = false;
    bool unrealizable = false;  // as published
    bool dirty = false;
  };
  /// Names repeat from Namespace to Namespace.
  struct PooledKey {
    api::controlplane::PolicyType type{};
    StringId namespace_ = StringPool::kNone;
    StringId name = StringPool::kNone;
    friend bool operator==(const PooledKey&, const PooledKey&) = default;
    friend std::size_t hash_value(const PooledKey& key) {
      return boost::hash<std::uint64_t>()(static_cast<std::uint64_t>(key.namespace_) << 32 |
                                          key.name) +
             static_cast<std::size_t>(key.type);
    }
  };

  PooledKey find(const PolicyKey& key) const {
    return {key.type, pool_.find(key.key.namespace_), pool_.find(key.key.name)};
  }
  PolicyId at(const PolicyKey& key);
  void mark(PolicyId id);
  void flush(Record& policy, api::controlplane::Changes& changes);
  bool reaches_beyond(const Record& policy) const;
  void forget(const PooledKey& key);

  GroupIndex& index_;
  GroupRoles& roles_;
  StringPool pool_;
  std::deque<Record> policies_;  // by PolicyId
  std::vector<PolicyId> free_;
  boost::unordered_flat_map<PooledKey, PolicyId> by_key_;
  boost::unordered_flat_map<StringId, std::vector<PolicyId>> kubernetes_by_namespace_;
  std::vector<PolicyId> dirty_;
  std::vector<PooledKey> removed_;
};

}  // namespace antrea::policy
