#include "antrea/node/egress_node.h"

#include <algorithm>

namespace antrea::node {

EgressNode::EgressNode(std::string name, egress::SchedulerConfig config,
                       std::vector<IpPrefix> exceptions)
    : name_(std::move(name)),
      exceptions_(std::move(exceptions)),
      scheduler_(config),
      director_(name_) {
  view_.exceptions.insert(exceptions_.begin(), exceptions_.end());
}

void EgressNode::take(const egress::SchedulerInput& objects, TimePoint now) {
  for (const auto& name : objects.removed_egresses) view_.egresses.erase(name);
  for (const auto& egress : objects.egresses)
    view_.egresses.insert_or_assign(egress.metadata.name, egress);
  for (const auto& name : objects.removed_pools) view_.pools.erase(name);
  for (const auto& pool : objects.pools) view_.pools.insert_or_assign(pool.metadata.name, pool);
  (void)scheduler_.apply(objects, now);
}

void EgressNode::take_nodes(const std::map<std::string, api::Node>& nodes, TimePoint now) {
  egress::SchedulerInput input;
  for (const auto& name : known_nodes_)
    if (!nodes.contains(name)) input.removed_nodes.push_back(name);
  known_nodes_.clear();
  view_.nodes.clear();
  view_.exceptions.clear();
  view_.exceptions.insert(exceptions_.begin(), exceptions_.end());
  for (const auto& [name, node] : nodes) {
    input.nodes.push_back(node);
    known_nodes_.insert(name);
    for (const auto* const addresses : {&node.internal_ips, &node.external_ips})
      for (const IpAddress& address : *addresses) view_.exceptions.insert(IpPrefix::host(address));
    // Nodes of other systems have no agent of this kind (antrea#5434).
    const auto os = node.metadata.labels.find("kubernetes.io/os");
    const bool has_agent = os == node.metadata.labels.end() || os->second == "linux";
    if (name != name_ && has_agent && !node.internal_ips.empty())
      view_.nodes.emplace(name, node.internal_ips.front());
  }
  (void)scheduler_.apply(input, now);
}

void EgressNode::take_groups(const std::map<std::string, api::controlplane::EgressGroup>& groups) {
  view_.groups.clear();
  for (const auto& [name, group] : groups)
    for (const auto& member : group.members) view_.groups[name].push_back(member.key);
}

void EgressNode::known(Known what, TimePoint now) {
  known_.insert(what);
  settle_if_due(now);
}

void EgressNode::gossip_begins(TimePoint now) { settles_at_ = now + kSettle; }

void EgressNode::take_members(EgressMembers members, bool missed, TimePoint now) {
  view_.alive = std::move(members.alive);
  say_returning_ = std::move(members.returning);
  view_.cut_off = members.cut_off;
  if (missed) (void)scheduler_.returned(name_, now);
  if (!view_.settled)
    settle_if_due(now);
  else
    tell_members(now);
}

void EgressNode::tell_members(TimePoint now) {
  const bool begins = now < begun_at_ && !given_out();
  std::erase_if(beginners_,
                [&](const auto& name) { return !begins || !say_returning_.contains(name); });
  view_.returning = say_returning_;
  for (const auto& name : beginners_) view_.returning.erase(name);
  egress::SchedulerInput input;
  input.alive = view_.alive;
  input.returning = view_.returning;
  (void)scheduler_.apply(input, now);
}

void EgressNode::attached(const api::ObjectKey& pod, std::uint32_t port) {
  view_.pods[pod].insert(port);
}

void EgressNode::detached(const api::ObjectKey& pod, std::uint32_t port) {
  const auto found = view_.pods.find(pod);
  if (found == view_.pods.end()) return;
  found->second.erase(port);
  if (found->second.empty()) view_.pods.erase(found);
}

void EgressNode::take_local_addresses(std::set<IpAddress> addresses) {
  view_.local_addresses = std::move(addresses);
}

bool EgressNode::wants_local_addresses() const {
  return std::ranges::any_of(view_.egresses, [](const auto& entry) {
    return std::ranges::any_of(entry.second.spec.addresses,
                               [](const auto& address) { return address.pool.empty(); });
  });
}

bool EgressNode::everything_known() const {
  return known_.contains(Known::kEgresses) && known_.contains(Known::kPools) &&
         known_.contains(Known::kGroups) && known_.contains(Known::kServices);
}

bool EgressNode::given_out() const {
  return std::ranges::any_of(scheduler_.placements(),
                             [](const auto& each) { return egress::is_service(each.first); }) ||
         std::ranges::any_of(view_.egresses, [](const auto& each) {
           return !each.second.status.egress_node.empty();
         });
}

void EgressNode::settle_if_due(TimePoint now) {
  const bool all_are_here = !view_.nodes.empty() && view_.alive.size() > view_.nodes.size();
  if (view_.settled || !everything_known() || (!all_are_here && now < settles_at_)) return;
  view_.settled = true;
  view_.alive.insert(name_);
  if (given_out()) {
    (void)scheduler_.returned(name_, now);
  } else {
    beginners_ = say_returning_;
    begun_at_ = now + kSettle;
  }
  tell_members(now);
}

std::set<IpAddress> EgressNode::services_here() const {
  std::set<IpAddress> out;
  for (const auto& [key, placement] : scheduler_.placements())
    if (egress::is_service(key) && placement.owner == name_) out.insert(key.ip);
  return out;
}

std::optional<EgressOutcome> EgressNode::decide(TimePoint now) {
  if (!everything_known()) return std::nullopt;
  settle_if_due(now);
  if (!beginners_.empty()) tell_members(now);
  (void)scheduler_.apply({}, now);
  EgressOutcome out;
  out.decision = director_.decide(view_, scheduler_.placements(), now);
  if (out.decision.serving) out.services = services_here();
  out.settled = view_.settled;
  out.returning = !view_.settled || scheduler_.returning(name_);
  return out;
}

std::optional<TimePoint> EgressNode::next_deadline() const {
  std::optional<TimePoint> next;
  if (!view_.settled && everything_known() && settles_at_ != TimePoint::max()) next = settles_at_;
  if (!beginners_.empty()) next = begun_at_;
  for (const auto& deadline : {scheduler_.next_deadline(), director_.next_deadline()})
    if (deadline && (!next || *deadline < *next)) next = deadline;
  return next;
}

}  // namespace antrea::node
