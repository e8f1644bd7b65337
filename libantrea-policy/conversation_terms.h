#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/policy/evaluator.h"

namespace antrea::policy {

/// One direction of a conversation, in the words in which rules and people speak of it.
class ConversationTerms {
 public:
  /// Borrows all three.
  ConversationTerms(std::span<const ObjectChange> objects, const Conversation& conversation,
                    api::controlplane::Direction direction);

  bool ingress() const { return ingress_; }
  /// Whose rules are meant; null: no Pod.
  const api::Pod* target() const { return target_pod_; }
  /// TCP, UDP or SCTP.
  bool has_port() const;

  // For people.
  std::string traffic() const;                 ///< "TCP/80"
  std::string peer() const;                    ///< "Pods labelled as shop/web", "192.0.2.1"
  std::string all() const;                     ///< "(from 192.0.2.1, TCP/80)"
  std::string field(std::size_t index) const;  ///< of a rule: "ingress[2]"

  // For rules that are about exactly this.
  api::NetworkPolicyPeer k8s_peer() const;
  std::vector<api::NetworkPolicyPort> k8s_ports() const;
  api::crd::Rule native_rule(api::controlplane::RuleAction action) const;
  /// Nothing: its rules have no words for it.
  std::optional<api::admin::Rule> admin_rule(api::controlplane::RuleAction action) const;

  static api::LabelSelector labels_of(const api::Pod& pod) { return {pod.metadata.labels, {}}; }
  static api::LabelSelector namespace_of(const api::Pod& pod) {
    return {{{"kubernetes.io/metadata.name", pod.metadata.namespace_}}, {}};
  }

 private:
  api::Protocol protocol() const;

  const Conversation& conversation_;
  const bool ingress_;
  const ConversationEnd& peer_;
  const api::Pod *peer_pod_, *target_pod_;
};

}  // namespace antrea::policy
