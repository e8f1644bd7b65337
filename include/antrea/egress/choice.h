#pragma once

#include <span>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/egress.h"

namespace antrea::egress {

/// Whether `a` has Pods that both select: the older one, of those created in one second the first
/// by name.
ANTREA_API bool comes_before(const api::crd::Egress& a, const api::crd::Egress& b);

/// With which addresses a Pod's traffic leaves.
struct PodChoice {
  struct Address {
    const api::crd::Egress* egress;
    IpAddress ip;
  };
  std::vector<Address> addresses;  ///< at most one of a family, IPv4 first
  /// The Egress that has the Pod has no address yet: what would leave with it waits.
  const api::crd::Egress* waits_for = nullptr;
};

/// Chooses among the Egresses that select `pod`, which are in the order of `comes_before`. The
/// first one has the Pod; what it has no address for, of the Pod's two families, the next one has.
/// Of several addresses of an Egress, a Pod has the same one for as long as these are, and one that
/// comes or goes moves only its own Pods.
ANTREA_API PodChoice choose(const api::ObjectKey& pod,
                            std::span<const api::crd::Egress* const> selecting);

}  // namespace antrea::egress
