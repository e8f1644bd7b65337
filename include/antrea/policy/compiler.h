#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "antrea/api/admin_policy.h"
#include "antrea/api/antrea_policy.h"
#include "antrea/api/controlplane_changes.h"
#include "antrea/api/egress.h"
#include "antrea/api/networking.h"
#include "antrea/base/export.h"

namespace antrea::policy {

/// The kinds of objects that the compiler reads.
enum class ObjectKind : std::uint8_t {
  kNamespace,
  kPod,
  kNetworkPolicy,  ///< networking.k8s.io
  kService,
  kNode,
  kExternalEntity,
  kTier,
  kGroup,
  kClusterGroup,
  kAntreaNetworkPolicy,  ///< crd.antrea.io, and the next
  kAntreaClusterNetworkPolicy,
  kAdminNetworkPolicy,  ///< policy.networking.k8s.io, and the next
  kBaselineAdminNetworkPolicy,
  kClusterNetworkPolicy,
  kEgress,
};

struct ObjectDeleted {
  ObjectKind kind{};
  api::ObjectKey key;  ///< of cluster-scoped kinds: only the name
};

/// An object as it is now, or that it is gone. Never a null pointer; read during `apply` only.
using ObjectChange =
    std::variant<std::shared_ptr<const api::Namespace>, std::shared_ptr<const api::Pod>,
                 std::shared_ptr<const api::NetworkPolicy>, std::shared_ptr<const api::Service>,
                 std::shared_ptr<const api::Node>, std::shared_ptr<const api::crd::ExternalEntity>,
                 std::shared_ptr<const api::crd::Tier>, std::shared_ptr<const api::crd::Group>,
                 std::shared_ptr<const api::crd::ClusterGroup>,
                 std::shared_ptr<const api::crd::NetworkPolicy>,
                 std::shared_ptr<const api::crd::ClusterNetworkPolicy>,
                 std::shared_ptr<const api::admin::AdminNetworkPolicy>,
                 std::shared_ptr<const api::admin::BaselineAdminNetworkPolicy>,
                 std::shared_ptr<const api::admin::ClusterNetworkPolicy>,
                 std::shared_ptr<const api::crd::Egress>, ObjectDeleted>;

/// The controller's half of policies, those of Kubernetes, of Antrea and of the administrator: the
/// objects of users in; internal policies, the groups they refer to, and the Nodes that need each,
/// out (antrea: pkg/controller/networkpolicy).
///
/// - An internal policy carries the UID of its source as name. A group is shared by all policies
///   that ask for the same selector, and named by the UUID of its normalised text; the same name
///   may stand for an AddressGroup and an AppliedToGroup.
/// - An AppliedToGroup spans the Nodes of its members, a policy the Nodes of its AppliedToGroups,
///   an AddressGroup the Nodes of the policies that use it.
/// - A Pod that uses its Node's network is in no group, nor is one that has ended. A Pod without
///   Node is applied nothing; one without address is no peer.
/// - A Namespace selector that asks for labels matches no Namespace that has not been told yet.
/// - The tiers of `api::crd::kStaticTiers` always exist; a tier that does not counts as the default
///   one until it does.
/// - What policies name (tiers, groups, Services) may come later than they; until then it is
///   nothing. Groups are taken apart: rules refer to the selectors and blocks that they consist of.
/// - A NetworkPolicy of crd.antrea.io that is applied to a Group with Pods of another Namespace is
///   sent nowhere; see `unrealizable`.
/// - An EgressGroup has the name of its Egress, and spans the Nodes of the Pods that it selects.
///
/// What `apply` returns is the exact difference of the output, computed at the end of the batch:
/// a change and its undoing in one batch give nothing. The state after a batch depends only on the
/// objects that exist then, not on the order in which they came. Each Pod told is reported as
/// evaluated to its Node in the same `Changes` that hold the policies for it; so at start tell
/// Namespaces and policies before the Pods, or all in one batch.
///
/// Cost: a batch costs what it touches. Selectors are matched per distinct label set, not per Pod,
/// and only against the groups that share an indexed label with it.
class ANTREA_API Compiler {
 public:
  Compiler();
  ~Compiler();
  Compiler(Compiler&&) noexcept;
  Compiler& operator=(Compiler&&) noexcept;

  api::controlplane::Changes apply(std::span<const ObjectChange> batch);
  api::controlplane::Changes apply(const ObjectChange& change) { return apply({&change, 1}); }

  /// The policies that are sent nowhere since they would reach beyond their Namespace; sorted.
  std::vector<api::controlplane::NetworkPolicyReference> unrealizable() const;

  /// What it holds, for metrics.
  struct Counts {
    std::size_t policies = 0;
    std::size_t address_groups = 0;
    std::size_t applied_to_groups = 0;
    std::size_t label_sets = 0;  ///< distinct (Namespace, labels) among the Pods
    std::size_t strings = 0;     ///< distinct names, label keys and values held
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::policy
