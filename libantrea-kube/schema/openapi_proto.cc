#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/kube/openapi.h"
#include "json.h"

/// An OpenAPI v2 document as `openapi.v2.Document`. Field numbers: OpenAPIv2.proto of
/// google/gnostic, which has a message of name-value pairs wherever JSON has an object with free
/// keys.
namespace antrea::kube {
namespace {

using boost::json::object;
using boost::json::value;

/// Appends fields in the Protobuf wire format. A nested message is written whole, then framed.
class ProtoWriter {
 public:
  void text(unsigned field, std::string_view bytes) {
    varint(field << 3 | 2);
    varint(bytes.size());
    out_ += bytes;
  }
  void text_unless_empty(unsigned field, std::string_view bytes) {
    if (!bytes.empty()) text(field, bytes);
  }
  void flag(unsigned field, bool set) {
    if (!set) return;
    varint(field << 3);
    varint(1);
  }
  void message(unsigned field, const ProtoWriter& inner) { text(field, inner.out_); }
  std::string take() { return std::move(out_); }

 private:
  void varint(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out_ += static_cast<char>(number | 0x80);
    out_ += static_cast<char>(number);
  }

  std::string out_;
};

/// NamedX { name = 1; value = 2 }.
ProtoWriter named(std::string_view name, const ProtoWriter& inner) {
  ProtoWriter out;
  out.text(1, name);
  out.message(2, inner);
  return out;
}

/// Any { value = 1; yaml = 2 }. JSON is YAML.
ProtoWriter any(const value& json) {
  ProtoWriter out;
  out.text(2, boost::json::serialize(json) + "\n");
  return out;
}

void vendor_extensions(const object& from, unsigned field, ProtoWriter& out) {
  for (const auto& [key, each] : from)
    if (std::string_view(key).starts_with("x-")) out.message(field, named(key, any(each)));
}

void texts(const object& from, std::string_view key, unsigned field, ProtoWriter& out) {
  if (const auto* list = array_at(from, key)) {
    for (const auto& each : *list)
      if (each.is_string()) out.text(field, each.get_string());
  }
}

ProtoWriter schema(const object& from) {  // message Schema
  ProtoWriter out;
  if (const auto* ref = from.if_contains("$ref"); ref != nullptr && ref->is_string())
    out.text(1, ref->get_string());
  out.text_unless_empty(2, text_at(from, "format"));
  out.text_unless_empty(4, text_at(from, "description"));
  texts(from, "required", 19, out);
  if (const auto* values = array_at(from, "enum"))
    for (const auto& each : *values) out.message(20, any(each));
  if (const auto* items = object_at(from, "additionalProperties")) {
    ProtoWriter item;  // AdditionalPropertiesItem { schema = 1 }
    item.message(1, schema(*items));
    out.message(21, item);
  }
  if (const auto type = text_at(from, "type"); !type.empty()) {
    ProtoWriter item;  // TypeItem { value = 1 }
    item.text(1, type);
    out.message(22, item);
  }
  if (const auto* items = object_at(from, "items")) {
    ProtoWriter item;  // ItemsItem { schema = 1 }
    item.message(1, schema(*items));
    out.message(23, item);
  }
  if (const auto* properties = object_at(from, "properties")) {
    ProtoWriter all;  // Properties { additional_properties = 1 }
    for (const auto& [name, each] : *properties)
      if (each.is_object()) all.message(1, named(name, schema(each.get_object())));
    out.message(25, all);
  }
  vendor_extensions(from, 31, out);
  return out;
}

ProtoWriter query_parameter(const object& from) {
  ProtoWriter inner;  // QueryParameterSubSchema
  inner.text(2, text_at(from, "in"));
  inner.text_unless_empty(3, text_at(from, "description"));
  inner.text(4, text_at(from, "name"));
  inner.text(6, text_at(from, "type"));
  inner.flag(20, flag_at(from, "uniqueItems"));
  ProtoWriter non_body, parameter, item;
  non_body.message(3, inner);      // NonBodyParameter.query_parameter_sub_schema
  parameter.message(2, non_body);  // Parameter.non_body_parameter
  item.message(1, parameter);      // ParametersItem.parameter
  return item;
}

ProtoWriter operation(const object& from) {  // message Operation
  ProtoWriter out;
  out.text_unless_empty(5, text_at(from, "operationId"));
  texts(from, "produces", 6, out);
  for_each_object(from, "parameters",
                  [&](const object& each) { out.message(8, query_parameter(each)); });
  ProtoWriter responses;
  if (const auto* codes = object_at(from, "responses")) {
    for (const auto& [code, each] : *codes) {
      ProtoWriter response, response_value;
      if (each.is_object()) response.text(1, text_at(each.get_object(), "description"));
      response_value.message(1, response);  // ResponseValue.response
      responses.message(1, named(code, response_value));
    }
  }
  out.message(9, responses);
  vendor_extensions(from, 13, out);
  return out;
}

ProtoWriter path_item(const object& from) {  // message PathItem
  struct Row {
    std::string_view method;
    unsigned field;
  };
  constexpr Row kMethods[] = {{"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
  ProtoWriter out;
  for (const auto& row : kMethods)
    if (const auto* each = object_at(from, row.method)) out.message(row.field, operation(*each));
  return out;
}

}  // namespace

std::string openapi_v2_protobuf(const object& document) {
  ProtoWriter out, info, paths, definitions;  // message Document
  out.text(1, text_at(document, "swagger"));
  info.text(1, text_at(document, "info.title"));
  info.text(2, text_at(document, "info.version"));
  out.message(2, info);
  if (const auto* all = object_at(document, "paths")) {
    for (const auto& [path, each] : *all)
      if (each.is_object()) paths.message(2, named(path, path_item(each.get_object())));
  }
  out.message(8, paths);
  if (const auto* all = object_at(document, "definitions")) {
    for (const auto& [name, each] : *all)
      if (each.is_object()) definitions.message(1, named(name, schema(each.get_object())));
  }
  out.message(9, definitions);
  return out.take();
}

}  // namespace antrea::kube
