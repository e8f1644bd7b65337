#include "rule_review.h"

#include <algorithm>
#include <array>

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

/// Both have their place among rules of the same tier and policy priority, but not in one policy.
bool rivals(const RuleBook::Rule& a, const RuleBook::Rule& b) {
  return a.order && b.order && a.order->tier == b.order->tier &&
         a.order->policy == b.order->policy && a.step.policy != b.step.policy;
}

std::string_view name_of(cp::RuleAction action) {
  constexpr std::array<std::string_view, 4> kNames{"Allow", "Drop", "Reject", "Pass"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace

std::string name_of(const RuleBook::Rule& rule) {
  return rule.step.policy.to_string() + "/" + rule.step.rule;
}

RuleReview::RuleReview(const RuleBook& book) : book_(book), space_({&book}) {
  for (const RuleBook::Rule& rule : book.rules()) {
    places_.push_back(RulePlace::of(rule));
    outcomes_[places_.back()].isolates |= !rule.source->action;
  }
}

void RuleReview::Ends::add(const ConversationSpace::EndClass& ends) {
  outside |= ends.pods.empty();
  for (const PodAddress& end : ends.pods) {
    if (one == nullptr || end.pod != *one) ++pods;
    if (one == nullptr) one = &end.pod;
  }
}

bool RuleReview::can_meet(const Ends& targets, const Ends& peers) {
  if (targets.pods == 0 || (peers.pods == 0 && !peers.outside)) return false;
  return peers.outside || targets.pods > 1 || peers.pods > 1 || *targets.one != *peers.one;
}

std::map<RulePlace, RuleOutcome> RuleReview::run() {
  const auto& lists = space_.lists(0);
  std::vector<std::array<Ends, 2>> targets(lists.size()), peers(space_.rows());
  for (const auto& ends : space_.classes()) {
    const std::size_t family = ends.family == Family::kIPv4 ? 0 : 1;
    peers[ends.row][family].add(ends);
    for (const std::uint32_t list : ends.lists[0])
      if (list != 0) targets[list][family].add(ends);
  }
  std::vector<Match> matches;
  for (std::uint32_t row = 0; row < space_.rows(); ++row) {
    space_.choose_row(0, row);
    for (std::uint32_t list = 1; list < lists.size(); ++list) {
      if (!can_meet(targets[list][0], peers[row][0]) && !can_meet(targets[list][1], peers[row][1]))
        continue;
      for (std::size_t how = 0; how < space_.circumstances().size(); ++how) {
        if (how != 0 && !lists[list].minds[how]) continue;
        space_.matches(0, list, how, matches);
        look_at(matches, lists[list].isolated);
      }
    }
  }
  if (space_.left_out_names())  // not everything was tried
    for (auto& [place, outcome] : outcomes_)
      outcome.matches = outcome.decides = outcome.matters = true;
  return std::move(outcomes_);
}

void RuleReview::look_at(const std::vector<Match>& matches, bool isolated) {
  if (matches.empty()) return;
  std::vector<std::uint32_t> key{isolated ? 1U : 0U};
  for (const Match& match : matches) key.insert(key.end(), {number(match), match.region});
  if (!seen_.insert(std::move(key)).second) return;
  find_deciders(matches, isolated);
  try_without(matches, isolated);
}

void RuleReview::find_deciders(const std::vector<Match>& matches, bool isolated) {
  const TrafficFunction first = space_.first_match(matches, false);
  const TrafficFunction late = space_.first_match(matches, true);
  // Where the tiers leave it to others: 1.
  const TrafficFunction left = first.map([&](TrafficFunction::Value value) {
    return value == 0 || *matches[value - 1].rule->source->action == cp::RuleAction::kPass
               ? TrafficFunction::Value{1}
               : TrafficFunction::Value{0};
  });
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const RuleBook::Rule& rule = *matches[i].rule;
    RuleOutcome& outcome = outcomes_[places_[number(matches[i])]];
    outcome.matches = true;
    if (outcome.decides) continue;
    const TrafficFunction& region = space_.functions()[matches[i].region];
    const auto mine = static_cast<TrafficFunction::Value>(i + 1);
    const bool baseline = rule.step.tier > kKubernetesTier;
    // 1 where it comes to its turn; else who was before, + 2.
    const TrafficFunction turn = TrafficFunction::combine(
        region,
        TrafficFunction::combine(first, late,
                                 [&](auto early, auto behind) {
                                   const bool open =
                                       early == 0 || *matches[early - 1].rule->source->action ==
                                                         cp::RuleAction::kPass;
                                   if (rule.k8s()) return open ? 1 : early + 2;
                                   if (!baseline) return early == mine ? 1 : early + 2;
                                   if (!open) return early + 2;
                                   if (isolated) return TrafficFunction::Value{2};
                                   return behind == mine ? 1 : behind + 2;
                                 }),
        [](auto met, auto who) { return met != 0 ? who : 0; });
    for (const TrafficFunction::Value who : turn.values()) {
      if (who == 1) outcome.decides = true;
      if (who == 2) outcome.deciders.insert("the isolation by NetworkPolicies");
      if (who > 2) outcome.deciders.insert(name_of(*matches[who - 3].rule));
    }
  }
  find_conflicts(matches, first, false);
  if (!isolated) {
    const TrafficFunction reached = TrafficFunction::combine(
        late, left, [](auto who, auto open) { return open != 0 ? who : 0; });
    find_conflicts(matches, reached, true);
  }
}

void RuleReview::find_conflicts(const std::vector<Match>& matches, const TrafficFunction& first,
                                bool baseline) {
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const RuleBook::Rule& a = *matches[i].rule;
    if (a.k8s() || (a.step.tier > kKubernetesTier) != baseline) continue;
    for (std::size_t j = i + 1; j < matches.size(); ++j) {
      const RuleBook::Rule& b = *matches[j].rule;
      if (!rivals(a, b)) {
        if (!b.order || b.order->tier != a.order->tier || b.order->policy != a.order->policy) break;
        continue;
      }
      if (a.source->action == b.source->action) continue;
      auto& known = outcomes_[places_[number(matches[i])]].conflicts;
      const RulePlace& other = places_[number(matches[j])];
      if (known.contains(other)) continue;
      const auto mine = static_cast<TrafficFunction::Value>(i + 1);
      const auto where = TrafficFunction::combine(first, space_.functions()[matches[j].region],
                                                  [&](auto who, auto met) {
                                                    return who == mine && met != 0
                                                               ? TrafficFunction::Value{1}
                                                               : TrafficFunction::Value{0};
                                                  })
                             .where(1);
      if (where.empty()) continue;
      const bool by_index = a.index != b.index;
      known[other] = std::string(name_of(*a.source->action)) + " here and " +
                     std::string(name_of(*b.source->action)) + " there for " + to_string(where) +
                     "; this one wins, " +
                     (by_index ? "since it stands further up in its policy"
                               : "being the stricter of two at one place");
    }
  }
}

void RuleReview::try_without(const std::vector<Match>& matches, bool isolated) {
  // A rule that goes moves those behind it up: where two policies are rivals, that can turn their
  // order even when the rule itself meets nothing.
  bool tied = false;
  std::set<RulePlace> candidates;
  for (const Match& match : matches) {
    candidates.insert(places_[number(match)]);
    tied |= std::ranges::any_of(
        matches, [&](const Match& other) { return rivals(*match.rule, *other.rule); });
  }
  if (tied)
    for (const Match& match : matches) {
      const RulePlace& place = places_[number(match)];
      if (match.rule->k8s()) continue;
      for (RulePlace other = place; other.index > 0;) {
        --other.index;
        candidates.insert(other);
      }
    }
  const TrafficFunctions::Id with = space_.verdict(matches, isolated);
  std::vector<Match> rest;
  for (const RulePlace& gone : candidates) {
    RuleOutcome& outcome = outcomes_[gone];
    if (outcome.matters) continue;
    rest.clear();
    bool behind = std::ranges::none_of(
        matches, [&](const Match& match) { return places_[number(match)] == gone; });
    bool layer7 = false;
    for (const Match& match : matches) {
      const bool goes = places_[number(match)] == gone;
      behind |= goes;
      layer7 |= behind && !match.rule->source->l7_protocols.empty();
      if (!goes) rest.push_back(match);
    }
    if (tied) {
      std::ranges::stable_sort(rest, [&](const Match& a, const Match& b) {
        const auto moved = [&](const Match& match) {
          RulePlace place = places_[number(match)];
          const int index = place.index;
          place.index = gone.index;
          RuleOrder order = *match.rule->order;
          if (place == gone && index > gone.index) --order.rule;
          return order;
        };
        if (a.rule->step.tier != b.rule->step.tier) return a.rule->step.tier < b.rule->step.tier;
        if (!a.rule->order || !b.rule->order) return false;
        return moved(a) < moved(b);
      });
    }
    // What is inside connections is not compared: a rule about that always matters, and so does
    // one before it.
    if (layer7 || space_.verdict(rest, isolated) != with) outcome.matters = true;
  }
}

}  // namespace antrea::policy
