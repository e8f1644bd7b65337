#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/openflow/changes.h"
#include "antrea/policy/evaluator.h"

namespace antrea::policy {

/// What the agents of a cluster would do to their switches, offline: each Node's rules and the
/// flows of its policy tables (see FlowCompiler).
///
/// The ports of a Node's Pods are numbered from 1 in the order of the Pods' names, the OpenFlow
/// groups of Services (reg7) likewise; DNS names stand for nothing.
class ANTREA_API NodeFlows {
 public:
  /// Objects should be complete (see manifest.h). `later` are those that `move_to` will be told:
  /// what is only there has its number from the start.
  explicit NodeFlows(std::span<const ObjectChange> objects,
                     std::span<const ObjectChange> later = {});
  ~NodeFlows();
  NodeFlows(NodeFlows&&) noexcept;
  NodeFlows& operator=(NodeFlows&&) noexcept;

  /// The Nodes that Pods are on, sorted.
  std::vector<std::string> nodes() const;
  /// By table, priority (the highest first) and match; empty for a Node without Pods.
  std::vector<openflow::Flow> flows(const std::string& node) const;

  /// Goes on to these objects in place of those before; what each agent would send to its switch
  /// for that, by Node. Nodes where nothing changes are left out.
  std::map<std::string, openflow::Changes> move_to(std::span<const ObjectChange> objects);

  /// What a rule costs.
  struct Cost {
    std::size_t flows = 0;   ///< that name it, on all Nodes
    std::size_t shared = 0;  ///< of them: that name other rules as well
    std::size_t nodes = 0;   ///< on which it has flows
  };
  /// By the rule's policy (its UID), direction, and place or name; see `RuleCost`.
  struct RuleCost {
    api::controlplane::NetworkPolicyReference policy;
    api::controlplane::Direction direction{};
    std::string rule;  ///< as in RuleStep
    Cost cost;
  };
  /// Of every rule that is sent to some Node, in the order of the policies.
  std::vector<RuleCost> costs() const;
  std::size_t flow_count() const;

  /// The flows that a conversation meets at the Node of its target, in order: for a conjunction its
  /// clauses and what it leads to. Empty: every table of that direction lets it go on, or there is
  /// no target.
  struct Walk {
    std::string node;
    std::vector<openflow::Flow> flows;
    bool dropped = false;
  };
  Walk walk(const Conversation& conversation, api::controlplane::Direction direction) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::policy
