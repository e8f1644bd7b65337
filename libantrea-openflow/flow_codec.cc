#include <utility>

#include "action_codec.h"
#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "wire.h"

namespace antrea::openflow {
namespace detail {
namespace {

/// OpenFlow 1.5.1 section 7.2.5.
enum InstructionType : std::uint16_t {
  kGotoTable = 1,
  kWriteMetadata = 2,
  kWriteActions = 3,
  kApplyActions = 4,
  kClearActions = 5,
  kInstructionMeter = 6,
};
/// OXS fields, section 7.2.4.1.
enum OxsField : std::uint8_t {
  kDuration = 0,
  kIdleTime = 1,
  kFlowCount = 3,
  kPacketCount = 4,
  kByteCount = 5
};
constexpr unsigned kStatisticsOrder[] = {kDuration, kIdleTime, kPacketCount, kByteCount,
                                         kFlowCount};

void put_action_list(Out& out, InstructionType type, const Actions& actions) {
  const std::size_t start = out.size();
  store_be(out.put<8>(), static_cast<std::uint16_t>(type));
  put_actions(out, actions);
  out.patch16(start + 2, out.size() - start);
}

}  // namespace

void put_instructions(Out& out, const Instructions& instructions) {
  if (!instructions.apply_actions.empty())
    put_action_list(out, kApplyActions, instructions.apply_actions);
  if (instructions.clear_actions) put_action_list(out, kClearActions, {});
  if (!instructions.write_actions.empty() || instructions.write_nothing)
    put_action_list(out, kWriteActions, instructions.write_actions);
  if (instructions.write_metadata) {
    std::byte* at = out.put<24>();
    store_be(at, std::uint16_t{kWriteMetadata});
    store_be(at + 2, std::uint16_t{24});
    store_be(at + 8, instructions.write_metadata->value);
    store_be(at + 16, instructions.write_metadata->mask);
  }
  if (instructions.goto_table) {
    std::byte* at = out.put<8>();
    store_be(at, std::uint16_t{kGotoTable});
    store_be(at + 2, std::uint16_t{8});
    at[4] = std::byte{instructions.goto_table->value};
  }
}

namespace {

/// The instructions of a message by type. Lengths and types are looked at before what they hold, as
/// Open vSwitch does.
class FoundInstructions {
 public:
  explicit FoundInstructions(const In& in) : in_(in) {}

  Fault scan(std::size_t& offset) {
    const std::byte* const begin = in_.at();
    const std::size_t size = in_.remaining();
    for (std::size_t at = 0; at < size;) {
      offset = in_.offset() + at;
      const std::size_t room = size - at;
      if (room < 4) return &errors::kInstructionBadLen;
      const auto type = load_be<std::uint16_t>(begin + at);
      const auto length = load_be<std::uint16_t>(begin + at + 2);
      if (length < 8 || length % 8 != 0 || length > room) return &errors::kInstructionBadLen;
      if (type == 0xffff) return &errors::kInstructionBadExperimenter;
      if (type < kGotoTable || type > kInstructionMeter) return &errors::kInstructionUnknown;
      const std::size_t fixed = type == kWriteMetadata                           ? 24
                                : type == kWriteActions || type == kApplyActions ? 0
                                                                                 : 8;
      if (fixed != 0 && length != fixed) return &errors::kInstructionBadLen;
      if (type == kInstructionMeter) return &errors::kInstructionUnknown;  // an action since 1.5
      if (has(static_cast<InstructionType>(type))) return &errors::kInstructionDuplicate;
      starts_[type] = static_cast<std::uint16_t>(at);
      lengths_[type] = length;
      at += length;
    }
    return nullptr;
  }
  bool has(InstructionType type) const { return lengths_[type] != 0; }
  /// What stands behind the first `skipped` bytes.
  In body(InstructionType type, std::size_t skipped) const {
    return in_.part(starts_[type] + skipped, lengths_[type] - skipped);
  }

 private:
  const In& in_;
  std::uint16_t starts_[8] = {};   ///< by type
  std::uint16_t lengths_[8] = {};  ///< 0: there is none
};

/// The memory of the last ct's list, which had to be asked for again otherwise.
Actions take_room(Actions& old) {
  if (old.empty()) return {};
  Ct* const ct = std::get_if<Ct>(&old.back());
  if (ct == nullptr) return {};
  Actions room = std::move(ct->actions);
  room.clear();
  return room;
}

/// In place of those that `result` held.
Fault pull_instruction_list(const In& in, Instructions& result, std::size_t& offset) {
  ActionReader reader;
  reader.room = take_room(result.apply_actions);
  result.apply_actions.clear();
  result.write_actions.clear();
  result.write_metadata.reset();
  result.goto_table.reset();
  result.write_nothing = false;
  if (in.remaining() % 8 != 0) return &errors::kInstructionBadLen;
  FoundInstructions found(in);
  if (const Fault fault = found.scan(offset)) return fault;
  const auto actions = [&](InstructionType type, Actions& to, ActionReader& reader) {
    In body = found.body(type, 8);
    const Fault fault = pull_action_list(body, reader, to);
    if (fault != nullptr) offset = reader.offset;
    return fault;
  };
  reader.metadata = &result.write_metadata;
  if (found.has(kApplyActions))
    if (const Fault fault = actions(kApplyActions, result.apply_actions, reader)) return fault;
  const bool metadata_action = result.write_metadata.has_value();
  result.clear_actions = found.has(kClearActions);
  if (found.has(kWriteActions)) {
    ActionReader set_reader;
    if (const Fault fault = actions(kWriteActions, result.write_actions, set_reader)) return fault;
    if (const Fault fault = verify_action_set(result.write_actions)) return fault;
    result.write_nothing = result.write_actions.empty();
  }
  if (found.has(kWriteMetadata)) {
    In body = found.body(kWriteMetadata, 8);
    const std::uint64_t value = body.be64();
    result.write_metadata = WriteMetadata{value, body.be64()};
  }
  if (found.has(kGotoTable)) result.goto_table = TableId{found.body(kGotoTable, 4).u8()};
  if (const Fault fault = verify_actions(result.apply_actions, false)) return fault;
  // The action write_metadata stands for the instruction, which comes last but for goto_table.
  if (metadata_action &&
      (result.clear_actions || found.has(kWriteActions) || found.has(kWriteMetadata)))
    return &errors::kActionUnsupportedOrder;
  return nullptr;
}

}  // namespace

DecodeResult<Instructions> pull_instructions(In in) {
  DecodeResult<Instructions> result = Instructions();
  std::size_t offset = in.offset();
  if (const Fault fault = pull_instruction_list(in, *result, offset)) return fail(*fault, offset);
  return result;
}

void put_statistics(Out& out, const FlowStatistics& s) {
  const std::size_t start = out.size();
  out.be32(0);
  const auto head = [&](OxsField field, std::uint8_t size) {
    out.be16(0x8002);
    out.u8(static_cast<std::uint8_t>(field << 1));
    out.u8(size);
  };
  const auto time = [&](OxsField field, const std::optional<FlowStatistics::Duration>& duration) {
    if (!duration) return;
    head(field, 8);
    out.be32(duration->seconds);
    out.be32(duration->nanoseconds);
  };
  const auto count = [&](OxsField field, const auto& number) {
    if (!number) return;
    head(field, sizeof(*number));
    if constexpr (sizeof(*number) == 8)
      out.be64(*number);
    else
      out.be32(*number);
  };
  each_in_order(s.order, kStatisticsOrder, [&](unsigned field) {
    switch (field) {
      case kDuration:
        return time(kDuration, s.duration);
      case kIdleTime:
        return time(kIdleTime, s.idle);
      case kFlowCount:
        return count(kFlowCount, s.flows);
      case kPacketCount:
        return count(kPacketCount, s.packets);
      case kByteCount:
        return count(kByteCount, s.bytes);
      default:
        return;
    }
  });
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

DecodeResult<FlowStatistics> pull_statistics(In& in) {
  const In start = in;
  FlowStatistics s;
  in.skip(2);
  const std::uint16_t length = in.be16();
  if (in.failed() || length < 4 || pad8(length) > start.remaining())
    return fail(errors::kMatchBadLen, start);
  In entries = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  PropertyOrder came;
  while (!entries.empty()) {
    const In entry = entries;
    const std::uint32_t header = entries.be32();
    In body = entries.sub(header & 0xff);
    if (entries.failed()) return fail(errors::kMatchBadLen, entry);
    const auto time = [&] {
      const std::uint32_t seconds = body.be32();
      return FlowStatistics::Duration{seconds, body.be32()};
    };
    switch (header) {
      case 0x80020008 | kDuration << 9:
        s.duration = time();
        break;
      case 0x80020008 | kIdleTime << 9:
        s.idle = time();
        break;
      case 0x80020004 | kFlowCount << 9:
        s.flows = body.be32();
        break;
      case 0x80020008 | kPacketCount << 9:
        s.packets = body.be64();
        break;
      case 0x80020008 | kByteCount << 9:
        s.bytes = body.be64();
        break;
      default:
        continue;  // of another class, or unknown: told by nothing
    }
    came.push_back(header >> 9 & 0x7f);
  }
  if (!in_usual_order(came, kStatisticsOrder)) s.order = came;
  return s;
}

namespace {

std::byte* put_flow_mod_fixed(Out& out, const Flow& flow, FlowCommand command,
                              std::uint64_t cookie_mask) {
  std::byte* at = out.put<40>();
  store_be(at, flow.cookie);
  store_be(at + 8, cookie_mask);
  at[16] = std::byte{flow.table.value};
  at[17] = std::byte(command);
  store_be(at + 18, flow.idle_timeout);
  store_be(at + 20, flow.hard_timeout);
  store_be(at + 22, flow.priority);
  store_be(at + 24, std::uint32_t{0xffffffff});
  store_be(at + 28, std::uint32_t{0xffffffff});
  store_be(at + 32, std::uint32_t{0xffffffff});
  store_be(at + 36, flow.flags);
  store_be(at + 38, flow.importance);
  return at;
}

constexpr std::uint16_t kFlowModFlags = 0x1f;

}  // namespace

void put_flow_mod_body(Out& out, const FlowMod& mod) {
  std::byte* at = put_flow_mod_fixed(out, mod.flow, mod.command, mod.cookie_mask);
  store_be(at + 24, mod.buffer_id);
  store_be(at + 28, mod.out_port.value);
  store_be(at + 32, mod.out_group.value);
  put_match(out, mod.flow.match);
  put_instructions(out, mod.flow);
}

void put_flow_mod_body(Out& out, const Flow& flow, FlowCommand command) {
  put_flow_mod_fixed(out, flow, command, 0);
  put_match(out, flow.match);
  put_instructions(out, flow);
}

std::optional<DecodeError> pull_flow_instructions(In& in, Flow& flow, const PacketFacts& facts,
                                                  std::size_t flags_at) {
  std::size_t fault_at = in.offset();
  if (const Fault fault = pull_instruction_list(in, flow, fault_at)) return fail(*fault, fault_at);
  if ((flow.flags & ~kFlowModFlags) != 0) return fail(errors::kFlowModBadFlags, flags_at);
  if (const Fault fault = check_instructions(facts, flow.table, flow)) return fail(*fault, in);
  return {};
}

std::optional<DecodeError> pull_flow_mod(In& in, FlowMod& mod) {
  Flow& flow = mod.flow;
  const std::size_t offset = in.offset();
  const auto fixed = in.take(40);
  if (in.failed()) return fail(errors::kBadLen, offset);
  const std::byte* const at = fixed.data();
  flow.cookie = load_be<std::uint64_t>(at);
  mod.cookie_mask = load_be<std::uint64_t>(at + 8);
  flow.table = TableId{load_be<std::uint8_t>(at + 16)};
  const auto command = load_be<std::uint8_t>(at + 17);
  mod.command = static_cast<FlowCommand>(command);
  flow.idle_timeout = load_be<std::uint16_t>(at + 18);
  flow.hard_timeout = load_be<std::uint16_t>(at + 20);
  flow.priority = load_be<std::uint16_t>(at + 22);
  mod.buffer_id = load_be<std::uint32_t>(at + 24);
  mod.out_port = PortNo{load_be<std::uint32_t>(at + 28)};
  mod.out_group = GroupId{load_be<std::uint32_t>(at + 32)};
  flow.flags = load_be<std::uint16_t>(at + 36);
  flow.importance = load_be<std::uint16_t>(at + 38);
  PacketFacts facts;
  if (const auto error = pull_any_match(in, flow.match, &facts)) return error;
  const bool deletes =
      mod.command == FlowCommand::kDelete || mod.command == FlowCommand::kDeleteStrict;
  if (flow.table == kAllTables && !deletes) return fail(errors::kFlowModBadTableId, offset + 16);
  if (!port_valid(mod.out_port.value)) return fail(errors::kActionBadOutPort, offset + 28);
  if (!facts.ct_addresses_fit()) return fail(errors::kActionMatchInconsistent, offset + 40);
  if (command > 4) return fail(errors::kFlowModBadCommand, offset + 17);
  return pull_flow_instructions(in, flow, facts, offset + 36);
}

}  // namespace detail

void encode_instructions(const Instructions& instructions, std::vector<std::byte>& out) {
  detail::Out writer(out);
  detail::put_instructions(writer, instructions);
}

DecodeResult<Instructions> decode_instructions(std::span<const std::byte> wire) {
  return detail::pull_instructions(detail::In(wire));
}

}  // namespace antrea::openflow
