#include <benchmark/benchmark.h>

#include <vector>

#include "antrea/openflow/codec.h"
#include "antrea/openflow/text.h"

namespace antrea::openflow {
namespace {

/// 12 match fields and 6 actions, in the manner of an Antrea pipeline.
Flow sample_flow() {
  Flow flow;
  flow.table = TableId{12};
  flow.priority = 200;
  flow.cookie = 0x1030000000000;
  flow.match.in_port(PortNo{5})
      .eth_src(MacAddress::from_bits(0x0a580a0a0005))
      .eth_dst(MacAddress::from_bits(0x0a580a0a0001))
      .ip_src(IpPrefix(IpAddress::v4(0x0a0a0000), 24))
      .ip_dst(IpAddress::v4(0x0a60000a))
      .tcp_dst(443)
      .set_reg(0, 0, 4, 2)
      .set_reg(3, 0x0a0a0005)
      .ct_state("+new+trk")
      .ct_mark(0x10, 0x10)
      .metadata(7);
  Ct ct;
  ct.commit = true;
  ct.zone = 65520;
  ct.table = TableId{13};
  ct.actions = {load(Subfield{FieldId::kCtMark, 4, 1}, 1)};
  flow.apply_actions = {set_field(FieldId::kEthSrc, MacAddress::from_bits(0x0a0000000001)),
                        set_field(FieldId::kEthDst, MacAddress::from_bits(0xaabbccddeeff)),
                        load(reg_bits(4, 16, 18), 2),
                        load(reg_bits(0, 9, 9), 1),
                        DecTtl{},
                        ct};
  flow.goto_table = TableId{13};
  return flow;
}

void FlowModEncode(benchmark::State& state) {
  const Flow flow = sample_flow();
  std::vector<std::byte> out;
  out.reserve(1024);
  for (auto _ : state) {
    out.clear();
    encode_flow_mod(flow, FlowCommand::kAdd, 1, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(FlowModEncode);

void FlowModDecode(benchmark::State& state) {
  std::vector<std::byte> wire;
  encode_flow_mod(sample_flow(), FlowCommand::kAdd, 1, wire);
  for (auto _ : state) {
    auto decoded = decode_message(wire);
    benchmark::DoNotOptimize(decoded);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(FlowModDecode);

/// A reply of some 60 KiB, walked with views.
void FlowStatsViews(benchmark::State& state) {
  FlowStatsReply reply;
  reply.flows.assign(150, FlowStats{sample_flow(), {}});
  std::vector<std::byte> wire;
  encode(1, MultipartReply{false, reply}, wire);
  for (auto _ : state) {
    FlowStatsReader reader(wire);
    std::size_t priorities = 0;
    while (auto flow = reader.next()) priorities += flow->priority;
    benchmark::DoNotOptimize(priorities);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(FlowStatsViews);

void FlowPrint(benchmark::State& state) {
  const Flow flow = sample_flow();
  for (auto _ : state) benchmark::DoNotOptimize(to_string(flow));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FlowPrint);

}  // namespace
}  // namespace antrea::openflow
