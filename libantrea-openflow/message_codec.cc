#include <array>
#include <utility>

#include "antrea/openflow/codec.h"
#include "nicira_codec.h"
#include "wire.h"

namespace antrea::openflow {
namespace detail {
namespace {

/// OpenFlow 1.5.1 section 7.1.1.
enum MessageType : std::uint8_t {
  kHello = 0,
  kError = 1,
  kEchoRequest = 2,
  kEchoReply = 3,
  kExperimenter = 4,
  kFeaturesRequest = 5,
  kFeaturesReply = 6,
  kGetConfigRequest = 7,
  kGetConfigReply = 8,
  kSetConfig = 9,
  kPacketIn = 10,
  kFlowRemoved = 11,
  kPortStatus = 12,
  kPacketOut = 13,
  kFlowMod = 14,
  kGroupMod = 15,
  kPortMod = 16,
  kTableMod = 17,
  kMultipartRequest = 18,
  kMultipartReply = 19,
  kBarrierRequest = 20,
  kBarrierReply = 21,
  kRoleRequest = 24,
  kRoleReply = 25,
  kGetAsyncRequest = 26,
  kGetAsyncReply = 27,
  kSetAsync = 28,
  kMeterMod = 29,
  kRoleStatus = 30,
  kTableStatus = 31,
  kRequestForward = 32,
  kBundleControl = 33,
  kBundleAdd = 34,
};

using MessageResult = DecodeResult<Message>;

DecodeError bad_length(const In& in) { return fail(errors::kBadLen, in); }

MessageResult pull_hello(In in) {
  Hello hello;
  hello.version_bitmap.reset();
  while (in.remaining() >= 4) {
    const In start = in;
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (length < 4 || length > start.remaining()) break;
    In body = in.sub(length - 4U);
    in.skip(std::min(pad8(length) - length, in.remaining()));
    if (type == 1 && body.remaining() >= 4)
      hello.version_bitmap = body.be32();
    else
      hello.other_elements = to_bytes(start.peek_rest().first(start.remaining() - in.remaining()));
  }
  return Message{std::move(hello)};
}
MessageResult pull_error(In in) {
  ErrorMessage m;
  m.error.type = in.be16();
  m.error.code = in.be16();
  if (m.error.type == 0xffff) m.error.experimenter = in.be32();
  if (in.failed()) return bad_length(in);
  m.data = to_bytes(in.rest());
  return Message{std::move(m)};
}
template <typename T>
MessageResult pull_data(In in) {
  return Message{T{to_bytes(in.rest())}};
}
template <typename T>
MessageResult pull_empty(In) {
  return Message{T{}};
}
MessageResult pull_features_reply(In in) {
  FeaturesReply m;
  m.datapath_id = in.be64();
  m.buffers = in.be32();
  m.tables = in.u8();
  m.auxiliary_id = in.u8();
  in.skip(2);
  m.capabilities = in.be32();
  m.reserved = in.be32();
  return Message{m};
}
template <typename T>
MessageResult pull_config(In in) {
  T m;
  m.flags = in.be16();
  m.miss_send_len = in.be16();
  return Message{m};
}
MessageResult pull_packet_in(In in) {
  PacketIn m;
  m.buffer_id = in.be32();
  m.total_len = in.be16();
  m.reason = in.u8();
  m.table = TableId{in.u8()};
  m.cookie = in.be64();
  auto match = pull_match(in, false);
  if (match.has_error()) return match.error();
  m.metadata = std::move(*match);
  in.skip(2);
  if (in.failed()) return bad_length(in);
  m.packet = to_bytes(in.rest());
  return Message{std::move(m)};
}
MessageResult pull_packet_out(In in) {
  const In start = in;
  PacketOut m;
  m.buffer_id = in.be32();
  const std::uint16_t size = in.be16();
  in.skip(2);
  const std::size_t match_at = in.offset();
  auto match = pull_match(in, false);
  if (match.has_error()) return match.error();
  m.match = std::move(*match);
  const auto port = m.match.get(FieldId::kInPortOxm);
  if (!port) return fail(errors::kBadPort, match_at);
  const std::uint32_t number = static_cast<std::uint32_t>(port->value.lo);
  if (number >= 0xff00 && number != kPortLocal.value && number != kPortController.value &&
      number != kPortAny.value)
    return fail(errors::kBadPort, match_at);
  if (size > in.remaining()) return fail(errors::kBadLen, start);
  auto actions = pull_actions(in.sub(size));
  if (actions.has_error()) return actions.error();
  m.actions = std::move(*actions);
  m.packet = to_bytes(in.rest());
  return Message{std::move(m)};
}
MessageResult pull_flow_removed(In in) {
  FlowRemoved m;
  m.table = TableId{in.u8()};
  m.reason = in.u8();
  m.priority = in.be16();
  m.idle_timeout = in.be16();
  m.hard_timeout = in.be16();
  m.cookie = in.be64();
  auto match = pull_match(in);
  if (match.has_error()) return match.error();
  m.match = std::move(*match);
  auto statistics = pull_statistics(in);
  if (statistics.has_error()) return statistics.error();
  m.statistics = *statistics;
  if (!in.empty()) return bad_length(in);
  return Message{std::move(m)};
}
MessageResult pull_port_status(In in) {
  PortStatus m;
  const std::uint8_t reason = in.u8();
  if (reason > 2) return fail(OfError{0xffff, 5, kNiciraVendor}, in);
  m.reason = static_cast<PortStatus::Reason>(reason);
  in.skip(7);
  auto port = pull_port(in);
  if (port.has_error()) return port.error();
  if (!in.empty()) return bad_length(in);
  m.port = std::move(*port);
  return Message{std::move(m)};
}
MessageResult pull_port_mod(In in) {
  PortMod m;
  m.port = PortNo{in.be32()};
  in.skip(4);
  m.hw_addr = take_mac(in);
  in.skip(2);
  m.config = in.be32();
  m.mask = in.be32();
  if (!port_valid(m.port.value)) return fail(errors::kActionBadOutPort, in);
  while (!in.empty()) {
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    if (property->type != 0) return fail(errors::kPropertyBadType, in);
    m.advertise = property->body.be32();
    if (property->body.failed() || !property->body.empty())
      return fail(errors::kPropertyBadLen, in);
  }
  return Message{std::move(m)};
}
MessageResult pull_table_mod(In in) {
  TableMod m;
  m.desc.table = TableId{in.u8()};
  in.skip(3);
  m.desc.config = in.be32();
  if (auto error = pull_table_properties(in, m.desc)) return *error;
  if (!m.desc.other_properties.empty()) return fail(errors::kBadType, in);
  return Message{std::move(m)};
}
MessageResult pull_table_status(In in) {
  TableStatus m;
  m.reason = in.u8();
  in.skip(7);
  if (m.reason != 3 && m.reason != 4) return fail(errors::kPropertyBadValue, in);
  auto desc = pull_table_desc(in);
  if (desc.has_error()) return desc.error();
  if (!in.empty()) return bad_length(in);
  m.desc = std::move(*desc);
  return Message{std::move(m)};
}
template <typename T>
MessageResult pull_role_message(In in) {
  T m;
  const std::uint32_t role = in.be32();
  if (role > 3) return fail(errors::kRoleBadRole, in);
  m.role = static_cast<Role>(role);
  m.short_id = in.be32();
  m.generation_id = in.be64();
  return Message{m};
}
MessageResult pull_role_status(In in) {
  RoleStatus m;
  const std::uint32_t role = in.be32();
  m.reason = in.u8();
  in.skip(3);
  m.generation_id = in.be64();
  if (role < 1 || role > 3) return fail(errors::kRoleBadRole, in);
  if (m.reason > 2) return fail(errors::kRoleBadRole, in);
  m.role = static_cast<Role>(role);
  return Message{m};
}
template <typename T>
MessageResult pull_async(In in) {
  T m;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    auto property = pull_property(in);
    if (property.has_error()) return property.error();
    if (property->type > 11) return fail(errors::kAsyncUnsupported, offset);
    const std::uint32_t mask = property->body.be32();
    if (property->body.failed() || !property->body.empty())
      return fail(errors::kPropertyBadLen, offset);
    constexpr std::uint32_t kKnown[] = {0x3f, 7, 0x3f, 7, 0x18, 3};
    if ((mask & ~kKnown[property->type / 2]) != 0) return fail(errors::kAsyncInvalid, offset);
    m.masks.push_back({property->type, mask});
  }
  return Message{std::move(m)};
}
MessageResult pull_request_forward(In in) {
  const In start = in;
  const auto header = peek_header(in.peek_rest());
  if (!header || header->length < 8 || header->length != in.remaining()) return bad_length(start);
  if (header->type != kGroupMod && header->type != kMeterMod) return fail(errors::kBadType, start);
  return Message{RequestForward{to_bytes(in.rest())}};
}
template <typename T, DecodeResult<T> (*kPull)(In)>
MessageResult wrap(In in) {
  auto value = kPull(in);
  if (value.has_error()) return value.error();
  return Message{std::move(*value)};
}

/// One row a message type: its number, the least size of its body, whether it may be longer, and
/// its decoder.
struct MessageRow {
  std::uint8_t type;
  std::uint16_t size;
  bool longer;
  MessageResult (*decode)(In);
};
constexpr MessageRow kMessages[] = {
    {kHello, 0, true, pull_hello},
    {kError, 4, true, pull_error},
    {kEchoRequest, 0, true, pull_data<EchoRequest>},
    {kEchoReply, 0, true, pull_data<EchoReply>},
    {kExperimenter, 8, true, pull_experimenter},
    {kFeaturesRequest, 0, false, pull_empty<FeaturesRequest>},
    {kFeaturesReply, 24, false, pull_features_reply},
    {kGetConfigRequest, 0, false, pull_empty<GetConfigRequest>},
    {kGetConfigReply, 4, false, pull_config<GetConfigReply>},
    {kSetConfig, 4, false, pull_config<SetConfig>},
    {kPacketIn, 26, true, pull_packet_in},
    {kFlowRemoved, 24, true, pull_flow_removed},
    {kPortStatus, 48, true, pull_port_status},
    {kPacketOut, 16, true, pull_packet_out},
    {kFlowMod, 48, true, wrap<FlowMod, pull_flow_mod>},
    {kGroupMod, 16, true, wrap<GroupMod, pull_group_mod>},
    {kPortMod, 24, true, pull_port_mod},
    {kTableMod, 8, true, pull_table_mod},
    {kMultipartRequest, 8, true, pull_multipart_request},
    {kMultipartReply, 8, true, pull_multipart_reply},
    {kBarrierRequest, 0, false, pull_empty<BarrierRequest>},
    {kBarrierReply, 0, false, pull_empty<BarrierReply>},
    {kRoleRequest, 16, false, pull_role_message<RoleRequest>},
    {kRoleReply, 16, false, pull_role_message<RoleReply>},
    {kGetAsyncRequest, 0, true, pull_empty<GetAsyncRequest>},
    {kGetAsyncReply, 0, true, pull_async<GetAsyncReply>},
    {kSetAsync, 0, true, pull_async<SetAsync>},
    {kMeterMod, 8, true, wrap<MeterMod, pull_meter_mod>},
    {kRoleStatus, 16, true, pull_role_status},
    {kTableStatus, 16, true, pull_table_status},
    {kRequestForward, 8, true, pull_request_forward},
    {kBundleControl, 8, true, wrap<BundleControl, pull_bundle_control>},
    {kBundleAdd, 16, true, wrap<BundleAdd, pull_bundle_add>},
};
constexpr auto kMessageIndex = [] {
  std::array<const MessageRow*, 64> index{};
  for (const MessageRow& row : kMessages) index[row.type] = &row;
  return index;
}();

void put_bundle(Out& out, const BundleControl& m) {
  out.be32(m.id);
  out.be16(static_cast<std::uint16_t>(m.command));
  out.be16(m.flags);
  out.bytes(m.properties);
}
void put_bundle(Out& out, const BundleAdd& m) {
  out.be32(m.id);
  out.be16(0);
  out.be16(m.flags);
  out.bytes(m.message);
  out.bytes(m.properties);
}

/// Appends the body of a message and tells its type.
struct BodyWriter {
  Out& out;

  std::uint8_t operator()(const Hello& m) {
    if (m.version_bitmap) {
      out.be32(0x00010008);
      out.be32(*m.version_bitmap);
    }
    out.bytes(m.other_elements);
    return kHello;
  }
  std::uint8_t operator()(const ErrorMessage& m) {
    out.be16(m.error.type);
    out.be16(m.error.code);
    if (m.error.type == 0xffff) out.be32(m.error.experimenter);
    out.bytes(m.data);
    return kError;
  }
  std::uint8_t operator()(const EchoRequest& m) { return out.bytes(m.data), kEchoRequest; }
  std::uint8_t operator()(const EchoReply& m) { return out.bytes(m.data), kEchoReply; }
  std::uint8_t operator()(const FeaturesRequest&) { return kFeaturesRequest; }
  std::uint8_t operator()(const FeaturesReply& m) {
    out.be64(m.datapath_id);
    out.be32(m.buffers);
    out.u8(m.tables);
    out.u8(m.auxiliary_id);
    out.be16(0);
    out.be32(m.capabilities);
    out.be32(m.reserved);
    return kFeaturesReply;
  }
  std::uint8_t operator()(const GetConfigRequest&) { return kGetConfigRequest; }
  std::uint8_t operator()(const GetConfigReply& m) {
    return words(m.flags, m.miss_send_len), kGetConfigReply;
  }
  std::uint8_t operator()(const SetConfig& m) {
    return words(m.flags, m.miss_send_len), kSetConfig;
  }
  std::uint8_t operator()(const PacketIn& m) {
    out.be32(m.buffer_id);
    out.be16(m.total_len);
    out.u8(m.reason);
    out.u8(m.table.value);
    out.be64(m.cookie);
    put_match(out, m.metadata);
    out.be16(0);
    out.bytes(m.packet);
    return kPacketIn;
  }
  std::uint8_t operator()(const PacketIn2& m) {
    return experimenter(kNiciraVendor, kNxtPacketIn2), put_packet_in_properties(out, m, true),
           kExperimenter;
  }
  std::uint8_t operator()(const Resume& m) {
    return experimenter(kNiciraVendor, kNxtResume), put_packet_in_properties(out, m, false),
           kExperimenter;
  }
  std::uint8_t operator()(const PacketOut& m) {
    out.be32(m.buffer_id);
    const std::size_t length_at = out.size();
    out.be32(0);
    put_match(out, m.match);
    const std::size_t start = out.size();
    put_actions(out, m.actions);
    out.patch16(length_at, out.size() - start);
    out.bytes(m.packet);
    return kPacketOut;
  }
  std::uint8_t operator()(const FlowRemoved& m) {
    out.u8(m.table.value);
    out.u8(m.reason);
    out.be16(m.priority);
    out.be16(m.idle_timeout);
    out.be16(m.hard_timeout);
    out.be64(m.cookie);
    put_match(out, m.match);
    put_statistics(out, m.statistics);
    return kFlowRemoved;
  }
  std::uint8_t operator()(const PortStatus& m) {
    out.u8(static_cast<std::uint8_t>(m.reason));
    out.zeros(7);
    put_port(out, m.port);
    return kPortStatus;
  }
  std::uint8_t operator()(const FlowMod& m) { return put_flow_mod_body(out, m), kFlowMod; }
  std::uint8_t operator()(const GroupMod& m) { return put_group_mod_body(out, m), kGroupMod; }
  std::uint8_t operator()(const MeterMod& m) { return put_meter_mod_body(out, m), kMeterMod; }
  std::uint8_t operator()(const PortMod& m) {
    out.be32(m.port.value);
    out.be32(0);
    out.mac(m.hw_addr);
    out.be16(0);
    out.be32(m.config);
    out.be32(m.mask);
    if (m.advertise) {
      out.be32(8);
      out.be32(*m.advertise);
    }
    out.bytes(m.other_properties);
    return kPortMod;
  }
  std::uint8_t operator()(const TableMod& m) {
    out.u8(m.desc.table.value);
    out.zeros(3);
    out.be32(m.desc.config);
    put_table_properties(out, m.desc);
    return kTableMod;
  }
  std::uint8_t operator()(const TableStatus& m) {
    out.u8(m.reason);
    out.zeros(7);
    put_table_desc(out, m.desc);
    return kTableStatus;
  }
  std::uint8_t operator()(const MultipartRequest& m) {
    return put_multipart(out, m), kMultipartRequest;
  }
  std::uint8_t operator()(const MultipartReply& m) {
    return put_multipart(out, m), kMultipartReply;
  }
  std::uint8_t operator()(const BarrierRequest&) { return kBarrierRequest; }
  std::uint8_t operator()(const BarrierReply&) { return kBarrierReply; }
  std::uint8_t operator()(const RoleRequest& m) { return role(m), kRoleRequest; }
  std::uint8_t operator()(const RoleReply& m) { return role(m), kRoleReply; }
  std::uint8_t operator()(const RoleStatus& m) {
    out.be32(static_cast<std::uint32_t>(m.role));
    out.u8(m.reason);
    out.zeros(3);
    out.be64(m.generation_id);
    return kRoleStatus;
  }
  std::uint8_t operator()(const GetAsyncRequest&) { return kGetAsyncRequest; }
  std::uint8_t operator()(const GetAsyncReply& m) { return async(m), kGetAsyncReply; }
  std::uint8_t operator()(const SetAsync& m) { return async(m), kSetAsync; }
  std::uint8_t operator()(const BundleControl& m) {
    if (m.onf) experimenter(kOnfVendor, kOnfBundleControl);
    put_bundle(out, m);
    return m.onf ? kExperimenter : kBundleControl;
  }
  std::uint8_t operator()(const BundleAdd& m) {
    if (m.onf) experimenter(kOnfVendor, kOnfBundleAdd);
    put_bundle(out, m);
    return m.onf ? kExperimenter : kBundleAdd;
  }
  std::uint8_t operator()(const RequestForward& m) { return out.bytes(m.message), kRequestForward; }
  std::uint8_t operator()(const NxRole& m) {
    return nicira(m.reply ? kNxtRoleReply : kNxtRoleRequest, m);
  }
  std::uint8_t operator()(const NxFlowModTableId& m) { return nicira(kNxtFlowModTableId, m); }
  std::uint8_t operator()(const NxSetPacketInFormat& m) { return nicira(kNxtSetPacketInFormat, m); }
  std::uint8_t operator()(const NxSetAsyncConfig& m) { return nicira(kNxtSetAsyncConfig, m); }
  std::uint8_t operator()(const NxSetControllerId& m) { return nicira(kNxtSetControllerId, m); }
  std::uint8_t operator()(const NxTlvTableMod& m) { return nicira(kNxtTlvTableMod, m); }
  std::uint8_t operator()(const NxTlvTableRequest&) {
    return experimenter(kNiciraVendor, kNxtTlvTableRequest), kExperimenter;
  }
  std::uint8_t operator()(const NxTlvTableReply& m) { return nicira(kNxtTlvTableReply, m); }
  std::uint8_t operator()(const NxCtFlushZone& m) { return nicira(kNxtCtFlushZone, m); }
  std::uint8_t operator()(const NxCtFlush& m) { return nicira(kNxtCtFlush, m); }
  std::uint8_t operator()(const NxFlowAge&) {
    return experimenter(kNiciraVendor, kNxtFlowAge), kExperimenter;
  }
  std::uint8_t operator()(const NxPacketIn& m) { return nicira(kNxtPacketIn, m); }
  std::uint8_t operator()(const NxFlowRemoved& m) { return nicira(kNxtFlowRemoved, m); }
  std::uint8_t operator()(const Experimenter& m) {
    experimenter(m.experimenter, m.type);
    out.bytes(m.data);
    return kExperimenter;
  }
  std::uint8_t operator()(const UnknownMessage& m) { return out.bytes(m.body), m.type; }

 private:
  void words(std::uint16_t a, std::uint16_t b) {
    out.be16(a);
    out.be16(b);
  }
  template <typename T>
  void role(const T& m) {
    out.be32(static_cast<std::uint32_t>(m.role));
    out.be32(m.short_id);
    out.be64(m.generation_id);
  }
  void async(const AsyncConfig& m) {
    for (const auto& mask : m.masks) {
      out.be16(mask.type);
      out.be16(8);
      out.be32(mask.mask);
    }
  }
  void experimenter(std::uint32_t vendor, std::uint32_t type) {
    out.be32(vendor);
    out.be32(type);
  }
  template <typename T>
  std::uint8_t nicira(std::uint32_t type, const T& m) {
    experimenter(kNiciraVendor, type);
    put_nicira(out, m);
    return kExperimenter;
  }
};

/// HELLO, ERROR and ECHO pass in any version.
bool any_version(std::uint8_t type) { return type <= kEchoReply; }

}  // namespace

DecodeResult<BundleControl> pull_bundle_control(In in) {
  BundleControl m;
  m.id = in.be32();
  const std::uint16_t command = in.be16();
  m.flags = in.be16();
  if (in.failed()) return bad_length(in);
  if (command > 7) return fail(errors::kBundleBadType, in);
  m.command = static_cast<BundleCommand>(command);
  if (in.remaining() % 8 != 0) return bad_length(in);
  m.properties = to_bytes(in.rest());
  return m;
}

DecodeResult<BundleAdd> pull_bundle_add(In in) {
  BundleAdd m;
  const auto outer_xid = load_be<std::uint32_t>(in.at() - in.offset() + 4);
  m.id = in.be32();
  in.skip(2);
  m.flags = in.be16();
  const In start = in;
  const auto header = peek_header(in.peek_rest());
  if (!header || header->length < kHeaderSize || header->length > in.remaining())
    return bad_length(start);
  if (header->xid != outer_xid) return fail(errors::kBundleBadXid, start);
  m.message = to_bytes(in.take(header->length));
  m.properties = to_bytes(in.rest());
  if (header->type != kFlowMod && header->type != kGroupMod && header->type != kPortMod &&
      header->type != kPacketOut) {
    // Valid, yet not allowed here; an unknown type has its own error.
    auto inner = decode_message(m.message);
    if (inner.has_error()) return fail(inner.error().error, start.offset() + inner.error().offset);
    return fail(errors::kBundleUnsupported, start);
  }
  return m;
}

}  // namespace detail

std::optional<Header> peek_header(std::span<const std::byte> stream) {
  if (stream.size() < kHeaderSize) return {};
  detail::In in(stream);
  Header header;
  header.version = in.u8();
  header.type = in.u8();
  header.length = in.be16();
  header.xid = in.be32();
  return header;
}

DecodeResult<Decoded> decode_message(std::span<const std::byte> wire) {
  using namespace detail;
  const auto header = peek_header(wire);
  if (!header || header->length != wire.size()) return fail(errors::kBadLen, 2);
  In in(wire);
  in.skip(kHeaderSize);
  if (header->version != kOpenFlow15 && !any_version(header->type))
    return Decoded{header->xid, UnknownMessage{header->version, header->type, to_bytes(in.rest())}};
  const MessageRow* row =
      header->type < kMessageIndex.size() ? kMessageIndex[header->type] : nullptr;
  if (row == nullptr) return fail(errors::kBadType, 1);
  if (in.remaining() < row->size || (in.remaining() > row->size && !row->longer))
    return fail(errors::kBadLen, 2);
  auto message = row->decode(in);
  if (message.has_error()) return message.error();
  if (auto* hello = std::get_if<Hello>(&*message)) hello->version = header->version;
  if (auto* error = std::get_if<ErrorMessage>(&*message)) error->version = header->version;
  return Decoded{header->xid, std::move(*message)};
}

bool encode(std::uint32_t xid, const Message& message, std::vector<std::byte>& out) {
  using namespace detail;
  Out writer(out);
  const std::size_t start = out.size();
  writer.zeros(kHeaderSize);
  const std::uint8_t type = std::visit(BodyWriter{writer}, message);
  const std::size_t size = out.size() - start;
  if (size > kMaxMessageSize) {
    writer.truncate(start);
    return false;
  }
  std::byte* at = out.data() + start;
  std::uint8_t version = kOpenFlow15;
  if (const auto* hello = std::get_if<Hello>(&message)) version = hello->version;
  if (const auto* error = std::get_if<ErrorMessage>(&message)) version = error->version;
  if (const auto* unknown = std::get_if<UnknownMessage>(&message)) version = unknown->version;
  at[0] = std::byte{version};
  at[1] = std::byte{type};
  store_be(at + 2, static_cast<std::uint16_t>(size));
  store_be(at + 4, xid);
  return true;
}

}  // namespace antrea::openflow
