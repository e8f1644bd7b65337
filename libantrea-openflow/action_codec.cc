#include <algorithm>
#include <array>

#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "wire.h"

namespace antrea::openflow::detail {
namespace {

constexpr unsigned kMaxNesting = 16;

/// Standard action types, OpenFlow 1.5.1 section 7.2.6.
enum Type : std::uint16_t {
  kOutput = 0,
  kSetMplsTtl = 15,
  kDecMplsTtl = 16,
  kPushVlan = 17,
  kPopVlan = 18,
  kPushMpls = 19,
  kPopMpls = 20,
  kSetQueue = 21,
  kGroup = 22,
  kSetNwTtl = 23,
  kDecNwTtl = 24,
  kSetField = 25,
  kCopyField = 28,
  kMeter = 29,
  kExperimenter = 0xffff,
};

/// Nicira subtypes, ovs-actions(7).
enum Subtype : std::uint16_t {
  kNxResubmit = 1,
  kNxSetTunnel = 2,
  kNxPopQueue = 5,
  kNxNote = 8,
  kNxSetTunnel64 = 9,
  kNxMultipath = 10,
  kNxBundle = 12,
  kNxBundleLoad = 13,
  kNxResubmitTable = 14,
  kNxOutputReg = 15,
  kNxLearn = 16,
  kNxExit = 17,
  kNxDecTtl = 18,
  kNxFinTimeout = 19,
  kNxController = 20,
  kNxDecTtlCntIds = 21,
  kNxStackPush = 27,
  kNxStackPop = 28,
  kNxSample = 29,
  kNxOutputReg2 = 32,
  kNxConjunction = 34,
  kNxCt = 35,
  kNxNat = 36,
  kNxController2 = 37,
  kNxSample2 = 38,
  kNxOutputTrunc = 39,
  kNxSample3 = 41,
  kNxClone = 42,
  kNxCtClear = 43,
  kNxResubmitTableCt = 44,
  kNxLearn2 = 45,
  kNxEncap = 46,
  kNxDecap = 47,
  kNxDecNshTtl = 48,
  kNxCheckPktLarger = 49,
  kNxDeleteField = 50,
  kNxSample4 = 51,
};

using ActionResult = DecodeResult<Action>;

DecodeError bad_argument(const In& in) { return fail(errors::kActionBadArgument, in); }

std::uint16_t offset_bits(const Subfield& s) {
  return static_cast<std::uint16_t>(s.offset << 6 | (s.bits - 1));
}

bool fits(const Subfield& s) {
  const FieldInfo& row = info(s.field);
  const unsigned bits = row.bytes == 124 ? 992 : row.bits;
  return s.bits > 0 && s.offset < bits && s.offset + s.bits <= bits;
}

/// A subfield that a packet value is read from, or written to.
DecodeResult<Subfield> checked(const Subfield& s, bool target, std::size_t offset) {
  if (!fits(s)) return fail(errors::kActionBadSetLen, offset);
  if (target && !info(s.field).settable) return fail(errors::kActionBadSetArgument, offset);
  return s;
}

DecodeResult<Subfield> pull_subfield(In& in, unsigned offset, unsigned bits, bool target) {
  const std::size_t at = in.offset();
  auto id = pull_field_header(in);
  if (id.has_error()) return id.error();
  return checked({*id, static_cast<std::uint16_t>(offset), static_cast<std::uint16_t>(bits)},
                 target, at);
}

/// `ofs_nbits` stands elsewhere in the action than the header.
DecodeResult<Subfield> pull_packed_subfield(In& header, std::uint16_t ofs_nbits, bool target) {
  const std::size_t at = header.offset();
  auto subfield = pull_subfield(header, ofs_nbits >> 6, (ofs_nbits & 0x3f) + 1U, target);
  if (subfield.has_error() && subfield.error().error == errors::kMatchBadField)
    return fail(errors::kActionBadSetType, at);
  return subfield;
}

DecodeResult<PortNo> output_port(std::uint32_t port, std::size_t offset) {
  if (!port_valid(port) || (port >= 0xffffff00 && port < kPortInPort.value) ||
      port == kPortAny.value)
    return fail(errors::kActionBadOutPort, offset);
  return PortNo{port};
}

std::uint16_t port16(PortNo port) { return static_cast<std::uint16_t>(port.value); }

// Decoding: one function a row of the table, given what stands behind the action's fixed header.

template <typename T>
ActionResult plain(In&, unsigned) {
  return Action{T{}};
}
ActionResult pull_output(In& in, unsigned) {
  const std::size_t at = in.offset();
  const std::uint32_t number = in.be32();
  auto port = output_port(number, at);
  if (port.has_error()) return port.error();
  return Action{Output{*port, in.be16()}};
}
ActionResult pull_group(In& in, unsigned) { return Action{GroupAction{GroupId{in.be32()}}}; }
ActionResult pull_set_queue(In& in, unsigned) { return Action{SetQueue{in.be32()}}; }
ActionResult pull_meter(In& in, unsigned) { return Action{MeterAction{MeterId{in.be32()}}}; }
ActionResult pull_set_mpls_ttl(In& in, unsigned) { return Action{SetMplsTtl{in.u8()}}; }
ActionResult pull_set_ip_ttl(In& in, unsigned) { return Action{SetIpTtl{in.u8()}}; }
ActionResult pull_push_vlan(In& in, unsigned) {
  const std::uint16_t type = in.be16();
  if (type != 0x8100 && type != 0x88a8) return bad_argument(in);
  return Action{PushVlan{type}};
}
ActionResult pull_push_mpls(In& in, unsigned) {
  const std::uint16_t type = in.be16();
  if (type != 0x8847 && type != 0x8848) return bad_argument(in);
  return Action{PushMpls{type}};
}
ActionResult pull_pop_mpls(In& in, unsigned) { return Action{PopMpls{in.be16()}}; }

/// The field is known, only its length is wrong.
bool known_number(In in) {
  const std::uint16_t oxm_class = in.be16();
  const std::uint8_t number = in.u8() >> 1;
  in.skip(1);
  return field_by_oxm({oxm_class, number, oxm_class == 0xffff ? in.be32() : 0}).has_value();
}

ActionResult pull_set_field(In& in, unsigned) {
  const std::size_t at = in.offset();
  const In whole = in;
  auto tlv = pull_tlv(in);
  if (tlv.has_error()) {
    const OfError error = tlv.error().error;
    if (error == errors::kMatchBadValue) return fail(errors::kActionBadSetArgument, at);
    if (error == errors::kMatchBadMask) return fail(errors::kActionBadSetMask, at);
    if (error == errors::kMatchBadField)
      return fail(known_number(whole) ? errors::kActionBadSetLen : errors::kActionBadSetType, at);
    if (error == errors::kMatchBadLen) return fail(errors::kActionBadSetLen, at);
    return tlv.error();
  }
  if (!info(tlv->id).settable) return fail(errors::kActionBadSetArgument, at);
  if (tlv->id == FieldId::kVlanVid && (tlv->bits.mask.lo & 0x1000) != 0 &&
      (tlv->bits.value.lo & 0x1000) == 0)
    return fail(errors::kActionBadSetArgument, at);
  for (const std::byte byte : in.rest())
    if (byte != std::byte{0}) return fail(errors::kActionBadSetArgument, at);
  const bool variable = info(tlv->id).bytes == 124;
  return Action{SetField{tlv->id,
                         variable ? tlv->length : std::uint8_t{0},
                         tlv->bits.value & tlv->bits.mask,
                         tlv->bits.mask,
                         {}}};
}

ActionResult pull_copy_field(In& in, unsigned) {
  const std::uint16_t bits = in.be16();
  const std::uint16_t source_offset = in.be16();
  const std::uint16_t target_offset = in.be16();
  in.skip(2);
  auto source = pull_subfield(in, source_offset, bits, false);
  if (source.has_error()) return source.error();
  auto target = pull_subfield(in, target_offset, bits, true);
  if (target.has_error()) return target.error();
  if (!in.zeros(in.remaining())) return fail(errors::kNxActionMustBeZero, in);
  return Action{Move{*source, *target}};
}

ActionResult pull_resubmit(In& in, unsigned) {
  return Action{Resubmit{port_from16(in.be16()), TableId{255}, false}};
}
template <bool kCt>
ActionResult pull_resubmit_table(In& in, unsigned) {
  Resubmit action;
  action.in_port = port_from16(in.be16());
  action.table = TableId{in.u8()};
  action.ct = kCt;
  if (!in.zeros(3)) return bad_argument(in);
  return Action{action};
}
ActionResult pull_set_tunnel(In& in, unsigned) {
  in.skip(2);
  return Action{set_field(FieldId::kTunId, in.be32())};
}
ActionResult pull_set_tunnel64(In& in, unsigned) {
  in.skip(6);
  return Action{set_field(FieldId::kTunId, in.be64())};
}
ActionResult pull_note(In& in, unsigned) {
  Note note;
  for (const std::byte byte : in.rest()) note.bytes.push_back(std::to_integer<std::uint8_t>(byte));
  return Action{note};
}
ActionResult pull_multipath(In& in, unsigned) {
  Multipath action;
  action.fields = in.be16();
  action.basis = in.be16();
  in.skip(2);
  action.algorithm = in.be16();
  action.max_link = in.be16();
  action.arg = in.be32();
  in.skip(2);
  const std::uint16_t packed = in.be16();
  auto target = pull_packed_subfield(in, packed, true);
  if (target.has_error()) return target.error();
  action.target = *target;
  if (action.fields > 6 || action.algorithm > 3) return bad_argument(in);
  if (action.target.bits < 16 && action.max_link + 1U > 1U << action.target.bits)
    return bad_argument(in);
  return Action{action};
}
template <bool kLoad>
ActionResult pull_bundle(In& in, unsigned) {
  BundleLinks action;
  action.algorithm = in.be16();
  action.fields = in.be16();
  action.basis = in.be16();
  const std::uint32_t member_type = in.be32();
  const std::uint16_t count = in.be16();
  const std::uint16_t packed = in.be16();
  if (kLoad) {
    auto target = pull_packed_subfield(in, packed, true);
    if (target.has_error()) return target.error();
    if (target->bits < 16) return bad_argument(in);
    action.target = *target;
  } else if (in.be32() != 0 || packed != 0) {
    return bad_argument(in);
  }
  if (!in.zeros(4)) return bad_argument(in);
  if (in.remaining() < 2U * count) return fail(errors::kActionBadLen, in);
  if (action.fields > 6 || action.algorithm > 1) return bad_argument(in);
  if (member_type != 2 || count > 2048) return bad_argument(in);
  if (in.remaining() < 2U * count) return fail(errors::kActionBadLen, in);
  for (unsigned i = 0; i < count; ++i) action.members.push_back(port_from16(in.be16()));
  return Action{action};
}
ActionResult pull_output_reg(In& in, unsigned) {
  const std::uint16_t packed = in.be16();
  auto source = pull_packed_subfield(in, packed, false);
  if (source.has_error()) return source.error();
  const std::uint16_t max_len = in.be16();
  if (!in.zeros(6)) return bad_argument(in);
  return Action{OutputReg{*source, max_len}};
}
ActionResult pull_output_reg2(In& in, unsigned) {
  const std::uint16_t packed = in.be16();
  const std::uint16_t max_len = in.be16();
  auto source = pull_packed_subfield(in, packed, false);
  if (source.has_error()) return source.error();
  if (!in.zeros(in.remaining())) return fail(errors::kNxActionMustBeZero, in);
  return Action{OutputReg{*source, max_len}};
}
ActionResult pull_dec_ttl_ids(In& in, unsigned) {
  DecTtl action;
  const std::uint16_t count = in.be16();
  if (!in.zeros(4)) return fail(errors::kNxActionMustBeZero, in);
  if (count == 0 || in.remaining() < 2U * count) return fail(errors::kActionBadLen, in);
  for (unsigned i = 0; i < count; ++i) action.controller_ids.push_back(in.be16());
  return Action{action};
}
ActionResult pull_fin_timeout(In& in, unsigned) {
  const std::uint16_t idle = in.be16();
  return Action{FinTimeout{idle, in.be16()}};
}
ActionResult pull_controller(In& in, unsigned) {
  Controller action;
  action.max_len = in.be16();
  action.controller_id = in.be16();
  action.reason = in.u8();
  return Action{action};
}
ActionResult pull_controller2(In& in, unsigned) {
  Controller action;
  if (!in.zeros(6)) return fail(errors::kNxMustBeZero, in);
  while (!in.empty()) {
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    In body = property->body;
    switch (property->type) {
      case 0:
        action.max_len = body.be16();
        break;
      case 1:
        action.controller_id = body.be16();
        break;
      case 2:
        action.reason = body.u8();
        break;
      case 3:
        for (const std::byte byte : body.rest())
          action.userdata.push_back(std::to_integer<std::uint8_t>(byte));
        break;
      case 4:
        action.pause = true;
        break;
      case 5:
        action.meter = MeterId{body.be32()};
        break;
      default:
        return fail(errors::kPropertyBadType, body);
    }
    if (body.failed()) return fail(errors::kPropertyBadLen, body);
  }
  return Action{action};
}
template <bool kPush>
ActionResult pull_stack(In& in, unsigned) {
  const std::uint16_t offset = in.be16();
  In header = in;
  auto id = pull_field_header(header);
  if (id.has_error()) return id.error();
  in = header;
  const std::uint16_t bits = in.be16();
  if (!in.zeros(in.remaining())) return fail(errors::kNxActionMustBeZero, in);
  auto subfield = checked({*id, offset, bits}, !kPush, in.offset());
  if (subfield.has_error()) return subfield.error();
  if (kPush) return Action{StackPush{*subfield}};
  return Action{StackPop{*subfield}};
}
template <Sample::Form kForm>
ActionResult pull_sample(In& in, unsigned) {
  Sample action;
  action.form = kForm;
  action.probability = in.be16();
  action.collector_set_id = in.be32();
  const auto id_or_source = [&](std::uint32_t& number,
                                std::optional<Subfield>& source) -> std::optional<DecodeError> {
    if (kForm != Sample::Form::kSample4) {
      number = in.be32();
      return {};
    }
    In header = in;
    const std::uint32_t raw = in.be32();
    if (raw == 0) {
      number = in.be32();
      return {};
    }
    const std::uint16_t packed = in.be16();
    in.skip(2);
    auto field = pull_packed_subfield(header, packed, false);
    if (field.has_error()) return field.error();
    source = *field;
    return {};
  };
  if (auto error = id_or_source(action.obs_domain_id, action.obs_domain)) return *error;
  if (auto error = id_or_source(action.obs_point_id, action.obs_point)) return *error;
  if (kForm != Sample::Form::kSample) {
    action.sampling_port = port_from16(in.be16());
    const std::uint8_t direction = in.u8();
    if (direction > 2) return bad_argument(in);
    action.direction = static_cast<Sample::Direction>(direction);
    if (!in.zeros(5)) return fail(errors::kNxActionMustBeZero, in);
  }
  if (action.probability == 0) return bad_argument(in);
  return Action{action};
}
ActionResult pull_conjunction(In& in, unsigned) {
  Conjunction action;
  action.clause = in.u8();
  action.count = in.u8();
  action.id = in.be32();
  if (action.count < 2 || action.count > 64 || action.clause >= action.count)
    return fail(errors::kNxBadConjunction, in);
  return Action{action};
}
ActionResult pull_ct(In& in, unsigned depth) {
  Ct action;
  const std::uint16_t flags = in.be16();
  action.commit = (flags & 1) != 0;
  action.force = (flags & 2) != 0;
  In source = in;
  const std::uint32_t zone_source = in.be32();
  action.zone = in.be16();
  if (zone_source != 0) {
    auto field = pull_packed_subfield(source, action.zone, false);
    if (field.has_error()) return field.error();
    if (field->bits != 16) return fail(errors::kActionBadSetLen, in);
    action.zone_source = *field;
    action.zone = 0;
  }
  const std::uint8_t table = in.u8();
  if (table != 255) action.table = TableId{table};
  in.skip(3);
  action.alg = in.be16();
  const std::size_t at = in.offset();
  auto nested = pull_actions(in.sub(in.remaining()), depth + 1);
  if (nested.has_error()) return nested.error();
  for (const Action& inner : *nested) {
    const auto* set = std::get_if<SetField>(&inner);
    const auto* move = std::get_if<Move>(&inner);
    if (set != nullptr && (set->field == FieldId::kCtMark || set->field == FieldId::kCtLabel))
      continue;
    if (move != nullptr &&
        (move->target.field == FieldId::kCtMark || move->target.field == FieldId::kCtLabel))
      continue;
    if (std::holds_alternative<Nat>(inner)) continue;
    return fail(errors::kActionBadArgument, at);
  }
  if (action.force && !action.commit) return fail(errors::kActionBadArgument, at);
  action.actions = std::move(*nested);
  return Action{std::move(action)};
}
ActionResult pull_nat(In& in, unsigned) {
  Nat nat;
  in.skip(2);
  const std::uint16_t flags = in.be16();
  const std::uint16_t present = in.be16();
  nat.src = (flags & 1) != 0;
  nat.dst = (flags & 2) != 0;
  nat.persistent = (flags & 4) != 0;
  nat.hash = (flags & 8) != 0;
  nat.random = (flags & 16) != 0;
  if ((flags & ~0x1f) != 0 || (nat.src && nat.dst) || (nat.hash && nat.random))
    return bad_argument(in);
  if ((present & 3) != 0 && (present & 12) != 0) return bad_argument(in);
  const auto pull_address = [&](unsigned size, std::optional<IpAddress>& to) {
    auto address = IpAddress::from_bytes(in.take(size));
    if (address) to = *address;
  };
  if ((present & 1) != 0) pull_address(4, nat.address_min);
  if ((present & 2) != 0) pull_address(4, nat.address_max);
  if ((present & 4) != 0) pull_address(16, nat.address_min);
  if ((present & 8) != 0) pull_address(16, nat.address_max);
  if ((present & 16) != 0) nat.port_min = in.be16();
  if ((present & 32) != 0) nat.port_max = in.be16();
  if (in.failed()) return fail(errors::kActionBadLen, in);
  const bool range_without_start =
      (nat.address_max && !nat.address_min) || (nat.port_max && !nat.port_min);
  const bool falling = (nat.address_max && *nat.address_max < *nat.address_min) ||
                       (nat.port_max && *nat.port_max < *nat.port_min);
  if (range_without_start || falling) return bad_argument(in);
  return Action{nat};
}
ActionResult pull_output_trunc(In& in, unsigned) {
  const std::uint16_t port = in.be16();
  const std::uint32_t max_len = in.be32();
  auto checked_port = output_port(port_from16(port).value, in.offset());
  if (checked_port.has_error()) return checked_port.error();
  if (max_len < 14) return bad_argument(in);
  return Action{OutputTrunc{*checked_port, max_len}};
}
ActionResult pull_clone(In& in, unsigned depth) {
  in.skip(6);
  auto nested = pull_actions(in.sub(in.remaining()), depth + 1);
  if (nested.has_error()) return nested.error();
  return Action{Clone{std::move(*nested)}};
}
ActionResult pull_encap(In& in, unsigned) {
  Encap action;
  action.header_size = in.be16();
  action.packet_type = in.be32();
  if (action.packet_type != 0 && action.packet_type != 0x1894f && action.packet_type != 0x18847 &&
      action.packet_type != 0x18848)
    return fail(errors::kNxBadHeaderType, in);
  while (!in.empty()) {
    const In start = in;
    const std::uint16_t property_class = in.be16();
    const std::uint8_t type = in.u8();
    const std::uint8_t length = in.u8();
    if (in.failed() || length < 4 || pad8(length) > start.remaining())
      return fail(errors::kActionBadLen, start);
    In body = in.sub(length - 4U);
    in.skip(pad8(length) - length);
    if (property_class != 4) return fail(errors::kNxUnknownEdProp, start);
    if (type == 1) {
      if (length != 8 && length != 5) return fail(errors::kNxBadEdProp, start);
      action.nsh_md_type = body.u8();
    } else if (type == 2) {
      Encap::Tlv tlv;
      tlv.tlv_class = body.be16();
      tlv.type = body.u8();
      const std::uint8_t size = body.u8();
      if (size > body.remaining()) return fail(errors::kNxBadEdProp, start);
      for (const std::byte byte : body.take(size))
        tlv.data.push_back(std::to_integer<std::uint8_t>(byte));
      action.nsh_tlvs.push_back(std::move(tlv));
    } else {
      return fail(errors::kNxUnknownEdProp, start);
    }
    if (body.failed()) return fail(errors::kNxBadEdProp, start);
  }
  return Action{action};
}
ActionResult pull_decap(In& in, unsigned) {
  in.skip(2);
  return Action{Decap{in.be32()}};
}
ActionResult pull_check_pkt_larger(In& in, unsigned) {
  CheckPktLarger action;
  action.length = in.be16();
  const std::uint16_t offset = in.be16();
  auto target = pull_subfield(in, offset, 1, true);
  if (target.has_error()) return target.error();
  action.target = *target;
  if (!in.zeros(in.remaining())) return fail(errors::kNxActionMustBeZero, in);
  return Action{action};
}
ActionResult pull_delete_field(In& in, unsigned) {
  auto id = pull_field_header(in);
  if (id.has_error()) return id.error();
  if (!is_in(*id, FieldId::kTunMetadata0, FieldId::kTunMetadata63)) return bad_argument(in);
  if (!in.zeros(in.remaining())) return fail(errors::kNxActionMustBeZero, in);
  return Action{DeleteField{*id}};
}

DecodeError learn_header_error(const DecodeError& error) {
  if (error.error == errors::kMatchBadLen) return fail(errors::kActionBadLen, error.offset);
  if (error.error == errors::kMatchBadField) return fail(errors::kActionBadSetType, error.offset);
  return error;
}

template <bool kLearn2>
ActionResult pull_learn(In& in, unsigned) {
  Learn action;
  action.idle_timeout = in.be16();
  action.hard_timeout = in.be16();
  action.priority = in.be16();
  action.cookie = in.be64();
  const std::uint16_t flags = in.be16();
  action.table = TableId{in.u8()};
  if (!in.zeros(1)) return bad_argument(in);
  action.fin_idle_timeout = in.be16();
  action.fin_hard_timeout = in.be16();
  if ((flags & ~(kLearn2 ? 7 : 3)) != 0 || action.table == kAllTables) return bad_argument(in);
  action.send_flow_rem = (flags & 1) != 0;
  action.delete_learned = (flags & 2) != 0;
  if (kLearn2) {
    action.limit = in.be32();
    const std::uint16_t offset = in.be16();
    if (!in.zeros(2)) return fail(errors::kNxActionMustBeZero, in);
    if ((flags & 4) != 0) {
      auto result = pull_subfield(in, offset, 1, true);
      if (result.has_error()) return result.error();
      action.result = *result;
    }
  }
  while (in.remaining() >= 2) {
    const std::uint16_t header = in.be16();
    if (header == 0) break;
    LearnSpec spec;
    spec.bits = header & 0x3ff;
    const unsigned target = header >> 11 & 3;
    const bool immediate = (header >> 13 & 1) != 0;
    if ((header & 0xc000) != 0 || target == 3 || (immediate && target == 2))
      return bad_argument(in);
    spec.target = static_cast<LearnSpec::Target>(target);
    if (immediate) {
      spec.value = in.value(2U * ((spec.bits + 15U) / 16U));
    } else {
      auto id = pull_field_header(in);
      if (id.has_error()) return learn_header_error(id.error());
      auto source = checked({*id, in.be16(), spec.bits}, false, in.offset());
      if (source.has_error()) return source.error();
      spec.source = *source;
    }
    if (spec.target != LearnSpec::Target::kOutput) {
      auto id = pull_field_header(in);
      if (id.has_error()) return learn_header_error(id.error());
      auto to = checked({*id, in.be16(), spec.bits}, spec.target == LearnSpec::Target::kLoad,
                        in.offset());
      if (to.has_error()) return to.error();
      spec.destination = *to;
      if (immediate && !spec.value.within(FieldValue::ones(spec.bits))) return bad_argument(in);
    }
    if (in.failed()) return fail(errors::kActionBadLen, in);
    action.specs.push_back(spec);
  }
  if (!in.zeros(in.remaining())) return bad_argument(in);
  return Action{std::move(action)};
}

// The setters of OpenFlow 1.1: taken, and written as set_field.
ActionResult pull_set_vlan_vid(In& in, unsigned) {
  const std::uint16_t vid = in.be16();
  if (vid > 0xfff) return bad_argument(in);
  return Action{set_field(FieldId::kVlanVid, 0x1000U | vid)};
}
ActionResult pull_set_vlan_pcp(In& in, unsigned) {
  const std::uint8_t pcp = in.u8();
  if (pcp > 7) return bad_argument(in);
  return Action{set_field(FieldId::kVlanPcp, pcp)};
}
template <FieldId kField, std::size_t kSize>
ActionResult pull_set_number(In& in, unsigned) {
  return Action{set_field(kField, in.value(kSize))};
}
ActionResult pull_set_tos(In& in, unsigned) {
  const std::uint8_t tos = in.u8();
  if ((tos & 3) != 0) return bad_argument(in);
  return Action{set_field(FieldId::kIpDscp, tos >> 2)};
}

ActionResult pull_set_ecn(In& in, unsigned) {
  const std::uint8_t ecn = in.u8();
  if (ecn > 3) return bad_argument(in);
  return Action{set_field(FieldId::kIpEcn, ecn)};
}

/// One row a kind of action: its number, how long it is, and its decoder.
struct ActionRow {
  std::uint16_t type;
  std::uint16_t size;  ///< whole action, bytes
  bool longer;         ///< may be longer than `size`
  ActionResult (*decode)(In&, unsigned depth);
};

constexpr ActionRow kStandard[] = {
    {kOutput, 16, false, pull_output},
    {1, 8, false, pull_set_vlan_vid},
    {2, 8, false, pull_set_vlan_pcp},
    {3, 16, false, pull_set_number<FieldId::kEthSrc, 6>},
    {4, 16, false, pull_set_number<FieldId::kEthDst, 6>},
    {5, 8, false, pull_set_number<FieldId::kIpSrc, 4>},
    {6, 8, false, pull_set_number<FieldId::kIpDst, 4>},
    {7, 8, false, pull_set_tos},
    {8, 8, false, pull_set_ecn},
    {kSetMplsTtl, 8, false, pull_set_mpls_ttl},
    {kDecMplsTtl, 8, false, plain<DecMplsTtl>},
    {kPushVlan, 8, false, pull_push_vlan},
    {kPopVlan, 8, false, plain<PopVlan>},
    {kPushMpls, 8, false, pull_push_mpls},
    {kPopMpls, 8, false, pull_pop_mpls},
    {kSetQueue, 8, false, pull_set_queue},
    {kGroup, 8, false, pull_group},
    {kSetNwTtl, 8, false, pull_set_ip_ttl},
    {kDecNwTtl, 8, false, plain<DecTtl>},
    {kSetField, 8, true, pull_set_field},
    {kCopyField, 16, true, pull_copy_field},
    {kMeter, 8, false, pull_meter},
};
constexpr ActionRow kNicira[] = {
    {kNxResubmit, 16, false, pull_resubmit},
    {kNxSetTunnel, 16, false, pull_set_tunnel},
    {kNxPopQueue, 16, false, plain<PopQueue>},
    {kNxNote, 16, true, pull_note},
    {kNxSetTunnel64, 24, false, pull_set_tunnel64},
    {kNxMultipath, 32, false, pull_multipath},
    {kNxBundle, 32, true, pull_bundle<false>},
    {kNxBundleLoad, 32, true, pull_bundle<true>},
    {kNxResubmitTable, 16, false, pull_resubmit_table<false>},
    {kNxOutputReg, 24, false, pull_output_reg},
    {kNxLearn, 32, true, pull_learn<false>},
    {kNxExit, 16, false, plain<Exit>},
    {kNxDecTtl, 16, false, plain<DecTtl>},
    {kNxFinTimeout, 16, false, pull_fin_timeout},
    {kNxController, 16, false, pull_controller},
    {kNxDecTtlCntIds, 16, true, pull_dec_ttl_ids},
    {kNxStackPush, 24, false, pull_stack<true>},
    {kNxStackPop, 24, false, pull_stack<false>},
    {kNxSample, 24, false, pull_sample<Sample::Form::kSample>},
    {kNxOutputReg2, 24, false, pull_output_reg2},
    {kNxConjunction, 16, false, pull_conjunction},
    {kNxCt, 24, true, pull_ct},
    {kNxNat, 16, true, pull_nat},
    {kNxController2, 16, true, pull_controller2},
    {kNxSample2, 32, false, pull_sample<Sample::Form::kSample2>},
    {kNxOutputTrunc, 16, false, pull_output_trunc},
    {kNxSample3, 32, false, pull_sample<Sample::Form::kSample3>},
    {kNxClone, 16, true, pull_clone},
    {kNxCtClear, 16, false, plain<CtClear>},
    {kNxResubmitTableCt, 16, false, pull_resubmit_table<true>},
    {kNxLearn2, 40, true, pull_learn<true>},
    {kNxEncap, 16, true, pull_encap},
    {kNxDecap, 16, false, pull_decap},
    {kNxDecNshTtl, 16, false, plain<DecNshTtl>},
    {kNxCheckPktLarger, 24, false, pull_check_pkt_larger},
    {kNxDeleteField, 24, false, pull_delete_field},
    {kNxSample4, 40, false, pull_sample<Sample::Form::kSample4>},
};

/// Rows by number, for constant time.
template <std::size_t kSize, std::size_t kRows>
constexpr std::array<const ActionRow*, kSize> index_rows(const ActionRow (&rows)[kRows]) {
  std::array<const ActionRow*, kSize> index{};
  for (const ActionRow& row : rows) index[row.type] = &row;
  return index;
}
constexpr auto kStandardIndex = index_rows<32>(kStandard);
constexpr auto kNiciraIndex = index_rows<64>(kNicira);

}  // namespace

DecodeResult<Actions> pull_actions(In in, unsigned depth) {
  Actions actions;
  if (in.empty()) return actions;
  if (depth > kMaxNesting) return fail(errors::kActionTooMany, in);
  if (depth == 0) actions.reserve(8);
  while (!in.empty()) {
    const In start = in;
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (in.failed() || length < 8 || length % 8 != 0 || length > start.remaining())
      return fail(errors::kActionBadLen, start);
    In body = in.sub(length - 4U);
    const ActionRow* row = nullptr;
    if (type == kExperimenter) {
      if (length < 16) return fail(errors::kActionBadLen, start);
      const std::uint32_t vendor = body.be32();
      if (vendor == 0x4f4e4600) return fail(errors::kActionBadVendorType, start);
      if (vendor != kNiciraVendor) return fail(errors::kActionBadVendor, start);
      const std::uint16_t subtype = body.be16();
      if (subtype < kNiciraIndex.size()) row = kNiciraIndex[subtype];
      if (row == nullptr) return fail(errors::kActionBadVendorType, start);
    } else {
      if (type < kStandardIndex.size()) row = kStandardIndex[type];
      if (row == nullptr) return fail(errors::kActionBadType, start);
    }
    if (length < row->size || (length > row->size && !row->longer))
      return fail(errors::kActionBadLen, start);
    auto action = row->decode(body, depth);
    if (action.has_error()) return action.error();
    if (body.failed()) return fail(errors::kActionBadLen, start);
    actions.push_back(std::move(*action));
  }
  return actions;
}

namespace {

/// Appends one action; one overload a kind.
class Writer {
 public:
  explicit Writer(Out& out) : out_(out) {}

  void operator()(const Output& a) {
    std::byte* at = standard(kOutput, 16);
    store_be(at + 4, a.port.value);
    store_be(at + 8, a.max_len);
  }
  void operator()(const OutputReg& a) {
    const FieldInfo& row = info(a.source.field);
    if (row.nxm.oxm_class == 0xffff) {
      const std::size_t start = nicira(kNxOutputReg2);
      out_.be16(offset_bits(a.source));
      out_.be16(a.max_len);
      put_field_header(out_, row.nxm, row.bytes);
      finish(start, 24);
      return;
    }
    const std::size_t start = nicira(kNxOutputReg);
    out_.be16(offset_bits(a.source));
    put_field_header(out_, row.nxm, row.bytes);
    out_.be16(a.max_len);
    finish(start, 24);
  }
  void operator()(const OutputTrunc& a) {
    const std::size_t start = nicira(kNxOutputTrunc);
    out_.be16(port16(a.port));
    out_.be32(a.max_len);
    finish(start);
  }
  void operator()(const GroupAction& a) { store_be(standard(kGroup, 8) + 4, a.group.value); }
  void operator()(const SetField& a) {
    const std::size_t start = out_.size();
    out_.be32(kSetField << 16);
    const FieldInfo& row = info(a.field);
    const std::uint8_t length = a.length != 0      ? a.length
                                : row.bytes == 124 ? std::uint8_t{4}
                                                   : row.bytes;
    const FieldValue all = FieldValue::ones(row.bytes == 124 ? 8U * length : row.bits);
    put_tlv(out_, a.field, length, {a.value, a.mask}, a.mask != all);
    finish(start);
  }
  void operator()(const Move& a) {
    const std::size_t start = out_.size();
    out_.be32(kCopyField << 16);
    out_.be16(a.source.bits);
    out_.be16(a.source.offset);
    out_.be16(a.target.offset);
    out_.zeros(2);
    put_field_header(out_, info(a.source.field).oxm, info(a.source.field).bytes);
    put_field_header(out_, info(a.target.field).oxm, info(a.target.field).bytes);
    finish(start);
  }
  void operator()(const Resubmit& a) {
    std::byte* at = nicira_fixed(a.ct ? kNxResubmitTableCt : kNxResubmitTable, 16);
    store_be(at + 10, port16(a.in_port));
    at[12] = std::byte{a.table.value};
  }
  void operator()(const Ct& a) {
    const std::size_t start = nicira(kNxCt);
    out_.be16(static_cast<std::uint16_t>((a.commit ? 1 : 0) | (a.force ? 2 : 0)));
    if (a.zone_source) {
      put_field_header(out_, info(a.zone_source->field).nxm, info(a.zone_source->field).bytes);
      out_.be16(offset_bits(*a.zone_source));
    } else {
      out_.be32(0);
      out_.be16(a.zone);
    }
    out_.u8(a.table ? a.table->value : 255);
    out_.zeros(3);
    out_.be16(a.alg);
    put_actions(out_, a.actions);
    finish(start);
  }
  void operator()(const Nat& a) {
    const std::size_t start = nicira(kNxNat);
    out_.zeros(2);
    out_.be16(static_cast<std::uint16_t>((a.src ? 1 : 0) | (a.dst ? 2 : 0) |
                                         (a.persistent ? 4 : 0) | (a.hash ? 8 : 0) |
                                         (a.random ? 16 : 0)));
    const bool v6 = a.address_min && a.address_min->is_v6();
    unsigned present = 0;
    if (a.address_min) present |= v6 ? 4 : 1;
    if (a.address_max) present |= v6 ? 8 : 2;
    if (a.port_min) present |= 16;
    if (a.port_max) present |= 32;
    out_.be16(static_cast<std::uint16_t>(present));
    if (a.address_min) out_.bytes(std::as_bytes(a.address_min->bytes()));
    if (a.address_max) out_.bytes(std::as_bytes(a.address_max->bytes()));
    if (a.port_min) out_.be16(*a.port_min);
    if (a.port_max) out_.be16(*a.port_max);
    finish(start);
  }
  void operator()(const Learn& a) {
    const bool learn2 = a.limit != 0 || a.result;
    const std::size_t start = nicira(learn2 ? kNxLearn2 : kNxLearn);
    out_.be16(a.idle_timeout);
    out_.be16(a.hard_timeout);
    out_.be16(a.priority);
    out_.be64(a.cookie);
    out_.be16(static_cast<std::uint16_t>((a.send_flow_rem ? 1 : 0) | (a.delete_learned ? 2 : 0) |
                                         (a.result ? 4 : 0)));
    out_.u8(a.table.value);
    out_.zeros(1);
    out_.be16(a.fin_idle_timeout);
    out_.be16(a.fin_hard_timeout);
    if (learn2) {
      out_.be32(a.limit);
      out_.be16(a.result ? a.result->offset : 0);
      out_.zeros(2);
      if (a.result) put_field_header(out_, info(a.result->field).nxm, info(a.result->field).bytes);
    }
    for (const LearnSpec& spec : a.specs) put_spec(spec);
    finish(start);
  }
  void operator()(const Conjunction& a) {
    std::byte* at = nicira_fixed(kNxConjunction, 16);
    at[10] = std::byte{a.clause};
    at[11] = std::byte{a.count};
    store_be(at + 12, a.id);
  }
  void operator()(const Controller& a) {
    if (a.userdata.empty() && !a.pause && !a.meter) {
      std::byte* at = nicira_fixed(kNxController, 16);
      store_be(at + 10, a.max_len);
      store_be(at + 12, a.controller_id);
      at[14] = std::byte{a.reason};
      return;
    }
    const std::size_t start = nicira(kNxController2);
    out_.zeros(6);
    if (a.max_len != 0xffff) property16(0, a.max_len);
    if (a.controller_id != 0) property16(1, a.controller_id);
    if (a.reason != 1) {
      std::byte* at = property(2, 8);
      store_be(at + 2, std::uint16_t{5});
      at[4] = std::byte{a.reason};
    }
    if (!a.userdata.empty()) {
      const std::size_t at = out_.size();
      out_.be16(3);
      out_.be16(static_cast<std::uint16_t>(4 + a.userdata.size()));
      out_.bytes(a.userdata);
      out_.pad_from(at);
    }
    if (a.pause) store_be(property(4, 8) + 2, std::uint16_t{4});
    if (a.meter) store_be(property(5, 8) + 4, a.meter->value);
    finish(start);
  }
  void operator()(const DecTtl& a) {
    if (a.controller_ids.empty() || (a.controller_ids.size() == 1 && a.controller_ids[0] == 0)) {
      standard(kDecNwTtl, 8);
      return;
    }
    const std::size_t start = nicira(kNxDecTtlCntIds);
    out_.be16(static_cast<std::uint16_t>(a.controller_ids.size()));
    out_.zeros(4);
    for (const std::uint16_t id : a.controller_ids) out_.be16(id);
    finish(start);
  }
  void operator()(const SetIpTtl& a) { standard(kSetNwTtl, 8)[4] = std::byte{a.ttl}; }
  void operator()(const PushVlan& a) { store_be(standard(kPushVlan, 8) + 4, a.eth_type); }
  void operator()(const PopVlan&) { standard(kPopVlan, 8); }
  void operator()(const PushMpls& a) { store_be(standard(kPushMpls, 8) + 4, a.eth_type); }
  void operator()(const PopMpls& a) { store_be(standard(kPopMpls, 8) + 4, a.eth_type); }
  void operator()(const SetMplsTtl& a) { standard(kSetMplsTtl, 8)[4] = std::byte{a.ttl}; }
  void operator()(const DecMplsTtl&) { standard(kDecMplsTtl, 8); }
  void operator()(const SetQueue& a) { store_be(standard(kSetQueue, 8) + 4, a.queue); }
  void operator()(const PopQueue&) { nicira_fixed(kNxPopQueue, 16); }
  void operator()(const MeterAction& a) { store_be(standard(kMeter, 8) + 4, a.meter.value); }
  void operator()(const Note& a) {
    const std::size_t start = nicira(kNxNote);
    out_.bytes(a.bytes);
    finish(start);
  }
  void operator()(const Clone& a) {
    const std::size_t start = nicira(kNxClone);
    out_.zeros(6);
    put_actions(out_, a.actions);
    finish(start);
  }
  void operator()(const CtClear&) { nicira_fixed(kNxCtClear, 16); }
  void operator()(const Exit&) { nicira_fixed(kNxExit, 16); }
  void operator()(const FinTimeout& a) {
    std::byte* at = nicira_fixed(kNxFinTimeout, 16);
    store_be(at + 10, a.idle_timeout);
    store_be(at + 12, a.hard_timeout);
  }
  void operator()(const StackPush& a) { stack(kNxStackPush, a.source); }
  void operator()(const StackPop& a) { stack(kNxStackPop, a.target); }
  void operator()(const Multipath& a) {
    const std::size_t start = nicira(kNxMultipath);
    out_.be16(a.fields);
    out_.be16(a.basis);
    out_.zeros(2);
    out_.be16(a.algorithm);
    out_.be16(a.max_link);
    out_.be32(a.arg);
    out_.zeros(2);
    out_.be16(offset_bits(a.target));
    put_field_header(out_, info(a.target.field).nxm, info(a.target.field).bytes);
    finish(start);
  }
  void operator()(const BundleLinks& a) {
    const std::size_t start = nicira(a.target ? kNxBundleLoad : kNxBundle);
    out_.be16(a.algorithm);
    out_.be16(a.fields);
    out_.be16(a.basis);
    out_.be32(2);
    out_.be16(static_cast<std::uint16_t>(a.members.size()));
    out_.be16(a.target ? offset_bits(*a.target) : 0);
    if (a.target)
      put_field_header(out_, info(a.target->field).nxm, info(a.target->field).bytes);
    else
      out_.be32(0);
    out_.zeros(4);
    for (const PortNo member : a.members) out_.be16(port16(member));
    finish(start);
  }
  void operator()(const Sample& a) {
    const std::size_t start = nicira(static_cast<std::uint16_t>(a.form));
    out_.be16(a.probability);
    out_.be32(a.collector_set_id);
    const auto id_or_source = [&](std::uint32_t number, const std::optional<Subfield>& source) {
      if (a.form == Sample::Form::kSample4) {
        if (source) {
          put_field_header(out_, info(source->field).nxm, info(source->field).bytes);
          out_.be16(offset_bits(*source));
          out_.zeros(2);
          return;
        }
        out_.be32(0);
      }
      out_.be32(number);
    };
    id_or_source(a.obs_domain_id, a.obs_domain);
    id_or_source(a.obs_point_id, a.obs_point);
    if (a.form != Sample::Form::kSample) {
      out_.be16(port16(a.sampling_port));
      out_.u8(static_cast<std::uint8_t>(a.direction));
    }
    finish(start);
  }
  void operator()(const Encap& a) {
    const std::size_t start = nicira(kNxEncap);
    out_.be16(a.header_size);
    out_.be32(a.packet_type);
    if (a.nsh_md_type) {
      std::byte* at = out_.put(8);
      store_be(at, std::uint16_t{4});
      at[2] = std::byte{1};
      at[3] = std::byte{5};
      at[4] = std::byte{*a.nsh_md_type};
    }
    for (const Encap::Tlv& tlv : a.nsh_tlvs) {
      const std::size_t at = out_.size();
      out_.be16(4);
      out_.u8(2);
      out_.u8(static_cast<std::uint8_t>(pad8(8 + tlv.data.size())));
      out_.be16(tlv.tlv_class);
      out_.u8(tlv.type);
      out_.u8(static_cast<std::uint8_t>(tlv.data.size()));
      out_.bytes(tlv.data);
      out_.pad_from(at);
    }
    finish(start);
  }
  void operator()(const Decap& a) { store_be(nicira_fixed(kNxDecap, 16) + 12, a.packet_type); }
  void operator()(const DecNshTtl&) { nicira_fixed(kNxDecNshTtl, 16); }
  void operator()(const CheckPktLarger& a) {
    const std::size_t start = nicira(kNxCheckPktLarger);
    out_.be16(a.length);
    out_.be16(a.target.offset);
    put_field_header(out_, info(a.target.field).nxm, info(a.target.field).bytes);
    finish(start, 24);
  }
  void operator()(const DeleteField& a) {
    const std::size_t start = nicira(kNxDeleteField);
    put_field_header(out_, info(a.field).nxm, 124);
    finish(start, 24);
  }
  void operator()(const LegacySet& a) {
    if (const auto set = a.to_set_field()) return (*this)(*set);
    const bool source = a.kind == LegacySet::Kind::kTpSrc;
    std::byte* at = out_.put(8);
    store_be(at, static_cast<std::uint16_t>(source ? 9 : 10));
    store_be(at + 2, std::uint16_t{8});
    store_be(at + 4, static_cast<std::uint16_t>(a.value));
  }
  void operator()(const UnknownAction& a) { out_.bytes(a.bytes); }

 private:
  std::byte* standard(Type type, std::uint16_t size) {
    std::byte* at = out_.put(size);
    store_be(at, static_cast<std::uint16_t>(type));
    store_be(at + 2, size);
    return at;
  }
  std::byte* nicira_fixed(std::uint16_t subtype, std::uint16_t size) {
    std::byte* at = out_.put(size);
    store_be(at, std::uint16_t{kExperimenter});
    store_be(at + 2, size);
    store_be(at + 4, kNiciraVendor);
    store_be(at + 8, subtype);
    return at;
  }
  std::size_t nicira(std::uint16_t subtype) {
    const std::size_t start = out_.size();
    std::byte* at = out_.put(10);
    store_be(at, std::uint16_t{kExperimenter});
    store_be(at + 4, kNiciraVendor);
    store_be(at + 8, subtype);
    return start;
  }
  /// Pads to 8, at least to `size` bytes, and writes the length.
  void finish(std::size_t start, std::size_t size = 0) {
    if (out_.size() - start < size) out_.zeros(size - (out_.size() - start));
    out_.pad_from(start);
    out_.patch16(start + 2, out_.size() - start);
  }
  std::byte* property(std::uint16_t type, std::size_t size) {
    std::byte* at = out_.put(size);
    store_be(at, type);
    store_be(at + 2, static_cast<std::uint16_t>(size));
    return at;
  }
  void property16(std::uint16_t type, std::uint16_t value) {
    std::byte* at = property(type, 8);
    store_be(at + 2, std::uint16_t{8});
    store_be(at + 4, value);
  }
  void stack(Subtype subtype, const Subfield& s) {
    const std::size_t start = nicira(subtype);
    out_.be16(s.offset);
    put_field_header(out_, info(s.field).nxm, info(s.field).bytes);
    out_.be16(s.bits);
    finish(start, 24);
  }
  void put_spec(const LearnSpec& spec) {
    const unsigned header =
        (spec.source ? 0U : 1U << 13) | static_cast<unsigned>(spec.target) << 11 | spec.bits;
    out_.be16(static_cast<std::uint16_t>(header));
    if (spec.source) {
      put_field_header(out_, info(spec.source->field).nxm, info(spec.source->field).bytes);
      out_.be16(spec.source->offset);
    } else {
      const std::size_t size = 2U * ((spec.bits + 15U) / 16U);
      store_value(out_.put(size), spec.value, size);
    }
    if (spec.target == LearnSpec::Target::kOutput) return;
    put_field_header(out_, info(spec.destination.field).nxm, info(spec.destination.field).bytes);
    out_.be16(spec.destination.offset);
  }

  Out& out_;
};

}  // namespace

void put_actions(Out& out, const Actions& actions) {
  Writer writer(out);
  for (const Action& action : actions) std::visit(writer, action);
}

}  // namespace antrea::openflow::detail

namespace antrea::openflow {

void encode_actions(const Actions& actions, std::vector<std::byte>& out) {
  detail::Out writer(out);
  detail::put_actions(writer, actions);
}

DecodeResult<Actions> decode_actions(std::span<const std::byte> wire) {
  return detail::pull_actions(detail::In(wire));
}

}  // namespace antrea::openflow
