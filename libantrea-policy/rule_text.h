#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/policy/rule.h"

namespace antrea::policy {

/// What a rule of a policy is: its parts that do not depend on groups, and the digest of all it
/// says as ID.
std::shared_ptr<const RuleIdentity> identify(const api::controlplane::NetworkPolicy& policy,
                                             const api::controlplane::NetworkPolicyRule& rule);

/// The AppliedToGroups of a rule: its own, else the policy's.
const std::vector<std::string>& applied_to_groups(const api::controlplane::NetworkPolicy& policy,
                                                  const api::controlplane::NetworkPolicyRule& rule);

/// "TCP", "UDP" and so on; empty for a number that has no name here.
std::string_view protocol_name(api::controlplane::ServiceProtocol protocol);

/// "TCP/80,UDP/53-54": tells lists of services apart.
std::string services_text(std::span<const api::controlplane::Service> services);

bool has_named_port(std::span<const api::controlplane::Service> services);
/// The services with names replaced by the numbers that `ports` declare; sorted, no duplicates. A
/// name that is not declared drops out, one declared more than once counts each time.
std::vector<api::controlplane::Service> resolve(
    std::span<const api::controlplane::Service> services,
    std::span<const api::controlplane::NamedPort> ports);

/// The prefixes that blocks cover, less their exceptions; sorted, no duplicates.
std::vector<IpPrefix> prefixes_of(std::span<const api::IpBlock> blocks);

}  // namespace antrea::policy
