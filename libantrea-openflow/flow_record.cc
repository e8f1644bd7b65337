#include <cstring>
#include <new>

#include "antrea/base/bytes.h"
#include "antrea/openflow/switch_state.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {
namespace {

// Where a FLOW_MOD has its match, behind what is the same in every message of that length
// (OpenFlow 1.5.1 section 7.3.4.3), and the length of the match there.
constexpr std::size_t kMatchAt = 48, kMatchLengthAt = kMatchAt + 2;
constexpr std::uint8_t kFlowModType = 14;
constexpr std::uint32_t kNoBuffer = 0xffffffff;

bool removes(FlowCommand command) {
  return command == FlowCommand::kDelete || command == FlowCommand::kDeleteStrict;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  __extension__ using Wide = unsigned __int128;
  const auto product = static_cast<Wide>(hash ^ word) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint32_t FlowRecord::hash_key(TableId table, std::uint16_t priority,
                                   std::span<const std::byte> match) {
  auto hash = mix(0x2545f4914f6cdd1dU, std::uint64_t{table.value} << 16 | priority);
  std::uint64_t word;
  for (; match.size() >= 8; match = match.subspan(8)) {
    std::memcpy(&word, match.data(), sizeof word);
    hash = mix(hash, word);
  }
  word = match.size();
  std::memcpy(&word, match.data(), match.size());
  return static_cast<std::uint32_t>(mix(hash, word) >> 32);
}

FlowRecordPtr FlowRecord::with_bytes(std::span<const std::byte> match,
                                     std::span<const std::byte> instructions) {
  void* memory = ::operator new(sizeof(FlowRecord) + match.size() + instructions.size());
  auto* record = new (memory) FlowRecord();
  record->match_size_ = static_cast<std::uint16_t>(match.size());
  record->instructions_size_ = static_cast<std::uint16_t>(instructions.size());
  auto* const room = reinterpret_cast<std::byte*>(record + 1);
  std::memcpy(room, match.data(), match.size());
  if (!instructions.empty())
    std::memcpy(room + match.size(), instructions.data(), instructions.size());
  return FlowRecordPtr(record);
}

template <typename Facts>
FlowRecordPtr FlowRecord::with_facts(const Facts& facts, std::span<const std::byte> match,
                                     std::span<const std::byte> instructions) {
  auto record = with_bytes(match, instructions);
  record->table_ = facts.table;
  record->priority_ = facts.priority;
  record->cookie_ = facts.cookie;
  record->idle_timeout_ = facts.idle_timeout;
  record->hard_timeout_ = facts.hard_timeout;
  record->flags_ = facts.flags;
  record->importance_ = facts.importance;
  record->hash_ = hash_key(record->table_, record->priority_, record->match());
  return record;
}

void FlowRecord::destroy(FlowRecord* record) {
  record->~FlowRecord();
  ::operator delete(record);
}

FlowRecordPtr FlowRecord::make(const Flow& flow) {
  std::vector<std::byte> wire;
  return make(flow, wire);
}

FlowRecordPtr FlowRecord::make(const Flow& flow, std::vector<std::byte>& scratch) {
  scratch.clear();
  if (!encode_flow_mod(flow, FlowCommand::kAdd, 0, scratch)) return nullptr;
  if (scratch.size() + 16 > kMaxMessageSize) return nullptr;  // it has to fit into a bundle's ADD
  const std::size_t length = std::to_integer<std::size_t>(scratch[kMatchLengthAt]) << 8 |
                             std::to_integer<std::size_t>(scratch[kMatchLengthAt + 1]);
  const auto parts = std::span<const std::byte>(scratch).subspan(kMatchAt);
  const std::size_t padded = (length + 7) / 8 * 8;
  return with_facts(flow, parts.first(padded), parts.subspan(padded));
}

FlowRecordPtr FlowRecord::make(const FlowStatsView& view) {
  return with_facts(view, view.match, view.instructions);
}

std::size_t FlowRecord::message_size(FlowCommand command) const {
  return kMatchAt + match_size_ + (removes(command) ? 0 : instructions_size_);
}

void FlowRecord::append_message(FlowCommand command, std::uint32_t xid,
                                std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  writer.u8(kOpenFlow15);
  writer.u8(kFlowModType);
  writer.be16(static_cast<std::uint16_t>(message_size(command)));
  writer.be32(xid);
  writer.be64(cookie_);
  writer.be64(0);  // no mask: it is the cookie to have, not one to look for
  writer.u8(table_.value);
  writer.u8(static_cast<std::uint8_t>(command));
  writer.be16(idle_timeout_);
  writer.be16(hard_timeout_);
  writer.be16(priority_);
  writer.be32(kNoBuffer);
  writer.be32(kPortAny.value);
  writer.be32(kAnyGroup.value);
  writer.be16(flags_);
  writer.be16(importance_);
  writer.bytes(match());
  if (!removes(command)) writer.bytes(instructions());
}

Result<Flow> FlowRecord::decode() const {
  std::vector<std::byte> wire;
  append_message(FlowCommand::kAdd, 0, wire);
  auto decoded = decode_message(wire);
  if (!decoded) return decoded.error().to_error().within("decode flow");
  return std::move(std::get<FlowMod>(decoded->message).flow);
}

std::size_t FlowRecord::footprint() const {
  constexpr std::size_t kChunk = 16, kHeader = 8;  // of the allocator
  const std::size_t size = sizeof(FlowRecord) + match_size_ + instructions_size_ + kHeader;
  return (size + kChunk - 1) / kChunk * kChunk;
}

std::string FlowRecord::describe() const {
  auto text = "table " + std::to_string(table().value) + ", priority " + std::to_string(priority());
  const auto decoded = decode_match(match());
  if (!decoded) return text + ", match " + to_hex(match());
  return decoded->empty() ? text : text + ", " + to_string(*decoded);
}

}  // namespace antrea::openflow
