#include "antrea/egress/keyring.h"

#include <gtest/gtest.h>

#include "tests/egress/gossip_vectors.h"

namespace antrea::egress {
namespace {

Bytes key_of(std::uint8_t byte, std::size_t size = 32) { return Bytes(size, std::byte{byte}); }
Keyring ring(std::initializer_list<std::uint8_t> keys) {
  std::vector<Bytes> all;
  for (const auto key : keys) all.push_back(key_of(key));
  return *Keyring::create(std::move(all));
}

TEST(Keyring, EncryptsAsTheOriginal) {
  Keyring::Nonce nonce;
  nonce.fill(std::byte{2});
  const auto suspect = from_vector(kSuspectHex);
  EXPECT_EQ(
      to_hex(*ring({1}).seal_with(nonce, suspect, {}, 1)),
      "0102020202020202020202020204556d0f3838ac5fbdfd178132c4a3c0ccd4a58684df8cd593e8849eda9546f3d5"
      "5ed27e406ec59c5f23faf9809b38");
  const auto stream_head = from_vector("0a0000003c");
  EXPECT_EQ(
      to_hex(*ring({1}).seal_with(nonce, suspect, stream_head, 1)),
      "0102020202020202020202020204556d0f3838ac5fbdfd178132c4a3c0ccd4a58684df8cd593e8849eda954680ae"
      "2f1f09bc4ca97bbf37afa5f21bfe");
}

TEST(Keyring, OpensWhatItSealedInBothVersionsAndAllKeySizes) {
  for (const std::size_t key_size : {16, 24, 32}) {
    const auto keys = *Keyring::create({key_of(7, key_size)});
    for (const std::uint8_t version : {0, 1}) {
      for (const std::size_t size : {0, 1, 15, 16, 17, 1400}) {
        const Bytes plain(size, std::byte{0x10});
        const auto label = as_byte_span("blue");
        const auto sealed = keys.seal(plain, label, version);
        ASSERT_TRUE(sealed.has_value());
        const auto opened = keys.open(*sealed, label);
        ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
        EXPECT_EQ(*opened, plain);
        EXPECT_FALSE(keys.open(*sealed, as_byte_span("red")).has_value());
        if (version == 1) {
          EXPECT_EQ(sealed->size(), size + Keyring::kOverhead);
        }
      }
    }
  }
}

TEST(Keyring, RotatesWithoutAGap) {
  const auto before = ring({1}), added = ring({1, 2}), switched = ring({2, 1}), after = ring({2});
  const auto plain = from_vector(kSuspectHex);
  const std::pair<const Keyring&, const Keyring&> together[] = {
      {before, added},   {added, before},   {added, switched},
      {switched, added}, {switched, after}, {after, switched}};
  for (const auto& [sender, receiver] : together)
    EXPECT_TRUE(receiver.open(*sender.seal(plain, {}), {}).has_value());
  EXPECT_EQ(after.open(*before.seal(plain, {}), {}).error().code, Errc::kUnauthenticated);
}

TEST(Keyring, RefusesDamage) {
  const auto keys = ring({1});
  const auto sealed = *keys.seal(from_vector(kSuspectHex), {});
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto damaged = sealed;
    damaged[i] ^= std::byte{0x40};
    EXPECT_FALSE(keys.open(damaged, {}).has_value()) << i;
    EXPECT_FALSE(keys.open(std::span(sealed).first(i), {}).has_value()) << i;
  }
}

TEST(Keyring, ReadsTheLinesOfTheSecret) {
  const auto keys = Keyring::parse(
      "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n\n  AgICAgICAgICAgICAgICAg==\r\n");
  ASSERT_TRUE(keys.has_value()) << keys.error().to_string();
  EXPECT_EQ(keys->keys(), (std::vector{key_of(1), key_of(2, 16)}));
  EXPECT_EQ(Keyring::parse("AQEB").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(Keyring::parse("AgICAgICAgICAgICAgICAg==\nno key!").error().object,
            "line 2 of the gossip keys");
  EXPECT_TRUE(Keyring::parse("")->empty());
}

}  // namespace
}  // namespace antrea::egress
