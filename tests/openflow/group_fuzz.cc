#include <cstddef>
#include <cstdint>

#include "antrea/openflow/text.h"
#include "fuzz_properties.h"

// Bytes of a group_mod behind its header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  using Wire = std::vector<std::byte>;
  if (size > kMaxMessageSize - kHeaderSize) return 0;
  constexpr std::uint8_t kGroupMod = 15;
  const std::size_t length = size + kHeaderSize;
  Wire wire{std::byte{kOpenFlow15},
            std::byte{kGroupMod},
            std::byte(length >> 8),
            std::byte(length & 0xff),
            {},
            {},
            {},
            {}};
  const auto body = std::as_bytes(std::span(data, size));
  wire.insert(wire.end(), body.begin(), body.end());
  const auto decoded = decode_message(wire);
  if (decoded.has_error()) return 0;
  testing::expect_stable(
      decoded->message, [](const Message& message, Wire& out) { encode(0, message, out); },
      [](const Wire& bytes) {
        auto again = decode_message(bytes);
        return again.has_error() ? DecodeResult<Message>(again.error())
                                 : DecodeResult<Message>(std::move(again->message));
      });
  if (const auto* mod = std::get_if<GroupMod>(&decoded->message)) (void)to_string(*mod);
  return 0;
}
