#include <algorithm>
#include <cstring>
#include <new>

#include "antrea/base/bytes.h"
#include "antrea/openflow/switch_state.h"
#include "antrea/openflow/text.h"
#include "wire.h"

namespace antrea::openflow {
namespace {

// Where a FLOW_MOD has its match (OpenFlow 1.5.1 section 7.3.4.3).
constexpr std::size_t kMatchAt = 48;
constexpr std::size_t kMatchHeader = 4;         // type and length: section 7.2.3.1
constexpr std::size_t kInstructionsHeader = 8;  // of OFPIT_APPLY_ACTIONS: section 7.2.5
constexpr std::uint8_t kFlowModType = 14;
constexpr std::uint16_t kOxmMatch = 1, kApplyActions = 4;
constexpr std::uint32_t kNoBuffer = 0xffffffff;

bool removes(FlowCommand command) {
  return command == FlowCommand::kDelete || command == FlowCommand::kDeleteStrict;
}

std::uint16_t number_at(std::span<const std::byte> bytes, std::size_t at) {
  return detail::load_be<std::uint16_t>(bytes.data() + at);
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  __extension__ using Wide = unsigned __int128;
  const auto product = static_cast<Wide>(hash ^ word) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::span<const std::byte> FlowBytes::fields_of(std::span<const std::byte> match) {
  const std::size_t length = std::max<std::size_t>(number_at(match, 2), kMatchHeader);
  return match.subspan(kMatchHeader, length - kMatchHeader);
}

FlowBytes FlowBytes::of(std::span<const std::byte> match, std::span<const std::byte> instructions) {
  FlowBytes bytes{fields_of(match), instructions};
  bytes.only_actions = instructions.size() >= kInstructionsHeader &&
                       number_at(instructions, 0) == kApplyActions &&
                       number_at(instructions, 2) == instructions.size();
  if (bytes.only_actions) bytes.instructions = instructions.subspan(kInstructionsHeader);
  return bytes;
}

std::uint32_t FlowRecord::hash_key(TableId table, std::uint16_t priority,
                                   std::span<const std::byte> fields) {
  auto hash = mix(0x2545f4914f6cdd1dU, std::uint64_t{table.value} << 16 | priority);
  std::uint64_t word;
  for (; fields.size() >= 8; fields = fields.subspan(8)) {
    std::memcpy(&word, fields.data(), sizeof word);
    hash = mix(hash, word);
  }
  word = fields.size();
  std::memcpy(&word, fields.data(), fields.size());
  return static_cast<std::uint32_t>(mix(hash, word) >> 32);
}

FlowRecordPtr FlowRecord::with_bytes(const FlowBytes& bytes) {
  const auto& [fields, instructions, only_actions] = bytes;
  void* memory = ::operator new(sizeof(FlowRecord) + fields.size() + instructions.size());
  auto* record = new (memory) FlowRecord();
  record->fields_size_ = static_cast<std::uint16_t>(fields.size());
  record->instructions_size_ = static_cast<std::uint16_t>(instructions.size());
  record->only_actions_ = only_actions;
  auto* const room = reinterpret_cast<std::byte*>(record + 1);
  if (!fields.empty()) std::memcpy(room, fields.data(), fields.size());
  if (!instructions.empty())
    std::memcpy(room + fields.size(), instructions.data(), instructions.size());
  return FlowRecordPtr(record);
}

template <typename Facts>
FlowRecordPtr FlowRecord::with_facts(const Facts& facts, const FlowBytes& bytes) {
  auto record = with_bytes(bytes);
  record->table_ = facts.table;
  record->priority_ = facts.priority;
  record->cookie_ = facts.cookie;
  record->idle_timeout_ = facts.idle_timeout;
  record->hard_timeout_ = facts.hard_timeout;
  record->flags_ = facts.flags;
  record->importance_ = facts.importance;
  record->hash_ = hash_key(record->table_, record->priority_, record->fields());
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
  const auto parts = std::span<const std::byte>(scratch).subspan(kMatchAt);
  const std::size_t match_size = detail::pad8(number_at(parts, 2));
  return with_facts(flow, FlowBytes::of(parts.first(match_size), parts.subspan(match_size)));
}

FlowRecordPtr FlowRecord::make(const FlowStatsView& view) {
  return with_facts(view, FlowBytes::of(view.match, view.instructions));
}

std::size_t FlowRecord::message_size(FlowCommand command) const {
  const std::size_t size = kMatchAt + match_size();
  if (removes(command)) return size;
  return size + (only_actions_ ? kInstructionsHeader : 0) + instructions_size_;
}

std::size_t FlowRecord::match_size() const { return detail::pad8(kMatchHeader + fields_size_); }

void FlowRecord::write_match(std::byte* room) const {
  detail::store_be(room, kOxmMatch);
  detail::store_be(room + 2, static_cast<std::uint16_t>(kMatchHeader + fields_size_));
  if (fields_size_ > 0) std::memcpy(room + kMatchHeader, fields().data(), fields_size_);
}

void FlowRecord::append_message(FlowCommand command, std::uint32_t xid,
                                std::vector<std::byte>& out) const {
  const std::size_t start = out.size(), size = message_size(command);
  out.resize(start + size);  // zeros, which padding is
  std::byte* at = out.data() + start;
  const auto put = [&at](auto value) {
    detail::store_be(at, value);
    at += sizeof value;
  };
  put(std::uint8_t{kOpenFlow15});
  put(kFlowModType);
  put(static_cast<std::uint16_t>(size));
  put(xid);
  put(cookie_);
  put(std::uint64_t{0});  // no mask: it is the cookie to have, not one to look for
  put(table_.value);
  put(static_cast<std::uint8_t>(command));
  put(idle_timeout_);
  put(hard_timeout_);
  put(priority_);
  put(kNoBuffer);
  put(kPortAny.value);
  put(kAnyGroup.value);
  put(flags_);
  put(importance_);
  write_match(at);
  at += match_size();
  if (removes(command)) return;
  if (only_actions_) {
    put(kApplyActions);
    put(static_cast<std::uint16_t>(kInstructionsHeader + instructions_size_));
    put(std::uint32_t{0});
  }
  if (instructions_size_ > 0) std::memcpy(at, bytes().instructions.data(), instructions_size_);
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
  const std::size_t size = sizeof(FlowRecord) + fields_size_ + instructions_size_ + kHeader;
  return (size + kChunk - 1) / kChunk * kChunk;
}

std::string FlowRecord::describe() const {
  auto text = "table " + std::to_string(table().value) + ", priority " + std::to_string(priority());
  std::vector<std::byte> match(match_size());
  write_match(match.data());
  const auto decoded = decode_match(match);
  if (!decoded) return text + ", match " + to_hex(match);
  return decoded->empty() ? text : text + ", " + to_string(*decoded);
}

}  // namespace antrea::openflow
