#include "policy_admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/api/antrea_policy.h"

namespace antrea::controller {
namespace {

namespace json = boost::json;
using Refusals = std::vector<kube::FieldError>;

constexpr const char* kGroup = "crd.antrea.io";
constexpr const char* kVersion = "v1beta1";
constexpr std::size_t kMaxTiers = 20;
/// Of policies that stand in no Tier: the administrator's, and what is kept for Antrea itself.
constexpr std::int64_t kReservedPriorities[] = {251, 252, 254, 255};

Refusals invalid(std::string field, std::string message) {
  return {{"FieldValueInvalid", std::move(field), "Invalid value: " + std::move(message)}};
}

const json::value* find(const json::object& object, const char* pointer) {
  boost::system::error_code code;
  // find_pointer belongs to values; an object is looked into member by member.
  const std::string_view path(pointer + 1);
  const auto slash = path.find('/');
  const auto* const first = object.if_contains(path.substr(0, slash));
  if (first == nullptr || slash == std::string_view::npos) return first;
  return first->find_pointer(path.substr(slash), code);
}

std::string text(const json::object& object, const char* pointer) {
  const auto* const value = find(object, pointer);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> number(const json::object& object, const char* pointer) {
  const auto* const value = find(object, pointer);
  if (value == nullptr || !value->is_number()) return {};
  boost::system::error_code code;
  const auto read = value->to_number<std::int64_t>(code);
  return code ? std::nullopt : std::optional(read);
}

Refusals check_tier_of(const kube::ApiServer& api, const json::object& policy) {
  const std::string tier = text(policy, "/spec/tier");
  if (tier.empty()) return {};
  kube::ObjectPath path;
  path.type = api.types().find(kGroup, kVersion, "tiers");
  path.name = tier;
  if (api.get(path)) return {};
  return invalid("spec.tier", fmt::format("found \"{}\", expected a Tier that exists", tier));
}

Refusals check_tier(const kube::ApiServer& api, const json::object& tier, const json::object* old) {
  const auto priority = number(tier, "/spec/priority");
  if (!priority) return {};  // the schema's business
  if (old != nullptr) {
    if (number(*old, "/spec/priority") == priority) return {};
    return invalid("spec.priority", "found a change, expected that it stays as it is");
  }
  if (std::ranges::find(kReservedPriorities, *priority) != std::end(kReservedPriorities))
    return invalid("spec.priority",
                   fmt::format("found {}, expected none of those that are reserved: 251, 252, 254, "
                               "255",
                               *priority));
  kube::ObjectPath path;
  path.type = api.types().find(kGroup, kVersion, "tiers");
  const auto tiers = api.list(path);
  if (!tiers) return {};
  for (const json::object& other : *tiers)
    if (number(other, "/spec/priority") == priority)
      return invalid("spec.priority", fmt::format("found {}, which Tier {} has", *priority,
                                                  text(other, "/metadata/name")));
  if (tiers->size() >= kMaxTiers)
    return invalid(
        "spec", fmt::format("found {} Tiers, which is the most that there may be", tiers->size()));
  return {};
}

}  // namespace

void admit_policies(kube::ApiServer& api) {
  for (const char* const plural : {"clusternetworkpolicies", "networkpolicies"})
    api.admit(
        *api.types().find(kGroup, kVersion, plural),
        [&api](json::object& policy, const json::object*) { return check_tier_of(api, policy); });
  api.admit(
      *api.types().find(kGroup, kVersion, "tiers"),
      [&api](json::object& tier, const json::object* old) { return check_tier(api, tier, old); });
}

}  // namespace antrea::controller
