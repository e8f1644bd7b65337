#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "antrea/api/controlplane_codec.h"
#include "antrea/policy/rule_cache.h"

namespace antrea::controlplane {

/// One watch of an agent: events in, input of the rule cache out; of other resources, the objects.
class Subscription {
 public:
  explicit Subscription(api::controlplane::Resource resource) : resource_(resource) {}

  api::controlplane::Resource resource() const { return resource_; }

  /// A stream begins: its first objects will be a full set.
  void begin();
  void end() { live_ = false; }
  /// Whether the full set of the stream under way is complete.
  bool live() const { return live_; }
  /// The revision up to which everything has been received; 0 until a controller of ours told one.
  std::uint64_t progress() const { return progress_; }

  struct Event {
    std::vector<policy::RuleInput> rules;
    bool egress_groups = false;  ///< they have changed
    /// What happened, for those who keep the objects: a full set, or one object.
    bool is_full_set = false;
    std::optional<std::pair<api::controlplane::EventType, api::controlplane::Object>> object;
  };
  /// Errors: an ERROR event, an object that does not decode or does not belong here.
  Result<Event> take(const api::controlplane::WatchFrame& frame, api::controlplane::Format format);

  /// Of evaluatedpods: the Pods, sorted, and the revision at which they were these.
  const std::vector<api::controlplane::EvaluatedPod>& evaluated() const { return evaluated_; }
  std::uint64_t evaluated_revision() const { return evaluated_revision_; }
  /// Of egressgroups: by name, with the members on this Node.
  const std::map<std::string, api::controlplane::EgressGroup>& egress_groups() const {
    return egress_groups_;
  }

 private:
  Result<Event> finish_initial(const api::controlplane::Metadata& bookmark);
  Result<Event> change(api::controlplane::EventType type, api::controlplane::Object object);
  Result<Event> change_egress_group(api::controlplane::EventType type,
                                    api::controlplane::Object object);

  api::controlplane::Resource resource_;
  bool live_ = false;
  std::uint64_t progress_ = 0;
  std::map<std::string, api::controlplane::Object> initial_;  // until the BOOKMARK
  std::vector<api::controlplane::EvaluatedPod> evaluated_;
  std::uint64_t evaluated_revision_ = 0;
  std::map<std::string, api::controlplane::EgressGroup> egress_groups_;
};

/// A full set in the form that the rule cache takes. T is NetworkPolicy, AddressGroup or
/// AppliedToGroup.
inline policy::RuleInput full_set(std::vector<policy::PolicyUpserted> objects) {
  return policy::PoliciesReplaced{std::move(objects)};
}
inline policy::RuleInput full_set(std::vector<policy::AddressGroupUpserted> objects) {
  return policy::AddressGroupsReplaced{std::move(objects)};
}
inline policy::RuleInput full_set(std::vector<policy::AppliedToGroupUpserted> objects) {
  return policy::AppliedToGroupsReplaced{std::move(objects)};
}

}  // namespace antrea::controlplane
