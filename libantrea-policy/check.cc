#include "antrea/policy/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "names_nothing.h"

namespace antrea::policy {
namespace {

namespace cp = api::controlplane;
using Kind = Finding::Kind;

constexpr std::string_view kKeepsPlaces =
    "; without it the rules behind it would come before those of other policies of this priority";

std::string name_of(const RulePlace& place, const NamedThings& named) {
  const auto found = named.rules.find(place);
  const std::string name = found == named.rules.end() ? std::string() : found->second.name;
  const cp::NetworkPolicyReference policy{place.type, place.namespace_, place.policy, {}};
  return policy.to_string() + "/" +
         (name.empty() ? field_of(place.direction, static_cast<std::size_t>(place.index)) : name);
}

}  // namespace

std::string_view to_string(Kind kind) {
  constexpr std::array<std::string_view, 9> kNames{
      "unknown tier", "unknown reference", "selects nothing", "unrealizable", "never matches",
      "shadowed",     "redundant",         "conflict",        "unsupported"};
  return kNames[static_cast<std::size_t>(kind)];
}

CheckReport check(std::span<const ObjectChange> objects) {
  CheckReport report;
  NamedThings named = read_names(objects);
  report.findings = std::move(named.findings);
  const RuleBook book(objects);
  const auto outcomes = RuleReview(book).run();
  const auto& unrealizable = book.unrealizable();
  for (const cp::NetworkPolicyReference& policy : unrealizable)
    report.findings.push_back({Kind::kUnrealizable,
                               policy,
                               "appliedTo",
                               {},
                               "it is applied to a Group with Pods of another Namespace: it is not "
                               "enforced",
                               {}});
  for (const auto& entry : named.rules) {
    const RulePlace& place = entry.first;
    const NamedThings::Rule& rule = entry.second;
    const auto is_this = [&](const cp::NetworkPolicyReference& other) {
      return other.type == place.type && other.namespace_ == place.namespace_ &&
             other.name == place.policy;
    };
    if (!rule.looked_at || std::ranges::any_of(unrealizable, is_this)) continue;
    const auto found = outcomes.find(place);
    const RuleOutcome outcome = found == outcomes.end() ? RuleOutcome() : found->second;
    const std::string field = field_of(place.direction, static_cast<std::size_t>(place.index));
    const auto add = [&](Kind kind, std::string text, std::vector<std::string> others) {
      report.findings.push_back(
          {kind, rule.policy, field, rule.name, std::move(text), std::move(others)});
    };
    for (const auto& [other, text] : outcome.conflicts)
      add(Kind::kConflict, text, {name_of(other, named)});
    if (outcome.isolates) continue;
    const std::string but = outcome.matters ? std::string(kKeepsPlaces) : std::string();
    if (!outcome.matches) {
      if (!rule.explained)
        add(Kind::kNeverMatches,
            "no conversation can meet it: its peers, ports and targets have "
            "nothing in common" +
                but,
            {});
    } else if (!outcome.decides) {
      std::vector<std::string> others(outcome.deciders.begin(), outcome.deciders.end());
      add(Kind::kShadowed, "all that it meets is decided before" + but, std::move(others));
    } else if (!outcome.matters) {
      add(Kind::kRedundant, "without it (alone) every verdict would be the same", {});
    }
  }
  std::ranges::stable_sort(report.findings, [](const Finding& a, const Finding& b) {
    return std::tie(a.policy, a.field) < std::tie(b.policy, b.field);
  });
  const NodeFlows flows(objects);
  report.costs = flows.costs();
  report.flows = flows.flow_count();
  return report;
}

}  // namespace antrea::policy
