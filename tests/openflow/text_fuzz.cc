#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"

// Any text: refused with a fault inside it, or parsed to what can be printed and encoded.
namespace {

using namespace antrea::openflow;

void check(std::string_view text, const TextError& error) {
  if (error.cause.empty() || error.cause.find('\n') != std::string::npos) std::abort();
  if (error.offset > text.size()) std::abort();
}

template <typename Value>
void check(std::string_view text, const TextResult<Value>& result) {
  if (result.has_error()) return check(text, result.error());
  std::vector<std::byte> wire;
  if constexpr (std::is_constructible_v<Message, Value>) {
    if (encode(0, Message(*result), wire)) (void)decode_message(wire);
  }
  if constexpr (!std::is_same_v<Value, PacketOut>) (void)to_string(*result);
}

template <typename Value>
void check_file(std::string_view text, const TextResult<std::vector<Value>>& result) {
  if (result.has_error()) return check(text, result.error());
  for (const Value& value : *result) {
    std::vector<std::byte> wire;
    (void)encode(0, Message(value), wire);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, parse_match(text));
  check(text, parse_actions(text));
  check(text, parse_flow(text));
  for (const auto command : {FlowCommand::kAdd, FlowCommand::kModify, FlowCommand::kModifyStrict,
                             FlowCommand::kDelete, FlowCommand::kDeleteStrict})
    check(text, parse_flow_mod(text, command));
  for (const auto command : {GroupCommand::kAdd, GroupCommand::kModify, GroupCommand::kDelete,
                             GroupCommand::kInsertBucket, GroupCommand::kRemoveBucket})
    check(text, parse_group_mod(text, command));
  for (const auto command : {MeterCommand::kAdd, MeterCommand::kDelete})
    check(text, parse_meter_mod(text, command));
  check(text, parse_packet_out(text));
  check_file(text, parse_flow_file(text));
  check_file(text, parse_bundle_file(text));
  return 0;
}
