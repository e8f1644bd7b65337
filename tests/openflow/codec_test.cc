#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "antrea/base/bytes.h"
#include "antrea/openflow/codec.h"
#include "generate.h"
#include "sample_flows.h"
#include "vectors.h"

namespace {
// Counted while `g_counting`: what the code under test asks for.
bool g_counting = false;
std::size_t g_allocations = 0;
std::size_t g_allocated = 0;

void* counted(std::size_t size) {
  if (g_counting) {
    ++g_allocations;
    g_allocated += size;
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;  // NOLINT
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }                 // NOLINT
void operator delete[](void* memory) noexcept { std::free(memory); }               // NOLINT
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }    // NOLINT
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }  // NOLINT

namespace antrea::openflow::testing {
namespace {

struct Cost {
  std::size_t allocations = 0;
  std::size_t bytes = 0;
};
template <typename Work>
Cost cost_of(Work work) {
  g_allocations = g_allocated = 0;
  g_counting = true;
  work();
  g_counting = false;
  return {g_allocations, g_allocated};
}

std::vector<std::byte> encoded(const Message& message) {
  std::vector<std::byte> out;
  EXPECT_TRUE(encode(7, message, out));
  return out;
}

TEST(Codec, EncodingAFlowModAllocatesNothingWhereThereIsRoom) {
  std::vector<std::byte> out;
  out.reserve(1 << 20);
  const auto flows = sample_flows();
  const Cost cost = cost_of([&] {
    for (const Flow& flow : flows) {
      encode_flow_mod(flow, FlowCommand::kAdd, 1, out);
      encode_bundle_add_flow_mod(1, 3, flow, FlowCommand::kAdd, 1, out);
    }
  });
  EXPECT_GT(out.size(), flows.size() * 100);
  EXPECT_EQ(cost.allocations, 0U);
}

TEST(Codec, EncodesEveryMessageIntoACallersRoomWithoutAllocating) {
  std::vector<std::byte> room(kMaxMessageSize);
  std::size_t count = 0;
  for (const Vector& v : load_vectors()) {
    if (v.kind != "message") continue;
    const auto decoded = decode_message(v.bytes());
    if (decoded.has_error()) continue;
    const auto wire = [&] {
      std::vector<std::byte> out;
      EXPECT_TRUE(encode(decoded->xid, decoded->message, out));
      return out;
    }();
    std::optional<std::size_t> size;
    const Cost cost =
        cost_of([&] { size = encode(decoded->xid, decoded->message, std::span(room)); });
    ASSERT_TRUE(size) << v.id;
    EXPECT_TRUE(std::equal(wire.begin(), wire.end(), room.begin(), room.begin() + *size)) << v.id;
    // Fields kept in the form of an old peer are looked at again.
    const bool kept = v.type == "NXT_RESUME" || v.type == "NXT_FLOW_REMOVED" ||
                      v.type == "NXT_FLOW_MOD" || v.type.find("PACKET_IN") != std::string::npos;
    EXPECT_LE(cost.allocations, kept ? 3U : 0U) << v.id;
    const auto tight = std::span(room).first(*size);
    EXPECT_EQ(encode(decoded->xid, decoded->message, tight), size) << v.id;
    EXPECT_TRUE(std::equal(wire.begin(), wire.end(), tight.begin(), tight.end())) << v.id;
    EXPECT_FALSE(encode(decoded->xid, decoded->message, tight.first(*size - 1))) << v.id;
    ++count;
  }
  EXPECT_GT(count, 1000U);
}

// A field of 5 bytes becomes 40, an action of 8 up to 100; a vector that grows leaves its halves.
TEST(Codec, DecodingAllocatesASmallMultipleOfTheInput) {
  for (const Vector& v : load_vectors()) {
    if (v.kind != "message") continue;
    const auto wire = v.bytes();
    const Cost cost = cost_of([&] { (void)decode_message(wire); });
    EXPECT_LE(cost.bytes, 40 * wire.size() + 1024) << v.id << ": " << wire.size() << " bytes";
  }
}

TEST(Codec, DecodesWhatItEncoded) {
  Generator generator(1);
  for (int i = 0; i < 5000; ++i) {
    std::vector<Message> messages;
    FlowMod mod;
    mod.flow = generator.flow();
    messages.emplace_back(mod);
    messages.emplace_back(generator.group_mod());
    messages.emplace_back(generator.meter_mod());
    FlowStats stats;
    stats.flow = mod.flow;
    stats.statistics.packets = i;
    stats.statistics.duration = FlowStatistics::Duration{5, 6};
    messages.emplace_back(MultipartReply{false, FlowStatsReply{{stats, stats}}});
    for (const Message& message : messages) {
      const auto wire = encoded(message);
      const auto decoded = decode_message(wire);
      ASSERT_TRUE(decoded.has_value()) << decoded.error().to_error().to_string() << "\n"
                                       << to_hex(wire);
      EXPECT_EQ(decoded->message, message) << to_hex(wire);
      EXPECT_EQ(encoded(decoded->message), wire);
    }
  }
}

TEST(Codec, KeepsWhatNobodyKnowsWhereAskedTo) {
  // Of an experimenter of one's own: a message, a multipart, an action, an error, a message type.
  constexpr const char* kUnknown[] = {
      "0604001400000001001122330000000500010203",
      "0613001c00000001ffff0000000000000011223300000001deadbeef",
      ("060e005000000001000000000000000000000000000000000000000000008000ffffffffffffffffffffffff"
       "0000000000010004000000000004001800000000ffff0010001122330001000000000000"),
      "0601001400000001ffff000700112233deadbeef",
      "0663000c00000001deadbeef",
  };
  for (const char* hex : kUnknown) {
    const auto wire = *from_hex(hex);
    EXPECT_TRUE(decode_message(wire).has_error()) << hex;
    const auto kept = decode_message(wire, {.keep_unknown = true});
    ASSERT_TRUE(kept.has_value()) << hex << ": " << kept.error().to_error().to_string();
    std::vector<std::byte> again;
    EXPECT_TRUE(encode(kept->xid, kept->message, again));
    EXPECT_EQ(to_hex(again), hex);
  }
}

TEST(Codec, ASetFieldOfAnyFieldHasTheLengthItNeeds) {
  for (std::size_t number = 0; number < kFieldCount; ++number) {
    const FieldInfo& field = field_info(static_cast<FieldId>(number));
    if (!field.oxm.valid() || field.oxm.experimenter != 0) continue;
    const std::size_t needed = (8U + field.bytes + 7) / 8 * 8;
    for (std::size_t length = 0; length <= 48; ++length) {
      const auto decoded = [&](std::uint16_t type) {
        std::vector<std::byte> wire;
        ByteWriter header(wire);
        header.be16(type);
        header.be16(static_cast<std::uint16_t>(length));
        header.be16(field.oxm.oxm_class);
        header.u8(static_cast<std::uint8_t>(field.oxm.field << 1));
        header.u8(field.bytes);
        wire.resize(std::max<std::size_t>(length, 16));
        return decode_actions(wire);
      };
      const auto actions = decoded(25);
      EXPECT_TRUE(length == 16 || decoded(0).has_error()) << "an output: " << length;
      if (length < needed || length % 8 != 0) {
        EXPECT_TRUE(actions.has_error()) << field.name << ": " << length;
      } else if (field.settable && length == needed && actions) {
        EXPECT_EQ(actions->size(), 1U) << field.name;
      }
    }
  }
}

TEST(Match, EveryFieldSetByNumberFitsItsPlace) {
  for (std::size_t number = 0; number < kFieldCount; ++number) {
    const auto id = static_cast<FieldId>(number);
    Match match;
    match.set(id, FieldValue(1));
    std::vector<std::byte> wire;
    encode_match(match, wire);
    std::size_t used = 4;
    for (const MatchField& field : match.fields()) used += 8 + 2U * field.length;
    EXPECT_LE(wire.size(), used + 7) << field_info(id).name;
    EXPECT_GE(wire.size(), 8U) << field_info(id).name;
  }
}

}  // namespace
}  // namespace antrea::openflow::testing
