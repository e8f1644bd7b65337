#include "antrea/api/json.h"
#include "field.h"

namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;
using detail::put;
using Operator = LabelSelectorRequirement::Operator;

namespace {

constexpr std::pair<std::string_view, Operator> kOperators[] = {
    {"In", Operator::kIn},
    {"NotIn", Operator::kNotIn},
    {"Exists", Operator::kExists},
    {"DoesNotExist", Operator::kDoesNotExist},
};

LabelSelectorRequirement read_requirement(Field json) {
  LabelSelectorRequirement requirement;
  requirement.key = json["key"].required_text();
  const Field op = json["operator"];
  if (!op.present()) op.invalid("found nothing, expected In, NotIn, Exists or DoesNotExist");
  requirement.op = op.choice(kOperators, Operator::kIn);
  requirement.values = json["values"].texts();
  const bool takes_values = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
  if (takes_values && requirement.values.empty())
    json["values"].invalid("found nothing, expected at least one value for In and NotIn");
  if (!takes_values && !requirement.values.empty())
    json["values"].invalid("found values, expected none for Exists and DoesNotExist");
  return requirement;
}

OwnerReference read_owner(Field json) {
  return {json["apiVersion"].text(), json["kind"].text(), json["name"].text(), json["uid"].text(),
          json["controller"].boolean()};
}

json::object to_json(const OwnerReference& owner) {
  json::object object{{"apiVersion", owner.api_version},
                      {"kind", owner.kind},
                      {"name", owner.name},
                      {"uid", owner.uid}};
  if (owner.controller) object["controller"] = true;
  return object;
}

json::object to_json(const LabelSelectorRequirement& requirement) {
  json::object object{{"key", requirement.key}};
  for (const auto& [name, op] : kOperators)
    if (op == requirement.op) object["operator"] = name;
  put(object, "values", detail::to_json(requirement.values));
  return object;
}

}  // namespace

ObjectMeta detail::read_object_meta(Field json) {
  ObjectMeta meta;
  meta.name = json["name"].text();
  meta.namespace_ = json["namespace"].text();
  meta.uid = json["uid"].text();
  meta.resource_version = json["resourceVersion"].text();
  meta.generation = json["generation"].int64();
  meta.creation_timestamp = json["creationTimestamp"].text();
  meta.deletion_timestamp = json["deletionTimestamp"].text();
  meta.labels = json["labels"].labels();
  meta.annotations = json["annotations"].labels();
  meta.owner_references = json["ownerReferences"].list(read_owner);
  meta.finalizers = json["finalizers"].texts();
  return meta;
}

LabelSelector detail::read_label_selector(Field json) {
  return {json["matchLabels"].labels(), json["matchExpressions"].list(read_requirement)};
}

Protocol detail::read_protocol(Field json) {
  return json.present() ? json.parsed(parse_protocol) : Protocol::kTcp;
}

Result<ObjectMeta> decode_object_meta(const json::value& json) {
  Document document(json);
  auto meta = detail::read_object_meta(Field(document));
  return std::move(document).finish(std::move(meta), "ObjectMeta");
}

Result<LabelSelector> decode_label_selector(const json::value& json) {
  Document document(json);
  auto selector = detail::read_label_selector(Field(document));
  return std::move(document).finish(std::move(selector), "LabelSelector");
}

json::value encode(const ObjectMeta& meta) {
  json::object object;
  put(object, "name", meta.name);
  put(object, "namespace", meta.namespace_);
  put(object, "uid", meta.uid);
  put(object, "resourceVersion", meta.resource_version);
  if (meta.generation != 0) object["generation"] = meta.generation;
  put(object, "creationTimestamp", meta.creation_timestamp);
  put(object, "deletionTimestamp", meta.deletion_timestamp);
  put(object, "labels", detail::to_json(meta.labels));
  put(object, "annotations", detail::to_json(meta.annotations));
  put(object, "ownerReferences",
      detail::to_array(meta.owner_references, [](const auto& owner) { return to_json(owner); }));
  put(object, "finalizers", detail::to_json(meta.finalizers));
  return object;
}

json::value encode(const LabelSelector& selector) {
  json::object object;
  put(object, "matchLabels", detail::to_json(selector.match_labels));
  put(object, "matchExpressions",
      detail::to_array(selector.match_expressions, [](const auto& each) { return to_json(each); }));
  return object;
}

}  // namespace antrea::api
