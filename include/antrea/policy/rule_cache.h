#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// What the controller tells this Node of its policies and groups: an object as it is now, a patch
/// of a group, or that it is gone.
using PolicyUpserted = std::shared_ptr<const api::controlplane::NetworkPolicy>;
using AddressGroupUpserted = std::shared_ptr<const api::controlplane::AddressGroup>;
using AppliedToGroupUpserted = std::shared_ptr<const api::controlplane::AppliedToGroup>;
struct AddressGroupPatched {
  api::controlplane::GroupPatch patch;
};
struct AppliedToGroupPatched {
  api::controlplane::GroupPatch patch;
};
struct PolicyDeleted {
  std::string name;
};
struct AddressGroupDeleted {
  std::string name;
};
struct AppliedToGroupDeleted {
  std::string name;
};
/// All objects of a kind, after a watch began anew: what is not among them is gone.
struct PoliciesReplaced {
  std::vector<PolicyUpserted> objects;
};
struct AddressGroupsReplaced {
  std::vector<AddressGroupUpserted> objects;
};
struct AppliedToGroupsReplaced {
  std::vector<AppliedToGroupUpserted> objects;
};
/// A Pod of this Node got its port and addresses, or lost them.
using InterfaceUpserted = PodInterface;
struct InterfaceDeleted {
  api::ObjectKey pod;
};

/// A DNS name, in lower case, and all the addresses it stands for now; none: it is forgotten.
struct NameResolved {
  std::string name;
  std::vector<IpAddress> ips;
};
/// The OpenFlow groups that packets sent to a Service are marked with (reg7); none: it is gone.
struct ServiceGroups {
  api::controlplane::ServiceReference service;
  std::vector<std::uint32_t> groups;
};

using RuleInput =
    std::variant<PolicyUpserted, AddressGroupUpserted, AppliedToGroupUpserted, AddressGroupPatched,
                 AppliedToGroupPatched, PolicyDeleted, AddressGroupDeleted, AppliedToGroupDeleted,
                 PoliciesReplaced, AddressGroupsReplaced, AppliedToGroupsReplaced,
                 InterfaceUpserted, InterfaceDeleted, NameResolved, ServiceGroups>;

/// The agent's half, first step: puts policies, groups and local Pods together into rules that can
/// be realised (antrea: pkg/agent/controller/networkpolicy/cache.go).
///
/// The three kinds of objects come in any order. A rule is
/// - *effective* when one of its AppliedToGroups is known: only those with members on this Node are
/// ever sent;
/// - *realizable* when all its AddressGroups are known.
/// A rule is completed when it is both; it goes when it is no longer effective. A policy that
/// changes keeps its old rules until an effective and realizable set of new ones can take their
/// place in one step. An AddressGroup that the controller takes back while a rule still names it
/// counts with the members it had.
///
/// Peers given by DNS names have the addresses that these were last said to stand for; peers given
/// by Service the OpenFlow groups.
///
/// The ID of a rule is a digest of all that it says, so that an unchanged rule is never touched and
/// a changed one is another rule; equal rules of a policy are one. It is the same in every process.
class ANTREA_API RuleCache {
 public:
  struct Options {
    /// Policies of other kinds than networking.k8s.io NetworkPolicy count. An agent whose
    /// AntreaPolicy gate is off ignores them.
    bool antrea_policy = true;
  };

  RuleCache();
  explicit RuleCache(const Options& options);
  ~RuleCache();
  RuleCache(RuleCache&&) noexcept;
  RuleCache& operator=(RuleCache&&) noexcept;

  /// The exact difference of the completed rules. Error: kNotFound, a patch of a group that is not
  /// known; the batch is then not applied at all, and the sender's view should be asked for anew.
  Result<RuleChanges> apply(std::span<const RuleInput> batch);
  Result<RuleChanges> apply(const RuleInput& input) { return apply({&input, 1}); }

  /// The DNS names and patterns in rules, see `matches_name`, sorted; nothing if they are as they
  /// were when last asked for.
  std::optional<std::vector<std::string>> take_name_patterns();

  /// The completed rules of policies that are applied to the Node itself, which are in no
  /// `RuleChanges`, sorted by key and without targets; nothing if they are as they were when last
  /// asked for. See `compile_node_rules`.
  std::optional<std::vector<CompletedRule>> take_node_rules();

  /// Names of the policies whose latest version still waits for a group.
  std::vector<std::string> waiting_policies() const;

  struct Counts {
    std::size_t policies = 0;
    std::size_t address_groups = 0;
    std::size_t applied_to_groups = 0;
    std::size_t rules = 0;  ///< completed ones
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::policy
