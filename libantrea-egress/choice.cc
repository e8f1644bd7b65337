#include "antrea/egress/choice.h"

#include <algorithm>
#include <tuple>

#include "antrea/base/hash.h"

namespace antrea::egress {
namespace {

// The highest hash of Pod and address.
std::optional<IpAddress> address_for(const api::ObjectKey& pod, const api::crd::Egress& egress,
                                     Family family) {
  std::optional<std::pair<std::uint64_t, IpAddress>> best;
  for (const auto& [ip, pool] : egress.spec.addresses) {
    if (!ip || ip->family() != family) continue;
    const std::pair candidate(stable_hash(pod.to_string() + " " + ip->to_string()), *ip);
    if (!best || candidate > *best) best = candidate;
  }
  if (!best) return std::nullopt;
  return best->second;
}

bool has_address(const api::crd::Egress& egress) {
  return std::ranges::any_of(egress.spec.addresses,
                             [](const auto& address) { return address.ip.has_value(); });
}

}  // namespace

bool comes_before(const api::crd::Egress& a, const api::crd::Egress& b) {
  return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
         std::tie(b.metadata.creation_timestamp, b.metadata.name);
}

PodChoice choose(const api::ObjectKey& pod, std::span<const api::crd::Egress* const> selecting) {
  PodChoice choice;
  if (selecting.empty()) return choice;
  if (!has_address(*selecting.front())) {
    choice.waits_for = selecting.front();
    return choice;
  }
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    for (const auto* const egress : selecting)
      if (const auto ip = address_for(pod, *egress, family)) {
        choice.addresses.push_back({egress, *ip});
        break;
      }
  return choice;
}

}  // namespace antrea::egress
