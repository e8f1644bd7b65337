#include "antrea/base/hash.h"

#include <gtest/gtest.h>

#include <set>

#include "antrea/base/bytes.h"

namespace antrea {
namespace {

TEST(Hash, Sha1EqualsRfc3174) {
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1_hex("", 6), "da39a3");
  EXPECT_EQ(sha1_hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Hash, Sha1OfEveryLengthAroundABlockEqualsPythons) {
  // hashlib.sha1 over the digests of "", "a", "aa" and so on up to 199 of them.
  std::string digests;
  for (std::size_t size = 0; size < 200; ++size) digests += sha1_hex(std::string(size, 'a'));
  EXPECT_EQ(sha1_hex(digests), "cb062fe66512892ec8c722ee74ff9ac151cc4b61");
}

TEST(Hash, UuidV5EqualsRfc4122Example) {
  // uuid.uuid5(NAMESPACE_DNS, "www.example.com") as Python 3.11 prints it.
  EXPECT_EQ(uuid_v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(Hash, StableHashDoesNotChange) {
  EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_NE(stable_hash("a", 1), stable_hash("a"));
}

TEST(Hash, Crc32EqualsZlib) {
  // zlib 1.2.13, crc32().
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(as_byte_span("0node1")), 0xf6757453U);
  EXPECT_EQ(crc32(as_byte_span("123456789")), 0xcbf43926U);
  EXPECT_EQ(crc32(as_byte_span("56789"), crc32(as_byte_span("1234"))), 0xcbf43926U);
}

TEST(Hash, UuidV4IsFresh) { EXPECT_NE(uuid_v4(), uuid_v4()); }

}  // namespace
}  // namespace antrea
