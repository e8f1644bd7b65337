#include "antrea/kube/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace antrea::kube {
namespace {
bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Alphanumerics at both ends, and "-_." besides in between.
bool is_qualified_name_part(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  char before = '.';
  for (const char c : text) {
    const bool inner = is_alphanumeric(c) && !(c >= 'A' && c <= 'Z');
    if (!inner && c != '-' && c != '.') return false;
    if ((c == '.' && (before == '.' || before == '-')) || (c == '-' && before == '.')) return false;
    before = c;
  }
  return before != '.' && before != '-';
}

constexpr std::string_view kNameRule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

enum class Token : std::uint8_t {
  kEnd,
  kWord,
  kIn,
  kNotIn,
  kNot,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kComma,
  kOpen,
  kClose,
  kBad
};

/// Cuts a label selector into tokens; one token of lookahead.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  Token token = Token::kEnd;
  std::string literal;
  /// The words "in" and "notin" are operators where one may stand, else words as others.
  void advance(bool operators = false) {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ == text_.size()) {
      token = Token::kEnd;
      literal.clear();
      return;
    }
    const auto begin = at_;
    if (is_symbol(text_[at_])) {
      token = read_symbol();
    } else {
      while (at_ < text_.size() && !is_symbol(text_[at_]) && !is_space(text_[at_])) ++at_;
      const auto word = text_.substr(begin, at_ - begin);
      token = !operators        ? Token::kWord
              : word == "in"    ? Token::kIn
              : word == "notin" ? Token::kNotIn
                                : Token::kWord;
    }
    literal = text_.substr(begin, at_ - begin);
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool is_symbol(char c) {
    return std::string_view("=!(),<>").find(c) != std::string_view::npos;
  }

  Token read_symbol() {
    switch (text_[at_++]) {
      case '=':
        if (at_ < text_.size() && text_[at_] == '=') ++at_;
        return Token::kEqual;
      case '!':
        if (at_ < text_.size() && text_[at_] == '=') return ++at_, Token::kNotEqual;
        return Token::kNot;
      case '(':
        return Token::kOpen;
      case ')':
        return Token::kClose;
      case ',':
        return Token::kComma;
      case '<':
        return Token::kLess;
      case '>':
        return Token::kGreater;
      default:
        return Token::kBad;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Error unexpected(const Lexer& lexer, std::string_view expected) {
  return make_error(Errc::kMalformed,
                    "found '" + lexer.literal + "', expected: " + std::string(expected));
}

using Requirement = LabelQuery::Requirement;
using Operator = Requirement::Operator;

/// "(a,b,)": empty values are values.
Result<std::vector<std::string>> parse_values(Lexer& lexer) {
  if (lexer.token != Token::kOpen) return unexpected(lexer, "'('");
  lexer.advance();
  std::vector<std::string> values;
  if (lexer.token == Token::kClose) {
    values.emplace_back();
    lexer.advance();
    return values;
  }
  bool want_value = true;
  for (;;) {
    if (lexer.token == Token::kWord && want_value) {
      values.push_back(lexer.literal);
      want_value = false;
    } else if (lexer.token == Token::kComma) {
      if (want_value) values.emplace_back();
      want_value = true;
    } else if (lexer.token == Token::kClose) {
      if (want_value) values.emplace_back();
      lexer.advance();
      return values;
    } else {
      return unexpected(lexer, "',', ')' or identifier");
    }
    lexer.advance();
  }
}

Result<Requirement> parse_requirement(Lexer& lexer) {
  Requirement requirement;
  const bool negated = lexer.token == Token::kNot;
  if (negated) lexer.advance();
  if (lexer.token != Token::kWord) return unexpected(lexer, "identifier");
  requirement.key = lexer.literal;
  if (const auto wrong = check_label_key(requirement.key); !wrong.empty())
    return make_error(Errc::kMalformed,
                      "key: Invalid value: \"" + requirement.key + "\": " + wrong);
  lexer.advance(true);
  if (negated || lexer.token == Token::kEnd || lexer.token == Token::kComma) {
    requirement.op = negated ? Operator::kNotExists : Operator::kExists;
    return requirement;
  }
  switch (lexer.token) {
    case Token::kIn:
    case Token::kNotIn: {
      requirement.op = lexer.token == Token::kIn ? Operator::kIn : Operator::kNotIn;
      lexer.advance();
      ANTREA_TRY(requirement.values, parse_values(lexer));
      break;
    }
    case Token::kEqual:
    case Token::kNotEqual:
    case Token::kGreater:
    case Token::kLess: {
      requirement.op = lexer.token == Token::kEqual      ? Operator::kIn
                       : lexer.token == Token::kNotEqual ? Operator::kNotIn
                       : lexer.token == Token::kGreater  ? Operator::kGreater
                                                         : Operator::kLess;
      lexer.advance();
      if (lexer.token == Token::kWord) {
        requirement.values.push_back(lexer.literal);
        lexer.advance();
      } else if (lexer.token == Token::kEnd || lexer.token == Token::kComma) {
        requirement.values.emplace_back();
      } else {
        return unexpected(lexer, "identifier");
      }
      break;
    }
    default:
      return unexpected(lexer, "in, notin, =, ==, !=, gt, lt");
  }
  for (const auto& value : requirement.values)
    if (const auto wrong = check_label_value(value); !wrong.empty())
      return make_error(Errc::kMalformed, "values[0][" + requirement.key + "]: Invalid value: \"" +
                                              value + "\": " + wrong);
  if (requirement.op == Operator::kGreater || requirement.op == Operator::kLess) {
    const auto& value = requirement.values.front();
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code != std::errc{} || end != value.data() + value.size())
      return make_error(Errc::kMalformed,
                        "values[0]: Invalid value: \"" + value +
                            "\": for 'Gt', 'Lt' operators, the value must be an integer");
  }
  return requirement;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const std::string* find(const NameValues& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs)
    if (key == name) return &value;
  return nullptr;
}

bool holds(const Requirement& requirement, const NameValues& labels) {
  const std::string* value = find(labels, requirement.key);
  const auto listed = [&] {
    return std::ranges::find(requirement.values, *value) != requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kIn:
      return value && listed();
    case Operator::kNotIn:
      return !value || !listed();
    case Operator::kExists:
      return value != nullptr;
    case Operator::kNotExists:
      return value == nullptr;
    case Operator::kGreater:
    case Operator::kLess: {
      const auto number = value ? to_integer(*value) : std::nullopt;
      const auto bound = to_integer(requirement.values.front());
      if (!number || !bound) return false;
      return requirement.op == Operator::kGreater ? *number > *bound : *number < *bound;
    }
  }
  return false;
}
}  // namespace

std::string check_label_key(std::string_view key) {
  std::string_view name = key;
  if (const auto slash = key.find('/'); slash != key.npos) {
    name = key.substr(slash + 1);
    if (name.find('/') != name.npos)
      return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an "
             "optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    if (slash == 0) return "prefix part must be non-empty";
    if (!is_dns_subdomain(key.substr(0, slash)))
      return "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
             "characters, '-' or '.', and must start and end with an alphanumeric character";
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > 63) return "name part must be no more than 63 characters";
  return is_qualified_name_part(name) ? std::string() : std::string(kNameRule);
}

std::string check_label_value(std::string_view value) {
  if (value.size() > 63) return "must be no more than 63 characters";
  if (value.empty() || is_qualified_name_part(value)) return {};
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
         "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
         "'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

Result<LabelQuery> LabelQuery::parse(std::string_view text) {
  LabelQuery query;
  Lexer lexer(text);
  while (lexer.token != Token::kEnd) {
    if (lexer.token != Token::kWord && lexer.token != Token::kNot)
      return unexpected(lexer, "!, identifier, or 'end of string'");
    auto requirement = parse_requirement(lexer);
    if (!requirement)
      return make_error(Errc::kMalformed,
                        "unable to parse requirement: " + requirement.error().cause);
    query.requirements_.push_back(*std::move(requirement));
    if (lexer.token == Token::kEnd) break;
    if (lexer.token != Token::kComma) return unexpected(lexer, "',' or 'end of string'");
    lexer.advance();
    if (lexer.token != Token::kWord && lexer.token != Token::kNot)
      return unexpected(lexer, "identifier after ','");
  }
  return query;
}

bool LabelQuery::matches(const NameValues& labels) const {
  return std::ranges::all_of(requirements_,
                             [&](const Requirement& each) { return holds(each, labels); });
}

Result<FieldQuery> FieldQuery::parse(std::string_view text) {
  FieldQuery query;
  while (!text.empty()) {
    std::string_view term = text;
    bool escaped = false;
    std::size_t size = 0;
    for (; size < text.size(); ++size) {
      if (!escaped && text[size] == ',') break;
      escaped = !escaped && text[size] == '\\';
    }
    term = text.substr(0, size);
    text.remove_prefix(std::min(text.size(), size + 1));
    if (term.empty()) continue;

    const auto equals = term.find('=');
    if (equals == term.npos || equals == 0 || (equals == 1 && term[0] == '!'))
      return make_error(Errc::kMalformed, "invalid selector: '" + std::string(term) +
                                              "'; can't understand '" + std::string(term) + "'");
    Term parsed;
    parsed.equal = term[equals - 1] != '!';
    parsed.field = term.substr(0, parsed.equal ? equals : equals - 1);
    auto value = term.substr(equals + 1);
    if (parsed.equal && value.starts_with('=')) value.remove_prefix(1);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '\\') {
        if (value[i] == '=')
          return make_error(Errc::kMalformed,
                            "invalid field selector: unescaped character in "
                            "value: '='");
        parsed.value += value[i];
        continue;
      }
      if (++i == value.size() || std::string_view("\\,=").find(value[i]) == std::string_view::npos)
        return make_error(Errc::kMalformed,
                          "invalid field selector: invalid escape sequence: \\" +
                              (i < value.size() ? std::string(1, value[i]) : std::string()));
      parsed.value += value[i];
    }
    query.terms_.push_back(std::move(parsed));
  }
  return query;
}

bool FieldQuery::matches(const NameValues& fields) const {
  return std::ranges::all_of(terms_, [&](const Term& term) {
    const auto* value = find(fields, term.field);
    return ((value ? std::string_view(*value) : std::string_view{}) == term.value) == term.equal;
  });
}

}  // namespace antrea::kube
