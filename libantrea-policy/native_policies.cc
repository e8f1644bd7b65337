#include "native_policies.h"

#include <utility>

namespace antrea::policy {
namespace {

/// Whether that changed the map.
template <typename Map>
bool assign(Map& map, const typename Map::key_type& key,
            const std::optional<typename Map::mapped_type>& value) {
  const auto found = map.find(key);
  if (found == map.end() ? !value : value == found->second) return false;
  if (value)
    map.insert_or_assign(key, *value);
  else
    map.erase(found);
  return true;
}

}  // namespace

void NativePolicies::set(const PolicyKey& key, Policy policy) {
  policies_.insert_or_assign(key, std::move(policy));
  stale_.insert(key);
}

void NativePolicies::remove(const PolicyKey& key) {
  policies_.erase(key);
  stale_.erase(key);
  dependencies_.set(key, {});
}

void NativePolicies::set_tier(const std::string& name, std::optional<std::int32_t> priority) {
  if (assign(directory_.tiers, name, priority)) mark_stale({Subject::Kind::kTier, {{}, name}});
}

void NativePolicies::set_group(const api::ObjectKey& key,
                               const std::optional<api::crd::GroupSpec>& spec) {
  if (assign(directory_.groups, key, spec)) mark_stale({Subject::Kind::kGroup, key});
}

void NativePolicies::set_service(const api::ObjectKey& key, const api::Labels& selector) {
  if (assign(directory_.services, key, selector.empty() ? std::nullopt : std::optional(selector)))
    mark_stale({Subject::Kind::kService, key});
}

void NativePolicies::convert(GroupIndex& groups, PolicyTable& policies) {
  for (const PolicyKey& key : std::exchange(stale_, {})) {
    const auto policy = policies_.find(key);
    if (policy == policies_.end()) continue;
    Surroundings around{directory_, groups, {}};
    ConvertedPolicy converted = std::visit(
        [&](const auto& each) { return policy::convert(*each, around); }, policy->second);
    dependencies_.set(key, std::move(around.used));
    policies.set(key, std::move(converted));
  }
}

}  // namespace antrea::policy
