#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/api/controlplane.h"
#include "group_index.h"

namespace antrea::policy {

/// A group that rules are applied to, and one that these rules name as peers.
struct GroupLink {
  GroupId peer, target;
  friend auto operator<=>(const GroupLink&, const GroupLink&) = default;
};

/// An internal policy with the groups it refers to, each of which is acquired once.
struct ConvertedPolicy {
  std::shared_ptr<const api::controlplane::NetworkPolicy> object;
  std::vector<GroupId> applied_to;
  std::vector<GroupLink> links;  // sorted; every peer group is in at least one of them
  std::string confined_to;       // a Namespace that the targets must not reach beyond; empty: any
};

template <typename Function>
void for_each_peer(const std::vector<GroupLink>& links, Function function) {
  for (std::size_t i = 0; i < links.size(); ++i)
    if (i == 0 || links[i].peer != links[i - 1].peer) function(links[i].peer);
}

/// Both families: what a rule without peers is about.
inline std::vector<api::IpBlock> any_blocks() {
  return {{IpPrefix(IpAddress::v4(0), 0), {}}, {IpPrefix(IpAddress::v6({}), 0), {}}};
}

/// Puts an internal policy together and keeps account of its groups.
class PolicyBuilder {
 public:
  PolicyBuilder(const api::ObjectMeta& meta, api::controlplane::PolicyType type,
                GroupIndex& groups);

  api::controlplane::NetworkPolicy& policy() { return *policy_; }
  GroupId target(const GroupSelector& selector) { return use(selector, applied_to_); }
  GroupId peer(const GroupSelector& selector) { return use(selector, peers_); }
  const std::string& name(GroupId group) const { return groups_.name(group); }
  std::vector<std::string> names(const std::vector<GroupId>& groups) const {
    std::vector<std::string> names;
    names.reserve(groups.size());
    for (const GroupId group : groups) names.push_back(groups_.name(group));
    return names;
  }
  /// A rule that is applied to `targets` has `peers`. Each peer group is linked at least once.
  void link(const std::vector<GroupId>& targets, const std::vector<GroupId>& peers) {
    for (const GroupId peer : peers)
      for (const GroupId target : targets) links_.push_back({peer, target});
  }
  ConvertedPolicy finish();

 private:
  GroupId use(const GroupSelector& selector, std::vector<GroupId>& used) {
    const GroupId group = groups_.acquire(selector);
    const auto at = std::ranges::lower_bound(used, group);
    if (at != used.end() && *at == group)
      groups_.release(group);
    else
      used.insert(at, group);
    return group;
  }

  GroupIndex& groups_;
  std::shared_ptr<api::controlplane::NetworkPolicy> policy_;
  std::vector<GroupId> applied_to_, peers_;
  std::vector<GroupLink> links_;
};

}  // namespace antrea::policy
