#include "antrea/base/hash.h"

#include <algorithm>
#include <bit>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cstring>

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

/// RFC 3174 section 6.2, method 2: the sixteen latest words of the schedule are kept.
void add_sha1_block(Sha1State& state, const char* block) {
  std::array<std::uint32_t, 16> words;
  std::memcpy(words.data(), block, kSha1Block);
  for (std::uint32_t& word : words) word = __builtin_bswap32(word);
  std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  const auto round = [&](std::size_t t, std::uint32_t mixed, std::uint32_t constant) {
    std::uint32_t& word = words[t % 16];
    if (t >= 16)
      word = std::rotl(words[(t + 13) % 16] ^ words[(t + 8) % 16] ^ words[(t + 2) % 16] ^ word, 1);
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + word + constant;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  };
  for (std::size_t t = 0; t < 20; ++t) round(t, d ^ (b & (c ^ d)), 0x5a827999);
  for (std::size_t t = 20; t < 40; ++t) round(t, b ^ c ^ d, 0x6ed9eba1);
  for (std::size_t t = 40; t < 60; ++t) round(t, (b & c) | (d & (b | c)), 0x8f1bbcdc);
  for (std::size_t t = 60; t < 80; ++t) round(t, b ^ c ^ d, 0xca62c1d6);
  const Sha1State added{a, b, c, d, e};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
}
static_assert(std::endian::native == std::endian::little);

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  Sha1State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (; text.size() >= kSha1Block; text.remove_prefix(kSha1Block))
    add_sha1_block(state, text.data());
  // The rest, a one bit, zeros, and the length at the end of the last block.
  std::array<char, 2 * kSha1Block> last{};
  std::ranges::copy(text, last.begin());
  last[text.size()] = '\x80';
  const std::size_t size = text.size() + 9 <= kSha1Block ? kSha1Block : 2 * kSha1Block;
  for (std::size_t i = 0; i < 8; ++i) last[size - 1 - i] = static_cast<char>(bits >> (8 * i));
  for (std::size_t at = 0; at < size; at += kSha1Block) add_sha1_block(state, last.data() + at);
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (3 - i % 4)));
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
