#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "antrea/base/export.h"
#include "antrea/openflow/changes.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// The agent's half, second step: completed rules in, flows out (antrea:
/// pkg/agent/openflow/network_policy.go).
///
/// It owns the flows of the tables EgressRule, EgressDefaultRule, EgressMetric and their ingress
/// twins, except the miss flows and the bypass of established connections, which belong to the
/// pipeline. A rule with P peers, T targets and S port masks is one *conjunction*: P + T + S match
/// flows and not their product, one flow per address family that the conjunction leads to (it
/// commits the connection with the rule's ID in ct_label) and two per family that count it. A match
/// flow is shared by all rules with the same match, so an address that comes to a group costs one
/// flow however many rules name the group. A Kubernetes rule also isolates its targets: one drop
/// flow per target in the default table, shared by all rules. A rule that only isolates has no
/// other flows.
///
/// Rules are those of Kubernetes policies: their action is Allow, or absent.
///
/// IDs of conjunctions are derived from the keys of the rules; two that collide are put one behind
/// the other in the order of their keys. So the flows depend only on the set of rules, and a
/// restarted agent computes those that the switch already has.
///
/// To program a new Pod in one step, apply its interface to RuleCache and the outcome here, and
/// append the result to the Pod's forwarding flows.
class ANTREA_API FlowCompiler {
 public:
  struct Options {
    bool ipv4 = true;
    bool ipv6 = true;
    /// Conjunction IDs are taken from here on. Only tests want few.
    std::uint32_t first_id = 2;
    std::uint32_t last_id = 0xffffffff;
  };

  FlowCompiler();
  explicit FlowCompiler(const Options& options);
  ~FlowCompiler();
  FlowCompiler(FlowCompiler&&) noexcept;
  FlowCompiler& operator=(FlowCompiler&&) noexcept;

  /// The exact difference of the flows: what is unchanged at the end of the batch is not named.
  openflow::Changes apply(const RuleChanges& changes);

  /// All flows, as after a start.
  openflow::Changes flows() const;

  /// The rule that a conjunction ID in ct_label, reg3, reg5 or reg6 stands for; null if there is
  /// none.
  std::shared_ptr<const RuleIdentity> rule_of(std::uint32_t conjunction_id) const;
  /// The conjunction of a completed rule, if it has one.
  std::optional<std::uint32_t> conjunction_of(std::string_view rule_key) const;

  struct Counts {
    std::size_t flows = 0;
    std::size_t conjunctions = 0;
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::policy
