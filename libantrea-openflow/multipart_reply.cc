#include <utility>

#include "antrea/openflow/codec.h"
#include "multipart_codec.h"

namespace antrea::openflow::detail {
namespace {

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

IpfixStats take_ipfix(In& in) {
  IpfixStats s;
  for (std::uint64_t* counter : ipfix_counters(s)) *counter = in.be64();
  s.collector_set_id = in.be32();
  in.skip(4);
  return s;
}

using ReplyResult = DecodeResult<MultipartReplyBody>;

ReplyResult pull_desc(In in) {
  DescReply r;
  r.manufacturer = take_text(in, 256);
  r.hardware = take_text(in, 256);
  r.software = take_text(in, 256);
  r.serial = take_text(in, 32);
  r.datapath = take_text(in, 256);
  return MultipartReplyBody{std::move(r)};
}
/// The instructions behind what was read of an entry of `length` bytes.
DecodeResult<Instructions> pull_entry_instructions(In& in, const In& entry, std::size_t length) {
  const std::size_t used = in.offset() - entry.offset();
  if (length < used || length - used > in.remaining()) return fail(errors::kInstructionBadLen, in);
  return pull_instructions(in.sub(length - used));
}
ReplyResult pull_flows(In in) {
  FlowStatsReply r;
  while (!in.empty()) {
    const In entry = in;
    FlowStats& stats = r.flows.emplace_back();
    Flow& flow = stats.flow;
    const std::uint16_t length = in.be16();
    in.skip(2);
    flow.table = TableId{in.u8()};
    in.skip(1);
    flow.priority = in.be16();
    flow.idle_timeout = in.be16();
    flow.hard_timeout = in.be16();
    flow.flags = in.be16();
    flow.importance = in.be16();
    flow.cookie = in.be64();
    if (in.failed()) return bad_length(entry);
    if (const auto error = pull_any_match(in, flow.match)) return *error;
    if ((flow.flags & ~0x1f) != 0) return fail(errors::kFlowModBadFlags, entry);
    auto statistics = pull_statistics(in);
    if (statistics.has_error()) return statistics.error();
    stats.statistics = *statistics;
    auto instructions = pull_entry_instructions(in, entry, length);
    if (instructions.has_error()) return instructions.error();
    static_cast<Instructions&>(flow) = std::move(*instructions);
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_aggregate(In in) {
  auto statistics = pull_statistics(in);
  if (statistics.has_error()) return statistics.error();
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
/// Open vSwitch looks into the counters that it sends as properties of Intel's: those of RFC 2819,
/// and those with names.
bool fits_intel_stats(In body, std::uint32_t type) {
  constexpr std::uint32_t kRfc2819 = 1, kCustom = 2;
  constexpr std::size_t kRfc2819Size = 172;
  if (type == kRfc2819) return body.remaining() >= kRfc2819Size;
  if (type != kCustom) return true;
  body.skip(2);
  const std::uint16_t count = body.be16();
  for (unsigned i = 0; i < count && !body.failed(); ++i) {
    body.skip(body.u8());
    body.skip(8);
  }
  return !body.failed();
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
      Property property;
      if (const Fault fault = pull_property(part, property)) return fail(*fault, part);
      if (property.type != 0) {
        constexpr std::uint32_t kIntel = 0x0000aa01;
        if (property.type == 0xffff && property.experimenter == kIntel &&
            !fits_intel_stats(property.body, property.exp_type))
          return fail(errors::kPropertyBadLen, part);
        append(s.other_properties, property.raw);
        continue;
      }
      In body = property.body;
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
    g.type = static_cast<GroupType>(type);
    part.skip(1);
    g.id = GroupId{part.be32()};
    const std::uint16_t size = part.be16();
    part.skip(6);
    if (size > part.remaining()) return bad_length(part);
    auto buckets = pull_buckets(part.sub(size), g.type);
    if (buckets.has_error()) return buckets.error();
    g.buckets = std::move(*buckets);
    auto selection = pull_group_properties(part.sub(part.remaining()), g.type, GroupCommand::kAdd);
    if (selection.has_error()) return selection.error();
    g.selection = std::move(*selection);
    r.groups.push_back(std::move(g));
    return {};
  });
  if (error) return *error;
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_group_features(In in) {
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
  constexpr std::size_t kFixed = 16;
  while (!in.empty()) {
    const std::size_t room = in.remaining();
    if (room < kFixed) return bad_length(in);
    QueueDesc& q = r.queues.emplace_back();
    q.port = PortNo{in.be32()};
    q.queue = in.be32();
    if (!port_valid(q.port.value)) return fail(errors::kActionBadOutPort, in);
    const std::uint16_t length = in.be16();
    in.skip(6);
    if (length < kFixed || length > room || length % 8 != 0) return bad_length(in);
    In properties = in.sub(length - kFixed);
    while (!properties.empty()) {
      Property property;
      if (const Fault fault = pull_property(properties, property)) return fail(*fault, properties);
      if (property.type == 1)
        q.min_rate = property.body.be16();
      else if (property.type == 2)
        q.max_rate = property.body.be16();
      else
        append(q.other_properties, property.raw);
      if (property.body.failed()) return fail(errors::kPropertyBadLen, properties);
    }
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_updates(In in) {
  FlowMonitorReply r;
  while (!in.empty()) {
    const In entry = in;
    FlowUpdate& u = r.updates.emplace_back();
    const std::uint16_t length = in.be16();
    const std::uint16_t event = in.be16();
    if (in.failed() || length > entry.remaining() || length % 8 != 0) return bad_length(entry);
    u.event = static_cast<FlowUpdate::Event>(event);
    if (u.event > FlowUpdate::Event::kResumed) return fail(errors::kNxBadEvent, entry);
    if (u.event >= FlowUpdate::Event::kAbbrev) {
      if (length != 8) return bad_length(entry);
      const std::uint32_t xid = in.be32();
      if (u.event == FlowUpdate::Event::kAbbrev) u.xid = xid;
      continue;
    }
    constexpr std::uint16_t kFixed = 24;
    if (length < kFixed) return bad_length(entry);
    u.flow.table = TableId{in.u8()};
    u.reason = in.u8();
    u.flow.idle_timeout = in.be16();
    u.flow.hard_timeout = in.be16();
    u.flow.priority = in.be16();
    in.skip(4);
    u.flow.cookie = in.be64();
    if (const auto error = pull_any_match(in, u.flow.match)) return *error;
    auto instructions = pull_entry_instructions(in, entry, length);
    if (instructions.has_error()) return instructions.error();
    static_cast<Instructions&>(u.flow) = std::move(*instructions);
  }
  return MultipartReplyBody{std::move(r)};
}
ReplyResult pull_ipfix_bridge(In in) {
  return MultipartReplyBody{IpfixBridgeReply{take_ipfix(in)}};
}
ReplyResult pull_ipfix_flow(In in) {
  IpfixFlowReply r;
  while (!in.empty()) r.collectors.push_back(take_ipfix(in));
  return MultipartReplyBody{std::move(r)};
}

constexpr std::uint16_t kIpfixSize = 88;
constexpr MultipartRow<MultipartReplyBody> kReplies[] = {
    {multipart_type::kDesc, 0, {1056, 0}, pull_desc},
    {multipart_type::kFlow, 0, {0, 1}, pull_flows},
    {multipart_type::kAggregate, 0, {0, 1}, pull_aggregate},
    {multipart_type::kTable, 0, {0, 24}, pull_tables},
    {multipart_type::kPortStats, 0, {0, 8}, pull_port_stats},
    {multipart_type::kQueue, 0, {0, 8}, pull_queue_stats},
    {multipart_type::kGroup, 0, {0, 8}, pull_group_stats},
    {multipart_type::kGroupDesc, 0, {0, 8}, pull_group_descs},
    {multipart_type::kGroupFeatures, 0, {40, 0}, pull_group_features},
    {multipart_type::kMeter, 0, {0, 8}, pull_meter_stats},
    {multipart_type::kMeterConfig, 0, {0, 8}, pull_meter_configs},
    {multipart_type::kMeterFeatures, 0, {16, 0}, pull_meter_features},
    {multipart_type::kTableFeatures, 0, {64, 8}, pull_features},
    {multipart_type::kPortDesc, 0, {0, 8}, pull_ports},
    {multipart_type::kTableDesc, 0, {8, 8}, pull_table_descs},
    {multipart_type::kQueueDesc, 0, {0, 8}, pull_queue_descs},
    {multipart_type::kFlowMonitor, 0, {0, 8}, pull_updates},
    {multipart_type::kExperimenter, kIpfixBridge, {kIpfixSize, 0}, pull_ipfix_bridge},
    {multipart_type::kExperimenter, kIpfixFlow, {0, kIpfixSize}, pull_ipfix_flow},
};

}  // namespace

DecodeResult<Message> pull_multipart_reply(In in) {
  return pull_by_row<MultipartReply>(in, kReplies);
}

}  // namespace antrea::openflow::detail
