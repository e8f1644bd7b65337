#include "antrea/policy/flow_compiler.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <unordered_map>

#include "conjunction_ids.h"
#include "flow_spec.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace pipeline = api::pipeline;
using pipeline::Table;

constexpr std::uint32_t kNone = 0xffffffff;

/// The tables of one direction.
struct Stage {
  Table rules, defaults, metrics, next;
  unsigned id_register;
  unsigned label_offset;
};
constexpr Stage kEgress{
    Table::kEgressRule,   Table::kEgressDefaultRule,        Table::kEgressMetric,
    Table::kL3Forwarding, pipeline::reg::kEgressConjId.reg, pipeline::kCtLabelEgressOffset};
constexpr Stage kIngress{
    Table::kIngressRule,     Table::kIngressDefaultRule,        Table::kIngressMetric,
    Table::kConntrackCommit, pipeline::reg::kIngressConjId.reg, pipeline::kCtLabelIngressOffset};

const Stage& stage_of(cp::Direction direction) {
  return direction == cp::Direction::kOut ? kEgress : kIngress;
}

/// What a flow does.
enum class Program : std::uint8_t {
  kConjoin,      ///< names the conjunctions whose clause it satisfies
  kAllowEgress,  ///< commits the connection with the ID it matches
  kAllowIngress,
  kCountEgress,  ///< counts and goes on
  kCountIngress,
  kDrop,
};

/// One clause of a conjunction.
struct Clause {
  std::uint32_t conjunction;  // index of the record, not the ID
  std::uint8_t clause, count;
  friend bool operator==(const Clause&, const Clause&) = default;
};

struct FlowRecord {
  FlowSpec spec;
  Program program{};
  bool touched = false;          // in this batch
  bool existed = false;          // before this batch; else it is new in it
  std::uint32_t references = 0;  // of flows that are not kConjoin
  std::vector<Clause> clauses;

  bool empty() const { return references == 0 && clauses.empty(); }
};

/// A completed rule, and its conjunction if it has one.
struct RuleRecord {
  std::string key;
  std::shared_ptr<const RuleIdentity> identity;
  std::uint32_t id = 0;  // 0: no conjunction
  std::uint8_t target_clause = 0, peer_clause = 0, service_clause = 0, count = 0;
  // The flows of each clause, sorted; one is there as often as targets, peers or services ask for
  // it.
  std::vector<std::uint32_t> targets, peers, services;
  std::vector<std::uint32_t> drops;  // of the default table, likewise
};

template <typename Function>
void for_each_once(const std::vector<std::uint32_t>& sorted, Function function) {
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (i == 0 || sorted[i] != sorted[i - 1]) function(sorted[i]);
}

openflow::Actions actions_of(const FlowSpec& spec, Program program,
                             std::optional<openflow::TableId>& goto_table) {
  const auto table_id = [](Table table) {
    return openflow::TableId{static_cast<std::uint8_t>(table)};
  };
  const auto id = static_cast<std::uint32_t>(spec.lo);
  switch (program) {
    case Program::kAllowEgress:
    case Program::kAllowIngress: {
      const Stage& stage = program == Program::kAllowEgress ? kEgress : kIngress;
      openflow::Ct ct;
      ct.commit = true;
      ct.zone = spec.family == 4 ? pipeline::kCtZone : pipeline::kCtZoneV6;
      ct.table = table_id(stage.metrics);
      ct.actions.push_back(openflow::load(
          {openflow::FieldId::kCtLabel, static_cast<std::uint16_t>(stage.label_offset), 32}, id));
      return {openflow::load(openflow::reg_bits(stage.id_register, 0, 31), id), std::move(ct)};
    }
    case Program::kCountEgress:
      goto_table = table_id(kEgress.next);
      return {};
    case Program::kCountIngress:
      goto_table = table_id(kIngress.next);
      return {};
    case Program::kConjoin:
    case Program::kDrop:
      return {};
  }
  return {};
}

}  // namespace

struct FlowCompiler::Impl {
  struct SpecHash {
    using is_transparent = void;
    const std::deque<FlowRecord>* flows;
    std::size_t operator()(std::uint32_t flow) const { return (*flows)[flow].spec.hash(); }
    std::size_t operator()(const FlowSpec& spec) const { return spec.hash(); }
  };
  struct SpecEqual {
    using is_transparent = void;
    const std::deque<FlowRecord>* flows;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(const FlowSpec& a, std::uint32_t b) const { return a == (*flows)[b].spec; }
    bool operator()(std::uint32_t a, const FlowSpec& b) const { return (*this)(b, a); }
  };

  explicit Impl(const Options& o) : options(o), ids(o.first_id, o.last_id) {
    if (options.ipv4) families.push_back(Family::kIPv4);
    if (options.ipv6) families.push_back(Family::kIPv6);
  }

  Options options;
  std::vector<Family> families;
  ConjunctionIds ids;
  std::deque<FlowRecord> flows;
  std::vector<std::uint32_t> free_flows;
  boost::unordered_flat_set<std::uint32_t, SpecHash, SpecEqual> flows_by_spec{0, SpecHash{&flows},
                                                                              SpecEqual{&flows}};
  std::deque<RuleRecord> rules;
  std::vector<std::uint32_t> free_rules;
  std::unordered_map<std::string, std::uint32_t> rules_by_key;
  std::size_t conjunction_count = 0;

  // This batch: the flows touched, and what those that name conjunctions said before.
  std::vector<std::uint32_t> touched;
  std::unordered_map<std::uint32_t, openflow::Actions> old_conjunctions;

  // --- flows ---

  bool serves(Family family) const { return family == Family::kIPv4 ? options.ipv4 : options.ipv6; }

  std::uint32_t flow_at(const FlowSpec& spec, Program program) {
    if (const auto found = flows_by_spec.find(spec); found != flows_by_spec.end()) return *found;
    std::uint32_t id = 0;
    if (free_flows.empty()) {
      id = static_cast<std::uint32_t>(flows.size());
      flows.emplace_back();
    } else {
      id = free_flows.back();
      free_flows.pop_back();
    }
    flows[id] = {.spec = spec, .program = program};
    flows_by_spec.insert(id);
    return id;
  }

  FlowRecord& touch(std::uint32_t id) {
    FlowRecord& flow = flows[id];
    if (std::exchange(flow.touched, true)) return flow;
    touched.push_back(id);
    if (flow.existed && flow.program == Program::kConjoin)
      old_conjunctions.emplace(id, conjunctions_of(flow));
    return flow;
  }

  /// Ascending by ID, so that equal sets make equal flows.
  openflow::Actions conjunctions_of(const FlowRecord& flow) const {
    std::vector<Clause> sorted = flow.clauses;
    std::ranges::sort(
        sorted, {}, [&](const Clause& c) { return std::pair(rules[c.conjunction].id, c.clause); });
    openflow::Actions actions;
    actions.reserve(sorted.size());
    for (const Clause& clause : sorted)
      actions.emplace_back(openflow::Conjunction{rules[clause.conjunction].id,
                                                 static_cast<std::uint8_t>(clause.clause - 1),
                                                 clause.count});
    return actions;
  }

  openflow::Flow flow_of(const FlowRecord& record) const {
    openflow::Flow flow;
    openflow::FlowKey key = record.spec.key();
    flow.table = key.table;
    flow.priority = key.priority;
    flow.match = std::move(key.match);
    flow.cookie = pipeline::cookie(pipeline::CookieCategory::kNetworkPolicy);
    flow.apply_actions = record.program == Program::kConjoin
                             ? conjunctions_of(record)
                             : actions_of(record.spec, record.program, flow.goto_table);
    return flow;
  }

  std::uint32_t refer(const FlowSpec& spec, Program program) {
    const std::uint32_t flow = flow_at(spec, program);
    ++touch(flow).references;
    return flow;
  }
  void unrefer(std::uint32_t flow) { --touch(flow).references; }

  // --- clauses ---

  void add_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                  const FlowSpec& spec) {
    const std::uint32_t flow = flow_at(spec, Program::kConjoin);
    const auto at = std::ranges::lower_bound(list, flow);
    const bool known = at != list.end() && *at == flow;
    list.insert(at, flow);
    if (!known) touch(flow).clauses.push_back({rule, clause, rules[rule].count});
  }

  /// Many at once, of a clause that has none yet.
  void fill_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                   std::span<const FlowSpec> specs) {
    list.reserve(specs.size());
    for (const FlowSpec& spec : specs) list.push_back(flow_at(spec, Program::kConjoin));
    std::ranges::sort(list);
    for_each_once(list, [&](std::uint32_t flow) {
      touch(flow).clauses.push_back({rule, clause, rules[rule].count});
    });
  }

  void remove_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                     const FlowSpec& spec) {
    const std::uint32_t flow = *flows_by_spec.find(spec);
    const auto at = list.erase(std::ranges::lower_bound(list, flow));
    if (at == list.end() || *at != flow) forget_clause(flow, rule, clause);
  }

  void forget_clause(std::uint32_t flow, std::uint32_t rule, std::uint8_t clause) {
    std::vector<Clause>& clauses = touch(flow).clauses;
    const auto found = std::ranges::find(clauses, Clause{rule, clause, rules[rule].count});
    *found = clauses.back();
    clauses.pop_back();
  }

  /// Calls `function` with the match of each address or port that stands for the target, in
  /// `table`.
  template <typename Function>
  void for_each_target(const RuleRecord& rule, Table table, const PodInterface& target,
                       Function function) const {
    if (rule.identity->direction == cp::Direction::kIn) {
      function(FlowSpec::out_port(table, target.ofport));
      return;
    }
    for (const IpAddress& ip : target.ips)
      if (serves(ip.family())) function(FlowSpec::address(table, true, IpPrefix::host(ip)));
  }

  void add_target(std::uint32_t id, const PodInterface& target) {
    RuleRecord& rule = rules[id];
    const Stage& stage = stage_of(rule.identity->direction);
    if (rule.id != 0)
      for_each_target(rule, stage.rules, target, [&](const FlowSpec& spec) {
        add_clause(id, rule.target_clause, rule.targets, spec);
      });
    if (!rule.identity->isolates()) return;
    for_each_target(rule, stage.defaults, target, [&](const FlowSpec& spec) {
      const std::uint32_t flow = refer(spec, Program::kDrop);
      rule.drops.insert(std::ranges::lower_bound(rule.drops, flow), flow);
    });
  }

  void remove_target(std::uint32_t id, const PodInterface& target) {
    RuleRecord& rule = rules[id];
    const Stage& stage = stage_of(rule.identity->direction);
    if (rule.id != 0)
      for_each_target(rule, stage.rules, target, [&](const FlowSpec& spec) {
        remove_clause(id, rule.target_clause, rule.targets, spec);
      });
    if (!rule.identity->isolates()) return;
    for_each_target(rule, stage.defaults, target, [&](const FlowSpec& spec) {
      const std::uint32_t flow = *flows_by_spec.find(spec);
      rule.drops.erase(std::ranges::lower_bound(rule.drops, flow));
      unrefer(flow);
    });
  }

  FlowSpec peer_spec(const RuleRecord& rule, const IpPrefix& peer) const {
    const bool ingress = rule.identity->direction == cp::Direction::kIn;
    return FlowSpec::address(stage_of(rule.identity->direction).rules, ingress, peer);
  }

  /// The flows that a conjunction leads to, and those that count what it allowed.
  template <typename Function>
  void for_each_outcome(const RuleRecord& rule, Function function) const {
    const bool egress = rule.identity->direction == cp::Direction::kOut;
    const Stage& stage = stage_of(rule.identity->direction);
    using Kind = FlowSpec::Kind;
    for (const Family family : families) {
      function(FlowSpec::by_id(stage.rules, Kind::kConjunction, family, rule.id),
               egress ? Program::kAllowEgress : Program::kAllowIngress);
      for (const Kind kind : {Kind::kAllowedNew, Kind::kAllowedRest})
        function(FlowSpec::by_id(stage.metrics, kind, family, rule.id),
                 egress ? Program::kCountEgress : Program::kCountIngress);
    }
  }

  // --- rules ---

  /// A rule without peers and services only isolates; one whose services came to nothing allows
  /// nothing. Nothing but Allow may end here: there is no flow for another action yet.
  static bool has_conjunction(const CompletedRule& rule) {
    return rule.identity->action == cp::RuleAction::kAllow && (rule.peers || rule.services) &&
           !(rule.services && rule.services->empty());
  }

  void add_rule(const CompletedRule& completed) {
    std::uint32_t id = 0;
    if (free_rules.empty()) {
      id = static_cast<std::uint32_t>(rules.size());
      rules.emplace_back();
    } else {
      id = free_rules.back();
      free_rules.pop_back();
    }
    rules_by_key.emplace(completed.key, id);
    RuleRecord& rule = rules[id];
    rule.key = completed.key;
    rule.identity = completed.identity;
    if (has_conjunction(completed)) {
      ++conjunction_count;
      rule.id = ids.id_of(rule.key);
      // Clauses are numbered From, To, Service, as far as they are there.
      const bool ingress = rule.identity->direction == cp::Direction::kIn;
      std::uint8_t count = 0;
      if (ingress && completed.peers) rule.peer_clause = ++count;
      rule.target_clause = ++count;
      if (!ingress && completed.peers) rule.peer_clause = ++count;
      if (completed.services) rule.service_clause = ++count;
      rule.count = count;
      add_outcomes(rule);
      std::vector<FlowSpec> specs;
      if (completed.services) {
        for (const cp::Service& service : *completed.services)
          for (const Family family : families)
            for (const FlowSpec& spec :
                 service_specs(stage_of(rule.identity->direction).rules, family, service))
              specs.push_back(spec);
        fill_clause(id, rule.service_clause, rule.services, specs);
      }
      if (completed.peers) {
        specs.clear();
        for (const IpPrefix& peer : *completed.peers)
          if (serves(peer.family())) specs.push_back(peer_spec(rule, peer));
        fill_clause(id, rule.peer_clause, rule.peers, specs);
      }
    }
    for (const PodInterface& target : completed.targets) add_target(id, target);
  }

  void update_rule(const RuleUpdate& update) {
    const std::uint32_t id = rules_by_key.at(update.key);
    RuleRecord& rule = rules[id];
    for (const PodInterface& target : update.added_targets) add_target(id, target);
    for (const PodInterface& target : update.removed_targets) remove_target(id, target);
    if (rule.id == 0) return;
    for (const IpPrefix& peer : update.added_peers)
      if (serves(peer.family()))
        add_clause(id, rule.peer_clause, rule.peers, peer_spec(rule, peer));
    for (const IpPrefix& peer : update.removed_peers)
      if (serves(peer.family()))
        remove_clause(id, rule.peer_clause, rule.peers, peer_spec(rule, peer));
  }

  void remove_rule(const std::string& key) {
    const auto found = rules_by_key.find(key);
    const std::uint32_t id = found->second;
    RuleRecord& rule = rules[id];
    if (rule.id != 0) {
      --conjunction_count;
      remove_outcomes(rule);
      for_each_once(rule.targets, [&](auto flow) { forget_clause(flow, id, rule.target_clause); });
      for_each_once(rule.peers, [&](auto flow) { forget_clause(flow, id, rule.peer_clause); });
      for_each_once(rule.services,
                    [&](auto flow) { forget_clause(flow, id, rule.service_clause); });
    }
    for (const std::uint32_t flow : rule.drops) unrefer(flow);
    rule = {};
    free_rules.push_back(id);
    rules_by_key.erase(found);
  }

  void add_outcomes(const RuleRecord& rule) {
    for_each_outcome(rule, [&](const FlowSpec& spec, Program program) { refer(spec, program); });
  }
  void remove_outcomes(const RuleRecord& rule) {
    for_each_outcome(rule,
                     [&](const FlowSpec& spec, Program) { unrefer(*flows_by_spec.find(spec)); });
  }

  /// Rules whose conjunction had to make room for another one, or got it back.
  void renumber() {
    for (const std::string& key : ids.take_moved()) {
      const auto found = rules_by_key.find(key);
      if (found == rules_by_key.end()) continue;
      RuleRecord& rule = rules[found->second];
      const std::uint32_t id = ids.id_of(key);
      if (id == rule.id) continue;
      for (const auto* list : {&rule.targets, &rule.peers, &rule.services})
        for (const std::uint32_t flow : *list) touch(flow);
      remove_outcomes(rule);
      rule.id = id;
      add_outcomes(rule);
    }
  }

  openflow::Changes apply(const RuleChanges& changes) {
    for (const std::string& key : changes.removed) {
      if (rules[rules_by_key.at(key)].id != 0) ids.release(key);
      remove_rule(key);
    }
    for (const CompletedRule& rule : changes.added)
      if (has_conjunction(rule)) ids.assign(rule.key);
    renumber();
    for (const CompletedRule& rule : changes.added) add_rule(rule);
    for (const RuleUpdate& update : changes.updated) update_rule(update);
    return flush();
  }

  openflow::Changes flush() {
    openflow::Changes changes;
    for (const std::uint32_t id : touched) {
      FlowRecord& flow = flows[id];
      flow.touched = false;
      if (flow.empty()) {
        if (flow.existed) changes.remove_flows.push_back(flow.spec.key());
        flows_by_spec.erase(id);
        flow = {};
        free_flows.push_back(id);
      } else if (!flow.existed) {
        flow.existed = true;
        changes.flows.push_back(flow_of(flow));
      } else if (flow.program == Program::kConjoin &&
                 conjunctions_of(flow) != old_conjunctions.at(id)) {
        changes.flows.push_back(flow_of(flow));
      }
    }
    touched.clear();
    old_conjunctions.clear();
    return changes;
  }
};

FlowCompiler::FlowCompiler() : FlowCompiler(Options{}) {}
FlowCompiler::FlowCompiler(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
FlowCompiler::~FlowCompiler() = default;
FlowCompiler::FlowCompiler(FlowCompiler&&) noexcept = default;
FlowCompiler& FlowCompiler::operator=(FlowCompiler&&) noexcept = default;

openflow::Changes FlowCompiler::apply(const RuleChanges& changes) { return impl_->apply(changes); }

openflow::Changes FlowCompiler::flows() const {
  openflow::Changes changes;
  for (const FlowRecord& flow : impl_->flows)
    if (flow.existed) changes.flows.push_back(impl_->flow_of(flow));
  return changes;
}

std::shared_ptr<const RuleIdentity> FlowCompiler::rule_of(std::uint32_t conjunction_id) const {
  const std::string* key = impl_->ids.key_of(conjunction_id);
  return key == nullptr ? nullptr : impl_->rules[impl_->rules_by_key.at(*key)].identity;
}

std::optional<std::uint32_t> FlowCompiler::conjunction_of(std::string_view rule_key) const {
  const std::uint32_t id = impl_->ids.id_of(rule_key);
  return id == 0 ? std::nullopt : std::optional(id);
}

FlowCompiler::Counts FlowCompiler::counts() const {
  return {impl_->flows_by_spec.size(), impl_->conjunction_count};
}

}  // namespace antrea::policy
