#include "rule_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "names_nothing.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace crd = api::crd;
namespace admin = api::admin;

/// Nothing for what is no policy.
template <typename Object>
constexpr std::optional<cp::PolicyType> kTypeOf = std::nullopt;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<api::NetworkPolicy> =
    cp::PolicyType::kK8sNetworkPolicy;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<crd::NetworkPolicy> =
    cp::PolicyType::kAntreaNetworkPolicy;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<crd::ClusterNetworkPolicy> =
    cp::PolicyType::kAntreaClusterNetworkPolicy;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<admin::AdminNetworkPolicy> =
    cp::PolicyType::kAdminNetworkPolicy;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<admin::BaselineAdminNetworkPolicy> =
    cp::PolicyType::kBaselineAdminNetworkPolicy;
template <>
constexpr std::optional<cp::PolicyType> kTypeOf<admin::ClusterNetworkPolicy> =
    cp::PolicyType::kClusterNetworkPolicy;

/// One conversation and one of its directions, and how rules could speak of it.
class Editor {
 public:
  Editor(std::span<const ObjectChange> objects, const Conversation& c, cp::Direction direction)
      : objects_(objects),
        conversation_(c),
        ingress_(direction == cp::Direction::kIn),
        target_(ingress_ ? c.to : c.from),
        peer_(ingress_ ? c.from : c.to),
        peer_pod_(pod(peer_)),
        target_pod_(pod(target_)) {}

  std::vector<PolicyEdit> take() && { return std::move(edits_); }

  void edit_for_allow(const RuleStep& step) {
    for (const ObjectChange& object : objects_)
      if (refers_to(object, step.policy))
        std::visit([&](const auto& policy) { allow_by(policy, step); }, object);
  }
  void edit_for_deny(const RuleStep& step) {
    for (const ObjectChange& object : objects_)
      if (refers_to(object, step.policy))
        std::visit([&](const auto& policy) { deny_by(policy, step); }, object);
  }
  /// A policy that says exactly this and nothing else.
  void add_new_policy(cp::RuleAction action) {
    if (target_pod_ == nullptr) return;
    auto policy = std::make_shared<crd::ClusterNetworkPolicy>();
    policy->metadata.name = fmt::format(
        "{}-{}", action == cp::RuleAction::kAllow ? "allow" : "drop", target_pod_->metadata.name);
    policy->metadata.uid = "new-" + policy->metadata.name;
    policy->spec.tier = first_tier();
    policy->spec.priority = 1;
    policy->spec.applied_to.push_back({.pod_selector = labels_of(*target_pod_),
                                       .namespace_selector = namespace_of(*target_pod_)});
    (ingress_ ? policy->spec.ingress : policy->spec.egress).push_back(native_rule(action));
    edits_.push_back(
        {{cp::PolicyType::kAntreaClusterNetworkPolicy,
          {},
          policy->metadata.name,
          policy->metadata.uid},
         {},
         fmt::format("add a ClusterNetworkPolicy in the tier {} that {} it {}", first_tier(),
                     action == cp::RuleAction::kAllow ? "allows" : "drops", what()),
         std::shared_ptr<const crd::ClusterNetworkPolicy>(std::move(policy))});
  }

 private:
  const api::Pod* pod(const ConversationEnd& end) const {
    if (!end.pod) return nullptr;
    for (const ObjectChange& object : objects_)
      if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
          pod != nullptr && api::key_of((*pod)->metadata) == *end.pod)
        return pod->get();
    return nullptr;
  }
  std::string first_tier() const {
    std::pair<std::int32_t, std::string> first{crd::kStaticTiers[0].second,
                                               crd::kStaticTiers[0].first};
    for (const ObjectChange& object : objects_)
      if (const auto* tier = std::get_if<std::shared_ptr<const crd::Tier>>(&object))
        first = std::min(first, {(*tier)->priority, (*tier)->metadata.name});
    return first.second;
  }
  static api::LabelSelector labels_of(const api::Pod& pod) { return {pod.metadata.labels, {}}; }
  static api::LabelSelector namespace_of(const api::Pod& pod) {
    return {{{"kubernetes.io/metadata.name", pod.metadata.namespace_}}, {}};
  }

  std::string traffic() const {
    std::string text(protocol_name(conversation_.protocol));
    if (has_port()) text += fmt::format("/{}", conversation_.port);
    return text;
  }
  std::string who() const {
    return peer_pod_ == nullptr ? peer_.ip.to_string()
                                : "Pods labelled as " + peer_.pod->to_string();
  }
  std::string what() const {
    return fmt::format("({} {}, {})", ingress_ ? "from" : "to", who(), traffic());
  }
  bool has_port() const {
    return conversation_.protocol == cp::ServiceProtocol::kTcp ||
           conversation_.protocol == cp::ServiceProtocol::kUdp ||
           conversation_.protocol == cp::ServiceProtocol::kSctp;
  }
  api::Protocol protocol() const {
    return static_cast<api::Protocol>(static_cast<std::uint8_t>(conversation_.protocol));
  }
  std::string field(std::size_t index) const {
    return field_of(ingress_ ? cp::Direction::kIn : cp::Direction::kOut, index);
  }

  // --- how rules say it ---

  api::NetworkPolicyPeer k8s_peer() const {
    api::NetworkPolicyPeer peer;
    if (peer_pod_ == nullptr) {
      peer.ip_block = api::IpBlock{IpPrefix::host(peer_.ip), {}};
    } else {
      peer.pod_selector = labels_of(*peer_pod_);
      peer.namespace_selector = namespace_of(*peer_pod_);
    }
    return peer;
  }
  std::vector<api::NetworkPolicyPort> k8s_ports() const {
    if (!has_port()) return {};
    return {{protocol(), api::IntOrString{conversation_.port, {}}, {}}};
  }
  crd::NetworkPolicyPeer native_peer() const {
    const api::NetworkPolicyPeer plain = k8s_peer();
    crd::NetworkPolicyPeer peer;
    peer.ip_block = plain.ip_block;
    peer.pod_selector = plain.pod_selector;
    peer.namespace_selector = plain.namespace_selector;
    return peer;
  }
  crd::Rule native_rule(cp::RuleAction action) const {
    crd::Rule rule;
    rule.action = action;
    rule.name = "turn";
    rule.peers.push_back(native_peer());
    if (has_port())
      rule.ports.push_back({protocol(), api::IntOrString{conversation_.port, {}}, {}, {}, {}});
    if (conversation_.protocol == cp::ServiceProtocol::kIcmp)
      rule.protocols.push_back(
          {crd::IcmpProtocol{conversation_.icmp_type, conversation_.icmp_code}, {}});
    return rule;
  }

  // --- edits ---

  template <typename Policy>
  static cp::NetworkPolicyReference reference(const Policy& policy) {
    return {*kTypeOf<Policy>, policy.metadata.namespace_, policy.metadata.name,
            policy.metadata.uid};
  }
  template <typename Policy, typename Function>
  void add(const Policy& policy, std::string field, std::string text, Function change) {
    auto changed = std::make_shared<Policy>(policy);
    change(*changed);
    edits_.push_back({reference(policy), std::move(field), std::move(text),
                      std::shared_ptr<const Policy>(std::move(changed))});
  }
  template <typename Policy>
  auto& rules(Policy& policy) const {
    if constexpr (requires { policy.spec; })
      return ingress_ ? policy.spec.ingress : policy.spec.egress;
    else
      return ingress_ ? policy.ingress : policy.egress;
  }
  /// Where the rule stands; nothing if the step only isolates.
  template <typename Policy>
  std::optional<std::size_t> index_of(const Policy& policy, const RuleStep& step) const {
    const auto& all = rules(policy);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (step.rule == field(i)) return i;
      if constexpr (requires { all[i].name; })
        if (!all[i].name.empty() && all[i].name == step.rule) return i;
    }
    return std::nullopt;
  }
  template <typename Policy>
  void remove_rule(const Policy& policy, std::size_t index) {
    add(policy, field(index), "remove the rule", [&](Policy& changed) {
      auto& all = rules(changed);
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(index));
    });
  }
  template <typename Policy>
  void set_action(const Policy& policy, std::size_t index, cp::RuleAction action) {
    add(policy, field(index),
        fmt::format("let the rule say {}", action == cp::RuleAction::kAllow ? "Allow" : "Drop"),
        [&](Policy& changed) { rules(changed)[index].action = action; });
  }

  void allow_by(const std::shared_ptr<const api::NetworkPolicy>& policy, const RuleStep& step) {
    const auto index = index_of(*policy, step);
    if (step.match == RuleStep::Match::kOtherPort && index && has_port())
      add(*policy, field(*index) + ".ports", "add " + traffic() + " to its ports",
          [&](api::NetworkPolicy& changed) {
            rules(changed)[*index].ports.push_back(k8s_ports().front());
          });
    if (step.match == RuleStep::Match::kOtherPeer && index)
      add(*policy, field(*index) + (ingress_ ? ".from" : ".to"), "add " + who() + " to its peers",
          [&](api::NetworkPolicy& changed) { rules(changed)[*index].peers.push_back(k8s_peer()); });
    if (!edited_.insert(policy.get()).second) return;
    add(*policy, ingress_ ? "ingress" : "egress", "add a rule that allows it " + what(),
        [&](api::NetworkPolicy& changed) {
          rules(changed).push_back({{k8s_peer()}, k8s_ports()});
        });
    edits_.push_back({reference(*policy),
                      {},
                      "remove the policy",
                      ObjectDeleted{ObjectKind::kNetworkPolicy, api::key_of(policy->metadata)}});
  }
  template <typename Policy>
  requires requires(const Policy& p) { p.spec.applied_to; }
  void allow_by(const std::shared_ptr<const Policy>& policy, const RuleStep& step) {
    change_native(*policy, step, cp::RuleAction::kAllow);
  }
  template <typename Policy>
  requires requires(const Policy& p) { p.subject; }
  void allow_by(const std::shared_ptr<const Policy>& policy, const RuleStep& step) {
    change_admin(*policy, step, cp::RuleAction::kAllow);
  }
  template <typename Other>
  void allow_by(const Other& /*no policy*/, const RuleStep& /*step*/) {}

  void deny_by(const std::shared_ptr<const api::NetworkPolicy>& policy, const RuleStep& step) {
    const auto index = index_of(*policy, step);
    if (!index) return;
    remove_rule(*policy, *index);
    const api::NetworkPolicyRule& rule = rules(*policy)[*index];
    for (std::size_t i = 0; i < rule.ports.size() && rule.ports.size() > 1; ++i)
      add(*policy, field(*index) + fmt::format(".ports[{}]", i), "remove the port",
          [&](api::NetworkPolicy& changed) {
            auto& ports = rules(changed)[*index].ports;
            ports.erase(ports.begin() + static_cast<std::ptrdiff_t>(i));
          });
    for (std::size_t i = 0; i < rule.peers.size() && rule.peers.size() > 1; ++i)
      add(*policy, field(*index) + fmt::format(".{}[{}]", ingress_ ? "from" : "to", i),
          "remove the peer", [&](api::NetworkPolicy& changed) {
            auto& peers = rules(changed)[*index].peers;
            peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
          });
  }
  template <typename Policy>
  requires requires(const Policy& p) { p.spec.applied_to; }
  void deny_by(const std::shared_ptr<const Policy>& policy, const RuleStep& step) {
    change_native(*policy, step, cp::RuleAction::kDrop);
  }
  template <typename Policy>
  requires requires(const Policy& p) { p.subject; }
  void deny_by(const std::shared_ptr<const Policy>& policy, const RuleStep& step) {
    change_admin(*policy, step, cp::RuleAction::kDrop);
  }
  template <typename Other>
  void deny_by(const Other& /*no policy*/, const RuleStep& /*step*/) {}

  template <typename Policy>
  void change_native(const Policy& policy, const RuleStep& step, cp::RuleAction action) {
    const auto index = index_of(policy, step);
    if (!index || step.match != RuleStep::Match::kYes) return;
    remove_rule(policy, *index);
    set_action(policy, *index, action);
    add(policy, field(*index),
        fmt::format("put a rule before it that {} it {}",
                    action == cp::RuleAction::kAllow ? "allows" : "drops", what()),
        [&](Policy& changed) {
          auto& all = rules(changed);
          crd::Rule rule = native_rule(action);
          rule.applied_to = all[*index].applied_to;
          all.insert(all.begin() + static_cast<std::ptrdiff_t>(*index), std::move(rule));
        });
  }
  template <typename Policy>
  void change_admin(const Policy& policy, const RuleStep& step, cp::RuleAction action) {
    const auto index = index_of(policy, step);
    if (!index || step.match != RuleStep::Match::kYes) return;
    remove_rule(policy, *index);
    set_action(policy, *index, action);
    if (ingress_ && peer_pod_ == nullptr) return;  // its ingress rules know only Pods
    add(policy, field(*index),
        fmt::format("put a rule before it that {} it {}",
                    action == cp::RuleAction::kAllow ? "allows" : "denies", what()),
        [&](Policy& changed) {
          admin::Rule rule;
          rule.name = "turn";
          rule.action = action;
          admin::Peer& peer = rule.peers.emplace_back();
          if (peer_pod_ != nullptr)
            peer.pods = {namespace_of(*peer_pod_), labels_of(*peer_pod_)};
          else
            peer.networks.push_back(IpPrefix::host(peer_.ip));
          if (has_port())
            rule.ports.emplace_back(
                admin::PortRange{protocol(), conversation_.port, conversation_.port});
          auto& all = rules(changed);
          all.insert(all.begin() + static_cast<std::ptrdiff_t>(*index), std::move(rule));
        });
  }

  std::span<const ObjectChange> objects_;
  const Conversation& conversation_;
  const bool ingress_;
  const ConversationEnd &target_, &peer_;
  const api::Pod *peer_pod_, *target_pod_;
  std::set<const void*> edited_;  // policies that have been edited as a whole
  std::vector<PolicyEdit> edits_;
};

}  // namespace

bool refers_to(const ObjectChange& object, const cp::NetworkPolicyReference& policy) {
  return std::visit(
      [&](const auto& value) {
        using Pointer = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Pointer, ObjectDeleted>) {
          return false;
        } else {
          using Object = std::remove_const_t<typename Pointer::element_type>;
          return kTypeOf<Object> == policy.type &&
                 value->metadata.namespace_ == policy.namespace_ &&
                 value->metadata.name == policy.name;
        }
      },
      object);
}

std::vector<PolicyEdit> edits_to_allow(std::span<const ObjectChange> objects,
                                       const Conversation& conversation, cp::Direction direction,
                                       const DirectionVerdict& said) {
  Editor editor(objects, conversation, direction);
  if (!said.decider) return {};
  if (said.decider->match == RuleStep::Match::kIsolates) {
    // Any policy that isolates could allow it, by a rule of its own or one more of theirs.
    std::size_t tried = 0;
    for (const RuleStep& step : said.steps)
      if (step.policy.type == cp::PolicyType::kK8sNetworkPolicy && tried++ < 8)
        editor.edit_for_allow(step);
  } else {
    editor.edit_for_allow(*said.decider);
  }
  editor.add_new_policy(cp::RuleAction::kAllow);
  return std::move(editor).take();
}

std::vector<PolicyEdit> edits_to_deny(std::span<const ObjectChange> objects,
                                      const Conversation& conversation, cp::Direction direction,
                                      const std::optional<RuleStep>& decider) {
  Editor editor(objects, conversation, direction);
  if (decider) editor.edit_for_deny(*decider);
  editor.add_new_policy(cp::RuleAction::kDrop);
  return std::move(editor).take();
}

}  // namespace antrea::policy
