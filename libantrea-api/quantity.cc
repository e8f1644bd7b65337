#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "antrea/api/egress_json.h"

namespace antrea::api {
namespace {

struct Suffix {
  std::string_view text;
  int base, exponent;
};
constexpr Suffix kSuffixes[] = {
    {"", 10, 0},   {"n", 10, -9}, {"u", 10, -6}, {"m", 10, -3}, {"k", 10, 3},  {"M", 10, 6},
    {"G", 10, 9},  {"T", 10, 12}, {"P", 10, 15}, {"E", 10, 18}, {"Ki", 2, 10}, {"Mi", 2, 20},
    {"Gi", 2, 30}, {"Ti", 2, 40}, {"Pi", 2, 50}, {"Ei", 2, 60},
};
constexpr std::size_t kMostDigits = 30;
__extension__ typedef unsigned __int128 Wide;
constexpr Wide kEnd = Wide{1} << 63;

}  // namespace

// k8s.io/apimachinery pkg/api/resource/quantity.go
Result<std::uint64_t> parse_quantity(std::string_view text) {
  const auto fault = [text](std::string_view expected) {
    return make_error(Errc::kMalformed,
                      "found \"" + std::string(text) + "\", expected " + std::string(expected));
  };
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  std::string_view rest = text;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.starts_with('-')) return fault("an amount of 0 or more");

  const auto whole =
      static_cast<std::size_t>(std::ranges::find_if_not(rest, is_digit) - rest.begin());
  std::string digits(rest.substr(0, whole));
  rest.remove_prefix(whole);
  int exponent = 0, shift = 0;  // of ten, of two
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const auto part =
        static_cast<std::size_t>(std::ranges::find_if_not(rest, is_digit) - rest.begin());
    digits += rest.substr(0, part);
    exponent = -static_cast<int>(part);
    rest.remove_prefix(part);
  }
  if (digits.empty() || digits.size() > kMostDigits) return fault("an amount such as 500k or 10M");

  if (const auto* suffix = std::ranges::find(kSuffixes, rest, &Suffix::text);
      suffix != std::end(kSuffixes)) {
    (suffix->base == 10 ? exponent : shift) += suffix->exponent;
  } else if (rest.size() > 1 && (rest[0] == 'e' || rest[0] == 'E')) {
    const char* from = rest.data() + 1 + (rest[1] == '+' ? 1 : 0);
    int given = 0;
    const auto [end, error] = std::from_chars(from, rest.data() + rest.size(), given);
    if (error != std::errc() || end != rest.data() + rest.size() || given > 99 || given < -99)
      return fault("an exponent such as e6");
    exponent += given;
  } else {
    return fault("an amount such as 500k or 10M");
  }

  Wide value = 0;
  for (const char digit : digits) value = value * 10 + static_cast<unsigned>(digit - '0');
  const auto too_large = [&fault] { return fault("an amount below 2^63"); };
  if (value >> (127 - shift) != 0) return too_large();
  value <<= shift;
  for (; exponent > 0 && value != 0; --exponent) {
    if (value >= kEnd) return too_large();
    value *= 10;
  }
  bool inexact = false;
  for (; exponent < 0 && value != 0; ++exponent) {
    inexact = inexact || value % 10 != 0;
    value /= 10;
  }
  if (inexact) ++value;
  if (value >= kEnd) return too_large();
  return static_cast<std::uint64_t>(value);
}

}  // namespace antrea::api
