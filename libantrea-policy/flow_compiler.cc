#include "antrea/policy/flow_compiler.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <unordered_map>

#include "antrea/base/sorted.h"
#include "conjunction_ids.h"
#include "rule_flows.h"
#include "rule_priorities.h"

namespace antrea::policy {
namespace {

namespace pipeline = api::pipeline;

template <typename Value>
void merge(std::vector<Value>& values, const std::vector<Value>& added,
           const std::vector<Value>& removed) {
  std::vector<Value> rest, all;
  std::ranges::set_difference(values, removed, std::back_inserter(rest));
  std::ranges::set_union(rest, added, std::back_inserter(all));
  values = std::move(all);
}

/// The rule as it is after the update.
void merge(CompletedRule& rule, const RuleUpdate& update) {
  merge(rule.targets, update.added_targets, update.removed_targets);
  if (rule.peers) merge(*rule.peers, update.added_peers, update.removed_peers);
  merge(rule.peer_services, update.added_peer_services, update.removed_peer_services);
  merge(rule.target_services, update.added_target_services, update.removed_target_services);
}

/// A rule without peers and services only isolates; one whose services came to nothing matches
/// nothing.
bool has_conjunction(const CompletedRule& rule) {
  return rule.identity->action && !rule.identity->beyond_flows() && (rule.peers || rule.services) &&
         !(rule.services && rule.services->empty());
}

void number_clauses(const CompletedRule& completed, RuleRecord& rule) {
  const bool ingress = completed.identity->direction == api::controlplane::Direction::kIn;
  std::uint8_t count = 0;
  if (ingress && completed.peers) rule.clauses[kPeers] = ++count;
  rule.clauses[kTargets] = ++count;
  if (!ingress && completed.peers) rule.clauses[kPeers] = ++count;
  if (completed.services) rule.clauses[kServices] = ++count;
  rule.clause_count = count;
}

/// The rules that went last, by the conjunction IDs that they had.
class GoneRules {
 public:
  struct Rule {
    std::shared_ptr<const RuleIdentity> identity;
    std::optional<std::uint16_t> priority;
  };

  void add(std::uint32_t conjunction, Rule rule) {
    rules_.emplace_back(conjunction, std::move(rule));
    if (rules_.size() > kMost) rules_.pop_front();
  }
  /// The latest that had it; null: nobody.
  const Rule* find(std::uint32_t conjunction) const {
    for (auto each = rules_.rbegin(); each != rules_.rend(); ++each)
      if (each->first == conjunction) return &each->second;
    return nullptr;
  }

 private:
  static constexpr std::size_t kMost = 256;
  std::deque<std::pair<std::uint32_t, Rule>> rules_;
};

RuleFlows::Members members_of(const CompletedRule& rule) {
  RuleFlows::Members members{.targets = rule.targets,
                             .target_services = rule.target_services,
                             .peer_services = rule.peer_services};
  if (rule.peers) members.peers = *rule.peers;
  if (rule.services) members.services = *rule.services;
  return members;
}

}  // namespace

struct FlowCompiler::Impl {
  explicit Impl(const Options& o) : options(o), ids(o.first_id, o.last_id) {}

  Options options;
  ConjunctionIds ids;
  RuleRecords rules;
  std::unordered_map<std::string, std::uint32_t> rules_by_key;
  std::size_t conjunction_count = 0;
  PolicyFlows flows{options, rules};
  RuleFlows asks{options};
  RulePriorities priorities;
  std::map<std::string, CompletedRule> unrealized;  // by key: no priority was left for them
  std::map<std::string, std::shared_ptr<const RuleIdentity>> beyond_flows;  // by key
  GoneRules gone;

  // --- the flows of a rule ---

  void join(std::uint32_t id, RulePart part, const RuleFlows::Asked& asked) {
    RuleRecord& rule = rules[id];
    std::vector<std::uint32_t> joined;
    joined.reserve(asked.size());
    for (const AskedFlow& each : asked) joined.push_back(flows.at(each));
    rule.flows[part].add(std::move(joined), [&](std::uint32_t flow) {
      flows.add_user(flow, {id, rule.clauses[part]});
    });
  }
  void join(std::uint32_t id, const RuleFlows::Members& members) {
    const RuleFlows::ByPart asked = asks.flows_of(rules[id], members);
    for (const RulePart part : kRuleParts) join(id, part, asked[part]);
  }

  void leave(std::uint32_t id, const RuleFlows::Members& members) {
    RuleRecord& rule = rules[id];
    const RuleFlows::ByPart asked = asks.flows_of(rule, members);
    for (const RulePart part : kRuleParts)
      for (const AskedFlow& each : asked[part])
        if (const std::uint32_t flow = flows.find(each.spec); rule.flows[part].remove(flow))
          flows.remove_user(flow, {id, rule.clauses[part]});
  }
  void leave(std::uint32_t id, RulePart part) {
    RuleRecord& rule = rules[id];
    rule.flows[part].for_each_once([&](std::uint32_t flow) {
      flows.remove_user(flow, {id, rule.clauses[part]});
    });
    rule.flows[part] = {};
  }

  void add_outcomes(std::uint32_t id) {
    for (const AskedFlow& outcome : asks.outcomes_of(rules[id]))
      flows.add_user(flows.at(outcome), {id});
  }
  void remove_outcomes(std::uint32_t id) {
    for (const AskedFlow& outcome : asks.outcomes_of(rules[id]))
      flows.remove_user(flows.find(outcome.spec), {id});
  }

  // --- rules ---

  void add_rule(const CompletedRule& completed) {
    const std::uint32_t id = rules.add();
    rules_by_key.emplace(completed.key, id);
    RuleRecord& rule = rules[id];
    rule.identity = completed.identity;
    rule.at_node_ports = completed.at_node_ports;
    if (rule.identity->beyond_flows()) beyond_flows.emplace(completed.key, rule.identity);
    if (has_conjunction(completed)) {
      ++conjunction_count;
      rule.id = ids.id_of(completed.key);
      rule.table = table_of(*rule.identity);
      rule.intercepts_dns = options.intercept_dns && rule.identity->learns_names;
      if (rule.identity->tier_priority) {
        rule.priority = *priorities.find(*rule.identity);
        priorities.enter(*rule.identity, id);
      }
      number_clauses(completed, rule);
      add_outcomes(id);
    }
    join(id, members_of(completed));
  }

  void update_rule(const RuleUpdate& update) {
    if (const auto waiting = unrealized.find(update.key); waiting != unrealized.end()) {
      merge(waiting->second, update);
      return;
    }
    const std::uint32_t id = rules_by_key.at(update.key);
    join(id, {.targets = update.added_targets,
              .target_services = update.added_target_services,
              .peers = update.added_peers,
              .peer_services = update.added_peer_services});
    leave(id, {.targets = update.removed_targets,
               .target_services = update.removed_target_services,
               .peers = update.removed_peers,
               .peer_services = update.removed_peer_services});
  }

  void remove_rule(const std::string& key) {
    const auto found = rules_by_key.find(key);
    const std::uint32_t id = found->second;
    const RuleRecord& rule = rules[id];
    for (const RulePart part : kRuleParts) leave(id, part);
    if (rule.id != 0) {
      --conjunction_count;
      gone.add(rule.id, {rule.identity, rule.deciding_priority()});
      remove_outcomes(id);
      if (rule.identity->tier_priority) priorities.leave(*rule.identity, id);
    }
    beyond_flows.erase(key);
    rules.remove(id);
    rules_by_key.erase(found);
  }

  /// Its flows come again under the new priority.
  void move_rule(std::uint32_t id, std::uint16_t priority) {
    RuleRecord& rule = rules[id];
    remove_outcomes(id);
    rule.priority = priority;
    add_outcomes(id);
    for (const RulePart clause : {kTargets, kPeers, kServices}) {
      RuleFlows::Asked moved;
      for (const std::uint32_t flow : rule.flows[clause].all()) {
        moved.push_back(flows.what(flow));
        moved.back().spec.priority = priority;
      }
      leave(id, clause);
      join(id, clause, moved);
    }
  }

  /// Rules whose conjunction had to make room for another one, or got it back. All leave their old
  /// numbers before any takes its new one.
  void renumber() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> numbers;  // rule and its new ID
    for (const std::string& key : ids.take_moved())
      if (const auto found = rules_by_key.find(key); found != rules_by_key.end())
        numbers.emplace_back(found->second, ids.id_of(key));
    sort_unique(numbers);
    std::erase_if(numbers,
                  [&](const auto& number) { return rules[number.first].id == number.second; });
    for (const auto& [id, number] : numbers) {
      for (const RulePart clause : {kTargets, kPeers, kServices})
        for (const std::uint32_t flow : rules[id].flows[clause].all()) flows.touch(flow);
      remove_outcomes(id);
    }
    for (const auto& [id, number] : numbers) {
      rules[id].id = number;
      add_outcomes(id);
    }
  }

  /// Asks for the priorities of rules that are to come. Those that get none are left in
  /// `unrealized`, the others returned.
  std::vector<CompletedRule> take_places(const std::vector<CompletedRule>& added) {
    for (const CompletedRule& rule : added)
      if (has_conjunction(rule) && rule.identity->tier_priority) unrealized.emplace(rule.key, rule);
    for (const auto& [key, rule] : unrealized) priorities.want(*rule.identity, ids.id_of(key));
    for (const auto& [rule, priority] : priorities.assign()) move_rule(rule, priority);
    std::vector<CompletedRule> realizable;
    for (auto it = unrealized.begin(); it != unrealized.end();) {
      const auto next = std::next(it);
      if (priorities.find(*it->second.identity)) {
        realizable.push_back(std::move(it->second));
        unrealized.erase(it);
      }
      it = next;
    }
    return realizable;
  }

  openflow::Changes apply(const RuleChanges& changes) {
    for (const std::string& key : changes.removed) {
      if (unrealized.erase(key) > 0) {
        ids.release(key);
        continue;
      }
      if (rules[rules_by_key.at(key)].id != 0) ids.release(key);
      remove_rule(key);
    }
    for (const CompletedRule& rule : changes.added)
      if (has_conjunction(rule)) ids.assign(rule.key);
    renumber();
    for (const CompletedRule& rule : changes.added)
      if (!has_conjunction(rule) || !rule.identity->tier_priority) add_rule(rule);
    for (const CompletedRule& rule : take_places(changes.added)) add_rule(rule);
    for (const RuleUpdate& update : changes.updated) update_rule(update);
    return flows.flush();
  }
};

FlowCompiler::FlowCompiler() : FlowCompiler(Options{}) {}
FlowCompiler::FlowCompiler(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
FlowCompiler::~FlowCompiler() = default;
FlowCompiler::FlowCompiler(FlowCompiler&&) noexcept = default;
FlowCompiler& FlowCompiler::operator=(FlowCompiler&&) noexcept = default;

openflow::Changes FlowCompiler::apply(const RuleChanges& changes) { return impl_->apply(changes); }

void FlowCompiler::adopt(std::span<const openflow::Flow> found) {
  for (const openflow::Flow& flow : found) {
    if (flow.cookie != pipeline::cookie(pipeline::CookieCategory::kNetworkPolicy)) continue;
    for (const openflow::MatchField& field : flow.match.fields())
      if (field.id == openflow::FieldId::kConjId)
        impl_->priorities.adopt(pipeline::Table{flow.table.value},
                                static_cast<std::uint32_t>(field.bits.value.lo), flow.priority);
  }
}

std::vector<std::shared_ptr<const RuleIdentity>> FlowCompiler::unrealized() const {
  std::vector<std::shared_ptr<const RuleIdentity>> rules;
  for (const auto& [key, rule] : impl_->unrealized) rules.push_back(rule.identity);
  for (const auto& [key, rule] : impl_->beyond_flows) rules.push_back(rule);
  std::ranges::sort(rules, {}, [](const auto& rule) { return rule->id; });
  return rules;
}

openflow::Changes FlowCompiler::flows() const {
  openflow::Changes changes;
  changes.flows = impl_->flows.all();
  return changes;
}

std::shared_ptr<const RuleIdentity> FlowCompiler::rule_of(std::uint32_t conjunction_id) const {
  const std::string* key = impl_->ids.key_of(conjunction_id);
  if (key == nullptr) {
    const GoneRules::Rule* gone = impl_->gone.find(conjunction_id);
    return gone != nullptr ? gone->identity : nullptr;
  }
  const auto waiting = impl_->unrealized.find(*key);
  return waiting != impl_->unrealized.end() ? waiting->second.identity
                                            : impl_->rules[impl_->rules_by_key.at(*key)].identity;
}

std::optional<std::uint16_t> FlowCompiler::priority_of(std::uint32_t conjunction_id) const {
  const std::string* key = impl_->ids.key_of(conjunction_id);
  if (key == nullptr) {
    const GoneRules::Rule* gone = impl_->gone.find(conjunction_id);
    return gone != nullptr ? gone->priority : std::nullopt;
  }
  if (impl_->unrealized.contains(*key)) return {};
  return impl_->rules[impl_->rules_by_key.at(*key)].deciding_priority();
}

std::optional<std::uint32_t> FlowCompiler::conjunction_of(std::string_view rule_key) const {
  const std::uint32_t id = impl_->ids.id_of(rule_key);
  return id == 0 ? std::nullopt : std::optional(id);
}

FlowCompiler::Counts FlowCompiler::counts() const {
  return {impl_->flows.size(), impl_->conjunction_count};
}

}  // namespace antrea::policy
