#include "nicira_codec.h"

#include <utility>

#include "antrea/openflow/codec.h"
#include "message_codec.h"
#include "nicira_property.h"

namespace antrea::openflow::detail {
namespace {

using MessageResult = DecodeResult<Message>;

void put_maps(Out& out, const std::vector<TlvMap>& maps) {
  for (const TlvMap& map : maps) {
    out.be16(map.option_class);
    out.u8(map.option_type);
    out.u8(map.option_length);
    out.be16(map.index);
    out.zeros(2);
  }
}
/// `fields`: how many there are to map options to.
DecodeResult<std::vector<TlvMap>> pull_maps(In in, std::uint16_t fields) {
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
    if (map.index >= fields) return fail(errors::kNxTlvBadFieldIndex, start);
    maps.push_back(map);
  }
  return maps;
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
  in.skip(6);  // the switch wants zeros here, its parser does not look
  return Message{NxSetControllerId{in.be16()}};
}
MessageResult pull_tlv_mod(In in) {
  NxTlvTableMod mod;
  const std::uint16_t command = in.be16();
  in.skip(6);
  if (command > 2) return fail(errors::kNxTlvBadCommand, in);
  mod.command = static_cast<NxTlvTableMod::Command>(command);
  constexpr std::uint16_t kFields = 64;
  auto maps = pull_maps(in, kFields);
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
  auto maps = pull_maps(in, reply.max_fields);
  if (maps.has_error()) return maps.error();
  reply.maps = std::move(*maps);
  return Message{std::move(reply)};
}
MessageResult pull_flush_zone(In in) {
  in.skip(6);
  return Message{NxCtFlushZone{in.be16()}};
}
MessageResult pull_flow_age(In) { return Message{NxFlowAge{}}; }
/// The fields of `size` bytes, padded to 8.
DecodeResult<Match> pull_nx_match(In& in, std::size_t size, bool loose, Bytes& raw) {
  if (pad8(size) > in.remaining()) return fail(errors::kMatchBadLen, in);
  In fields = in.sub(size);
  in.skip(pad8(size) - size);
  return pull_kept_fields(fields, loose ? MatchRule::kLoose : MatchRule::kStrict, raw);
}
MessageResult pull_packet_in(In in) {
  NxPacketIn m;
  pull_packet_head(in, m);
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

/// One row an experimenter message: numbers, size of the body behind them, decoder.
struct ExperimenterRow {
  std::uint32_t experimenter;
  std::uint32_t type;
  BodySize size;
  MessageResult (*decode)(In);
};
constexpr ExperimenterRow kRows[] = {
    {kNiciraVendor, kNxtRoleRequest, {4, 0}, pull_role<false>},
    {kNiciraVendor, kNxtRoleReply, {4, 0}, pull_role<true>},
    {kNiciraVendor, kNxtFlowMod, {32, 8}, pull_nx_flow_mod},
    {kNiciraVendor, kNxtFlowRemoved, {40, 8}, pull_flow_removed},
    {kNiciraVendor, kNxtFlowModTableId, {8, 0}, pull_flow_mod_table_id},
    {kNiciraVendor, kNxtSetPacketInFormat, {4, 0}, pull_format},
    {kNiciraVendor, kNxtPacketIn, {24, 1}, pull_packet_in},
    {kNiciraVendor, kNxtFlowAge, {0, 0}, pull_flow_age},
    {kNiciraVendor, kNxtSetAsyncConfig, {24, 0}, pull_async},
    {kNiciraVendor, kNxtSetControllerId, {8, 0}, pull_controller_id},
    {kNiciraVendor, kNxtTlvTableMod, {8, 8}, pull_tlv_mod},
    {kNiciraVendor, kNxtTlvTableRequest, {0, 0}, pull_tlv_request},
    {kNiciraVendor, kNxtTlvTableReply, {16, 8}, pull_tlv_reply},
    {kNiciraVendor, kNxtResume, {0, 8}, pull_resume},
    {kNiciraVendor, kNxtCtFlushZone, {8, 0}, pull_flush_zone},
    {kNiciraVendor, kNxtPacketIn2, {0, 8}, pull_packet_in2},
    {kNiciraVendor, kNxtCtFlush, {8, 8}, pull_ct_flush},
    {kOnfVendor, kOnfBundleControl, {8, 8}, pull_onf_control},
    {kOnfVendor, kOnfBundleAdd, {8, 1}, pull_onf_add},
};
}  // namespace

void put_property(Out& out, unsigned type, std::span<const std::byte> value) {
  const std::size_t start = out.size();
  out.be16(static_cast<std::uint16_t>(type));
  out.be16(static_cast<std::uint16_t>(4 + value.size()));
  out.bytes(value);
  out.pad_from(start);
}

void put_number(Out& out, unsigned type, const FieldValue& value, std::size_t size) {
  const std::size_t start = out.size();
  out.be16(static_cast<std::uint16_t>(type));
  out.be16(static_cast<std::uint16_t>(size == 2 ? 8 : 4 + size + (size == 8 ? 4 : 0)));
  if (size == 8) out.zeros(4);
  store_value(out.put(size), value, size);
  out.pad_from(start);
}

std::optional<FieldValue> take_number(In body, std::size_t size) {
  if (size == 8) body.skip(4);
  const FieldValue value = body.value(size);
  if (body.failed() || (size > 2 && !body.empty())) return {};
  return value;
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
DecodeResult<Message> pull_experimenter(In in) {
  const In start = in;
  const std::uint32_t experimenter = in.be32();
  const std::uint32_t type = in.be32();
  for (const ExperimenterRow& row : kRows) {
    if (in.failed() || row.experimenter != experimenter || row.type != type) continue;
    if (!row.size.fits(in.remaining())) return bad_length(in);
    return row.decode(in);
  }
  if (in.keeps_unknown() && !in.failed())
    return Message{Experimenter{experimenter, type, to_bytes(in.rest())}};
  if (in.failed()) return bad_length(start);
  const bool known = experimenter == kNiciraVendor || experimenter == kOnfVendor;
  return fail(known ? errors::kBadSubtype : errors::kBadVendor, start);
}

}  // namespace antrea::openflow::detail
