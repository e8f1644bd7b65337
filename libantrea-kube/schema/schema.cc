#include "antrea/kube/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <limits>
#include <set>

#include "text.h"

namespace antrea::kube {
namespace {

constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1";
constexpr std::string_view kCore = "io.k8s.api.core.v1";

struct ScalarRow {
  std::string_view name;
  SchemaKind kind;
  std::string_view format;
};

constexpr ScalarRow kScalars[] = {
    {"any", SchemaKind::kAny, ""},
    {"bool", SchemaKind::kBoolean, ""},
    {"bytes", SchemaKind::kString, "byte"},
    {"int32", SchemaKind::kInteger, "int32"},
    {"int64", SchemaKind::kInteger, "int64"},
    {"intOrString", SchemaKind::kIntOrString, "int-or-string"},
    {"microtime", SchemaKind::kString, "date-time"},
    {"number", SchemaKind::kNumber, "double"},
    {"quantity", SchemaKind::kString, "quantity"},
    {"string", SchemaKind::kString, ""},
    {"time", SchemaKind::kString, "date-time"},
};

const ScalarRow* find_scalar(std::string_view name) {
  const auto row = std::ranges::find(kScalars, name, &ScalarRow::name);
  return row == std::end(kScalars) ? nullptr : &*row;
}

/// "core.Pod" and "Pod" to the full name of the definition.
std::string definition_name(std::string_view type, std::string_view package) {
  if (type.starts_with("meta.")) return fmt::format("{}.{}", kMeta, type.substr(5));
  if (type.starts_with("core.")) return fmt::format("{}.{}", kCore, type.substr(5));
  if (type.find('.') != std::string_view::npos) return std::string(type);
  return fmt::format("{}.{}", package, type);
}

Error line_error(std::size_t line, std::string cause) {
  return make_error(Errc::kMalformed, std::move(cause), fmt::format("schema line {}", line));
}

Result<> apply_mark(std::string_view mark, Property& property, std::vector<std::string>& values) {
  const auto [key, value] = split_once(mark, '=');
  if (key == "merge") {
    property.patch_strategy = property.patch_strategy.empty() ? "merge" : "merge,retainKeys";
    property.patch_merge_key = value;
  } else if (key == "retainKeys") {
    property.patch_strategy = property.patch_strategy.empty() ? "retainKeys" : "merge,retainKeys";
  } else if (key == "keys") {
    property.list_type = "map";
    property.list_map_keys = split(value, ',');
  } else if (key == "set") {
    property.list_type = "set";
  } else if (key == "atomic") {
    const bool is_list = property.schema->kind == SchemaKind::kList;
    (is_list ? property.list_type : property.map_type) = "atomic";
  } else if (key == "enum") {
    values = split(value, '|');
  } else {
    return make_error(Errc::kMalformed, fmt::format("unknown mark \"{}\"", mark));
  }
  return {};
}

/// The name a Go program has for the type, as it appears in decoding errors.
std::string go_type(const Schema& schema) {
  switch (schema.kind) {
    case SchemaKind::kAny:
      return "interface {}";
    case SchemaKind::kString:
      return schema.format == "byte" ? "[]uint8" : "string";
    case SchemaKind::kInteger:
      return schema.format;
    case SchemaKind::kNumber:
      return "float64";
    case SchemaKind::kBoolean:
      return "bool";
    case SchemaKind::kIntOrString:
      return "intstr.IntOrString";
    case SchemaKind::kList:
      return "[]" + go_type(*schema.items);
    case SchemaKind::kMap:
      return "map[string]" + go_type(*schema.items);
    case SchemaKind::kObject:
      break;
  }
  const auto parts = split(schema.definition, '.');
  return parts.size() < 2 ? schema.definition
                          : fmt::format("{}.{}", parts[parts.size() - 2], parts.back());
}

std::string_view json_kind(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::object:
      return "object";
    case boost::json::kind::array:
      return "array";
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::null:
      return "null";
    default:
      return "number";
  }
}

bool fits_scalar(const Schema& schema, const boost::json::value& value) {
  const auto in_int32 = [](auto number) { return std::in_range<std::int32_t>(number); };
  switch (schema.kind) {
    case SchemaKind::kString:
      return value.is_string() || (schema.format == "quantity" && value.is_number());
    case SchemaKind::kBoolean:
      return value.is_bool();
    case SchemaKind::kNumber:
      return value.is_number();
    case SchemaKind::kIntOrString:
      if (value.is_string()) return true;
      return value.is_int64() ? in_int32(value.get_int64())
                              : value.is_uint64() && in_int32(value.get_uint64());
    case SchemaKind::kInteger:
      if (schema.format == "int32") {
        return value.is_int64() ? in_int32(value.get_int64())
                                : value.is_uint64() && in_int32(value.get_uint64());
      }
      return value.is_int64();
    default:
      return true;
  }
}

class FieldChecker {
 public:
  explicit FieldChecker(std::size_t limit) : limit_(limit) {}

  void check(const Schema& schema, const boost::json::value& value, const std::string& path,
             std::string_view owner, int depth) {
    if (value.is_null() || full() || schema.kind == SchemaKind::kAny) return;
    if (depth > kMaxDepth) {
      bad(path, fmt::format("{} is nested deeper than {} levels", path, kMaxDepth));
      return;
    }
    switch (schema.kind) {
      case SchemaKind::kObject:
        if (!value.is_object()) return bad_type(schema, value, path, owner);
        return check_object(schema, value.get_object(), path, depth);
      case SchemaKind::kMap:
        if (!value.is_object()) return bad_type(schema, value, path, owner);
        for (const auto& [key, item] : value.get_object())
          check(*schema.items, item, join(path, key), owner, depth + 1);
        return;
      case SchemaKind::kList: {
        if (!value.is_array()) return bad_type(schema, value, path, owner);
        std::size_t index = 0;
        for (const auto& item : value.get_array())
          check(*schema.items, item, fmt::format("{}[{}]", path, index++), owner, depth + 1);
        return;
      }
      default:
        if (!fits_scalar(schema, value)) bad_type(schema, value, path, owner);
    }
  }

  void check_object(const Schema& schema, const boost::json::object& object,
                    const std::string& path, int depth) {
    const auto owner = std::string_view(schema.definition)
                           .substr(schema.definition.rfind('.') + 1);  // npos + 1 == 0
    for (const auto& [name, value] : object) {
      if (full()) return;
      const auto at = join(path, name);
      if (const auto* property = schema.find(name)) {
        check(*property->schema, value, at, owner, depth + 1);
      } else if (!schema.preserves_unknown) {
        problems_.push_back(
            {FieldProblem::Kind::kUnknownField, at, fmt::format("unknown field \"{}\"", at)});
      }
    }
  }

  std::vector<FieldProblem> take() { return std::move(problems_); }

 private:
  static constexpr int kMaxDepth = 128;

  void bad_type(const Schema& schema, const boost::json::value& value, const std::string& path,
                std::string_view owner) {
    // Go names the field by the struct that holds it and the path without positions.
    std::string fields;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '[')
        i = path.find(']', i);
      else
        fields += path[i];
    }
    std::string what(json_kind(value));
    if (value.is_number() &&
        (schema.kind == SchemaKind::kInteger || schema.kind == SchemaKind::kIntOrString))
      what += " " + boost::json::serialize(value);
    bad(path, fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", what,
                          owner, fields, go_type(schema)));
  }

  void bad(const std::string& path, std::string message) {
    if (!full()) problems_.push_back({FieldProblem::Kind::kBadType, path, std::move(message)});
  }
  bool full() const { return problems_.size() >= limit_; }
  static std::string join(std::string_view path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }

  std::size_t limit_;
  std::vector<FieldProblem> problems_;
};

void prune(const Schema& schema, boost::json::value& value) {
  if (auto* object = value.if_object()) {
    if (schema.kind == SchemaKind::kObject) {
      prune_fields(schema, *object);
    } else if (schema.kind == SchemaKind::kMap) {
      for (auto& item : *object) prune(*schema.items, item.value());
    }
  } else if (auto* array = value.if_array(); array && schema.kind == SchemaKind::kList) {
    for (auto& item : *array) prune(*schema.items, item);
  }
}

}  // namespace

const Property* Schema::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(properties, name, {}, &Property::name);
  return at != properties.end() && at->name == name ? &*at : nullptr;
}

/// Reads the table of a SchemaSet::add() line by line into definitions of its own, so that a fault
/// leaves no trace.
class SchemaSet::Builder {
 public:
  explicit Builder(const SchemaSet& base) : base_(base) {}

  Result<> read(std::string_view text) {
    std::size_t number = 0;
    while (!text.empty()) {
      auto [line, rest] = split_once(text, '\n');
      text = rest;
      ++number;
      const bool indented = line.starts_with(' ');
      if (line = trim(line); line.empty() || line.front() == '#') continue;
      const auto [facts, description] = split_at(line, " : ");
      auto words = split_words(facts);
      if (auto done = indented ? add_field(words, description) : start(words, description);
          done.has_error())
        return line_error(number, std::move(done).error().cause);
    }
    for (auto& [name, schema] : named_) {
      if (!described_.contains(name))
        return make_error(Errc::kMalformed, "a type is used but not described", name);
      std::ranges::sort(schema->properties, {}, &Property::name);
    }
    return {};
  }

  SchemaMap named_, anonymous_;

 private:
  /// A line that is no field: `package`, `type` or `kind`.
  Result<> start(const std::vector<std::string>& words, std::string_view description) {
    if (words[0] == "package" && words.size() == 2) {
      package_ = words[1];
      return {};
    }
    if ((words[0] == "type" && words.size() == 2) || (words[0] == "kind" && words.size() == 3))
      return start_type(words, description);
    return make_error(Errc::kMalformed,
                      fmt::format("\"{}\" is no package, type or kind, and no indented field",
                                  fmt::join(words, " ")));
  }

  Result<> start_type(const std::vector<std::string>& words, std::string_view description) {
    const auto name = definition_name(words[1], package_);
    if (base_.find(name) != nullptr || !described_.insert(name).second)
      return make_error(Errc::kMalformed, fmt::format("{} is described twice", name));
    current_ = named(name);
    current_->description = description;
    if (words[0] == "type") return {};
    const auto slash = words[2].find('/');
    if (slash == std::string::npos) {
      current_->kinds.push_back({"", words[2], words[1]});
    } else {
      current_->kinds.push_back({words[2].substr(0, slash), words[2].substr(slash + 1), words[1]});
    }
    ANTREA_CHECK(
        add_field({"apiVersion", "string"},
                  "Version of the schema of this object, with its group: \"group/version\"."));
    return add_field({"kind", "string"}, "Name of the resource's type, in CamelCase.");
  }

  Result<> add_field(const std::vector<std::string>& words, std::string_view description) {
    if (current_ == nullptr) return make_error(Errc::kMalformed, "a field outside a type");
    if (words[0] == "...") {
      current_->preserves_unknown = true;
      return {};
    }
    if (words.size() < 2) return make_error(Errc::kMalformed, "a field without a type");
    Property property;
    property.name = words[0];
    property.description = description;
    if (property.name.ends_with('!')) {
      property.required = true;
      property.name.pop_back();
    }
    property.schema = resolve(words[1]);
    std::vector<std::string> values;
    for (std::size_t i = 2; i < words.size(); ++i)
      ANTREA_CHECK(apply_mark(words[i], property, values));
    if (!values.empty()) property.schema = enumerated(std::move(values));
    current_->properties.push_back(std::move(property));
    return {};
  }

  const Schema* resolve(std::string_view type) {
    if (type.starts_with("[]")) return container(SchemaKind::kList, type.substr(2));
    if (type.starts_with("map:")) return container(SchemaKind::kMap, type.substr(4));
    if (const auto* row = find_scalar(type)) {
      auto& made = anonymous_[std::string(type)];
      if (!made) {
        made = std::make_unique<Schema>();
        made->kind = row->kind;
        made->format = row->format;
      }
      return made.get();
    }
    const auto name = definition_name(type, package_);
    if (const auto* known = base_.find(name)) return known;
    return named(name);
  }

  const Schema* container(SchemaKind kind, std::string_view item) {
    const auto* items = resolve(item);
    const auto key = fmt::format("{}:{}", static_cast<int>(kind), fmt::ptr(items));
    auto& made = anonymous_[key];
    if (!made) {
      made = std::make_unique<Schema>();
      made->kind = kind;
      made->items = items;
    }
    return made.get();
  }

  const Schema* enumerated(std::vector<std::string> values) {
    auto& made = anonymous_[fmt::format("enum {}", fmt::join(values, "|"))];
    if (!made) {
      made = std::make_unique<Schema>();
      made->kind = SchemaKind::kString;
      made->enumeration = std::move(values);
    }
    return made.get();
  }

  Schema* named(const std::string& name) {
    auto& made = named_[name];
    if (!made) {
      made = std::make_unique<Schema>();
      made->kind = SchemaKind::kObject;
      made->definition = name;
    }
    return made.get();
  }

  const SchemaSet& base_;
  std::string package_;
  std::set<std::string> described_;
  Schema* current_ = nullptr;  // in named_
};

Result<> SchemaSet::add(std::string_view text) {
  Builder builder(*this);
  ANTREA_CHECK(builder.read(text));
  named_.merge(builder.named_);
  for (auto& [key, schema] : builder.anonymous_) anonymous_.push_back(std::move(schema));
  return {};
}

const Schema* SchemaSet::find(std::string_view definition) const {
  const auto at = named_.find(definition);
  return at == named_.end() ? nullptr : at->second.get();
}

const Schema* SchemaSet::find(const GroupVersionKind& kind) const {
  for (const auto& [name, schema] : named_)
    if (std::ranges::find(schema->kinds, kind) != schema->kinds.end()) return schema.get();
  return nullptr;
}

std::vector<FieldProblem> check_fields(const Schema& schema, const boost::json::object& object,
                                       std::size_t limit) {
  FieldChecker checker(limit);
  // A value borrowing the object would copy it: check the top level's fields one by one instead.
  if (schema.kind == SchemaKind::kObject) checker.check_object(schema, object, {}, 0);
  return checker.take();
}

void prune_fields(const Schema& schema, boost::json::object& object) {
  for (auto it = object.begin(); it != object.end();) {
    const auto* property = schema.find(it->key());
    if (it->value().is_null() || (property == nullptr && !schema.preserves_unknown)) {
      it = object.stable_erase(it);
      continue;
    }
    if (property != nullptr) prune(*property->schema, it->value());
    ++it;
  }
}

}  // namespace antrea::kube
