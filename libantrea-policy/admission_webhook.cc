#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <optional>

#include "antrea/policy/admission.h"
#include "antrea/policy/manifest.h"

namespace antrea::policy {
namespace {

namespace json = boost::json;
namespace crd = api::crd;
using Operation = api::AdmissionRequest::Operation;

constexpr std::string_view kNamespaceLabel = "antrea.io/metadata.name";
/// nftables and iptables have no room for more.
constexpr std::size_t kMaxKernelLogLabel = 12;

void refuse(api::AdmissionResponse& response, int code, std::string reason, std::string message) {
  response.allowed = false;
  response.code = code;
  response.reason = std::move(reason);
  response.message = std::move(message);
}

std::string name_of(const ObjectChange& object) {
  return std::visit(
      []<typename T>(const T& value) -> std::string {
        if constexpr (std::is_same_v<T, ObjectDeleted>)
          return value.key.to_string();
        else
          return api::key_of(value->metadata).to_string();
      },
      object);
}

std::string_view kind_of(const json::value& object) {
  const auto* kind = object.is_object() ? object.get_object().if_contains("kind") : nullptr;
  return kind != nullptr && kind->is_string() ? std::string_view(kind->get_string())
                                              : std::string_view("object");
}

/// Nothing for null, and for kinds that are none of ours.
Result<std::optional<ObjectChange>> decode(const json::value& object) {
  if (object.is_null()) return std::optional<ObjectChange>();
  return decode_object(object);
}

std::vector<std::string> warnings_about(const ObjectChange& object) {
  const auto* policy = std::get_if<std::shared_ptr<const crd::ClusterNetworkPolicy>>(&object);
  if (policy == nullptr) return {};
  const crd::PolicySpec& spec = (*policy)->spec;
  if (std::ranges::none_of(spec.applied_to,
                           [](const auto& to) { return to.node_selector.has_value(); }))
    return {};
  std::vector<std::string> warnings;
  for (const auto& [rules, field] :
       {std::pair(&spec.ingress, "spec.ingress"), std::pair(&spec.egress, "spec.egress")})
    for (std::size_t i = 0; i < rules->size(); ++i)
      if ((*rules)[i].enable_logging && (*rules)[i].log_label.size() > kMaxKernelLogLabel)
        warnings.push_back(std::string(field) + "[" + std::to_string(i) +
                           "].logLabel: the kernel's log will show the first 12 characters only");
  return warnings;
}

std::string pointer_token(std::string_view text) {
  std::string token;
  for (const char c : text) token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return token;
}

/// What the API's defaults add to the object, as it came.
class Patcher {
 public:
  Patcher(const json::value& object, std::vector<api::JsonPatchAddition>& patch)
      : object_(object), patch_(patch) {}

  void operator()(const std::shared_ptr<const crd::NetworkPolicy>& policy) {
    complete(policy->spec);
  }
  void operator()(const std::shared_ptr<const crd::ClusterNetworkPolicy>& policy) {
    complete(policy->spec);
  }
  void operator()(const std::shared_ptr<const api::Namespace>& ns) {
    if (const auto found = ns->metadata.labels.find(kNamespaceLabel);
        found != ns->metadata.labels.end() && found->second == ns->metadata.name)
      return;
    if (ns->metadata.labels.empty())
      patch_.push_back({"/metadata/labels", json::object{{kNamespaceLabel, ns->metadata.name}}});
    else
      patch_.push_back(
          {"/metadata/labels/" + pointer_token(kNamespaceLabel), json::value(ns->metadata.name)});
  }
  template <typename Other>
  void operator()(const Other& /*other*/) {}

 private:
  void complete(const crd::PolicySpec& spec) {
    set("/spec/tier", spec.tier);
    name("/spec/ingress/", spec.ingress);
    name("/spec/egress/", spec.egress);
  }
  void name(const std::string& path, const std::vector<crd::Rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i)
      set(path + std::to_string(i) + "/name", rules[i].name);
  }
  void set(const std::string& path, const std::string& text) {
    boost::system::error_code code;
    const json::value* const found = object_.find_pointer(path, code);
    if (found == nullptr || !found->is_string() || found->get_string() != text)
      patch_.push_back({path, json::value(text)});
  }

  const json::value& object_;
  std::vector<api::JsonPatchAddition>& patch_;
};

}  // namespace

api::AdmissionResponse validate(const api::AdmissionRequest& request, const AdmissionView& view,
                                std::string_view controller) {
  api::AdmissionResponse response{.uid = request.uid};
  const auto object = decode(request.object);
  if (!object) {
    refuse(response, 422, "Invalid", object.error().to_string());
    return response;
  }
  const auto old = decode(request.old_object);
  // What got in before its kind was judged must not be kept from going, or from becoming right.
  const ObjectChange* const before = old && *old ? &**old : nullptr;
  if (!*object && before == nullptr) return response;
  const AdmissionQuestion question{
      .object = *object ? &**object : nullptr,
      .old = before,
      .by_controller = !controller.empty() && request.user == controller};
  const std::vector<Refusal> refusals = admit(question, view);
  if (refusals.empty()) {
    if (*object) response.warnings = warnings_about(**object);
    return response;
  }
  std::string message = std::string(kind_of(*object ? request.object : request.old_object)) + " " +
                        name_of(*object ? **object : *before) + ": ";
  for (const Refusal& refusal : refusals) {
    if (&refusal != &refusals.front()) message += "; ";
    message += (refusal.field.empty() ? "" : refusal.field + ": ") + refusal.message;
  }
  if (request.operation == Operation::kDelete)
    refuse(response, 403, "Forbidden", std::move(message));
  else
    refuse(response, 422, "Invalid", std::move(message));
  return response;
}

namespace {

constexpr Duration kUntilSeen = std::chrono::seconds(10);

using TierPtr = std::shared_ptr<const crd::Tier>;

/// The Tier that the request is to make; null: it is about something else.
TierPtr new_tier(const api::AdmissionRequest& request) {
  if (request.operation != Operation::kCreate) return nullptr;
  const auto object = decode(request.object);
  const auto* tier = object && *object ? std::get_if<TierPtr>(&**object) : nullptr;
  return tier != nullptr ? *tier : nullptr;
}

/// A view, and Tiers that cannot be seen in it yet.
class ViewWithTiers : public AdmissionView {
 public:
  ViewWithTiers(const AdmissionView& view, std::vector<crd::Tier> more)
      : view_(view), more_(std::move(more)) {}
  std::vector<crd::Tier> tiers() const override {
    std::vector<crd::Tier> all = view_.tiers();
    const auto seen = [&](const crd::Tier& tier) {
      return std::ranges::any_of(
          all, [&](const auto& each) { return each.metadata.name == tier.metadata.name; });
    };
    std::vector<crd::Tier> unseen;
    std::ranges::remove_copy_if(more_, std::back_inserter(unseen), seen);
    all.insert(all.end(), unseen.begin(), unseen.end());
    return all;
  }
  std::vector<Group> groups(std::string_view namespace_) const override {
    return view_.groups(namespace_);
  }
  TierUse use_of_tier(std::string_view name) const override { return view_.use_of_tier(name); }

 private:
  const AdmissionView& view_;
  std::vector<crd::Tier> more_;
};

}  // namespace

api::AdmissionResponse Reviewer::validate(const api::AdmissionRequest& request,
                                          const AdmissionView& view, TimePoint now) {
  const TierPtr tier = new_tier(request);
  // One that is asked for again is not in its own way.
  std::erase_if(admitted_, [&](const Admitted& each) {
    return each.until <= now || (tier != nullptr && each.tier.metadata.name == tier->metadata.name);
  });
  std::vector<crd::Tier> unseen;
  for (const Admitted& each : admitted_) unseen.push_back(each.tier);
  api::AdmissionResponse response =
      policy::validate(request, ViewWithTiers(view, std::move(unseen)), controller_);
  if (tier != nullptr && response.allowed && !request.dry_run)
    admitted_.push_back({*tier, now + kUntilSeen});
  return response;
}

api::AdmissionResponse mutate(const api::AdmissionRequest& request) {
  api::AdmissionResponse response{.uid = request.uid};
  const auto object = decode(request.object);
  if (!object || !*object) return response;  // to judge it is the validation's
  std::visit(Patcher(request.object, response.patch), **object);
  return response;
}

}  // namespace antrea::policy
