#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "antrea/api/controlplane_changes.h"
#include "group_index.h"
#include "policy_builder.h"

namespace antrea::policy {

/// A policy as `GroupRoles` knows it.
using PolicyId = std::uint32_t;

/// Those of a large batch are in order already, which is seen at a glance.
inline void put_in_order(std::vector<std::uint32_t>& ids) {
  if (!std::ranges::is_sorted(ids)) std::ranges::sort(ids);
}

/// How many of something there are on each Node; sorted by Node, no zeros.
class NodeCounts {
 public:
  /// True if the Node came or went.
  bool add(StringId node, std::int32_t change);
  template <typename Function>
  void for_each_node(Function function) const {
    for (const Count& count : counts_) function(count.node);
  }
  api::controlplane::NodeSet nodes(const GroupIndex& index) const;

 private:
  struct Count {
    StringId node;
    std::int32_t count;
  };
  boost::container::small_vector<Count, 2> counts_;
};

/// What the groups are to policies, and the Nodes that need them. A group may be applied to
/// (an AppliedToGroup), named by peers (an AddressGroup), or both.
///
/// An AppliedToGroup spans the Nodes of its members. An AddressGroup is needed wherever a policy
/// that names it is applied: on the Nodes of the AppliedToGroups that it is linked with, however
/// many policies link the two.
class GroupRoles {
 public:
  explicit GroupRoles(GroupIndex& index) : index_(index) {}

  /// The references that `groups` holds become the user's. `confined`: what the groups have for
  /// members matters to the user, not only where.
  void use(PolicyId user, const GroupUse& groups, bool confined);
  /// Releases them.
  void drop(PolicyId user, const GroupUse& groups);
  void release(const GroupUse& groups);
  void set_node(const std::string& name, bool exists);

  /// Tells what changed in this batch, and which policies have to look at their span again (some
  /// perhaps more than once).
  std::vector<PolicyId> flush(api::controlplane::Changes& changes);

  /// The Nodes that policies applied to these groups are needed on, as last flushed.
  api::controlplane::NodeSet span_of(const GroupUse& groups) const;
  std::size_t applied_to_group_count() const { return applied_to_count_; }
  std::size_t address_group_count() const { return address_count_; }

 private:
  struct AppliedTo {
    bool published = false;
    bool dirty = false;
    bool confining = false;  // some user is confined
    boost::container::small_vector<PolicyId, 2> users;
    boost::container::small_vector<GroupId, 2> peers;  // AddressGroups of its users, each once
    NodeCounts nodes;                                  // of its members
    api::controlplane::NodeSet span;                   // as published
  };
  struct Addresses {
    bool published = false;
    bool dirty = false;
    bool nodes_changed = false;  // `span` lags behind them
    std::uint32_t targets = 0;   // AppliedToGroups that it is linked with
    GroupId targets_xor = 0;     // their IDs, so that a single one is known
    NodeCounts nodes;            // how many of those have members there
    api::controlplane::NodeSet span;

    bool add(StringId node, std::int32_t by) {
      if (!nodes.add(node, by)) return false;
      return nodes_changed = true;
    }
  };
  using Touches = std::span<const GroupIndex::Touch>;

  AppliedTo& mark_applied_to(GroupId group);
  Addresses& mark_addresses(GroupId group);
  void flush_applied_to(GroupId group, Touches touches, api::controlplane::Changes& changes);
  void flush_addresses(GroupId group, Touches touches, api::controlplane::Changes& changes);
  bool flush_service(GroupId group, api::controlplane::AppliedToGroupChange& change);
  void count_target(AppliedTo& role, StringId node, std::int32_t by, bool& span_changed);

  GroupIndex& index_;
  std::deque<AppliedTo> applied_to_;                               // by GroupId
  std::deque<Addresses> addresses_;                                // by GroupId
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> links_;  // GroupLink -> policies
  std::vector<GroupId> dirty_applied_to_, dirty_addresses_;
  std::vector<PolicyId> moved_;
  std::set<std::string> nodes_;
  std::set<GroupId> service_groups_;  // published AppliedToGroups that are a Service
  std::size_t applied_to_count_ = 0, address_count_ = 0;
};

}  // namespace antrea::policy
