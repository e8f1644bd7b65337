#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "tests/api/generate.h"

/// A small world of internal objects that changes at random; the naive model that the store is held
/// against.
namespace antrea::controlplane::test {

namespace cp = api::controlplane;

class World {
 public:
  explicit World(std::uint64_t seed) : any_(seed) {}

  std::map<std::string, std::pair<cp::NetworkPolicy, cp::NodeSet>> policies;
  std::map<std::string, std::pair<std::set<cp::GroupMember>, cp::NodeSet>> address_groups;
  std::map<std::string, std::map<std::string, std::set<cp::GroupMember>>> applied_to_groups;
  std::map<std::string, std::map<std::string, std::set<cp::GroupMember>>> egress_groups;
  std::map<std::string, std::set<cp::EvaluatedPod>> evaluated_pods;

  /// Changes some of it and says what.
  cp::Changes step() {
    cp::Changes changes;
    for (const auto& name : names("p")) changes.policies.push_back(change_policy(name));
    for (const auto& name : names("a")) changes.address_groups.push_back(change_group(name));
    for (const auto& name : names("t"))
      changes.applied_to_groups.push_back(change_applied(name, applied_to_groups));
    for (const auto& name : names("e"))
      changes.egress_groups.push_back({change_applied(name, egress_groups)});
    for (const auto& node : names("n")) changes.evaluated_pods.push_back(change_evaluated(node));
    return changes;
  }

 private:
  std::set<std::string> names(const std::string& prefix) {
    std::set<std::string> names;
    for (std::size_t i = any_.below(3); i > 0; --i)
      names.insert(prefix + std::to_string(any_.below(prefix == "n" ? 4 : 6)));
    return names;
  }
  cp::NodeSet nodes() {
    std::vector<std::string> nodes;
    for (int i = 0; i < 4; ++i)
      if (any_.coin()) nodes.push_back("n" + std::to_string(i));
    return cp::NodeSet(std::move(nodes));
  }
  cp::GroupMember member() {
    return {.key = {"ns", "pod" + std::to_string(any_.below(8))},
            .ports = {{static_cast<std::int32_t>(any_.below(2)), "http", api::Protocol::kTcp}}};
  }

  cp::PolicyChange change_policy(const std::string& name) {
    if (any_.below(4) == 0) {
      policies.erase(name);
      return {nullptr, {}, name};
    }
    auto& [policy, span] = policies[name];
    if (policy.metadata.name.empty() || any_.coin()) {
      policy = any_.policy();
      policy.metadata.name = policy.metadata.uid = name;
    }
    if (any_.coin()) span = nodes();
    return {std::make_shared<cp::NetworkPolicy>(policy), span, {}};
  }

  // Members that come and go.
  cp::MemberDelta toggle(std::set<cp::GroupMember>& members, std::size_t most,
                         const std::string& suffix) {
    const std::set<cp::GroupMember> before = members;
    for (std::size_t i = any_.below(most + 1); i > 0; --i) {
      cp::GroupMember each = member();
      each.key.name += suffix;
      if (!members.erase(each)) members.insert(std::move(each));
    }
    cp::MemberDelta delta;
    std::ranges::set_difference(members, before, std::back_inserter(delta.added));
    std::ranges::set_difference(before, members, std::back_inserter(delta.removed));
    return delta;
  }

  cp::AddressGroupChange change_group(const std::string& name) {
    if (any_.below(4) == 0) {
      address_groups.erase(name);
      return {name, true, {}, {}};
    }
    auto& [members, span] = address_groups[name];
    auto delta = any_.coin() ? toggle(members, 3, "") : cp::MemberDelta{};
    if (any_.coin()) span = nodes();
    return {name, false, span, std::move(delta)};
  }

  cp::AppliedToGroupChange change_applied(
      const std::string& name,
      std::map<std::string, std::map<std::string, std::set<cp::GroupMember>>>& groups) {
    if (any_.below(4) == 0) {
      groups.erase(name);
      return {name, true, {}, {}};
    }
    cp::AppliedToGroupChange change{name, false, {}, {}};
    auto& by_node = groups[name];
    for (int i = 0; i < 4; ++i) {
      if (any_.coin()) continue;
      const std::string node = "n" + std::to_string(i);
      auto& members = by_node[node];
      auto delta = toggle(members, 2, node);
      for (auto& each : delta.added) change.added.push_back({node, std::move(each)});
      for (auto& each : delta.removed) change.removed.push_back({node, std::move(each)});
      if (members.empty()) by_node.erase(node);
    }
    return change;
  }

  cp::EvaluatedPodsChange change_evaluated(const std::string& node) {
    cp::EvaluatedPodsChange change{node, {}, {}};
    auto& pods = evaluated_pods[node];
    for (std::size_t i = any_.below(4); i > 0; --i) {
      const cp::EvaluatedPod pod{{"ns", "pod" + std::to_string(any_.below(4))},
                                 "uid" + std::to_string(any_.below(2))};
      if (std::ranges::find(change.added, pod) != change.added.end() ||
          std::ranges::find(change.removed, pod) != change.removed.end())
        continue;
      if (pods.erase(pod) != 0) {
        change.removed.push_back(pod);
      } else {
        pods.insert(pod);
        change.added.push_back(pod);
      }
    }
    if (pods.empty()) evaluated_pods.erase(node);
    return change;
  }

  api::controlplane::generate::Generator any_;
};

}  // namespace antrea::controlplane::test
