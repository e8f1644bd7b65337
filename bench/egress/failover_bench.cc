// How long an address is out of reach when the host that has it is gone, as another host on the
// same segment sees it: examples/keep_address.cc beside keepalived, and what of that time serf with
// its defaults takes to notice. All of them have the same fault: the link of the host goes dead.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/egress/segment.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::system_clock;

constexpr const char* kAddress = "10.9.0.100";
constexpr unsigned kHosts = 3;

double seconds_of(Clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// Files of one trial.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "failover-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// When the first answer came after `fault`, as ping wrote it down.
std::optional<double> first_answer_after(const std::string& file, double fault) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.find("bytes from") != std::string::npos)
      if (const double at = std::atof(line.c_str() + 1); at > fault) return at;
  return std::nullopt;
}

using Arguments = std::function<std::vector<std::string>(unsigned host, const Folder&)>;

/// Three hosts run `program`; the one that has the address loses its link while a fourth one asks
/// for the address every 10 ms.
void outage(benchmark::State& state, const Arguments& program) {
  for (auto _ : state) {
    auto segment = Segment::create(kHosts + 1);
    if (!segment) return state.SkipWithError(segment.error().to_string().c_str());
    const Folder folder;
    auto& hosts = segment->hosts;
    for (unsigned i = 0; i < kHosts; ++i) {
      auto process = lab::Process::spawn(
          {.argv = program(i, folder), .view = hosts[i].view(), .log_path = folder.file("log")});
      if (!process) return state.SkipWithError(process.error().to_string().c_str());
      hosts[i].program.emplace(std::move(*process));
    }
    const auto answers = folder.file("answers");
    auto ping =
        lab::Process::spawn({.argv = {*lab::find_program("ping"), "-D", "-i", "0.01", kAddress},
                             .view = hosts[kHosts].view(),
                             .log_path = answers});
    if (!ping) return state.SkipWithError(ping.error().to_string().c_str());
    const auto start = Clock::now();
    const auto settled = [&] {
      return Clock::now() - start > 8s && segment->owners(kAddress, kHosts).size() == 1 &&
             first_answer_after(answers, seconds_of(Clock::now() - 100ms));
    };
    if (!eventually(settled)) return state.SkipWithError("no host has the address");
    const auto owner = segment->owners(kAddress, kHosts)[0];
    if (const auto cut = segment->cut(owner); !cut)
      return state.SkipWithError(cut.error().to_string().c_str());
    const double fault = seconds_of(Clock::now());
    std::optional<double> back;
    if (!eventually([&] { return (back = first_answer_after(answers, fault)).has_value(); }))
      return state.SkipWithError("nobody took the address over");
    state.SetIterationTime(*back - fault);
    for (unsigned i = 0; i < kHosts; ++i) hosts[i].program->stop(2s);
  }
}

void KeepAddress(benchmark::State& state) {
  outage(state, [](unsigned host, const Folder&) {
    return std::vector<std::string>{ANTREA_BIN_DIR "/keep_address",
                                    "host" + std::to_string(host + 1),
                                    "eth0",
                                    kAddress,
                                    "host1=10.9.0.1",
                                    "host2=10.9.0.2",
                                    "host3=10.9.0.3"};
  });
}
BENCHMARK(KeepAddress)->Iterations(7)->UseManualTime()->Unit(benchmark::kMillisecond);

/// VRRP; `interval_ms`: between advertisements, of which three must fail to come.
void Keepalived(benchmark::State& state) {
  const auto keepalived = lab::find_program("keepalived");
  if (!keepalived) return state.SkipWithError("keepalived is not installed");
  outage(state, [&](unsigned host, const Folder& folder) {
    const std::string number = std::to_string(host + 1);
    const auto config = folder.file("keepalived" + number);
    std::ofstream(config) << "global_defs {\n vrrp_version 3\n}\nvrrp_instance address {\n"
                          << " state BACKUP\n interface eth0\n virtual_router_id 51\n priority "
                          << 100 - host << "\n advert_int "
                          << static_cast<double>(state.range(0)) / 1000
                          << "\n virtual_ipaddress {\n  " << kAddress << "/32\n }\n}\n";
    return std::vector<std::string>{*keepalived,
                                    "--dont-fork",
                                    "--log-console",
                                    "--vrrp",
                                    "-f",
                                    config,
                                    "-p",
                                    folder.file("pid" + number),
                                    "-r",
                                    folder.file("vrrp-pid" + number)};
  });
}
BENCHMARK(Keepalived)
    ->ArgName("interval_ms")
    ->Arg(1000)
    ->Arg(50)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

/// Until another host says that the one without a link has failed; it has no addresses to move.
void SerfNotices(benchmark::State& state) {
  const auto serf = lab::find_program("serf");
  if (!serf) return state.SkipWithError("serf is not installed");
  for (auto _ : state) {
    auto segment = Segment::create(kHosts);
    if (!segment) return state.SkipWithError(segment.error().to_string().c_str());
    auto& hosts = segment->hosts;
    for (unsigned i = 0; i < kHosts; ++i) {
      auto process =
          lab::Process::spawn({.argv = {*serf, "agent", "-node=host" + std::to_string(i + 1),
                                        "-iface=eth0", "-retry-join=10.9.0.1"},
                               .view = hosts[i].view()});
      if (!process) return state.SkipWithError(process.error().to_string().c_str());
      hosts[i].program.emplace(std::move(*process));
    }
    const auto says = [&](const std::string& status, const std::string& host) {
      return hosts[1].run({"serf", "members", "-status=" + status}).find(host) != std::string::npos;
    };
    if (!eventually([&] { return says("alive", "host1") && says("alive", "host3"); }))
      return state.SkipWithError("serf does not join");
    const auto start = Clock::now();
    if (const auto cut = segment->cut(2); !cut)
      return state.SkipWithError(cut.error().to_string().c_str());
    if (!eventually([&] { return says("failed", "host3"); }))
      return state.SkipWithError("serf did not notice");
    state.SetIterationTime(seconds_of(Clock::now()) - seconds_of(start));
  }
}
BENCHMARK(SerfNotices)->Iterations(3)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace antrea::egress
