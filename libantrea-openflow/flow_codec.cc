#include <utility>

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

void put_action_list(Out& out, InstructionType type, const Actions& actions) {
  const std::size_t start = out.size();
  store_be(out.put(8), static_cast<std::uint16_t>(type));
  put_actions(out, actions);
  out.patch16(start + 2, out.size() - start);
}

}  // namespace

void put_instructions(Out& out, const Instructions& instructions) {
  if (!instructions.apply_actions.empty())
    put_action_list(out, kApplyActions, instructions.apply_actions);
  if (instructions.clear_actions) put_action_list(out, kClearActions, {});
  if (!instructions.write_actions.empty())
    put_action_list(out, kWriteActions, instructions.write_actions);
  if (instructions.write_metadata) {
    std::byte* at = out.put(24);
    store_be(at, std::uint16_t{kWriteMetadata});
    store_be(at + 2, std::uint16_t{24});
    store_be(at + 8, instructions.write_metadata->value);
    store_be(at + 16, instructions.write_metadata->mask);
  }
  if (instructions.goto_table) {
    std::byte* at = out.put(8);
    store_be(at, std::uint16_t{kGotoTable});
    store_be(at + 2, std::uint16_t{8});
    at[4] = std::byte{instructions.goto_table->value};
  }
}

DecodeResult<Instructions> pull_instructions(In in, std::optional<TableId> table) {
  Instructions result;
  unsigned seen = 0;
  while (!in.empty()) {
    const In start = in;
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (in.failed() || length < 8 || length % 8 != 0 || length > start.remaining())
      return fail(errors::kInstructionBadLen, start);
    In body = in.sub(length - 4U);
    if (type == 0xffff) return fail(errors::kInstructionBadExperimenter, start);
    if (type < kGotoTable || type >= kInstructionMeter)
      return fail(errors::kInstructionUnknown, start);
    const unsigned bit = 1U << type;
    if ((seen & bit) != 0) return fail(errors::kInstructionDuplicate, start);
    seen |= bit;
    const auto size_is = [&](std::size_t size) { return length == size; };
    switch (type) {
      case kGotoTable: {
        if (!size_is(8)) return fail(errors::kInstructionBadLen, start);
        const TableId next{body.u8()};
        if (next == kAllTables || (table && next <= *table))
          return fail(errors::kInstructionBadTableId, start);
        result.goto_table = next;
        break;
      }
      case kWriteMetadata: {
        if (!size_is(24)) return fail(errors::kInstructionBadLen, start);
        body.skip(4);
        const std::uint64_t value = body.be64();
        const std::uint64_t mask = body.be64();
        result.write_metadata = WriteMetadata{value, mask};
        break;
      }
      case kClearActions:
        if (!size_is(8)) return fail(errors::kInstructionBadLen, start);
        result.clear_actions = true;
        break;
      default: {
        body.skip(4);
        auto actions = pull_actions(body);
        if (actions.has_error()) return actions.error();
        (type == kApplyActions ? result.apply_actions : result.write_actions) = std::move(*actions);
      }
    }
  }
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
  time(kDuration, s.duration);
  time(kIdleTime, s.idle);
  if (s.packets) {
    head(kPacketCount, 8);
    out.be64(*s.packets);
  }
  if (s.bytes) {
    head(kByteCount, 8);
    out.be64(*s.bytes);
  }
  if (s.flows) {
    head(kFlowCount, 4);
    out.be32(*s.flows);
  }
  out.patch16(start + 2, out.size() - start);
  out.pad_from(start);
}

DecodeResult<FlowStatistics> pull_statistics(In& in) {
  const In start = in;
  FlowStatistics s;
  in.skip(2);
  const std::uint16_t length = in.be16();
  if (in.failed() || length < 4 || pad8(length) > start.remaining())
    return fail(errors::kBadLen, start);
  In entries = in.sub(length - 4U);
  in.skip(pad8(length) - length);
  while (!entries.empty()) {
    const In entry = entries;
    const std::uint16_t oxs_class = entries.be16();
    const std::uint8_t field = entries.u8() >> 1;
    In body = entries.sub(entries.u8());
    if (entries.failed()) return fail(errors::kBadLen, entry);
    if (oxs_class != 0x8002) continue;
    const auto time = [&] {
      const std::uint32_t seconds = body.be32();
      return FlowStatistics::Duration{seconds, body.be32()};
    };
    switch (field) {
      case kDuration:
        s.duration = time();
        break;
      case kIdleTime:
        s.idle = time();
        break;
      case kFlowCount:
        s.flows = body.be32();
        break;
      case kPacketCount:
        s.packets = body.be64();
        break;
      case kByteCount:
        s.bytes = body.be64();
        break;
      default:
        (void)body.rest();
    }
    if (body.failed() || !body.empty()) return fail(errors::kBadLen, entry);
  }
  return s;
}

namespace {

std::byte* put_flow_mod_fixed(Out& out, const Flow& flow, FlowCommand command,
                              std::uint64_t cookie_mask) {
  std::byte* at = out.put(40);
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

/// Whether a set_field, or a field read, has its prerequisites in the match.
std::optional<DecodeError> check_one(const Match& match, const Action& action, std::size_t offset,
                                     bool inside_ct);

std::optional<DecodeError> need(const Match& match, FieldId id, std::size_t offset) {
  if (prerequisite_met(match, id)) return {};
  return fail(errors::kActionMatchInconsistent, offset);
}

std::optional<DecodeError> check_list(const Match& match, const Actions& actions,
                                      std::size_t offset, bool inside_ct) {
  // Tags that are pushed or popped on the way change what later actions may rely on.
  Match now = match;
  bool conjunction = false;
  bool other = false;
  for (const Action& action : actions) {
    if (auto error = check_one(now, action, offset, inside_ct)) return error;
    if (std::holds_alternative<Conjunction>(action))
      conjunction = true;
    else if (!std::holds_alternative<Note>(action))
      other = true;
    if (std::holds_alternative<PushVlan>(action)) now.any_vlan();
    if (std::holds_alternative<PopVlan>(action)) now.no_vlan();
    if (const auto* set = std::get_if<SetField>(&action);
        set != nullptr && set->field == FieldId::kVlanVid)
      now.any_vlan();
    if (const auto* set = std::get_if<SetField>(&action);
        set != nullptr && set->field == FieldId::kVlanTci)
      now.any_vlan();
    if (const auto* push = std::get_if<PushMpls>(&action)) {
      now.eth_type(push->eth_type);
      now.erase(FieldId::kIpProto);
    }
    if (const auto* pop = std::get_if<PopMpls>(&action)) now.eth_type(pop->eth_type);
    if (const auto* encap = std::get_if<Encap>(&action)) {
      if (encap->packet_type == 0)
        now.erase(FieldId::kPacketType).erase(FieldId::kEthType);
      else
        now.erase(FieldId::kPacketType).eth_type(static_cast<std::uint16_t>(encap->packet_type));
    }
    if (std::holds_alternative<Decap>(action)) return {};
  }
  if (conjunction && other) return fail(errors::kNxBadConjunction, offset);
  return {};
}

std::optional<DecodeError> check_one(const Match& match, const Action& action, std::size_t offset,
                                     bool inside_ct) {
  if (const auto* set = std::get_if<SetField>(&action)) {
    if ((set->field == FieldId::kCtMark || set->field == FieldId::kCtLabel) && !inside_ct)
      return fail(errors::kActionBadSetArgument, offset);
    return need(match, set->field, offset);
  }
  if (const auto* move = std::get_if<Move>(&action)) {
    if ((move->target.field == FieldId::kCtMark || move->target.field == FieldId::kCtLabel) &&
        !inside_ct)
      return fail(errors::kActionBadSetArgument, offset);
    if (auto error = need(match, move->source.field, offset)) return error;
    return need(match, move->target.field, offset);
  }
  const auto type = [&] {
    const auto bits = match.get(FieldId::kEthType);
    return bits ? bits->value.lo : 0;
  };
  const bool ip = type() == eth_type::kIpv4 || type() == eth_type::kIpv6;
  if (const auto* output = std::get_if<OutputReg>(&action))
    return need(match, output->source.field, offset);
  if (const auto* push = std::get_if<StackPush>(&action))
    return need(match, push->source.field, offset);
  if (const auto* resubmit = std::get_if<Resubmit>(&action); resubmit != nullptr && resubmit->ct)
    return need(match, FieldId::kCtNwProto, offset);
  if (const auto* pop = std::get_if<StackPop>(&action))
    return need(match, pop->target.field, offset);
  if (const auto* clone = std::get_if<Clone>(&action))
    return check_list(match, clone->actions, offset, inside_ct);
  if (const auto* ct = std::get_if<Ct>(&action)) {
    if (!ip) return fail(errors::kActionMatchInconsistent, offset);
    if (ct->alg == 21 && !prerequisite_met(match, FieldId::kTcpSrc))
      return fail(errors::kActionMatchInconsistent, offset);
    if (ct->alg == 69 && !prerequisite_met(match, FieldId::kUdpSrc))
      return fail(errors::kActionMatchInconsistent, offset);
    for (const Action& inner : ct->actions) {
      const auto* nat = std::get_if<Nat>(&inner);
      if (nat == nullptr) continue;
      if ((nat->src || nat->dst) && !ct->commit) return fail(errors::kActionBadArgument, offset);
      if (nat->address_min && nat->address_min->is_v4() != (type() == eth_type::kIpv4))
        return fail(errors::kActionMatchInconsistent, offset);
    }
    return check_list(match, ct->actions, offset, true);
  }
  if (std::holds_alternative<DecTtl>(action) || std::holds_alternative<SetIpTtl>(action))
    if (!ip) return fail(errors::kActionMatchInconsistent, offset);
  if (std::holds_alternative<DecMplsTtl>(action) || std::holds_alternative<SetMplsTtl>(action) ||
      std::holds_alternative<PopMpls>(action))
    return need(match, FieldId::kMplsTtl, offset);
  if (std::holds_alternative<FinTimeout>(action)) return need(match, FieldId::kTcpSrc, offset);
  if (std::holds_alternative<DecNshTtl>(action)) return need(match, FieldId::kNshTtl, offset);
  if (const auto* learn = std::get_if<Learn>(&action)) {
    Match learned;
    for (const LearnSpec& spec : learn->specs) {
      if (spec.source)
        if (auto error = need(match, spec.source->field, offset)) return error;
      if (spec.target == LearnSpec::Target::kMatch && !spec.source)
        learned.set(spec.destination.field, spec.value << spec.destination.offset,
                    spec.destination.mask());
    }
  }
  return {};
}

}  // namespace

std::optional<DecodeError> check_actions(const Match& match, const Actions& actions,
                                         std::size_t offset) {
  return check_list(match, actions, offset, false);
}

void put_flow_mod_body(Out& out, const FlowMod& mod) {
  std::byte* at = put_flow_mod_fixed(out, mod.flow, mod.command, mod.cookie_mask);
  store_be(at + 24, mod.buffer_id);
  store_be(at + 28, mod.out_port.value);
  store_be(at + 32, mod.out_group.value);
  put_match(out, mod.flow.match);
  put_instructions(out, mod.flow);
}

DecodeResult<FlowMod> pull_flow_mod(In in) {
  FlowMod mod;
  Flow& flow = mod.flow;
  const std::size_t offset = in.offset();
  flow.cookie = in.be64();
  mod.cookie_mask = in.be64();
  flow.table = TableId{in.u8()};
  const std::uint8_t command = in.u8();
  flow.idle_timeout = in.be16();
  flow.hard_timeout = in.be16();
  flow.priority = in.be16();
  mod.buffer_id = in.be32();
  mod.out_port = PortNo{in.be32()};
  mod.out_group = GroupId{in.be32()};
  flow.flags = in.be16();
  flow.importance = in.be16();
  if (in.failed()) return fail(errors::kBadLen, offset);
  auto match = pull_match(in);
  if (match.has_error()) return match.error();
  flow.match = std::move(*match);
  const std::size_t instructions_at = in.offset();
  if (in.remaining() % 8 != 0) return fail(errors::kBadLen, in);
  auto instructions = pull_instructions(in.sub(in.remaining()), flow.table);
  if (command > 4) return fail(errors::kFlowModBadCommand, offset + 17);
  mod.command = static_cast<FlowCommand>(command);
  const bool deletes =
      mod.command == FlowCommand::kDelete || mod.command == FlowCommand::kDeleteStrict;
  if (flow.table == kAllTables && !deletes) return fail(errors::kFlowModBadTableId, offset + 16);
  if ((flow.flags & ~kFlowModFlags) != 0) return fail(errors::kFlowModBadFlags, offset + 36);
  if (!port_valid(mod.out_port.value)) return fail(errors::kActionBadOutPort, offset + 28);
  if (instructions.has_error()) return instructions.error();
  static_cast<Instructions&>(flow) = std::move(*instructions);
  if (auto error = check_actions(flow.match, flow.apply_actions, instructions_at)) return *error;
  if (auto error = check_actions(flow.match, flow.write_actions, instructions_at)) return *error;
  return mod;
}

}  // namespace detail

void encode_instructions(const Instructions& instructions, std::vector<std::byte>& out) {
  detail::Out writer(out);
  detail::put_instructions(writer, instructions);
}

DecodeResult<Instructions> decode_instructions(std::span<const std::byte> wire) {
  return detail::pull_instructions(detail::In(wire));
}

namespace {

constexpr std::uint8_t kTypeFlowMod = 14, kTypeBundleAdd = 34, kTypeMultipartReply = 19;

std::size_t begin_message(detail::Out& out, std::uint8_t type, std::uint32_t xid) {
  const std::size_t start = out.size();
  std::byte* at = out.put(kHeaderSize);
  at[0] = std::byte{kOpenFlow15};
  at[1] = std::byte{type};
  detail::store_be(at + 4, xid);
  return start;
}

bool end_message(detail::Out& out, std::size_t start) {
  const std::size_t size = out.size() - start;
  if (size > kMaxMessageSize) {
    out.truncate(start);
    return false;
  }
  out.patch16(start + 2, size);
  return true;
}

}  // namespace

bool encode_flow_mod(const Flow& flow, FlowCommand command, std::uint32_t xid,
                     std::vector<std::byte>& out) {
  detail::Out writer(out);
  const std::size_t start = begin_message(writer, kTypeFlowMod, xid);
  detail::put_flow_mod_fixed(writer, flow, command, 0);
  detail::put_match(writer, flow.match);
  detail::put_instructions(writer, flow);
  return end_message(writer, start);
}

bool encode_bundle_add_flow_mod(std::uint32_t bundle, std::uint16_t bundle_flags, const Flow& flow,
                                FlowCommand command, std::uint32_t xid,
                                std::vector<std::byte>& out) {
  detail::Out writer(out);
  const std::size_t start = begin_message(writer, kTypeBundleAdd, xid);
  writer.be32(bundle);
  writer.be32(bundle_flags);
  if (!encode_flow_mod(flow, command, xid, out)) {
    writer.truncate(start);
    return false;
  }
  return end_message(writer, start);
}

bool encode_bundle_add(std::uint32_t bundle, std::uint16_t bundle_flags, std::uint32_t xid,
                       const Message& message, std::vector<std::byte>& out) {
  detail::Out writer(out);
  const std::size_t start = begin_message(writer, kTypeBundleAdd, xid);
  writer.be32(bundle);
  writer.be32(bundle_flags);
  if (!encode(xid, message, out)) {
    writer.truncate(start);
    return false;
  }
  return end_message(writer, start);
}

FlowStatsReader::FlowStatsReader(std::span<const std::byte> wire) : wire_(wire) {
  detail::In in(wire);
  in.skip(1);
  const std::uint8_t type = in.u8();
  const std::uint16_t length = in.be16();
  in.skip(4);
  const std::uint16_t part = in.be16();
  more_ = (in.be16() & 1) != 0;
  in.skip(4);
  offset_ = in.offset();
  if (in.failed() || length != wire.size())
    error_ = detail::fail(errors::kBadLen, 2);
  else if (type != kTypeMultipartReply || part != 1)
    error_ = detail::fail(errors::kBadType, 1);
}

std::optional<FlowStatsView> FlowStatsReader::next() {
  if (error_ || offset_ >= wire_.size()) return {};
  constexpr std::size_t kFixed = 24;
  const auto bad = [&](std::size_t offset) -> std::optional<FlowStatsView> {
    error_ = detail::fail(errors::kBadLen, offset);
    return {};
  };
  const std::size_t left = wire_.size() - offset_;
  if (left < kFixed + 8) return bad(offset_);
  const std::byte* at = wire_.data() + offset_;
  const std::size_t size = detail::load_be<std::uint16_t>(at);
  if (size < kFixed + 16 || size > left) return bad(offset_);
  FlowStatsView view;
  view.table = TableId{std::to_integer<std::uint8_t>(at[4])};
  view.priority = detail::load_be<std::uint16_t>(at + 6);
  view.idle_timeout = detail::load_be<std::uint16_t>(at + 8);
  view.hard_timeout = detail::load_be<std::uint16_t>(at + 10);
  view.flags = detail::load_be<std::uint16_t>(at + 12);
  view.importance = detail::load_be<std::uint16_t>(at + 14);
  view.cookie = detail::load_be<std::uint64_t>(at + 16);
  std::size_t used = kFixed;
  const std::size_t match_size = detail::pad8(detail::load_be<std::uint16_t>(at + used + 2));
  if (match_size < 8 || match_size + 8 > size - used) return bad(offset_ + used);
  view.match = wire_.subspan(offset_ + used, match_size);
  used += match_size;
  const std::size_t statistics_size = detail::pad8(detail::load_be<std::uint16_t>(at + used + 2));
  if (statistics_size < 8 || statistics_size > size - used) return bad(offset_ + used);
  view.statistics = wire_.subspan(offset_ + used, statistics_size);
  used += statistics_size;
  view.instructions = wire_.subspan(offset_ + used, size - used);
  offset_ += size;
  return view;
}

DecodeResult<FlowStats> FlowStatsView::decode() const {
  FlowStats stats;
  Flow& flow = stats.flow;
  flow.table = table;
  flow.priority = priority;
  flow.idle_timeout = idle_timeout;
  flow.hard_timeout = hard_timeout;
  flow.flags = flags;
  flow.importance = importance;
  flow.cookie = cookie;
  detail::In match_in(match);
  auto decoded_match = detail::pull_match(match_in);
  if (decoded_match.has_error()) return decoded_match.error();
  flow.match = std::move(*decoded_match);
  detail::In statistics_in(statistics);
  auto decoded_statistics = detail::pull_statistics(statistics_in);
  if (decoded_statistics.has_error()) return decoded_statistics.error();
  stats.statistics = *decoded_statistics;
  auto decoded_instructions = detail::pull_instructions(detail::In(instructions));
  if (decoded_instructions.has_error()) return decoded_instructions.error();
  static_cast<Instructions&>(flow) = std::move(*decoded_instructions);
  return stats;
}

}  // namespace antrea::openflow
