#include "group_image.h"

#include <algorithm>
#include <iterator>

#include "antrea/base/sorted.h"

namespace antrea::proxy {

using api::pipeline::EpState;
using openflow::GroupId;

namespace {

// Low numbers are left to groups with fixed ones.
constexpr std::uint32_t kFirstGroup = 0x10000;
constexpr std::uint32_t kGroupCount = 0xe0000000 - kFirstGroup;  // the rest: Egress

bool is_large(const GroupSpec& group) { return group.backends.size() > kMostInGroup; }

std::string leaf_identity(const GroupSpec& group, const GroupLeaf& leaf) {
  return group.identity + "/" + std::to_string(leaf.path);
}

// Both ascend; an endpoint that is elsewhere now both goes and comes.
template <typename Gone, typename Come>
void compare_backends(const GroupSpec& old, const GroupSpec& now, Gone gone, Come come) {
  const auto& before = old.backends;
  const auto& after = now.backends;
  for (std::size_t o = 0, n = 0; o < before.size() || n < after.size();) {
    if (o < before.size() && n < after.size() && before[o] == after[n]) {
      if (old.is_away(o) != now.is_away(n)) {
        gone(o);
        come(n);
      }
      ++o;
      ++n;
    } else if (n == after.size() || (o < before.size() && before[o] < after[n])) {
      gone(o++);
    } else {
      come(n++);
    }
  }
}

}  // namespace

GroupImage::GroupImage() : ids_(kFirstGroup, kGroupCount) {}

void GroupImage::reserve(std::size_t more_groups, std::size_t more_endpoints) {
  ids_.reserve(more_groups);
  touched_.reserve(more_groups);
  endpoints_.reserve(more_endpoints);
}

void GroupImage::replace(ServiceState& service, const std::vector<GroupSpec>& old,
                         const std::vector<GroupId>& old_ids,
                         std::vector<ServiceState*>& renumbered) {
  const auto& now = service.compiled.groups;
  service.group_ids.assign(now.size(), GroupId{});
  std::vector<Ids::Holder> others;
  for (std::size_t o = 0, n = 0; o < old.size() || n < now.size();) {
    const bool gone = n == now.size() || (o < old.size() && old[o].identity < now[n].identity);
    const bool fresh = !gone && (o == old.size() || now[n].identity < old[o].identity);
    if (gone) {
      remove(old[o], old_ids[o], others);
      ++o;
    } else if (fresh) {
      add(service, n, others);
      ++n;
    } else {
      service.group_ids[n] = old_ids[o];
      if (update(service, old_ids[o], old[o], now[n], others))
        touched_.emplace_back(old_ids[o], &service);
      ++o;
      ++n;
    }
  }
  renumber(service, others, renumbered);
}

void GroupImage::patch(ServiceState& service, std::uint32_t place, const BackendChange& change,
                       std::vector<ServiceState*>& renumbered) {
  GroupSpec& group = service.compiled.groups[place];
  const bool was_large = is_large(group);
  GroupTree* const tree = was_large ? &trees_[group.identity] : nullptr;
  const auto refer_one = [&](const Backend& backend, int by) {
    const Endpoint endpoint{backend, group.protocol};
    endpoints_.refer(endpoint, by);
    if (group.affinity)
      members_.refer({service.group_ids[place], endpoint, EpState::kRemembered}, by);
  };
  for (const auto& backend : change.gone) {
    refer_one(backend, -1);
    if (tree != nullptr) tree->remove(place_backend(backend));
  }
  for (const auto& backend : change.come) {
    refer_one(backend, +1);
    if (tree != nullptr) tree->add(place_backend(backend));
  }
  patch_backends(change, group.backends);
  std::vector<Ids::Holder> others;
  resize(service, group, was_large, others);
  touched_.emplace_back(service.group_ids[place], &service);
  renumber(service, others, renumbered);
}

void GroupImage::refer(const GroupSpec& group, int by) {
  for (const auto& backend : group.backends) endpoints_.refer({backend, group.protocol}, by);
}

void GroupImage::refer_members(const GroupSpec& group, GroupId id, int by) {
  const auto refer_each = [&](const std::vector<Backend>& backends, EpState state) {
    for (const auto& backend : backends) members_.refer({id, {backend, group.protocol}, state}, by);
  };
  if (group.affinity) refer_each(group.backends, EpState::kRemembered);
  refer_each(group.kept, EpState::kKept);
}

void GroupImage::add(ServiceState& service, std::size_t place, std::vector<Ids::Holder>& others) {
  const GroupSpec& group = service.compiled.groups[place];
  refer(group, +1);
  const GroupId id{ids_.add(group.identity, &service, others)};
  service.group_ids[place] = id;
  refer_members(group, id, +1);
  touched_.emplace_back(id, &service);
  if (is_large(group)) plant(service, group, others);
}

void GroupImage::remove(const GroupSpec& group, GroupId id, std::vector<Ids::Holder>& others) {
  refer(group, -1);
  refer_members(group, id, -1);
  left_.push_back(id);
  ids_.remove(group.identity, others);
  if (is_large(group)) fell(group, others);
}

// Whether the switch will see a difference.
bool GroupImage::update(ServiceState& service, GroupId id, const GroupSpec& old,
                        const GroupSpec& now, std::vector<Ids::Holder>& others) {
  refer_members(old, id, -1);
  refer_members(now, id, +1);
  GroupTree* const tree = is_large(old) && is_large(now) ? &trees_[now.identity] : nullptr;
  const auto gone = [&](std::size_t at) {
    endpoints_.refer({old.backends[at], old.protocol}, -1);
    if (tree != nullptr) tree->remove(place_backend(old.backends[at], old.is_away(at)));
  };
  const auto come = [&](std::size_t at) {
    endpoints_.refer({now.backends[at], now.protocol}, +1);
    if (tree != nullptr) tree->add(place_backend(now.backends[at], now.is_away(at)));
  };
  compare_backends(old, now, gone, come);
  if (tree != nullptr && (old.affinity != now.affinity || old.dsr != now.dsr))
    tree->mark_leaves_changed();
  resize(service, now, is_large(old), others);
  // A group that refuses looks the same whatever else its Service says.
  const bool both_refuse = old.backends.empty() && now.backends.empty();
  return !both_refuse && !old.looks_like(now);
}

// Gives a group the tree that it needs, where it has had one if it was large.
void GroupImage::resize(ServiceState& service, const GroupSpec& group, bool was_large,
                        std::vector<Ids::Holder>& others) {
  if (is_large(group) && was_large)
    divide(service, group, trees_[group.identity], others);
  else if (is_large(group))
    plant(service, group, others);
  else if (was_large)
    fell(group, others);
}

void GroupImage::plant(ServiceState& service, const GroupSpec& group,
                       std::vector<Ids::Holder>& others) {
  GroupTree& tree = trees_[group.identity];
  tree = GroupTree(place_backends(group));
  divide(service, group, tree, others);
}

void GroupImage::fell(const GroupSpec& group, std::vector<Ids::Holder>& others) {
  const auto tree = trees_.find(group.identity);
  for (const auto& leaf : tree->second.leaves()) {
    left_.push_back(leaf.id);
    ids_.remove(leaf_identity(group, leaf), others);
  }
  trees_.erase(tree);
}

void GroupImage::divide(ServiceState& service, const GroupSpec& group, GroupTree& tree,
                        std::vector<Ids::Holder>& others) {
  for (const auto& leaf : tree.divide()) {
    left_.push_back(leaf.id);
    ids_.remove(leaf_identity(group, leaf), others);
  }
  for (auto& leaf : tree.leaves())
    if (leaf.id == GroupId{})
      leaf.id = GroupId{ids_.add(leaf_identity(group, leaf), &service, others)};
}

void GroupImage::renumber(ServiceState& service, const std::vector<Ids::Holder>& others,
                          std::vector<ServiceState*>& renumbered) {
  for (const auto& other : others) {
    renumber(other);
    if (other.owner != &service) renumbered.push_back(other.owner);
  }
}

void GroupImage::renumber(const Ids::Holder& holder) {
  if (renumber_leaf(holder)) return;
  const auto& groups = holder.owner->compiled.groups;
  const auto found = std::ranges::lower_bound(groups, holder.identity, {}, &GroupSpec::identity);
  if (found == groups.end() || found->identity != holder.identity) return;  // gone since
  auto& id = holder.owner->group_ids[static_cast<std::size_t>(found - groups.begin())];
  if (id != GroupId{}) {
    left_.push_back(id);
    refer_members(*found, id, -1);
  }
  id = GroupId{ids_.id_of(holder.identity)};
  refer_members(*found, id, +1);
  if (is_large(*found)) trees_[found->identity].mark_choice_changed();
  touched_.emplace_back(id, holder.owner);
}

bool GroupImage::renumber_leaf(const Ids::Holder& holder) {
  const auto slash = holder.identity.rfind('/');
  const auto tree = trees_.find(std::string_view(holder.identity).substr(0, slash));
  if (tree == trees_.end()) return false;
  const auto path = static_cast<std::uint32_t>(std::stoul(holder.identity.substr(slash + 1)));
  GroupLeaf* const leaf = tree->second.find(path);
  if (leaf == nullptr) return true;  // gone since
  left_.push_back(leaf->id);
  leaf->id = GroupId{ids_.id_of(holder.identity)};
  const auto& groups = holder.owner->compiled.groups;
  const auto of = std::ranges::lower_bound(groups, tree->first, {}, &GroupSpec::identity);
  touched_.emplace_back(holder.owner->group_ids[static_cast<std::size_t>(of - groups.begin())],
                        holder.owner);
  return true;
}

void GroupImage::show_tree(GroupId id, const GroupSpec& group, GroupTree& tree,
                           std::vector<openflow::Group>& out) {
  if (tree.choice_changed()) out.push_back(to_choice_group(id, group, tree.leaves()));
  for (const auto& leaf : tree.take_changed())
    out.push_back(to_leaf_group(leaf, group, tree.endpoints_of(leaf)));
}

void GroupImage::show(openflow::Changes& out) {
  endpoints_.show(out);
  members_.show(out);
  sort_unique(touched_);
  out.groups.reserve(touched_.size());
  for (const auto& [id, service] : touched_) {
    const auto found = std::ranges::find(service->group_ids, id);
    if (found == service->group_ids.end()) continue;
    const auto place = static_cast<std::size_t>(found - service->group_ids.begin());
    const GroupSpec& group = service->compiled.groups[place];
    if (is_large(group))
      show_tree(id, group, trees_[group.identity], out.groups);
    else
      out.groups.push_back(to_group(id, group));
  }
  if (!left_.empty()) remove_unused(out);
  touched_.clear();
}

// A number that somebody has left may be somebody else's now.
void GroupImage::remove_unused(openflow::Changes& out) {
  std::vector<GroupId> present;
  std::ranges::transform(out.groups, std::back_inserter(present), &openflow::Group::id);
  std::ranges::sort(present);
  sort_unique(left_);
  std::ranges::set_difference(left_, present, std::back_inserter(out.remove_groups));
  left_.clear();
}

}  // namespace antrea::proxy
