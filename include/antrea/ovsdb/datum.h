#pragma once

#include <array>
#include <boost/json/fwd.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::ovsdb {

/// Names a row for as long as it exists.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// The form with dashes, either case. Error: kMalformed.
  ANTREA_API static Result<Uuid> parse(std::string_view text);
  ANTREA_API std::string to_string() const;
  bool is_zero() const { return *this == Uuid{}; }
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

using StringMap = std::map<std::string, std::string, std::less<>>;

enum class AtomType : std::uint8_t { kInteger, kReal, kBoolean, kString, kUuid };

/// One element of a column; the alternatives stand in the order of `AtomType`.
using Atom = std::variant<std::int64_t, double, bool, std::string, Uuid>;

/// The type of a column (RFC 7047, section 3.2), as far as reading it needs.
struct ColumnType {
  static constexpr unsigned kUnlimited = std::numeric_limits<unsigned>::max();

  AtomType key = AtomType::kString;
  std::optional<AtomType> value;  ///< of a map
  unsigned min = 1;
  unsigned max = 1;

  bool is_map() const { return value.has_value(); }
  bool is_scalar() const { return !value && min == 1 && max == 1; }
  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

/// What a column holds: a set, or a map. Sorted and without duplicates, so that equal contents
/// compare equal whatever order the wire had. A plain value is a set of one, an absent optional one
/// an empty set.
class ANTREA_API Datum {
 public:
  Datum() = default;

  /// Reads the wire form of RFC 7047, section 5.1: a set of one may come bare. `context` names the
  /// column in errors. Errors: kMalformed. Bounds on the number of elements are the server's
  /// business, but a scalar has one.
  static Result<Datum> parse(const boost::json::value& json, const ColumnType& type);
  /// What a column holds that was never written (section 5.2.1).
  static Datum default_of(const ColumnType& type);
  /// Applies a "modify" difference of update2 and update3: the new value for columns of at most one
  /// element; else elements to toggle, and for a map keys to add, to remove (same value) or to
  /// replace.
  Datum with_difference(const Datum& difference, const ColumnType& type) const;

  std::size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }
  const std::vector<Atom>& keys() const { return keys_; }
  const std::vector<Atom>& values() const {
    return values_;
  }  ///< parallel to keys(); empty for a set
  bool contains(const Atom& key) const { return find(key).has_value(); }

  // The first element, or a default: what a plain or optional column is read with.
  std::int64_t integer(std::int64_t absent = 0) const;
  bool boolean() const;
  double real() const;
  const std::string& string() const;
  Uuid uuid() const;
  std::optional<std::int64_t> optional_integer() const;

  std::vector<Uuid> uuids() const;
  std::vector<std::string> strings() const;
  /// A map from string to string; anything else is empty.
  StringMap string_map() const;

  friend bool operator==(const Datum&, const Datum&) = default;

 private:
  std::optional<std::size_t> find(const Atom& key) const;

  std::vector<Atom> keys_;
  std::vector<Atom> values_;
};

}  // namespace antrea::ovsdb

template <>
struct std::hash<antrea::ovsdb::Uuid> {
  std::size_t operator()(const antrea::ovsdb::Uuid& uuid) const noexcept {
    std::size_t hash = 0;
    for (const auto byte : uuid.bytes) hash = hash * 131 + byte;
    return hash;
  }
};
