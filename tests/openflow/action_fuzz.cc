#include <cstddef>
#include <cstdint>

#include "antrea/openflow/text.h"
#include "fuzz_properties.h"

// Bytes of a bare list of actions, and of instructions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  using Wire = std::vector<std::byte>;
  const auto wire = std::as_bytes(std::span(data, size));
  if (const auto actions = decode_actions(wire)) {
    testing::expect_stable(*actions, encode_actions,
                           [](const Wire& bytes) { return decode_actions(bytes); });
    (void)to_string(*actions);
  }
  if (const auto instructions = decode_instructions(wire)) {
    testing::expect_stable(*instructions, encode_instructions,
                           [](const Wire& bytes) { return decode_instructions(bytes); });
    (void)to_string(*instructions);
  }
  return 0;
}
