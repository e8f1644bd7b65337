#include "antrea/kube/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <map>
#include <set>

#include "antrea/base/hash.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

/// The two dialects differ in where definitions live and in how a property refers to one.
enum class Dialect { kV2, kV3 };

std::string_view definitions_path(Dialect dialect) {
  return dialect == Dialect::kV2 ? "#/definitions/" : "#/components/schemas/";
}

array to_array(const std::vector<std::string>& texts) {
  array list;
  for (const auto& text : texts) list.push_back(boost::json::value(text));
  return list;
}

object gvk_entry(const GroupVersionKind& kind) {
  return {{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}};
}

class SchemaWriter {
 public:
  explicit SchemaWriter(Dialect dialect) : dialect_(dialect) {}

  /// Adds the definition and all that it refers to.
  void add(const Schema& schema) {
    if (schema.definition.empty()) {
      if (schema.items != nullptr) add(*schema.items);
      return;
    }
    if (!written_.insert(schema.definition).second) return;
    for (const auto& property : schema.properties) add(*property.schema);
    definitions_.emplace(schema.definition, definition(schema));
  }

  object take() {
    object all;
    for (auto& [name, each] : definitions_) all[name] = std::move(each);
    return all;
  }

 private:
  /// The inside of a definition.
  object definition(const Schema& schema) const {
    object out{{"description", schema.description}, {"type", "object"}};
    object properties;
    array required;
    for (const auto& property : schema.properties) {
      properties[property.name] = describe(property);
      if (property.required) required.push_back(boost::json::value(property.name));
    }
    if (!properties.empty()) out["properties"] = std::move(properties);
    if (!required.empty()) out["required"] = std::move(required);
    if (!schema.kinds.empty()) {
      array kinds;
      for (const auto& kind : schema.kinds) kinds.push_back(gvk_entry(kind));
      out["x-kubernetes-group-version-kind"] = std::move(kinds);
    }
    if (schema.preserves_unknown) out["x-kubernetes-preserve-unknown-fields"] = true;
    return out;
  }

  object describe(const Property& property) const {
    auto out = refer(*property.schema);
    if (const auto* ref = out.if_contains("$ref"); ref != nullptr && dialect_ == Dialect::kV3) {
      array all_of{object{{"$ref", *ref}}};
      out = {{"allOf", std::move(all_of)}, {"default", object{}}};
    }
    if (!property.description.empty()) out["description"] = property.description;
    if (!property.patch_merge_key.empty())
      out["x-kubernetes-patch-merge-key"] = property.patch_merge_key;
    if (!property.patch_strategy.empty())
      out["x-kubernetes-patch-strategy"] = property.patch_strategy;
    if (!property.list_type.empty()) out["x-kubernetes-list-type"] = property.list_type;
    if (!property.list_map_keys.empty())
      out["x-kubernetes-list-map-keys"] = to_array(property.list_map_keys);
    if (!property.map_type.empty()) out["x-kubernetes-map-type"] = property.map_type;
    return out;
  }

  object refer(const Schema& schema) const {
    switch (schema.kind) {
      case SchemaKind::kAny:
        return {};
      case SchemaKind::kObject:
        return {{"$ref", fmt::format("{}{}", definitions_path(dialect_), schema.definition)}};
      case SchemaKind::kList:
        return {{"type", "array"}, {"items", refer(*schema.items)}};
      case SchemaKind::kMap:
        return {{"type", "object"}, {"additionalProperties", refer(*schema.items)}};
      case SchemaKind::kInteger:
        return {{"type", "integer"}, {"format", schema.format}};
      case SchemaKind::kNumber:
        return {{"type", "number"}, {"format", schema.format}};
      case SchemaKind::kBoolean:
        return {{"type", "boolean"}};
      case SchemaKind::kIntOrString:
        if (dialect_ == Dialect::kV2) return {{"type", "string"}, {"format", schema.format}};
        return {{"oneOf", array{object{{"type", "integer"}}, object{{"type", "string"}}}},
                {"format", schema.format}};
      case SchemaKind::kString:
        break;
    }
    if (schema.format == "quantity" && dialect_ == Dialect::kV3)
      return {{"oneOf", array{object{{"type", "string"}}, object{{"type", "number"}}}}};
    object out{{"type", "string"}};
    if (!schema.format.empty() && schema.format != "quantity") out["format"] = schema.format;
    if (!schema.enumeration.empty()) out["enum"] = to_array(schema.enumeration);
    return out;
  }

  Dialect dialect_;
  std::set<std::string> written_;
  std::map<std::string, object> definitions_;
};

object query_parameter(std::string_view name, std::string_view type, std::string_view description,
                       Dialect dialect) {
  object out{
      {"name", std::string(name)}, {"in", "query"}, {"description", std::string(description)}};
  if (dialect == Dialect::kV2) {
    out["type"] = std::string(type);
    out["uniqueItems"] = true;
  } else {
    out["schema"] = object{{"type", std::string(type)}, {"uniqueItems", true}};
  }
  return out;
}

/// One operation, as far as clients look: kubectl asks whether the PATCH of a kind knows `dryRun`
/// and `fieldValidation`, and finds the kind of a resource by its path.
object operation(const ResourceType& type, std::string_view verb, Dialect dialect) {
  const bool writes = verb == "create" || verb == "update" || verb == "patch";
  array parameters;
  const auto add = [&](std::string_view name, std::string_view kind, std::string_view text) {
    parameters.push_back(query_parameter(name, kind, text, dialect));
  };
  if (writes || verb == "delete") add("dryRun", "string", "\"All\" to change nothing.");
  if (writes) {
    add("fieldManager", "string", "Name of the client for metadata.managedFields.");
    add("fieldValidation", "string", "What becomes of unknown fields: Ignore, Warn or Strict.");
  }
  if (verb == "patch") add("force", "boolean", "Take over fields that other appliers own.");
  if (verb == "list") {
    add("labelSelector", "string", "Only objects with these labels.");
    add("fieldSelector", "string", "Only objects with these fields.");
    add("watch", "boolean", "Stream the changes instead of a list.");
  }
  object out{{"operationId", fmt::format("{}{}{}", verb, type.version, type.kind)},
             {"x-kubernetes-action", std::string(verb)},
             {"x-kubernetes-group-version-kind", gvk_entry({type.group, type.version, type.kind})},
             {"responses", object{{"200", object{{"description", "OK"}}}}}};
  if (dialect == Dialect::kV2) out["produces"] = array{"application/json"};
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  return out;
}

void add_paths(const ResourceType& type, Dialect dialect, object& paths) {
  const auto has = [&](std::string_view verb) {
    return std::ranges::find(type.verbs, verb) != type.verbs.end();
  };
  const auto prefix = type.group.empty() ? fmt::format("/api/{}", type.version)
                                         : fmt::format("/apis/{}/{}", type.group, type.version);
  const auto whole = fmt::format("{}/{}", prefix, type.plural);
  const auto collection =
      type.namespaced ? fmt::format("{}/namespaces/{{namespace}}/{}", prefix, type.plural) : whole;
  object all, one;
  if (has("list")) all["get"] = operation(type, "list", dialect);
  if (type.namespaced) paths[whole] = all;
  if (has("create")) all["post"] = operation(type, "create", dialect);
  if (has("get")) one["get"] = operation(type, "get", dialect);
  if (has("update")) one["put"] = operation(type, "update", dialect);
  if (has("patch")) one["patch"] = operation(type, "patch", dialect);
  if (has("delete")) one["delete"] = operation(type, "delete", dialect);
  paths[collection] = std::move(all);
  paths[collection + "/{name}"] = std::move(one);
}

object info() { return {{"title", "Kubernetes"}, {"version", "v1.26.5"}}; }

void add_common(const SchemaSet& schemas, SchemaWriter& writer) {
  for (const auto* name : {"DeleteOptions", "Status"})
    if (const auto* schema = schemas.find(GroupVersionKind{"", "v1", name})) writer.add(*schema);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> openapi_v3_documents(const ResourceTypes& types) {
  std::map<std::string, std::vector<const ResourceType*>> by_path;
  for (const auto& type : types.all()) {
    by_path[type->group.empty() ? fmt::format("api/{}", type->version)
                                : fmt::format("apis/{}/{}", type->group, type->version)]
        .push_back(type.get());
  }
  std::vector<std::pair<std::string, std::string>> documents;
  for (const auto& [path, members] : by_path) {
    SchemaWriter writer(Dialect::kV3);
    object paths;
    add_common(types.schemas(), writer);
    for (const auto* type : members) {
      if (type->schema != nullptr) writer.add(*type->schema);
      add_paths(*type, Dialect::kV3, paths);
    }
    const object document{{"openapi", "3.0.0"},
                          {"info", info()},
                          {"paths", std::move(paths)},
                          {"components", object{{"schemas", writer.take()}}}};
    documents.emplace_back(path, boost::json::serialize(document));
  }
  return documents;
}

object openapi_v3_index(const std::vector<std::pair<std::string, std::string>>& documents) {
  object paths;
  for (const auto& [path, text] : documents) {
    auto hash = sha1_hex(text);
    std::ranges::transform(hash, hash.begin(), [](unsigned char c) { return std::toupper(c); });
    paths[path] = object{{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}", path, hash)}};
  }
  return {{"paths", std::move(paths)}};
}

object openapi_v2_document(const ResourceTypes& types) {
  SchemaWriter writer(Dialect::kV2);
  object paths;
  add_common(types.schemas(), writer);
  for (const auto& type : types.all()) {
    if (type->schema != nullptr) writer.add(*type->schema);
    add_paths(*type, Dialect::kV2, paths);
  }
  return {{"swagger", "2.0"},
          {"info", info()},
          {"paths", std::move(paths)},
          {"definitions", writer.take()}};
}

}  // namespace antrea::kube
