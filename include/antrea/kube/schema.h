#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::kube {

/// What JSON a value of a Kubernetes type is.
enum class SchemaKind : std::uint8_t {
  kAny,      ///< anything at all, e.g. managedFields' fieldsV1
  kString,   ///< see Schema::format: "byte", "date-time", "quantity" (a number is taken too) or
             ///< empty
  kInteger,  ///< see Schema::format: "int32", "int64"
  kNumber,
  kBoolean,
  kIntOrString,  ///< a port number or name
  kObject,       ///< named properties
  kMap,          ///< string to `items`
  kList,         ///< of `items`
};

struct GroupVersionKind {
  std::string group, version, kind;

  friend auto operator<=>(const GroupVersionKind&, const GroupVersionKind&) = default;
};

struct Schema;

/// One field of an object type, with the marks that tell how patches merge it (the `patchStrategy`,
/// `patchMergeKey`, `listType`, `listMapKey` and `mapType` of Kubernetes' API types).
struct Property {
  std::string name;
  std::string description;
  const Schema* schema = nullptr;  // owned by the SchemaSet
  bool required = false;
  std::string patch_strategy;  ///< of strategic merge: "", "merge", "retainKeys",
                               ///< "merge,retainKeys", "replace"
  std::string
      patch_merge_key;    ///< of a list with patch strategy "merge"; empty for a list of scalars
  std::string list_type;  ///< of server-side apply: "", "atomic", "set", "map"
  std::vector<std::string> list_map_keys;
  std::string map_type;  ///< "", "atomic"

  /// Whether strategic merge merges this list (else it replaces it).
  bool merges_list() const { return patch_strategy.find("merge") != std::string::npos; }
  /// Whether strategic merge drops the keys of an object that the patch does not name.
  bool retains_keys() const { return patch_strategy.find("retainKeys") != std::string::npos; }
};

/// The shape of one type: of a scalar, a list, a map, or an object with properties. Immutable once
/// in a SchemaSet.
struct Schema {
  SchemaKind kind = SchemaKind::kAny;
  std::string
      definition;  ///< "io.k8s.api.core.v1.PodSpec"; empty unless an object or a named scalar
  std::string description;
  std::string format;
  std::vector<std::string>
      enumeration;                   ///< the values of a string, documented but not enforced here
  std::vector<Property> properties;  ///< of kObject, by name
  const Schema* items = nullptr;     ///< of kList and kMap
  std::vector<GroupVersionKind> kinds;  ///< of a top-level object, else empty
  bool preserves_unknown = false;       ///< an object that may hold fields beyond its properties

  /// The property of that name, or null. Cost: logarithmic.
  ANTREA_API const Property* find(std::string_view name) const;
};

/// Owns schemas that refer to each other. Copies of a pointer into it stay good while it lives,
/// also when it is moved.
class ANTREA_API SchemaSet {
 public:
  SchemaSet() = default;
  SchemaSet(SchemaSet&&) = default;
  SchemaSet& operator=(SchemaSet&&) = default;

  /// Adds the types described by `text`, one fact a line:
  ///
  ///     package io.k8s.api.core.v1
  ///     type ContainerPort : A port that a container listens on.
  ///       containerPort! int32 : Number of the port, 1 to 65535.
  ///       protocol string enum=TCP|UDP|SCTP : Transport protocol.
  ///     kind Pod v1 : ...            # a top-level object; "group/version" or "version"
  ///       spec PodSpec : ...
  ///
  /// A field is indented: a name (`!`: required), a type and marks. A type is `string`, `int32`,
  /// `int64`, `number`, `bool`, `any`, `bytes`, `time`, `microtime`, `quantity`, `intOrString`, the
  /// name of a type in the same package, `meta.NAME` (of apimachinery), `core.NAME`, a full name,
  /// or any of them behind `[]` (list) or `map:`. Marks: `merge=KEY` or `merge` (strategic merge of
  /// a list), `keys=A,B` (list map keys), `set`, `atomic`, `retainKeys`, `enum=A|B`. Types may be
  /// used before they are described.
  ///
  /// Error: kMalformed with the line; nothing is added then.
  Result<> add(std::string_view text);

  /// The named type, e.g. "io.k8s.api.core.v1.Pod", or null.
  const Schema* find(std::string_view definition) const;
  /// The object type of a group, version and kind, or null.
  const Schema* find(const GroupVersionKind& kind) const;
  const std::map<std::string, std::unique_ptr<Schema>, std::less<>>& definitions() const {
    return named_;
  }

 private:
  class Builder;
  using SchemaMap = std::map<std::string, std::unique_ptr<Schema>, std::less<>>;

  SchemaMap named_;
  std::vector<std::unique_ptr<Schema>> anonymous_;  // scalars, lists and maps that named_ refers to
};

/// A place where an object does not fit its schema.
struct FieldProblem {
  enum class Kind : std::uint8_t {
    kUnknownField,  ///< reported under strict field validation, dropped otherwise
    kBadType,       ///< never accepted
  };
  Kind kind;
  std::string path;     ///< "spec.containers[0].imagee"
  std::string message;  ///< as the API server words it: `unknown field "spec.containers[0].imagee"`

  friend bool operator==(const FieldProblem&, const FieldProblem&) = default;
};

/// What in `object` does not fit, in document order; at most `limit` problems. null fits
/// everywhere. Nesting beyond 128 is a problem.
ANTREA_API std::vector<FieldProblem> check_fields(const Schema& schema,
                                                  const boost::json::object& object,
                                                  std::size_t limit = 32);

/// Removes fields that the schema does not know and those that are null, as decoding into a typed
/// object does.
ANTREA_API void prune_fields(const Schema& schema, boost::json::object& object);

}  // namespace antrea::kube
