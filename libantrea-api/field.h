#pragma once

#include <boost/json/value.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/api/core.h"
#include "antrea/api/networking.h"

namespace antrea::api::detail {

/// The reading of one JSON document. Keeps the first thing that was wrong with it; reads after that
/// give defaults, so that a decoder states the shape of its object and checks once, at its end.
class Document {
 public:
  explicit Document(const boost::json::value& root) : root_(root) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  /// Records a fault at `at` (or, if that is absent, below `parent` under `key`), unless there is
  /// one already.
  void fail(Errc code, const boost::json::value* at, const boost::json::value* parent,
            std::string_view key, std::string found_and_expected);

  bool failed() const { return error_.has_value(); }
  const boost::json::value& root() const { return root_; }

  /// `value`, or the first fault, which then names the object ("Pod default/web") by its metadata.
  template <typename T>
  Result<T> finish(T value, std::string_view kind) && {
    if (!error_) return value;
    return std::move(*this).error_of(kind);
  }

 private:
  Error error_of(std::string_view kind) &&;

  const boost::json::value& root_;
  std::optional<Error> error_;
};

/// One place in a `Document`: a value, or the absence of one (`null` counts as absent).
class Field {
 public:
  explicit Field(Document& document) : document_(&document), value_(&document.root()) {}

  bool present() const { return value_ != nullptr; }
  /// Whether this is an object with members, known ones or not.
  bool has_members() const {
    return present() && value_->is_object() && !value_->get_object().empty();
  }
  bool ok() const { return !document_->failed(); }

  /// The member of that name; absent if this is. Fault: this is not an object. `key` is borrowed.
  Field operator[](std::string_view key) const;
  /// Calls `use` with each element; not at all if absent. Fault: not an array.
  template <typename Use>
  void each(Use use) const {
    if (const auto* array = as_array())
      for (const auto& element : *array) use(Field(document_, &element, value_, {}));
  }
  /// The elements as `read` makes them of their Fields.
  template <typename Read>
  auto list(Read read) const {
    std::vector<decltype(read(std::declval<Field>()))> all;
    if (const auto* array = as_array()) all.reserve(array->size());
    each([&](Field element) { all.push_back(read(element)); });
    return all;
  }
  /// What `read` makes of this, or nothing if absent.
  template <typename Read>
  auto optional(Read read) const {
    std::optional<decltype(read(std::declval<Field>()))> value;
    if (present()) value = read(*this);
    return value;
  }

  std::string text(std::string_view otherwise = {}) const;
  /// Text that must be there and not be empty.
  std::string required_text() const;
  bool boolean(bool otherwise = false) const;
  std::int64_t int64(std::int64_t otherwise = 0) const;
  std::int32_t int32(std::int32_t otherwise = 0,
                     std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                     std::int32_t high = std::numeric_limits<std::int32_t>::max()) const;
  double number(double otherwise = 0) const;
  IntOrString int_or_string() const;
  std::vector<std::string> texts() const;
  Labels labels() const;

  /// Text that `parse` understands; a default value if absent.
  template <typename Parse>
  auto parsed(Parse parse) const -> typename decltype(parse(std::string_view{}))::value_type {
    using Value = typename decltype(parse(std::string_view{}))::value_type;
    if (!present()) return Value{};
    const std::string read = text();
    if (!ok()) return Value{};
    auto value = parse(std::string_view(read));
    if (value.has_error()) {
      document_->fail(value.error().code, value_, parent_, key_, std::move(value.error().cause));
      return Value{};
    }
    return *std::move(value);
  }
  /// Text that is one of `choices`, pairs of name and value.
  template <typename Value, std::size_t kCount>
  Value choice(const std::pair<std::string_view, Value> (&choices)[kCount], Value otherwise) const {
    if (!present()) return otherwise;
    const std::string read = text();
    std::string names;
    for (const auto& [name, value] : choices) {
      if (read == name) return value;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    invalid("found \"" + read + "\", expected one of " + names);
    return otherwise;
  }

  /// Records what the API forbids about this field.
  void invalid(std::string found_and_expected) const;

 private:
  Field(Document* document, const boost::json::value* value, const boost::json::value* parent,
        std::string_view key)
      : document_(document), value_(value), parent_(parent), key_(key) {}

  const boost::json::array* as_array() const;
  const boost::json::object* as_object() const;
  void malformed(std::string_view expected) const;

  Document* document_;
  const boost::json::value* value_;             // null: absent
  const boost::json::value* parent_ = nullptr;  // where it would be
  std::string_view key_;
};

// Readers that more than one file needs.
ObjectMeta read_object_meta(Field json);
LabelSelector read_label_selector(Field json);
Protocol read_protocol(Field json);
/// Faults: no CIDR, an exception that is not a part of it.
IpBlock read_ip_block(Field json);
inline constexpr std::int32_t kMaxPort = 65535;

// Writers leave out what is empty.
inline void put(boost::json::object& object, std::string_view key, std::string_view text) {
  if (!text.empty()) object[key] = text;
}
/// `value`, unless it is empty or null.
void put(boost::json::object& object, std::string_view key, boost::json::value value);
boost::json::value to_json(const IntOrString& value);
boost::json::object to_json(const Labels& labels);
boost::json::object to_json(const IpBlock& block);
boost::json::array to_json(const std::vector<std::string>& texts);
/// `write` of each.
template <typename T, typename Write>
boost::json::array to_array(const std::vector<T>& values, Write write) {
  boost::json::array array;
  array.reserve(values.size());
  for (const auto& value : values) array.emplace_back(write(value));
  return array;
}
/// The text of each: addresses, prefixes.
template <typename T>
boost::json::array to_texts(const std::vector<T>& values) {
  return to_array(values, [](const T& value) { return boost::json::string(value.to_string()); });
}

}  // namespace antrea::api::detail
