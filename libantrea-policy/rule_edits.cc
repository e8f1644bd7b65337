#include "rule_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "conversation_terms.h"

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
  Editor(std::span<const ObjectChange> objects, const Conversation& conversation,
         cp::Direction direction)
      : objects_(objects), terms_(objects, conversation, direction) {}

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
    const api::Pod* const target = terms_.target();
    if (target == nullptr) return;
    auto policy = std::make_shared<crd::ClusterNetworkPolicy>();
    policy->metadata.name = fmt::format(
        "{}-{}", action == cp::RuleAction::kAllow ? "allow" : "drop", target->metadata.name);
    policy->metadata.uid = "new-" + policy->metadata.name;
    policy->spec.tier = first_tier();
    policy->spec.priority = 1;
    policy->spec.applied_to.push_back({.pod_selector = terms_.labels_of(*target),
                                       .namespace_selector = terms_.namespace_of(*target)});
    (terms_.ingress() ? policy->spec.ingress : policy->spec.egress)
        .push_back(terms_.native_rule(action));
    edits_.push_back(
        {{cp::PolicyType::kAntreaClusterNetworkPolicy,
          {},
          policy->metadata.name,
          policy->metadata.uid},
         {},
         fmt::format("add a ClusterNetworkPolicy in the tier {} that {} it {}", first_tier(),
                     action == cp::RuleAction::kAllow ? "allows" : "drops", terms_.all()),
         std::shared_ptr<const crd::ClusterNetworkPolicy>(std::move(policy))});
  }

 private:
  std::string first_tier() const {
    std::pair<std::int32_t, std::string> first{crd::kStaticTiers[0].second,
                                               crd::kStaticTiers[0].first};
    for (const ObjectChange& object : objects_)
      if (const auto* tier = std::get_if<std::shared_ptr<const crd::Tier>>(&object))
        first = std::min(first, {(*tier)->priority, (*tier)->metadata.name});
    return first.second;
  }

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
      return terms_.ingress() ? policy.spec.ingress : policy.spec.egress;
    else
      return terms_.ingress() ? policy.ingress : policy.egress;
  }
  /// Where the rule stands; nothing if the step only isolates.
  template <typename Policy>
  std::optional<std::size_t> index_of(const Policy& policy, const RuleStep& step) const {
    const auto& all = rules(policy);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (step.rule == terms_.field(i)) return i;
      if constexpr (requires { all[i].name; })
        if (!all[i].name.empty() && all[i].name == step.rule) return i;
    }
    return std::nullopt;
  }
  template <typename Policy>
  void remove_rule(const Policy& policy, std::size_t index) {
    add(policy, terms_.field(index), "remove the rule", [&](Policy& changed) {
      auto& all = rules(changed);
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(index));
    });
  }
  template <typename Policy>
  void set_action(const Policy& policy, std::size_t index, cp::RuleAction action) {
    add(policy, terms_.field(index),
        fmt::format("let the rule say {}", action == cp::RuleAction::kAllow ? "Allow" : "Drop"),
        [&](Policy& changed) { rules(changed)[index].action = action; });
  }

  void allow_by(const std::shared_ptr<const api::NetworkPolicy>& policy, const RuleStep& step) {
    const auto index = index_of(*policy, step);
    if (step.match == RuleStep::Match::kOtherPort && index && terms_.has_port())
      add(*policy, terms_.field(*index) + ".ports", "add " + terms_.traffic() + " to its ports",
          [&](api::NetworkPolicy& changed) {
            rules(changed)[*index].ports.push_back(terms_.k8s_ports().front());
          });
    if (step.match == RuleStep::Match::kOtherPeer && index)
      add(*policy, terms_.field(*index) + (terms_.ingress() ? ".from" : ".to"),
          "add " + terms_.peer() + " to its peers", [&](api::NetworkPolicy& changed) {
            rules(changed)[*index].peers.push_back(terms_.k8s_peer());
          });
    if (!edited_.insert(policy.get()).second) return;
    add(*policy, terms_.ingress() ? "ingress" : "egress",
        "add a rule that allows it " + terms_.all(), [&](api::NetworkPolicy& changed) {
          rules(changed).push_back({{terms_.k8s_peer()}, terms_.k8s_ports()});
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
      add(*policy, terms_.field(*index) + fmt::format(".ports[{}]", i), "remove the port",
          [&](api::NetworkPolicy& changed) {
            auto& ports = rules(changed)[*index].ports;
            ports.erase(ports.begin() + static_cast<std::ptrdiff_t>(i));
          });
    for (std::size_t i = 0; i < rule.peers.size() && rule.peers.size() > 1; ++i)
      add(*policy,
          terms_.field(*index) + fmt::format(".{}[{}]", terms_.ingress() ? "from" : "to", i),
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
    add(policy, terms_.field(*index),
        fmt::format("put a rule before it that {} it {}",
                    action == cp::RuleAction::kAllow ? "allows" : "drops", terms_.all()),
        [&](Policy& changed) {
          auto& all = rules(changed);
          crd::Rule rule = terms_.native_rule(action);
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
    const std::optional<admin::Rule> rule = terms_.admin_rule(action);
    if (!rule) return;
    add(policy, terms_.field(*index),
        fmt::format("put a rule before it that {} it {}",
                    action == cp::RuleAction::kAllow ? "allows" : "denies", terms_.all()),
        [&](Policy& changed) {
          auto& all = rules(changed);
          all.insert(all.begin() + static_cast<std::ptrdiff_t>(*index), *rule);
        });
  }

  std::span<const ObjectChange> objects_;
  const ConversationTerms terms_;
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
