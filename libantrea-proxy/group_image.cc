#include "group_image.h"

#include <algorithm>

namespace antrea::proxy {

using openflow::GroupId;

namespace {

// Low numbers are left to groups with fixed ones.
constexpr std::uint32_t kFirstGroup = 0x10000;
constexpr std::uint32_t kGroupCount = 0xe0000000 - kFirstGroup;  // the rest: Egress

}  // namespace

GroupImage::GroupImage(bool consistent) : consistent_(consistent), ids_(kFirstGroup, kGroupCount) {}

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
      if (update(old[o], now[n])) touched_.emplace_back(old_ids[o], &service);
      ++o;
      ++n;
    }
  }
  for (const auto& other : others) {
    renumber(other);
    if (other.owner != &service) renumbered.push_back(other.owner);
  }
}

void GroupImage::add(ServiceState& service, std::size_t place, std::vector<Ids::Holder>& others) {
  const GroupSpec& group = service.compiled.groups[place];
  endpoints_.refer(group.backends, group.protocol, +1);
  const GroupId id{ids_.add(group.identity, &service, others)};
  service.group_ids[place] = id;
  touched_.emplace_back(id, &service);
}

void GroupImage::remove(const GroupSpec& group, GroupId id, std::vector<Ids::Holder>& others) {
  endpoints_.refer(group.backends, group.protocol, -1);
  left_.push_back(id);
  ids_.remove(group.identity, others);
}

// Whether the switch will see a difference.
bool GroupImage::update(const GroupSpec& old, const GroupSpec& now) {
  if (old.backends != now.backends) {
    endpoints_.refer(now.backends, now.protocol, +1);
    endpoints_.refer(old.backends, old.protocol, -1);
  }
  // A group that refuses looks the same whatever else its Service says.
  const bool both_refuse = old.backends.empty() && now.backends.empty();
  return !both_refuse && old != now;
}

void GroupImage::renumber(const Ids::Holder& holder) {
  const auto& groups = holder.owner->compiled.groups;
  const auto found = std::ranges::lower_bound(groups, holder.identity, {}, &GroupSpec::identity);
  if (found == groups.end() || found->identity != holder.identity) return;  // gone since
  auto& id = holder.owner->group_ids[static_cast<std::size_t>(found - groups.begin())];
  if (id != GroupId{}) left_.push_back(id);
  id = GroupId{ids_.id_of(holder.identity)};
  touched_.emplace_back(id, holder.owner);
}

void GroupImage::show(openflow::Changes& out) {
  endpoints_.show(out);
  std::ranges::sort(touched_);
  std::vector<GroupId> present;
  present.reserve(touched_.size());
  out.groups.reserve(touched_.size());
  for (const auto& [id, service] : touched_) {
    if (!present.empty() && present.back() == id) continue;
    const auto found = std::ranges::find(service->group_ids, id);
    if (found == service->group_ids.end()) continue;
    const auto place = static_cast<std::size_t>(found - service->group_ids.begin());
    out.groups.push_back(to_group(id, service->compiled.groups[place], consistent_));
    present.push_back(id);
  }
  std::ranges::sort(left_);
  left_.erase(std::ranges::unique(left_).begin(), left_.end());
  std::ranges::set_difference(left_, present, std::back_inserter(out.remove_groups));
  touched_.clear();
  left_.clear();
}

}  // namespace antrea::proxy
