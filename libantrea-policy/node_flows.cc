#include "antrea/policy/node_flows.h"

#include <algorithm>
#include <set>

#include "antrea/api/pipeline.h"
#include "antrea/policy/flow_compiler.h"
#include "antrea/policy/rule_cache.h"
#include "flow_walk.h"
#include "rule_book.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
using openflow::FieldId;

struct NodeState {
  RuleCache cache;
  FlowCompiler compiler;
  SwitchFlows flows;
  std::map<api::ObjectKey, PodInterface> interfaces;
};

using PodsByNode = std::map<std::string, std::map<api::ObjectKey, std::vector<IpAddress>>>;

PodsByNode pods_of(std::span<const ObjectChange> objects) {
  PodsByNode pods;
  for (const ObjectChange& object : objects)
    if (const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
        pod != nullptr && !(*pod)->host_network && !(*pod)->terminated() &&
        !(*pod)->node_name.empty())
      pods[(*pod)->node_name][api::key_of((*pod)->metadata)] = (*pod)->pod_ips;
  return pods;
}

/// What each Node would be sent at the start of its watches.
std::map<std::string, std::vector<RuleInput>> inputs_of(const cp::Changes& changes) {
  struct Sent {
    PoliciesReplaced policies;
    AddressGroupsReplaced address_groups;
    AppliedToGroupsReplaced applied_to_groups;
  };
  std::map<std::string, Sent> sent;
  for (const cp::PolicyChange& change : changes.policies)
    for (const std::string& node : change.span)
      sent[node].policies.objects.push_back(change.policy);
  for (const cp::AddressGroupChange& change : changes.address_groups) {
    if (change.span.empty()) continue;
    auto group = std::make_shared<cp::AddressGroup>();
    group->metadata.name = change.name;
    group->members = change.delta.added;
    for (const std::string& node : change.span) sent[node].address_groups.objects.push_back(group);
  }
  for (const cp::AppliedToGroupChange& change : changes.applied_to_groups)
    for_each_node(change, [&](const std::string& node, cp::MemberDelta delta) {
      auto group = std::make_shared<cp::AppliedToGroup>();
      group->metadata.name = change.name;
      group->members = std::move(delta.added);
      sent[node].applied_to_groups.objects.push_back(std::move(group));
    });
  std::map<std::string, std::vector<RuleInput>> inputs;
  for (auto& [node, all] : sent)
    inputs[node] = {std::move(all.address_groups), std::move(all.applied_to_groups),
                    std::move(all.policies)};
  return inputs;
}

constexpr auto kXreg1 = static_cast<FieldId>(static_cast<unsigned>(FieldId::kXreg0) + 1);

/// The conjunctions that a flow names.
std::set<std::uint32_t> conjunctions_of(const openflow::Flow& flow) {
  using api::pipeline::Table;
  std::set<std::uint32_t> ids;
  for (const auto& action : flow.apply_actions)
    if (const auto* part = std::get_if<openflow::Conjunction>(&action)) ids.insert(part->id);
  for (const openflow::MatchField& field : flow.match.fields()) {
    if (field.id == FieldId::kConjId) ids.insert(static_cast<std::uint32_t>(field.bits.value.lo));
    const bool ingress = flow.table.value == static_cast<std::uint8_t>(Table::kIngressMetric);
    if (field.id == FieldId::kCtLabel)
      ids.insert(static_cast<std::uint32_t>(field.bits.value.lo >> (ingress ? 0 : 32)));
    // reg3, who denied: the lower half of xreg1.
    if (field.id == kXreg1) ids.insert(static_cast<std::uint32_t>(field.bits.value.lo));
  }
  return ids;
}

}  // namespace

struct NodeFlows::Impl {
  std::unique_ptr<RuleBook> book;
  std::map<std::string, std::map<api::ObjectKey, std::uint32_t>> ofports;
  std::map<api::ObjectKey, std::uint32_t> service_groups;
  std::map<std::string, NodeState> nodes;

  Impl(std::span<const ObjectChange> objects, std::span<const ObjectChange> later) {
    for (const auto& some : {objects, later}) {
      for (const auto& [node, pods] : pods_of(some))
        for (const auto& [pod, ips] : pods) ofports[node][pod] = 0;
      for (const ObjectChange& object : some)
        if (const auto* service = std::get_if<std::shared_ptr<const api::Service>>(&object))
          service_groups[api::key_of((*service)->metadata)] = 0;
    }
    for (auto& [node, pods] : ofports) {
      std::uint32_t last = 0;
      for (auto& [pod, ofport] : pods) ofport = ++last;
    }
    std::uint32_t last = 0;
    for (auto& [service, group] : service_groups) group = ++last;
    (void)move_to(objects);
  }

  std::map<std::string, openflow::Changes> move_to(std::span<const ObjectChange> objects) {
    book = std::make_unique<RuleBook>(objects);
    auto inputs = inputs_of(Compiler().apply(objects));
    const PodsByNode pods = pods_of(objects);
    for (const auto& [node, there] : pods) (void)nodes[node];
    for (const auto& [node, state] : nodes) (void)inputs[node];
    std::map<std::string, openflow::Changes> all;
    for (auto& [node, batch] : inputs) {
      NodeState& state = nodes[node];
      if (batch.empty())
        batch = {AddressGroupsReplaced{}, AppliedToGroupsReplaced{}, PoliciesReplaced{}};
      add_local(node, pods, state, batch);
      const auto rules = state.cache.apply(batch);
      if (!rules) continue;  // only patches can fail
      openflow::Changes changes = state.compiler.apply(*rules);
      for (const openflow::FlowKey& key : changes.remove_flows) state.flows.erase(key);
      for (const openflow::Flow& flow : changes.flows) state.flows[flow.key()] = flow;
      if (!changes.empty()) all.emplace(node, std::move(changes));
    }
    return all;
  }

  void add_local(const std::string& node, const PodsByNode& pods, NodeState& state,
                 std::vector<RuleInput>& batch) const {
    std::map<api::ObjectKey, PodInterface> now;
    if (const auto there = pods.find(node); there != pods.end())
      for (const auto& [pod, ips] : there->second) now[pod] = {pod, ofports.at(node).at(pod), ips};
    for (const auto& [pod, interface] : state.interfaces)
      if (!now.contains(pod)) batch.emplace_back(InterfaceDeleted{pod});
    for (const auto& [pod, interface] : now) {
      const auto old = state.interfaces.find(pod);
      if (old == state.interfaces.end() || old->second != interface) batch.emplace_back(interface);
    }
    state.interfaces = std::move(now);
    for (const auto& [service, group] : service_groups) {
      const bool exists = book->services().contains(service);
      batch.emplace_back(ServiceGroups{{service.namespace_, service.name},
                                       exists ? std::vector{group} : std::vector<std::uint32_t>()});
    }
  }
};

NodeFlows::NodeFlows(std::span<const ObjectChange> objects, std::span<const ObjectChange> later)
    : impl_(std::make_unique<Impl>(objects, later)) {}
NodeFlows::~NodeFlows() = default;
NodeFlows::NodeFlows(NodeFlows&&) noexcept = default;
NodeFlows& NodeFlows::operator=(NodeFlows&&) noexcept = default;

std::vector<std::string> NodeFlows::nodes() const {
  std::vector<std::string> names;
  for (const auto& [node, state] : impl_->nodes)
    if (!state.interfaces.empty()) names.push_back(node);
  return names;
}

std::vector<openflow::Flow> NodeFlows::flows(const std::string& node) const {
  std::vector<openflow::Flow> flows;
  if (const auto found = impl_->nodes.find(node); found != impl_->nodes.end())
    for (const auto& [key, flow] : found->second.flows) flows.push_back(flow);
  return flows;
}

std::size_t NodeFlows::flow_count() const {
  std::size_t count = 0;
  for (const auto& [node, state] : impl_->nodes) count += state.flows.size();
  return count;
}

std::map<std::string, openflow::Changes> NodeFlows::move_to(std::span<const ObjectChange> objects) {
  return impl_->move_to(objects);
}

std::vector<NodeFlows::RuleCost> NodeFlows::costs() const {
  std::map<std::string, Cost> by_id;
  for (const auto& [node, state] : impl_->nodes) {
    std::set<std::string> here;
    for (const auto& [key, flow] : state.flows) {
      std::set<std::string> rules;
      for (const std::uint32_t id : conjunctions_of(flow))
        if (const auto rule = state.compiler.rule_of(id)) rules.insert(rule->id);
      for (const std::string& rule : rules) {
        Cost& cost = by_id[rule];
        ++cost.flows;
        cost.shared += rules.size() > 1 ? 1 : 0;
      }
      here.merge(rules);
    }
    for (const std::string& rule : here) ++by_id[rule].nodes;
  }
  // The parts of a rule go together.
  std::vector<RuleCost> costs;
  std::map<std::tuple<std::string, cp::Direction, std::string>, std::size_t> places;
  std::set<std::string> counted;
  for (const RuleBook::Rule& rule : impl_->book->rules()) {
    const auto [at, added] =
        places.try_emplace({rule.step.policy.uid, rule.direction, rule.step.rule}, costs.size());
    if (added) costs.push_back({rule.step.policy, rule.direction, rule.step.rule, {}});
    const auto found = by_id.find(rule.key);
    if (found == by_id.end() || !counted.insert(rule.key).second) continue;
    Cost& cost = costs[at->second].cost;
    cost.flows += found->second.flows;
    cost.shared += found->second.shared;
    cost.nodes = std::max(cost.nodes, found->second.nodes);
  }
  std::ranges::stable_sort(costs, {}, &RuleCost::policy);
  return costs;
}

NodeFlows::Walk NodeFlows::walk(const Conversation& c, cp::Direction direction) const {
  const auto& target = direction == cp::Direction::kIn ? c.to.pod : c.from.pod;
  const api::Pod* pod = target ? impl_->book->pod(*target) : nullptr;
  if (pod == nullptr) return {};
  const auto node = impl_->nodes.find(pod->node_name);
  if (node == impl_->nodes.end()) return {};
  WalkStart start{c, direction, node->second.interfaces.at(*target).ofport, 0};
  if (c.service) {
    const auto group = impl_->service_groups.find({c.service->namespace_, c.service->name});
    if (group != impl_->service_groups.end()) start.service_group = group->second;
  }
  WalkEnd end = policy::walk(node->second.flows, start);
  return {node->first, std::move(end.flows), end.dropped};
}

}  // namespace antrea::policy
