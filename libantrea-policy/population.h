#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "antrea/policy/compiler.h"

namespace antrea::policy {

/// What policies can name, from the objects as users wrote them.
class Population {
 public:
  explicit Population(std::span<const ObjectChange> objects);

  bool has_service(const api::ObjectKey& key) const { return services_.contains(key); }
  bool has_tier(const std::string& name) const { return tiers_.contains({{}, name}); }
  using Selector = std::optional<api::LabelSelector>;
  /// Pods of a Namespace ("": of all), or of those that a selector picks.
  bool has_pods(const std::string& ns, const Selector& namespace_selector,
                const Selector& selector) const;
  bool has_entities(const std::string& ns, const Selector& namespace_selector,
                    const api::LabelSelector& selector) const;
  bool has_nodes(const api::LabelSelector& selector) const;
  /// Some Pod runs under it.
  bool has_account(const api::ObjectKey& account) const;
  /// Of this Namespace; of none: a ClusterGroup. Null: there is none.
  const api::crd::GroupSpec* group(const std::string& name, const std::string& ns) const;
  bool has_members(const api::crd::GroupSpec& group, const std::string& ns) const {
    return has_members(group, ns, 0);
  }

 private:
  template <typename Object>
  using ByKey = std::map<api::ObjectKey, std::shared_ptr<const Object>>;

  template <typename Object>
  static api::ObjectKey key(const std::shared_ptr<const Object>& object) {
    return api::key_of(object->metadata);
  }
  void note(const std::shared_ptr<const api::Namespace>& o) { namespaces_[key(o)] = o; }
  void note(const std::shared_ptr<const api::Pod>& o) { pods_[key(o)] = o; }
  void note(const std::shared_ptr<const api::Service>& o) { services_[key(o)] = o; }
  void note(const std::shared_ptr<const api::Node>& o) { nodes_[key(o)] = o; }
  void note(const std::shared_ptr<const api::crd::ExternalEntity>& o) { entities_[key(o)] = o; }
  void note(const std::shared_ptr<const api::crd::Tier>& o) { tiers_[key(o)] = o; }
  void note(const std::shared_ptr<const api::crd::Group>& o) { groups_[key(o)] = o; }
  void note(const std::shared_ptr<const api::crd::ClusterGroup>& o) { cluster_groups_[key(o)] = o; }
  template <typename Other>
  void note(const Other&) {}

  bool in_scope(const std::string& of, const std::string& ns, const Selector& selector) const;
  bool has_members(const api::crd::GroupSpec& group, const std::string& ns, int depth) const;

  ByKey<api::Namespace> namespaces_;
  ByKey<api::Pod> pods_;
  ByKey<api::Service> services_;
  ByKey<api::Node> nodes_;
  ByKey<api::crd::ExternalEntity> entities_;
  ByKey<api::crd::Tier> tiers_;
  ByKey<api::crd::Group> groups_;
  ByKey<api::crd::ClusterGroup> cluster_groups_;
};

}  // namespace antrea::policy
