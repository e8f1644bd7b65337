#pragma once

#include "wire.h"

// What decoding and encoding of whole messages share.
namespace antrea::openflow::detail {

/// OpenFlow 1.5.1 section 7.1.1.
namespace message_type {
enum Type : std::uint8_t {
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
}  // namespace message_type

/// How long the body of a message, multipart or experimenter message may be.
struct BodySize {
  std::uint16_t fixed = 0;  ///< bytes that are always there
  std::uint16_t unit = 0;   ///< what follows is a multiple of it; 0: nothing follows

  constexpr bool fits(std::size_t size) const {
    if (size < fixed) return false;
    return unit == 0 ? size == fixed : static_cast<std::uint32_t>(size - fixed) % unit == 0;
  }
};

/// What every form of a packet-in starts with.
template <typename PacketInForm>
void pull_packet_head(In& in, PacketInForm& packet) {
  packet.buffer_id = in.be32();
  packet.total_len = in.be16();
  packet.reason = in.u8();
  packet.table = TableId{in.u8()};
  packet.cookie = in.be64();
}

/// Writes a header whose length `end_message` fills in; returns where it starts.
std::size_t begin_message(Out& out, std::uint8_t type, std::uint32_t xid);
/// False, and the message taken back, if it is longer than a message can be.
bool end_message(Out& out, std::size_t start);

// Nicira's and the ONF's messages, behind experimenter and number (nicira_codec.cc).
DecodeResult<Message> pull_experimenter(In in);
void put_packet_in_properties(Out& out, const PacketInProperties& properties);
// Bundles have the same body in both forms (message_decode.cc).
DecodeResult<BundleControl> pull_bundle_control(In in);
DecodeResult<BundleAdd> pull_bundle_add(In in);

// Multiparts, behind the message header (multipart_*.cc).
void put_multipart(Out& out, const MultipartRequest& request);
void put_multipart(Out& out, const MultipartReply& reply);
DecodeResult<Message> pull_multipart_request(In in);
DecodeResult<Message> pull_multipart_reply(In in);

// Ports and tables (port_codec.cc).
void put_port(Out& out, const Port& port);
DecodeResult<Port> pull_port(In& in);
void put_table_desc(Out& out, const TableDesc& desc);
DecodeResult<TableDesc> pull_table_desc(In& in);
void put_table_properties(Out& out, const TableDesc& desc);
std::optional<DecodeError> pull_table_properties(In in, TableDesc& desc, bool table_mod);

}  // namespace antrea::openflow::detail
