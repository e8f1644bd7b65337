#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/api/admission_review.h"
#include "antrea/base/clock.h"
#include "antrea/policy/compiler.h"

/// Which policies, Tiers and groups an API server should take (antrea:
/// pkg/controller/networkpolicy/{validate,mutate}.go). What is wrong with an object by itself is
/// found when it is decoded (api/policy_json.h); here is what takes other objects to tell.
namespace antrea::policy {

/// The objects that there are, as far as admission looks at them.
class AdmissionView {
 public:
  struct Group {
    std::string name;
    std::vector<std::string> child_groups;
  };
  struct TierUse {
    std::size_t cluster_policies = 0, policies = 0;  ///< of crd.antrea.io
  };
  virtual ~AdmissionView() = default;
  virtual std::vector<api::crd::Tier> tiers() const = 0;
  /// The Groups of a Namespace; ClusterGroups if it is empty.
  virtual std::vector<Group> groups(std::string_view namespace_) const = 0;
  virtual TierUse use_of_tier(std::string_view name) const = 0;
};

/// Why an object is not acceptable.
struct Refusal {
  std::string field;    ///< "spec.tier"; empty: the object as a whole
  std::string message;  ///< what was found and expected
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct AdmissionQuestion {
  const ObjectChange* object = nullptr;  ///< as it shall be; null: it is deleted
  const ObjectChange* old = nullptr;     ///< as it is; null: it is created
  bool by_controller = false;            ///< who may set the priority of a Tier right
};

/// Empty if nothing speaks against the write. Cost: that of the view's answers.
///
/// - A policy is in a Tier that exists. Groups and Services that it names may come later.
/// - It asks for nothing that is not realised: l7Protocols, IGMP, the scope ClusterSet, targets
/// that
///   are ExternalEntities; on Nodes nor `namespaces`, toServices, and names of their ports; on
///   Services no names of ports. A policy that is there already may keep its spec.
/// - Tiers: at most 20 priorities, none of them reserved (220 and 251 to 255 but for 253) or taken;
///   a priority stays; static Tiers and those that policies are in stay.
/// - Groups: one level of children, no group its own.
/// - A ClusterNetworkPolicy of policy.networking.k8s.io needs the priority 220 to be free of Tiers.
ANTREA_API std::vector<Refusal> admit(const AdmissionQuestion& question, const AdmissionView& view);

/// Answers for a validating webhook: refuses what cannot be decoded, and what `admit` refuses.
/// Kinds that policies have nothing to do with are allowed. `controller`: the name of the user that
/// the controller is.
ANTREA_API api::AdmissionResponse validate(const api::AdmissionRequest& request,
                                           const AdmissionView& view, std::string_view controller);

/// Answers of `validate` to reviews that come one after the other, from API servers that write only
/// after they were answered: a new Tier that was let in counts at once, for ten seconds, by when it
/// can be seen or was not made. So two at a time cannot both take the last place, or one priority.
class ANTREA_API Reviewer {
 public:
  /// `controller`: as for `validate`.
  explicit Reviewer(std::string controller) : controller_(std::move(controller)) {}
  api::AdmissionResponse validate(const api::AdmissionRequest& request, const AdmissionView& view,
                                  TimePoint now);

 private:
  struct Admitted {
    api::crd::Tier tier;
    TimePoint until;
  };
  std::string controller_;
  std::vector<Admitted> admitted_;
};

/// Answers for a mutating webhook: the Tier and the names of rules, where they are left out, and
/// the label antrea.io/metadata.name of Namespaces.
ANTREA_API api::AdmissionResponse mutate(const api::AdmissionRequest& request);

}  // namespace antrea::policy
