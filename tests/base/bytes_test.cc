#include "antrea/base/bytes.h"

#include <gtest/gtest.h>

namespace antrea {
namespace {

TEST(ByteReader, ReadsNetworkOrder) {
  const auto bytes = from_hex("01 0203 04050607 08090a0b0c0d0e0f");
  ASSERT_TRUE(bytes);
  ByteReader in(*bytes);
  EXPECT_EQ(in.u8(), 0x01);
  EXPECT_EQ(in.be16(), 0x0203);
  EXPECT_EQ(in.be32(), 0x04050607U);
  EXPECT_EQ(in.be64(), 0x08090a0b0c0d0e0fULL);
  EXPECT_TRUE(in.empty());
  EXPECT_FALSE(in.failed());
}

TEST(ByteReader, StaysFailedAtTheFirstMissingByte) {
  const auto bytes = from_hex("0102");
  ByteReader in(*bytes);
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.be16(), 0);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.offset(), 1U);
  EXPECT_EQ(in.u8(), 0) << "a failed reader gives nothing, though one byte is left";
  EXPECT_TRUE(in.sub(0).failed());
}

TEST(ByteReader, BoundsASubReader) {
  const auto bytes = from_hex("0102 0304");
  ByteReader in(*bytes);
  ByteReader part = in.sub(2);
  EXPECT_EQ(part.be16(), 0x0102);
  part.u8();
  EXPECT_TRUE(part.failed());
  EXPECT_EQ(in.be16(), 0x0304);
}

TEST(ByteWriter, PadsAndPatches) {
  std::vector<std::byte> buffer;
  ByteWriter out(buffer);
  out.be16(0);
  out.u8(7);
  out.pad_from(0, 8);
  out.patch_be16(0, 0xabcd);
  EXPECT_EQ(to_hex(buffer), "abcd070000000000");
  out.pad_from(0, 8);
  EXPECT_EQ(out.size(), 8U) << "already aligned";
}

TEST(Hex, NamesThePositionOfABadDigit) {
  const auto bad = from_hex("00 0g");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::kMalformed);
  EXPECT_NE(bad.error().cause.find("position 3"), std::string::npos);
  EXPECT_FALSE(from_hex("123"));
}

}  // namespace
}  // namespace antrea
