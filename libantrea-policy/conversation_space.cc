#include "conversation_space.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "rule_text.h"

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

/// A rule that is applied to several Services of one Pod is looked at once.
void add_new(const RuleBook::AppliedRules& added, RuleBook::AppliedRules& rules) {
  RuleBook::AppliedRules fresh;
  std::ranges::copy_if(added, std::back_inserter(fresh), [&](const auto& each) {
    return std::ranges::find(rules, each.rule, &RuleBook::AppliedRule::rule) == rules.end();
  });
  rules = RuleBook::merged(rules, fresh);
}

}  // namespace

ConversationSpace::ConversationSpace(std::vector<const RuleBook*> sides)
    : sides_(std::move(sides)),
      circumstances_(sides_),
      rows_(sides_),
      everything_(functions_.intern(TrafficFunction(1))),
      nothing_(functions_.intern(TrafficFunction(0))),
      all_dropped_(functions_.intern(TrafficFunction(kDrop))),
      lists_(sides_.size()),
      list_ids_(sides_.size()),
      only_at_(sides_.size()),
      regions_(sides_.size()),
      chosen_rules_(sides_.size()) {
  for (const RuleBook* book : sides_) {
    auto& numbers = rule_numbers_.emplace_back();
    auto& asks = asks_names_.emplace_back();
    for (const RuleBook::Rule& rule : book->rules()) {
      numbers[&rule] = static_cast<std::uint32_t>(numbers.size());
      asks.push_back(has_named_port(rule.source->services));
    }
    chosen_.emplace_back(book->rules().size());
  }
  for (auto& lists : lists_) lists.push_back({{}, false, {}, {}});
  take_ends();
}

std::uint32_t ConversationSpace::list_of(std::size_t side, const api::ObjectKey& pod,
                                         cp::Direction direction) {
  RuleList list;
  list.direction = direction;
  std::vector<std::uint32_t> key;
  RuleBook::AppliedRules rules = sides_[side]->rules_of(pod, direction);
  if (direction == cp::Direction::kIn)
    for (std::size_t how = 0; how < circumstances().size(); ++how)
      if (circumstances()[how].node_port && reached(how, &pod) != nothing_)
        add_new(sides_[side]->rules_of(*circumstances()[how].service), rules);
  for (const RuleBook::AppliedRule& applied : rules) {
    const std::uint32_t rule = rule_numbers_[side].at(applied.rule);
    const PeerRows::PortsId ports = direction == cp::Direction::kIn && asks_names_[side][rule]
                                        ? rows_.ports_id(*applied.ports)
                                        : 0;
    list.rules.emplace_back(rule, ports);
    key.insert(key.end(), {rule, ports});
    list.isolated |= applied.rule->k8s();
  }
  if (list.rules.empty()) return 0;
  const auto [at, added] =
      list_ids_[side].try_emplace(key, static_cast<std::uint32_t>(lists_[side].size()));
  if (!added) return at->second;
  for (const Circumstance& how : circumstances())
    list.minds.push_back(std::ranges::any_of(list.rules, [&](const auto& applied) {
      const RuleBook::Rule& rule = sides_[side]->rules()[applied.first];
      return how.meets(rule) || how.is_at(rule);
    }));
  lists_[side].push_back(std::move(list));
  return at->second;
}

TrafficFunctions::Id ConversationSpace::reached(std::size_t circumstance,
                                                const api::ObjectKey* pod) {
  return functions_.intern(traffic_reaching(pod, circumstances()[circumstance], sides_));
}

void ConversationSpace::take_ends() {
  std::vector<std::set<PodAddress>> ends(sides_.size());
  for (std::size_t side = 0; side < sides_.size(); ++side)
    for (const auto& [pod, ips] : sides_[side]->pods())
      for (const IpAddress& ip : ips) {
        ends[side].insert({pod, ip});
        pod_addresses_.insert(ip);
      }
  std::map<std::vector<std::uint32_t>, std::size_t> known;
  const auto class_of = [&](std::vector<std::uint32_t> key, EndClass&& made) -> EndClass& {
    key.insert(key.end(), made.reached.begin(), made.reached.end());
    const auto [at, added] = known.try_emplace(std::move(key), classes_.size());
    if (added) classes_.push_back(std::move(made));
    return classes_[at->second];
  };
  for (const PodAddress& end : ends.front()) {
    if (!std::ranges::all_of(ends, [&](const auto& side) { return side.contains(end); })) {
      only_at_.front().push_back(end);
      continue;
    }
    EndClass made;
    made.family = end.ip.family();
    made.row = rows_.row_of(end.ip);
    std::vector<std::uint32_t> key{1, static_cast<std::uint32_t>(made.family), made.row};
    for (std::size_t side = 0; side < sides_.size(); ++side) {
      made.lists.push_back({list_of(side, end.pod, cp::Direction::kIn),
                            list_of(side, end.pod, cp::Direction::kOut)});
      key.insert(key.end(), made.lists.back().begin(), made.lists.back().end());
    }
    for (std::size_t c = 0; c < circumstances().size(); ++c)
      made.reached.push_back(reached(c, &end.pod));
    class_of(std::move(key), std::move(made)).pods.push_back(end);
  }
  for (std::size_t side = 1; side < sides_.size(); ++side)
    std::ranges::set_difference(ends[side], ends.front(), std::back_inserter(only_at_[side]));

  std::vector<TrafficFunctions::Id> outside_reached;
  for (std::size_t c = 0; c < circumstances().size(); ++c)
    outside_reached.push_back(reached(c, nullptr));
  auto pod = pod_addresses_.begin();
  const auto add = [&](std::uint32_t row, const IpRange& range) {
    EndClass made;
    made.family = range.first.family();
    made.row = row;
    made.lists.resize(sides_.size());
    made.reached = outside_reached;
    class_of({0, static_cast<std::uint32_t>(made.family), row}, std::move(made))
        .outside.push_back(range);
  };
  for (const PeerRows::Segment& segment : rows_.segments()) {
    IpAddress first = segment.range.first;
    bool done = false;
    for (; pod != pod_addresses_.end() && *pod <= segment.range.last; ++pod) {
      if (first < *pod) add(segment.row, {first, pod->minus(1)});
      done = *pod == segment.range.last;
      if (!done) first = pod->plus(1);
    }
    if (!done) add(segment.row, {first, segment.range.last});
  }
}

void ConversationSpace::choose_row(std::size_t side, std::uint32_t row) {
  for (const std::uint32_t rule : chosen_rules_[side]) chosen_[side][rule] = 0;
  chosen_rules_[side].clear();
  for (const PeerRows::Peer& peer : rows_.peers(side, row)) {
    chosen_[side][peer.rule] = peer.names + 1;
    chosen_rules_[side].push_back(peer.rule);
  }
}

TrafficFunctions::Id ConversationSpace::region(std::size_t side, std::uint32_t rule,
                                               std::uint32_t names) {
  const std::uint64_t key = static_cast<std::uint64_t>(rule) << 32 | names;
  const auto [at, added] = regions_[side].try_emplace(key, 0);
  if (!added) return at->second;
  const auto& services = sides_[side]->rules()[rule].source->services;
  TrafficFunction all(0);
  const auto& ids = rows_.name_lists()[names];
  for (std::size_t i = 0; i < std::max<std::size_t>(1, ids.size()); ++i)
    all = TrafficFunction::combine(
        all, TrafficFunction::region(services, rows_.ports(ids.empty() ? 0 : ids[i])),
        [](auto a, auto b) { return a | b; });
  return at->second = functions_.intern(std::move(all));
}

void ConversationSpace::matches(std::size_t side, std::uint32_t list, std::size_t circumstance,
                                std::vector<Match>& out) {
  out.clear();
  const RuleList& rules = lists_[side][list];
  const bool minds = circumstance != 0 && !rules.minds.empty() && rules.minds[circumstance];
  for (const auto& [number, ports] : rules.rules) {
    const RuleBook::Rule& rule = sides_[side]->rules()[number];
    if (!rule.source->action) continue;
    if (!rule.at_node_ports.empty() && !circumstances()[circumstance].is_at(rule)) continue;
    const std::uint32_t chosen = chosen_[side][number];
    TrafficFunctions::Id region = nothing_;
    if (chosen != 0) {
      // Ingress: the names are the target's.
      const bool ingress = rules.direction == cp::Direction::kIn;
      region = this->region(
          side, number, ingress && ports != 0 ? rows_.name_lists().intern({ports}) : chosen - 1);
    }
    if (minds && circumstances()[circumstance].meets(rule)) {
      const TrafficFunctions::Id own = this->region(side, number, 0);
      region = functions_.intern(TrafficFunction::combine(functions_[region], functions_[own],
                                                          [](auto a, auto b) { return a | b; }));
    }
    if (region != nothing_) out.push_back({&rule, region});
  }
}

TrafficFunction ConversationSpace::first_match(const std::vector<Match>& matches,
                                               bool baseline) const {
  TrafficFunction result(0);
  for (std::size_t i = matches.size(); i-- > 0;) {
    const RuleBook::Rule& rule = *matches[i].rule;
    if (rule.k8s() || (rule.step.tier > kKubernetesTier) != baseline) continue;
    const auto mine = static_cast<TrafficFunction::Value>(i + 1);
    result =
        TrafficFunction::combine(functions_[matches[i].region], result,
                                 [&](auto met, auto else_) { return met != 0 ? mine : else_; });
  }
  return result;
}

TrafficFunctions::Id ConversationSpace::verdict(const std::vector<Match>& matches, bool isolated) {
  constexpr TrafficFunction::Value kUndecided = 3;
  if (matches.empty()) return isolated ? all_dropped_ : nothing_;  // kAllow is 0 everywhere
  std::vector<std::uint32_t> key{isolated ? 1U : 0U};
  for (const Match& match : matches) {
    const int stage = match.rule->k8s() ? 1 : match.rule->step.tier > kKubernetesTier ? 2 : 0;
    key.insert(key.end(), {static_cast<std::uint32_t>(stage * 8) +
                               static_cast<std::uint32_t>(*match.rule->source->action),
                           match.region});
  }
  const auto known = verdicts_.find(key);
  if (known != verdicts_.end()) return known->second;

  const auto value_of = [](cp::RuleAction action) {
    switch (action) {
      case cp::RuleAction::kAllow:
        return kAllow;
      case cp::RuleAction::kDrop:
        return kDrop;
      case cp::RuleAction::kReject:
        return kReject;
      case cp::RuleAction::kPass:
        break;
    }
    return kUndecided;
  };
  TrafficFunction tiers(kUndecided), k8s(isolated ? kDrop : kUndecided), baseline(kAllow);
  for (std::size_t i = matches.size(); i-- > 0;) {
    const RuleBook::Rule& rule = *matches[i].rule;
    const auto value = value_of(*rule.source->action);
    const bool late = rule.step.tier > kKubernetesTier;
    if (late && value == kUndecided) continue;
    TrafficFunction& to = rule.k8s() ? k8s : late ? baseline : tiers;
    to = TrafficFunction::combine(functions_[matches[i].region], to,
                                  [&](auto met, auto else_) { return met != 0 ? value : else_; });
  }
  const auto then = [](auto a, auto b) { return a == kUndecided ? b : a; };
  const TrafficFunctions::Id id = functions_.intern(
      TrafficFunction::combine(tiers, TrafficFunction::combine(k8s, baseline, then), then));
  verdicts_.emplace(std::move(key), id);
  return id;
}

}  // namespace antrea::policy
