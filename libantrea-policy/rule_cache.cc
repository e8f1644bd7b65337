#include "antrea/policy/rule_cache.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "group_book.h"
#include "rule_completer.h"
#include "rule_text.h"

namespace antrea::policy {
namespace {

struct Policy {
  PolicyUpserted current, next;
  std::vector<CachedRule*> current_rules, next_rules;
};

}  // namespace

struct RuleCache::Impl {
  Options options;
  std::map<std::string, Policy> policies;             // by name
  std::unordered_map<std::string, CachedRule> rules;  // by ID
  DirtyRules dirty;
  GroupBook groups{dirty};
  RuleCompleter completer;
  std::set<std::string> waiting;     // policies with a next version
  std::set<std::string> promotable;  // those of them that something happened to in this batch
  std::size_t completed_count = 0;
  std::map<std::string, CachedRule*> node_rules;  // by ID: completed, and applied to the Node
  bool node_rules_changed = true;                 // since somebody asked

  // --- input ---

  void take(const PolicyUpserted& policy) {
    if (!options.antrea_policy && policy->source_ref.type != cp::PolicyType::kK8sNetworkPolicy)
      return;
    Policy& record = policies[policy->metadata.name];
    const PolicyUpserted& latest = record.next ? record.next : record.current;
    if (latest && *latest == *policy) return;
    drop_rules(record.next_rules);
    record.next = policy;
    record.next_rules = hold_rules(*policy);
    waiting.insert(policy->metadata.name);
    promotable.insert(policy->metadata.name);
  }
  void take(const PolicyDeleted& deleted) {
    const auto found = policies.find(deleted.name);
    if (found == policies.end()) return;
    for (CachedRule* rule : found->second.current_rules) {
      rule->wanted = false;
      dirty.mark(*rule);
    }
    drop_rules(found->second.current_rules);
    drop_rules(found->second.next_rules);
    waiting.erase(deleted.name);
    promotable.erase(deleted.name);
    policies.erase(found);
  }
  void take(const PoliciesReplaced& all) {
    std::unordered_set<std::string_view> names;
    for (const auto& policy : all.objects) names.insert(policy->metadata.name);
    std::vector<std::string> gone;
    for (const auto& [name, policy] : policies)
      if (!names.contains(name)) gone.push_back(name);
    for (const std::string& name : gone) take(PolicyDeleted{name});
    for (const auto& policy : all.objects) take(policy);
  }

  void take(const InterfaceUpserted& interface) {
    completer.interfaces[interface.pod] = std::make_shared<const PodInterface>(interface);
    groups.mark_rules_of_pod(interface.pod);
  }
  void take(const InterfaceDeleted& deleted) {
    if (completer.interfaces.erase(deleted.pod) > 0) groups.mark_rules_of_pod(deleted.pod);
  }

  void take(const ServiceGroups& said) {
    if (said.groups.empty())
      completer.services.erase(said.service);
    else
      completer.services.insert_or_assign(said.service, said.groups);
    groups.mark_rules_of_service(said.service);
  }

  template <typename GroupInput>
  void take(const GroupInput& input) {
    groups.take(input);
  }

  // --- bookkeeping ---

  std::vector<CachedRule*> hold_rules(const cp::NetworkPolicy& policy) {
    std::vector<CachedRule*> held;
    for (const cp::NetworkPolicyRule& source : policy.rules) {
      auto identity = identify(policy, source);
      CachedRule& rule = rules[identity->id];
      if (!rule.identity) {
        rule.identity = std::move(identity);
        rule.policy = policy.metadata.name;
        rule.any_peer = source.peers.empty();
        rule.blocks = prefixes_of(source.peers.ip_blocks);
        rule.services = source.services;
        rule.named = has_named_port(source.services);
        groups.link(rule, policy, source);
      }
      if (std::ranges::find(held, &rule) != held.end()) continue;  // equal rules are one
      ++rule.references;
      held.push_back(&rule);
    }
    return held;
  }

  void drop_rules(std::vector<CachedRule*>& held) {
    for (CachedRule* rule : held) {
      --rule->references;
      dirty.mark(*rule);  // the last thing that flush does with it is to forget it
    }
    held.clear();
  }

  void forget(CachedRule& rule) {
    groups.unlink(rule);
    rules.erase(std::string(rule.identity->id));
  }

  // --- output ---

  RuleChanges flush() {
    groups.mark_rules_of_changed();
    for (const CachedRule* rule : dirty.all)
      if (waiting.contains(rule->policy)) promotable.insert(rule->policy);
    for (const std::string& name : std::exchange(promotable, {}))
      if (promote(policies.at(name))) waiting.erase(name);

    RuleChanges changes;
    // Marking a rule while this runs is not possible any more; forgetting one invalidates only
    // itself.
    for (CachedRule* rule : dirty.all) {
      rule->dirty = false;
      update_at_node(*rule);
      completed_count -= rule->completed ? 1 : 0;
      completer.update(*rule, changes);
      completed_count += rule->completed ? 1 : 0;
      rule->targets_dirty = false;
    }
    for (CachedRule* rule : std::exchange(dirty.all, {}))
      if (rule->references == 0) forget(*rule);
    groups.end_batch();
    std::ranges::sort(changes.added, {}, &CompletedRule::key);
    std::ranges::sort(changes.updated, {}, &RuleUpdate::key);
    std::ranges::sort(changes.removed);
    return changes;
  }

  /// The next version of a policy takes the place of the current one, if it is ready.
  bool promote(Policy& policy) {
    bool any_effective = policy.next_rules.empty();
    for (const CachedRule* rule : policy.next_rules) {
      if (!rule->effective()) continue;
      if (!rule->realizable()) return false;
      any_effective = true;
    }
    if (!any_effective) return false;
    for (CachedRule* rule : policy.current_rules) {
      rule->wanted = false;
      dirty.mark(*rule);
    }
    drop_rules(policy.current_rules);
    policy.current = std::move(policy.next);
    policy.next = nullptr;
    policy.current_rules = std::move(policy.next_rules);
    policy.next_rules.clear();
    for (CachedRule* rule : policy.current_rules) {
      rule->wanted = true;
      dirty.mark(*rule);
    }
    return true;
  }

  /// What the host filters is computed when it is asked for: there is little of it.
  void update_at_node(CachedRule& rule) {
    const bool here = rule.wanted && rule.effective() && rule.applies_to_node() &&
                      (rule.at_node || rule.realizable());
    node_rules_changed |= here || rule.at_node;
    rule.at_node = here;
    if (here)
      node_rules.emplace(rule.identity->id, &rule);
    else
      node_rules.erase(rule.identity->id);
  }
};

RuleCache::RuleCache() : RuleCache(Options{}) {}
RuleCache::RuleCache(const Options& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
}
RuleCache::~RuleCache() = default;
RuleCache::RuleCache(RuleCache&&) noexcept = default;
RuleCache& RuleCache::operator=(RuleCache&&) noexcept = default;

Result<RuleChanges> RuleCache::apply(std::span<const RuleInput> batch) {
  if (auto unknown = impl_->groups.unknown_patched_group(batch))
    return make_error(Errc::kNotFound, "patch a group: it is not known here", *std::move(unknown),
                      "watch the groups anew");
  for (const RuleInput& input : batch)
    std::visit([&](const auto& value) { impl_->take(value); }, input);
  return impl_->flush();
}

std::optional<std::vector<std::string>> RuleCache::take_name_patterns() {
  return impl_->groups.take_name_patterns();
}

std::optional<std::vector<CompletedRule>> RuleCache::take_node_rules() {
  if (!std::exchange(impl_->node_rules_changed, false)) return {};
  std::vector<CompletedRule> rules;
  for (const auto& [id, rule] : impl_->node_rules) {
    if (!rule->named) {
      rules.push_back({id,
                       rule->identity,
                       {},
                       RuleCompleter::peers_of(*rule),
                       rule->services.empty() ? std::nullopt : std::optional(rule->services),
                       impl_->completer.service_groups_of(*rule)});
      continue;
    }
    for (auto& [key, part] : impl_->completer.parts_of(*rule)) rules.push_back(std::move(part));
  }
  return rules;
}

std::vector<std::string> RuleCache::waiting_policies() const {
  return {impl_->waiting.begin(), impl_->waiting.end()};
}

RuleCache::Counts RuleCache::counts() const {
  Counts counts{.policies = impl_->policies.size(),
                .rules = impl_->completed_count + impl_->node_rules.size()};
  impl_->groups.count(counts);
  return counts;
}

}  // namespace antrea::policy
