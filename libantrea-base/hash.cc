#include "antrea/base/hash.h"

#include <algorithm>
#include <bit>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cstring>
#include <utility>

#include "antrea/base/bytes.h"

namespace antrea {
namespace {

// The CRC of each byte alone, followed by 0 to 7 zero bytes, so that eight bytes go in one step.
constexpr auto kCrcTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t i = 1; i < tables.size(); ++i)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t shorter = tables[i - 1][byte];
      tables[i][byte] = shorter >> 8 ^ tables[0][shorter & 0xff];
    }
  return tables;
}();

constexpr std::size_t kSha1Block = 64;
using Sha1State = std::array<std::uint32_t, 5>;

/// RFC 3174 section 6.2, method 2: the sixteen latest words of the schedule are kept. The rounds
/// are written out by the compiler, so that who is a, b, c, d and e changes by name and not by
/// moving.
class Sha1Rounds {
 public:
  explicit Sha1Rounds(const char* block) {
    std::memcpy(words_.data(), block, kSha1Block);
    for (std::uint32_t& word : words_) word = __builtin_bswap32(word);
  }
  void add_to(Sha1State& state) {
    auto [a, b, c, d, e] = state;
    five_by_five(a, b, c, d, e, std::make_index_sequence<16>());
    const Sha1State added{a, b, c, d, e};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
  }

 private:
  using Word = std::uint32_t;
  template <std::size_t... kFive>
  void five_by_five(Word& a, Word& b, Word& c, Word& d, Word& e, std::index_sequence<kFive...>) {
    (five<5 * kFive>(a, b, c, d, e), ...);
  }
  template <std::size_t kT>
  [[gnu::always_inline]] void five(Word& a, Word& b, Word& c, Word& d, Word& e) {
    round<kT>(a, b, c, d, e);
    round<kT + 1>(e, a, b, c, d);
    round<kT + 2>(d, e, a, b, c);
    round<kT + 3>(c, d, e, a, b);
    round<kT + 4>(b, c, d, e, a);
  }
  template <std::size_t kT>
  [[gnu::always_inline]] void round(Word a, Word& b, Word c, Word d, Word& e) {
    Word& word = words_[kT % 16];
    if constexpr (kT >= 16)
      word = std::rotl(
          words_[(kT + 13) % 16] ^ words_[(kT + 8) % 16] ^ words_[(kT + 2) % 16] ^ word, 1);
    e += std::rotl(a, 5) + word;
    if constexpr (kT < 20)
      e += (d ^ (b & (c ^ d))) + 0x5a827999;
    else if constexpr (kT < 40)
      e += (b ^ c ^ d) + 0x6ed9eba1;
    else if constexpr (kT < 60)
      e += ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    else
      e += (b ^ c ^ d) + 0xca62c1d6;
    b = std::rotl(b, 30);
  }

  std::array<Word, 16> words_;
};

void add_sha1_block(Sha1State& state, const char* block) { Sha1Rounds(block).add_to(state); }
static_assert(std::endian::native == std::endian::little);

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  Sha1State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (; text.size() >= kSha1Block; text.remove_prefix(kSha1Block))
    add_sha1_block(state, text.data());
  // The rest, a one bit, zeros, and the length at the end of the last block.
  std::array<char, 2 * kSha1Block> last{};
  if (!text.empty()) std::memcpy(last.data(), text.data(), text.size());
  last[text.size()] = '\x80';
  const std::size_t size = text.size() + 9 <= kSha1Block ? kSha1Block : 2 * kSha1Block;
  const std::uint64_t length = __builtin_bswap64(bits);
  std::memcpy(last.data() + size - sizeof length, &length, sizeof length);
  for (std::size_t at = 0; at < size; at += kSha1Block) add_sha1_block(state, last.data() + at);
  std::array<std::uint8_t, 20> digest{};
  for (std::uint32_t& word : state) word = __builtin_bswap32(word);
  std::memcpy(digest.data(), state.data(), digest.size());
  return digest;
}

std::string sha1_hex(std::string_view text, std::size_t digits) {
  const auto digest = sha1(text);
  return to_hex(std::as_bytes(std::span(digest))).substr(0, digits);
}

std::string uuid_v5(std::string_view name_space, std::string_view name) {
  const auto space = boost::uuids::string_generator()(name_space.begin(), name_space.end());
  return boost::uuids::to_string(
      boost::uuids::name_generator_sha1(space)(name.data(), name.size()));
}

std::string uuid_v4() { return boost::uuids::to_string(boost::uuids::random_generator()()); }

std::uint64_t stable_hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const auto at = [&bytes](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    crc ^= at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24;
    crc = kCrcTables[7][crc & 0xff] ^ kCrcTables[6][crc >> 8 & 0xff] ^
          kCrcTables[5][crc >> 16 & 0xff] ^ kCrcTables[4][crc >> 24] ^ kCrcTables[3][at(4)] ^
          kCrcTables[2][at(5)] ^ kCrcTables[1][at(6)] ^ kCrcTables[0][at(7)];
  }
  for (; !bytes.empty(); bytes = bytes.subspan(1))
    crc = crc >> 8 ^ kCrcTables[0][(crc ^ at(0)) & 0xff];
  return ~crc;
}

}  // namespace antrea
