#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <memory>
#include <span>
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

/// The groups that a policy refers to, each of which is acquired once. Most policies are applied to
/// one group and name one or none.
struct GroupUse {
  boost::container::small_vector<GroupId, 2> applied_to;  // sorted
  boost::container::small_vector<GroupLink, 1> links;     // sorted; has every peer group
  friend bool operator==(const GroupUse&, const GroupUse&) = default;
};

template <typename Function>
void for_each_peer(const GroupUse& use, Function function) {
  for (std::size_t i = 0; i < use.links.size(); ++i)
    if (i == 0 || use.links[i].peer != use.links[i - 1].peer) function(use.links[i].peer);
}

struct ConvertedPolicy {
  std::shared_ptr<const api::controlplane::NetworkPolicy> object;
  GroupUse groups;
  bool confined = false;  // its targets must not reach beyond the Namespace of its source
};

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
  GroupId target(const GroupSelectorView& selector) { return use(selector, used_.applied_to); }
  GroupId peer(const GroupSelectorView& selector) { return use(selector, peers_); }
  std::string name(GroupId group) const { return groups_.name(group); }
  std::vector<std::string> names(std::span<const GroupId> groups) const {
    std::vector<std::string> names;
    names.reserve(groups.size());
    for (const GroupId group : groups) names.push_back(groups_.name(group));
    return names;
  }
  /// A rule that is applied to `targets` has `peers`. Each peer group is linked at least once.
  void link(std::span<const GroupId> targets, std::span<const GroupId> peers) {
    for (const GroupId peer : peers)
      for (const GroupId target : targets) used_.links.push_back({peer, target});
  }
  ConvertedPolicy finish();

 private:
  template <typename Groups>
  GroupId use(const GroupSelectorView& selector, Groups& used) {
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
  GroupUse used_;
  FewIds peers_;
};

}  // namespace antrea::policy
