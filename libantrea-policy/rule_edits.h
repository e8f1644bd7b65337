#pragma once

#include <span>
#include <vector>

#include "antrea/policy/turn.h"

namespace antrea::policy {

/// Whether the object is the policy that the reference means.
bool refers_to(const ObjectChange& object, const api::controlplane::NetworkPolicyReference& policy);

/// Changes that may make one direction allow the conversation, by what it said; each of one policy.
/// They are to be tried: not all of them do.
std::vector<PolicyEdit> edits_to_allow(std::span<const ObjectChange> objects,
                                       const Conversation& conversation,
                                       api::controlplane::Direction direction,
                                       const DirectionVerdict& said);
/// The same for denying it, by who decided; nothing: nobody did.
std::vector<PolicyEdit> edits_to_deny(std::span<const ObjectChange> objects,
                                      const Conversation& conversation,
                                      api::controlplane::Direction direction,
                                      const std::optional<RuleStep>& decider);

}  // namespace antrea::policy
