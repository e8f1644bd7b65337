#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/openflow/changes.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// The agent's half, second step: completed rules in, flows out (antrea:
/// pkg/agent/openflow/network_policy.go).
///
/// It owns the flows of the tables AntreaPolicyEgressRule, EgressRule, EgressDefaultRule,
/// EgressMetric and their ingress twins, except the miss flows and the bypass of established
/// connections, which belong to the pipeline. A rule with P peers, T targets and S port masks is
/// one *conjunction*: P + T + S match flows and not their product, one flow per address family that
/// the conjunction leads to, and those that count what it decided. A match flow is shared by all
/// rules with the same match and priority, so an address that comes to a group costs one flow
/// however many rules name the group.
///
/// - Kubernetes' rules have one priority; they also isolate their targets: one drop flow per target
///   in the default table, shared by all rules. A rule that only isolates has no other flows.
/// - Rules with tiers lie in the AntreaPolicy tables, those of tiers from 253 on in the default
///   tables below the isolation. Their order (tier, policy, index in the policy; at one place Drop,
///   Reject, Pass, Allow) is that of their priorities.
/// - Rules at the NodePorts of Services match the Service by its group (reg7) and the mark of
///   NodePort traffic (reg4), and its clients by the source of the connection (ct_nw_src), which
///   stands however the packet has been translated. Ports are those of the endpoints.
/// - An allowed connection is committed with the rule's ID in ct_label; a denied packet carries it
///   in reg3; Pass goes on to Kubernetes' rules with it in reg5 or reg6.
/// - A packet that is to be logged or rejected is copied to the controller with userdata {1,
///   operations}, and the disposition, operations and table in registers; what becomes of the
///   packet does not depend on the copy.
///
/// IDs of conjunctions are derived from the keys of the rules; two that collide are put one behind
/// the other in the order of their keys. So the flows depend only on the set of rules, except for
/// priorities of rules with tiers, of which only the order does: a number stays when others come.
/// A restarted agent lets `adopt` see the flows of the switch, and computes those that are there.
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
    /// They limit the packets to the controller, those that rules log or reject and the answers of
    /// DNS servers; whoever gives them keeps them in the switch.
    std::optional<openflow::MeterId> packet_in_meter, dns_meter;
    /// Holds answers of DNS servers to the targets of rules with names (userdata {2}, paused) until
    /// the controller resumes them. Only for one that does.
    bool intercept_dns = false;
  };

  FlowCompiler();
  explicit FlowCompiler(const Options& options);
  ~FlowCompiler();
  FlowCompiler(FlowCompiler&&) noexcept;
  FlowCompiler& operator=(FlowCompiler&&) noexcept;

  /// Flows that the switch already has, to be told before the first rules: rules keep the
  /// priorities that they had there wherever their order still fits.
  void adopt(std::span<const openflow::Flow> found);

  /// The exact difference of the flows: what is unchanged at the end of the batch is not named.
  openflow::Changes apply(const RuleChanges& changes);

  /// All flows, as after a start.
  openflow::Changes flows() const;

  /// The rule that a conjunction ID in ct_label, reg3, reg5 or reg6 stands for; null if there is
  /// none. Packets may still tell of rules that went: the last 256 of them are remembered.
  std::shared_ptr<const RuleIdentity> rule_of(std::uint32_t conjunction_id) const;
  /// The conjunction of a completed rule, if it has one.
  std::optional<std::uint32_t> conjunction_of(std::string_view rule_key) const;

  /// The priority of the flows where that conjunction decides, or decided.
  std::optional<std::uint16_t> priority_of(std::uint32_t conjunction_id) const;

  /// Rules that have no flows though they are complete: no priority is left in their table (they
  /// are tried again when one is released), or they are about what flows cannot match
  /// (`RuleIdentity::beyond_flows`). Sorted by ID.
  std::vector<std::shared_ptr<const RuleIdentity>> unrealized() const;

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
