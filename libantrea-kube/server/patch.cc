#include "antrea/kube/patch.h"

#include <boost/json/serialize.hpp>
#include <charconv>
#include <optional>
#include <span>

namespace antrea::kube {
namespace json = boost::json;

namespace {
constexpr std::size_t kMaxOperations = 10'000;
constexpr std::size_t kMaxCopied = 3u << 20;

void merge(json::value& target, const json::value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object(target.storage());
  auto& object = target.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null())
      object.stable_erase(key);
    else
      merge(object[key], value);
  }
}

// ---- JSON Patch ---------------------------------------------------------------------------------

/// A JSON Pointer (RFC 6901), cut up and unescaped.
Result<std::vector<std::string>> parse_pointer(std::string_view text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  if (text.front() != '/')
    return make_error(Errc::kMalformed, "parse JSON pointer: expected a leading '/'",
                      std::string(text));
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else if (auto& part = parts.back(); part.ends_with('~') && (c == '0' || c == '1')) {
      part.back() = c == '0' ? '\x01' : '/';  // \x01: a tilde that starts no escape
    } else {
      part += c;
    }
  }
  for (auto& part : parts)
    for (char& c : part)
      if (c == '\x01') c = '~';
  return parts;
}

Error no_such_path(std::string_view path) {
  return make_error(Errc::kRejected, "apply JSON patch: the path does not exist",
                    std::string(path));
}

/// An index below `bound`; no sign, no leading zero.
std::optional<std::size_t> parse_index(std::string_view text, std::size_t bound) {
  std::size_t index = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (code != std::errc{} || end != text.data() + text.size() || index >= bound)
    return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return index;
}

json::value* child(json::value& parent, std::string_view part) {
  if (auto* object = parent.if_object()) return object->if_contains(part);
  if (auto* array = parent.if_array())
    if (const auto index = parse_index(part, array->size())) return &(*array)[*index];
  return nullptr;
}

json::value* resolve(json::value& document, std::span<const std::string> parts) {
  json::value* at = &document;
  for (const auto& part : parts)
    if (at = child(*at, part); !at) return nullptr;
  return at;
}

Result<> add(json::value& document, std::string_view path, std::span<const std::string> parts,
             json::value value) {
  if (parts.empty()) {
    document = std::move(value);
    return {};
  }
  json::value* parent = resolve(document, parts.first(parts.size() - 1));
  if (!parent) return no_such_path(path);
  const auto& last = parts.back();
  if (auto* object = parent->if_object()) {
    (*object)[last] = std::move(value);
    return {};
  }
  auto* array = parent->if_array();
  if (!array) return no_such_path(path);
  const auto index = last == "-" ? array->size() : parse_index(last, array->size() + 1);
  if (!index) return no_such_path(path);
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

Result<json::value> take_out(json::value& document, std::string_view path,
                             std::span<const std::string> parts) {
  if (parts.empty()) return std::exchange(document, nullptr);
  json::value* parent = resolve(document, parts.first(parts.size() - 1));
  json::value* found = parent ? child(*parent, parts.back()) : nullptr;
  if (!found) return no_such_path(path);
  json::value taken = std::move(*found);
  if (auto* object = parent->if_object()) {
    object->stable_erase(parts.back());
  } else {
    auto& array = parent->get_array();
    array.erase(array.begin() + (found - array.data()));
  }
  return taken;
}

Result<> run(json::value& document, const json::object& operation, std::size_t& copied) {
  const auto text = [&](std::string_view key) -> const json::string* {
    const auto* found = operation.if_contains(key);
    return found ? found->if_string() : nullptr;
  };
  const auto* op = text("op");
  const auto* path = text("path");
  if (!op || !path)
    return make_error(Errc::kMalformed,
                      "parse JSON patch: an operation needs the strings \"op\" and \"path\"");
  ANTREA_TRY(const auto parts, parse_pointer(*path));

  if (*op == "remove") {
    ANTREA_TRY([[maybe_unused]] const auto gone, take_out(document, *path, parts));
    return {};
  }
  if (*op == "move" || *op == "copy") {
    const auto* from = text("from");
    if (!from)
      return make_error(Errc::kMalformed, "parse JSON patch: \"from\" is missing",
                        std::string(*path));
    ANTREA_TRY(const auto source, parse_pointer(*from));
    if (*op == "move") {
      const bool inside =
          parts.size() > source.size() && std::equal(source.begin(), source.end(), parts.begin());
      if (inside)
        return make_error(Errc::kRejected, "apply JSON patch: cannot move a value into itself",
                          std::string(*path));
      ANTREA_TRY(auto value, take_out(document, *from, source));
      return add(document, *path, parts, std::move(value));
    }
    const json::value* value = resolve(document, source);
    if (!value) return no_such_path(*from);
    copied += json::serialize(*value).size();
    if (copied > kMaxCopied)
      return make_error(Errc::kRejected, "apply JSON patch: it copies more than 3 MiB");
    return add(document, *path, parts, json::value(*value));
  }

  const auto* value = operation.if_contains("value");
  if (!value && (*op == "add" || *op == "replace" || *op == "test"))
    return make_error(Errc::kMalformed, "parse JSON patch: \"value\" is missing",
                      std::string(*path));
  if (*op == "add") return add(document, *path, parts, *value);
  if (*op == "replace") {
    json::value* found = resolve(document, parts);
    if (!found) return no_such_path(*path);
    *found = *value;
    return {};
  }
  if (*op == "test") {
    const json::value* found = resolve(document, parts);
    if (!found && value->is_null()) return {};  // as the API server's library has it
    if (!found || *found != *value)
      return make_error(Errc::kRejected, "apply JSON patch: the test fails", std::string(*path));
    return {};
  }
  return make_error(Errc::kMalformed, "parse JSON patch: unknown operation", std::string(*op));
}
}  // namespace

Result<> apply_merge_patch(json::value& target, const json::value& patch) {
  if (!patch.is_object())
    return make_error(Errc::kMalformed, "parse merge patch: expected an object");
  merge(target, patch);
  return {};
}

Result<> apply_json_patch(json::value& target, const json::value& patch) {
  const auto* operations = patch.if_array();
  if (!operations) return make_error(Errc::kMalformed, "parse JSON patch: expected an array");
  if (operations->size() > kMaxOperations)
    return make_error(Errc::kRejected, "apply JSON patch: more than 10000 operations");
  json::value changed = target;
  std::size_t copied = 0;
  for (const auto& operation : *operations) {
    const auto* object = operation.if_object();
    if (!object)
      return make_error(Errc::kMalformed, "parse JSON patch: an operation must be an object");
    ANTREA_CHECK(run(changed, *object, copied));
  }
  target = std::move(changed);
  return {};
}

}  // namespace antrea::kube
