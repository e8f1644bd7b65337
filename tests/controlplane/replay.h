#pragma once

#include <map>
#include <set>
#include <string>

#include "antrea/api/controlplane_codec.h"

/// What a client knows after a number of events; complains of events that do not fit what it knew.
namespace antrea::controlplane::test {

namespace cp = api::controlplane;

struct Replay {
  std::map<std::string, cp::NetworkPolicy> policies;
  std::map<std::string, cp::AddressGroup> address_groups;
  std::map<std::string, cp::AppliedToGroup> applied_to_groups;
  std::map<std::string, cp::EgressGroup> egress_groups;
  std::map<std::string, cp::EvaluatedPods> evaluated_pods;
  std::size_t bookmarks = 0;
  std::uint64_t revision = 0;  ///< of the last bookmark
  std::size_t events = 0;
  std::string fault;  ///< the first event that did not fit

  void apply(cp::EventType type, const cp::Object& object) {
    ++events;
    std::visit([&]<typename T>(const T& value) { apply(type, value); }, object);
  }

 private:
  template <typename T>
  void apply(cp::EventType type, const T& value) {
    if constexpr (std::is_same_v<T, cp::NetworkPolicy>)
      apply_full(type, value, policies);
    else if constexpr (std::is_same_v<T, cp::AddressGroup>)
      apply_full(type, value, address_groups);
    else if constexpr (std::is_same_v<T, cp::AppliedToGroup>)
      apply_full(type, value, applied_to_groups);
    else if constexpr (std::is_same_v<T, cp::EgressGroup>)
      apply_full(type, value, egress_groups);
    else if constexpr (std::is_same_v<T, cp::EvaluatedPods>)
      apply_full(type, value, evaluated_pods);
    else if constexpr (std::is_same_v<T, cp::AddressGroupPatch>)
      apply_patch(type, value, address_groups, &cp::AddressGroup::members);
    else if constexpr (std::is_same_v<T, cp::AppliedToGroupPatch>)
      apply_patch(type, value, applied_to_groups, &cp::AppliedToGroup::members);
    else if constexpr (std::is_same_v<T, cp::EgressGroupPatch>)
      apply_patch(type, value, egress_groups, &cp::EgressGroup::members);
    else if constexpr (std::is_same_v<T, cp::EvaluatedPodsPatch>)
      apply_patch(type, value, evaluated_pods, &cp::EvaluatedPods::pods);
    else
      note("an object that no watch has", "");
  }

  template <typename T>
  void apply_full(cp::EventType type, const T& value, std::map<std::string, T>& all) {
    const std::string& name = value.metadata.name;
    switch (type) {
      case cp::EventType::kAdded:
        if (!all.emplace(name, value).second) note("ADDED twice", name);
        break;
      case cp::EventType::kModified:
        if (!std::is_same_v<T, cp::NetworkPolicy>) note("MODIFIED without patch", name);
        if (!all.contains(name)) note("MODIFIED unknown", name);
        all[name] = value;
        break;
      case cp::EventType::kDeleted:
        if (all.erase(name) == 0) note("DELETED unknown", name);
        break;
      case cp::EventType::kBookmark:
        ++bookmarks;
        revision = std::stoull(value.metadata.resource_version);
        break;
      default:
        note("an error event", name);
    }
  }

  template <typename Patch, typename T, typename Member>
  void apply_patch(cp::EventType type, const Patch& patch, std::map<std::string, T>& all,
                   std::vector<Member> T::*members) {
    const auto found = all.find(patch.metadata.name);
    if (type != cp::EventType::kModified || found == all.end())
      return note("a patch that fits nothing", patch.metadata.name);
    if (patch.added.empty() && patch.removed.empty()) note("an empty patch", patch.metadata.name);
    auto& list = found->second.*members;
    std::set<Member> set(list.begin(), list.end());
    for (const auto& member : patch.removed)
      if (set.erase(member) == 0) note("removed an unknown member", patch.metadata.name);
    for (const auto& member : patch.added)
      if (!set.insert(member).second) note("added a member twice", patch.metadata.name);
    list.assign(set.begin(), set.end());
    if constexpr (std::is_same_v<T, cp::EvaluatedPods>)
      found->second.metadata.resource_version = patch.metadata.resource_version;
  }

  void note(const std::string& what, const std::string& name) {
    if (fault.empty()) fault = what + ": " + name;
  }
};

}  // namespace antrea::controlplane::test
