#include <gtest/gtest.h>

#include <random>

#include "antrea/egress/gossip_message.h"
#include "libantrea-egress/lzw.h"
#include "tests/egress/gossip_vectors.h"

namespace antrea::egress::gossip {

void PrintTo(const Message& message, std::ostream* os) { *os << to_hex(encode(message)); }

namespace {

Bytes concat(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}
Bytes text_bytes(std::string_view text) {
  const auto span = as_byte_span(text);
  return {span.begin(), span.end()};
}

TEST(GossipCodec, WritesTheBytesOfTheOriginal) {
  for (const auto& vector : message_vectors())
    EXPECT_EQ(to_hex(encode(vector.value)), vector.hex) << vector.name;
  EXPECT_EQ(to_hex(encode_for_stream(User{text_bytes("hello")})),
            std::string(kUserStreamHeadHex) + to_hex(text_bytes("hello")));
}

TEST(GossipCodec, ReadsTheBytesOfTheOriginal) {
  for (const auto& vector : message_vectors()) {
    const auto message = decode(from_vector(vector.hex));
    ASSERT_TRUE(message.has_value()) << vector.name << ": " << message.error().to_string();
    EXPECT_EQ(*message, vector.value) << vector.name;
  }
  const auto user = decode_stream(concat({from_vector(kUserStreamHeadHex), text_bytes("hello")}));
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(*user, Message(User{text_bytes("hello")}));
}

TEST(GossipCodec, WhatItWritesItReads) {
  const std::array messages{
      Message{IndirectPing{.sequence = 70000,
                           .target = IpAddress::v4(0xc0a80001),
                           .port = 7946,
                           .node = std::string(40, 'n'),
                           .nack = true,
                           .source_address = *IpAddress::parse("fd00::1"),
                           .source_port = 1,
                           .source_node = "me"}},
      Message{Ack{.sequence = 0xffffffff, .payload = text_bytes(std::string(300, 'p'))}},
      Message{Alive{.incarnation = 255,
                    .node = "n",
                    .endpoint = {*IpAddress::parse("::ffff:10.0.0.1"), 65535},
                    .meta = text_bytes("role=x")}},
      Message{
          PushPull{.nodes = {{.name = "a", .state = MemberState::kLeft},
                             {.name = "b", .meta = text_bytes("m"), .state = MemberState::kDead}},
                   .user_state = text_bytes("state")}},
  };
  for (const auto& message : messages) {
    const auto again = decode(encode(message));
    ASSERT_TRUE(again.has_value()) << again.error().to_string();
    EXPECT_EQ(*again, message);
  }
}

struct Tolerated {
  std::string_view name, hex;
};
TEST(GossipCodec, ReadsWhatOtherWritersOfMsgpackWrite) {
  const Message want = Ack{.sequence = 1, .payload = text_bytes("ab")};
  const Tolerated cases[] = {
      {"KeysInAnyOrder", "0282a55365714e6f01a75061796c6f6164a26162"},
      {"NewStringsAndBinary", "0282d9055365714e6f01a75061796c6f6164c4026162"},
      {"WideInteger", "0282a55365714e6fcf0000000000000001a75061796c6f6164a26162"},
      {"SignedInteger", "0282a55365714e6fd200000001a75061796c6f6164a26162"},
      {"Map16", "02de0002a55365714e6f01a75061796c6f6164a26162"},
      {"ArrayOfBytes", "0282a55365714e6f01a75061796c6f6164926162"},
      {"UnknownKeys",
       "0284a178810193c0c3ca00000000a179d6ff00000000a55365714e6f01a75061796c6f6164a26162"},
  };
  for (const auto& [name, hex] : cases) {
    const auto message = decode(from_vector(hex));
    ASSERT_TRUE(message.has_value()) << name << ": " << message.error().to_string();
    EXPECT_EQ(*message, want) << name;
  }
}

TEST(GossipCodec, RefusesWhatIsWrong) {
  const Tolerated cases[] = {
      {"Nothing", ""},
      {"UnknownType", "ff80"},
      {"CompoundInsideDecode", "070000"},
      {"NotAMap", "0201"},
      {"AckSequenceTooLarge", "0281a55365714e6fcf0000000100000000"},
      {"NegativeSequence", "0281a55365714e6fd0ff"},
      {"AliveWithoutAddress", "0481a44e6f6465a26e31"},
      {"AddressOfFiveBytes", "0481a441646472a50a00000101"},
      {"MorePushNodesThanBytes", "0681a54e6f646573ce000fffff"},
      {"TooManyPushNodes", "0681a54e6f646573ce00ffffff"},
      {"UnknownState",
       "0681a54e6f64657301"
       "82a441646472a40a000001a5537461746504"},
      {"MapLargerThanInput", "02dfffffffff"},
      {"StringLargerThanInput", "0281dbffffffff"},
  };
  for (const auto& [name, hex] : cases) EXPECT_FALSE(decode(from_vector(hex)).has_value()) << name;
}

TEST(GossipCodec, EveryTruncationIsAnError) {
  for (const auto& vector : message_vectors()) {
    const auto whole = from_vector(vector.hex);
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(decode(std::span(whole).first(size)).has_value()) << vector.name << " " << size;
  }
}

TEST(GossipFrame, CompoundChecksumAndLabelAreThoseOfTheOriginal) {
  const auto ping = encode(Ping{.sequence = 1, .node = "n2"});
  const auto suspect = from_vector(kSuspectHex);
  const std::array parts{ping, suspect};
  const auto compound = encode_compound(parts);
  EXPECT_EQ(to_hex(compound),
            std::string(kCompoundHeadHex) + to_hex(ping) + std::string(kSuspectHex));
  EXPECT_EQ(to_hex(add_crc(suspect)), std::string(kCrcHeadHex) + std::string(kSuspectHex));
  const auto unwrapped = unwrap_packet(add_crc(compound));
  ASSERT_TRUE(unwrapped.has_value());
  EXPECT_EQ(*unwrapped, (std::vector<Bytes>{ping, suspect}));

  auto damaged = add_crc(suspect);
  damaged.back() ^= std::byte{1};
  EXPECT_FALSE(unwrap_packet(damaged).has_value());

  const auto labelled = add_label("blue", suspect);
  EXPECT_EQ(to_hex(labelled).substr(0, 12), "f404626c7565");
  ASSERT_TRUE(strip_label("blue", labelled).has_value());
  EXPECT_EQ(to_hex(*strip_label("blue", labelled)), kSuspectHex);
  EXPECT_EQ(strip_label("red", labelled).error().code, Errc::kUnauthenticated);
  EXPECT_EQ(strip_label("", labelled).error().code, Errc::kUnauthenticated);
  EXPECT_EQ(strip_label("blue", suspect).error().code, Errc::kUnauthenticated);
  EXPECT_TRUE(strip_label("", suspect).has_value());
}

TEST(GossipFrame, ACutCompoundKeepsWhatIsWhole) {
  const std::array parts{encode(Nack{1}), encode(Nack{2})};
  auto cut = encode_compound(parts);
  cut.pop_back();
  const auto unwrapped = unwrap_packet(cut);
  ASSERT_TRUE(unwrapped.has_value());
  EXPECT_EQ(*unwrapped, std::vector<Bytes>{parts[0]});
}

TEST(GossipFrame, LayersAndInflatedBytesAreBounded) {
  Bytes nested = encode(Nack{1});
  for (int i = 0; i < 20; ++i) nested = encode_compound(std::array{nested});
  EXPECT_FALSE(unwrap_packet(nested).has_value());
  const Bytes zeros(kMaxInflatedPacket + 1, std::byte{0});
  EXPECT_FALSE(unwrap_packet(compress(zeros)).has_value());
}

TEST(Lzw, IsThatOfTheOriginal) {
  EXPECT_EQ(to_hex(lzw_compress(text_bytes(std::string(20, 'a')))), "00c3081c48b060c180");
  EXPECT_EQ(to_hex(lzw_compress(text_bytes("TOBEORNOTTOBEORTOBEORNOT"))),
            "00a93c1152e48914274fa80824687061c183090302");
}

TEST(Lzw, InflatesWhatItCompressed) {
  std::mt19937 random(6);
  for (const std::size_t size : {0, 1, 2, 255, 256, 3838, 3839, 3840, 5000, 70000}) {
    for (const unsigned letters : {1U, 2U, 17U, 256U}) {
      Bytes plain(size);
      for (auto& byte : plain) byte = std::byte(random() % letters);
      const auto back = lzw_inflate(lzw_compress(plain), size);
      ASSERT_TRUE(back.has_value()) << size << " bytes: " << back.error().to_string();
      EXPECT_EQ(*back, plain) << size << " bytes of " << letters;
      if (size > 0) {
        EXPECT_EQ(lzw_inflate(lzw_compress(plain), size - 1).error().code, Errc::kExhausted);
      }
    }
  }
}

TEST(StreamMeter, FindsTheEndHoweverTheBytesArrive) {
  PushPull big;
  for (int i = 0; i < 100; ++i) big.nodes.push_back({.name = "node" + std::to_string(i)});
  big.user_state = text_bytes("state");
  Bytes encrypted{std::byte{10}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{3}};
  encrypted.resize(8);
  const std::array streams{encode(big),
                           compress(encode(big)),
                           encode(Ping{.sequence = 1}),
                           encode_for_stream(User{text_bytes("hello")}),
                           encode(ErrorReply{"boom"}),
                           encrypted};
  for (const auto& stream : streams) {
    StreamMeter meter;
    auto followed = stream;
    followed.resize(stream.size() + 7);  // what comes behind is not counted
    for (std::size_t size = 0; size < stream.size(); ++size) {
      const auto measured = meter.measure(std::span(stream).first(size));
      ASSERT_TRUE(measured.has_value()) << measured.error().to_string();
      ASSERT_FALSE(measured->has_value()) << size << " of " << to_hex(stream);
    }
    EXPECT_EQ(*meter.measure(followed), stream.size());
  }
}

TEST(StreamMeter, GivesUpOnNonsense) {
  EXPECT_FALSE(StreamMeter().measure(from_vector("ff")).has_value());
  EXPECT_FALSE(StreamMeter().measure(from_vector("0601")).has_value());
  EXPECT_FALSE(StreamMeter().measure(from_vector("0affffffff")).has_value());
}

}  // namespace
}  // namespace antrea::egress::gossip
