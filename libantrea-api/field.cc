#include "field.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>

namespace antrea::api::detail {
namespace json = boost::json;
namespace {

void append_key(std::string& path, std::string_view key) {
  const bool plain =
      std::ranges::all_of(key, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (!plain)
    path += "[\"" + std::string(key) + "\"]";
  else
    path += (path.empty() ? "" : ".") + std::string(key);
}

// Looked for only once something is wrong with it: reading well-formed objects keeps no paths.
bool find_path(const json::value& root, const json::value* wanted, std::string& path) {
  if (&root == wanted) return true;
  const std::size_t length = path.size();
  if (const auto* object = root.if_object()) {
    for (const auto& [key, value] : *object) {
      append_key(path, key);
      if (find_path(value, wanted, path)) return true;
      path.resize(length);
    }
  } else if (const auto* array = root.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      path += '[' + std::to_string(i) + ']';
      if (find_path((*array)[i], wanted, path)) return true;
      path.resize(length);
    }
  }
  return false;
}

std::string describe(const json::value* value) {
  if (value == nullptr) return "nothing";
  switch (value->kind()) {
    case json::kind::object:
      return "an object";
    case json::kind::array:
      return "a list";
    case json::kind::string: {
      constexpr std::size_t kShown = 60;
      const auto& text = value->get_string();
      return "\"" + std::string(text.subview(0, kShown)) + (text.size() > kShown ? "…\"" : "\"");
    }
    default:
      return json::serialize(*value);
  }
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

void Document::fail(Errc code, const json::value* at, const json::value* parent,
                    std::string_view key, std::string found_and_expected) {
  if (error_) return;
  std::string path;
  find_path(root_, at != nullptr ? at : parent, path);
  if (at == nullptr) append_key(path, key);
  if (!path.empty()) path += ": ";
  std::ranges::replace(found_and_expected, '\n', ' ');
  error_ = make_error(code, path + found_and_expected);
}

Error Document::error_of(std::string_view kind) && {
  Error error = *std::move(error_);
  const auto* object = root_.if_object();
  const auto* meta = object != nullptr ? object->if_contains("metadata") : nullptr;
  error.object = kind;
  if (meta != nullptr && meta->is_object()) {
    const ObjectKey key{text_at(meta->get_object(), "namespace"),
                        text_at(meta->get_object(), "name")};
    if (!key.name.empty()) error.object += " " + key.to_string();
  }
  return error;
}

Field Field::operator[](std::string_view key) const {
  const auto* object = as_object();
  if (object == nullptr) return {document_, nullptr, value_ != nullptr ? value_ : parent_, key};
  const auto* value = object->if_contains(key);
  return {document_, value != nullptr && !value->is_null() ? value : nullptr, value_, key};
}

std::string Field::text(std::string_view otherwise) const {
  if (!present()) return std::string(otherwise);
  if (const auto* text = value_->if_string()) return std::string(text->data(), text->size());
  malformed("text");
  return {};
}

std::string Field::required_text() const {
  std::string value = text();
  if (value.empty()) malformed("text");
  return value;
}

bool Field::boolean(bool otherwise) const {
  if (!present()) return otherwise;
  if (const auto* value = value_->if_bool()) return *value;
  malformed("true or false");
  return otherwise;
}

std::int64_t Field::int64(std::int64_t otherwise) const {
  if (!present()) return otherwise;
  if (const auto* value = value_->if_int64()) return *value;
  malformed("an integer");
  return otherwise;
}

std::int32_t Field::int32(std::int32_t otherwise, std::int32_t low, std::int32_t high) const {
  if (!present()) return otherwise;
  const std::int64_t value = int64(otherwise);
  if (value >= low && value <= high) return static_cast<std::int32_t>(value);
  invalid("found " + std::to_string(value) + ", expected " + std::to_string(low) + " to " +
          std::to_string(high));
  return otherwise;
}

double Field::number(double otherwise) const {
  if (!present()) return otherwise;
  if (value_->is_number()) return value_->to_number<double>();
  malformed("a number");
  return otherwise;
}

IntOrString Field::int_or_string() const {
  if (present() && value_->is_string()) return {0, required_text()};
  if (present() && !value_->is_int64()) malformed("an integer or a name");
  return {int32(), {}};
}

std::vector<std::string> Field::texts() const {
  return list([](Field element) { return element.text(); });
}

Labels Field::labels() const {
  Labels labels;
  if (const auto* object = as_object())
    for (const auto& [key, value] : *object)
      labels[std::string(key)] = Field(document_, &value, value_, key).text();
  return labels;
}

void Field::invalid(std::string found_and_expected) const {
  document_->fail(Errc::kInvalidArgument, value_, parent_, key_, std::move(found_and_expected));
}

const json::array* Field::as_array() const {
  if (!present()) return nullptr;
  const auto* array = value_->if_array();
  if (array == nullptr) malformed("a list");
  return array;
}

const json::object* Field::as_object() const {
  if (!present()) return nullptr;
  const auto* object = value_->if_object();
  if (object == nullptr) malformed("an object");
  return object;
}

void Field::malformed(std::string_view expected) const {
  document_->fail(Errc::kMalformed, value_, parent_, key_,
                  "found " + describe(value_) + ", expected " + std::string(expected));
}

void put(json::object& object, std::string_view key, json::value value) {
  const bool empty = value.is_null() || (value.is_array() && value.get_array().empty()) ||
                     (value.is_object() && value.get_object().empty());
  if (!empty) object[key] = std::move(value);
}

json::value to_json(const IntOrString& value) {
  if (value.is_name()) return json::string(value.name);
  return value.number;
}

json::object to_json(const Labels& labels) {
  json::object object;
  for (const auto& [key, value] : labels) object[key] = value;
  return object;
}

json::array to_json(const std::vector<std::string>& texts) {
  return to_array(texts, [](const std::string& text) { return json::string(text); });
}

}  // namespace antrea::api::detail
