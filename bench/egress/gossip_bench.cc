// What membership costs, and how long it takes to notice, beside serf with its defaults.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "antrea/base/hash.h"
#include "antrea/lab/process.h"
#include "libantrea-egress/lzw.h"
#include "tests/egress/gossip_peers.h"
#include "tests/egress/gossip_vectors.h"
#include "tests/egress/virtual_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

gossip::Alive alive(std::size_t i) {
  return {1,
          "node" + std::to_string(i),
          {IpAddress::v4(0x0a000001).plus(i), 10351},
          {},
          kOriginalVersions};
}
gossip::PushPull table(std::size_t members) {
  gossip::PushPull all;
  for (std::size_t i = 0; i < members; ++i) {
    const auto a = alive(i);
    all.nodes.push_back({a.node, a.endpoint, {}, 1, MemberState::kAlive, kOriginalVersions});
  }
  return all;
}

void Decode(benchmark::State& state, const gossip::Message& message) {
  const auto wire = gossip::encode(message);
  for (auto _ : state) benchmark::DoNotOptimize(gossip::decode(wire));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * wire.size()));
}
void Encode(benchmark::State& state, const gossip::Message& message) {
  std::size_t size = 0;
  for (auto _ : state) size += gossip::encode(message).size();
  state.SetBytesProcessed(static_cast<std::int64_t>(size));
}
const gossip::Message kPing = gossip::Ping{1, "node1", IpAddress::v4(0x0a000001), 10351, "node2"};
BENCHMARK_CAPTURE(Decode, ping, kPing);
BENCHMARK_CAPTURE(Encode, ping, kPing);
BENCHMARK_CAPTURE(Decode, alive, gossip::Message(alive(1)));
BENCHMARK_CAPTURE(Encode, alive, gossip::Message(alive(1)));
BENCHMARK_CAPTURE(Decode, push_pull_1000, gossip::Message(table(1000)));
BENCHMARK_CAPTURE(Encode, push_pull_1000, gossip::Message(table(1000)));

void Compress(benchmark::State& state) {
  const auto plain = gossip::encode(table(1000));
  for (auto _ : state) benchmark::DoNotOptimize(lzw_compress(plain));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * plain.size()));
}
BENCHMARK(Compress);
void Inflate(benchmark::State& state) {
  const auto plain = gossip::encode(table(1000));
  const auto packed = lzw_compress(plain);
  for (auto _ : state) benchmark::DoNotOptimize(lzw_inflate(packed, plain.size()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * plain.size()));
}
BENCHMARK(Inflate);
void SealAndOpen(benchmark::State& state) {
  const auto keys = *Keyring::create({Bytes(32, std::byte{1})});
  const Bytes packet(1371, std::byte{7});
  for (auto _ : state) benchmark::DoNotOptimize(keys.open(*keys.seal(packet, {}), {}));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * packet.size()));
}
BENCHMARK(SealAndOpen);

/// Packets and bytes that a member sends in a quiet second. Up to 1,000 members are all real; of
/// 10,000, 32 that watch each other are, and the others answer and ask as real ones would.
void LoadPerMember(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t kReal = 32, kEdge = 3;
  for (auto _ : state) {
    VirtualCluster cluster(1);
    std::size_t first = 0, last = count;
    if (count <= 1000) {
      cluster.add_acquainted(count);
    } else {
      std::vector<std::string> names;
      for (std::size_t i = 0; i < count; ++i) names.push_back("node" + std::to_string(i));
      std::ranges::sort(names, {}, [](const auto& name) { return stable_hash(name); });
      std::vector<Member> real;
      for (std::size_t i = 0; i < kReal; ++i) {
        cluster.add([&](MembershipOptions& options) { options.name = names[i]; });
        real.push_back(*cluster.nodes()[i].membership->find(names[i]));
      }
      for (auto& node : cluster.nodes()) node.membership->assume(real, cluster.now());
      cluster.add_strangers({names.begin() + kReal, names.end()});
      first = kEdge, last = kReal - kEdge;  // those whose neighbours are all real
    }
    cluster.run_for(1s);
    const auto sent = [&] {
      VirtualCluster::Load sum;
      for (auto i = first; i < last; ++i) {
        sum.packets += cluster.nodes()[i].sent.packets;
        sum.bytes += cluster.nodes()[i].sent.bytes;
      }
      return sum;
    };
    const auto before = sent();
    cluster.run_for(3s);
    const auto after = sent();
    const auto members = static_cast<double>(last - first);
    state.counters["packets/s"] = static_cast<double>(after.packets - before.packets) / members / 3;
    state.counters["bytes/s"] = static_cast<double>(after.bytes - before.bytes) / members / 3;
  }
}
BENCHMARK(LoadPerMember)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Real sockets on loopback, all members in one process: what one of them costs.
void CpuPerMember(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    GossipPeers peers;
    std::vector<GossipPeers::Peer*> all;
    for (std::size_t i = 0; i < count; ++i) {
      auto options = GossipPeers::options("node" + std::to_string(i));
      options.keys = *Keyring::create({Bytes(32, std::byte{1})});
      all.push_back(&peers.add(std::move(options)));
    }
    for (auto* peer : all) peer->gossip->keep_joining({all[0]->gossip->endpoint()});
    const auto complete = [&] {
      return std::ranges::all_of(
          all, [&](const auto* peer) { return peer->gossip->members().size() == count; });
    };
    if (!peers.eventually(complete, 60s))
      return state.SkipWithError("the members do not find each other");
    const auto pass = [&](std::chrono::seconds time) {
      const auto until = std::chrono::steady_clock::now() + time;
      peers.eventually([&] { return std::chrono::steady_clock::now() >= until; }, time + 1s);
    };
    pass(3s);
    const auto before = cpu_seconds();
    pass(10s);
    state.counters["percent of a core"] =
        (cpu_seconds() - before) / 10 / static_cast<double>(count) * 100;
  }
}
BENCHMARK(CpuPerMember)->Arg(10)->Arg(100)->Iterations(1)->Unit(benchmark::kMillisecond);

/// From the end of one of five members to the moment at which all others say so.
void DetectionOurs(benchmark::State& state) {
  for (auto _ : state) {
    GossipPeers peers;
    std::vector<GossipPeers::Peer*> all;
    for (int i = 0; i < 5; ++i)
      all.push_back(&peers.add(GossipPeers::options("node" + std::to_string(i))));
    for (auto* peer : all) peer->gossip->keep_joining({all[0]->gossip->endpoint()});
    const auto ready = std::chrono::steady_clock::now() + 5s;
    peers.eventually([&] { return std::chrono::steady_clock::now() > ready; });
    const auto start = std::chrono::steady_clock::now();
    all[4]->gossip->stop();
    const bool noticed = peers.eventually([&] {
      return std::ranges::all_of(std::span(all).first(4), [](const auto* peer) {
        return peer->saw(GossipEvent::Kind::kFailed, "node4");
      });
    });
    if (!noticed) return state.SkipWithError("nobody noticed");
    state.SetIterationTime(Seconds(std::chrono::steady_clock::now() - start).count());
  }
}
BENCHMARK(DetectionOurs)->Iterations(5)->UseManualTime()->Unit(benchmark::kMillisecond);

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

void DetectionSerf(benchmark::State& state) {
  const auto serf = lab::find_program("serf");
  if (!serf) return state.SkipWithError("serf is not installed");
  std::uint16_t port = 27946;
  for (auto _ : state) {
    std::vector<lab::Process> agents;
    std::vector<std::string> rpc;
    for (int i = 0; i < 5; ++i) {
      const auto bind = "127.0.0.1:" + std::to_string(port++);
      rpc.push_back("127.0.0.1:" + std::to_string(port++));
      std::vector<std::string> argv{*serf, "agent", "-node=serf" + std::to_string(i),
                                    "-bind=" + bind, "-rpc-addr=" + rpc.back()};
      if (i > 0) argv.push_back("-retry-join=127.0.0.1:" + std::to_string(port - 2 - 2 * i));
      agents.push_back(*lab::Process::spawn({.argv = argv}));
    }
    const auto all_see = [&](std::size_t observers, const std::string& words, std::size_t lines) {
      for (std::size_t i = 0; i < observers; ++i) {
        const auto out = lab::run_program(
            {.argv = {*serf, "members", "-rpc-addr=" + rpc[i], "-status=" + words}}, 5s);
        if (!out || occurrences(*out, words) != lines) return false;
      }
      return true;
    };
    const auto wait = [&](auto&& condition) {
      const auto until = std::chrono::steady_clock::now() + 60s;
      while (!condition())
        if (std::chrono::steady_clock::now() > until) return false;
      return true;
    };
    if (!wait([&] { return all_see(5, "alive", 5); }))
      return state.SkipWithError("serf does not join");
    const auto start = std::chrono::steady_clock::now();
    agents[4].signal(SIGKILL);
    if (!wait([&] { return all_see(4, "failed", 1); }))
      return state.SkipWithError("serf did not notice");
    state.SetIterationTime(Seconds(std::chrono::steady_clock::now() - start).count());
  }
}
BENCHMARK(DetectionSerf)->Iterations(3)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::egress
