#include "antrea/base/hash.h"

#include <boost/uuid/detail/sha1.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "antrea/base/bytes.h"

namespace antrea {

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

}  // namespace antrea
