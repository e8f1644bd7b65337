#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/result.h"

namespace antrea::kube {

using NameValues = std::vector<std::pair<std::string, std::string>>;

/// A `labelSelector` parameter: "app in (web,api),tier!=db,!canary". All requirements must hold.
class ANTREA_API LabelQuery {
 public:
  struct Requirement {
    enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kNotExists, kGreater, kLess };
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
    friend bool operator==(const Requirement&, const Requirement&) = default;
  };

  /// Error: kMalformed, worded as the API server does.
  static Result<LabelQuery> parse(std::string_view text);
  /// NotIn and != also match where the key is absent.
  bool matches(const NameValues& labels) const;
  bool empty() const { return requirements_.empty(); }
  std::span<const Requirement> requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

/// A `fieldSelector` parameter: "spec.nodeName=worker-1,status.phase!=Failed".
class ANTREA_API FieldQuery {
 public:
  struct Term {
    std::string field, value;
    bool equal = true;
    friend bool operator==(const Term&, const Term&) = default;
  };

  /// "\" escapes a comma, an equals sign or itself in a value. Error: kMalformed.
  static Result<FieldQuery> parse(std::string_view text);
  /// A field that `fields` lacks counts as empty.
  bool matches(const NameValues& fields) const;
  bool empty() const { return terms_.empty(); }
  std::span<const Term> terms() const { return terms_; }

 private:
  std::vector<Term> terms_;
};

/// The rules of label keys and values, as sentences of the API server; empty if the text is fine.
ANTREA_API std::string check_label_key(std::string_view key);
ANTREA_API std::string check_label_value(std::string_view value);

}  // namespace antrea::kube
