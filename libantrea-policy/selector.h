#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/api/controlplane.h"
#include "string_pool.h"

namespace antrea::policy {

/// A label in pool numbers: key in the upper half, value in the lower one. A label set is sorted.
using Label = std::uint64_t;
using LabelSet = boost::container::small_vector<Label, 3>;

inline Label make_label(StringId key, StringId value) {
  return static_cast<Label>(key) << 32 | value;
}

/// Interns each key and value; `release_labels` gives them back.
LabelSet acquire_labels(const api::Labels& labels, StringPool& pool);
void release_labels(const LabelSet& labels, StringPool& pool);

/// A LabelSelector in pool numbers, ready to be matched many times.
class CompiledSelector {
 public:
  CompiledSelector() = default;
  CompiledSelector(const api::LabelSelector& selector, StringPool& pool);
  void release(StringPool& pool) const;

  bool matches(std::span<const Label> labels) const;
  bool match_all() const { return requirements_.empty(); }
  /// Every matching label set holds exactly one of these labels; empty if there is no such list.
  /// The shortest one that the selector offers: what an index of labels is asked for.
  std::span<const Label> anchors() const { return anchors_; }

 private:
  struct Requirement {
    api::LabelSelectorRequirement::Operator op{};
    StringId key = 0;
    boost::container::small_vector<StringId, 2> values;  // sorted
  };
  std::vector<Requirement> requirements_;
  boost::container::small_vector<Label, 1> anchors_;
};

/// What a group is made of; the members of one group are of one kind. Nodes have no Namespace. A
/// Service is named, not selected.
using EntityKind = api::controlplane::MemberKind;

/// What picks the members of a group. Absent selectors and present but empty ones differ.
struct GroupSelector {
  std::string namespace_;  ///< used if `namespace_selector` is absent; empty: all Namespaces
  std::optional<api::LabelSelector> namespace_selector;
  std::optional<api::LabelSelector> selector;  ///< of the members' labels
  EntityKind kind = EntityKind::kPod;
  std::string service;  ///< the name; only kService
};

/// The same, borrowed.
struct GroupSelectorView {
  using Optional = std::optional<api::LabelSelector>;

  /// Pods.
  GroupSelectorView(std::string_view ns, const api::LabelSelector* of_namespaces,
                    const api::LabelSelector* of_pods)
      : namespace_(ns), namespace_selector(of_namespaces), selector(of_pods) {}
  GroupSelectorView(std::string_view ns, const Optional& of_namespaces, const Optional& of_pods)
      : GroupSelectorView(ns, pointer(of_namespaces), pointer(of_pods)) {}
  GroupSelectorView(const GroupSelector& of)
      : GroupSelectorView(of.namespace_, of.namespace_selector, of.selector) {
    kind = of.kind;
    service = of.service;
  }

  std::string_view namespace_;
  const api::LabelSelector* namespace_selector = nullptr;
  const api::LabelSelector* selector = nullptr;
  EntityKind kind = EntityKind::kPod;
  std::string_view service;

 private:
  static const api::LabelSelector* pointer(const Optional& selector) {
    return selector ? &*selector : nullptr;
  }
};

/// Requirements sorted by key and joined by commas, e.g. "app=web,!old,tier in (a,b)".
void append_normalized(const api::LabelSelector& selector, std::string& text);
/// The text from which a group's name is derived (antrea: pkg/controller/types/group.go), e.g.
/// "namespace=default And podSelector=app=web".
void append_normalized(const GroupSelectorView& selector, std::string& text);
/// The UUID that names the group in the control plane, and its text.
using GroupUuid = std::array<std::uint8_t, 16>;
GroupUuid group_uuid(std::string_view normalized_selector);
std::string to_string(const GroupUuid& uuid);

}  // namespace antrea::policy
