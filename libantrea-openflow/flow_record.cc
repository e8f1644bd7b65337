#include <cstring>
#include <new>

#include "antrea/base/bytes.h"
#include "antrea/openflow/switch_state.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {
namespace {

// Where a FLOW_MOD keeps its members (OpenFlow 1.5.1 section 7.3.4.3).
constexpr std::size_t kCookieAt = 8, kTableAt = 24, kIdleAt = 26, kHardAt = 28, kPriorityAt = 30,
                      kBufferAt = 32, kOutPortAt = 36, kOutGroupAt = 40, kFlagsAt = 44,
                      kImportanceAt = 46, kMatchAt = 48;

std::uint64_t read(const std::byte* at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  return value;
}

std::uint16_t be16(const std::byte* at) { return static_cast<std::uint16_t>(read(at, 2)); }

std::size_t padded(std::size_t size) { return (size + 7) / 8 * 8; }

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

FlowRecordPtr FlowRecord::make(std::span<const std::byte> flow_mod) {
  void* memory = ::operator new(sizeof(FlowRecord) + flow_mod.size());
  auto* record = new (memory) FlowRecord();
  record->size_ = static_cast<std::uint32_t>(flow_mod.size());
  std::memcpy(record + 1, flow_mod.data(), flow_mod.size());
  record->hash_ = hash_key(record->table(), record->priority(), record->match());
  return FlowRecordPtr(record);
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
  return make(std::span<const std::byte>(scratch));
}

FlowRecordPtr FlowRecord::make(const FlowStatsView& view) {
  std::vector<std::byte> wire;
  ByteWriter out(wire);
  out.u8(kOpenFlow15);
  out.u8(14);  // OFPT_FLOW_MOD
  out.be16(0);
  out.be32(0);
  out.be64(view.cookie);
  out.be64(0);
  out.u8(view.table.value);
  out.u8(static_cast<std::uint8_t>(FlowCommand::kAdd));
  out.be16(view.idle_timeout);
  out.be16(view.hard_timeout);
  out.be16(view.priority);
  out.be32(0xffffffff);
  out.be32(kPortAny.value);
  out.be32(kAnyGroup.value);
  out.be16(view.flags);
  out.be16(view.importance);
  out.bytes(view.match);
  out.bytes(view.instructions);
  out.patch_be16(2, static_cast<std::uint16_t>(wire.size()));
  return make(std::span<const std::byte>(wire));
}

TableId FlowRecord::table() const {
  return TableId{std::to_integer<std::uint8_t>(bytes()[kTableAt])};
}
std::uint16_t FlowRecord::priority() const { return be16(bytes() + kPriorityAt); }
std::uint64_t FlowRecord::cookie() const { return read(bytes() + kCookieAt, 8); }
std::uint16_t FlowRecord::idle_timeout() const { return be16(bytes() + kIdleAt); }
std::uint16_t FlowRecord::hard_timeout() const { return be16(bytes() + kHardAt); }
std::uint16_t FlowRecord::flags() const { return be16(bytes() + kFlagsAt); }
std::uint16_t FlowRecord::importance() const { return be16(bytes() + kImportanceAt); }
std::span<const std::byte> FlowRecord::match() const {
  return flow_mod().subspan(kMatchAt, padded(be16(bytes() + kMatchAt + 2)));
}
std::span<const std::byte> FlowRecord::instructions() const {
  return flow_mod().subspan(kMatchAt + match().size());
}

std::string FlowRecord::describe() const {
  auto text = "table " + std::to_string(table().value) + ", priority " + std::to_string(priority());
  const auto decoded = decode_match(match());
  if (!decoded) return text + ", match " + to_hex(match());
  return decoded->empty() ? text : text + ", " + to_string(*decoded);
}

}  // namespace antrea::openflow
