// What the pieces of a lab cost: namespaces, links, a switch, a whole host. Peers: unshare(1) with
// ip(8).
#include <benchmark/benchmark.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "antrea/lab/netlink.h"
#include "antrea/lab/process.h"
#include "antrea/lab/topology.h"

namespace antrea::lab {
namespace {

/// Benchmarks need CAP_NET_ADMIN somewhere: in namespaces of their own, for users too.
bool isolate() {
  static const bool done = unshare((geteuid() == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS) == 0;
  return done;
}

void BM_NamespaceCreate(benchmark::State& state) {
  if (!isolate()) return state.SkipWithError("no namespaces for this user");
  for (auto _ : state) {
    auto ns = NetNamespace::create();
    if (!ns) return state.SkipWithError("cannot make a namespace");
    benchmark::DoNotOptimize(ns);
  }
}
BENCHMARK(BM_NamespaceCreate)->Unit(benchmark::kMicrosecond);

void BM_NamespaceCreate_peer_unshare_program(benchmark::State& state) {
  if (!isolate()) return state.SkipWithError("no namespaces for this user");
  const auto unshare = find_program("unshare");
  if (!unshare) return state.SkipWithError("no unshare(1)");
  for (auto _ : state) {
    if (!run_program({.argv = {*unshare, "-n", "/bin/true"}}, std::chrono::seconds(10)))
      return state.SkipWithError("unshare -n failed");
  }
}
BENCHMARK(BM_NamespaceCreate_peer_unshare_program)->Unit(benchmark::kMicrosecond);

void BM_VethPair(benchmark::State& state) {
  if (!isolate()) return state.SkipWithError("no namespaces for this user");
  auto a = NetNamespace::create();
  auto b = NetNamespace::create();
  if (!a || !b) return state.SkipWithError("cannot make a namespace");
  auto links = Netlink::open(*a);
  int i = 0;
  for (auto _ : state) {
    const std::string name = "v" + std::to_string(i++);
    if (!links->add_veth(name, name + "p", *b))
      return state.SkipWithError("cannot make a veth pair");
  }
}
BENCHMARK(BM_VethPair)->Unit(benchmark::kMicrosecond)->Iterations(200);

void BM_VethPair_peer_ip_program(benchmark::State& state) {
  if (!isolate()) return state.SkipWithError("no namespaces for this user");
  auto a = NetNamespace::create();
  const auto ip = find_program("ip");
  if (!a || !ip) return state.SkipWithError("no ip(8)");
  int i = 0;
  for (auto _ : state) {
    const std::string name = "v" + std::to_string(i++);
    if (!run_program(
            {.argv = {*ip, "link", "add", name, "type", "veth", "peer", "name", name + "p"},
             .view = HostView{.net = a->fd()}},
            std::chrono::seconds(10)))
      return state.SkipWithError("ip link add failed");
  }
}
BENCHMARK(BM_VethPair_peer_ip_program)->Unit(benchmark::kMicrosecond)->Iterations(200);

/// A Node with its Open vSwitch up and its uplink connected, from nothing.
void BM_Topology(benchmark::State& state) {
  if (!isolate()) return state.SkipWithError("no namespaces for this user");
  for (auto _ : state) {
    char dir[] = "/tmp/antrea-lab-bench-XXXXXX";
    if (mkdtemp(dir) == nullptr) return state.SkipWithError("no scratch folder");
    auto built = Topology::build({.dir = dir,
                                  .node_count = static_cast<unsigned>(state.range(0)),
                                  .datapath = Datapath::kDummy});
    state.PauseTiming();
    const bool good = built.has_value();
    built = make_error(Errc::kCancelled, "done");
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
    if (!good) return state.SkipWithError("cannot build the hosts (no Open vSwitch?)");
    state.ResumeTiming();
  }
}
BENCHMARK(BM_Topology)->ArgName("nodes")->Arg(1)->Arg(4)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::lab
