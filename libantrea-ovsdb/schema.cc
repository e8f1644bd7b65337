#include "antrea/ovsdb/schema.h"

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace json = boost::json;
namespace {

Error bad(std::string what) { return make_error(Errc::kMalformed, "parse schema: " + what); }

Result<AtomType> parse_base(const json::value& value) {
  const json::value* name = &value;
  if (const auto* object = value.if_object()) {
    name = object->if_contains("type");
    if (name == nullptr) return bad("a base type without \"type\"");
  }
  if (!name->is_string()) return bad("a base type that is no string");
  const auto& text = name->get_string();
  if (text == "integer") return AtomType::kInteger;
  if (text == "real") return AtomType::kReal;
  if (text == "boolean") return AtomType::kBoolean;
  if (text == "string") return AtomType::kString;
  if (text == "uuid") return AtomType::kUuid;
  return bad("unknown type " + std::string(text.c_str()));
}

Result<ColumnType> parse_type(const json::value& value) {
  ColumnType type;
  const auto* object = value.if_object();
  if (object == nullptr || !object->contains("key")) {
    ANTREA_TRY(type.key, parse_base(value));
    return type;
  }
  ANTREA_TRY(type.key, parse_base(object->at("key")));
  if (const auto* mapped = object->if_contains("value")) {
    ANTREA_TRY(type.value, parse_base(*mapped));
  }
  if (const auto* min = object->if_contains("min")) {
    if (!min->is_int64() || (min->get_int64() != 0 && min->get_int64() != 1))
      return bad("min is neither 0 nor 1");
    type.min = static_cast<unsigned>(min->get_int64());
  }
  if (const auto* max = object->if_contains("max")) {
    if (max->is_string() && max->get_string() == "unlimited")
      type.max = ColumnType::kUnlimited;
    else if (max->is_int64() && max->get_int64() >= 1 && max->get_int64() < 1'000'000'000)
      type.max = static_cast<unsigned>(max->get_int64());
    else
      return bad("max is neither a positive integer nor \"unlimited\"");
  }
  return type;
}

}  // namespace

Result<Schema> Schema::parse(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return bad("no object");
  Schema schema;
  if (const auto* name = object->if_contains("name"); name != nullptr && name->is_string())
    schema.name = name->get_string().c_str();
  if (const auto* version = object->if_contains("version");
      version != nullptr && version->is_string())
    schema.version = version->get_string().c_str();
  const auto* tables = object->if_contains("tables");
  if (tables == nullptr || !tables->is_object()) return bad("no tables");
  for (const auto& table : tables->get_object()) {
    auto& into = schema.tables[std::string(table.key())];
    const auto* body = table.value().if_object();
    const auto* columns = body == nullptr ? nullptr : body->if_contains("columns");
    if (columns == nullptr || !columns->is_object())
      return bad("table " + std::string(table.key()) + " without columns");
    for (const auto& column : columns->get_object()) {
      const auto* description = column.value().if_object();
      const auto* type = description == nullptr ? nullptr : description->if_contains("type");
      if (type == nullptr)
        return bad("column " + std::string(table.key()) + "." + std::string(column.key()) +
                   " without type");
      auto parsed = parse_type(*type);
      if (!parsed) {
        auto error = std::move(parsed).error();
        error.object = std::string(table.key()) + "." + std::string(column.key());
        return error;
      }
      into.columns.emplace(column.key(), *parsed);
    }
  }
  return schema;
}

}  // namespace antrea::ovsdb
