#pragma once

#include <array>

#include "message_codec.h"

// What requests and replies of multiparts share.
namespace antrea::openflow::detail {

/// OpenFlow 1.5.1 section 7.3.5.
namespace multipart_type {
enum Type : std::uint16_t {
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
}  // namespace multipart_type

/// Nicira's own multiparts.
constexpr std::uint32_t kIpfixBridge = 3, kIpfixFlow = 4;

inline void put_duration(Out& out, const FlowStatistics::Duration& d) {
  out.be32(d.seconds);
  out.be32(d.nanoseconds);
}
inline FlowStatistics::Duration take_duration(In& in) {
  const std::uint32_t seconds = in.be32();
  return {seconds, in.be32()};
}
inline void put_counters(Out& out, const Counters& c) {
  out.be64(c.packets);
  out.be64(c.bytes);
}
inline Counters take_counters(In& in) {
  const std::uint64_t packets = in.be64();
  return {packets, in.be64()};
}

/// The counters of an IPFIX exporter as they stand on the wire.
template <typename Stats>
auto ipfix_counters(Stats& s) {
  return std::array{&s.total_flows,        &s.current_flows,      &s.packets,
                    &s.ipv4_packets,       &s.ipv6_packets,       &s.error_packets,
                    &s.ipv4_error_packets, &s.ipv6_error_packets, &s.tx_packets,
                    &s.tx_errors};
}

/// Header of a multipart: type and flags; the body is what is left.
struct MultipartHead {
  std::uint16_t type = 0;
  bool more = false;
  std::uint32_t experimenter = 0;  ///< of type 0xffff
  std::uint32_t number = 0;
  In body{{}};
  Bytes raw;  ///< of an unknown one: the body with experimenter and number
};
DecodeResult<MultipartHead> pull_multipart_head(In in);

/// One row a type of multipart; `number` is that of Nicira's, else 0.
template <typename Body>
struct MultipartRow {
  std::uint16_t type;
  std::uint32_t number;
  BodySize size;
  DecodeResult<Body> (*decode)(In);
};
/// Decodes by the row of the type.
template <typename Part, typename Body, std::size_t kRows>
DecodeResult<Message> pull_by_row(In in, const MultipartRow<Body> (&rows)[kRows]) {
  auto head = pull_multipart_head(in);
  if (head.has_error()) return head.error();
  for (const MultipartRow<Body>& row : rows) {
    if (row.type != head->type || row.number != head->number) continue;
    if (row.number != 0 && head->experimenter != kNiciraVendor) continue;
    if (!row.size.fits(head->body.remaining())) return fail(errors::kBadLen, head->body);
    auto body = row.decode(head->body);
    if (body.has_error()) return body.error();
    return Message{Part{head->more, std::move(*body)}};
  }
  if (in.keeps_unknown())
    return Message{Part{head->more, UnknownMultipart{head->type, std::move(head->raw)}}};
  return fail(head->experimenter != 0 ? errors::kBadSubtype : errors::kBadStat, in);
}

void put_table_features(Out& out, const TableFeatures& t);
DecodeResult<std::vector<TableFeatures>> pull_table_features(In in);

}  // namespace antrea::openflow::detail
