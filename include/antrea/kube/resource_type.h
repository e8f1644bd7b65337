#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/kube/schema.h"

namespace antrea::kube {

/// A column of a Table (meta.k8s.io/v1 TableColumnDefinition). Priority 0 is always shown, higher
/// ones with `-o wide`.
struct TableColumn {
  std::string name, type, format, description;
  std::int32_t priority = 0;
};

/// A cause in `Status.details` of a 422: `type` is the cause's reason ("FieldValueRequired"),
/// `message` what follows the field's name in the Status' message ("Required value").
struct FieldError {
  std::string type, field, message;

  friend bool operator==(const FieldError&, const FieldError&) = default;
};

/// "NAME/subresource", listed in discovery; what it does is the server's business.
struct Subresource {
  std::string name;            ///< "status", "binding", "finalize"
  std::string kind;            ///< of its body, e.g. "Binding"; the resource's own for "status"
  std::string group, version;  ///< of that kind, if not the resource's own
  std::vector<std::string> verbs;
};

/// One resource as an API server serves it: names, shape, defaults, rules and printing. The
/// functions are pure.
struct ResourceType {
  std::string group, version, kind, plural, singular;
  std::vector<std::string> short_names, categories;
  bool namespaced = true;
  bool has_status =
      false;  ///< writes to the object leave `status` alone; `/status` writes only that
  bool counts_generations = false;  ///< metadata.generation: 1 at create, one more when anything
                                    ///< but metadata and status changes
  bool deletes_gracefully =
      false;  ///< Pods: a deletion first sets deletionTimestamp when bound to a Node
  bool delete_returns_object = false;  ///< a DELETE is answered with the object, not with a Status
  std::vector<std::string> verbs;      ///< as discovery lists them, sorted
  std::vector<Subresource> subresources;
  const Schema* schema = nullptr;  // owned by the ResourceTypes
  std::vector<TableColumn> columns;

  /// Fills in what the request left out. `old` is the stored object, null at a creation.
  std::function<void(boost::json::object& object, const boost::json::object* old)> set_defaults;
  /// What makes the (defaulted) object unacceptable; empty if nothing does. `old` as above.
  std::function<std::vector<FieldError>(const boost::json::object& object,
                                        const boost::json::object* old)>
      validate;
  /// One Table cell for each of `columns`. `now`: seconds since 1970-01-01 UTC.
  std::function<boost::json::array(const boost::json::object& object, std::int64_t now)> cells;
  /// Fields a fieldSelector may name, beside metadata.name and metadata.namespace: "spec.nodeName".
  std::vector<std::string> selectable_fields;
  /// The value of a selectable field; empty if it is not set. Null: the field is looked up by its
  /// path.
  std::function<std::string(const boost::json::object& object, std::string_view field)> field_value;

  /// "v1" or "apps/v1".
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  /// "pods" or "networkpolicies.networking.k8s.io", as messages name the resource.
  std::string qualified_name() const { return group.empty() ? plural : plural + "." + group; }
};

/// The resources of one API server and the schemas that they point to. Filled at start, then only
/// read.
class ANTREA_API ResourceTypes {
 public:
  SchemaSet& schemas() { return schemas_; }
  const SchemaSet& schemas() const { return schemas_; }

  /// Takes the type in. Its schema is looked up by group, version and kind if it is null.
  void add(ResourceType type);

  /// By the names of a request path, e.g. ("", "v1", "pods"); null if not served. Pointers stay
  /// good while this lives.
  const ResourceType* find(std::string_view group, std::string_view version,
                           std::string_view plural) const;
  const ResourceType* find_kind(std::string_view group, std::string_view version,
                                std::string_view kind) const;
  /// In the order they were added.
  const std::vector<std::unique_ptr<ResourceType>>& all() const { return types_; }

 private:
  SchemaSet schemas_;
  std::vector<std::unique_ptr<ResourceType>> types_;
};

}  // namespace antrea::kube
