#include "group_roles.h"

#include <algorithm>
#include <utility>

#include "antrea/base/sorted.h"

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

std::uint64_t key_of(const GroupLink& link) {
  return static_cast<std::uint64_t>(link.peer) << 32 | link.target;
}

template <typename List>
void erase_one(List& values, typename List::value_type value) {
  const auto found = std::ranges::find(values, value);
  *found = values.back();
  values.pop_back();
}

cp::GroupMember member_of(const GroupIndex& index, EntityId entity, const EntityState& state) {
  cp::GroupMember member;
  member.kind = index.kind_of(entity);
  member.key = {index.namespace_of(entity), index.name_of(entity)};
  if (state.ports) member.ports = *state.ports;
  return member;
}

cp::GroupMember peer_of(const GroupIndex& index, EntityId entity, const EntityState& state) {
  cp::GroupMember member = member_of(index, entity, state);
  member.ips.assign(state.ips.begin(), state.ips.end());
  return member;
}

std::span<const GroupIndex::Touch> touches_of(const std::vector<GroupIndex::Touch>& all,
                                              GroupId group) {
  return equal_span(all, group, &GroupIndex::Touch::group);
}

}  // namespace

bool NodeCounts::add(StringId node, std::int32_t change) {
  const auto at = std::ranges::lower_bound(counts_, node, {}, &Count::node);
  if (at == counts_.end() || at->node != node) {
    counts_.insert(at, {node, change});
    return true;
  }
  at->count += change;
  if (at->count != 0) return false;
  counts_.erase(at);
  return true;
}

cp::NodeSet NodeCounts::nodes(const GroupIndex& index) const {
  std::vector<std::string> names;
  names.reserve(counts_.size());
  for (const Count& count : counts_) names.emplace_back(index.text(count.node));
  return cp::NodeSet(std::move(names));
}

// --- Users ---

GroupRoles::AppliedTo& GroupRoles::mark_applied_to(GroupId group) {
  if (applied_to_.size() <= group) applied_to_.resize(group + 1);
  AppliedTo& role = applied_to_[group];
  if (!std::exchange(role.dirty, true)) dirty_applied_to_.push_back(group);
  return role;
}
GroupRoles::Addresses& GroupRoles::mark_addresses(GroupId group) {
  if (addresses_.size() <= group) addresses_.resize(group + 1);
  Addresses& role = addresses_[group];
  if (!std::exchange(role.dirty, true)) dirty_addresses_.push_back(group);
  return role;
}

void GroupRoles::use(PolicyId user, const GroupUse& groups, bool confined) {
  for (const GroupId target : groups.applied_to) {
    AppliedTo& role = mark_applied_to(target);
    role.users.push_back(user);
    role.confining |= confined;
  }
  for (const GroupLink& link : groups.links) {
    Addresses& role = mark_addresses(link.peer);
    if (++links_[key_of(link)] > 1) continue;
    ++role.targets;
    role.targets_xor ^= link.target;
    applied_to_[link.target].peers.push_back(link.peer);
    applied_to_[link.target].nodes.for_each_node([&](StringId node) { role.add(node, 1); });
  }
}

void GroupRoles::drop(PolicyId user, const GroupUse& groups) {
  for (const GroupId target : groups.applied_to) erase_one(mark_applied_to(target).users, user);
  for (const GroupLink& link : groups.links) {
    Addresses& role = mark_addresses(link.peer);
    const auto found = links_.find(key_of(link));
    if (--found->second > 0) continue;
    links_.erase(found);
    --role.targets;
    role.targets_xor ^= link.target;
    erase_one(applied_to_[link.target].peers, link.peer);
    applied_to_[link.target].nodes.for_each_node([&](StringId node) { role.add(node, -1); });
  }
  release(groups);
}

void GroupRoles::release(const GroupUse& groups) {
  for (const GroupId group : groups.applied_to) index_.release(group);
  for_each_peer(groups, [this](GroupId group) { index_.release(group); });
}

void GroupRoles::set_node(const std::string& name, bool exists) {
  if (exists ? !nodes_.insert(name).second : nodes_.erase(name) == 0) return;
  for (const GroupId group : service_groups_) mark_applied_to(group);
}

cp::NodeSet GroupRoles::span_of(const GroupUse& groups) const {
  if (groups.applied_to.size() == 1) return applied_to_[groups.applied_to.front()].span;
  std::vector<std::string> nodes;
  for (const GroupId group : groups.applied_to)
    nodes.insert(nodes.end(), applied_to_[group].span.begin(), applied_to_[group].span.end());
  return cp::NodeSet(std::move(nodes));
}

// --- Output ---

std::vector<PolicyId> GroupRoles::flush(cp::Changes& changes) {
  const std::vector<GroupIndex::Touch> touches = index_.touches();
  for (const auto& touch : touches) {
    if (touch.group < applied_to_.size() && applied_to_[touch.group].published)
      mark_applied_to(touch.group);
    if (touch.group < addresses_.size() && addresses_[touch.group].published)
      mark_addresses(touch.group);
  }
  // Spans flow from AppliedToGroups to AddressGroups, so these come first.
  put_in_order(dirty_applied_to_);
  changes.applied_to_groups.reserve(dirty_applied_to_.size());
  for (const GroupId group : std::exchange(dirty_applied_to_, {}))
    flush_applied_to(group, touches_of(touches, group), changes);
  put_in_order(dirty_addresses_);
  changes.address_groups.reserve(dirty_addresses_.size());
  for (const GroupId group : std::exchange(dirty_addresses_, {}))
    flush_addresses(group, touches_of(touches, group), changes);
  return std::exchange(moved_, {});
}

void GroupRoles::count_target(AppliedTo& role, StringId node, std::int32_t by, bool& span_changed) {
  if (!role.nodes.add(node, by)) return;
  span_changed = true;
  for (const GroupId peer : role.peers)
    if (addresses_[peer].add(node, by)) mark_addresses(peer);
}

void GroupRoles::flush_applied_to(GroupId group, Touches touches, cp::Changes& changes) {
  AppliedTo& role = applied_to_[group];
  role.dirty = false;
  if (role.users.empty()) {
    if (role.published) {
      changes.applied_to_groups.push_back({.name = index_.name(group), .gone = true});
      --applied_to_count_;
    }
    service_groups_.erase(group);
    role = {};
    return;
  }
  cp::AppliedToGroupChange change{.name = index_.name(group)};
  bool span_changed = false;
  const auto add = [&](EntityId entity, const EntityState& state, std::int32_t by) {
    count_target(role, state.node, by, span_changed);
    (by > 0 ? change.added : change.removed)
        .push_back({std::string(index_.text(state.node)), member_of(index_, entity, state)});
  };
  if (index_.kind(group) == EntityKind::kService) {
    span_changed = flush_service(group, change);
  } else if (!role.published) {
    change.added.reserve(index_.member_count(group));
    index_.for_each_member(group, [&](EntityId entity) {
      if (index_.state(entity).can_be_target()) add(entity, index_.state(entity), 1);
    });
  } else {
    for (const GroupIndex::Touch& touch : touches) {
      const EntityState &old_state = index_.old_state(touch.entity),
                        &state = index_.state(touch.entity);
      const bool before = touch.was_member && old_state.can_be_target();
      const bool after = index_.is_member(group, touch.entity) && state.can_be_target();
      if (before && after && old_state.node == state.node &&
          (old_state == state ||
           member_of(index_, touch.entity, old_state) == member_of(index_, touch.entity, state)))
        continue;
      if (after) add(touch.entity, state, 1);
      if (before) add(touch.entity, old_state, -1);
    }
  }
  std::ranges::sort(change.added);
  std::ranges::sort(change.removed);
  if (span_changed) {
    cp::NodeSet span = index_.kind(group) == EntityKind::kService
                           ? cp::NodeSet({nodes_.begin(), nodes_.end()})
                           : role.nodes.nodes(index_);
    if (span != role.span) role.span = std::move(span);
  }
  // Confined users look at the members: those that came or went may be of other Namespaces.
  if (span_changed || role.confining)
    moved_.insert(moved_.end(), role.users.begin(), role.users.end());
  if (role.published && change.empty()) return;
  if (!role.published) ++applied_to_count_;
  role.published = true;
  changes.applied_to_groups.push_back(std::move(change));
}

/// A Service is a member on every Node: whichever of them its clients come to.
bool GroupRoles::flush_service(GroupId group, cp::AppliedToGroupChange& change) {
  service_groups_.insert(group);
  const cp::NodeSet& before = applied_to_[group].span;
  cp::GroupMember member;
  member.kind = cp::MemberKind::kService;
  member.key = index_.service(group);
  for (const std::string& node : nodes_)
    if (!before.contains(node)) change.added.push_back({node, member});
  for (const std::string& node : before)
    if (!nodes_.contains(node)) change.removed.push_back({node, member});
  return !change.empty();
}

void GroupRoles::flush_addresses(GroupId group, Touches touches, cp::Changes& changes) {
  Addresses& role = addresses_[group];
  role.dirty = false;
  if (role.targets == 0) {
    if (role.published) {
      changes.address_groups.push_back({.name = index_.name(group), .gone = true});
      --address_count_;
    }
    role = {};
    return;
  }
  cp::AddressGroupChange change{.name = index_.name(group), .span = role.span};
  if (std::exchange(role.nodes_changed, false))
    change.span = role.targets == 1 ? applied_to_[role.targets_xor].span : role.nodes.nodes(index_);
  auto &added = change.delta.added, &removed = change.delta.removed;
  if (!role.published) {
    added.reserve(index_.member_count(group));
    index_.for_each_member(group, [&](EntityId entity) {
      if (index_.state(entity).can_be_peer())
        added.push_back(peer_of(index_, entity, index_.state(entity)));
    });
  } else {
    for (const GroupIndex::Touch& touch : touches) {
      const EntityState &old_state = index_.old_state(touch.entity),
                        &state = index_.state(touch.entity);
      const bool before = touch.was_member && old_state.can_be_peer();
      const bool after = index_.is_member(group, touch.entity) && state.can_be_peer();
      if (before && after &&
          (old_state == state ||
           peer_of(index_, touch.entity, old_state) == peer_of(index_, touch.entity, state)))
        continue;
      if (after) added.push_back(peer_of(index_, touch.entity, state));
      if (before) removed.push_back(peer_of(index_, touch.entity, old_state));
    }
  }
  std::ranges::sort(added);
  std::ranges::sort(removed);
  if (role.published && change.delta.empty() && change.span == role.span) return;
  if (!role.published) ++address_count_;
  role.published = true;
  role.span = change.span;
  changes.address_groups.push_back(std::move(change));
}

}  // namespace antrea::policy
