#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "antrea/openflow/flow.h"
#include "antrea/openflow/group.h"
#include "antrea/openflow/meter.h"

namespace antrea::openflow {

using Bytes = std::vector<std::byte>;

/// A port as PORT_STATUS and port desc describe it (OpenFlow 1.5.1 section 7.2.1).
struct Port {
  struct Ethernet {
    std::uint32_t current = 0, advertised = 0, supported = 0, peer = 0;
    std::uint32_t current_speed = 0, max_speed = 0;  ///< kbit/s
    friend bool operator==(const Ethernet&, const Ethernet&) = default;
  };
  PortNo number;
  MacAddress hw_addr;
  std::string name;          ///< cut to 15 bytes by the switch
  std::uint32_t config = 0;  ///< 1 down, 4 no_recv, 0x20 no_fwd, 0x40 no_packet_in
  std::uint32_t state = 0;   ///< 1 link_down, 2 blocked, 4 live
  std::optional<Ethernet> ethernet;
  RawProperties other_properties;
  friend bool operator==(const Port&, const Port&) = default;
};

struct TableDesc {
  struct Vacancy {
    std::uint8_t down = 0, up = 0, current = 0;  ///< percent
    friend bool operator==(const Vacancy&, const Vacancy&) = default;
  };
  TableId table;
  std::uint32_t config = 0;  ///< 4 eviction, 8 vacancy events
  std::optional<std::uint32_t> eviction;
  std::optional<Vacancy> vacancy;
  RawProperties other_properties;
  friend bool operator==(const TableDesc&, const TableDesc&) = default;
};

// Requests.

struct DescRequest {
  friend bool operator==(const DescRequest&, const DescRequest&) = default;
};
/// Flows of a table that the match covers.
struct FlowFilter {
  TableId table = kAllTables;
  PortNo out_port = kPortAny;
  GroupId out_group = kAnyGroup;
  std::uint64_t cookie = 0;
  std::uint64_t cookie_mask = 0;
  Match match;
  RawProperties rest;  ///< what a peer wrote behind the match
  friend bool operator==(const FlowFilter&, const FlowFilter&) = default;
};
struct FlowStatsRequest : FlowFilter {};
struct AggregateRequest : FlowFilter {};
struct TableStatsRequest {
  friend bool operator==(const TableStatsRequest&, const TableStatsRequest&) = default;
};
struct PortStatsRequest {
  PortNo port = kPortAny;
  friend bool operator==(const PortStatsRequest&, const PortStatsRequest&) = default;
};
struct QueueStatsRequest {
  PortNo port = kPortAny;
  std::uint32_t queue = 0xffffffff;
  friend bool operator==(const QueueStatsRequest&, const QueueStatsRequest&) = default;
};
struct GroupStatsRequest {
  GroupId group = kAllGroups;
  friend bool operator==(const GroupStatsRequest&, const GroupStatsRequest&) = default;
};
struct GroupDescRequest {
  GroupId group = kAllGroups;
  friend bool operator==(const GroupDescRequest&, const GroupDescRequest&) = default;
};
struct GroupFeaturesRequest {
  friend bool operator==(const GroupFeaturesRequest&, const GroupFeaturesRequest&) = default;
};
struct MeterStatsRequest {
  MeterId meter = kAllMeters;
  friend bool operator==(const MeterStatsRequest&, const MeterStatsRequest&) = default;
};
struct MeterConfigRequest {
  MeterId meter = kAllMeters;
  friend bool operator==(const MeterConfigRequest&, const MeterConfigRequest&) = default;
};
struct MeterFeaturesRequest {
  friend bool operator==(const MeterFeaturesRequest&, const MeterFeaturesRequest&) = default;
};
struct PortDescRequest {
  PortNo port = kPortAny;
  friend bool operator==(const PortDescRequest&, const PortDescRequest&) = default;
};
struct TableDescRequest {
  friend bool operator==(const TableDescRequest&, const TableDescRequest&) = default;
};
struct QueueDescRequest {
  PortNo port = kPortAny;
  std::uint32_t queue = 0xffffffff;
  friend bool operator==(const QueueDescRequest&, const QueueDescRequest&) = default;
};
struct IpfixBridgeRequest {
  friend bool operator==(const IpfixBridgeRequest&, const IpfixBridgeRequest&) = default;
};
struct IpfixFlowRequest {
  friend bool operator==(const IpfixFlowRequest&, const IpfixFlowRequest&) = default;
};

/// One table's features, in requests (to name tables) and replies. Properties are kept as they
/// came: they go back with another name to name a table.
struct TableFeatures {
  enum class Command : std::uint8_t { kReplace = 0, kModify = 1, kEnable = 2, kDisable = 3 };
  TableId table;
  Command command = Command::kReplace;
  std::uint32_t features = 0;
  std::string name;  ///< up to 31 bytes
  std::uint64_t metadata_match = 0;
  std::uint64_t metadata_write = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t max_entries = 0;
  RawProperties properties;
  friend bool operator==(const TableFeatures&, const TableFeatures&) = default;
};
/// Empty: asks for the features; otherwise sets them.
struct TableFeaturesRequest {
  std::vector<TableFeatures> tables;
  friend bool operator==(const TableFeaturesRequest&, const TableFeaturesRequest&) = default;
};

/// One flow monitor to add, modify or delete.
struct FlowMonitor {
  enum class Command : std::uint8_t { kAdd = 0, kModify = 1, kDelete = 2 };
  static constexpr std::uint16_t kInitial = 1, kAdded = 2, kRemoved = 4, kModified = 8,
                                 kInstructions = 16, kNoAbbrev = 32, kOnlyOwn = 64;
  std::uint32_t id = 0;
  PortNo out_port = kPortAny;
  GroupId out_group = kAnyGroup;
  std::uint16_t flags = 0;
  TableId table = kAllTables;
  Command command = Command::kAdd;
  Match match;
  friend bool operator==(const FlowMonitor&, const FlowMonitor&) = default;
};
struct FlowMonitorRequest {
  std::vector<FlowMonitor> monitors;
  friend bool operator==(const FlowMonitorRequest&, const FlowMonitorRequest&) = default;
};
/// A type without a struct of its own; of experimenters the body starts with experimenter and
/// number.
struct UnknownMultipart {
  std::uint16_t type = 0;
  Bytes body;
  friend bool operator==(const UnknownMultipart&, const UnknownMultipart&) = default;
};

using MultipartRequestBody =
    std::variant<DescRequest, FlowStatsRequest, AggregateRequest, TableStatsRequest,
                 PortStatsRequest, QueueStatsRequest, GroupStatsRequest, GroupDescRequest,
                 GroupFeaturesRequest, MeterStatsRequest, MeterConfigRequest, MeterFeaturesRequest,
                 TableFeaturesRequest, PortDescRequest, TableDescRequest, QueueDescRequest,
                 FlowMonitorRequest, IpfixBridgeRequest, IpfixFlowRequest, UnknownMultipart>;

// Replies.

struct DescReply {
  std::string manufacturer, hardware, software, serial, datapath;
  friend bool operator==(const DescReply&, const DescReply&) = default;
};
struct FlowStats {
  Flow flow;
  FlowStatistics statistics;
  friend bool operator==(const FlowStats&, const FlowStats&) = default;
};
struct FlowStatsReply {
  std::vector<FlowStats> flows;
  friend bool operator==(const FlowStatsReply&, const FlowStatsReply&) = default;
};
struct AggregateReply {
  FlowStatistics statistics;
  friend bool operator==(const AggregateReply&, const AggregateReply&) = default;
};
struct TableStats {
  TableId table;
  std::uint32_t active = 0;
  std::uint64_t lookups = 0;
  std::uint64_t matched = 0;
  friend bool operator==(const TableStats&, const TableStats&) = default;
};
struct TableStatsReply {
  std::vector<TableStats> tables;
  friend bool operator==(const TableStatsReply&, const TableStatsReply&) = default;
};
/// Counters of a port; all ones: unknown.
struct PortStats {
  struct Ethernet {
    std::uint64_t frame_errors = 0, over_errors = 0, crc_errors = 0, collisions = 0;
    friend bool operator==(const Ethernet&, const Ethernet&) = default;
  };
  PortNo port;
  FlowStatistics::Duration duration;
  std::uint64_t rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0;
  std::uint64_t rx_dropped = 0, tx_dropped = 0, rx_errors = 0, tx_errors = 0;
  std::optional<Ethernet> ethernet;
  RawProperties other_properties;
  friend bool operator==(const PortStats&, const PortStats&) = default;
};
struct PortStatsReply {
  std::vector<PortStats> ports;
  friend bool operator==(const PortStatsReply&, const PortStatsReply&) = default;
};
struct QueueStats {
  PortNo port;
  std::uint32_t queue = 0;
  std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0;
  FlowStatistics::Duration duration;
  RawProperties properties;
  friend bool operator==(const QueueStats&, const QueueStats&) = default;
};
struct QueueStatsReply {
  std::vector<QueueStats> queues;
  friend bool operator==(const QueueStatsReply&, const QueueStatsReply&) = default;
};
struct Counters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};
struct GroupStats {
  GroupId group;
  std::uint32_t ref_count = 0;
  Counters total;
  FlowStatistics::Duration duration;
  std::vector<Counters> buckets;
  friend bool operator==(const GroupStats&, const GroupStats&) = default;
};
struct GroupStatsReply {
  std::vector<GroupStats> groups;
  friend bool operator==(const GroupStatsReply&, const GroupStatsReply&) = default;
};
struct GroupDescReply {
  std::vector<Group> groups;
  friend bool operator==(const GroupDescReply&, const GroupDescReply&) = default;
};
struct GroupFeaturesReply {
  std::uint32_t types = 0;  ///< bit n: GroupType n
  std::uint32_t capabilities =
      0;  ///< 1 select_weight, 2 select_liveness, 4 chaining, 8 chaining_checks
  std::array<std::uint32_t, 4> max_groups{};
  std::array<std::uint32_t, 4> actions{};
  friend bool operator==(const GroupFeaturesReply&, const GroupFeaturesReply&) = default;
};
struct MeterStats {
  MeterId meter;
  std::uint32_t flow_count = 0;
  Counters in;
  FlowStatistics::Duration duration;
  std::vector<Counters> bands;
  friend bool operator==(const MeterStats&, const MeterStats&) = default;
};
struct MeterStatsReply {
  std::vector<MeterStats> meters;
  friend bool operator==(const MeterStatsReply&, const MeterStatsReply&) = default;
};
struct MeterConfigReply {
  std::vector<Meter> meters;
  friend bool operator==(const MeterConfigReply&, const MeterConfigReply&) = default;
};
struct MeterFeaturesReply {
  std::uint32_t max_meters = 0;
  std::uint32_t band_types = 0;
  std::uint32_t capabilities = 0;
  std::uint8_t max_bands = 0;
  std::uint8_t max_color = 0;
  friend bool operator==(const MeterFeaturesReply&, const MeterFeaturesReply&) = default;
};
struct TableFeaturesReply {
  std::vector<TableFeatures> tables;
  friend bool operator==(const TableFeaturesReply&, const TableFeaturesReply&) = default;
};
struct PortDescReply {
  std::vector<Port> ports;
  friend bool operator==(const PortDescReply&, const PortDescReply&) = default;
};
struct TableDescReply {
  std::vector<TableDesc> tables;
  friend bool operator==(const TableDescReply&, const TableDescReply&) = default;
};
struct QueueDesc {
  PortNo port;
  std::uint32_t queue = 0;
  std::optional<std::uint16_t> min_rate;  ///< in 1/10 percent
  std::optional<std::uint16_t> max_rate;
  RawProperties other_properties;
  friend bool operator==(const QueueDesc&, const QueueDesc&) = default;
};
struct QueueDescReply {
  std::vector<QueueDesc> queues;
  friend bool operator==(const QueueDescReply&, const QueueDescReply&) = default;
};
/// One event of a flow monitor.
struct FlowUpdate {
  enum class Event : std::uint16_t {
    kInitial = 0,
    kAdded = 1,
    kRemoved = 2,
    kModified = 3,
    kAbbrev = 4,
    kPaused = 5,
    kResumed = 6,
  };
  Event event = Event::kAdded;
  std::uint32_t xid = 0;    ///< kAbbrev: of the own request that caused it
  std::uint8_t reason = 0;  ///< kRemoved: as in FlowRemoved
  Flow flow;                ///< kInitial to kModified
  friend bool operator==(const FlowUpdate&, const FlowUpdate&) = default;
};
struct FlowMonitorReply {
  std::vector<FlowUpdate> updates;
  friend bool operator==(const FlowMonitorReply&, const FlowMonitorReply&) = default;
};

/// Counters of an IPFIX exporter.
struct IpfixStats {
  std::uint64_t total_flows = 0, current_flows = 0;
  std::uint64_t packets = 0, ipv4_packets = 0, ipv6_packets = 0;
  std::uint64_t error_packets = 0, ipv4_error_packets = 0, ipv6_error_packets = 0;
  std::uint64_t tx_packets = 0, tx_errors = 0;
  std::uint32_t collector_set_id = 0;
  friend bool operator==(const IpfixStats&, const IpfixStats&) = default;
};
/// Of the bridge's own exporter.
struct IpfixBridgeReply {
  IpfixStats statistics;
  friend bool operator==(const IpfixBridgeReply&, const IpfixBridgeReply&) = default;
};
/// One entry a collector set.
struct IpfixFlowReply {
  std::vector<IpfixStats> collectors;
  friend bool operator==(const IpfixFlowReply&, const IpfixFlowReply&) = default;
};

using MultipartReplyBody =
    std::variant<DescReply, FlowStatsReply, AggregateReply, TableStatsReply, PortStatsReply,
                 QueueStatsReply, GroupStatsReply, GroupDescReply, GroupFeaturesReply,
                 MeterStatsReply, MeterConfigReply, MeterFeaturesReply, TableFeaturesReply,
                 PortDescReply, TableDescReply, QueueDescReply, FlowMonitorReply, IpfixBridgeReply,
                 IpfixFlowReply, UnknownMultipart>;

/// OFPT_MULTIPART_REQUEST. With `more` set the request goes on in the next message of the same xid.
struct MultipartRequest {
  bool more = false;
  MultipartRequestBody body;
  friend bool operator==(const MultipartRequest&, const MultipartRequest&) = default;
};
/// OFPT_MULTIPART_REPLY: one part of the answer; the last one has `more` clear.
struct MultipartReply {
  bool more = false;
  MultipartReplyBody body;
  friend bool operator==(const MultipartReply&, const MultipartReply&) = default;
};

}  // namespace antrea::openflow
