#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "antrea/policy/compare.h"

namespace antrea::policy {

/// A change of one policy: it, or none of it.
struct PolicyEdit {
  api::controlplane::NetworkPolicyReference policy;
  std::string field;  ///< "ingress[1]", "ingress[1].ports", "ingress"; empty: all of it
  std::string text;   ///< what to do, e.g. "remove the rule", "add a rule that allows ..."
  ObjectChange now;   ///< the policy as it would be; ObjectDeleted if it goes
};

/// What would turn the verdict on a conversation.
struct Turn {
  std::vector<PolicyEdit> edits;  ///< one, or one for each direction that denies
  /// All that it would change, the conversation among it.
  std::vector<ChangedConversations> changes;
  std::size_t pairs = 0;  ///< of ends that change; everything outside counts as one end
  friend bool operator<(const Turn& a, const Turn& b);
};

/// The smallest change of the policies that would allow what is denied, or deny what is allowed.
///
/// Tried are: a rule that decides taken away or given the other action, a peer or port added to an
/// allowing rule, and a rule about exactly this conversation added where it decides (if nobody
/// says anything yet: in a new ClusterNetworkPolicy). Each is carried out and evaluated; only those
/// that turn the verdict count, and of these the one that changes the least else: the fewest pairs
/// of ends, then the least traffic, then the fewest edits.
///
/// Nothing if none of them does. Cost: that of `compare` for each that is tried, a dozen or two.
ANTREA_API std::optional<Turn> smallest_turn(std::span<const ObjectChange> objects,
                                             const Conversation& conversation);

}  // namespace antrea::policy
