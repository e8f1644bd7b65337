#include "parse_source.h"

#include <array>
#include <limits>
#include <vector>

#include "parse_names.h"

namespace antrea::openflow::detail {
namespace {

enum CharClass : std::uint8_t { kBlank = 1, kSeparator = 2, kKeyEnd = 4, kOpen = 8, kClose = 16 };
constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view set, std::uint8_t bits) {
    for (const char c : set) classes[static_cast<unsigned char>(c)] |= bits;
  };
  add(kBlanks, kBlank);
  add(kSeparators, kSeparator | kKeyEnd);
  add(":=(", kKeyEnd);
  add("(", kOpen);
  add(")", kClose);
  return classes;
}();
bool is(char c, std::uint8_t bits) { return (kClasses[static_cast<unsigned char>(c)] & bits) != 0; }
const char* skip_until(const char* at, const char* end, std::uint8_t bits) {
  while (at != end && !is(*at, bits)) ++at;
  return at;
}

/// Behind the closing parenthesis of the one at `at`, or the end.
const char* skip_parentheses(const char* at, const char* end) {
  int level = 0;
  for (; at != end; at = skip_until(at + 1, end, kOpen | kClose)) {
    level += *at == '(' ? 1 : -1;
    if (level == 0) return at + 1;
  }
  return end;
}

const char* skip_value(const char* at, const char* end, bool parenthesized) {
  const std::uint8_t stop = parenthesized ? kClose : kSeparator;
  for (;;) {
    at = skip_until(at, end, stop | kOpen);
    if (at == end || !is(*at, kOpen)) return at;
    at = skip_parentheses(at, end);
  }
}

std::string_view view(const char* from, const char* to) {
  return {from, static_cast<std::size_t>(to - from)};
}

constexpr auto kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(16);
  for (unsigned char i = 0; i < 10; ++i) digits['0' + i] = i;
  for (unsigned char i = 0; i < 6; ++i)
    digits['a' + i] = digits['A' + i] = static_cast<std::uint8_t>(10 + i);
  return digits;
}();
/// 16 for what is no digit.
unsigned digit_of(char c) { return kDigits[static_cast<unsigned char>(c)]; }

bool has_hex_prefix(const char* at, const char* end) {
  return end - at >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
}

template <typename Integer>
bool read_signed(Source& source, std::string_view token, std::string_view what, Integer& number) {
  std::int64_t value = 0;
  if (!to_signed(token, 0, value) || value < 0 || value > std::numeric_limits<Integer>::max())
    return source.fail(token, quoted(token) + " is no " + std::string(what));
  number = static_cast<Integer>(value);
  return true;
}

}  // namespace

bool Lexer::next(Pair& pair) {
  while (at_ != end_ && is(*at_, kSeparator)) ++at_;
  if (at_ == end_) return false;
  const char* start = at_;
  at_ = skip_until(at_, end_, kKeyEnd);
  pair.key = view(start, at_);
  pair.value = view(at_, at_);
  if (at_ == end_) return true;
  const char delimiter = *at_++;
  if (is(delimiter, kSeparator)) return true;
  start = at_;
  const bool parenthesized = delimiter == '(';
  at_ = skip_value(at_, end_, parenthesized);
  if (parenthesized && end_ - at_ >= 3 && at_[1] == '-' && at_[2] == '>')
    at_ = skip_value(at_, end_, false);
  pair.value = view(start, at_);
  if (at_ != end_) ++at_;
  return true;
}

bool next_token(std::string_view& rest, std::string_view delimiters, std::string_view& token) {
  const std::size_t start = rest.find_first_not_of(delimiters);
  if (start == std::string_view::npos) {
    rest.remove_prefix(rest.size());
    return false;
  }
  rest.remove_prefix(start);
  token = rest.substr(0, rest.find_first_of(delimiters));
  rest.remove_prefix(std::min(rest.size(), token.size() + 1));
  return true;
}

std::string quoted(std::string_view token) {
  constexpr std::size_t kMax = 60;
  std::string text = "\"";
  for (const char c : token.substr(0, kMax)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (token.size() > kMax ? "...\"" : "\"");
}

Scan scan_number(const char*& at, const char* end, unsigned base, std::uint64_t& number) {
  const char* p = at;
  while (p != end && is(*p, kBlank)) ++p;
  bool negative = false;
  if (p != end && (*p == '+' || *p == '-')) negative = *p++ == '-';
  if ((base == 0 || base == 16) && has_hex_prefix(p, end) && end - p > 2 && digit_of(p[2]) < 16) {
    base = 16;
    p += 2;
  } else if (base == 0) {
    base = p != end && *p == '0' ? 8 : 10;
  }
  const char* const digits = p;
  std::uint64_t value = 0;
  bool too_large = false;
  for (; p != end && digit_of(*p) < base; ++p) {
    too_large |= __builtin_mul_overflow(value, std::uint64_t{base}, &value);
    too_large |= __builtin_add_overflow(value, std::uint64_t{digit_of(*p)}, &value);
  }
  if (p == digits) return Scan::kNone;
  at = p;
  if (too_large) return Scan::kTooLarge;
  number = negative ? 0 - value : value;
  return Scan::kOk;
}

bool to_unsigned(std::string_view token, std::uint64_t& number) {
  const char* at = token.data();
  const char* const end = at + token.size();
  return scan_number(at, end, 0, number) == Scan::kOk && at == end;
}

bool to_signed(std::string_view token, unsigned base, std::int64_t& number) {
  const char* at = token.data();
  const char* const end = at + token.size();
  std::uint64_t value = 0;
  if (scan_number(at, end, base, value) != Scan::kOk || at != end) return false;
  const bool negative = token.find('-') != std::string_view::npos;
  number = static_cast<std::int64_t>(value);
  return value == 0 || (number < 0) == negative;
}

std::uint32_t lenient_number(std::string_view token) {
  const char* at = token.data();
  std::uint64_t value = 0;
  if (scan_number(at, at + token.size(), 10, value) == Scan::kTooLarge) value = 0xffffffff;
  return static_cast<std::uint32_t>(value);
}

Scan scan_value(const char*& at, const char* end, unsigned bytes, FieldValue& value) {
  if (!has_hex_prefix(at, end)) {
    std::uint64_t number = 0;
    const Scan scan = scan_number(at, end, 0, number);
    value = FieldValue(number);
    if (scan == Scan::kOk && bytes < 8 && number >> (8 * bytes) != 0) return Scan::kTooLarge;
    return scan;
  }
  FieldValue result;
  unsigned digits = 0;
  for (at += 2; at != end; ++at) {
    const unsigned digit = digit_of(*at);
    if (digit > 15) {
      if (is(*at, kBlank)) continue;
      break;
    }
    if (digit != 0 || digits != 0) ++digits;
    result.hi = result.hi << 4 | result.lo >> 60;
    result.lo = result.lo << 4 | digit;
  }
  value = result;
  return (digits + 1) / 2 > std::min(bytes, 16U) ? Scan::kTooLarge : Scan::kOk;
}

Scan scan_hex(const char*& at, const char* end, std::vector<std::byte>& bytes) {
  if (!has_hex_prefix(at, end)) return Scan::kNone;
  std::vector<unsigned> digits;
  for (at += 2; at != end; ++at) {
    const unsigned digit = digit_of(*at);
    if (digit < 16 && (digit != 0 || !digits.empty())) digits.push_back(digit);
    if (digit > 15 && !is(*at, kBlank)) break;
  }
  if (digits.size() % 2 != 0) digits.insert(digits.begin(), 0);
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(std::byte(digits[i] << 4 | digits[i + 1]));
  return Scan::kOk;
}

bool read_u8(Source& source, std::string_view token, std::string_view what, std::uint8_t& number) {
  return read_signed(source, token, what, number);
}
bool read_u16(Source& source, std::string_view token, std::string_view what,
              std::uint16_t& number) {
  return read_signed(source, token, what, number);
}
bool read_u32(Source& source, std::string_view token, std::string_view what,
              std::uint32_t& number) {
  std::uint64_t value = 0;
  if (!to_unsigned(token, value) || value > 0xffffffff)
    return source.fail(token, quoted(token) + " is no " + std::string(what));
  number = static_cast<std::uint32_t>(value);
  return true;
}
bool read_u64(Source& source, std::string_view token, std::string_view what,
              std::uint64_t& number) {
  if (!to_unsigned(token, number))
    return source.fail(token, quoted(token) + " is no " + std::string(what));
  return true;
}

bool read_bytes(Source& source, std::string_view token, char separator,
                std::vector<std::uint8_t>& bytes) {
  const char* at = token.data();
  const char* const end = at + token.size();
  for (;;) {
    while (at != end && (*at == separator || is(*at, kBlank))) ++at;
    if (at == end) return true;
    const unsigned high = digit_of(*at);
    const unsigned low = high < 16 && at + 1 != end ? digit_of(at[1]) : 16;
    if (low > 15) return source.fail(at, "expected pairs of hex digits");
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    at += 2;
  }
}

namespace {

/// Names with other characters than letters, digits and '_' stand in quotes in dumps.
std::string_view unquoted(std::string_view token) {
  const bool quotes = token.size() >= 2 && token.front() == '"' && token.back() == '"';
  return quotes ? token.substr(1, token.size() - 2) : token;
}

}  // namespace

bool Source::to_port16(std::string_view token, std::uint16_t& port) const {
  if (token.empty() || token[0] == '-') return false;
  std::int64_t number = 0;
  if (to_signed(token, 10, number)) {
    if (number > 0xffffffff || (number > 0xffff && number < 0xffffff00)) return false;
    port = static_cast<std::uint16_t>(number);
    return true;
  }
  if (reserved_port(token, port)) return true;
  if (names_ == nullptr) return false;
  const auto found = names_->ports.find(unquoted(token));
  if (found == names_->ports.end()) return false;
  port = static_cast<std::uint16_t>(found->second.value);
  return true;
}

bool Source::named_table(std::string_view token, TableId& table) const {
  if (names_ == nullptr) return false;
  const auto found = names_->tables.find(unquoted(token));
  if (found == names_->tables.end()) return false;
  table = found->second;
  return true;
}

bool read_table(Source& source, std::string_view token, TableId& table) {
  std::int64_t number = 0;
  if (token.empty() || token[0] == '-' || !to_signed(token, 10, number) || number > 255)
    return source.named_table(token, table) ||
           source.fail(token, quoted(token) + " is no table (0 to 255)");
  table = TableId{static_cast<std::uint8_t>(number)};
  return true;
}

}  // namespace antrea::openflow::detail
