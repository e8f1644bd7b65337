// A switch of real flows, beside what the bare socket and ovs-ofctl reach in the same run. Our side
// runs as a process of its own (this program with --agent), so that time, CPU and memory are its
// own.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <fstream>
#include <thread>

#include "antrea/openflow/switch.h"
#include "antrea/openflow/text.h"
#include "antrea_flows.h"
#include "tests/ovs/fixture.h"

namespace antrea::openflow::bench {
namespace {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using antrea::testing::in;
using antrea::testing::run;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Kilobytes that are resident.
long resident() {
  std::ifstream file("/proc/self/statm");
  long size = 0, pages = 0;
  file >> size >> pages;
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/// --agent SOCKET COUNT objects|stream: makes COUNT flows, desires them and waits until the switch
/// has them. With "objects" they are all in memory before the clock starts, with "stream" they are
/// made a thousand at a time. Writes seconds, CPU seconds, kilobytes the desired state takes, and
/// messages sent.
int agent(const std::string& socket, unsigned count, bool objects) {
  asio::io_context io(1);
  SwitchOptions options;
  options.connection.remote = "unix:" + socket;
  options.ownership = Ownership{.groups = false, .meters = false};
  Switch bridge(io.get_executor(), options);
  const auto before = resident();
  Changes changes;
  const auto step = objects ? count : 1000;
  auto start = Clock::now();
  auto cpu = own_cpu();
  for (unsigned at = 0; at < count; at += step) {
    changes = {};
    changes.flows.reserve(step);
    for (unsigned i = at; i < at + step && i < count; ++i) changes.flows.push_back(antrea_flow(i));
    if (objects) start = Clock::now(), cpu = own_cpu();
    if (!bridge.prepare(changes)) return 1;
  }
  const auto kilobytes = resident() - before;
  if (!objects) start = Clock::now(), cpu = own_cpu();
  asio::co_spawn(io, bridge.run(), [](std::exception_ptr) {});
  bridge.sync();
  if (!run(io, bridge.wait_synced(in(std::chrono::seconds(60))))) return 1;
  std::printf("%f %f %ld %lu\n", seconds_since(start), own_cpu() - cpu, kilobytes,
              bridge.statistics().messages);
  bridge.stop();
  io.restart();
  io.run();
  return 0;
}

struct Usage {
  double seconds = 0;
  double cpu = 0;
  double megabytes = 0;  ///< most that was resident
  int status = -1;
  std::string output;
};

Usage spend(const std::vector<std::string>& command) {
  int out[2];
  if (pipe2(out, O_CLOEXEC) != 0) return {};
  const auto start = Clock::now();
  const pid_t pid = vfork();
  if (pid == 0) {
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    dup2(out[1], 1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(out[1]);
  Usage usage;
  char buffer[4096];
  for (ssize_t size; (size = read(out[0], buffer, sizeof buffer)) > 0;)
    usage.output.append(buffer, static_cast<std::size_t>(size));
  close(out[0]);
  rusage used{};
  wait4(pid, &usage.status, 0, &used);
  usage.seconds = seconds_since(start);
  usage.cpu = double(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
              double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
  usage.megabytes = double(used.ru_maxrss) / 1024;
  return usage;
}

/// One bridge, with the groups that the flows name.
class Bench {
 public:
  explicit Bench(unsigned count) : count_(count) {
    antrea::testing::enter_private_network();
    ovs_.start_switch();
    if (!ovs_.add_bridge()) std::abort();
    std::ofstream groups(ovs_.dir() / "groups"), flows(file());
    for (unsigned id = 1; id <= 100; ++id)
      groups << "group_id=" << id << ",type=select,bucket=weight:100,resubmit(,12)\n";
    std::uint32_t xid = 10;
    control(BundleCommand::kOpenRequest, 4);
    for (unsigned i = 0; i < count; ++i) {
      const auto flow = antrea_flow(i);
      flows << to_string(flow) << "\n";
      const auto at = ready_made_.size();
      encode_bundle_add_flow_mod(1, 3, flow, FlowCommand::kAdd, xid++, ready_made_);
      flow_bytes_ += ready_made_.size() - at - 16;
    }
    control(BundleCommand::kCommitRequest, 5);
    groups.close();
    if (ofctl({"add-groups", target(), ovs_.dir() / "groups"}).status != 0) std::abort();
  }
  std::string file() const { return ovs_.dir() / "flows"; }
  std::string socket() const { return ovs_.bridge_socket(); }
  std::string target() const { return "unix:" + socket(); }
  double bytes_per_flow() const { return double(flow_bytes_) / count_; }

  Usage ofctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"ovs-ofctl", "-OOpenFlow15", "--no-names"});
    return spend(arguments);
  }
  /// Runs our side; false if that failed.
  bool agent(bool objects) {
    const auto usage = spend({"/proc/self/exe", "--agent", socket(), std::to_string(count_),
                              objects ? "objects" : "stream"});
    megabytes = usage.megabytes;
    return usage.status == 0 && std::sscanf(usage.output.c_str(), "%lf %lf %lf %lf", &seconds, &cpu,
                                            &kilobytes, &messages) == 4;
  }
  double seconds = 0, cpu = 0, kilobytes = 0, messages = 0, megabytes = 0;  ///< of the last `agent`

  void empty() {
    ofctl({"del-flows", target()});
    settle();
  }
  /// The switch goes on for a while after it has answered: waits until it uses no more CPU.
  void settle() const {
    const auto ticks = [&] {
      std::ifstream file("/proc/" + std::to_string(ovs_.switch_pid()) + "/stat");
      std::string text((std::istreambuf_iterator<char>(file)), {});
      std::istringstream rest(text.substr(text.rfind(')')));
      std::string word;
      long sum = 0;
      for (int i = 1; i <= 14 && rest >> word; ++i)
        if (i >= 13) sum += std::stol(word);
      return sum;
    };
    long last = -1;
    for (auto now = ticks(); now > last + 1; now = ticks()) {
      last = now;
      poll(nullptr, 0, 100);
    }
  }
  /// The ready-made bytes on a bare socket, written while replies are read; seconds.
  double replay() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    std::vector<std::byte> hello;
    encode(1, Hello{}, hello);
    (void)!write(fd, hello.data(), hello.size());
    std::vector<std::byte> in(65536);
    (void)!read(fd, in.data(), in.size());
    fcntl(fd, F_SETFL, O_NONBLOCK);
    const auto start = Clock::now();
    std::size_t written = 0, held = 0;
    for (bool done = false; !done;) {
      pollfd wait{fd, static_cast<short>(POLLIN | (written < ready_made_.size() ? POLLOUT : 0)), 0};
      poll(&wait, 1, -1);
      if ((wait.revents & POLLOUT) != 0) {
        const auto size = write(fd, ready_made_.data() + written, ready_made_.size() - written);
        if (size > 0) written += static_cast<std::size_t>(size);
      }
      if ((wait.revents & POLLIN) == 0) continue;
      const auto size = read(fd, in.data() + held, in.size() - held);
      if (size <= 0) std::abort();
      held += static_cast<std::size_t>(size);
      std::size_t at = 0;
      while (const auto header = peek_header(std::span(in).subspan(at, held - at))) {
        if (held - at < header->length) break;
        done = done || header->xid == 5;
        at += header->length;
      }
      std::memmove(in.data(), in.data() + at, held - at);
      held -= at;
    }
    const auto seconds = seconds_since(start);
    close(fd);
    return seconds;
  }

 private:
  void control(BundleCommand command, std::uint32_t xid) {
    encode(xid, BundleControl{1, command}, ready_made_);
  }

  unsigned count_;
  antrea::testing::OpenVSwitch ovs_;
  std::vector<std::byte> ready_made_;
  std::size_t flow_bytes_ = 0;
};

/// 100k flows from objects in memory into an empty bridge.
void FillEmptyBridge(benchmark::State& state) {
  Bench bench(static_cast<unsigned>(state.range(0)));
  double bare = 0, ofctl = 0, ours = 0, cpu = 0;
  for (auto _ : state) {
    bench.empty();
    bare += bench.replay();
    bench.settle();
    bench.empty();
    if (!bench.agent(true) || bench.messages != double(state.range(0))) {
      state.SkipWithError("the agent failed");
      return;
    }
    state.SetIterationTime(bench.seconds);
    ours += bench.seconds;
    cpu += bench.cpu;
    bench.settle();
    bench.empty();
    ofctl += bench.ofctl({"--bundle", "add-flows", bench.target(), bench.file()}).seconds;
    bench.settle();
  }
  const auto runs = double(state.iterations());
  state.counters["bare_s"] = bare / runs;
  state.counters["ofctl_s"] = ofctl / runs;
  state.counters["cpu_s"] = cpu / runs;
  state.counters["of_bare"] = ours / bare;
  state.counters["of_ofctl"] = ours / ofctl;
  state.counters["wire_bytes/flow"] = bench.bytes_per_flow();
}

/// A switch that has them is compared by an agent that starts; `changed` flows of it differ.
void Resync(benchmark::State& state) {
  Bench bench(static_cast<unsigned>(state.range(0)));
  const auto changed = state.range(1);
  bench.empty();
  bench.ofctl({"--bundle", "add-flows", bench.target(), bench.file()});
  bench.settle();
  double ours = 0, cpu = 0, megabytes = 0, kilobytes = 0;
  Usage diff;
  const auto change = [&] {
    if (changed > 0)
      bench.ofctl({"--strict", "mod-flows", bench.target(),
                   "table=22,priority=200,dl_dst=0a:58:00:00:00:1b,actions=drop"});
  };
  for (auto _ : state) {
    change();
    if (!bench.agent(false) || bench.messages != double(changed)) {
      state.SkipWithError("the agent failed");
      return;
    }
    state.SetIterationTime(bench.seconds);
    ours += bench.seconds;
    cpu += bench.cpu;
    megabytes = bench.megabytes;
    kilobytes = bench.kilobytes;
    change();
    const auto peer = bench.ofctl({"diff-flows", bench.target(), bench.file()});
    diff.seconds += peer.seconds;
    diff.megabytes = peer.megabytes;
    if (WEXITSTATUS(peer.status) != (changed > 0 ? 2 : 0)) state.SkipWithError("diff-flows failed");
  }
  const auto runs = double(state.iterations());
  state.counters["diff_flows_s"] = diff.seconds / runs;
  state.counters["diff_flows_MiB"] = diff.megabytes;
  state.counters["cpu_s"] = cpu / runs;
  state.counters["MiB"] = megabytes;
  state.counters["bytes/flow"] = kilobytes * 1024 / double(state.range(0));
  state.counters["of_time"] = ours / diff.seconds;
  state.counters["of_memory"] = megabytes / diff.megabytes;
}

BENCHMARK(FillEmptyBridge)
    ->ArgName("flows")
    ->Arg(100'000)
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(Resync)
    ->ArgNames({"flows", "changed"})
    ->Args({100'000, 0})
    ->Args({100'000, 1})
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::openflow::bench

int main(int argc, char** argv) {
  using namespace antrea::openflow::bench;
  if (argc == 5 && std::strcmp(argv[1], "--agent") == 0)
    return agent(argv[2], static_cast<unsigned>(std::stoul(argv[3])),
                 std::strcmp(argv[4], "objects") == 0);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
