#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/openflow/text.h"

// The text under a parser, its tokens and numbers.
namespace antrea::openflow::detail {

/// The whole text and the first fault found in it. All tokens are views into it, so that each knows
/// its offset. Parsing functions return false after `fail`.
class Source {
 public:
  /// `names` as for `parse_flow`.
  explicit Source(std::string_view text, const Names* names = nullptr)
      : text_(text), names_(names) {}

  std::string_view text() const { return text_; }
  /// A port number, the name of a reserved port or a known one, in its 16-bit form.
  bool to_port16(std::string_view token, std::uint16_t& port) const;
  /// The table of a name.
  bool named_table(std::string_view token, TableId& table) const;
  bool fail(const char* at, std::string cause) {
    error_ = {std::move(cause), static_cast<std::size_t>(at - text_.data())};
    return false;
  }
  bool fail(std::string_view at, std::string cause) { return fail(at.data(), std::move(cause)); }
  const TextError& error() const { return error_; }

 private:
  std::string_view text_;
  const Names* names_;
  TextError error_;
};

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kSeparators = ", \t\r\n";

/// "key", "key=value", "key:value", "key(value)" or "key(value)->target", as views.
struct Pair {
  std::string_view key;
  std::string_view value;  ///< empty if there is none; of the last form "value)->target"
};

/// Cuts "key=value,key(value) key" into pairs, which commas and blanks separate. A value in
/// parentheses may hold separators and nested parentheses.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// False at the end.
  bool next(Pair& pair);

 private:
  const char* at_;
  const char* end_;
};

/// Cuts at any of `delimiters`, runs of which count as one; false at the end.
bool next_token(std::string_view& rest, std::string_view delimiters, std::string_view& token);

/// For a message of one line: what cannot be printed is a question mark, and long tokens are cut.
std::string quoted(std::string_view token);

// Numbers as C reads them: decimal, 0x hexadecimal or 0 octal, with sign and blanks in front.

enum class Scan : std::uint8_t { kOk, kNone, kTooLarge };
/// As strtoull: reads at `at` and moves it behind the number. A minus sign negates modulo 2^64.
Scan scan_number(const char*& at, const char* end, unsigned base, std::uint64_t& number);
/// As strtoll of the whole token.
bool to_signed(std::string_view token, unsigned base, std::int64_t& number);
/// As strtoull of the whole token.
bool to_unsigned(std::string_view token, std::uint64_t& number);
/// As atoi: what is no number is 0, and what follows one is ignored.
std::uint32_t lenient_number(std::string_view token);
/// Up to 128 bits at `at`, at most `bytes` wide; hexadecimal may be long, other bases hold 64 bits.
Scan scan_value(const char*& at, const char* end, unsigned bytes, FieldValue& value);

/// A hexadecimal number of any size at `at`, in bytes without leading zeros.
Scan scan_hex(const char*& at, const char* end, std::vector<std::byte>& bytes);

bool read_u8(Source& source, std::string_view token, std::string_view what, std::uint8_t& number);
bool read_u16(Source& source, std::string_view token, std::string_view what, std::uint16_t& number);
bool read_u32(Source& source, std::string_view token, std::string_view what, std::uint32_t& number);
bool read_u64(Source& source, std::string_view token, std::string_view what, std::uint64_t& number);
/// Pairs of hex digits to the end of the token, with blanks and `separator` between pairs.
bool read_bytes(Source& source, std::string_view token, char separator,
                std::vector<std::uint8_t>& bytes);

/// A table's number, or the name of a known one.
bool read_table(Source& source, std::string_view token, TableId& table);

}  // namespace antrea::openflow::detail
