#include <utility>

#include "antrea/openflow/codec.h"
#include "multipart_codec.h"

namespace antrea::openflow::detail {
namespace {

void put_filter(Out& out, const FlowFilter& f) {
  out.u8(f.table.value);
  out.zeros(3);
  out.be32(f.out_port.value);
  out.be32(f.out_group.value);
  out.zeros(4);
  out.be64(f.cookie);
  out.be64(f.cookie_mask);
  put_match(out, f.match);
  out.bytes(f.rest);
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

struct RequestWriter {
  Out& out;
  std::uint16_t operator()(const DescRequest&) { return multipart_type::kDesc; }
  std::uint16_t operator()(const FlowStatsRequest& r) {
    return put_filter(out, r), multipart_type::kFlow;
  }
  std::uint16_t operator()(const AggregateRequest& r) {
    return put_filter(out, r), multipart_type::kAggregate;
  }
  std::uint16_t operator()(const TableStatsRequest&) { return multipart_type::kTable; }
  std::uint16_t operator()(const PortStatsRequest& r) {
    return id(r.port.value), multipart_type::kPortStats;
  }
  std::uint16_t operator()(const QueueStatsRequest& r) {
    return ids(r.port.value, r.queue), multipart_type::kQueue;
  }
  std::uint16_t operator()(const GroupStatsRequest& r) {
    return id(r.group.value), multipart_type::kGroup;
  }
  std::uint16_t operator()(const GroupDescRequest& r) {
    return id(r.group.value), multipart_type::kGroupDesc;
  }
  std::uint16_t operator()(const GroupFeaturesRequest&) { return multipart_type::kGroupFeatures; }
  std::uint16_t operator()(const MeterStatsRequest& r) {
    return id(r.meter.value), multipart_type::kMeter;
  }
  std::uint16_t operator()(const MeterConfigRequest& r) {
    return id(r.meter.value), multipart_type::kMeterConfig;
  }
  std::uint16_t operator()(const MeterFeaturesRequest&) { return multipart_type::kMeterFeatures; }
  std::uint16_t operator()(const TableFeaturesRequest& r) {
    for (const TableFeatures& table : r.tables) put_table_features(out, table);
    return multipart_type::kTableFeatures;
  }
  std::uint16_t operator()(const PortDescRequest& r) {
    return id(r.port.value), multipart_type::kPortDesc;
  }
  std::uint16_t operator()(const TableDescRequest&) { return multipart_type::kTableDesc; }
  std::uint16_t operator()(const QueueDescRequest& r) {
    return ids(r.port.value, r.queue), multipart_type::kQueueDesc;
  }
  std::uint16_t operator()(const FlowMonitorRequest& r) {
    for (const FlowMonitor& monitor : r.monitors) put_monitor(out, monitor);
    return multipart_type::kFlowMonitor;
  }
  std::uint16_t operator()(const IpfixBridgeRequest&) {
    return ids(kNiciraVendor, kIpfixBridge), multipart_type::kExperimenter;
  }
  std::uint16_t operator()(const IpfixFlowRequest&) {
    return ids(kNiciraVendor, kIpfixFlow), multipart_type::kExperimenter;
  }
  std::uint16_t operator()(const UnknownMultipart& r) { return out.bytes(r.body), r.type; }

  void id(std::uint32_t value) { ids(value, 0); }
  void ids(std::uint32_t first, std::uint32_t second) {
    out.be32(first);
    out.be32(second);
  }
};

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

void put_ipfix(Out& out, const IpfixStats& s) {
  for (const std::uint64_t* counter : ipfix_counters(s)) out.be64(*counter);
  out.be32(s.collector_set_id);
  out.zeros(4);
}
struct ReplyWriter {
  Out& out;
  std::uint16_t operator()(const DescReply& r) {
    out.text(r.manufacturer, 256);
    out.text(r.hardware, 256);
    out.text(r.software, 256);
    out.text(r.serial, 32);
    out.text(r.datapath, 256);
    return multipart_type::kDesc;
  }
  std::uint16_t operator()(const FlowStatsReply& r) {
    for (const FlowStats& flow : r.flows) put_flow_stats(out, flow);
    return multipart_type::kFlow;
  }
  std::uint16_t operator()(const AggregateReply& r) {
    return put_statistics(out, r.statistics), multipart_type::kAggregate;
  }
  std::uint16_t operator()(const TableStatsReply& r) {
    for (const TableStats& table : r.tables) {
      out.u8(table.table.value);
      out.zeros(3);
      out.be32(table.active);
      out.be64(table.lookups);
      out.be64(table.matched);
    }
    return multipart_type::kTable;
  }
  std::uint16_t operator()(const PortStatsReply& r) {
    for (const PortStats& port : r.ports) put_port_stats(out, port);
    return multipart_type::kPortStats;
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
    return multipart_type::kQueue;
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
    return multipart_type::kGroup;
  }
  std::uint16_t operator()(const GroupDescReply& r) {
    for (const Group& group : r.groups) put_group_desc(out, group);
    return multipart_type::kGroupDesc;
  }
  std::uint16_t operator()(const GroupFeaturesReply& r) {
    out.be32(r.types);
    out.be32(r.capabilities);
    for (const std::uint32_t n : r.max_groups) out.be32(n);
    for (const std::uint32_t n : r.actions) out.be32(n);
    return multipart_type::kGroupFeatures;
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
    return multipart_type::kMeter;
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
    return multipart_type::kMeterConfig;
  }
  std::uint16_t operator()(const MeterFeaturesReply& r) {
    out.be32(r.max_meters);
    out.be32(r.band_types);
    out.be32(r.capabilities);
    out.u8(r.max_bands);
    out.u8(r.max_color);
    out.zeros(2);
    return multipart_type::kMeterFeatures;
  }
  std::uint16_t operator()(const TableFeaturesReply& r) {
    for (const TableFeatures& table : r.tables) put_table_features(out, table);
    return multipart_type::kTableFeatures;
  }
  std::uint16_t operator()(const PortDescReply& r) {
    for (const Port& port : r.ports) put_port(out, port);
    return multipart_type::kPortDesc;
  }
  std::uint16_t operator()(const TableDescReply& r) {
    for (const TableDesc& table : r.tables) put_table_desc(out, table);
    return multipart_type::kTableDesc;
  }
  std::uint16_t operator()(const QueueDescReply& r) {
    for (const QueueDesc& queue : r.queues) put_queue_desc(out, queue);
    return multipart_type::kQueueDesc;
  }
  std::uint16_t operator()(const FlowMonitorReply& r) {
    for (const FlowUpdate& update : r.updates) put_update(out, update);
    return multipart_type::kFlowMonitor;
  }
  std::uint16_t operator()(const IpfixBridgeReply& r) {
    out.be32(kNiciraVendor);
    out.be32(kIpfixBridge);
    put_ipfix(out, r.statistics);
    return multipart_type::kExperimenter;
  }
  std::uint16_t operator()(const IpfixFlowReply& r) {
    out.be32(kNiciraVendor);
    out.be32(kIpfixFlow);
    for (const IpfixStats& s : r.collectors) put_ipfix(out, s);
    return multipart_type::kExperimenter;
  }
  std::uint16_t operator()(const UnknownMultipart& r) { return out.bytes(r.body), r.type; }
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

}  // namespace antrea::openflow::detail
