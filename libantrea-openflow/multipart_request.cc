#include <type_traits>
#include <utility>

#include "antrea/openflow/codec.h"
#include "multipart_codec.h"

namespace antrea::openflow::detail {
namespace {

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
  if (const auto error = pull_any_match(in, f.match)) return *error;
  f.rest = to_bytes(in.rest());
  return MultipartRequestBody{std::move(f)};
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
    m.command = static_cast<FlowMonitor::Command>(command);
    constexpr std::uint16_t kKnown = 1 | 2 | 4 | 8 | 16 | 64;
    if (m.command != FlowMonitor::Command::kDelete &&
        ((m.flags & ~kKnown) != 0 || (m.flags & 14) == 0))
      return fail(errors::kMonitorBadFlags, start);
    if (m.command != FlowMonitor::Command::kDelete && !port_valid(m.out_port.value))
      return fail(errors::kActionBadOutPort, start);
    if (const auto error = pull_any_match(in, m.match)) return *error;
    request.monitors.push_back(std::move(m));
  }
  return MultipartRequestBody{std::move(request)};
}

/// A request of a 32-bit number and four bytes of padding.
template <typename Request, typename Id, Id Request::*kMember>
DecodeResult<MultipartRequestBody> pull_id(In in) {
  Request request;
  request.*kMember = Id{in.be32()};
  if constexpr (std::is_same_v<Id, PortNo>)
    if (!port_valid((request.*kMember).value)) return fail(errors::kActionBadOutPort, in);
  return MultipartRequestBody{request};
}
template <typename Request>
DecodeResult<MultipartRequestBody> pull_port_queue(In in) {
  Request request;
  request.port = PortNo{in.be32()};
  request.queue = in.be32();
  if (!port_valid(request.port.value)) return fail(errors::kActionBadOutPort, in);
  return MultipartRequestBody{request};
}
template <typename Request>
DecodeResult<MultipartRequestBody> pull_empty(In) {
  return MultipartRequestBody{Request{}};
}
DecodeResult<MultipartRequestBody> pull_features_request(In in) {
  auto tables = pull_table_features(in);
  if (tables.has_error()) return tables.error();
  return MultipartRequestBody{TableFeaturesRequest{std::move(*tables)}};
}

constexpr MultipartRow<MultipartRequestBody> kRequests[] = {
    {multipart_type::kDesc, 0, {0, 0}, pull_empty<DescRequest>},
    {multipart_type::kFlow, 0, {32, 8}, pull_filter<FlowStatsRequest>},
    {multipart_type::kAggregate, 0, {32, 8}, pull_filter<AggregateRequest>},
    {multipart_type::kTable, 0, {0, 0}, pull_empty<TableStatsRequest>},
    {multipart_type::kPortStats,
     0,
     {8, 0},
     pull_id<PortStatsRequest, PortNo, &PortStatsRequest::port>},
    {multipart_type::kQueue, 0, {8, 0}, pull_port_queue<QueueStatsRequest>},
    {multipart_type::kGroup,
     0,
     {8, 0},
     pull_id<GroupStatsRequest, GroupId, &GroupStatsRequest::group>},
    {multipart_type::kGroupDesc,
     0,
     {8, 0},
     pull_id<GroupDescRequest, GroupId, &GroupDescRequest::group>},
    {multipart_type::kGroupFeatures, 0, {0, 0}, pull_empty<GroupFeaturesRequest>},
    {multipart_type::kMeter,
     0,
     {8, 0},
     pull_id<MeterStatsRequest, MeterId, &MeterStatsRequest::meter>},
    {multipart_type::kMeterConfig,
     0,
     {8, 0},
     pull_id<MeterConfigRequest, MeterId, &MeterConfigRequest::meter>},
    {multipart_type::kMeterFeatures, 0, {0, 0}, pull_empty<MeterFeaturesRequest>},
    {multipart_type::kTableFeatures, 0, {0, 8}, pull_features_request},
    {multipart_type::kPortDesc,
     0,
     {8, 0},
     pull_id<PortDescRequest, PortNo, &PortDescRequest::port>},
    {multipart_type::kTableDesc, 0, {0, 0}, pull_empty<TableDescRequest>},
    {multipart_type::kQueueDesc, 0, {8, 0}, pull_port_queue<QueueDescRequest>},
    {multipart_type::kFlowMonitor, 0, {0, 8}, pull_monitors},
    {multipart_type::kExperimenter, kIpfixBridge, {0, 0}, pull_empty<IpfixBridgeRequest>},
    {multipart_type::kExperimenter, kIpfixFlow, {0, 0}, pull_empty<IpfixFlowRequest>},
};

}  // namespace

DecodeResult<MultipartHead> pull_multipart_head(In in) {
  const In start = in;
  MultipartHead head;
  head.type = in.be16();
  head.more = (in.be16() & 1) != 0;
  in.skip(4);
  if (in.failed()) return bad_length(start);
  if (in.keeps_unknown()) head.raw = to_bytes(in.peek_rest());
  if (head.type == multipart_type::kExperimenter) {
    head.experimenter = in.be32();
    head.number = in.be32();
    if (in.failed()) return bad_length(start);
    constexpr std::uint32_t kOnf = 0x4f4e4600;
    const bool known = head.experimenter == kNiciraVendor || head.experimenter == kOnf;
    if (!known && !in.keeps_unknown()) return fail(errors::kBadVendor, start);
  }
  head.body = in;
  return head;
}

DecodeResult<Message> pull_multipart_request(In in) {
  return pull_by_row<MultipartRequest>(in, kRequests);
}

}  // namespace antrea::openflow::detail
