#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "antrea/openflow/flow.h"
#include "antrea/openflow/group.h"
#include "antrea/openflow/meter.h"
#include "antrea/openflow/multipart.h"

namespace antrea::openflow {

inline constexpr std::uint8_t kOpenFlow15 = 6;
inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kMaxMessageSize = 65535;
inline constexpr std::uint32_t kNiciraVendor = 0x00002320;

/// OFPT_HELLO. Without a bitmap the peer takes every version up to the one in the header.
struct Hello {
  std::uint8_t version = kOpenFlow15;  ///< of the header: the highest one allowed
  std::optional<std::uint32_t> version_bitmap = 1U << kOpenFlow15;  ///< bit n: version n
  RawProperties other_elements;
  friend bool operator==(const Hello&, const Hello&) = default;
};
/// OFPT_ERROR
struct ErrorMessage {
  OfError error;
  Bytes data;  ///< the refused message or its beginning; text for HELLO_FAILED
  std::uint8_t version =
      kOpenFlow15;  ///< of the header; one of a foreign version answers no request
  friend bool operator==(const ErrorMessage&, const ErrorMessage&) = default;
};
struct EchoRequest {
  Bytes data;
  friend bool operator==(const EchoRequest&, const EchoRequest&) = default;
};
struct EchoReply {
  Bytes data;
  friend bool operator==(const EchoReply&, const EchoReply&) = default;
};
struct FeaturesRequest {
  friend bool operator==(const FeaturesRequest&, const FeaturesRequest&) = default;
};
struct FeaturesReply {
  std::uint64_t datapath_id = 0;
  std::uint32_t buffers = 0;
  std::uint8_t tables = 0;
  std::uint8_t auxiliary_id = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t reserved = 0;
  friend bool operator==(const FeaturesReply&, const FeaturesReply&) = default;
};
struct GetConfigRequest {
  friend bool operator==(const GetConfigRequest&, const GetConfigRequest&) = default;
};
/// Flags: 0 normal, 1 drop, 2 reassemble fragments, 3 NX_MATCH.
struct GetConfigReply {
  std::uint16_t flags = 0;
  std::uint16_t miss_send_len = 0;
  friend bool operator==(const GetConfigReply&, const GetConfigReply&) = default;
};
/// A nonzero miss_send_len makes a service connection receive asynchronous messages.
struct SetConfig {
  std::uint16_t flags = 0;
  std::uint16_t miss_send_len = 0xffff;
  friend bool operator==(const SetConfig&, const SetConfig&) = default;
};
/// OFPT_PACKET_IN
struct PacketIn {
  std::uint32_t buffer_id = 0xffffffff;
  std::uint16_t total_len = 0;
  std::uint8_t reason = 0;
  TableId table;
  std::uint64_t cookie = 0;
  Match metadata;
  Bytes packet;
  Bytes metadata_fields;  ///< as in `PacketInProperties`
  friend bool operator==(const PacketIn&, const PacketIn&) = default;
};
/// The properties of NXT_PACKET_IN2 and NXT_RESUME; a resume sends them back, packet and metadata
/// changed as wanted.
struct PacketInProperties {
  Bytes packet;
  std::optional<std::uint32_t> full_len;  ///< present if the packet was cut
  std::optional<std::uint32_t> buffer_id;
  std::optional<TableId> table;
  std::optional<std::uint64_t> cookie;
  std::optional<std::uint8_t> reason;
  std::optional<Match> metadata;  ///< in_port, registers, tunnel, conntrack state
  /// The fields of `metadata` as they came, where they are not in the usual form or some are not
  /// known; written again as long as `metadata` says the same.
  Bytes metadata_fields;
  Bytes userdata;
  std::optional<Bytes> continuation;  ///< opaque; present if the packet waits for a resume
  RawProperties other_properties;
  PropertyOrder order;  ///< of the property types, where a peer's is not the usual one
  friend bool operator==(const PacketInProperties&, const PacketInProperties&) = default;
};
struct PacketIn2 : PacketInProperties {};
struct Resume : PacketInProperties {};
/// OFPT_PACKET_OUT; the match holds in_port and what pipeline fields the packet starts with.
struct PacketOut {
  std::uint32_t buffer_id = 0xffffffff;
  Match match;
  Actions actions;
  Bytes packet;
  friend bool operator==(const PacketOut&, const PacketOut&) = default;
};
/// OFPT_FLOW_REMOVED. Reasons: 0 idle, 1 hard, 2 delete, 3 group_delete, 4 meter_delete, 5
/// eviction.
struct FlowRemoved {
  TableId table;
  std::uint8_t reason = 0;
  std::uint16_t priority = 0;
  std::uint16_t idle_timeout = 0;
  std::uint16_t hard_timeout = 0;
  std::uint64_t cookie = 0;
  Match match;
  FlowStatistics statistics;
  friend bool operator==(const FlowRemoved&, const FlowRemoved&) = default;
};
/// OFPT_PORT_STATUS
struct PortStatus {
  enum class Reason : std::uint8_t { kAdd = 0, kDelete = 1, kModify = 2 };
  Reason reason = Reason::kAdd;
  Port port;
  friend bool operator==(const PortStatus&, const PortStatus&) = default;
};
/// OFPT_PORT_MOD; must repeat the port's address.
struct PortMod {
  PortNo port;
  MacAddress hw_addr;
  std::uint32_t config = 0;
  std::uint32_t mask = 0;
  std::optional<std::uint32_t> advertise;
  RawProperties other_properties;
  friend bool operator==(const PortMod&, const PortMod&) = default;
};
struct TableMod {
  TableDesc desc;
  friend bool operator==(const TableMod&, const TableMod&) = default;
};
struct TableStatus {
  std::uint8_t reason = 0;  ///< 3 vacancy down, 4 vacancy up
  TableDesc desc;
  friend bool operator==(const TableStatus&, const TableStatus&) = default;
};
struct BarrierRequest {
  friend bool operator==(const BarrierRequest&, const BarrierRequest&) = default;
};
struct BarrierReply {
  friend bool operator==(const BarrierReply&, const BarrierReply&) = default;
};
enum class Role : std::uint32_t { kNoChange = 0, kEqual = 1, kPrimary = 2, kSecondary = 3 };
struct RoleRequest {
  Role role = Role::kNoChange;
  std::uint32_t short_id = 0;
  std::uint64_t generation_id = 0;
  friend bool operator==(const RoleRequest&, const RoleRequest&) = default;
};
struct RoleReply {
  Role role = Role::kNoChange;
  std::uint32_t short_id = 0;
  std::uint64_t generation_id = 0;
  friend bool operator==(const RoleReply&, const RoleReply&) = default;
};
struct RoleStatus {
  Role role = Role::kNoChange;
  std::uint8_t reason = 0;  ///< 0 another became primary, 1 config, 2 experimenter
  std::uint64_t generation_id = 0;
  friend bool operator==(const RoleStatus&, const RoleStatus&) = default;
};
/// Which events are sent; property types as in OpenFlow 1.5.1 section 7.3.10: even for secondary,
/// odd for primary connections, 1 packet-in, 3 port-status, 5 flow-removed, 7 role-status, 9
/// table-status, 11 requestforward.
struct AsyncConfig {
  struct Mask {
    std::uint16_t type = 0;
    std::uint32_t mask = 0;
    friend bool operator==(const Mask&, const Mask&) = default;
  };
  std::vector<Mask> masks;
  friend bool operator==(const AsyncConfig&, const AsyncConfig&) = default;
};
struct GetAsyncRequest {
  friend bool operator==(const GetAsyncRequest&, const GetAsyncRequest&) = default;
};
struct GetAsyncReply : AsyncConfig {};
struct SetAsync : AsyncConfig {};

enum class BundleCommand : std::uint16_t {
  kOpenRequest = 0,
  kOpenReply = 1,
  kCloseRequest = 2,
  kCloseReply = 3,
  kCommitRequest = 4,
  kCommitReply = 5,
  kDiscardRequest = 6,
  kDiscardReply = 7,
};
namespace bundle_flags {
inline constexpr std::uint16_t kAtomic = 1, kOrdered = 2;
}
/// OFPT_BUNDLE_CONTROL
struct BundleControl {
  std::uint32_t id = 0;
  BundleCommand command = BundleCommand::kOpenRequest;
  std::uint16_t flags = bundle_flags::kAtomic | bundle_flags::kOrdered;
  RawProperties properties;
  bool onf = false;  ///< in the form of the ONF extension (experimenter 0x4f4e4600)
  friend bool operator==(const BundleControl&, const BundleControl&) = default;
};
/// OFPT_BUNDLE_ADD_MESSAGE with the bytes of a whole message, whose xid is that of this one.
struct BundleAdd {
  std::uint32_t id = 0;
  std::uint16_t flags = bundle_flags::kAtomic | bundle_flags::kOrdered;
  Bytes message;
  RawProperties properties;  ///< what stands behind the message, padding included
  bool onf = false;
  friend bool operator==(const BundleAdd&, const BundleAdd&) = default;
};
/// OFPT_REQUESTFORWARD: another controller's group_mod or meter_mod, header included.
struct RequestForward {
  Bytes message;
  friend bool operator==(const RequestForward&, const RequestForward&) = default;
};

// Nicira messages.

struct NxRole {
  std::uint32_t role = 0;  ///< 0 other, 1 primary, 2 secondary
  bool reply = false;
  friend bool operator==(const NxRole&, const NxRole&) = default;
};
struct NxFlowModTableId {
  bool enable = false;
  friend bool operator==(const NxFlowModTableId&, const NxFlowModTableId&) = default;
};
/// 0 standard, 1 NXT_PACKET_IN, 2 NXT_PACKET_IN2.
struct NxSetPacketInFormat {
  std::uint32_t format = 2;
  friend bool operator==(const NxSetPacketInFormat&, const NxSetPacketInFormat&) = default;
};
/// Masks of primary and secondary connections.
struct NxSetAsyncConfig {
  std::array<std::uint32_t, 2> packet_in{}, port_status{}, flow_removed{};
  friend bool operator==(const NxSetAsyncConfig&, const NxSetAsyncConfig&) = default;
};
struct NxSetControllerId {
  std::uint16_t id = 0;
  friend bool operator==(const NxSetControllerId&, const NxSetControllerId&) = default;
};
struct TlvMap {
  std::uint16_t option_class = 0;
  std::uint8_t option_type = 0;
  std::uint8_t option_length = 0;  ///< bytes: 4 to 124 in steps of 4
  std::uint16_t index = 0;         ///< of tun_metadata
  friend bool operator==(const TlvMap&, const TlvMap&) = default;
};
struct NxTlvTableMod {
  enum class Command : std::uint16_t { kAdd = 0, kDelete = 1, kClear = 2 };
  Command command = Command::kAdd;
  std::vector<TlvMap> maps;
  friend bool operator==(const NxTlvTableMod&, const NxTlvTableMod&) = default;
};
struct NxTlvTableRequest {
  friend bool operator==(const NxTlvTableRequest&, const NxTlvTableRequest&) = default;
};
struct NxTlvTableReply {
  std::uint32_t max_space = 0;
  std::uint16_t max_fields = 0;
  std::vector<TlvMap> maps;
  friend bool operator==(const NxTlvTableReply&, const NxTlvTableReply&) = default;
};
struct NxCtFlushZone {
  std::uint16_t zone = 0;
  friend bool operator==(const NxCtFlushZone&, const NxCtFlushZone&) = default;
};
/// One direction of the connections to flush; what is absent is not compared.
struct CtTuple {
  std::optional<IpAddress> src, dst;
  std::optional<std::uint16_t> src_port, dst_port;
  std::optional<std::uint16_t> icmp_id;
  std::optional<std::uint8_t> icmp_type, icmp_code;
  PropertyOrder order;  ///< of the property types, where a peer's is not the usual one
  bool empty() const { return *this == CtTuple{}; }
  friend bool operator==(const CtTuple&, const CtTuple&) = default;
};
struct NxCtFlush {
  std::uint8_t ip_proto = 0;
  std::optional<CtTuple> original;
  std::optional<CtTuple> reply;
  std::optional<std::uint16_t> zone;
  std::optional<std::uint32_t> mark, mark_mask;
  std::optional<FieldValue> labels, labels_mask;
  PropertyOrder order;  ///< of the property types, where a peer's is not the usual one
  friend bool operator==(const NxCtFlush&, const NxCtFlush&) = default;
};
/// NXT_FLOW_AGE: no body, no effect.
struct NxFlowAge {
  friend bool operator==(const NxFlowAge&, const NxFlowAge&) = default;
};
/// NXT_PACKET_IN: the form of packet-in before OpenFlow 1.3, which a client may still ask for.
struct NxPacketIn {
  std::uint32_t buffer_id = 0xffffffff;
  std::uint16_t total_len = 0;
  std::uint8_t reason = 0;
  TableId table;
  std::uint64_t cookie = 0;
  Match metadata;
  Bytes metadata_fields;  ///< as in `PacketInProperties`
  Bytes packet;
  friend bool operator==(const NxPacketIn&, const NxPacketIn&) = default;
};
/// NXT_FLOW_REMOVED: the form of flow-removed before OpenFlow 1.1.
struct NxFlowRemoved {
  std::uint64_t cookie = 0;
  std::uint16_t priority = 0;
  std::uint8_t reason = 0;
  std::optional<TableId> table;  ///< absent if the peer does not tell
  FlowStatistics::Duration duration;
  std::uint16_t idle_timeout = 0;
  Match match;
  Bytes match_fields;  ///< as `PacketInProperties::metadata_fields`
  std::uint64_t packets = 0, bytes = 0;
  friend bool operator==(const NxFlowRemoved&, const NxFlowRemoved&) = default;
};
/// NXT_FLOW_MOD: the form of flow-mod that Nicira gave OpenFlow 1.0, which Open vSwitch takes in
/// every version.
struct NxFlowMod {
  /// Modify and delete: its `flow.cookie` and `cookie_mask` choose the flows (NXM_NX_COOKIE). It
  /// has no group to look for and no importance.
  FlowMod mod;
  /// Add and modify: the cookie that the flows get; all ones in modify: they keep theirs.
  std::uint64_t new_cookie = 0;
  Bytes match_fields;  ///< as `PacketInProperties::metadata_fields`, NXM_NX_COOKIE included
  friend bool operator==(const NxFlowMod&, const NxFlowMod&) = default;
};
/// An experimenter message without a struct of its own.
struct Experimenter {
  std::uint32_t experimenter = 0;
  std::uint32_t type = 0;
  Bytes data;
  friend bool operator==(const Experimenter&, const Experimenter&) = default;
};
/// A message of another version, or of a type this library does not know, without its header.
struct UnknownMessage {
  std::uint8_t version = kOpenFlow15;
  std::uint8_t type = 0;
  Bytes body;
  friend bool operator==(const UnknownMessage&, const UnknownMessage&) = default;
};

using Message =
    std::variant<Hello, ErrorMessage, EchoRequest, EchoReply, FeaturesRequest, FeaturesReply,
                 GetConfigRequest, GetConfigReply, SetConfig, PacketIn, PacketIn2, Resume,
                 PacketOut, FlowRemoved, PortStatus, FlowMod, GroupMod, MeterMod, PortMod, TableMod,
                 TableStatus, MultipartRequest, MultipartReply, BarrierRequest, BarrierReply,
                 RoleRequest, RoleReply, RoleStatus, GetAsyncRequest, GetAsyncReply, SetAsync,
                 BundleControl, BundleAdd, RequestForward, NxRole, NxFlowModTableId,
                 NxSetPacketInFormat, NxSetAsyncConfig, NxSetControllerId, NxTlvTableMod,
                 NxTlvTableRequest, NxTlvTableReply, NxCtFlushZone, NxCtFlush, NxFlowAge,
                 NxPacketIn, NxFlowRemoved, NxFlowMod, Experimenter, UnknownMessage>;

/// "OFPT_FLOW_MOD", "OFPST_PORT_DESC reply", "NXT_PACKET_IN2".
ANTREA_API std::string message_name(const Message& message);

}  // namespace antrea::openflow
