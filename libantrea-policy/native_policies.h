#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "directory.h"
#include "native_policy.h"
#include "policy_table.h"

namespace antrea::policy {

/// The policies whose conversion depends on more than themselves (on Tiers, groups, Services and
/// Namespaces), and what they look at. They are converted at the end of a batch, when all of that
/// is known.
class NativePolicies {
 public:
  using Policy = std::variant<std::shared_ptr<const api::crd::NetworkPolicy>,
                              std::shared_ptr<const api::crd::ClusterNetworkPolicy>,
                              std::shared_ptr<const api::admin::AdminNetworkPolicy>,
                              std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>,
                              std::shared_ptr<const api::admin::ClusterNetworkPolicy>>;

  void set(const PolicyKey& key, Policy policy);
  void remove(const PolicyKey& key);

  /// Absent: it is gone.
  void set_tier(const std::string& name, std::optional<std::int32_t> priority);
  void set_group(const api::ObjectKey& key, const std::optional<api::crd::GroupSpec>& spec);
  /// A Service without selector picks no Pods.
  void set_service(const api::ObjectKey& key, const api::Labels& selector);
  /// Some Namespace came, went or has other labels.
  void namespaces_changed() { mark_stale({Subject::Kind::kNamespaces, {}}); }

  /// Converts what changed, itself or in what it looks at, into `policies`.
  void convert(GroupIndex& groups, PolicyTable& policies);

 private:
  void mark_stale(const Subject& subject) { dependencies_.add_users(subject, stale_); }

  Directory directory_;
  Dependencies<PolicyKey> dependencies_;
  std::map<PolicyKey, Policy> policies_;
  std::set<PolicyKey> stale_;
};

}  // namespace antrea::policy
