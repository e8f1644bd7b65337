#include "antrea/policy/flow_compiler.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <map>
#include <unordered_map>

#include "antrea/api/antrea_policy.h"

#include "clause_list.h"
#include "conjunction_ids.h"
#include "flow_actions.h"
#include "flow_spec.h"
#include "priority_assigner.h"
#include "release_memory.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
namespace pipeline = api::pipeline;
using pipeline::Table;

struct FlowRecord {
  FlowSpec spec;
  Program program{};
  bool touched = false;              // in this batch
  bool existed = false;              // before this batch; else it is new in it
  std::uint32_t references = 0;      // of flows that are not kConjoin
  std::uint32_t log_references = 0;  // those of them that ask for a log
  ClauseList clauses;

  bool empty() const { return references == 0 && clauses.empty(); }
  /// Whether what it does depends on who refers to it.
  bool shared() const {
    return program.kind == Program::Kind::kConjoin || program.kind == Program::Kind::kIsolate;
  }
};

/// A completed rule, and its conjunction if it has one.
struct RuleRecord {
  std::string key;
  std::shared_ptr<const RuleIdentity> identity;
  std::uint32_t id = 0;  // 0: no conjunction
  Table table{};         // of the conjunction
  std::uint16_t priority = pipeline::kPriorityNormal;
  std::uint8_t target_clause = 0, peer_clause = 0, service_clause = 0, count = 0;
  // The flows of each clause, sorted; one is there as often as targets, peers or services ask for
  // it.
  std::vector<std::uint32_t> targets, peers, services;
  std::vector<std::uint32_t> others;  // isolation of targets and what they need for DNS, likewise
  bool intercepts_dns = false;
  bool at_node_ports = false;
};

/// The rules of a table whose order their priorities keep.
struct OrderedTable {
  PriorityAssigner assigner;
  std::map<RuleOrder, std::vector<std::uint32_t>> rules;
  std::unordered_map<std::uint32_t, std::uint16_t> adopted;  // by conjunction ID
};

bool is_baseline(const RuleIdentity& identity) {
  return *identity.tier_priority >= api::crd::kBaselineTierPriority;
}

/// Where the conjunction of a rule lies.
Table table_of(const RuleIdentity& identity) {
  const Stage& stage = stage_of(identity.direction);
  if (!identity.tier_priority) return stage.rules;
  return is_baseline(identity) ? stage.defaults : stage.antrea;
}

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

template <typename Function>
void for_each_once(const std::vector<std::uint32_t>& sorted, Function function) {
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (i == 0 || sorted[i] != sorted[i - 1]) function(sorted[i]);
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
    for (const cp::Direction direction : {cp::Direction::kIn, cp::Direction::kOut}) {
      const Stage& stage = stage_of(direction);
      ordered.emplace(stage.antrea, OrderedTable{{pipeline::kPriorityAntreaPolicyLow,
                                                  pipeline::kPriorityAntreaPolicyHigh, false},
                                                 {},
                                                 {}});
      ordered.emplace(
          stage.defaults,
          OrderedTable{
              {pipeline::kPriorityBaselineLow, pipeline::kPriorityBaselineHigh, true}, {}, {}});
    }
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
  std::map<Table, OrderedTable> ordered;            // those with rules that have an order
  std::map<std::string, CompletedRule> unrealized;  // by key: no priority was left for them
  std::map<std::string, std::shared_ptr<const RuleIdentity>> beyond_flows;  // by key

  // This batch: the flows touched, and what those did before that may do something else now.
  std::vector<std::uint32_t> touched;
  std::unordered_map<std::uint32_t, openflow::Instructions> old_instructions;

  // --- flows ---

  bool serves(Family family) const { return family == Family::kIPv4 ? options.ipv4 : options.ipv6; }

  static constexpr Program kConjoin{Program::Kind::kConjoin};

  std::uint32_t flow_at(const FlowSpec& spec, const Program& program) {
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
    if (flow.existed && flow.shared()) old_instructions.emplace(id, flow_of(flow));
    return flow;
  }

  /// Ascending by ID, so that equal sets make equal flows.
  openflow::Actions conjunctions_of(const FlowRecord& flow) const {
    const std::span<const Clause> all = flow.clauses.all();
    std::vector<Clause> sorted(all.begin(), all.end());
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
    Program program = record.program;
    if (program.kind == Program::Kind::kIsolate) program.log = record.log_references > 0;
    flow.apply_actions = program.kind == Program::Kind::kConjoin
                             ? conjunctions_of(record)
                             : actions_of(record.spec, program, options, flow.goto_table);
    return flow;
  }

  std::uint32_t refer(const FlowSpec& spec, const Program& program) {
    const std::uint32_t id = flow_at(spec, program);
    FlowRecord& flow = touch(id);
    if (flow.references == 0 && flow.program != program) {
      // Another rule has taken over the ID of one that went in this batch.
      if (flow.existed) old_instructions.emplace(id, flow_of(flow));
      flow.program = program;
    }
    ++flow.references;
    flow.log_references += program.log ? 1 : 0;
    return id;
  }
  void unrefer(std::uint32_t id, bool log) {
    FlowRecord& flow = touch(id);
    --flow.references;
    flow.log_references -= log ? 1 : 0;
  }

  // --- clauses ---

  void add_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                  const FlowSpec& spec) {
    const std::uint32_t flow = flow_at(spec, kConjoin);
    const auto at = std::ranges::lower_bound(list, flow);
    const bool known = at != list.end() && *at == flow;
    list.insert(at, flow);
    if (!known) touch(flow).clauses.add({rule, clause, rules[rule].count});
  }

  /// Many at once, of a clause that has none yet.
  void fill_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                   std::span<const FlowSpec> specs) {
    list.reserve(specs.size());
    for (const FlowSpec& spec : specs) list.push_back(flow_at(spec, kConjoin));
    std::ranges::sort(list);
    for_each_once(list, [&](std::uint32_t flow) {
      touch(flow).clauses.add({rule, clause, rules[rule].count});
    });
  }

  void remove_clause(std::uint32_t rule, std::uint8_t clause, std::vector<std::uint32_t>& list,
                     const FlowSpec& spec) {
    const std::uint32_t flow = *flows_by_spec.find(spec);
    const auto at = list.erase(std::ranges::lower_bound(list, flow));
    if (at == list.end() || *at != flow) forget_clause(flow, rule, clause);
  }

  void forget_clause(std::uint32_t flow, std::uint32_t rule, std::uint8_t clause) {
    touch(flow).clauses.remove({rule, clause, rules[rule].count});
  }

  /// Calls `function` with the match of each address or port that stands for the target.
  template <typename Function>
  void for_each_target(const RuleRecord& rule, Table table, std::uint16_t priority,
                       const PodInterface& target, Function function) const {
    if (rule.identity->direction == cp::Direction::kIn) {
      function(FlowSpec::number(table, priority, FlowSpec::Kind::kOutPort, target.ofport));
      return;
    }
    for (const IpAddress& ip : target.ips)
      if (serves(ip.family()))
        function(FlowSpec::address(table, priority, FlowSpec::Kind::kSource, IpPrefix::host(ip)));
  }

  /// Beside its clause of the conjunction: the isolation of the target, and that answers of DNS
  /// servers to it are held.
  template <typename Function>
  void for_each_other(const RuleRecord& rule, const PodInterface& target, Function function) const {
    if (rule.identity->isolates())
      for_each_target(rule, stage_of(rule.identity->direction).defaults, pipeline::kPriorityNormal,
                      target, [&](const FlowSpec& spec) {
                        function(spec, Program{.kind = Program::Kind::kIsolate,
                                               .log = rule.identity->enable_logging});
                      });
    if (rule.intercepts_dns)
      function(FlowSpec::number(Table::kAntreaPolicyIngressRule, pipeline::kPriorityDnsIntercept,
                                FlowSpec::Kind::kOutPort, target.ofport),
               Program{Program::Kind::kDnsTarget});
  }

  void add_target(std::uint32_t id, const PodInterface& target) {
    RuleRecord& rule = rules[id];
    if (rule.id != 0)
      for_each_target(rule, rule.table, rule.priority, target, [&](const FlowSpec& spec) {
        add_clause(id, rule.target_clause, rule.targets, spec);
      });
    for_each_other(rule, target, [&](const FlowSpec& spec, const Program& program) {
      const std::uint32_t flow = refer(spec, program);
      rule.others.insert(std::ranges::lower_bound(rule.others, flow), flow);
    });
  }

  void remove_target(std::uint32_t id, const PodInterface& target) {
    RuleRecord& rule = rules[id];
    if (rule.id != 0)
      for_each_target(rule, rule.table, rule.priority, target, [&](const FlowSpec& spec) {
        remove_clause(id, rule.target_clause, rule.targets, spec);
      });
    for_each_other(rule, target, [&](const FlowSpec& spec, const Program& program) {
      const std::uint32_t flow = *flows_by_spec.find(spec);
      rule.others.erase(std::ranges::lower_bound(rule.others, flow));
      unrefer(flow, program.log);
    });
  }

  FlowSpec peer_spec(const RuleRecord& rule, const IpPrefix& peer) const {
    using Kind = FlowSpec::Kind;
    const Kind kind = rule.at_node_ports                               ? Kind::kClient
                      : rule.identity->direction == cp::Direction::kIn ? Kind::kSource
                                                                       : Kind::kDestination;
    return FlowSpec::address(rule.table, rule.priority, kind, peer);
  }
  FlowSpec peer_spec(const RuleRecord& rule, std::uint32_t service_group) const {
    return FlowSpec::number(rule.table, rule.priority, FlowSpec::Kind::kServiceGroup,
                            service_group);
  }
  FlowSpec node_port_spec(const RuleRecord& rule, std::uint32_t service_group) const {
    return FlowSpec::number(rule.table, rule.priority, FlowSpec::Kind::kNodePort, service_group);
  }

  static std::uint16_t deciding_priority(const RuleRecord& rule) {
    return rule.identity->tier_priority ? rule.priority : pipeline::kPriorityLow;
  }

  /// The flows that a conjunction leads to, and those that count what it decided.
  template <typename Function>
  void for_each_outcome(const RuleRecord& rule, Function function) const {
    using Kind = FlowSpec::Kind;
    const RuleIdentity& identity = *rule.identity;
    const Table metrics = stage_of(identity.direction).metrics;
    Program program{.log = identity.enable_logging};
    switch (*identity.action) {
      case cp::RuleAction::kAllow:
        program.kind = Program::Kind::kAllow;
        break;
      case cp::RuleAction::kReject:
        program.reject = true;
        [[fallthrough]];
      case cp::RuleAction::kDrop:
        program.kind = Program::Kind::kDeny;
        break;
      case cp::RuleAction::kPass:
        program.kind = Program::Kind::kPass;
        break;
    }
    const std::uint16_t priority = deciding_priority(rule);
    for (const Family family : families) {
      FlowSpec decision =
          FlowSpec::by_id(rule.table, priority, Kind::kConjunction, family, rule.id);
      if (program.kind == Program::Kind::kAllow && rule.at_node_ports) {
        decision.detail = FlowSpec::kSourceTranslated;
        function(decision, Program{.kind = Program::Kind::kAllowAsIs, .log = program.log});
        decision.detail = FlowSpec::kSourceKept;
      }
      function(decision, program);
      if (program.kind != Program::Kind::kAllow) continue;
      for (const Kind kind : {Kind::kAllowedNew, Kind::kAllowedRest})
        function(FlowSpec::by_id(metrics, pipeline::kPriorityNormal, kind, family, rule.id),
                 Program{Program::Kind::kCount});
    }
    if (program.kind == Program::Kind::kDeny)
      function(FlowSpec::by_id(metrics, pipeline::kPriorityNormal, Kind::kDenied, {}, rule.id),
               Program{Program::Kind::kCountDenied});
    if (!rule.intercepts_dns) return;
    const Table intercepting = Table::kAntreaPolicyIngressRule;
    for (const Family family : families) {
      function(FlowSpec::by_id(intercepting, pipeline::kPriorityDnsIntercept, Kind::kConjunction,
                               family, pipeline::kDnsConjunctionId),
               Program{Program::Kind::kInterceptDns});
      for (const std::uint8_t protocol : {openflow::ip_proto::kUdp, openflow::ip_proto::kTcp}) {
        FlowSpec answer = FlowSpec::by_id(intercepting, pipeline::kPriorityDnsIntercept,
                                          Kind::kDnsAnswer, family, 0);
        answer.detail = protocol;
        function(answer, Program{Program::Kind::kDnsAnswer});
      }
    }
  }

  // --- rules ---

  /// A rule without peers and services only isolates; one whose services came to nothing matches
  /// nothing.
  static bool has_conjunction(const CompletedRule& rule) {
    return rule.identity->action && !rule.identity->beyond_flows() &&
           (rule.peers || rule.services) && !(rule.services && rule.services->empty());
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
    rule.at_node_ports = completed.at_node_ports;
    if (rule.identity->beyond_flows()) beyond_flows.emplace(rule.key, rule.identity);
    if (has_conjunction(completed)) {
      ++conjunction_count;
      rule.id = ids.id_of(rule.key);
      rule.table = table_of(*rule.identity);
      rule.intercepts_dns = options.intercept_dns && rule.identity->learns_names;
      if (const auto at = ordered.find(rule.table);
          at != ordered.end() && rule.identity->tier_priority) {
        const RuleOrder order(*rule.identity);
        rule.priority = *at->second.assigner.find(order);
        at->second.rules[order].push_back(id);
      }
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
            for (const FlowSpec& spec : service_specs(rule.table, rule.priority, family, service))
              specs.push_back(spec);
        fill_clause(id, rule.service_clause, rule.services, specs);
      }
      if (completed.peers) {
        specs.clear();
        for (const IpPrefix& peer : *completed.peers)
          if (serves(peer.family())) specs.push_back(peer_spec(rule, peer));
        for (const std::uint32_t group : completed.peer_services)
          specs.push_back(peer_spec(rule, group));
        fill_clause(id, rule.peer_clause, rule.peers, specs);
      }
      specs.clear();
      for (const std::uint32_t group : completed.target_services)
        specs.push_back(node_port_spec(rule, group));
      fill_clause(id, rule.target_clause, rule.targets, specs);
    }
    for (const PodInterface& target : completed.targets) add_target(id, target);
  }

  void update_rule(const RuleUpdate& update) {
    if (const auto waiting = unrealized.find(update.key); waiting != unrealized.end()) {
      merge(waiting->second, update);
      return;
    }
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
    for (const std::uint32_t group : update.added_peer_services)
      add_clause(id, rule.peer_clause, rule.peers, peer_spec(rule, group));
    for (const std::uint32_t group : update.removed_peer_services)
      remove_clause(id, rule.peer_clause, rule.peers, peer_spec(rule, group));
    for (const std::uint32_t group : update.added_target_services)
      add_clause(id, rule.target_clause, rule.targets, node_port_spec(rule, group));
    for (const std::uint32_t group : update.removed_target_services)
      remove_clause(id, rule.target_clause, rule.targets, node_port_spec(rule, group));
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
      if (rule.identity->tier_priority) leave_order(rule, id);
    }
    for (const std::uint32_t flow : rule.others)
      unrefer(flow,
              flows[flow].program.kind == Program::Kind::kIsolate && rule.identity->enable_logging);
    beyond_flows.erase(key);
    rule = {};
    free_rules.push_back(id);
    rules_by_key.erase(found);
  }

  void add_outcomes(const RuleRecord& rule) {
    for_each_outcome(rule,
                     [&](const FlowSpec& spec, const Program& program) { refer(spec, program); });
  }
  void remove_outcomes(const RuleRecord& rule) {
    for_each_outcome(rule, [&](const FlowSpec& spec, const Program& program) {
      unrefer(*flows_by_spec.find(spec), program.log);
    });
  }

  // --- priorities ---

  void leave_order(const RuleRecord& rule, std::uint32_t id) {
    OrderedTable& table = ordered.at(rule.table);
    const RuleOrder order(*rule.identity);
    const auto found = table.rules.find(order);
    std::erase(found->second, id);
    if (!found->second.empty()) return;
    table.rules.erase(found);
    table.assigner.release(order);
  }

  /// Asks for the priorities of rules that are to come. Those that get none are left in
  /// `unrealized`, the others returned.
  std::vector<CompletedRule> take_places(const std::vector<CompletedRule>& added) {
    for (const CompletedRule& rule : added)
      if (has_conjunction(rule) && rule.identity->tier_priority) unrealized.emplace(rule.key, rule);
    for (const auto& [key, rule] : unrealized) {
      OrderedTable& table = ordered.at(table_of(*rule.identity));
      const auto adopted = table.adopted.find(ids.id_of(key));
      table.assigner.want(RuleOrder(*rule.identity), adopted == table.adopted.end()
                                                         ? std::nullopt
                                                         : std::optional(adopted->second));
    }
    for (auto& [name, table] : ordered)
      for (const RuleOrder& moved : table.assigner.assign())
        if (const auto users = table.rules.find(moved); users != table.rules.end())
          for (const std::uint32_t rule : users->second)
            move_rule(rule, *table.assigner.find(moved));
    std::vector<CompletedRule> realizable;
    for (auto it = unrealized.begin(); it != unrealized.end();) {
      const RuleIdentity& identity = *it->second.identity;
      if (ordered.at(table_of(identity)).assigner.find(RuleOrder(identity))) {
        realizable.push_back(std::move(it->second));
        it = unrealized.erase(it);
      } else {
        ++it;
      }
    }
    return realizable;
  }

  /// Its flows come again under the new priority.
  void move_rule(std::uint32_t id, std::uint16_t priority) {
    RuleRecord& rule = rules[id];
    remove_outcomes(rule);
    rule.priority = priority;
    add_outcomes(rule);
    const auto move_clause = [&](std::uint8_t clause, std::vector<std::uint32_t>& list) {
      std::vector<FlowSpec> specs;
      specs.reserve(list.size());
      for (const std::uint32_t flow : list) {
        specs.push_back(flows[flow].spec);
        specs.back().priority = priority;
      }
      for_each_once(list, [&](std::uint32_t flow) { forget_clause(flow, id, clause); });
      list.clear();
      fill_clause(id, clause, list, specs);
    };
    move_clause(rule.target_clause, rule.targets);
    move_clause(rule.peer_clause, rule.peers);
    move_clause(rule.service_clause, rule.services);
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
      } else if (const auto old = old_instructions.find(id); old != old_instructions.end()) {
        openflow::Flow now = flow_of(flow);
        if (static_cast<const openflow::Instructions&>(now) != old->second)
          changes.flows.push_back(std::move(now));
      }
    }
    release_memory(touched);
    release_memory(old_instructions);
    return changes;
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
    const auto table = impl_->ordered.find(Table{flow.table.value});
    if (table == impl_->ordered.end()) continue;
    for (const openflow::MatchField& field : flow.match.fields())
      if (field.id == openflow::FieldId::kConjId)
        table->second.adopted[static_cast<std::uint32_t>(field.bits.value.lo)] = flow.priority;
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
  for (const FlowRecord& flow : impl_->flows)
    if (flow.existed) changes.flows.push_back(impl_->flow_of(flow));
  return changes;
}

std::shared_ptr<const RuleIdentity> FlowCompiler::rule_of(std::uint32_t conjunction_id) const {
  const std::string* key = impl_->ids.key_of(conjunction_id);
  if (key == nullptr) return nullptr;
  const auto waiting = impl_->unrealized.find(*key);
  return waiting != impl_->unrealized.end() ? waiting->second.identity
                                            : impl_->rules[impl_->rules_by_key.at(*key)].identity;
}

std::optional<std::uint16_t> FlowCompiler::priority_of(std::uint32_t conjunction_id) const {
  const std::string* key = impl_->ids.key_of(conjunction_id);
  if (key == nullptr || impl_->unrealized.contains(*key)) return {};
  return Impl::deciding_priority(impl_->rules[impl_->rules_by_key.at(*key)]);
}

std::optional<std::uint32_t> FlowCompiler::conjunction_of(std::string_view rule_key) const {
  const std::uint32_t id = impl_->ids.id_of(rule_key);
  return id == 0 ? std::nullopt : std::optional(id);
}

FlowCompiler::Counts FlowCompiler::counts() const {
  return {impl_->flows_by_spec.size(), impl_->conjunction_count};
}

}  // namespace antrea::policy
