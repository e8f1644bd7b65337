#include "antrea/base/hash.h"

#include <boost/uuid/detail/sha1.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

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

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(text.data(), text.size());
  boost::uuids::detail::sha1::digest_type words;
  hash.get_digest(words);
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (3 - i % 4)));
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
