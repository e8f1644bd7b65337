#include <algorithm>
#include <utility>

#include "action_codec.h"
#include "antrea/openflow/codec.h"
#include "message_codec.h"
#include "nicira_codec.h"

namespace antrea::openflow {
namespace detail {
namespace {

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
    return message_type::kHello;
  }
  std::uint8_t operator()(const ErrorMessage& m) {
    out.be16(m.error.type);
    out.be16(m.error.code);
    if (m.error.type == 0xffff) out.be32(m.error.experimenter);
    out.bytes(m.data);
    return message_type::kError;
  }
  std::uint8_t operator()(const EchoRequest& m) {
    return out.bytes(m.data), message_type::kEchoRequest;
  }
  std::uint8_t operator()(const EchoReply& m) {
    return out.bytes(m.data), message_type::kEchoReply;
  }
  std::uint8_t operator()(const FeaturesRequest&) { return message_type::kFeaturesRequest; }
  std::uint8_t operator()(const FeaturesReply& m) {
    out.be64(m.datapath_id);
    out.be32(m.buffers);
    out.u8(m.tables);
    out.u8(m.auxiliary_id);
    out.be16(0);
    out.be32(m.capabilities);
    out.be32(m.reserved);
    return message_type::kFeaturesReply;
  }
  std::uint8_t operator()(const GetConfigRequest&) { return message_type::kGetConfigRequest; }
  std::uint8_t operator()(const GetConfigReply& m) {
    return words(m.flags, m.miss_send_len), message_type::kGetConfigReply;
  }
  std::uint8_t operator()(const SetConfig& m) {
    return words(m.flags, m.miss_send_len), message_type::kSetConfig;
  }
  std::uint8_t operator()(const PacketIn& m) {
    out.be32(m.buffer_id);
    out.be16(m.total_len);
    out.u8(m.reason);
    out.u8(m.table.value);
    out.be64(m.cookie);
    put_kept_match(m.metadata, m.metadata_fields);
    out.be16(0);
    out.bytes(m.packet);
    return message_type::kPacketIn;
  }
  std::uint8_t operator()(const PacketIn2& m) {
    return experimenter(kNiciraVendor, kNxtPacketIn2), put_packet_in_properties(out, m),
           message_type::kExperimenter;
  }
  std::uint8_t operator()(const Resume& m) {
    return experimenter(kNiciraVendor, kNxtResume), put_packet_in_properties(out, m),
           message_type::kExperimenter;
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
    return message_type::kPacketOut;
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
    return message_type::kFlowRemoved;
  }
  std::uint8_t operator()(const PortStatus& m) {
    out.u8(static_cast<std::uint8_t>(m.reason));
    out.zeros(7);
    put_port(out, m.port);
    return message_type::kPortStatus;
  }
  std::uint8_t operator()(const FlowMod& m) {
    return put_flow_mod_body(out, m), message_type::kFlowMod;
  }
  std::uint8_t operator()(const GroupMod& m) {
    return put_group_mod_body(out, m), message_type::kGroupMod;
  }
  std::uint8_t operator()(const MeterMod& m) {
    return put_meter_mod_body(out, m), message_type::kMeterMod;
  }
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
    return message_type::kPortMod;
  }
  std::uint8_t operator()(const TableMod& m) {
    out.u8(m.desc.table.value);
    out.zeros(3);
    out.be32(m.desc.config);
    put_table_properties(out, m.desc);
    return message_type::kTableMod;
  }
  std::uint8_t operator()(const TableStatus& m) {
    out.u8(m.reason);
    out.zeros(7);
    put_table_desc(out, m.desc);
    return message_type::kTableStatus;
  }
  std::uint8_t operator()(const MultipartRequest& m) {
    return put_multipart(out, m), message_type::kMultipartRequest;
  }
  std::uint8_t operator()(const MultipartReply& m) {
    return put_multipart(out, m), message_type::kMultipartReply;
  }
  std::uint8_t operator()(const BarrierRequest&) { return message_type::kBarrierRequest; }
  std::uint8_t operator()(const BarrierReply&) { return message_type::kBarrierReply; }
  std::uint8_t operator()(const RoleRequest& m) { return role(m), message_type::kRoleRequest; }
  std::uint8_t operator()(const RoleReply& m) { return role(m), message_type::kRoleReply; }
  std::uint8_t operator()(const RoleStatus& m) {
    out.be32(static_cast<std::uint32_t>(m.role));
    out.u8(m.reason);
    out.zeros(3);
    out.be64(m.generation_id);
    return message_type::kRoleStatus;
  }
  std::uint8_t operator()(const GetAsyncRequest&) { return message_type::kGetAsyncRequest; }
  std::uint8_t operator()(const GetAsyncReply& m) { return async(m), message_type::kGetAsyncReply; }
  std::uint8_t operator()(const SetAsync& m) { return async(m), message_type::kSetAsync; }
  std::uint8_t operator()(const BundleControl& m) {
    if (m.onf) experimenter(kOnfVendor, kOnfBundleControl);
    put_bundle(out, m);
    return m.onf ? message_type::kExperimenter : message_type::kBundleControl;
  }
  std::uint8_t operator()(const BundleAdd& m) {
    if (m.onf) experimenter(kOnfVendor, kOnfBundleAdd);
    put_bundle(out, m);
    return m.onf ? message_type::kExperimenter : message_type::kBundleAdd;
  }
  std::uint8_t operator()(const RequestForward& m) {
    return out.bytes(m.message), message_type::kRequestForward;
  }
  std::uint8_t operator()(const NxRole& m) {
    return nicira(m.reply ? kNxtRoleReply : kNxtRoleRequest, m);
  }
  std::uint8_t operator()(const NxFlowModTableId& m) { return nicira(kNxtFlowModTableId, m); }
  std::uint8_t operator()(const NxSetPacketInFormat& m) { return nicira(kNxtSetPacketInFormat, m); }
  std::uint8_t operator()(const NxSetAsyncConfig& m) { return nicira(kNxtSetAsyncConfig, m); }
  std::uint8_t operator()(const NxSetControllerId& m) { return nicira(kNxtSetControllerId, m); }
  std::uint8_t operator()(const NxTlvTableMod& m) { return nicira(kNxtTlvTableMod, m); }
  std::uint8_t operator()(const NxTlvTableRequest&) {
    return experimenter(kNiciraVendor, kNxtTlvTableRequest), message_type::kExperimenter;
  }
  std::uint8_t operator()(const NxTlvTableReply& m) { return nicira(kNxtTlvTableReply, m); }
  std::uint8_t operator()(const NxCtFlushZone& m) { return nicira(kNxtCtFlushZone, m); }
  std::uint8_t operator()(const NxCtFlush& m) { return nicira(kNxtCtFlush, m); }
  std::uint8_t operator()(const NxFlowAge&) {
    return experimenter(kNiciraVendor, kNxtFlowAge), message_type::kExperimenter;
  }
  std::uint8_t operator()(const NxPacketIn& m) { return nicira(kNxtPacketIn, m); }
  std::uint8_t operator()(const NxFlowRemoved& m) { return nicira(kNxtFlowRemoved, m); }
  std::uint8_t operator()(const NxFlowMod& m) { return nicira(kNxtFlowMod, m); }
  std::uint8_t operator()(const Experimenter& m) {
    experimenter(m.experimenter, m.type);
    out.bytes(m.data);
    return message_type::kExperimenter;
  }
  std::uint8_t operator()(const UnknownMessage& m) { return out.bytes(m.body), m.type; }

 private:
  void put_kept_match(const Match& match, const Bytes& raw) {
    const std::size_t start = out.size();
    out.be32(0x00010000);
    put_kept_fields(out, match, raw);
    out.patch16(start + 2, out.size() - start);
    out.pad_from(start);
  }
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
    return message_type::kExperimenter;
  }
};

/// The version in the header.
std::uint8_t version_of(const Message& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) return hello->version;
  if (const auto* error = std::get_if<ErrorMessage>(&message)) return error->version;
  if (const auto* unknown = std::get_if<UnknownMessage>(&message)) return unknown->version;
  return kOpenFlow15;
}

}  // namespace

std::size_t begin_message(Out& out, std::uint8_t type, std::uint32_t xid) {
  const std::size_t start = out.size();
  std::byte* at = out.put<kHeaderSize>();
  at[0] = std::byte{kOpenFlow15};
  at[1] = std::byte{type};
  store_be(at + 4, xid);
  return start;
}

bool end_message(Out& out, std::size_t start) {
  const std::size_t size = out.size() - start;
  if (size > kMaxMessageSize) {
    out.truncate(start);
    return false;
  }
  out.patch16(start + 2, size);
  return true;
}

namespace {

bool put_any(Out& out, std::uint32_t xid, const Message& message) {
  const std::size_t start = begin_message(out, 0, xid);
  const std::uint8_t type = std::visit(BodyWriter{out}, message);
  out.patch8(start, version_of(message));
  out.patch8(start + 1, type);
  return end_message(out, start);
}

bool put_flow_mod(Out& out, std::uint32_t xid, const Flow& flow, FlowCommand command) {
  const std::size_t start = begin_message(out, message_type::kFlowMod, xid);
  put_flow_mod_body(out, flow, command);
  return end_message(out, start);
}

/// A bundle's ADD around what `put` writes.
template <typename Put>
bool put_bundle_add(Out& out, std::uint32_t bundle, std::uint16_t flags, std::uint32_t xid,
                    Put put) {
  const std::size_t start = begin_message(out, message_type::kBundleAdd, xid);
  out.be32(bundle);
  out.be32(flags);
  if (!put()) {
    out.truncate(start);
    return false;
  }
  return end_message(out, start);
}

/// What `room` took; absent if it is too small. A message that fits, though not what its writing
/// may take beyond its end, was written elsewhere and is brought back.
std::optional<std::size_t> written(const Out& out, bool whole, std::span<std::byte> room) {
  if (!whole || out.size() > room.size()) return {};
  const auto bytes = out.since(0);
  if (out.overflowed()) std::copy(bytes.begin(), bytes.end(), room.begin());
  return bytes.size();
}

}  // namespace
}  // namespace detail

bool encode(std::uint32_t xid, const Message& message, std::vector<std::byte>& out) {
  detail::Out writer(out);
  return detail::put_any(writer, xid, message);
}

std::optional<std::size_t> encode(std::uint32_t xid, const Message& message,
                                  std::span<std::byte> room) {
  detail::Out writer(room);
  const bool whole = detail::put_any(writer, xid, message);
  return detail::written(writer, whole, room);
}

bool encode_flow_mod(const Flow& flow, FlowCommand command, std::uint32_t xid,
                     std::vector<std::byte>& out) {
  detail::Out writer(out);
  return detail::put_flow_mod(writer, xid, flow, command);
}

std::optional<std::size_t> encode_flow_mod(const Flow& flow, FlowCommand command, std::uint32_t xid,
                                           std::span<std::byte> room) {
  detail::Out writer(room);
  const bool whole = detail::put_flow_mod(writer, xid, flow, command);
  return detail::written(writer, whole, room);
}

bool encode_bundle_add_flow_mod(std::uint32_t bundle, std::uint16_t bundle_flags, const Flow& flow,
                                FlowCommand command, std::uint32_t xid,
                                std::vector<std::byte>& out) {
  detail::Out writer(out);
  return detail::put_bundle_add(writer, bundle, bundle_flags, xid,
                                [&] { return detail::put_flow_mod(writer, xid, flow, command); });
}

bool encode_bundle_add(std::uint32_t bundle, std::uint16_t bundle_flags, std::uint32_t xid,
                       const Message& message, std::vector<std::byte>& out) {
  detail::Out writer(out);
  return detail::put_bundle_add(writer, bundle, bundle_flags, xid,
                                [&] { return detail::put_any(writer, xid, message); });
}

}  // namespace antrea::openflow
