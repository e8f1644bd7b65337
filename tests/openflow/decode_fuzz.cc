#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"

// Any bytes: refused, or decoded to what encodes and decodes again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antrea::openflow;
  const auto wire = std::as_bytes(std::span(data, size));
  if (const auto decoded = decode_message(wire)) {
    std::vector<std::byte> out;
    if (encode(decoded->xid, decoded->message, out) && out.size() >= kHeaderSize) {
      std::vector<std::byte> again;
      if (const auto second = decode_message(out))
        if (encode(second->xid, second->message, again) && again != out) std::abort();
    }
    if (const auto* mod = std::get_if<FlowMod>(&decoded->message)) (void)to_string(*mod);
    if (const auto* mod = std::get_if<GroupMod>(&decoded->message)) (void)to_string(*mod);
    if (const auto* mod = std::get_if<MeterMod>(&decoded->message)) (void)to_string(*mod);
  }
  FlowStatsReader reader(wire);
  while (const auto flow = reader.next()) (void)flow->decode();
  if (const auto match = decode_match(wire)) (void)to_string(*match);
  if (const auto actions = decode_actions(wire)) (void)to_string(*actions);
  if (const auto instructions = decode_instructions(wire)) (void)to_string(*instructions);
  return 0;
}
