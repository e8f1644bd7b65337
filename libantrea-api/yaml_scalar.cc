#include "yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace antrea::api::detail {
namespace {

constexpr std::array<std::string_view, 11> kTrue{"y",    "Y",    "yes", "Yes", "YES", "true",
                                                 "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse{"n",     "N",     "no",  "No",  "NO", "false",
                                                  "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull{"", "~", "null", "Null", "NULL"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has(const auto& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

template <typename Integer>
std::optional<Integer> to_integer(std::string_view digits, int base) {
  Integer value{};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// Digits after an optional sign and a prefix that names their base.
std::optional<boost::json::value> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  if (text.empty() || text.front() == '-') return std::nullopt;
  std::string digits(text);
  if (negative) digits.insert(digits.begin(), '-');
  if (const auto value = to_integer<std::int64_t>(digits, base)) return *value;
  if (const auto value = to_integer<std::uint64_t>(digits, base)) return *value;
  return std::nullopt;
}

// [-+] digits . digits e [-+] digits, with digits on at least one side of the point.
bool is_decimal(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > start;
  };
  const auto sign = [&] {
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  };
  sign();
  bool any = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    any = digits() || any;
  }
  if (any && at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    sign();
    any = digits();
  }
  return any && at == text.size();
}

}  // namespace

boost::json::value resolve_plain_scalar(std::string_view text) {
  if (has(kNull, text)) return nullptr;
  if (has(kTrue, text)) return true;
  if (has(kFalse, text)) return false;
  const char first = text.front();
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    std::string plain(text);
    std::erase(plain, '_');
    if (first != '.')
      if (auto value = parse_integer(plain)) return *std::move(value);
    if (is_decimal(plain)) {
      const std::size_t start = plain.starts_with('+') ? 1 : 0;
      double value = 0;
      const auto [end, error] =
          std::from_chars(plain.data() + start, plain.data() + plain.size(), value);
      if (error == std::errc{} && end == plain.data() + plain.size()) {
        // Whole numbers are integers in JSON, however they were written.
        constexpr double kExact = 9007199254740992.0;
        if (std::abs(value) < kExact && std::trunc(value) == value)
          return static_cast<std::int64_t>(value);
        return value;
      }
    }
  }
  return boost::json::string(text);
}

}  // namespace antrea::api::detail
