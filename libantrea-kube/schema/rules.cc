#include "rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>

#include "json.h"
#include "text.h"

namespace antrea::kube {
namespace {

constexpr std::size_t kMaxAnnotationsSize = 256 * 1024;

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

bool is_dns_label(std::string_view name) {
  return !name.empty() && is_lower_alnum(name.front()) && is_lower_alnum(name.back()) &&
         std::ranges::all_of(name, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

/// Letters, digits, '-', '_' and '.', with letters or digits at both ends.
bool is_label_text(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string max_length(std::size_t length) {
  return fmt::format("must be no more than {} characters", length);
}

constexpr std::string_view kQualifiedName =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

}  // namespace

void FieldErrors::required(std::string_view field, std::string_view detail) {
  errors_.push_back(
      {"FieldValueRequired", std::string(field),
       detail.empty() ? "Required value" : fmt::format("Required value: {}", detail)});
}

void FieldErrors::invalid(std::string_view field, std::string_view shown, std::string_view detail) {
  errors_.push_back({"FieldValueInvalid", std::string(field),
                     fmt::format("Invalid value: {}: {}", shown, detail)});
}

void FieldErrors::forbidden(std::string_view field, std::string_view detail) {
  errors_.push_back(
      {"FieldValueForbidden", std::string(field), fmt::format("Forbidden: {}", detail)});
}

void FieldErrors::not_supported(std::string_view field, std::string_view value,
                                std::initializer_list<std::string_view> supported) {
  std::string list;
  for (const auto each : supported) list += (list.empty() ? "" : ", ") + quoted(each);
  errors_.push_back(
      {"FieldValueNotSupported", std::string(field),
       fmt::format("Unsupported value: {}: supported values: {}", quoted(value), list)});
}

void FieldErrors::duplicate(std::string_view field, std::string_view shown) {
  errors_.push_back(
      {"FieldValueDuplicate", std::string(field), fmt::format("Duplicate value: {}", shown)});
}

void FieldErrors::not_found(std::string_view field, std::string_view shown) {
  errors_.push_back(
      {"FieldValueNotFound", std::string(field), fmt::format("Not found: {}", shown)});
}

void FieldErrors::too_long(std::string_view field, std::string_view detail) {
  errors_.push_back({"FieldValueTooLong", std::string(field), fmt::format("Too long: {}", detail)});
}

std::string quoted(std::string_view text) { return boost::json::serialize(text); }

std::string dns_subdomain_problem(std::string_view name) {
  if (name.size() > 253) return max_length(253);
  if (std::ranges::all_of(split(name, '.'), is_dns_label)) return {};
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
         "or "
         "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
         "used for validation is "
         "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

std::string dns_label_problem(std::string_view name) {
  if (name.size() > 63) return max_length(63);
  if (is_dns_label(name)) return {};
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and "
         "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
         "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
}

std::string dns_1035_problem(std::string_view name) {
  if (name.size() > 63) return max_length(63);
  if (is_dns_label(name) && std::isalpha(static_cast<unsigned char>(name.front()))) return {};
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
         "an "
         "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
         "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}

std::string label_value_problem(std::string_view value) {
  if (value.size() > 63) return max_length(63);
  if (value.empty() || is_label_text(value)) return {};
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
         "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
         "'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

std::vector<std::string> qualified_name_problems(std::string_view name) {
  std::vector<std::string> problems;
  const auto parts = split(name, '/');
  if (parts.size() > 2) {
    problems.push_back(
        fmt::format("a qualified name {} with an optional DNS subdomain prefix and "
                    "'/' (e.g. 'example.com/MyName')",
                    kQualifiedName));
    return problems;
  }
  if (parts.size() == 2) {
    if (parts[0].empty()) {
      problems.emplace_back("prefix part must be non-empty");
    } else if (const auto problem = dns_subdomain_problem(parts[0]); !problem.empty()) {
      problems.push_back("prefix part " + problem);
    }
  }
  const auto& local = parts.back();
  if (local.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (local.size() > 63) {
    problems.push_back("name part " + max_length(63));
  }
  if (!is_label_text(local)) problems.push_back(fmt::format("name part {}", kQualifiedName));
  return problems;
}

std::vector<std::string> port_name_problems(std::string_view name) {
  std::vector<std::string> problems;
  if (name.size() > 15) problems.emplace_back("must be no more than 15 characters");
  if (name.empty() ||
      !std::ranges::all_of(name, [](char c) { return is_lower_alnum(c) || c == '-'; }))
    problems.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (std::ranges::none_of(name, [](char c) { return c >= 'a' && c <= 'z'; }))
    problems.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos)
    problems.emplace_back("must not contain consecutive hyphens");
  if (!name.empty() && (name.front() == '-' || name.back() == '-'))
    problems.emplace_back("must not begin or end with a hyphen");
  return problems;
}

std::string config_key_problem(std::string_view key) {
  if (key.size() > 253) return max_length(253);
  if (key == ".") return "must not be '.'";
  if (key == "..") return "must not be '..'";
  if (key.starts_with("..")) return "must not start with '..'";
  if (!key.empty() && std::ranges::all_of(key, [](char c) {
        return is_alnum(c) || c == '-' || c == '_' || c == '.';
      }))
    return {};
  return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
         "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
         "'[-._a-zA-Z0-9]+')";
}

std::string port_number_problem(std::int64_t port) {
  return port >= 1 && port <= 65535 ? "" : "must be between 1 and 65535, inclusive";
}

void check_labels(const boost::json::object* labels, const std::string& field,
                  FieldErrors& errors) {
  if (labels == nullptr) return;
  for (const auto& [key, value] : *labels) {
    for (const auto& problem : qualified_name_problems(key))
      errors.invalid(field, quoted(key), problem);
    if (!value.is_string()) continue;
    if (const auto problem = label_value_problem(value.get_string()); !problem.empty())
      errors.invalid(field, quoted(value.get_string()), problem);
  }
}

void check_metadata(const boost::json::object& object, NameRule name_rule, FieldErrors& errors) {
  const auto* metadata = object_at(object, "metadata");
  const auto name = metadata == nullptr ? std::string_view{} : text_at(*metadata, "name");
  if (name.empty()) {
    errors.required("metadata.name", "name or generateName is required");
  } else if (const auto problem = name_rule(name); !problem.empty()) {
    errors.invalid("metadata.name", quoted(name), problem);
  }
  if (metadata == nullptr) return;
  check_labels(object_at(*metadata, "labels"), "metadata.labels", errors);
  if (const auto* annotations = object_at(*metadata, "annotations")) {
    std::size_t size = 0;
    for (const auto& [key, value] : *annotations) {
      std::string lower(key);
      std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
      for (const auto& problem : qualified_name_problems(lower))
        errors.invalid("metadata.annotations", quoted(key), problem);
      size += key.size() + (value.is_string() ? value.get_string().size() : 0);
    }
    if (size > kMaxAnnotationsSize)
      errors.too_long("metadata.annotations",
                      fmt::format("must have at most {} bytes", kMaxAnnotationsSize));
  }
  if (const auto* finalizers = array_at(*metadata, "finalizers")) {
    for (const auto& finalizer : *finalizers) {
      if (!finalizer.is_string()) continue;
      const std::string_view text = finalizer.get_string();
      for (const auto& problem : qualified_name_problems(text))
        errors.invalid("metadata.finalizers", quoted(text), problem);
    }
  }
  int index = 0, controllers = 0;
  for_each_object(*metadata, "ownerReferences", [&](const boost::json::object& owner) {
    const auto field = fmt::format("metadata.ownerReferences[{}]", index++);
    if (text_at(owner, "apiVersion").empty())
      errors.invalid(field + ".apiVersion", "\"\"", "version must not be empty");
    for (const auto* key : {"kind", "name", "uid"}) {
      if (text_at(owner, key).empty())
        errors.invalid(fmt::format("{}.{}", field, key), "\"\"",
                       fmt::format("{} must not be empty", key));
    }
    if (flag_at(owner, "controller") && ++controllers == 2)
      errors.invalid("metadata.ownerReferences",
                     boost::json::serialize(*array_at(*metadata, "ownerReferences")),
                     "Only one reference can have Controller set to true");
  });
}

void check_label_selector(const boost::json::object& selector, const std::string& field,
                          FieldErrors& errors) {
  check_labels(object_at(selector, "matchLabels"), field + ".matchLabels", errors);
  int index = 0;
  for_each_object(selector, "matchExpressions", [&](const boost::json::object& expression) {
    const auto at = fmt::format("{}.matchExpressions[{}]", field, index++);
    const auto op = text_at(expression, "operator");
    const auto* values = array_at(expression, "values");
    const bool has_values = values != nullptr && !values->empty();
    if (op == "In" || op == "NotIn") {
      if (!has_values)
        errors.required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (has_values)
        errors.forbidden(at + ".values",
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      errors.invalid(at + ".operator", quoted(op), "not a valid selector operator");
    }
    const auto key = text_at(expression, "key");
    for (const auto& problem : qualified_name_problems(key))
      errors.invalid(at + ".key", quoted(key), problem);
    int position = 0;
    for (const auto& value : has_values ? *values : boost::json::array{}) {
      const auto place = fmt::format("{}.values[{}]", at, position++);
      if (!value.is_string()) continue;
      if (const auto problem = label_value_problem(value.get_string()); !problem.empty())
        errors.invalid(place, quoted(value.get_string()), problem);
    }
  });
}

void check_protocol(std::string_view protocol, const std::string& field, FieldErrors& errors) {
  if (protocol.empty()) {
    errors.required(field);
  } else if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") {
    errors.not_supported(field, protocol, {"SCTP", "TCP", "UDP"});
  }
}

}  // namespace antrea::kube
