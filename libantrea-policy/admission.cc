#include "antrea/policy/admission.h"

#include <algorithm>
#include <set>

#include "unsupported.h"

namespace antrea::policy {
namespace {

namespace crd = api::crd;

constexpr std::size_t kMaxTiers = 20;
/// Of policies that stand in no Tier, and what is kept for Antrea itself.
constexpr std::int32_t kReserved[] = {crd::kAdminTierPriority, 252, crd::kBaselineAdminTierPriority,
                                      255};

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_static(std::string_view tier) {
  return std::ranges::any_of(crd::kStaticTiers,
                             [&](const auto& each) { return each.first == tier; });
}

class Judge {
 public:
  Judge(const AdmissionQuestion& question, const AdmissionView& view)
      : question_(question), view_(view) {}

  std::vector<Refusal> run() && {
    std::visit(*this, question_.object != nullptr ? *question_.object : *question_.old);
    return std::move(refusals_);
  }

  void operator()(const std::shared_ptr<const crd::NetworkPolicy>& policy) {
    check_policy(policy->spec, old_as<crd::NetworkPolicy>());
  }
  void operator()(const std::shared_ptr<const crd::ClusterNetworkPolicy>& policy) {
    check_policy(policy->spec, old_as<crd::ClusterNetworkPolicy>());
  }
  void operator()(const std::shared_ptr<const crd::Tier>& tier) {
    if (question_.object == nullptr)
      check_removal(*tier);
    else if (const crd::Tier* old = old_as<crd::Tier>())
      check_change(*tier, *old);
    else
      check_new(*tier);
  }
  void operator()(const std::shared_ptr<const crd::Group>& group) {
    check_children("Group", group->metadata, group->spec);
  }
  void operator()(const std::shared_ptr<const crd::ClusterGroup>& group) {
    check_children("ClusterGroup", group->metadata, group->spec);
  }
  void operator()(const std::shared_ptr<const api::admin::ClusterNetworkPolicy>& /*policy*/) {
    if (question_.old != nullptr) return;
    for (const crd::Tier& tier : view_.tiers())
      if (tier.priority == crd::kClusterAdminTierPriority)
        refuse("", "found Tier " + in_quotes(tier.metadata.name) +
                       " with priority 220, expected none: ClusterNetworkPolicies stand there");
  }
  template <typename Other>
  void operator()(const Other& /*other*/) {}

 private:
  void refuse(std::string field, std::string message) {
    refusals_.push_back({std::move(field), std::move(message)});
  }
  template <typename T>
  const T* old_as() const {
    const auto* old =
        question_.old != nullptr ? std::get_if<std::shared_ptr<const T>>(question_.old) : nullptr;
    return old != nullptr ? old->get() : nullptr;
  }

  template <typename Policy>
  void check_policy(const crd::PolicySpec& spec, const Policy* old) {
    if (question_.object == nullptr) return;
    check_tier_of(spec);
    if (old != nullptr && old->spec == spec) return;  // it got in before; its labels may change
    for (Refusal& refusal : find_unsupported(spec))
      refuse("spec." + refusal.field, std::move(refusal.message));
  }
  void check_tier_of(const crd::PolicySpec& spec) {
    if (is_static(spec.tier)) return;
    const auto tiers = view_.tiers();
    if (std::ranges::none_of(tiers, [&](const auto& t) { return t.metadata.name == spec.tier; }))
      refuse("spec.tier", "found " + in_quotes(spec.tier) + ", expected a Tier that exists");
  }

  void check_new(const crd::Tier& tier) {
    if (std::ranges::find(kReserved, tier.priority) != std::end(kReserved))
      return refuse("spec.priority", "found " + std::to_string(tier.priority) +
                                         ", expected none of those that are reserved: 251, 252, "
                                         "254, 255");
    if (tier.priority == crd::kClusterAdminTierPriority)
      return refuse("spec.priority",
                    "found 220, expected another one: ClusterNetworkPolicies of "
                    "policy.networking.k8s.io stand there");
    std::set<std::int32_t> priorities;
    for (const crd::Tier& other : view_.tiers()) {
      if (other.priority == tier.priority)
        return refuse("spec.priority", "found " + std::to_string(tier.priority) + ", which Tier " +
                                           other.metadata.name + " has, expected a free one");
      priorities.insert(other.priority);
    }
    if (priorities.size() >= kMaxTiers)
      refuse("spec.priority", "found " + std::to_string(priorities.size()) +
                                  " Tiers with other priorities, expected at most 19");
  }
  void check_change(const crd::Tier& tier, const crd::Tier& old) {
    if (tier.priority != old.priority && !question_.by_controller)
      refuse("spec.priority", "found " + std::to_string(tier.priority) + ", expected " +
                                  std::to_string(old.priority) + " as it is: it cannot change");
  }
  void check_removal(const crd::Tier& tier) {
    if (is_static(tier.metadata.name))
      return refuse("", "found one of the static Tiers, which always exist");
    const AdmissionView::TierUse use = view_.use_of_tier(tier.metadata.name);
    if (use.cluster_policies + use.policies > 0)
      refuse("", "found " + std::to_string(use.cluster_policies) + " ClusterNetworkPolicies and " +
                     std::to_string(use.policies) +
                     " NetworkPolicies of crd.antrea.io in the "
                     "Tier, expected none");
  }

  void check_children(std::string_view kind, const api::ObjectMeta& meta,
                      const crd::GroupSpec& spec) {
    if (question_.object == nullptr || spec.child_groups.empty()) return;
    const std::string field = "spec.childGroups";
    const auto is = [](const auto& list, std::string_view name) {
      return std::ranges::find(list, name) != list.end();
    };
    for (const AdmissionView::Group& other : view_.groups(meta.namespace_)) {
      if (other.name == meta.name) continue;
      if (is(other.child_groups, meta.name))
        return refuse(field, "found children of a group that is itself a child of " +
                                 std::string(kind) + " " + in_quotes(other.name) +
                                 ", expected one level only");
      if (is(spec.child_groups, other.name) && !other.child_groups.empty())
        return refuse(field, "found " + std::string(kind) + " " + in_quotes(other.name) +
                                 ", which has children itself, expected one level only");
    }
  }

  const AdmissionQuestion& question_;
  const AdmissionView& view_;
  std::vector<Refusal> refusals_;
};

}  // namespace

std::vector<Refusal> admit(const AdmissionQuestion& question, const AdmissionView& view) {
  return Judge(question, view).run();
}

}  // namespace antrea::policy
