#include "antrea/ovsdb/datum.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <numeric>

namespace antrea::ovsdb {
namespace json = boost::json;
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error malformed(std::string expected, const json::value& found) {
  auto text = json::serialize(found);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return make_error(Errc::kMalformed, "expected " + std::move(expected) + ", found " + text);
}

Result<Atom> parse_atom(const json::value& value, AtomType type) {
  switch (type) {
    case AtomType::kInteger:
      if (value.is_int64()) return Atom(value.get_int64());
      if (value.is_double() && value.get_double() == std::floor(value.get_double()) &&
          std::abs(value.get_double()) < 9.2e18)
        return Atom(static_cast<std::int64_t>(value.get_double()));
      return malformed("an integer", value);
    case AtomType::kReal:
      if (value.is_double()) return Atom(value.get_double());
      if (value.is_int64()) return Atom(static_cast<double>(value.get_int64()));
      if (value.is_uint64()) return Atom(static_cast<double>(value.get_uint64()));
      return malformed("a real", value);
    case AtomType::kBoolean:
      if (value.is_bool()) return Atom(value.get_bool());
      return malformed("a boolean", value);
    case AtomType::kString:
      if (value.is_string())
        return Atom(std::string(value.get_string().data(), value.get_string().size()));
      return malformed("a string", value);
    case AtomType::kUuid: {
      const auto* pair = value.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
          (*pair)[0].get_string() != "uuid" || !(*pair)[1].is_string())
        return malformed("[\"uuid\", ...]", value);
      ANTREA_TRY(const auto uuid, Uuid::parse((*pair)[1].get_string()));
      return Atom(uuid);
    }
  }
  return malformed("a known type", value);
}

Atom default_atom(AtomType type) {
  switch (type) {
    case AtomType::kInteger:
      return std::int64_t{0};
    case AtomType::kReal:
      return 0.0;
    case AtomType::kBoolean:
      return false;
    case AtomType::kString:
      return std::string();
    case AtomType::kUuid:
      return Uuid{};
  }
  return std::int64_t{0};
}

/// The array behind `tag` in [tag, [...]], or null.
const json::array* tagged(const json::value& value, std::string_view tag) {
  const auto* outer = value.if_array();
  if (outer == nullptr || outer->size() != 2 || !(*outer)[0].is_string() ||
      (*outer)[0].get_string() != json::string_view(tag.data(), tag.size()))
    return nullptr;
  return (*outer)[1].if_array();
}

}  // namespace

Result<Uuid> Uuid::parse(std::string_view text) {
  const auto bad = [&] {
    return make_error(Errc::kMalformed, "parse UUID: expected 8-4-4-4-12 hex digits, found \"" +
                                            std::string(text.substr(0, 40)) + "\"");
  };
  if (text.size() != 36) return bad();
  Uuid uuid;
  std::size_t at = 0;
  for (auto& byte : uuid.bytes) {
    if (at == 8 || at == 13 || at == 18 || at == 23)
      if (text[at++] != '-') return bad();
    const int high = hex_digit(text[at]);
    const int low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return bad();
    byte = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return uuid;
}

std::string Uuid::to_string() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

Result<Datum> Datum::parse(const json::value& value, const ColumnType& type) {
  Datum datum;
  if (type.is_map()) {
    const auto* pairs = tagged(value, "map");
    if (pairs == nullptr) return malformed("[\"map\", [...]]", value);
    std::vector<std::pair<Atom, Atom>> entries;
    entries.reserve(pairs->size());
    for (const auto& element : *pairs) {
      const auto* pair = element.if_array();
      if (pair == nullptr || pair->size() != 2) return malformed("a pair", element);
      ANTREA_TRY(auto key, parse_atom((*pair)[0], type.key));
      ANTREA_TRY(auto mapped, parse_atom((*pair)[1], *type.value));
      entries.emplace_back(std::move(key), std::move(mapped));
    }
    std::ranges::sort(entries);
    for (auto& [key, mapped] : entries) {
      if (!datum.keys_.empty() && datum.keys_.back() == key)
        return malformed("a map without duplicate keys", value);
      datum.keys_.push_back(std::move(key));
      datum.values_.push_back(std::move(mapped));
    }
    return datum;
  }
  if (const auto* elements = tagged(value, "set")) {
    datum.keys_.reserve(elements->size());
    for (const auto& element : *elements) {
      ANTREA_TRY(auto key, parse_atom(element, type.key));
      datum.keys_.push_back(std::move(key));
    }
    std::ranges::sort(datum.keys_);
    if (std::ranges::adjacent_find(datum.keys_) != datum.keys_.end())
      return malformed("a set without duplicates", value);
  } else {
    ANTREA_TRY(auto key, parse_atom(value, type.key));
    datum.keys_.push_back(std::move(key));
  }
  if (type.is_scalar() && datum.size() != 1) return malformed("one value", value);
  return datum;
}

Datum Datum::default_of(const ColumnType& type) {
  Datum datum;
  if (type.min > 0) {
    datum.keys_.push_back(default_atom(type.key));
    if (type.value) datum.values_.push_back(default_atom(*type.value));
  }
  return datum;
}

Datum Datum::with_difference(const Datum& difference, const ColumnType& type) const {
  if (type.max == 1) return difference;
  Datum merged;
  std::size_t i = 0, j = 0;
  const auto keep = [&](const Datum& from, std::size_t& at) {
    merged.keys_.push_back(from.keys_[at]);
    if (type.is_map()) merged.values_.push_back(from.values_[at]);
    ++at;
  };
  while (i < keys_.size() || j < difference.keys_.size()) {
    if (j == difference.keys_.size() || (i < keys_.size() && keys_[i] < difference.keys_[j])) {
      keep(*this, i);
    } else if (i == keys_.size() || difference.keys_[j] < keys_[i]) {
      keep(difference, j);
    } else if (type.is_map() && values_[i] != difference.values_[j]) {
      keep(difference, j);
      ++i;
    } else {
      ++i, ++j;
    }
  }
  return merged;
}

std::optional<std::size_t> Datum::find(const Atom& key) const {
  const auto found = std::ranges::lower_bound(keys_, key);
  if (found == keys_.end() || *found != key) return std::nullopt;
  return found - keys_.begin();
}

std::int64_t Datum::integer(std::int64_t absent) const {
  const auto* value = empty() ? nullptr : std::get_if<std::int64_t>(&keys_.front());
  return value != nullptr ? *value : absent;
}

std::optional<std::int64_t> Datum::optional_integer() const {
  const auto* value = empty() ? nullptr : std::get_if<std::int64_t>(&keys_.front());
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

bool Datum::boolean() const {
  const auto* value = empty() ? nullptr : std::get_if<bool>(&keys_.front());
  return value != nullptr && *value;
}

double Datum::real() const {
  const auto* value = empty() ? nullptr : std::get_if<double>(&keys_.front());
  return value != nullptr ? *value : 0;
}

const std::string& Datum::string() const {
  static const std::string kEmpty;
  const auto* value = empty() ? nullptr : std::get_if<std::string>(&keys_.front());
  return value != nullptr ? *value : kEmpty;
}

Uuid Datum::uuid() const {
  const auto* value = empty() ? nullptr : std::get_if<Uuid>(&keys_.front());
  return value != nullptr ? *value : Uuid{};
}

std::vector<Uuid> Datum::uuids() const {
  std::vector<Uuid> all;
  for (const auto& key : keys_)
    if (const auto* uuid = std::get_if<Uuid>(&key)) all.push_back(*uuid);
  return all;
}

std::vector<std::string> Datum::strings() const {
  std::vector<std::string> all;
  for (const auto& key : keys_)
    if (const auto* text = std::get_if<std::string>(&key)) all.push_back(*text);
  return all;
}

StringMap Datum::string_map() const {
  StringMap map;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto* key = std::get_if<std::string>(&keys_[i]);
    const auto* value = std::get_if<std::string>(&values_[i]);
    if (key != nullptr && value != nullptr) map.emplace_hint(map.end(), *key, *value);
  }
  return map;
}

}  // namespace antrea::ovsdb
