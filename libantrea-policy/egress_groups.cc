#include "egress_groups.h"

#include <algorithm>
#include <iterator>

#include "antrea/base/sorted.h"

namespace antrea::policy {

namespace cp = api::controlplane;

namespace {

auto touches_of(const std::vector<GroupIndex::Touch>& all, GroupId group) {
  return equal_span(all, group, &GroupIndex::Touch::group);
}

}  // namespace

void EgressGroups::set(const api::crd::Egress& egress) {
  Entry& entry = entries_[egress.metadata.name];
  entry.gone = false;
  std::optional<GroupId> group;
  if (egress.spec.pod_selector || egress.spec.namespace_selector)
    group = index_.acquire({{}, egress.spec.namespace_selector, egress.spec.pod_selector});
  want(egress.metadata.name, entry, group);
}

void EgressGroups::remove(const std::string& name) {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return;
  entry->second.gone = true;
  want(name, entry->second, std::nullopt);
}

// `group` has been acquired. What is shown is released when it is not shown any more.
void EgressGroups::want(const std::string& name, Entry& entry, std::optional<GroupId> group) {
  if (entry.wanted) index_.release(*entry.wanted);
  entry.wanted = group;
  dirty_.insert(name);
}

void EgressGroups::add_member(EntityId entity, const EntityState& state, Members& members) const {
  if (!state.can_be_target()) return;
  cp::NodeMember member{std::string(index_.text(state.node)), {}};
  member.member.key = {index_.namespace_of(entity), index_.name_of(entity)};
  members.push_back(std::move(member));
}

void EgressGroups::tell(const std::string& name, Members added, Members removed,
                        cp::Changes& changes) {
  std::ranges::sort(added);
  std::ranges::sort(removed);
  Entry& entry = entries_.find(name)->second;
  cp::EgressGroupChange change;
  change.name = name;
  std::ranges::set_difference(added, removed, std::back_inserter(change.added));
  std::ranges::set_difference(removed, added, std::back_inserter(change.removed));
  if (entry.published && change.empty()) return;
  entry.published = true;
  changes.egress_groups.push_back(std::move(change));
}

// Of an Egress that came, went or has other selectors: all members before, all members now.
void EgressGroups::settle(const std::string& name, const Touches& touches, cp::Changes& changes) {
  const auto found = entries_.find(name);
  Entry& entry = found->second;
  Members added, removed;
  if (entry.shown) {
    const auto touched = touches_of(touches, *entry.shown);
    for (const auto& touch : touched)
      if (touch.was_member) add_member(touch.entity, index_.old_state(touch.entity), removed);
    index_.for_each_member(*entry.shown, [&](EntityId entity) {
      if (!std::ranges::binary_search(touched, entity, {}, &GroupIndex::Touch::entity))
        add_member(entity, index_.old_state(entity), removed);
    });
    users_[*entry.shown].erase(name);
    if (users_[*entry.shown].empty()) users_.erase(*entry.shown);
    index_.release(*entry.shown);
  }
  entry.shown = entry.wanted;
  if (entry.gone) {
    if (entry.published) {
      cp::EgressGroupChange change;
      change.name = name;
      change.gone = true;
      changes.egress_groups.push_back(std::move(change));
    }
    entries_.erase(found);
    return;
  }
  if (entry.shown) {
    index_.acquire(*entry.shown);
    users_[*entry.shown].insert(name);
    index_.for_each_member(
        *entry.shown, [&](EntityId entity) { add_member(entity, index_.state(entity), added); });
  }
  tell(name, std::move(added), std::move(removed), changes);
}

void EgressGroups::flush(cp::Changes& changes) {
  if (entries_.empty()) return;
  const Touches touches = index_.touches();
  const auto dirty = std::exchange(dirty_, {});
  for (const auto& [group, names] : users_) {
    const auto touched = touches_of(touches, group);
    if (touched.empty()) continue;
    Members added, removed;
    for (const auto& touch : touched) {
      if (touch.was_member) add_member(touch.entity, index_.old_state(touch.entity), removed);
      if (index_.is_member(group, touch.entity))
        add_member(touch.entity, index_.state(touch.entity), added);
    }
    for (const auto& name : names)
      if (!dirty.contains(name)) tell(name, added, removed, changes);
  }
  for (const auto& name : dirty) settle(name, touches, changes);
}

}  // namespace antrea::policy
