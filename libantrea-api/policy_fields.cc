#include "policy_fields.h"

#include <algorithm>

#include "antrea/api/json.h"

namespace antrea::api::detail {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxNameLength = 63, kMaxPrefixLength = 253;

constexpr bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters and digits at both ends, "-", "_" and "." between.
bool is_qualified_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength && is_alnum(name.front()) &&
         is_alnum(name.back()) && std::ranges::all_of(name, [](char c) {
           return is_alnum(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_dns_subdomain(std::string_view name) {
  if (name.empty() || name.size() > kMaxPrefixLength) return false;
  bool at_end = true;  // of a label: only a letter or digit may stand here
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && (at_end || (c != '-' && c != '.'))) return false;
    at_end = c == '.';
  }
  return !at_end && name.back() != '-' && name.find("-.") == std::string_view::npos;
}

void check_key(Field at, std::string_view key) {
  if (!is_label_key(key)) at.invalid("found \"" + std::string(key) + "\", expected a label's key");
}
void check_value(Field at, std::string_view value) {
  if (!is_label_value(value))
    at.invalid("found \"" + std::string(value) + "\", expected a label's value");
}

}  // namespace

bool is_label_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return is_qualified_name(key);
  return is_dns_subdomain(key.substr(0, slash)) && is_qualified_name(key.substr(slash + 1));
}

bool is_label_value(std::string_view value) { return value.empty() || is_qualified_name(value); }

LabelSelector read_checked_selector(Field json) {
  LabelSelector selector = read_label_selector(json);
  const Field labels = json["matchLabels"];
  for (const auto& [key, value] : selector.match_labels) {
    check_key(labels[key], key);
    check_value(labels[key], value);
  }
  json["matchExpressions"].each([](Field expression) {
    check_key(expression["key"], expression["key"].text());
    expression["values"].each([](Field value) { check_value(value, value.text()); });
  });
  return selector;
}

ObjectKey read_object_key(Field json) {
  return {json["namespace"].text(), json["name"].required_text()};
}

std::optional<IntOrString> read_port_reference(Field json) {
  return json.optional([](Field field) {
    IntOrString value = field.int_or_string();
    if (!value.is_name()) (void)field.int32(0, 1, kMaxPort);
    return value;
  });
}

std::optional<std::int32_t> read_port_number(Field json) {
  return json.optional([](Field field) { return field.int32(0, 1, kMaxPort); });
}

std::optional<std::int32_t> read_end_port(Field json, const std::optional<IntOrString>& first,
                                          std::string_view first_key) {
  const auto end = read_port_number(json);
  if (end && (!first || first->is_name()))
    json.invalid("found the end of a range, expected a number in " + std::string(first_key) +
                 " beside it");
  else if (end && *end < first->number)
    json.invalid("found " + std::to_string(*end) + ", expected at least " + std::string(first_key) +
                 " " + first->to_string());
  return end;
}

std::vector<crd::Condition> read_conditions(Field json) {
  return json.list([](Field each) {
    return crd::Condition{each["type"].text(), each["status"].text(), each["reason"].text(),
                          each["message"].text(), each["lastTransitionTime"].text()};
  });
}

void refuse(Field json, std::initializer_list<std::string_view> keys, std::string_view where) {
  for (const std::string_view key : keys)
    if (json[key].present())
      json[key].invalid("found " + std::string(key) + ", which " + std::string(where) +
                        " does not have");
}

json::object to_json(const ObjectKey& key) {
  json::object object{{"name", key.name}};
  put(object, "namespace", key.namespace_);
  return object;
}

json::array to_json(const std::vector<crd::Condition>& conditions) {
  return to_array(conditions, [](const crd::Condition& condition) {
    json::object object{{"type", condition.type}, {"status", condition.status}};
    put(object, "reason", condition.reason);
    put(object, "message", condition.message);
    put(object, "lastTransitionTime", condition.last_transition_time);
    return object;
  });
}

void put(json::object& object, std::string_view key, const std::optional<LabelSelector>& selector) {
  if (selector) object[key] = encode(*selector);
}

void put(json::object& object, std::string_view key, const std::optional<std::int32_t>& number) {
  if (number) object[key] = *number;
}

}  // namespace antrea::api::detail
