#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/policy/node_flows.h"

namespace antrea::policy {

/// Something in a set of policies that does not do what its author may think.
struct Finding {
  enum class Kind : std::uint8_t {
    kUnknownTier,       ///< the policy names a tier that does not exist: it counts as the default
    kUnknownReference,  ///< a group or Service is named that does not exist
    kSelectsNothing,    ///< a selector, or group, is of nobody
    kUnrealizable,      ///< the policy would reach beyond its Namespace and is not enforced
    kNeverMatches,      ///< no conversation can meet the rule
    kShadowed,          ///< rules before it decide on all that it meets
    kRedundant,         ///< without the rule (alone) every verdict would be the same
    kConflict,          ///< rules of two policies of one tier and priority overlap and disagree
    kUnsupported,       ///< the rule asks for what is not realised; admission refuses it
  };
  Kind kind{};
  api::controlplane::NetworkPolicyReference policy;
  std::string field;  ///< "appliedTo[0]", "ingress[1].from[0]"; of rules "ingress[1]"
  std::string rule;   ///< the rule's name if it has one
  std::string text;   ///< what is found, a sentence without its end
  /// The rules that shadow it, or the other one of the conflict: "KIND:NAMESPACE/NAME/RULE".
  std::vector<std::string> others;
};

/// "unknown tier", "shadowed" and so on.
ANTREA_API std::string_view to_string(Finding::Kind kind);

struct CheckReport {
  std::vector<Finding> findings;           ///< by policy, then field
  std::vector<NodeFlows::RuleCost> costs;  ///< of each rule that is sent to some Node
  std::size_t flows = 0;                   ///< of all policy tables of all Nodes
};

/// Reads policies as a reviewer would, but exactly: each rule is tried against every kind of
/// conversation that there can be (see compare.h) under these objects.
///
/// - *Never matches*, *shadowed* and *redundant* hold for the Pods, Namespaces and Services given;
///   one of them is said of a rule, the first that is true. A rule is redundant within its
///   direction: that the other end drops as well does not make it so. Policies that only isolate
///   are never called so: they are there for Pods to come.
/// - Rules whose place in the order depends on the rules before them are moved up when one is
///   taken away, as they would be.
/// - Rules applied to Nodes, Services or ExternalEntities, and those about IGMP, are only checked
///   for what they name.
///
/// Objects should be complete (see manifest.h). Cost: as `compare`, times the rules that meet.
ANTREA_API CheckReport check(std::span<const ObjectChange> objects);

}  // namespace antrea::policy
