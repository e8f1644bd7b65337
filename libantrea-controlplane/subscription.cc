#include "subscription.h"

#include <algorithm>
#include <charconv>

#include "antrea/api/controlplane_changes.h"
#include "antrea/base/sorted.h"

namespace antrea::controlplane {

using namespace api::controlplane;

namespace {

const Metadata& meta_of(const Object& object) {
  static const Metadata kNone;
  return std::visit(
      []<typename T>(const T& value) -> const Metadata& {
        if constexpr (std::is_same_v<T, api::Status>)
          return kNone;
        else
          return value.metadata;
      },
      object);
}

std::uint64_t revision_of(const Metadata& meta) {
  std::uint64_t revision = 0;
  const std::string& text = meta.resource_version;
  std::from_chars(text.data(), text.data() + text.size(), revision);
  return revision;
}

/// The resource whose watch sends objects of this type; nothing for a Status.
template <typename T>
constexpr std::optional<Resource> resource_of() {
  if constexpr (std::is_same_v<T, NetworkPolicy>) return Resource::kNetworkPolicies;
  if constexpr (std::is_same_v<T, AddressGroup> || std::is_same_v<T, AddressGroupPatch>)
    return Resource::kAddressGroups;
  if constexpr (std::is_same_v<T, AppliedToGroup> || std::is_same_v<T, AppliedToGroupPatch>)
    return Resource::kAppliedToGroups;
  if constexpr (std::is_same_v<T, EvaluatedPods> || std::is_same_v<T, EvaluatedPodsPatch>)
    return Resource::kEvaluatedPods;
  if constexpr (std::is_same_v<T, EgressGroup> || std::is_same_v<T, EgressGroupPatch>)
    return Resource::kEgressGroups;
  return std::nullopt;
}

bool belongs(const Object& object, Resource resource) {
  return std::visit([resource]<typename T>(const T&) { return resource_of<T>() == resource; },
                    object);
}

template <typename T>
policy::RuleInput collect(std::map<std::string, Object> objects) {
  std::vector<std::shared_ptr<const T>> all;
  for (auto& [name, object] : objects)
    if (auto* value = std::get_if<T>(&object))
      all.push_back(std::make_shared<const T>(std::move(*value)));
  return full_set(std::move(all));
}

/// What one event means to the rule cache; nothing for EvaluatedPods and EgressGroups.
struct ToInput {
  EventType type;
  std::optional<policy::RuleInput> operator()(const NetworkPolicy& policy) const {
    if (type == EventType::kDeleted) return policy::PolicyDeleted{policy.metadata.name};
    return std::make_shared<const NetworkPolicy>(policy);
  }
  std::optional<policy::RuleInput> operator()(const AddressGroup& group) const {
    if (type == EventType::kDeleted) return policy::AddressGroupDeleted{group.metadata.name};
    return std::make_shared<const AddressGroup>(group);
  }
  std::optional<policy::RuleInput> operator()(const AppliedToGroup& group) const {
    if (type == EventType::kDeleted) return policy::AppliedToGroupDeleted{group.metadata.name};
    return std::make_shared<const AppliedToGroup>(group);
  }
  std::optional<policy::RuleInput> operator()(const AddressGroupPatch& patch) const {
    return policy::AddressGroupPatched{patch};
  }
  std::optional<policy::RuleInput> operator()(const AppliedToGroupPatch& patch) const {
    return policy::AppliedToGroupPatched{patch};
  }
  std::optional<policy::RuleInput> operator()(const auto&) const { return std::nullopt; }
};

void apply_to(std::vector<EvaluatedPod>& pods, const EvaluatedPodsPatch& patch) {
  for (const auto& pod : patch.removed) std::erase(pods, pod);
  pods.insert(pods.end(), patch.added.begin(), patch.added.end());
  sort_unique(pods);
}

}  // namespace

void Subscription::begin() {
  live_ = false;
  initial_.clear();
}

Result<Subscription::Event> Subscription::take(const WatchFrame& frame, Format format) {
  ANTREA_TRY(Object object, decode(frame.body, format));
  if (frame.type == EventType::kError) {
    const auto* status = std::get_if<api::Status>(&object);
    return make_error(Errc::kUnavailable,
                      "watch: " + (status != nullptr ? status->message : "an error event"),
                      std::string(to_string(resource_)));
  }
  if (!belongs(object, resource_))
    return make_error(Errc::kMalformed, "watch: found an object of another kind",
                      std::string(to_string(resource_)));
  if (frame.type == EventType::kBookmark) {
    const Metadata& meta = meta_of(object);
    if (!live_) return finish_initial(meta);
    progress_ = revision_of(meta);
    return Event{};
  }
  if (live_) return change(frame.type, std::move(object));
  std::string name = meta_of(object).name;
  if (frame.type == EventType::kDeleted)
    initial_.erase(name);
  else
    initial_.insert_or_assign(std::move(name), std::move(object));
  return Event{};
}

Result<Subscription::Event> Subscription::finish_initial(const Metadata& bookmark) {
  live_ = true;
  progress_ = revision_of(bookmark);
  auto objects = std::exchange(initial_, {});
  Event event;
  event.is_full_set = true;
  switch (resource_) {
    case Resource::kNetworkPolicies:
      event.rules.push_back(collect<NetworkPolicy>(std::move(objects)));
      break;
    case Resource::kAddressGroups:
      event.rules.push_back(collect<AddressGroup>(std::move(objects)));
      break;
    case Resource::kAppliedToGroups:
      event.rules.push_back(collect<AppliedToGroup>(std::move(objects)));
      break;
    case Resource::kEvaluatedPods:
      evaluated_.clear();
      for (auto& [name, object] : objects)
        if (auto* pods = std::get_if<EvaluatedPods>(&object)) evaluated_ = std::move(pods->pods);
      evaluated_revision_ = progress_;
      break;
    case Resource::kEgressGroups:
      egress_groups_.clear();
      for (auto& [name, object] : objects)
        if (auto* group = std::get_if<EgressGroup>(&object))
          egress_groups_.emplace(name, std::move(*group));
      event.egress_groups = true;
      break;
  }
  return event;
}

Result<Subscription::Event> Subscription::change_egress_group(EventType type, Object object) {
  Event event;
  event.egress_groups = true;
  const std::string name = meta_of(object).name;
  if (type == EventType::kDeleted) {
    egress_groups_.erase(name);
  } else if (auto* group = std::get_if<EgressGroup>(&object)) {
    egress_groups_.insert_or_assign(name, std::move(*group));
  } else if (auto* patch = std::get_if<EgressGroupPatch>(&object)) {
    const auto held = egress_groups_.find(name);
    if (held == egress_groups_.end())
      return make_error(Errc::kMalformed, "watch: found a patch of an unknown group",
                        "EgressGroup " + name);
    std::ranges::sort(patch->added);
    std::ranges::sort(patch->removed);
    api::controlplane::apply(MemberDelta{std::move(patch->added), std::move(patch->removed)},
                             held->second.members);
  }
  return event;
}

Result<Subscription::Event> Subscription::change(EventType type, Object object) {
  if (resource_ == Resource::kEgressGroups) return change_egress_group(type, std::move(object));
  if (resource_ == Resource::kEvaluatedPods) {
    if (const auto* patch = std::get_if<EvaluatedPodsPatch>(&object))
      apply_to(evaluated_, *patch);
    else if (auto* pods = std::get_if<EvaluatedPods>(&object))
      evaluated_ = type == EventType::kDeleted ? std::vector<EvaluatedPod>() : pods->pods;
    evaluated_revision_ = revision_of(meta_of(object));
    return Event{};
  }
  Event event;
  if (auto input = std::visit(ToInput{type}, object)) event.rules.push_back(*std::move(input));
  event.object.emplace(type, std::move(object));
  return event;
}

}  // namespace antrea::controlplane
