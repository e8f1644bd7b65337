#include "apply.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <stdexcept>

#include "../schema/json.h"

// Server-side apply: kubernetes.io/docs/reference/using-api/server-side-apply. Sets of fields have
// the form of metav1.FieldsV1: an object whose keys are "f:NAME" (a field), "k:{...}" (an element
// of a list, by its keys), "v:VALUE" (an element of a set) and "." (the thing itself); a leaf is
// empty or holds "." alone.
namespace antrea::kube {
namespace json = boost::json;

namespace {
using Fields = json::object;

/// How the elements of a list are told apart: by keys, by value, or not at all.
enum class ListKind : std::uint8_t { kAtomic, kSet, kMap };

struct Node {
  const Schema* schema = nullptr;
  const Property* property = nullptr;

  Node field(std::string_view name) const {
    if (!schema) return {};
    if (schema->kind == SchemaKind::kMap) return {schema->items, nullptr};
    const auto* found = schema->find(name);
    return found ? Node{found->schema, found} : Node{};
  }
  Node item() const { return {schema ? schema->items : nullptr, nullptr}; }
  ListKind list_kind() const {
    if (!property) return ListKind::kAtomic;
    if (!property->list_map_keys.empty()) return ListKind::kMap;
    return property->list_type == "set" ? ListKind::kSet : ListKind::kAtomic;
  }
  bool atomic_map() const { return property && property->map_type == "atomic"; }
};

bool is_leaf(const Fields& fields) {
  return std::ranges::all_of(fields, [](const auto& member) { return member.key() == "."; });
}

/// "k:{"containerPort":80,"protocol":"TCP"}"; keys that the element leaves out get the one default
/// there is.
std::string element_key(const json::object& element, const Property& property) {
  json::object keys;
  auto names = property.list_map_keys;
  std::ranges::sort(names);
  for (const auto& name : names) {
    if (const auto* value = element.if_contains(name))
      keys[name] = *value;
    else if (name == "protocol")
      keys[name] = "TCP";
  }
  return "k:" + json::serialize(keys);
}

std::string element_key(const json::value& element, const Node& list) {
  if (list.list_kind() == ListKind::kSet) return "v:" + json::serialize(element);
  return element.is_object() ? element_key(element.get_object(), *list.property) : "k:{}";
}

json::value* find_element(json::array& array, std::string_view key, const Node& list) {
  const auto it = std::ranges::find_if(
      array, [&](const json::value& each) { return element_key(each, list) == key; });
  return it == array.end() ? nullptr : &*it;
}

/// What of `value` somebody who applies it owns.
Fields owned_fields(const json::value& value, const Node& node) {
  Fields fields;
  if (const auto* object = value.if_object(); object && !node.atomic_map()) {
    for (const auto& [key, each] : *object)
      fields["f:" + std::string(key)] = owned_fields(each, node.field(key));
  } else if (const auto* array = value.if_array(); array && node.list_kind() != ListKind::kAtomic) {
    for (const auto& each : *array) {
      Fields element{{".", json::object{}}};
      if (node.list_kind() == ListKind::kMap)
        for (auto& [key, owned] : owned_fields(each, node.item())) element[key] = owned;
      else
        element.clear();
      fields[element_key(each, node)] = std::move(element);
    }
  }
  return fields;
}

void merge(json::value& live, const json::value& config, const Node& node) {
  if (config.is_object() && live.is_object() && !node.atomic_map()) {
    for (const auto& [key, value] : config.get_object())
      merge(live.get_object()[key], value, node.field(key));
    return;
  }
  if (config.is_array() && live.is_array() && node.list_kind() != ListKind::kAtomic) {
    auto& array = live.get_array();
    for (const auto& each : config.get_array()) {
      auto* existing = find_element(array, element_key(each, node), node);
      if (existing)
        merge(*existing, each, node.item());
      else
        array.push_back(each);
    }
    return;
  }
  live = config;
}

/// Runs over a field set beside a value: `name` is the path's last part, `child` the value there or
/// null.
json::value* child_of(json::value& value, std::string_view name, const Node& node) {
  if (name.starts_with("f:")) {
    auto* object = value.if_object();
    return object ? object->if_contains(name.substr(2)) : nullptr;
  }
  auto* array = value.if_array();
  return array ? find_element(*array, name, node) : nullptr;
}

Node node_of(std::string_view name, const Node& node) {
  return name.starts_with("f:") ? node.field(name.substr(2)) : node.item();
}

void remove_child(json::value& value, std::string_view name, const Node& node) {
  if (auto* object = value.if_object()) {
    object->stable_erase(name.substr(2));
  } else if (auto* array = value.if_array()) {
    if (auto* element = find_element(*array, name, node))
      array->erase(array->begin() + (element - array->data()));
  }
}

bool is_empty(const json::value& value) {
  return (value.is_object() && value.get_object().empty()) ||
         (value.is_array() && value.get_array().empty());
}

/// Removes from `value` what `before` owned, `now` does not, and none of `others` does.
void remove_dropped(json::value& value, const Fields& before, const Fields& now,
                    const std::vector<const Fields*>& others, const Node& node) {
  for (const auto& [name, owned] : before) {
    if (name == "." || !owned.is_object()) continue;
    json::value* child = child_of(value, name, node);
    if (!child) continue;
    const auto* still = now.if_contains(name);
    std::vector<const Fields*> inner;
    for (const auto* other : others)
      if (const auto* fields = other->if_contains(name); fields && fields->is_object())
        inner.push_back(&fields->get_object());
    const bool whole = is_leaf(owned.get_object()) || owned.get_object().contains(".");
    if (!still && inner.empty() && whole) {
      remove_child(value, name, node);
      continue;
    }
    if (is_leaf(owned.get_object())) continue;
    static const Fields kNone;
    remove_dropped(*child, owned.get_object(),
                   still && still->is_object() ? still->get_object() : kNone, inner,
                   node_of(name, node));
    if (!still && is_empty(*child)) remove_child(value, name, node);
  }
}

std::string path_part(std::string_view name) {
  if (name.starts_with("f:")) return "." + std::string(name.substr(2));
  boost::system::error_code code;
  const json::value keys = json::parse(name.substr(2), code);
  if (name.starts_with("v:") || !keys.is_object()) return "[=" + std::string(name.substr(2)) + "]";
  std::string part;
  for (const auto& [key, value] : keys.get_object())
    part += (part.empty() ? "" : ",") + std::string(key) + "=" + json::serialize(value);
  return "[" + part + "]";
}

/// The paths that both own and on whose value they disagree; they are taken out of `other` as well.
void find_conflicts(json::value& live, json::value& wanted, const Fields& mine, Fields& other,
                    const Node& node, const std::string& path, std::vector<std::string>& found) {
  std::vector<std::string> lost;
  for (const auto& [name, owned] : mine) {
    auto* theirs = other.if_contains(name);
    if (name == "." || !theirs || !theirs->is_object() || !owned.is_object()) continue;
    json::value* is = child_of(live, name, node);
    json::value* becomes = child_of(wanted, name, node);
    if (!is || !becomes) continue;
    if (is_leaf(owned.get_object()) || is_leaf(theirs->get_object())) {
      if (*is == *becomes) continue;
      found.push_back(path + path_part(name));
      lost.emplace_back(name);
      continue;
    }
    find_conflicts(*is, *becomes, owned.get_object(), theirs->get_object(), node_of(name, node),
                   path + path_part(name), found);
  }
  for (const auto& name : lost) other.stable_erase(name);
}

bool is_entry_of(const json::value& entry, const Applier& applier) {
  const auto* object = entry.if_object();
  return object && text_at(*object, "manager") == applier.manager &&
         text_at(*object, "operation") == "Apply" &&
         text_at(*object, "subresource") == applier.subresource;
}
}  // namespace

void throw_exception_from_error(const ApplyConflicts&, const boost::source_location&) {
  throw std::logic_error("no value: apply conflicts");
}

std::string describe(const ApplyConflicts& conflicts) {
  std::map<std::string, std::vector<std::string>> by_manager;
  for (const auto& each : conflicts) by_manager[each.manager].push_back(each.field);
  if (conflicts.size() == 1)
    return "conflict with \"" + conflicts[0].manager + "\": " + conflicts[0].field;
  std::string text;
  for (const auto& [manager, fields] : by_manager) {
    text += (text.empty() ? "" : "\n") + std::string("conflicts with \"") + manager + "\":";
    for (const auto& field : fields) text += "\n- " + field;
  }
  return text;
}

boost::system::result<json::object, ApplyConflicts> apply_configuration(const ResourceType& type,
                                                                        const json::object& live,
                                                                        const json::object& config,
                                                                        const Applier& applier) {
  const Node root{type.schema, nullptr};
  json::object wanted = config;
  for (const auto key : {"kind", "apiVersion"}) wanted.stable_erase(key);
  json::object ownable = wanted;
  // Who an object is belongs to nobody; the version is a condition.
  if (auto* metadata = object_if(ownable, "metadata"))
    for (const auto key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp",
                           "generation", "managedFields"})
      metadata->stable_erase(key);
  if (const auto* metadata = object_if(ownable, "metadata"); metadata && metadata->empty())
    ownable.stable_erase("metadata");
  const Fields mine = owned_fields(ownable, root);

  json::array entries;
  if (const auto* stored = array_at(live, "metadata.managedFields")) entries = *stored;
  json::value present = live, desired = ownable;
  ApplyConflicts conflicts;
  std::vector<const Fields*> others;
  Fields before;
  std::string since = applier.time;
  json::array kept;
  for (auto& entry : entries) {
    auto* fields = entry.is_object() ? object_if(entry.get_object(), "fieldsV1") : nullptr;
    if (!fields) continue;
    if (is_entry_of(entry, applier)) {
      before = *fields;
      since = text_at(entry.get_object(), "time");
      continue;
    }
    std::vector<std::string> found;
    find_conflicts(present, desired, mine, *fields, root, {}, found);
    for (auto& field : found)
      conflicts.push_back({std::string(text_at(entry.get_object(), "manager")), std::move(field)});
    if (!fields->empty()) kept.push_back(std::move(entry));
  }
  if (!conflicts.empty() && !applier.force) return conflicts;
  for (const auto& entry : kept) others.push_back(&entry.get_object().at("fieldsV1").get_object());

  json::value result = live;
  merge(result, wanted, root);
  remove_dropped(result, before, mine, others, root);
  json::object& merged = result.get_object();
  json::object& metadata = ensure_object(merged, "metadata");
  if (const auto* version = value_at(wanted, "metadata.resourceVersion"))
    metadata["resourceVersion"] = *version;
  json::object unchanged = live;
  if (mine != before || merged != unchanged) since = applier.time;
  json::object entry{{"manager", applier.manager},       {"operation", "Apply"},
                     {"apiVersion", type.api_version()}, {"time", since},
                     {"fieldsType", "FieldsV1"},         {"fieldsV1", mine}};
  if (!applier.subresource.empty()) entry["subresource"] = applier.subresource;
  kept.insert(kept.begin(), std::move(entry));
  metadata["managedFields"] = std::move(kept);
  return merged;
}

}  // namespace antrea::kube
