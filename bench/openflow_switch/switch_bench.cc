// The engine's share of keeping a switch: building the desired state, comparing a dump of it,
// writing the bundle. BM_ScanDump is the bound of the comparison: walking the same bytes without
// comparing them.
#include <benchmark/benchmark.h>

#include "antrea/openflow/switch_state.h"

namespace antrea::openflow {
namespace {

Flow flow_of(unsigned n) {
  Flow flow;
  flow.table = TableId{static_cast<std::uint8_t>(10 + n % 20)};
  flow.priority = static_cast<std::uint16_t>(100 + n % 7);
  flow.cookie = 0x1030000000000;
  flow.match.in_port(PortNo{n % 200 + 1})
      .ip_dst(IpAddress::v4(0x0a000000 + n))
      .tcp_dst(80)
      .ct_state("+new+trk")
      .set_reg(0, 0, 4, n % 16);
  flow.apply_actions = {load(reg_bits(0, 0, 3), 2), load(reg_bits(4, 16, 18), n % 8),
                        resubmit(TableId{40})};
  return flow;
}

Changes flows(std::int64_t count) {
  Changes changes;
  for (std::int64_t n = 0; n < count; ++n)
    changes.flows.push_back(flow_of(static_cast<unsigned>(n)));
  return changes;
}

std::vector<std::vector<std::byte>> dump(const Changes& changes) {
  std::vector<std::vector<std::byte>> parts;
  for (std::size_t at = 0; at < changes.flows.size(); at += 300) {
    FlowStatsReply reply;
    const auto end = std::min(at + 300, changes.flows.size());
    for (auto i = at; i < end; ++i) reply.flows.push_back({changes.flows[i], {}});
    if (!encode(1, MultipartReply{end < changes.flows.size(), reply}, parts.emplace_back()))
      std::abort();
  }
  return parts;
}

void BM_Desire(benchmark::State& state) {
  const auto changes = flows(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    SwitchState desired;
    auto delta = desired.apply(changes);
    benchmark::DoNotOptimize(delta);
    bytes = desired.flow_bytes();
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.counters["bytes/flow"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(BM_Desire)->ArgName("flows")->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_CompareUnchanged(benchmark::State& state) {
  const auto changes = flows(state.range(0));
  const auto parts = dump(changes);
  SwitchState desired;
  if (!desired.apply(changes)) std::abort();
  for (auto _ : state) {
    desired.begin_readback();
    for (const auto& part : parts)
      if (!desired.see_flows(part)) std::abort();
    if (!desired.finish_readback().empty()) std::abort();
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_CompareUnchanged)->ArgName("flows")->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_ScanDump(benchmark::State& state) {
  const auto parts = dump(flows(state.range(0)));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const auto& part : parts) {
      FlowStatsReader reader(part);
      while (const auto view = reader.next()) sum += view->cookie;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_ScanDump)->ArgName("flows")->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_WriteBundle(benchmark::State& state) {
  SwitchState desired;
  const auto delta = desired.apply(flows(state.range(0)));
  const auto plan = Plan::make(*delta);
  std::vector<std::byte> out;
  for (auto _ : state) {
    out.clear();
    std::uint32_t xid = 1;
    for (const auto& message : plan->bundle) message.encode(xid++, 1, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_WriteBundle)->ArgName("flows")->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::openflow
