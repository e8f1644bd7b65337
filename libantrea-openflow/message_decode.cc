#include <array>
#include <type_traits>
#include <utility>

#include "antrea/openflow/codec.h"
#include "field_table.h"
#include "message_codec.h"

namespace antrea::openflow {
namespace detail {
namespace {

using MessageResult = DecodeResult<Message>;

MessageResult pull_hello(In in) {
  Hello hello;
  hello.version_bitmap.reset();
  // Whatever cannot be read as the one usual element is kept as it came.
  In element = in;
  const std::uint16_t type = element.be16();
  const std::uint16_t length = element.be16();
  constexpr std::uint16_t kVersionBitmap = 1, kUsual = 8;
  if (!element.failed() && type == kVersionBitmap && length == kUsual) {
    hello.version_bitmap = element.be32();
    in = element;
  }
  hello.other_elements = to_bytes(in.rest());
  return Message{std::move(hello)};
}
MessageResult pull_error(In in) {
  ErrorMessage m;
  m.error.type = in.be16();
  m.error.code = in.be16();
  if (m.error.type == 0xffff) m.error.experimenter = in.be32();
  if (in.failed()) return bad_length(in);
  // Open vSwitch takes no error that it has no name for.
  const bool current = std::to_integer<std::uint8_t>(in.begin()[0]) == kOpenFlow15;
  if (current && !in.keeps_unknown() && !has_name(m.error)) return bad_length(in);
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
/// The match of a packet-in, whose fields may be of any kind.
DecodeResult<Match> pull_kept_match(In& in, Bytes& raw) {
  In fields = in;
  Match match;
  if (const auto error = pull_match(in, match, MatchRule::kLoose)) return *error;
  fields.skip(2);
  const std::uint16_t length = fields.be16();
  return pull_kept_fields(fields.sub(length - 4U), MatchRule::kLoose, raw);
}
MessageResult pull_set_config(In in) {
  constexpr std::uint16_t kFragments = 3;
  const In flags = in;
  if ((In(flags).be16() & ~kFragments) != 0) return fail(errors::kSwitchConfigBadFlags, in);
  return pull_config<SetConfig>(in);
}
MessageResult pull_packet_in(In in) {
  PacketIn m;
  pull_packet_head(in, m);
  auto match = pull_kept_match(in, m.metadata_fields);
  if (match.has_error()) return match.error();
  m.metadata = std::move(*match);
  in.skip(2);
  if (in.failed()) return bad_length(in);
  m.packet = to_bytes(in.rest());
  return Message{std::move(m)};
}
/// What a packet can bring along from the pipeline.
bool pipeline_field(FieldId id) {
  return id == FieldId::kPacketType || id == FieldId::kInPortOxm || id == FieldId::kMetadata ||
         is_in(id, FieldId::kTunId, FieldId::kTunGtpuMsgType) ||
         is_in(id, FieldId::kXreg0, FieldId::kXreg15);
}
MessageResult pull_packet_out(In in) {
  const In start = in;
  PacketOut m;
  m.buffer_id = in.be32();
  const std::uint16_t size = in.be16();
  in.skip(2);
  const std::size_t match_at = in.offset();
  if (const auto error = pull_match(in, m.match, MatchRule::kLoose)) return *error;
  for (const MatchField& field : m.match.fields())
    if (!pipeline_field(field.id)) return fail(errors::kPipelineFieldsOnly, match_at);
  const auto port = m.match.get(FieldId::kInPortOxm);
  if (!port) return fail(errors::kBadPort, match_at);
  if (size % 8 != 0 || size > in.remaining()) return fail(errors::kBadLen, start);
  auto actions = pull_actions(in.sub(size));
  if (actions.has_error()) return actions.error();
  m.actions = std::move(*actions);
  const std::uint32_t number = static_cast<std::uint32_t>(port->value.lo);
  if (number >= 0xff00 && number != kPortLocal.value && number != kPortController.value &&
      number != kPortAny.value)
    return fail(errors::kBadPort, match_at);
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
  if (const auto error = pull_any_match(in, m.match)) return *error;
  auto statistics = pull_statistics(in);
  if (statistics.has_error()) return statistics.error();
  m.statistics = *statistics;
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
    Property property;
    if (const Fault fault = pull_property(in, property)) return fail(*fault, in);
    if (property.type != 0) {
      m.other_properties.insert(m.other_properties.end(), property.raw.begin(), property.raw.end());
      continue;
    }
    m.advertise = property.body.be32();
    if (property.body.failed() || !property.body.empty()) return fail(errors::kPropertyBadLen, in);
  }
  return Message{std::move(m)};
}
MessageResult pull_table_mod(In in) {
  TableMod m;
  m.desc.table = TableId{in.u8()};
  in.skip(3);
  m.desc.config = in.be32();
  if (auto error = pull_table_properties(in, m.desc, true)) return *error;
  return Message{std::move(m)};
}
MessageResult pull_table_status(In in) {
  TableStatus m;
  m.reason = in.u8();
  in.skip(7);
  if (m.reason != 3 && m.reason != 4) return fail(errors::kPropertyBadValue, in);
  auto desc = pull_table_desc(in);
  if (desc.has_error()) return desc.error();
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
  if (role > 3) return fail(errors::kRoleBadRole, in);
  m.role = static_cast<Role>(role);
  return Message{m};
}
/// The switch is told off for what it does not know; what it tells of itself is kept.
template <typename T>
MessageResult pull_async(In in) {
  constexpr bool kStrict = std::is_same_v<T, SetAsync>;
  constexpr std::uint32_t kKnown[] = {0x3f, 7, 0x3f, 7, 0x18, 3};
  T m;
  while (!in.empty()) {
    const std::size_t offset = in.offset();
    Property property;
    if (const Fault fault = pull_plain_property(in, property)) return fail(*fault, offset);
    const bool known = property.type / 2U < std::size(kKnown);
    const bool experimenter = property.type >= 0xfffe;
    constexpr std::size_t kExperimenterIds = 8;
    if (experimenter && property.body.remaining() < kExperimenterIds)
      return fail(errors::kPropertyBadLen, offset);
    if (kStrict && !known) {
      return fail(experimenter ? errors::kPropertyBadExpType : errors::kAsyncUnsupported, offset);
    }
    const std::uint32_t mask = property.body.be32();
    const bool fits = !property.body.failed() && property.body.empty();
    if (known && !fits) return fail(errors::kPropertyBadLen, offset);
    if (kStrict && (mask & ~kKnown[property.type / 2]) != 0)
      return fail(errors::kAsyncInvalid, offset);
    if (fits) m.masks.push_back({property.type, mask});
  }
  return Message{std::move(m)};
}
MessageResult pull_request_forward(In in) {
  const In start = in;
  const auto header = peek_header(in.peek_rest());
  if (!header || header->length < kHeaderSize || header->length > in.remaining())
    return fail(errors::kBundleBadLen, start);
  if (header->version != kOpenFlow15) return fail(errors::kBadVersion, start);
  const auto forwarded = decode_message(in.peek_rest().first(header->length));
  if (forwarded.has_error())
    return fail(forwarded.error().error, start.offset() + forwarded.error().offset);
  if (!std::holds_alternative<GroupMod>(forwarded->message) &&
      !std::holds_alternative<MeterMod>(forwarded->message))
    return fail(errors::kBundleUnsupported, start);
  return Message{RequestForward{to_bytes(in.rest())}};
}
/// A decoder that returns what it makes: a message, or the one alternative of it.
template <auto kPull>
std::optional<DecodeError> moved(In& in, Message& message) {
  auto value = kPull(in);
  if (value.has_error()) return value.error();
  message = std::move(*value);
  return {};
}
/// The memory of a flow-mod that is there serves the next one.
std::optional<DecodeError> flow_mod_in_place(In& in, Message& message) {
  FlowMod* const held = std::get_if<FlowMod>(&message);
  return pull_flow_mod(in, held != nullptr ? *held : message.emplace<FlowMod>());
}

/// One row a message type: its number, how long its body is, and its decoder.
struct MessageRow {
  std::uint8_t type;
  BodySize size;
  std::optional<DecodeError> (*decode)(In& in, Message& message);
};
constexpr MessageRow kMessages[] = {
    {message_type::kHello, {0, 1}, moved<pull_hello>},
    {message_type::kError, {4, 1}, moved<pull_error>},
    {message_type::kEchoRequest, {0, 1}, moved<pull_data<EchoRequest>>},
    {message_type::kEchoReply, {0, 1}, moved<pull_data<EchoReply>>},
    {message_type::kExperimenter, {4, 1}, moved<pull_experimenter>},
    {message_type::kFeaturesRequest, {0, 0}, moved<pull_empty<FeaturesRequest>>},
    {message_type::kFeaturesReply, {24, 0}, moved<pull_features_reply>},
    {message_type::kGetConfigRequest, {0, 0}, moved<pull_empty<GetConfigRequest>>},
    {message_type::kGetConfigReply, {4, 0}, moved<pull_config<GetConfigReply>>},
    {message_type::kSetConfig, {4, 0}, moved<pull_set_config>},
    {message_type::kPacketIn, {16, 1}, moved<pull_packet_in>},
    {message_type::kFlowRemoved, {16, 8}, moved<pull_flow_removed>},
    {message_type::kPortStatus, {48, 8}, moved<pull_port_status>},
    {message_type::kPacketOut, {8, 1}, moved<pull_packet_out>},
    {message_type::kFlowMod, {40, 8}, flow_mod_in_place},
    {message_type::kGroupMod, {16, 8}, moved<pull_group_mod>},
    {message_type::kPortMod, {24, 8}, moved<pull_port_mod>},
    {message_type::kTableMod, {8, 8}, moved<pull_table_mod>},
    {message_type::kMultipartRequest, {8, 1}, moved<pull_multipart_request>},
    {message_type::kMultipartReply, {8, 1}, moved<pull_multipart_reply>},
    {message_type::kBarrierRequest, {0, 0}, moved<pull_empty<BarrierRequest>>},
    {message_type::kBarrierReply, {0, 0}, moved<pull_empty<BarrierReply>>},
    {message_type::kRoleRequest, {16, 0}, moved<pull_role_message<RoleRequest>>},
    {message_type::kRoleReply, {16, 0}, moved<pull_role_message<RoleReply>>},
    {message_type::kGetAsyncRequest, {0, 0}, moved<pull_empty<GetAsyncRequest>>},
    {message_type::kGetAsyncReply, {0, 8}, moved<pull_async<GetAsyncReply>>},
    {message_type::kSetAsync, {0, 8}, moved<pull_async<SetAsync>>},
    {message_type::kMeterMod, {8, 8}, moved<pull_meter_mod>},
    {message_type::kRoleStatus, {16, 8}, moved<pull_role_status>},
    {message_type::kTableStatus, {8, 8}, moved<pull_table_status>},
    {message_type::kRequestForward, {8, 8}, moved<pull_request_forward>},
    {message_type::kBundleControl, {8, 8}, moved<pull_bundle_control>},
    {message_type::kBundleAdd, {8, 1}, moved<pull_bundle_add>},
};
constexpr auto kMessageIndex = [] {
  std::array<const MessageRow*, 64> index{};
  for (const MessageRow& row : kMessages) index[row.type] = &row;
  return index;
}();

/// HELLO, ERROR and ECHO pass in any version.
bool any_version(std::uint8_t type) { return type <= message_type::kEchoReply; }

}  // namespace

DecodeResult<BundleControl> pull_bundle_control(In in) {
  BundleControl m;
  m.id = in.be32();
  m.command = static_cast<BundleCommand>(in.be16());
  m.flags = in.be16();
  if (in.failed()) return bad_length(in);
  m.properties = to_bytes(in.rest());
  return m;
}

DecodeResult<BundleAdd> pull_bundle_add(In in) {
  BundleAdd m;
  const auto outer_xid = load_be<std::uint32_t>(in.begin() + 4);
  m.id = in.be32();
  in.skip(2);
  m.flags = in.be16();
  const In start = in;
  const auto header = peek_header(in.peek_rest());
  if (!header) return fail(errors::kBundleBadLen, start);
  if (header->version != kOpenFlow15) return fail(errors::kBundleBadVersion, start);
  if (header->length < kHeaderSize || header->length > in.remaining())
    return fail(errors::kBundleBadLen, start);
  if (header->xid != outer_xid) return fail(errors::kBundleBadXid, start);
  m.message = to_bytes(in.take(header->length));
  m.properties = to_bytes(in.rest());
  const bool allowed =
      header->type == message_type::kFlowMod || header->type == message_type::kGroupMod ||
      header->type == message_type::kPortMod || header->type == message_type::kPacketOut;
  const MessageRow* row = allowed ? kMessageIndex[header->type] : nullptr;
  if (row == nullptr || !row->size.fits(m.message.size() - kHeaderSize))
    return fail(errors::kBundleUnsupported, start);
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

namespace {

std::optional<DecodeError> decode(std::span<const std::byte> wire, Decoded& decoded,
                                  DecodeOptions options) {
  using namespace detail;
  const auto header = peek_header(wire);
  if (!header || header->length != wire.size()) return fail(errors::kBadLen, 2);
  In in(wire, options.keep_unknown);
  in.skip(kHeaderSize);
  decoded.xid = header->xid;
  Message& message = decoded.message;
  const bool readable = header->version == kOpenFlow15 || any_version(header->type);
  const MessageRow* row =
      readable && header->type < kMessageIndex.size() ? kMessageIndex[header->type] : nullptr;
  if (row == nullptr) {
    if (readable && !options.keep_unknown) return fail(errors::kBadType, 1);
    message = UnknownMessage{header->version, header->type, to_bytes(in.rest())};
    return {};
  }
  if (!row->size.fits(in.remaining())) return fail(errors::kBadLen, 2);
  if (auto error = row->decode(in, message)) return error;
  if (auto* hello = std::get_if<Hello>(&message)) hello->version = header->version;
  if (auto* error = std::get_if<ErrorMessage>(&message)) error->version = header->version;
  return {};
}

}  // namespace

DecodeResult<Decoded> decode_message(std::span<const std::byte> wire, DecodeOptions options) {
  DecodeResult<Decoded> result(boost::system::in_place_value);
  if (const auto error = decode(wire, *result, options)) result = *error;
  return result;
}

DecodeResult<void> decode_into(std::span<const std::byte> wire, Decoded& decoded,
                               DecodeOptions options) {
  if (const auto error = decode(wire, decoded, options)) return *error;
  return {};
}

}  // namespace antrea::openflow
