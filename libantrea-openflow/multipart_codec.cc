#include <array>
#include <utility>

#include "antrea/openflow/codec.h"
#include "wire.h"

namespace antrea::openflow::detail {
namespace {

/// OpenFlow 1.5.1 section 7.3.5.
enum MultipartType : std::uint16_t {
  kDesc = 0,
  kFlow = 1,
  kAggregate = 2,
  kTable = 3,
  kPortStats = 4,
  kQueue = 5,
  kGroup = 6,
  kGroupDesc = 7,
  kGroupFeatures = 8,
  kMeter = 9,
  kMeterConfig = 10,
  kMeterFeatures = 11,
  kTableFeatures = 12,
  kPortDesc = 13,
  kTableDesc = 14,
  kQueueDesc = 15,
  kFlowMonitor = 16,
  kExperimenter = 0xffff,
};
constexpr std::uint32_t kIpfixBridge = 3, kIpfixFlow = 4;

DecodeError bad_length(const In& in) { return fail(errors::kBadLen, in); }

// Pieces that several bodies share.

void put_duration(Out& out, const FlowStatistics::Duration& d) {
  out.be32(d.seconds);
  out.be32(d.nanoseconds);
}
FlowStatistics::Duration take_duration(In& in) {
  const std::uint32_t seconds = in.be32();
  return {seconds, in.be32()};
}
void put_counters(Out& out, const Counters& c) {
  out.be64(c.packets);
  out.be64(c.bytes);
}
Counters take_counters(In& in) {
  const std::uint64_t packets = in.be64();
  return {packets, in.be64()};
}
void append(RawProperties& to, std::span<const std::byte> raw) {
  to.insert(to.end(), raw.begin(), raw.end());
}

/// A list whose entries start with their own length, at `length_offset`; calls `entry` for each
/// with a cursor over it.
template <typename Entry>
std::optional<DecodeError> each_entry(In in, std::size_t minimum, std::size_t length_offset,
                                      Entry entry, OfError error_code = errors::kBadLen) {
  while (!in.empty()) {
    if (in.remaining() < minimum) return fail(error_code, in);
    const std::size_t length = load_be<std::uint16_t>(in.at() + length_offset);
    if (length < minimum || length > in.remaining()) return fail(error_code, in);
    In part = in.sub(length);
    if (auto error = entry(part)) return error;
    if (part.failed()) return bad_length(part);
  }
  return {};
}

// Requests.

void put_filter(Out& out, const FlowFilter& f) {
  out.u8(f.table.value);
  out.zeros(3);
  out.be32(f.out_port.value);
  out.be32(f.out_group.value);
  out.zeros(4);
  out.be64(f.cookie);
  out.be64(f.cookie_mask);
  put_match(out, f.match);
}

template <typename Request>
DecodeResult<MultipartRequestBody> pull_filter(In in) {
  Request f;
  const In start = in;
  f.table = TableId{in.u8()};
  in.skip(3);
  f.out_port = PortNo{in.be32()};
  f.out_group = GroupId{in.be32()};
  in.skip(4);
  f.cookie = in.be64();
  f.cookie_mask = in.be64();
  if (in.failed()) return bad_length(start);
  if (!port_valid(f.out_port.value)) return fail(errors::kActionBadOutPort, start);
  auto match = pull_match(in);
  if (match.has_error()) return match.error();
  if (!in.empty()) return bad_length(in);
  f.match = std::move(*match);
  return MultipartRequestBody{std::move(f)};
}

void put_table_features(Out& out, const TableFeatures& t) {
  const std::size_t start = out.size();
  out.be16(0);
  out.u8(t.table.value);
  out.u8(static_cast<std::uint8_t>(t.command));
  out.be32(t.features);
  out.text(t.name, 32);
  out.be64(t.metadata_match);
  out.be64(t.metadata_write);
  out.be32(t.capabilities);
  out.be32(t.max_entries);
  out.bytes(t.properties);
  out.patch16(start, out.size() - start);
}

DecodeResult<std::vector<TableFeatures>> pull_table_features(In in) {
  std::vector<TableFeatures> tables;
  const auto error = each_entry(
      in, 64, 0,
      [&](In& part) -> std::optional<DecodeError> {
        TableFeatures t;
        part.skip(2);
        t.table = TableId{part.u8()};
        const std::uint8_t command = part.u8();
        if (command > 3) return fail(errors::kTableFeaturesBadFeatures, part);
        t.command = static_cast<TableFeatures::Command>(command);
        t.features = part.be32();
        t.name = take_text(part, 32);
        t.metadata_match = part.be64();
        t.metadata_write = part.be64();
        t.capabilities = part.be32();
        t.max_entries = part.be32();
        In properties = part;
        while (!properties.empty()) {
          auto property = pull_property(properties);
          if (property.has_error()) return property.error();
        }
        t.properties = to_bytes(part.rest());
        tables.push_back(std::move(t));
        return {};
      },
      errors::kPropertyBadLen);
  if (error) return *error;
  return tables;
}

void put_monitor(Out& out, const FlowMonitor& m) {
  out.be32(m.id);
  out.be32(m.out_port.value);
  out.be32(m.out_group.value);
  out.be16(m.flags);
  out.u8(m.table.value);
  out.u8(static_cast<std::uint8_t>(m.command));
  put_match(out, m.match);
}

DecodeResult<MultipartRequestBody> pull_monitors(In in) {
  FlowMonitorRequest request;
  while (!in.empty()) {
    const In start = in;
    FlowMonitor m;
    m.id = in.be32();
    m.out_port = PortNo{in.be32()};
    m.out_group = GroupId{in.be32()};
    m.flags = in.be16();
    m.table = TableId{in.u8()};
    const std::uint8_t command = in.u8();
    if (in.failed()) return bad_length(start);
    if (command > 2) return fail(errors::kMonitorBadCommand, start);
    m.command = static_cast<FlowMonitor::Command>(command);
    constexpr std::uint16_t kKnown = 1 | 2 | 4 | 8 | 16 | 64;
    if (m.command != FlowMonitor::Command::kDelete &&
        ((m.flags & ~kKnown) != 0 || (m.flags & 14) == 0))
      return fail(errors::kMonitorBadFlags, start);
    auto match = pull_match(in);
    if (match.has_error()) return match.error();
    m.match = std::move(*match);
    request.monitors.push_back(std::move(m));
  }
  return MultipartRequestBody{std::move(request)};
}

struct RequestWriter {
  Out& out;
  std::uint16_t operator()(const DescRequest&) { return kDesc; }
  std::uint16_t operator()(const FlowStatsRequest& r) { return put_filter(out, r), kFlow; }
  std::uint16_t operator()(const AggregateRequest& r) { return put_filter(out, r), kAggregate; }
  std::uint16_t operator()(const TableStatsRequest&) { return kTable; }
  std::uint16_t operator()(const PortStatsRequest& r) { return id(r.port.value), kPortStats; }
  std::uint16_t operator()(const QueueStatsRequest& r) {
    return ids(r.port.value, r.queue), kQueue;
  }
  std::uint16_t operator()(const GroupStatsRequest& r) { return id(r.group.value), kGroup; }
  std::uint16_t operator()(const GroupDescRequest& r) { return id(r.group.value), kGroupDesc; }
  std::uint16_t operator()(const GroupFeaturesRequest&) { return kGroupFeatures; }
  std::uint16_t operator()(const MeterStatsRequest& r) { return id(r.meter.value), kMeter; }
  std::uint16_t operator()(const MeterConfigRequest& r) { return id(r.meter.value), kMeterConfig; }
  std::uint16_t operator()(const MeterFeaturesRequest&) { return kMeterFeatures; }
  std::uint16_t operator()(const TableFeaturesRequest& r) {
    for (const TableFeatures& table : r.tables) put_table_features(out, table);
    return kTableFeatures;
  }
  std::uint16_t operator()(const PortDescRequest& r) { return id(r.port.value), kPortDesc; }
  std::uint16_t operator()(const TableDescRequest&) { return kTableDesc; }
  std::uint16_t operator()(const QueueDescRequest& r) {
    return ids(r.port.value, r.queue), kQueueDesc;
  }
  std::uint16_t operator()(const FlowMonitorRequest& r) {
    for (const FlowMonitor& monitor : r.monitors) put_monitor(out, monitor);
    return kFlowMonitor;
  }
  std::uint16_t operator()(const IpfixBridgeRequest&) {
    return ids(kNiciraVendor, kIpfixBridge), kExperimenter;
  }
  std::uint16_t operator()(const IpfixFlowRequest&) {
    return ids(kNiciraVendor, kIpfixFlow), kExperimenter;
  }
  std::uint16_t operator()(const UnknownMultipart& r) { return out.bytes(r.body), r.type; }

  void id(std::uint32_t value) { ids(value, 0); }
  void ids(std::uint32_t first, std::uint32_t second) {
    out.be32(first);
    out.be32(second);
  }
};

/// A request of a 32-bit number and four bytes of padding.
template <typename Request, typename Id, Id Request::*kMember>
DecodeResult<MultipartRequestBody> pull_id(In in) {
  Request request;
  if (in.remaining() != 8) return bad_length(in);
  request.*kMember = Id{in.be32()};
  return MultipartRequestBody{request};
}
template <typename Request>
DecodeResult<MultipartRequestBody> pull_port_queue(In in) {
  Request request;
  if (in.remaining() != 8) return bad_length(in);
  request.port = PortNo{in.be32()};
  request.queue = in.be32();
  if (!port_valid(request.port.value)) return fail(errors::kBadPort, in);
  return MultipartRequestBody{request};
}
template <typename Request>
DecodeResult<MultipartRequestBody> pull_empty(In in) {
  if (!in.empty()) return bad_length(in);
  return MultipartRequestBody{Request{}};
}
DecodeResult<MultipartRequestBody> pull_features_request(In in) {
  auto tables = pull_table_features(in);
  if (tables.has_error()) return tables.error();
  return MultipartRequestBody{TableFeaturesRequest{std::move(*tables)}};
}

/// One row a request type.
struct RequestRow {
  std::uint16_t type;
  DecodeResult<MultipartRequestBody> (*decode)(In);
};
constexpr RequestRow kRequests[] = {
    {kDesc, pull_empty<DescRequest>},
    {kFlow, pull_filter<FlowStatsRequest>},
    {kAggregate, pull_filter<AggregateRequest>},
    {kTable, pull_empty<TableStatsRequest>},
    {kPortStats, pull_id<PortStatsRequest, PortNo, &PortStatsRequest::port>},
    {kQueue, pull_port_queue<QueueStatsRequest>},
    {kGroup, pull_id<GroupStatsRequest, GroupId, &GroupStatsRequest::group>},
    {kGroupDesc, pull_id<GroupDescRequest, GroupId, &GroupDescRequest::group>},
    {kGroupFeatures, pull_empty<GroupFeaturesRequest>},
    {kMeter, pull_id<MeterStatsRequest, MeterId, &MeterStatsRequest::meter>},
    {kMeterConfig, pull_id<MeterConfigRequest, MeterId, &MeterConfigRequest::meter>},
    {kMeterFeatures, pull_empty<MeterFeaturesRequest>},
    {kTableFeatures, pull_features_request},
    {kPortDesc, pull_id<PortDescRequest, PortNo, &PortDescRequest::port>},
    {kTableDesc, pull_empty<TableDescRequest>},
    {kQueueDesc, pull_port_queue<QueueDescRequest>},
    {kFlowMonitor, pull_monitors},
};

// Replies.

void put_flow_stats(Out& out, const FlowStats& stats) {
  const Flow& flow = stats.flow;
  const std::size_t start = out.size();
  std::byte* at = out.put(24);
  at[4] = std::byte{flow.table.value};
  store_be(at + 6, flow.priority);
  store_be(at + 8, flow.idle_timeout);
  store_be(at + 10, flow.hard_timeout);
  store_be(at + 12, flow.flags);
  store_be(at + 14, flow.importance);
  store_be(at + 16, flow.cookie);
  put_match(out, flow.match);
  put_statistics(out, stats.statistics);
  put_instructions(out, flow);
  out.patch16(start, out.size() - start);
}

void put_group_desc(Out& out, const Group& group) {
  const std::size_t start = out.size();
  out.be16(0);
  out.u8(static_cast<std::uint8_t>(group.type));
  out.u8(0);
  out.be32(group.id.value);
  out.zeros(8);
  const std::size_t buckets_at = out.size();
  put_buckets(out, group);
  out.patch16(start + 8, out.size() - buckets_at);
  put_group_properties(out, group);
  out.patch16(start, out.size() - start);
}

void put_port_stats(Out& out, const PortStats& s) {
  const std::size_t start = out.size();
  out.be32(0);
  out.be32(s.port.value);
  put_duration(out, s.duration);
  for (const std::uint64_t counter : {s.rx_packets, s.tx_packets, s.rx_bytes, s.tx_bytes,
                                      s.rx_dropped, s.tx_dropped, s.rx_errors, s.tx_errors})
    out.be64(counter);
  if (s.ethernet) {
    out.be32(40);
    out.be32(0);
    for (const std::uint64_t counter : {s.ethernet->frame_errors, s.ethernet->over_errors,
                                        s.ethernet->crc_errors, s.ethernet->collisions})
      out.be64(counter);
  }
  out.bytes(s.other_properties);
  out.patch16(start, out.size() - start);
}

void put_queue_desc(Out& out, const QueueDesc& q) {
  const std::size_t start = out.size();
  out.be32(q.port.value);
  out.be32(q.queue);
  out.zeros(8);
  const auto rate = [&](std::uint16_t type, const std::optional<std::uint16_t>& value) {
    if (!value) return;
    out.be16(type);
    out.be16(8);
    out.be16(*value);
    out.be16(0);
  };
  rate(1, q.min_rate);
  rate(2, q.max_rate);
  out.bytes(q.other_properties);
  out.patch16(start + 8, out.size() - start);
}

void put_update(Out& out, const FlowUpdate& u) {
  const std::size_t start = out.size();
  out.be16(0);
  out.be16(static_cast<std::uint16_t>(u.event));
  if (u.event == FlowUpdate::Event::kAbbrev) {
    out.be32(u.xid);
  } else if (u.event > FlowUpdate::Event::kAbbrev) {
    out.zeros(4);
  } else {
    out.u8(u.flow.table.value);
    out.u8(u.reason);
    out.be16(u.flow.idle_timeout);
    out.be16(u.flow.hard_timeout);
    out.be16(u.flow.priority);
    out.zeros(4);
    out.be64(u.flow.cookie);
    put_match(out, u.flow.match);
    put_instructions(out, u.flow);
  }
  out.patch16(start, out.size() - start);
}

template <typename Stats>
auto ipfix_counters(Stats& s) {
  return std::array{&s.total_flows,        &s.current_flows,      &s.packets,
                    &s.ipv4_packets,       &s.ipv6_packets,       &s.error_packets,
                    &s.ipv4_error_packets, &s.ipv6_error_packets, &s.tx_packets,
                    &s.tx_errors};
}
void put_ipfix(Out& out, const IpfixStats& s) {
  for (const std::uint64_t* counter : ipfix_counters(s)) out.be64(*counter);
  out.be32(s.collector_set_id);
  out.zeros(4);
}
IpfixStats take_ipfix(In& in) {
  IpfixStats s;
  for (std::uint64_t* counter : ipfix_counters(s)) *counter = in.be64();
  s.collector_set_id = in.be32();
  in.skip(4);
  return s;
}

struct ReplyWriter {
  Out& out;
  std::uint16_t operator()(const DescReply& r) {
    out.text(r.manufacturer, 256);
    out.text(r.hardware, 256);
    out.text(r.software, 256);
    out.text(r.serial, 32);
    out.text(r.datapath, 256);
    return kDesc;
  }
  std::uint16_t operator()(const FlowStatsReply& r) {
    for (const FlowStats& flow : r.flows) put_flow_stats(out, flow);
    return kFlow;
  }
  std::uint16_t operator()(const AggregateReply& r) {
    return put_statistics(out, r.statistics), kAggregate;
  }
  std::uint16_t operator()(const TableStatsReply& r) {
    for (const TableStats& table : r.tables) {
      out.u8(table.table.value);
      out.zeros(3);
      out.be32(table.active);
      out.be64(table.lookups);
      out.be64(table.matched);
    }
    return kTable;
  }
  std::uint16_t operator()(const PortStatsReply& r) {
    for (const PortStats& port : r.ports) put_port_stats(out, port);
    return kPortStats;
  }
  std::uint16_t operator()(const QueueStatsReply& r) {
    for (const QueueStats& q : r.queues) {
      const std::size_t start = out.size();
      out.zeros(8);
      out.be32(q.port.value);
      out.be32(q.queue);
      out.be64(q.tx_bytes);
      out.be64(q.tx_packets);
      out.be64(q.tx_errors);
      put_duration(out, q.duration);
      out.bytes(q.properties);
      out.patch16(start, out.size() - start);
    }
    return kQueue;
  }
  std::uint16_t operator()(const GroupStatsReply& r) {
    for (const GroupStats& g : r.groups) {
      const std::size_t start = out.size();
      out.be32(0);
      out.be32(g.group.value);
      out.be32(g.ref_count);
      out.be32(0);
      put_counters(out, g.total);
      put_duration(out, g.duration);
      for (const Counters& bucket : g.buckets) put_counters(out, bucket);
      out.patch16(start, out.size() - start);
    }
    return kGroup;
  }
  std::uint16_t operator()(const GroupDescReply& r) {
    for (const Group& group : r.groups) put_group_desc(out, group);
    return kGroupDesc;
  }
  std::uint16_t operator()(const GroupFeaturesReply& r) {
    out.be32(r.types);
    out.be32(r.capabilities);
    for (const std::uint32_t n : r.max_groups) out.be32(n);
    for (const std::uint32_t n : r.actions) out.be32(n);
    return kGroupFeatures;
  }
  std::uint16_t operator()(const MeterStatsReply& r) {
    for (const MeterStats& m : r.meters) {
      const std::size_t start = out.size();
      out.be32(m.meter.value);
      out.zeros(8);
      out.be32(m.flow_count);
      put_counters(out, m.in);
      put_duration(out, m.duration);
      for (const Counters& band : m.bands) put_counters(out, band);
      out.patch16(start + 4, out.size() - start);
    }
    return kMeter;
  }
  std::uint16_t operator()(const MeterConfigReply& r) {
    for (const Meter& m : r.meters) {
      const std::size_t start = out.size();
      out.be16(0);
      out.be16(m.flags);
      out.be32(m.id.value);
      put_bands(out, m.bands);
      out.patch16(start, out.size() - start);
    }
    return kMeterConfig;
  }
  std::uint16_t operator()(const MeterFeaturesReply& r) {
    out.be32(r.max_meters);
    out.be32(r.band_types);
    out.be32(r.capabilities);
    out.u8(r.max_bands);
    out.u8(r.max_color);
    out.zeros(2);
    return kMeterFeatures;
  }
  std::uint16_t operator()(const TableFeaturesReply& r) {
    for (const TableFeatures& table : r.tables) put_table_features(out, table);
    return kTableFeatures;
  }
  std::uint16_t operator()(const PortDescReply& r) {
    for (const Port& port : r.ports) put_port(out, port);
    return kPortDesc;
  }
  std::uint16_t operator()(const TableDescReply& r) {
    for (const TableDesc& table : r.tables) put_table_desc(out, table);
    return kTableDesc;
  }
  std::uint16_t operator()(const QueueDescReply& r) {
    for (const QueueDesc& queue : r.queues) put_queue_desc(out, queue);
    return kQueueDesc;
  }
  std::uint16_t operator()(const FlowMonitorReply& r) {
    for (const FlowUpdate& update : r.updates) put_update(out, update);
    return kFlowMonitor;
  }
  std::uint16_t operator()(const IpfixBridgeReply& r) {
    out.be32(kNiciraVendor);
    out.be32(kIpfixBridge);
    put_ipfix(out, r.statistics);
    return kExperimenter;
  }
  std::uint16_t operator()(const IpfixFlowReply& r) {
    out.be32(kNiciraVendor);
    out.be32(kIpfixFlow);
    for (const IpfixStats& s : r.collectors) put_ipfix(out, s);
    return kExperimenter;
  }
  std::uint16_t operator()(const UnknownMultipart& r) { return out.bytes(r.body), r.type; }
};

using ReplyResult = DecodeResult<MultipartReplyBody>;

ReplyResult pull_desc(In in) {
  if (in.remaining() != 1056) return bad_length(in);
  DescReply r;
  r.manufacturer = take_text(in, 256);
  r.hardware = take_text(in, 256);
  r.software = take_text(in, 256);
  r.serial = take_text(in, 32);
  r.datapath = take_text(in, 256);
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_flows(In in) {
  FlowStatsReply r;
  const auto error = each_entry(in, 40, 0, [&](In& part) -> std::optional<DecodeError> {
    FlowStats stats;
    Flow& flow = stats.flow;
    part.skip(4);
    flow.table = TableId{part.u8()};
    part.skip(1);
    flow.priority = part.be16();
    flow.idle_timeout = part.be16();
    flow.hard_timeout = part.be16();
    flow.flags = part.be16();
    flow.importance = part.be16();
    flow.cookie = part.be64();
    if ((flow.flags & ~0x1f) != 0) return fail(errors::kFlowModBadFlags, part);
    auto match = pull_match(part);
    if (match.has_error()) return match.error();
    flow.match = std::move(*match);
    auto statistics = pull_statistics(part);
    if (statistics.has_error()) return statistics.error();
    stats.statistics = *statistics;
    auto instructions = pull_instructions(part.sub(part.remaining()));
    if (instructions.has_error()) return instructions.error();
    static_cast<Instructions&>(flow) = std::move(*instructions);
    r.flows.push_back(std::move(stats));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_aggregate(In in) {
  auto statistics = pull_statistics(in);
  if (statistics.has_error()) return statistics.error();
  if (!in.empty()) return bad_length(in);
  return MultipartReplyBody{AggregateReply{*statistics}};
}
ReplyResult pull_tables(In in) {
  TableStatsReply r;
  while (!in.empty()) {
    if (in.remaining() < 24) return bad_length(in);
    TableStats table;
    table.table = TableId{in.u8()};
    in.skip(3);
    table.active = in.be32();
    table.lookups = in.be64();
    table.matched = in.be64();
    r.tables.push_back(table);
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_port_stats(In in) {
  PortStatsReply r;
  const auto error = each_entry(in, 80, 0, [&](In& part) -> std::optional<DecodeError> {
    PortStats s;
    part.skip(4);
    s.port = PortNo{part.be32()};
    if (!port_valid(s.port.value)) return fail(errors::kActionBadOutPort, part);
    s.duration = take_duration(part);
    for (std::uint64_t* counter : {&s.rx_packets, &s.tx_packets, &s.rx_bytes, &s.tx_bytes,
                                   &s.rx_dropped, &s.tx_dropped, &s.rx_errors, &s.tx_errors})
      *counter = part.be64();
    while (!part.empty()) {
      auto property = pull_property(part);
      if (property.has_error()) return property.error();
      if (property->type != 0) {
        append(s.other_properties, property->raw);
        continue;
      }
      In body = property->body;
      body.skip(4);
      PortStats::Ethernet ethernet;
      for (std::uint64_t* counter : {&ethernet.frame_errors, &ethernet.over_errors,
                                     &ethernet.crc_errors, &ethernet.collisions})
        *counter = body.be64();
      if (body.failed() || !body.empty()) return fail(errors::kPropertyBadLen, part);
      s.ethernet = ethernet;
    }
    r.ports.push_back(std::move(s));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_queue_stats(In in) {
  QueueStatsReply r;
  const auto error = each_entry(in, 48, 0, [&](In& part) -> std::optional<DecodeError> {
    QueueStats q;
    part.skip(8);
    q.port = PortNo{part.be32()};
    q.queue = part.be32();
    q.tx_bytes = part.be64();
    q.tx_packets = part.be64();
    q.tx_errors = part.be64();
    q.duration = take_duration(part);
    if (!port_valid(q.port.value)) return fail(errors::kActionBadOutPort, part);
    q.properties = to_bytes(part.rest());
    r.queues.push_back(std::move(q));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_group_stats(In in) {
  GroupStatsReply r;
  const auto error = each_entry(in, 40, 0, [&](In& part) -> std::optional<DecodeError> {
    GroupStats g;
    part.skip(4);
    g.group = GroupId{part.be32()};
    g.ref_count = part.be32();
    part.skip(4);
    g.total = take_counters(part);
    g.duration = take_duration(part);
    while (!part.empty() && !part.failed()) g.buckets.push_back(take_counters(part));
    r.groups.push_back(std::move(g));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_group_descs(In in) {
  GroupDescReply r;
  const auto error = each_entry(in, 16, 0, [&](In& part) -> std::optional<DecodeError> {
    Group g;
    part.skip(2);
    const std::uint8_t type = part.u8();
    if (type > 3) return fail(errors::kGroupBadType, part);
    g.type = static_cast<GroupType>(type);
    part.skip(1);
    g.id = GroupId{part.be32()};
    const std::uint16_t size = part.be16();
    part.skip(6);
    if (size > part.remaining()) return bad_length(part);
    auto buckets = pull_buckets(part.sub(size), g.type);
    if (buckets.has_error()) return buckets.error();
    g.buckets = std::move(*buckets);
    auto selection = pull_group_properties(part.sub(part.remaining()), g.type);
    if (selection.has_error()) return selection.error();
    g.selection = std::move(*selection);
    r.groups.push_back(std::move(g));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_group_features(In in) {
  if (in.remaining() != 40) return bad_length(in);
  GroupFeaturesReply r;
  r.types = in.be32();
  r.capabilities = in.be32();
  for (std::uint32_t& n : r.max_groups) n = in.be32();
  for (std::uint32_t& n : r.actions) n = in.be32();
  return MultipartReplyBody{r};
}
ReplyResult pull_meter_stats(In in) {
  MeterStatsReply r;
  const auto error = each_entry(in, 40, 4, [&](In& part) -> std::optional<DecodeError> {
    MeterStats m;
    m.meter = MeterId{part.be32()};
    part.skip(8);
    m.flow_count = part.be32();
    m.in = take_counters(part);
    m.duration = take_duration(part);
    while (!part.empty() && !part.failed()) m.bands.push_back(take_counters(part));
    r.meters.push_back(std::move(m));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_meter_configs(In in) {
  MeterConfigReply r;
  const auto error = each_entry(in, 8, 0, [&](In& part) -> std::optional<DecodeError> {
    Meter m;
    part.skip(2);
    m.flags = part.be16();
    m.id = MeterId{part.be32()};
    auto bands = pull_bands(part.sub(part.remaining()));
    if (bands.has_error()) return bands.error();
    m.bands = std::move(*bands);
    r.meters.push_back(std::move(m));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_meter_features(In in) {
  if (in.remaining() < 16) return bad_length(in);
  MeterFeaturesReply r;
  r.max_meters = in.be32();
  r.band_types = in.be32();
  r.capabilities = in.be32();
  r.max_bands = in.u8();
  r.max_color = in.u8();
  return MultipartReplyBody{r};
}
ReplyResult pull_features(In in) {
  auto tables = pull_table_features(in);
  if (tables.has_error()) return tables.error();
  return MultipartReplyBody{TableFeaturesReply{std::move(*tables)}};
}
ReplyResult pull_ports(In in) {
  PortDescReply r;
  while (!in.empty()) {
    auto port = pull_port(in);
    if (port.has_error()) return port.error();
    r.ports.push_back(std::move(*port));
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_table_descs(In in) {
  TableDescReply r;
  while (!in.empty()) {
    auto table = pull_table_desc(in);
    if (table.has_error()) return table.error();
    r.tables.push_back(std::move(*table));
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_queue_descs(In in) {
  QueueDescReply r;
  const auto error = each_entry(in, 16, 8, [&](In& part) -> std::optional<DecodeError> {
    QueueDesc q;
    q.port = PortNo{part.be32()};
    q.queue = part.be32();
    part.skip(8);
    if (!port_valid(q.port.value)) return fail(errors::kActionBadOutPort, part);
    while (!part.empty()) {
      auto property = pull_property(part);
      if (property.has_error()) return property.error();
      if (property->type == 1)
        q.min_rate = property->body.be16();
      else if (property->type == 2)
        q.max_rate = property->body.be16();
      else
        append(q.other_properties, property->raw);
      if (property->body.failed()) return fail(errors::kPropertyBadLen, part);
    }
    r.queues.push_back(std::move(q));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_updates(In in) {
  FlowMonitorReply r;
  const auto error = each_entry(in, 8, 0, [&](In& part) -> std::optional<DecodeError> {
    FlowUpdate u;
    const In start = part;
    part.skip(2);
    const std::uint16_t event = part.be16();
    if (event > 6) return fail(OfError{0xffff, 9, kNiciraVendor}, start);
    u.event = static_cast<FlowUpdate::Event>(event);
    if (u.event >= FlowUpdate::Event::kAbbrev) {
      const std::uint32_t xid = part.be32();
      if (u.event == FlowUpdate::Event::kAbbrev) u.xid = xid;
      if (!part.empty()) return bad_length(start);
    } else {
      u.flow.table = TableId{part.u8()};
      u.reason = part.u8();
      u.flow.idle_timeout = part.be16();
      u.flow.hard_timeout = part.be16();
      u.flow.priority = part.be16();
      part.skip(4);
      u.flow.cookie = part.be64();
      if (part.failed()) return bad_length(start);
      auto match = pull_match(part);
      if (match.has_error()) return match.error();
      u.flow.match = std::move(*match);
      auto instructions = pull_instructions(part.sub(part.remaining()));
      if (instructions.has_error()) return instructions.error();
      static_cast<Instructions&>(u.flow) = std::move(*instructions);
    }
    r.updates.push_back(std::move(u));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}

/// One row a reply type.
struct ReplyRow {
  std::uint16_t type;
  ReplyResult (*decode)(In);
};
constexpr ReplyRow kReplies[] = {
    {kDesc, pull_desc},
    {kFlow, pull_flows},
    {kAggregate, pull_aggregate},
    {kTable, pull_tables},
    {kPortStats, pull_port_stats},
    {kQueue, pull_queue_stats},
    {kGroup, pull_group_stats},
    {kGroupDesc, pull_group_descs},
    {kGroupFeatures, pull_group_features},
    {kMeter, pull_meter_stats},
    {kMeterConfig, pull_meter_configs},
    {kMeterFeatures, pull_meter_features},
    {kTableFeatures, pull_features},
    {kPortDesc, pull_ports},
    {kTableDesc, pull_table_descs},
    {kQueueDesc, pull_queue_descs},
    {kFlowMonitor, pull_updates},
};

template <typename Part, typename Writer>
void put_part(Out& out, const Part& part) {
  const std::size_t start = out.size();
  out.be16(0);
  out.be16(part.more ? 1 : 0);
  out.zeros(4);
  const std::uint16_t type = std::visit(Writer{out}, part.body);
  out.patch16(start, type);
}

}  // namespace

void put_multipart(Out& out, const MultipartRequest& request) {
  put_part<MultipartRequest, RequestWriter>(out, request);
}
void put_multipart(Out& out, const MultipartReply& reply) {
  put_part<MultipartReply, ReplyWriter>(out, reply);
}

DecodeResult<Message> pull_multipart_request(In in) {
  const In start = in;
  MultipartRequest request;
  const std::uint16_t type = in.be16();
  request.more = (in.be16() & 1) != 0;
  in.skip(4);
  if (in.failed()) return bad_length(start);
  if (type == kExperimenter) {
    In body = in;
    const std::uint32_t experimenter = body.be32();
    const std::uint32_t number = body.be32();
    if (body.failed()) return bad_length(start);
    if (experimenter == kNiciraVendor && number == kIpfixBridge && body.empty())
      request.body = IpfixBridgeRequest{};
    else if (experimenter == kNiciraVendor && number == kIpfixFlow && body.empty())
      request.body = IpfixFlowRequest{};
    else
      request.body = UnknownMultipart{type, to_bytes(in.rest())};
    return Message{std::move(request)};
  }
  for (const RequestRow& row : kRequests) {
    if (row.type != type) continue;
    auto body = row.decode(in);
    if (body.has_error()) return body.error();
    request.body = std::move(*body);
    return Message{std::move(request)};
  }
  return fail(errors::kBadStat, start);
}

DecodeResult<Message> pull_multipart_reply(In in) {
  const In start = in;
  MultipartReply reply;
  const std::uint16_t type = in.be16();
  reply.more = (in.be16() & 1) != 0;
  in.skip(4);
  if (in.failed()) return bad_length(start);
  if (type == kExperimenter) {
    const Bytes raw = to_bytes(in.peek_rest());
    const std::uint32_t experimenter = in.be32();
    const std::uint32_t number = in.be32();
    if (in.failed()) return bad_length(start);
    constexpr std::size_t kIpfixSize = 88;
    if (experimenter == kNiciraVendor && number == kIpfixBridge) {
      if (in.remaining() != kIpfixSize) return bad_length(start);
      reply.body = IpfixBridgeReply{take_ipfix(in)};
    } else if (experimenter == kNiciraVendor && number == kIpfixFlow) {
      if (in.remaining() % kIpfixSize != 0) return bad_length(start);
      IpfixFlowReply flows;
      while (!in.empty()) flows.collectors.push_back(take_ipfix(in));
      reply.body = std::move(flows);
    } else {
      reply.body = UnknownMultipart{type, raw};
    }
    return Message{std::move(reply)};
  }
  for (const ReplyRow& row : kReplies) {
    if (row.type != type) continue;
    auto body = row.decode(in);
    if (body.has_error()) return body.error();
    reply.body = std::move(*body);
    return Message{std::move(reply)};
  }
  return fail(errors::kBadStat, start);
}

}  // namespace antrea::openflow::detail
