#include <benchmark/benchmark.h>

#include "antrea/egress/address_pools.h"

namespace antrea::egress {
namespace {

void AddressPoolsAllocate(benchmark::State& state) {
  api::crd::ExternalIPPool pool;
  pool.metadata.name = "pool";
  const auto cidr = *IpPrefix::parse("10.0.0.0/8");
  pool.ranges = {{cidr.address(), cidr.last(), cidr}};
  std::vector<std::string> owners;
  for (std::int64_t i = 0; i < state.range(0); ++i) owners.push_back("egress-" + std::to_string(i));
  for (auto _ : state) {
    AddressPools pools;
    pools.set(pool);
    for (const auto& owner : owners) benchmark::DoNotOptimize(pools.allocate("pool", owner));
  }
}
BENCHMARK(AddressPoolsAllocate)->ArgName("addresses")->Arg(65536)->Unit(benchmark::kMillisecond);

// The worst order: every other address comes back, and is handed out again.
void AddressPoolsReuse(benchmark::State& state) {
  api::crd::ExternalIPPool pool;
  pool.metadata.name = "pool";
  const auto cidr = *IpPrefix::parse("10.0.0.0/15");
  pool.ranges = {{cidr.address(), cidr.last(), cidr}};
  AddressPools pools;
  pools.set(pool);
  std::vector<IpAddress> held;
  for (int i = 0; i < 65536; ++i) held.push_back(*pools.allocate("pool", "owner"));
  for (auto _ : state) {
    for (std::size_t i = 0; i < held.size(); i += 2) pools.release(held[i], "owner");
    for (std::size_t i = 0; i < held.size(); i += 2)
      benchmark::DoNotOptimize(pools.allocate("pool", "owner"));
  }
}
BENCHMARK(AddressPoolsReuse)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::egress
