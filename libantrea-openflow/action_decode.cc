#include <array>

#include "action_codec.h"
#include "antrea/openflow/codec.h"
#include "tlv.h"

namespace antrea::openflow::detail {
namespace {

constexpr unsigned kMaxNesting = 64;

// The standard actions; those of Nicira have files of their own.

template <typename T>
Fault plain(In&, ActionReader&, Actions& out) {
  out.emplace_back(std::in_place_type<T>);
  return nullptr;
}
/// For tests inside Open vSwitch only.
Fault refuse(In&, ActionReader&, Actions&) { return &errors::kActionBadVendorType; }
Fault pull_output(In& in, ActionReader&, Actions& out) {
  const PortNo port{in.be32()};
  out.emplace_back(Output{port, in.be16()});
  return output_port_valid(port) ? nullptr : &errors::kActionBadOutPort;
}
Fault pull_group(In& in, ActionReader&, Actions& out) {
  out.emplace_back(GroupAction{GroupId{in.be32()}});
  return nullptr;
}
Fault pull_set_queue(In& in, ActionReader&, Actions& out) {
  out.emplace_back(SetQueue{in.be32()});
  return nullptr;
}
Fault pull_meter(In& in, ActionReader&, Actions& out) {
  out.emplace_back(MeterAction{MeterId{in.be32()}});
  return nullptr;
}
Fault pull_set_mpls_ttl(In& in, ActionReader&, Actions& out) {
  out.emplace_back(SetMplsTtl{in.u8()});
  return nullptr;
}
Fault pull_set_ip_ttl(In& in, ActionReader&, Actions& out) {
  out.emplace_back(SetIpTtl{in.u8()});
  return nullptr;
}
Fault pull_push_vlan(In& in, ActionReader&, Actions& out) {
  const std::uint16_t type = in.be16();
  out.emplace_back(PushVlan{type});
  return type == 0x8100 || type == 0x88a8 ? nullptr : &errors::kActionBadArgument;
}
Fault pull_push_mpls(In& in, ActionReader&, Actions& out) {
  const std::uint16_t type = in.be16();
  out.emplace_back(PushMpls{type});
  return type == 0x8847 || type == 0x8848 ? nullptr : &errors::kActionBadArgument;
}
Fault pull_pop_mpls(In& in, ActionReader&, Actions& out) {
  out.emplace_back(PopMpls{in.be16()});
  return nullptr;
}

/// Takes set_fields whose TLV is a usual one, as long as one stands there.
void take_usual_set_fields(In& in, Actions& out) {
  static_assert(kBeforeUsual == 4, "the action's own header stands before the TLV");
  const std::byte* const begin = in.at();
  const std::byte* const end = begin + in.remaining();
  const std::byte* at = begin;
  while (end - at >= 16) {
    const auto head = load_be<std::uint32_t>(at);  // type and length
    if (head >> 16 != action_type::kSetField) break;
    const std::size_t length = head & 0xffff;
    Masked bits;
    const UsualRow* const row = read_usual(at + 4, end, bits);
    if (row == nullptr || head != row->set_field || length > static_cast<std::size_t>(end - at))
      break;
    // Where the mask covers a field that does not fill its bytes, the form is kept.
    if (row->is(UsualRow::kPartial) && bits.mask.lo == row->valid) break;
    // Fewer than 8 bytes of padding, looked at with the 8 that end with them.
    const std::size_t padding = length - 8 - row->length;
    const std::uint64_t padding_bits = (std::uint64_t{1} << (8 * padding)) - 1;
    if ((load_be<std::uint64_t>(at + length - 8) & padding_bits) != 0) break;
    SetField& set = std::get<SetField>(out.emplace_back(std::in_place_type<SetField>));
    set.field = row->id;
    set.value = bits.value;
    set.mask = bits.mask;
    at += length;
  }
  in.skip(static_cast<std::size_t>(at - begin));
}

Fault pull_set_field(In& in, ActionReader&, Actions& out) {
  Tlv tlv;
  if (const Fault fault = parse_tlv(in, tlv, true)) return fault;
  if (!in.zeros(in.remaining())) return &errors::kActionBadSetArgument;
  const FieldInfo& row = info(tlv.id);
  if (tlv.id == FieldId::kInPortOxm || !row.settable || !value_valid(tlv.id, tlv.bits.value))
    return &errors::kActionBadSetArgument;
  if (tlv.id == FieldId::kVlanVid && (tlv.bits.mask.lo & tlv.bits.value.lo & 0x1000) == 0)
    return &errors::kActionBadSetArgument;
  SetField& set = std::get<SetField>(out.emplace_back(std::in_place_type<SetField>));
  set.field = tlv.id;
  const FieldValue kept = tlv.bits.mask & FieldValue::ones(row.bits);
  set.value = tlv.bits.value & kept;
  set.mask = kept;
  if (is_tun_metadata(tlv.id)) {
    set.length = tlv.length;
    if (tlv.length > sizeof(FieldValue)) set.wide = wide_bytes(tlv);
    set.masked = tlv.masked && (set.wide.empty() ? kept == FieldValue::ones(8U * tlv.length)
                                                 : all_ones(tlv.raw_mask));
    if (tlv.length == 0 && !tlv.masked) set.mask = FieldValue::ones(128);  // all of it is zero
  } else {
    set.masked = tlv.masked && row.bits < 8U * row.bytes && kept == FieldValue::ones(row.bits);
  }
  return nullptr;
}

Fault pull_copy_field(In& in, ActionReader&, Actions& out) {
  Move& move = std::get<Move>(out.emplace_back(std::in_place_type<Move>));
  move.source.bits = move.target.bits = in.be16();
  move.source.offset = in.be16();
  move.target.offset = in.be16();
  in.skip(2);
  if (const Fault fault = pull_header(in, move.source)) return fault;
  if (const Fault fault = pull_header(in, move.target)) return fault;
  if (!in.zeros(in.remaining())) return &errors::kNxMustBeZero;
  if (const Fault fault = check_source(move.source)) return fault;
  return check_target(move.target);
}

/// A setter of OpenFlow 1.0 or 1.1: `kSkip` bytes, then a number of `kSize` bytes up to `kMax`.
template <LegacySet::Kind kKind, std::size_t kSize, std::uint64_t kMask, std::size_t kSkip = 0>
Fault pull_legacy(In& in, ActionReader&, Actions& out) {
  in.skip(kSkip);
  const std::uint64_t value = in.value(kSize).lo;
  out.emplace_back(LegacySet{kKind, value, 0});
  return (value & ~kMask) == 0 ? nullptr : &errors::kActionBadArgument;
}
using Legacy = LegacySet::Kind;
constexpr std::uint64_t kAny = ~std::uint64_t{0};

/// One row a kind of action: its number, how long it is, and its decoder.
struct ActionRow {
  std::uint16_t type;
  std::uint16_t size;  ///< whole action, bytes
  bool longer;         ///< may be longer than `size`
  ActionDecoder decode;
};

constexpr ActionRow kStandard[] = {
    {action_type::kOutput, 16, false, pull_output},
    {action_type::kSetVlanVid, 8, false, pull_legacy<Legacy::kVlanVid, 2, 0xfff>},
    {action_type::kSetVlanPcp, 8, false, pull_legacy<Legacy::kVlanPcp, 1, 7>},
    {action_type::kSetEthSrc, 16, false, pull_legacy<Legacy::kEthSrc, 6, kAny>},
    {action_type::kSetEthDst, 16, false, pull_legacy<Legacy::kEthDst, 6, kAny>},
    {action_type::kSetIpSrc, 8, false, pull_legacy<Legacy::kIpSrc, 4, kAny>},
    {action_type::kSetIpDst, 8, false, pull_legacy<Legacy::kIpDst, 4, kAny>},
    {action_type::kSetIpTos, 8, false, pull_legacy<Legacy::kIpTos, 1, 0xfc>},
    {action_type::kSetIpEcn, 8, false, pull_legacy<Legacy::kIpEcn, 1, 3>},
    {action_type::kSetTpSrc, 8, false, pull_legacy<Legacy::kTpSrc, 2, kAny>},
    {action_type::kSetTpDst, 8, false, pull_legacy<Legacy::kTpDst, 2, kAny>},
    {action_type::kSetMplsLabel, 8, false, pull_legacy<Legacy::kMplsLabel, 4, kAny>},
    {action_type::kSetMplsTc, 8, false, pull_legacy<Legacy::kMplsTc, 1, kAny>},
    {action_type::kSetMplsTtl, 8, false, pull_set_mpls_ttl},
    {action_type::kDecMplsTtl, 8, false, plain<DecMplsTtl>},
    {action_type::kPushVlan, 8, false, pull_push_vlan},
    {action_type::kPopVlan, 8, false, plain<PopVlan>},
    {action_type::kPushMpls, 8, false, pull_push_mpls},
    {action_type::kPopMpls, 8, false, pull_pop_mpls},
    {action_type::kSetQueue, 8, false, pull_set_queue},
    {action_type::kGroup, 8, false, pull_group},
    {action_type::kSetIpTtl, 8, false, pull_set_ip_ttl},
    {action_type::kDecIpTtl, 8, false, plain<DecTtl>},
    {action_type::kSetField, 8, true, pull_set_field},
    {action_type::kCopyField, 16, true, pull_copy_field},
    {action_type::kMeter, 8, false, pull_meter},
};
constexpr ActionRow kNicira[] = {
    {nx_action::kResubmit, 16, false, pull_resubmit},
    {nx_action::kSetTunnel, 16, false, pull_legacy<Legacy::kTunnel, 4, kAny, 2>},
    {nx_action::kPopQueue, 16, false, plain<PopQueue>},
    {nx_action::kNote, 16, true, pull_note},
    {nx_action::kSetTunnel64, 24, false, pull_legacy<Legacy::kTunnel64, 8, kAny, 6>},
    {nx_action::kMultipath, 32, false, pull_multipath},
    {nx_action::kBundle, 32, true, pull_bundle},
    {nx_action::kBundleLoad, 32, true, pull_bundle_load},
    {nx_action::kResubmitTable, 16, false, pull_resubmit_table},
    {nx_action::kOutputReg, 24, false, pull_output_reg},
    {nx_action::kLearn, 32, true, pull_learn},
    {nx_action::kExit, 16, false, plain<Exit>},
    {nx_action::kFinTimeout, 16, false, pull_fin_timeout},
    {nx_action::kController, 16, false, pull_controller},
    {nx_action::kDecTtlIds, 16, true, pull_dec_ttl_ids},
    {nx_action::kWriteMetadata, 32, false, pull_write_metadata},
    {nx_action::kStackPush, 24, false, pull_stack_push},
    {nx_action::kStackPop, 24, false, pull_stack_pop},
    {nx_action::kSample, 24, false, pull_sample},
    {nx_action::kOutputReg2, 24, false, pull_output_reg2},
    {nx_action::kConjunction, 16, false, pull_conjunction},
    {nx_action::kCt, 24, true, pull_ct},
    {nx_action::kNat, 16, true, pull_nat},
    {nx_action::kController2, 16, true, pull_controller2},
    {nx_action::kSample2, 32, false, pull_sample2},
    {nx_action::kOutputTrunc, 16, false, pull_output_trunc},
    {nx_action::kSample3, 32, false, pull_sample3},
    {nx_action::kClone, 16, true, pull_clone},
    {nx_action::kCtClear, 16, false, plain<CtClear>},
    {nx_action::kResubmitTableCt, 16, false, pull_resubmit_table_ct},
    {nx_action::kLearn2, 40, true, pull_learn2},
    {nx_action::kEncap, 16, true, pull_encap},
    {nx_action::kDecap, 16, true, pull_decap},
    {nx_action::kDecNshTtl, 16, false, plain<DecNshTtl>},
    {nx_action::kCheckPktLarger, 24, true, pull_check_pkt_larger},
    {nx_action::kDeleteField, 24, false, pull_delete_field},
    {nx_action::kSample4, 40, false, pull_sample4},
    {nx_action::kDebugSlow, 16, false, refuse},
    {nx_action::kDebugRecirculation, 16, false, refuse},
};

/// Rows by number, for constant time.
template <std::size_t kRows>
constexpr auto index_rows(const ActionRow (&rows)[kRows]) {
  std::array<const ActionRow*, 256> index{};
  for (const ActionRow& row : rows) index[row.type] = &row;
  return index;
}
constexpr auto kStandardIndex = index_rows(kStandard);
constexpr auto kNiciraIndex = index_rows(kNicira);

/// The row of an action whose header starts at `at`, or the error that there is none.
Fault find_row(const std::byte* at, std::size_t room, const ActionRow*& row) {
  const auto type = load_be<std::uint16_t>(at);
  if (type < kStandardIndex.size()) {
    row = kStandardIndex[type];
    return row != nullptr ? nullptr : &errors::kActionBadType;
  }
  if (type != action_type::kExperimenter) return &errors::kActionBadType;
  const auto vendor = load_be<std::uint32_t>(at + 4);
  if (vendor != kNiciraVendor && vendor != kOnfExperimenter) return &errors::kActionBadVendor;
  if (room < 10) return &errors::kActionBadLen;
  const auto subtype = load_be<std::uint16_t>(at + 8);
  if (vendor == kNiciraVendor && subtype < kNiciraIndex.size()) row = kNiciraIndex[subtype];
  return row != nullptr ? nullptr : &errors::kActionBadVendorType;
}

}  // namespace

Fault pull_action_list(In& in, ActionReader& reader, Actions& out) {
  if (in.empty()) return nullptr;
  if (reader.depth >= kMaxNesting) return &errors::kActionTooMany;
  constexpr std::size_t kUsualSize = 16;  // of an action, in bytes; there are shorter ones
  out.reserve(in.remaining() / kUsualSize);
  for (take_usual_set_fields(in, out); !in.empty(); take_usual_set_fields(in, out)) {
    reader.offset = in.offset();
    const std::byte* const at = in.at();
    const std::size_t room = in.remaining();
    if (room < 8) return &errors::kActionBadLen;
    const auto type = load_be<std::uint16_t>(at);
    const std::size_t length = load_be<std::uint16_t>(at + 2);
    const bool fits = length >= 8 && length % 8 == 0 && length <= room;
    const ActionRow* row = nullptr;
    if (const Fault fault = find_row(at, room, row)) {
      const bool experimenter =
          fault == &errors::kActionBadVendor || fault == &errors::kActionBadVendorType;
      if (!in.keeps_unknown() || !experimenter || !fits) return fault;
      out.emplace_back(UnknownAction{to_bytes(in.take(length))});
      continue;
    }
    if (!fits || length < row->size || (length > row->size && !row->longer))
      return &errors::kActionBadLen;
    In body = in.sub(length);
    body.skip(type == action_type::kExperimenter ? 10 : 4);
    if (const Fault fault = row->decode(body, reader, out)) return fault;
    if (body.failed()) return &errors::kActionBadLen;
  }
  return nullptr;
}

Fault pull_nested_actions(In& in, ActionReader& reader, Actions& out, bool inside_ct) {
  if (in.remaining() % 8 != 0) return &errors::kBadLen;
  std::optional<WriteMetadata>* const metadata = reader.metadata;
  const std::size_t offset = reader.offset;
  reader.metadata = nullptr;
  ++reader.depth;
  if (const Fault fault = pull_action_list(in, reader, out)) return fault;
  --reader.depth;
  reader.metadata = metadata;
  reader.offset = offset;
  return verify_actions(out, inside_ct);
}

DecodeResult<Actions> pull_actions(In in) {
  Actions actions;
  ActionReader reader;
  reader.offset = in.offset();
  if (in.failed() || in.remaining() % 8 != 0) return fail(errors::kBadLen, in);
  if (const Fault fault = pull_action_list(in, reader, actions)) return fail(*fault, reader.offset);
  if (const Fault fault = verify_actions(actions, false)) return fail(*fault, in);
  return actions;
}

}  // namespace antrea::openflow::detail

namespace antrea::openflow {

DecodeResult<Actions> decode_actions(std::span<const std::byte> wire) {
  return detail::pull_actions(detail::In(wire));
}

}  // namespace antrea::openflow
