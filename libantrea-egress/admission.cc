#include "antrea/egress/admission.h"

#include <algorithm>
#include <boost/json.hpp>

#include "antrea/api/egress_json.h"

namespace antrea::egress {

using api::crd::Egress;
using api::crd::EgressAddress;
using api::crd::ExternalIPPool;
using api::crd::IpRange;

namespace {

bool is_kind(const boost::json::value& object, std::string_view kind) {
  const auto* fields = object.if_object();
  const auto* found = fields != nullptr ? fields->if_contains("kind") : nullptr;
  return found != nullptr && found->is_string() && found->get_string() == kind;
}

template <typename T>
api::AdmissionResponse judge(const api::AdmissionRequest& request,
                             std::span<const ExternalIPPool> pools,
                             Result<T> (*decode)(const boost::json::value&)) {
  api::AdmissionResponse response{.uid = request.uid};
  if (request.object.is_null()) return response;
  const auto object = decode(request.object);
  // What got in before its kind was judged must not be kept from becoming right.
  const auto old = request.old_object.is_null() ? object : decode(request.old_object);
  const bool known = !request.old_object.is_null() && old.has_value();
  const Result<> judged =
      object ? admit(*object, known ? &*old : nullptr, pools) : Result<>(object.error());
  if (judged) return response;
  response.allowed = false;
  response.code = 422;
  response.reason = "Invalid";
  response.message = judged.error().to_string();
  return response;
}

}  // namespace

Result<> admit(const Egress& egress, const Egress* old, std::span<const ExternalIPPool> pools) {
  const auto& addresses = egress.spec.addresses;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto& ip = addresses[i].ip;
    const auto& name = addresses[i].pool;
    if (!ip || name.empty()) continue;
    if (old != nullptr && i < old->spec.addresses.size() && old->spec.addresses[i] == addresses[i])
      continue;
    const std::string entry = egress.spec.several ? "s[" + std::to_string(i) + "]" : "";
    const auto refuse = [&](std::string_view field, const std::string& why) {
      return make_error(Errc::kInvalidArgument, "spec." + std::string(field) + entry + ": " + why,
                        "Egress " + egress.metadata.name);
    };
    const auto pool = std::ranges::find(
        pools, name, [](const ExternalIPPool& each) -> auto& { return each.metadata.name; });
    if (pool == pools.end())
      return refuse("externalIPPool", "ExternalIPPool " + name + " does not exist");
    if (std::ranges::none_of(pool->ranges,
                             [&](const IpRange& range) { return range.contains(*ip); }))
      return refuse("egressIP",
                    "found " + ip->to_string() + ", expected an address of ExternalIPPool " + name);
  }
  return {};
}

Result<> admit(const ExternalIPPool& pool, const ExternalIPPool* old,
               std::span<const ExternalIPPool> others) {
  const auto refuse = [&pool](const std::string& why) {
    return make_error(Errc::kInvalidArgument, "spec.ipRanges: " + why,
                      "ExternalIPPool " + pool.metadata.name);
  };
  for (const auto& other : others) {
    if (other.metadata.name == pool.metadata.name) continue;
    for (const auto& range : pool.ranges)
      for (const auto& against : other.ranges)
        if (range.overlaps(against))
          return refuse("found " + range.to_string() + ", which overlaps with " +
                        against.to_string() + " of ExternalIPPool " + other.metadata.name);
  }
  if (old == nullptr) return {};
  for (const auto& range : old->ranges)
    if (std::ranges::find(pool.ranges, range) == pool.ranges.end())
      return refuse("found no " + range.to_string() +
                    ", expected it to stay: ranges may be added only");
  return {};
}

std::optional<api::AdmissionResponse> validate(const api::AdmissionRequest& request,
                                               std::span<const ExternalIPPool> pools) {
  const auto& object = request.object.is_null() ? request.old_object : request.object;
  if (is_kind(object, "Egress")) return judge(request, pools, api::decode_egress);
  if (is_kind(object, "ExternalIPPool")) return judge(request, pools, api::decode_external_ip_pool);
  return std::nullopt;
}

}  // namespace antrea::egress
