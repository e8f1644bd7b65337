#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/policy/compiler.h"

namespace antrea::policy {

/// One end of a conversation: a Pod, known by its address, or something outside.
struct ConversationEnd {
  std::optional<api::ObjectKey> pod;
  IpAddress ip;
};

/// The first packet of a connection, behind any load balancing.
struct Conversation {
  ConversationEnd from, to;
  api::controlplane::ServiceProtocol protocol = api::controlplane::ServiceProtocol::kTcp;
  std::uint16_t port = 0;  ///< destination; TCP, UDP and SCTP
  std::uint16_t source_port = 0;
  std::uint8_t icmp_type = 8, icmp_code = 0;                   ///< ICMP
  std::optional<api::controlplane::ServiceReference> service;  ///< by which it was sent
  /// It was sent to a NodePort of `service`, at the Node of `to`: its ingress meets the rules that
  /// are applied to the Service along with those of the Pod.
  bool by_node_port = false;
};

/// A rule that was looked at, in the order in which rules are.
struct RuleStep {
  api::controlplane::NetworkPolicyReference policy;
  std::string rule;       ///< its name; of Kubernetes' policies "ingress[0]" and so on
  std::int32_t tier = 0;  ///< Kubernetes' policies count as 252, between tiers and baseline
  std::optional<double> priority;
  std::optional<api::controlplane::RuleAction> action;  ///< absent: it only isolates
  enum class Match : std::uint8_t { kYes, kOtherPeer, kOtherPort, kIsolates } match{};
};

/// What one direction says: egress at the source, ingress at the destination.
struct DirectionVerdict {
  /// Not kPass.
  api::controlplane::RuleAction verdict = api::controlplane::RuleAction::kAllow;
  /// Who decided: a rule that matched, or one of the policies that isolate. Absent: nobody has
  /// anything against it.
  std::optional<RuleStep> decider;
  std::vector<RuleStep> steps;  ///< up to the decision; only by `explain`
};

/// Answers for whole clusters, offline: objects in, verdicts out. It reads what the controller
/// would send to the Nodes, rule by rule.
///
/// DNS names are not resolved: rules with names match nothing by them.
class ANTREA_API Evaluator {
 public:
  /// Objects should be complete (see manifest.h): a Pod without Node or address takes part in
  /// nothing.
  explicit Evaluator(std::span<const ObjectChange> objects);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  DirectionVerdict judge(const Conversation& conversation,
                         api::controlplane::Direction direction) const;
  DirectionVerdict explain(const Conversation& conversation,
                           api::controlplane::Direction direction) const;

  /// The Pods that take part, sorted.
  std::vector<api::ObjectKey> pods() const;
  /// Sorted; empty for a Pod that takes part in nothing.
  std::vector<IpAddress> addresses_of(const api::ObjectKey& pod) const;
  /// The Services to whose NodePorts rules are applied, sorted.
  std::vector<api::controlplane::ServiceReference> node_port_services() const;
  /// Who has the address.
  ConversationEnd end_of(const IpAddress& ip) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antrea::policy
