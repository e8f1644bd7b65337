#include "policy_admission.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "antrea/api/policy_json.h"
#include "antrea/policy/manifest.h"

namespace antrea::controller {
namespace {

namespace json = boost::json;

constexpr const char* kGroup = "crd.antrea.io";
constexpr const char* kVersion = "v1beta1";
constexpr std::string_view kValidate = "/validate/", kMutate = "/mutate/";

/// What can be read of the objects of a kind.
template <typename T>
std::vector<T> list(const kube::ApiServer& api, const char* plural, std::string_view namespace_,
                    Result<T> (*decode)(const json::value&)) {
  kube::ObjectPath path;
  path.type = api.types().find(kGroup, kVersion, plural);
  path.namespace_ = namespace_;
  std::vector<T> all;
  if (const auto objects = api.list(path))
    for (const json::object& object : *objects)
      if (auto decoded = decode(json::value(object))) all.push_back(*std::move(decoded));
  return all;
}

template <typename T>
std::size_t count_in_tier(const std::vector<T>& policies, std::string_view tier) {
  return static_cast<std::size_t>(std::ranges::count_if(
      policies, [&](const auto& policy) { return policy.spec.tier == tier; }));
}

/// Nothing if there is no object or it cannot be read, which is for others to tell.
std::optional<policy::ObjectChange> read(const kube::ResourceType& type,
                                         const json::object* object) {
  if (object == nullptr) return {};
  json::object named = *object;
  named["apiVersion"] = type.api_version();
  named["kind"] = type.kind;
  auto decoded = policy::decode_object(json::value(std::move(named)));
  return decoded ? *std::move(decoded) : std::nullopt;
}

template <typename T>
const T* pointer(const std::optional<T>& value) {
  return value ? &*value : nullptr;
}

}  // namespace

std::vector<api::crd::Tier> ServedView::tiers() const {
  return list(api_, "tiers", {}, api::decode_tier);
}

std::vector<policy::AdmissionView::Group> ServedView::groups(std::string_view namespace_) const {
  std::vector<Group> all;
  const auto add = [&all](const auto& groups) {
    for (const auto& group : groups) all.push_back({group.metadata.name, group.spec.child_groups});
  };
  if (namespace_.empty())
    add(list(api_, "clustergroups", {}, api::decode_cluster_group));
  else
    add(list(api_, "groups", namespace_, api::decode_group));
  return all;
}

policy::AdmissionView::TierUse ServedView::use_of_tier(std::string_view name) const {
  return {
      count_in_tier(list(api_, "clusternetworkpolicies", {}, api::decode_cluster_network_policy),
                    name),
      count_in_tier(list(api_, "networkpolicies", {}, api::decode_antrea_network_policy), name)};
}

void admit_policies(kube::ApiServer& api) {
  const auto judge = [&api](const kube::ResourceType& type) {
    api.admit(type, [&api, &type](json::object& object, const json::object* old) {
      std::vector<kube::FieldError> errors;
      const auto wanted = read(type, &object), before = read(type, old);
      if (!wanted) return errors;
      for (policy::Refusal& refusal :
           policy::admit({.object = &*wanted, .old = pointer(before)}, ServedView(api)))
        errors.push_back({"FieldValueInvalid",
                          refusal.field.empty() ? "spec" : std::move(refusal.field),
                          "Invalid value: " + refusal.message});
      return errors;
    });
    api.admit_removal(type, [&api, &type](const json::object& object) {
      const auto before = read(type, &object);
      if (!before) return std::string();
      const auto refusals = policy::admit({.old = &*before}, ServedView(api));
      return refusals.empty() ? std::string() : refusals.front().message;
    });
  };
  for (const char* const plural :
       {"clusternetworkpolicies", "networkpolicies", "tiers", "clustergroups", "groups"})
    judge(*api.types().find(kGroup, kVersion, plural));
  judge(*api.types().find("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies"));
}

bool is_webhook(std::string_view path) {
  return path.starts_with(kValidate) || path.starts_with(kMutate);
}

void answer_review(const Judge& validate, kube::HttpRequest request, kube::HttpExchange exchange) {
  if (request.method != "POST")
    return exchange.respond(kube::HttpResponse::text(405, "expected POST with an AdmissionReview"));
  boost::system::error_code code;
  const json::value body = json::parse(request.body, code);
  if (code)
    return exchange.respond(
        kube::HttpResponse::text(400, "found no JSON, expected an AdmissionReview"));
  const auto review = api::decode_admission_review(body);
  if (!review) return exchange.respond(kube::HttpResponse::text(400, review.error().to_string()));
  const api::AdmissionResponse answer =
      request.path.starts_with(kMutate) ? policy::mutate(*review) : validate(*review);
  exchange.respond(kube::HttpResponse::json(200, json::serialize(api::encode(answer))));
}

}  // namespace antrea::controller
