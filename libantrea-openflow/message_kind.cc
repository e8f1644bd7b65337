#include "message_kind.h"

#include "nicira_codec.h"
#include "wire.h"

namespace antrea::openflow::detail {
namespace {

constexpr std::uint8_t kExperimenterType = 4;
constexpr std::uint8_t kRequest = 18;
constexpr std::uint8_t kReply = 19;
constexpr std::uint16_t kExperimenterMultipart = 0xffff;

constexpr MessageKind message(std::string_view name, std::uint8_t type, std::uint16_t size,
                              std::uint16_t step) {
  return {name, type, 0, 0, size, step};
}
constexpr MessageKind nicira(std::string_view name, std::uint32_t number, std::uint16_t size,
                             std::uint16_t step) {
  return {name, kExperimenterType, number, kNiciraVendor, size, step};
}
constexpr MessageKind onf(std::string_view name, std::uint32_t number, std::uint16_t size,
                          std::uint16_t step) {
  return {name, kExperimenterType, number, kOnfVendor, size, step};
}
constexpr MessageKind request(std::string_view name, std::uint32_t number, std::uint16_t size,
                              std::uint16_t step) {
  return {name, kRequest, number, 0, size, step};
}
constexpr MessageKind reply(std::string_view name, std::uint32_t number, std::uint16_t size,
                            std::uint16_t step) {
  return {name, kReply, number, 0, size, step};
}

constexpr MessageKind kKinds[] = {
    message("OFPT_HELLO", 0, 0, 1),
    message("OFPT_ERROR", 1, 4, 1),
    message("OFPT_ECHO_REQUEST", 2, 0, 1),
    message("OFPT_ECHO_REPLY", 3, 0, 1),
    message("OFPT_FEATURES_REQUEST", 5, 0, 0),
    message("OFPT_FEATURES_REPLY", 6, 24, 0),
    message("OFPT_GET_CONFIG_REQUEST", 7, 0, 0),
    message("OFPT_GET_CONFIG_REPLY", 8, 4, 0),
    message("OFPT_SET_CONFIG", 9, 4, 0),
    message("OFPT_PACKET_IN", 10, 16, 1),
    message("OFPT_FLOW_REMOVED", 11, 16, 8),
    message("OFPT_PORT_STATUS", 12, 48, 8),
    message("OFPT_PACKET_OUT", 13, 8, 1),
    message("OFPT_FLOW_MOD", 14, 40, 8),
    message("OFPT_GROUP_MOD", 15, 16, 8),
    message("OFPT_PORT_MOD", 16, 24, 8),
    message("OFPT_TABLE_MOD", 17, 8, 8),
    message("OFPT_BARRIER_REQUEST", 20, 0, 0),
    message("OFPT_BARRIER_REPLY", 21, 0, 0),
    message("OFPT_ROLE_REQUEST", 24, 16, 0),
    message("OFPT_ROLE_REPLY", 25, 16, 0),
    message("OFPT_GET_ASYNC_REQUEST", 26, 0, 0),
    message("OFPT_GET_ASYNC_REPLY", 27, 0, 8),
    message("OFPT_SET_ASYNC", 28, 0, 8),
    message("OFPT_METER_MOD", 29, 8, 8),
    message("OFPT_ROLE_STATUS", 30, 16, 8),
    message("OFPT_TABLE_STATUS", 31, 8, 8),
    message("OFPT_REQUESTFORWARD", 32, 8, 8),
    message("OFPT_BUNDLE_CONTROL", 33, 8, 8),
    message("OFPT_BUNDLE_ADD_MESSAGE", 34, 8, 1),

    nicira("NXT_ROLE_REQUEST", kNxtRoleRequest, 4, 0),
    nicira("NXT_ROLE_REPLY", kNxtRoleReply, 4, 0),
    nicira("NXT_FLOW_MOD", kNxtFlowMod, 32, 8),
    nicira("NXT_FLOW_REMOVED", kNxtFlowRemoved, 40, 8),
    nicira("NXT_FLOW_MOD_TABLE_ID", kNxtFlowModTableId, 8, 0),
    nicira("NXT_SET_PACKET_IN_FORMAT", kNxtSetPacketInFormat, 4, 0),
    nicira("NXT_PACKET_IN", kNxtPacketIn, 24, 1),
    nicira("NXT_FLOW_AGE", kNxtFlowAge, 0, 0),
    nicira("NXT_SET_ASYNC_CONFIG", kNxtSetAsyncConfig, 24, 0),
    nicira("NXT_SET_CONTROLLER_ID", kNxtSetControllerId, 8, 0),
    nicira("NXT_TLV_TABLE_MOD", kNxtTlvTableMod, 8, 8),
    nicira("NXT_TLV_TABLE_REQUEST", kNxtTlvTableRequest, 0, 0),
    nicira("NXT_TLV_TABLE_REPLY", kNxtTlvTableReply, 16, 8),
    nicira("NXT_RESUME", kNxtResume, 0, 8),
    nicira("NXT_CT_FLUSH_ZONE", kNxtCtFlushZone, 8, 0),
    nicira("NXT_PACKET_IN2", kNxtPacketIn2, 0, 8),
    nicira("NXT_CT_FLUSH", kNxtCtFlush, 8, 8),
    onf("ONFT_BUNDLE_CONTROL", kOnfBundleControl, 8, 8),
    onf("ONFT_BUNDLE_ADD_MESSAGE", kOnfBundleAdd, 8, 1),

    request("OFPST_DESC", 0, 0, 0),
    reply("OFPST_DESC", 0, 1056, 0),
    request("OFPST_FLOW", 1, 32, 8),
    reply("OFPST_FLOW", 1, 0, 1),
    request("OFPST_AGGREGATE", 2, 32, 8),
    reply("OFPST_AGGREGATE", 2, 0, 1),
    request("OFPST_TABLE", 3, 0, 0),
    reply("OFPST_TABLE", 3, 0, 24),
    request("OFPST_PORT", 4, 8, 0),
    reply("OFPST_PORT", 4, 0, 8),
    request("OFPST_QUEUE", 5, 8, 0),
    reply("OFPST_QUEUE", 5, 0, 8),
    request("OFPST_GROUP", 6, 8, 0),
    reply("OFPST_GROUP", 6, 0, 8),
    request("OFPST_GROUP_DESC", 7, 8, 0),
    reply("OFPST_GROUP_DESC", 7, 0, 8),
    request("OFPST_GROUP_FEATURES", 8, 0, 0),
    reply("OFPST_GROUP_FEATURES", 8, 40, 0),
    request("OFPST_METER", 9, 8, 0),
    reply("OFPST_METER", 9, 0, 8),
    request("OFPST_METER_CONFIG", 10, 8, 0),
    reply("OFPST_METER_CONFIG", 10, 0, 8),
    request("OFPST_METER_FEATURES", 11, 0, 0),
    reply("OFPST_METER_FEATURES", 11, 16, 0),
    request("OFPST_TABLE_FEATURES", 12, 0, 8),
    reply("OFPST_TABLE_FEATURES", 12, 64, 8),
    request("OFPST_PORT_DESC", 13, 8, 0),
    reply("OFPST_PORT_DESC", 13, 0, 8),
    request("OFPST_TABLE_DESC", 14, 0, 0),
    reply("OFPST_TABLE_DESC", 14, 8, 8),
    request("OFPST_QUEUE_DESC", 15, 8, 0),
    reply("OFPST_QUEUE_DESC", 15, 0, 8),
    request("OFPST_FLOW_MONITOR", 16, 0, 8),
    reply("OFPST_FLOW_MONITOR", 16, 0, 8),
    {"NXST_IPFIX_BRIDGE", kRequest, 3, kNiciraVendor, 0, 0},
    {"NXST_IPFIX_BRIDGE", kReply, 3, kNiciraVendor, 88, 0},
    {"NXST_IPFIX_FLOW", kRequest, 4, kNiciraVendor, 0, 0},
    {"NXST_IPFIX_FLOW", kReply, 4, kNiciraVendor, 0, 88},
};

/// What the headers say, and how long they are.
struct Headers {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint32_t number = 0;
  std::uint32_t experimenter = 0;
  std::size_t size = 0;
  bool multipart = false;
};

DecodeResult<Headers> read_headers(std::span<const std::byte> wire) {
  In in(wire);
  Headers headers;
  headers.version = in.u8();
  headers.type = in.u8();
  in.skip(6);
  if (headers.type == kExperimenterType) {
    headers.experimenter = in.be32();
    headers.number = in.be32();
  } else if (headers.version > 1 && (headers.type == kRequest || headers.type == kReply)) {
    headers.multipart = true;
    headers.number = in.be16();
    in.skip(6);
    if (headers.number == kExperimenterMultipart && !in.failed()) {
      headers.experimenter = in.be32();
      headers.number = in.be32();
    }
  }
  if (in.failed()) return fail(errors::kBadLen, in);
  const bool known = headers.experimenter == kNiciraVendor || headers.experimenter == kOnfVendor;
  if ((headers.type == kExperimenterType || headers.experimenter != 0) && !known)
    return fail(errors::kBadVendor, 8);
  headers.size = in.offset();
  return headers;
}

/// Numbers of other versions are those of 1.5 as far as the kinds are the same.
bool in_version(const MessageKind& kind, std::uint8_t version) {
  if (version == kOpenFlow15 || kind.type <= 3) return true;
  if (version == 0 || version > kOpenFlow15) return false;
  return kind.type <= 14 || (version > 1 && kind.type <= 29);
}

const MessageKind* find_row(const Headers& headers) {
  for (const MessageKind& kind : kKinds)
    if (kind.type == headers.type && kind.number == headers.number &&
        kind.experimenter == headers.experimenter && in_version(kind, headers.version))
      return &kind;
  return nullptr;
}

}  // namespace

DecodeResult<const MessageKind*> find_kind(std::span<const std::byte> wire) {
  const auto headers = read_headers(wire);
  if (headers.has_error()) return headers.error();
  const MessageKind* kind = find_row(*headers);
  if (kind == nullptr)
    return fail(headers->experimenter != 0 ? errors::kBadSubtype
                : headers->multipart       ? errors::kBadStat
                                           : errors::kBadType,
                1);
  // The sizes are those of 1.5; the first types are the same in all versions.
  if (headers->version != kOpenFlow15 && kind->type > 3) return kind;
  const std::size_t body = wire.size() - headers->size;
  const bool fits = body >= kind->size &&
                    (kind->step == 0 ? body == kind->size : (body - kind->size) % kind->step == 0);
  if (!fits) return fail(errors::kBadLen, 2);
  return kind;
}

bool kind_known(std::span<const std::byte> wire) {
  const auto headers = read_headers(wire);
  return headers.has_value() && find_row(*headers) != nullptr;
}

std::string kind_name(std::span<const std::byte> wire) {
  const std::uint8_t type = wire.size() > 1 ? std::to_integer<std::uint8_t>(wire[1]) : 0;
  const auto headers = read_headers(wire);
  if (headers.has_value())
    if (const MessageKind* kind = find_row(*headers))
      return std::string(kind->name) + (type == kRequest ? " request"
                                        : type == kReply ? " reply"
                                                         : "");
  switch (type) {
    case kExperimenterType:
      return "OFPT_EXPERIMENTER";
    case kRequest:
      return "OFPT_MULTIPART_REQUEST";
    case kReply:
      return "OFPT_MULTIPART_REPLY";
    default:
      return "type " + std::to_string(type);
  }
}

}  // namespace antrea::openflow::detail
