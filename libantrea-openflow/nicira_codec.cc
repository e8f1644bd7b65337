#include "nicira_codec.h"

#include <algorithm>
#include <utility>

#include "antrea/openflow/codec.h"

namespace antrea::openflow::detail {
namespace {

enum PacketInProperty : std::uint16_t {
  kPacket = 0,
  kFullLen = 1,
  kBufferId = 2,
  kTableId = 3,
  kCookie = 4,
  kReason = 5,
  kMetadata = 6,
  kUserdata = 7,
  kContinuation = 8,
};
enum FlushProperty : std::uint16_t {
  kOriginal = 0,
  kReply = 1,
  kZone = 2,
  kMark = 3,
  kMarkMask = 4,
  kLabels = 5,
  kLabelsMask = 6,
};

using MessageResult = DecodeResult<Message>;

DecodeError bad_length(const In& in) { return fail(errors::kBadLen, in); }

void put_property(Out& out, std::uint16_t type, std::span<const std::byte> value) {
  const std::size_t start = out.size();
  out.be16(type);
  out.be16(static_cast<std::uint16_t>(4 + value.size()));
  out.bytes(value);
  out.pad_from(start);
}
/// A number right behind the header; of 8 bytes and more behind 4 bytes of padding.
void put_number(Out& out, std::uint16_t type, const FieldValue& value, std::size_t size) {
  const std::size_t start = out.size();
  out.be16(type);
  out.be16(static_cast<std::uint16_t>(size == 2 ? 8 : 4 + size + (size == 8 ? 4 : 0)));
  if (size == 8) out.zeros(4);
  store_value(out.put(size), value, size);
  out.pad_from(start);
}
std::optional<FieldValue> take_number(In body, std::size_t size) {
  if (size == 8) body.skip(4);
  const FieldValue value = body.value(size);
  if (size == 2) body.skip(2);
  if (body.failed() || !body.empty()) return {};
  return value;
}

template <typename Properties>
MessageResult pull_packet_in_properties(In in) {
  Properties p;
  unsigned seen = 0;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    In body = property->body;
    std::optional<FieldValue> number;
    const auto numeric = [&](std::size_t size) {
      return (number = take_number(body, size)).has_value();
    };
    bool good = true;
    if (property->type < 32) seen |= 1U << property->type;
    switch (property->type) {
      case kPacket:
        p.packet = to_bytes(body.rest());
        break;
      case kFullLen:
        if ((good = numeric(4))) p.full_len = static_cast<std::uint32_t>(number->lo);
        break;
      case kBufferId:
        if ((good = numeric(4))) p.buffer_id = static_cast<std::uint32_t>(number->lo);
        break;
      case kTableId:
        if ((good = numeric(1))) p.table = TableId{static_cast<std::uint8_t>(number->lo)};
        break;
      case kCookie:
        if ((good = numeric(8))) p.cookie = number->lo;
        break;
      case kReason:
        if ((good = numeric(1))) p.reason = static_cast<std::uint8_t>(number->lo);
        break;
      case kMetadata: {
        auto match = pull_kept_fields(body, true, p.metadata_fields);
        if (match.has_error()) return match.error();
        p.metadata = std::move(*match);
        break;
      }
      case kUserdata:
        p.userdata = to_bytes(body.rest());
        break;
      case kContinuation:
        p.continuation = to_bytes(body.rest());
        break;
      default:
        p.other_properties.insert(p.other_properties.end(), property->raw.begin(),
                                  property->raw.end());
    }
    if (!good) return fail(errors::kPropertyBadLen, offset);
  }
  if ((seen & 1U << kPacket) == 0) return bad_length(in);
  return Message{std::move(p)};
}

void put_maps(Out& out, const std::vector<TlvMap>& maps) {
  for (const TlvMap& map : maps) {
    out.be16(map.option_class);
    out.u8(map.option_type);
    out.u8(map.option_length);
    out.be16(map.index);
    out.zeros(2);
  }
}
DecodeResult<std::vector<TlvMap>> pull_maps(In in) {
  std::vector<TlvMap> maps;
  while (!in.empty()) {
    const In start = in;
    TlvMap map;
    map.option_class = in.be16();
    map.option_type = in.u8();
    map.option_length = in.u8();
    map.index = in.be16();
    in.skip(2);
    if (in.failed()) return bad_length(start);
    if (map.option_length % 4 != 0 || map.option_length > 124)
      return fail(errors::kNxTlvBadOptLen, start);
    if (map.index >= 64) return fail(errors::kNxTlvBadFieldIndex, start);
    maps.push_back(map);
  }
  return maps;
}

void put_tuple(Out& out, std::uint16_t type, const CtTuple& tuple) {
  const std::size_t start = out.size();
  out.be32(0);
  const auto address = [&](std::uint16_t nested, const std::optional<IpAddress>& value) {
    if (!value) return;
    const auto bytes = value->mapped_bytes();
    put_property(out, nested, std::as_bytes(std::span(bytes)));
  };
  out.zeros(4);
  address(0, tuple.src);
  address(1, tuple.dst);
  if (tuple.src_port) put_number(out, 2, *tuple.src_port, 2);
  if (tuple.dst_port) put_number(out, 3, *tuple.dst_port, 2);
  if (tuple.icmp_id) put_number(out, 4, *tuple.icmp_id, 2);
  if (tuple.icmp_type) put_number(out, 5, *tuple.icmp_type, 1);
  if (tuple.icmp_code) put_number(out, 6, *tuple.icmp_code, 1);
  out.patch16(start, type);
  out.patch16(start + 2, out.size() - start);
}
DecodeResult<CtTuple> pull_tuple(In in) {
  CtTuple tuple;
  in.skip(4);
  if (in.failed()) return fail(errors::kPropertyBadLen, in);
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    In body = property->body;
    const auto address = [&](std::optional<IpAddress>& to) {
      auto value = IpAddress::from_bytes(body.take(16));
      if (value) to = value->unmapped();
    };
    switch (property->type) {
      case 0:
        address(tuple.src);
        break;
      case 1:
        address(tuple.dst);
        break;
      case 2:
        tuple.src_port = body.be16(), body.skip(2);
        break;
      case 3:
        tuple.dst_port = body.be16(), body.skip(2);
        break;
      case 4:
        tuple.icmp_id = body.be16(), body.skip(2);
        break;
      case 5:
        tuple.icmp_type = body.u8();
        break;
      case 6:
        tuple.icmp_code = body.u8();
        break;
      default:
        return fail(errors::kPropertyBadType, offset);
    }
    if (body.failed() || !body.empty()) return fail(errors::kPropertyBadLen, offset);
  }
  return tuple;
}

// One function a row.

template <bool kIsReply>
MessageResult pull_role(In in) {
  NxRole role;
  role.role = in.be32();
  role.reply = kIsReply;
  if (role.role > 2) return fail(errors::kRoleBadRole, in);
  return Message{role};
}
MessageResult pull_flow_mod_table_id(In in) { return Message{NxFlowModTableId{in.u8() != 0}}; }
MessageResult pull_format(In in) {
  NxSetPacketInFormat format{in.be32()};
  if (format.format > 2) return fail(errors::kEperm, in);
  return Message{format};
}
MessageResult pull_async(In in) {
  NxSetAsyncConfig config;
  for (auto* masks : {&config.packet_in, &config.port_status, &config.flow_removed})
    for (std::uint32_t& mask : *masks) mask = in.be32();
  return Message{config};
}
MessageResult pull_controller_id(In in) {
  if (!in.zeros(6)) return fail(errors::kNxMustBeZero, in);
  return Message{NxSetControllerId{in.be16()}};
}
MessageResult pull_tlv_mod(In in) {
  NxTlvTableMod mod;
  const std::uint16_t command = in.be16();
  in.skip(6);
  if (command > 2) return fail(errors::kNxTlvBadCommand, in);
  mod.command = static_cast<NxTlvTableMod::Command>(command);
  auto maps = pull_maps(in);
  if (maps.has_error()) return maps.error();
  mod.maps = std::move(*maps);
  return Message{std::move(mod)};
}
MessageResult pull_tlv_request(In) { return Message{NxTlvTableRequest{}}; }
MessageResult pull_tlv_reply(In in) {
  NxTlvTableReply reply;
  reply.max_space = in.be32();
  reply.max_fields = in.be16();
  in.skip(10);
  auto maps = pull_maps(in);
  if (maps.has_error()) return maps.error();
  reply.maps = std::move(*maps);
  return Message{std::move(reply)};
}
MessageResult pull_flush_zone(In in) {
  if (!in.zeros(6)) return fail(errors::kNxMustBeZero, in);
  return Message{NxCtFlushZone{in.be16()}};
}
MessageResult pull_flush(In in) {
  NxCtFlush flush;
  flush.ip_proto = in.u8();
  in.skip(7);
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    In body = property->body;
    switch (property->type) {
      case kOriginal:
      case kReply: {
        auto tuple = pull_tuple(body);
        if (tuple.has_error()) return tuple.error();
        (property->type == kOriginal ? flush.original : flush.reply) = *tuple;
        continue;
      }
      case kZone:
        flush.zone = body.be16(), body.skip(2);
        break;
      case kMark:
        flush.mark = body.be32();
        break;
      case kMarkMask:
        flush.mark_mask = body.be32();
        break;
      case kLabels:
      case kLabelsMask:
        (property->type == kLabels ? flush.labels : flush.labels_mask) = body.value(16);
        break;
      default:
        return fail(errors::kPropertyBadType, offset);
    }
    if (body.failed() || !body.empty()) return fail(errors::kPropertyBadLen, offset);
  }
  return Message{std::move(flush)};
}
MessageResult pull_flow_age(In) { return Message{NxFlowAge{}}; }
/// The fields of `size` bytes, padded to 8.
DecodeResult<Match> pull_nx_match(In& in, std::size_t size, bool loose, Bytes& raw) {
  if (pad8(size) > in.remaining()) return fail(errors::kMatchBadLen, in);
  In fields = in.sub(size);
  in.skip(pad8(size) - size);
  return pull_kept_fields(fields, loose, raw);
}
MessageResult pull_packet_in(In in) {
  NxPacketIn m;
  m.buffer_id = in.be32();
  m.total_len = in.be16();
  m.reason = in.u8();
  m.table = TableId{in.u8()};
  m.cookie = in.be64();
  const std::uint16_t size = in.be16();
  in.skip(6);
  auto match = pull_nx_match(in, size, true, m.metadata_fields);
  if (match.has_error()) return match.error();
  m.metadata = std::move(*match);
  in.skip(2);
  if (in.failed()) return bad_length(in);
  m.packet = to_bytes(in.rest());
  return Message{std::move(m)};
}
MessageResult pull_flow_removed(In in) {
  NxFlowRemoved m;
  m.cookie = in.be64();
  m.priority = in.be16();
  m.reason = in.u8();
  if (const std::uint8_t table = in.u8(); table != 0)
    m.table = TableId{static_cast<std::uint8_t>(table - 1)};
  m.duration.seconds = in.be32();
  m.duration.nanoseconds = in.be32();
  m.idle_timeout = in.be16();
  const std::uint16_t size = in.be16();
  m.packets = in.be64();
  m.bytes = in.be64();
  auto match = pull_nx_match(in, size, false, m.match_fields);
  if (match.has_error()) return match.error();
  m.match = std::move(*match);
  if (!in.empty()) return bad_length(in);
  return Message{std::move(m)};
}
MessageResult pull_onf_control(In in) {
  auto control = pull_bundle_control(in);
  if (control.has_error()) return control.error();
  control->onf = true;
  return Message{std::move(*control)};
}
MessageResult pull_onf_add(In in) {
  auto add = pull_bundle_add(in);
  if (add.has_error()) return add.error();
  add->onf = true;
  return Message{std::move(*add)};
}

/// One row an experimenter message: numbers, size of the body behind them, whether it may be
/// longer, decoder.
struct ExperimenterRow {
  std::uint32_t experimenter;
  std::uint32_t type;
  std::uint16_t size;
  bool longer;
  MessageResult (*decode)(In);
};
constexpr ExperimenterRow kRows[] = {
    {kNiciraVendor, kNxtRoleRequest, 4, false, pull_role<false>},
    {kNiciraVendor, kNxtRoleReply, 4, false, pull_role<true>},
    {kNiciraVendor, kNxtFlowModTableId, 8, false, pull_flow_mod_table_id},
    {kNiciraVendor, kNxtSetPacketInFormat, 4, false, pull_format},
    {kNiciraVendor, kNxtSetAsyncConfig, 24, false, pull_async},
    {kNiciraVendor, kNxtSetControllerId, 8, false, pull_controller_id},
    {kNiciraVendor, kNxtTlvTableMod, 8, true, pull_tlv_mod},
    {kNiciraVendor, kNxtTlvTableRequest, 0, false, pull_tlv_request},
    {kNiciraVendor, kNxtTlvTableReply, 16, true, pull_tlv_reply},
    {kNiciraVendor, kNxtResume, 0, true, pull_packet_in_properties<Resume>},
    {kNiciraVendor, kNxtCtFlushZone, 8, false, pull_flush_zone},
    {kNiciraVendor, kNxtPacketIn2, 0, true, pull_packet_in_properties<PacketIn2>},
    {kNiciraVendor, kNxtCtFlush, 8, true, pull_flush},
    {kNiciraVendor, kNxtFlowAge, 0, false, pull_flow_age},
    {kNiciraVendor, kNxtPacketIn, 24, true, pull_packet_in},
    {kNiciraVendor, kNxtFlowRemoved, 40, true, pull_flow_removed},
    {kOnfVendor, kOnfBundleControl, 8, true, pull_onf_control},
    {kOnfVendor, kOnfBundleAdd, 8, true, pull_onf_add},
};
}  // namespace

void put_packet_in_properties(Out& out, const PacketInProperties& p, bool userdata) {
  if (!p.packet.empty()) put_property(out, kPacket, p.packet);
  if (p.full_len) put_number(out, kFullLen, *p.full_len, 4);
  if (p.buffer_id) put_number(out, kBufferId, *p.buffer_id, 4);
  if (p.table) put_number(out, kTableId, p.table->value, 1);
  if (p.cookie) put_number(out, kCookie, *p.cookie, 8);
  if (p.reason) put_number(out, kReason, *p.reason, 1);
  if (p.metadata) {
    const std::size_t start = out.size();
    out.be32(kMetadata << 16);
    put_kept_fields(out, *p.metadata, p.metadata_fields);
    out.patch16(start + 2, out.size() - start);
    out.pad_from(start);
  }
  if (userdata && !p.userdata.empty()) put_property(out, kUserdata, p.userdata);
  if (p.continuation) put_property(out, kContinuation, *p.continuation);
  out.bytes(p.other_properties);
}

void put_kept_fields(Out& out, const Match& match, const Bytes& raw) {
  if (!raw.empty()) {
    const auto said = pull_match_fields(In(raw), false, true);
    if (said.has_value() && *said == match) return out.bytes(raw);
  }
  put_match_fields(out, match);
}

DecodeResult<Match> pull_kept_fields(In in, bool loose, Bytes& raw) {
  auto match = pull_match_fields(in, !loose, loose);
  if (match.has_error()) return match;
  std::vector<std::byte> usual;
  Out out(usual);
  put_match_fields(out, *match);
  const auto came = in.peek_rest();
  if (!std::equal(usual.begin(), usual.end(), came.begin(), came.end())) raw = to_bytes(came);
  return match;
}

void put_nicira(Out& out, const NxPacketIn& m) {
  out.be32(m.buffer_id);
  out.be16(m.total_len);
  out.u8(m.reason);
  out.u8(m.table.value);
  out.be64(m.cookie);
  const std::size_t length_at = out.size();
  out.zeros(8);
  const std::size_t start = out.size();
  put_kept_fields(out, m.metadata, m.metadata_fields);
  out.patch16(length_at, out.size() - start);
  out.pad_from(start);
  out.zeros(2);
  out.bytes(m.packet);
}
void put_nicira(Out& out, const NxFlowRemoved& m) {
  out.be64(m.cookie);
  out.be16(m.priority);
  out.u8(m.reason);
  out.u8(m.table ? static_cast<std::uint8_t>(m.table->value + 1) : std::uint8_t{0});
  out.be32(m.duration.seconds);
  out.be32(m.duration.nanoseconds);
  out.be16(m.idle_timeout);
  const std::size_t length_at = out.size();
  out.be16(0);
  out.be64(m.packets);
  out.be64(m.bytes);
  const std::size_t start = out.size();
  put_kept_fields(out, m.match, m.match_fields);
  out.patch16(length_at, out.size() - start);
  out.pad_from(start);
}
void put_nicira(Out& out, const NxRole& m) { out.be32(m.role); }
void put_nicira(Out& out, const NxFlowModTableId& m) {
  out.u8(m.enable ? 1 : 0);
  out.zeros(7);
}
void put_nicira(Out& out, const NxSetPacketInFormat& m) { out.be32(m.format); }
void put_nicira(Out& out, const NxSetAsyncConfig& m) {
  for (const auto* masks : {&m.packet_in, &m.port_status, &m.flow_removed})
    for (const std::uint32_t mask : *masks) out.be32(mask);
}
void put_nicira(Out& out, const NxSetControllerId& m) {
  out.zeros(6);
  out.be16(m.id);
}
void put_nicira(Out& out, const NxTlvTableMod& m) {
  out.be16(static_cast<std::uint16_t>(m.command));
  out.zeros(6);
  put_maps(out, m.maps);
}
void put_nicira(Out& out, const NxTlvTableReply& m) {
  out.be32(m.max_space);
  out.be16(m.max_fields);
  out.zeros(10);
  put_maps(out, m.maps);
}
void put_nicira(Out& out, const NxCtFlushZone& m) {
  out.zeros(6);
  out.be16(m.zone);
}
void put_nicira(Out& out, const NxCtFlush& m) {
  out.u8(m.ip_proto);
  out.zeros(7);
  if (m.zone) put_number(out, kZone, *m.zone, 2);
  if (m.original) put_tuple(out, kOriginal, *m.original);
  if (m.reply) put_tuple(out, kReply, *m.reply);
  if (m.mark) put_number(out, kMark, *m.mark, 4);
  if (m.mark_mask) put_number(out, kMarkMask, *m.mark_mask, 4);
  if (m.labels) put_number(out, kLabels, *m.labels, 16);
  if (m.labels_mask) put_number(out, kLabelsMask, *m.labels_mask, 16);
}

DecodeResult<Message> pull_experimenter(In in) {
  const In start = in;
  Experimenter unknown;
  unknown.experimenter = in.be32();
  unknown.type = in.be32();
  if (in.failed()) return bad_length(start);
  for (const ExperimenterRow& row : kRows) {
    if (row.experimenter != unknown.experimenter || row.type != unknown.type) continue;
    if (in.remaining() < row.size || (in.remaining() > row.size && !row.longer))
      return bad_length(in);
    return row.decode(in);
  }
  if (unknown.experimenter != kNiciraVendor && unknown.experimenter != kOnfVendor)
    return fail(errors::kBadVendor, start);
  return fail(errors::kBadSubtype, start);
}

}  // namespace antrea::openflow::detail
