#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

/// Resources of Kubernetes and Antrea as plain values. Field names are those of the API, in
/// snake_case; a field that the API makes optional is std::optional where absent and empty differ,
/// else a plain value whose default means "absent".
namespace antrea::api {

using Labels = std::map<std::string, std::string, std::less<>>;

/// metav1.OwnerReference
struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool controller = false;
  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};

/// metav1.ObjectMeta, as far as Antrea reads it. Times are RFC 3339 text.
struct ObjectMeta {
  std::string name;
  std::string namespace_;  ///< empty for cluster-scoped objects
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::string creation_timestamp;
  std::string deletion_timestamp;  ///< not empty: the object is going away
  Labels labels;
  Labels annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

/// metav1.Status: how an API server answers when there is no object to answer with.
struct Status {
  std::string status = "Failure";  ///< or "Success"
  std::string message;
  std::string reason;     ///< "NotFound", "Conflict", …
  std::int32_t code = 0;  ///< of HTTP
  friend bool operator==(const Status&, const Status&) = default;
};

/// Namespace and name: what identifies an object of one kind.
struct ObjectKey {
  std::string namespace_;
  std::string name;
  /// "namespace/name", or "name" without Namespace.
  std::string to_string() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

inline ObjectKey key_of(const ObjectMeta& meta) { return {meta.namespace_, meta.name}; }

/// One expression of a LabelSelector.
struct LabelSelectorRequirement {
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;
  friend auto operator<=>(const LabelSelectorRequirement&,
                          const LabelSelectorRequirement&) = default;
};

/// metav1.LabelSelector: all of it must hold; the empty one matches everything.
struct LabelSelector {
  Labels match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;

  bool empty() const { return match_labels.empty() && match_expressions.empty(); }
  /// NotIn and DoesNotExist also match objects that lack the key.
  ANTREA_API bool matches(const Labels& labels) const;
  friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

/// An integer or a name: a port number, or the name of a container's port.
struct IntOrString {
  std::int32_t number = 0;
  std::string name;  ///< not empty: it is a name
  bool is_name() const { return !name.empty(); }
  std::string to_string() const { return is_name() ? name : std::to_string(number); }
  friend auto operator<=>(const IntOrString&, const IntOrString&) = default;
};

}  // namespace antrea::api

template <>
struct std::hash<antrea::api::ObjectKey> {
  std::size_t operator()(const antrea::api::ObjectKey& key) const noexcept {
    return std::hash<std::string>{}(key.name) * 31 + std::hash<std::string>{}(key.namespace_);
  }
};
