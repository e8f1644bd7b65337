#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string_view>

/// Reading and defaulting fields of JSON objects. A path is names with dots between; no name in it
/// holds a dot itself. What is absent, null or of another type reads as empty.
namespace antrea::kube {

inline const boost::json::value* value_at(const boost::json::object& object,
                                          std::string_view path) {
  const auto* at = &object;
  for (;;) {
    const auto dot = path.find('.');
    const auto* value = at->if_contains(path.substr(0, dot));
    if (value == nullptr || value->is_null() || dot == std::string_view::npos)
      return value != nullptr && value->is_null() ? nullptr : value;
    if (at = value->if_object(); at == nullptr) return nullptr;
    path.remove_prefix(dot + 1);
  }
}

inline const boost::json::object* object_at(const boost::json::object& object,
                                            std::string_view path) {
  const auto* value = value_at(object, path);
  return value == nullptr ? nullptr : value->if_object();
}

inline const boost::json::array* array_at(const boost::json::object& object,
                                          std::string_view path) {
  const auto* value = value_at(object, path);
  return value == nullptr ? nullptr : value->if_array();
}

inline std::string_view text_at(const boost::json::object& object, std::string_view path) {
  const auto* value = value_at(object, path);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view{} : std::string_view(*text);
}

inline bool flag_at(const boost::json::object& object, std::string_view path,
                    bool otherwise = false) {
  const auto* value = value_at(object, path);
  const auto* flag = value == nullptr ? nullptr : value->if_bool();
  return flag == nullptr ? otherwise : *flag;
}

inline std::int64_t integer_of(const boost::json::value& value, std::int64_t otherwise = 0) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return static_cast<std::int64_t>(value.get_uint64());
  return otherwise;
}

inline std::int64_t integer_at(const boost::json::object& object, std::string_view path,
                               std::int64_t otherwise = 0) {
  const auto* value = value_at(object, path);
  return value == nullptr ? otherwise : integer_of(*value, otherwise);
}

/// Calls `function` with each object of the list at `path`.
template <typename Function>
void for_each_object(const boost::json::object& object, std::string_view path, Function function) {
  if (const auto* list = array_at(object, path)) {
    for (const auto& item : *list)
      if (const auto* entry = item.if_object()) function(*entry);
  }
}

template <typename Function>
void for_each_object(boost::json::object& object, std::string_view key, Function function) {
  auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return;
  for (auto& item : value->get_array())
    if (item.is_object()) function(item.get_object());
}

/// Sets a field that is absent, null or an empty string.
inline void set_default(boost::json::object& object, std::string_view key,
                        boost::json::value value) {
  auto& at = object[key];
  if (at.is_null() || (at.is_string() && at.get_string().empty())) at = std::move(value);
}

/// The object at `key`, made if there is none.
inline boost::json::object& ensure_object(boost::json::object& object, std::string_view key) {
  auto& at = object[key];
  return at.is_object() ? at.get_object() : at.emplace_object();
}

inline boost::json::object* object_if(boost::json::object& object, std::string_view key) {
  auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace antrea::kube
