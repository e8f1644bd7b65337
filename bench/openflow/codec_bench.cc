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
      .ct_mark(0x10, 0x10);
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

/// One after the other into the same place, as from a stream.
void FlowModDecode(benchmark::State& state) {
  std::vector<std::byte> wire;
  encode_flow_mod(sample_flow(), FlowCommand::kAdd, 1, wire);
  Decoded decoded;
  for (auto _ : state) {
    auto done = decode_into(wire, decoded);
    benchmark::DoNotOptimize(done);
    benchmark::DoNotOptimize(decoded);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(FlowModDecode);

/// Each into an object of its own, which goes again.
void FlowModDecodeAnew(benchmark::State& state) {
  std::vector<std::byte> wire;
  encode_flow_mod(sample_flow(), FlowCommand::kAdd, 1, wire);
  for (auto _ : state) benchmark::DoNotOptimize(decode_message(wire));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(FlowModDecodeAnew);

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

/// Three flows in the manner of an Antrea pipeline, of 130 bytes on average.
constexpr std::string_view kFlowTexts[] = {
    "cookie=0x1030000000000,table=11,priority=200,udp,reg4=0x90000/0xf0000,tp_dst=30053,"
    "actions=set_field:0x200/0x200->reg0,set_field:0x3->reg7,group:3",
    "cookie=0x1010000000000,table=4,priority=200,ip,in_port=5,dl_src=0a:58:0a:0a:00:05,"
    "nw_src=10.10.0.5,actions=goto_table:5",
    "table=21,priority=190,ct_state=+new+trk,ct_mark=0x20/0x20,ip,reg0=0x2/0xf,"
    "actions=ct(commit,table=22,zone=65521,nat(src=10.10.0.1),exec(set_field:0x10/0x10->ct_mark))",
};

void FlowParse(benchmark::State& state) {
  std::size_t bytes = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::string_view text = kFlowTexts[next++ % std::size(kFlowTexts)];
    benchmark::DoNotOptimize(parse_flow(text));
    bytes += text.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(FlowParse);

}  // namespace
}  // namespace antrea::openflow
