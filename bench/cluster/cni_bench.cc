#include "cni_bench.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "antrea/lab/namespace.h"
#include "antrea/lab/process.h"
#include "antrea/node/pod_link.h"
#include "antrea/ovsdb/vswitch.h"
#include "measure.h"

namespace antrea::bench {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int kRounds = 200;
constexpr int kAtOnce = 8;
constexpr const char* kSocket = "/run/antrea/cni.sock";

struct Plugin {
  std::string name, path, config;
};

/// A plugin that runs; what it prints is kept for the case that it fails.
class PluginRun {
 public:
  static Result<PluginRun> start(const Plugin& plugin, const char* command,
                                 const std::string& container, const std::string& netns) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
      return errno_error("make pipe", plugin.name);
    (void)!::write(in[1], plugin.config.data(), plugin.config.size());
    ::close(in[1]);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&files, out[1], 1);
    const std::vector<std::string> environment{
        std::string("CNI_COMMAND=") + command,
        "CNI_CONTAINERID=" + container,
        "CNI_NETNS=" + netns,
        "CNI_IFNAME=eth0",
        "CNI_PATH=/usr/lib/cni",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        std::string("ANTREA_CNI_SOCKET=") + kSocket,
        "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=frontend"};
    std::vector<char*> envp;
    for (const std::string& each : environment) envp.push_back(const_cast<char*>(each.c_str()));
    envp.push_back(nullptr);
    char* const argv[] = {const_cast<char*>(plugin.path.c_str()), nullptr};
    PluginRun run;
    run.out_ = out[0];
    const int failed =
        ::posix_spawn(&run.pid_, plugin.path.c_str(), &files, nullptr, argv, envp.data());
    ::posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    if (failed != 0) {
      ::close(out[0]);
      return errno_error(failed, "start", plugin.path);
    }
    return run;
  }
  Result<> finish() {
    std::string output;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(out_, buffer, sizeof buffer)) > 0;)
      output.append(buffer, static_cast<std::size_t>(size));
    ::close(out_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    if (status != 0) return make_error(Errc::kRejected, "the plugin failed: " + output, "");
    return {};
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

struct Sandbox {
  lab::NetNamespace ns;
  std::string path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), ns.fd()); }
};

Result<Sandbox> make_sandbox() {
  ANTREA_TRY(auto ns, lab::NetNamespace::create());
  return Sandbox{std::move(ns)};
}

Result<double> timed(const Plugin& plugin, const char* command, const std::string& container,
                     const std::string& netns) {
  const auto begin = Clock::now();
  ANTREA_TRY(auto run, PluginRun::start(plugin, command, container, netns));
  ANTREA_CHECK(run.finish());
  return ms_since(begin);
}

/// The parts that no plugin can do without: a process, a veth pair with its address, a port of the
/// switch with its number.
struct Floor {
  Times process, link, port;
  double sum() { return process.at(.5) + link.at(.5) + port.at(.5); }
};

asio::awaitable<Result<>> measure_ports(ovsdb::VSwitch& vswitch, Floor& floor) {
  ANTREA_CO_TRY(const auto sandbox, make_sandbox());
  for (int i = 0; i < kRounds; ++i) {
    node::PodLinkSpec link;
    link.netns = sandbox.path();
    link.name = "eth0";
    link.host_name = "floor0";
    link.mac = MacAddress::parse("0a:00:00:00:00:01").value();
    link.host_mac = MacAddress::parse("0a:00:00:00:00:02").value();
    link.tx_checksum = false;
    link.addresses = {
        {IpAddress::parse("10.98.0.2").value(), 24, IpAddress::parse("10.98.0.1").value()}};
    const auto begin = Clock::now();
    ANTREA_CO_CHECK(node::create_pod_link(link));
    floor.link.add(ms_since(begin));
    ovsdb::PortSpec port;
    port.name = link.host_name;
    const auto plugged = Clock::now();
    auto added = co_await vswitch.add_port("br-int", port);
    if (!added) co_return Error(added.error());
    floor.port.add(ms_since(plugged));
    ANTREA_CO_CHECK(co_await vswitch.del_port("br-int", port.name));
    ANTREA_CO_CHECK(node::delete_pod_link(link.host_name));
  }
  co_return Result<>();
}

Result<Floor> measure_floor() {
  Floor floor;
  const Plugin nothing{"nothing", "/bin/true", ""};
  for (int i = 0; i < kRounds; ++i) {
    ANTREA_TRY(const double spent, timed(nothing, "ADD", "", ""));
    floor.process.add(spent);
  }
  asio::io_context io;
  ovsdb::ClientOptions options;
  options.remote = "unix:/run/openvswitch/db.sock";
  options.monitor = ovsdb::VSwitch::monitored();
  ovsdb::Client client(io.get_executor(), options);
  ovsdb::VSwitch vswitch(client);
  Result<> outcome;
  asio::co_spawn(io, client.run(), asio::detached);
  const auto work = [&]() -> asio::awaitable<void> {
    outcome = co_await client.wait_synced(Clock::now() + std::chrono::seconds(10));
    if (outcome) outcome = co_await measure_ports(vswitch, floor);
    io.stop();
  };
  asio::co_spawn(io, work, asio::detached);
  io.run();
  if (!outcome) return Error(outcome.error());
  return floor;
}

struct Costs {
  Times add, del;
  double adds_per_second = 0;
};

/// In one namespace, as the kernel takes its time, and a lock, to do away with one.
Result<> one_at_a_time(const std::vector<Plugin>& plugins, std::map<std::string, Costs>& costs) {
  ANTREA_TRY(const auto sandbox, make_sandbox());
  for (int i = 0; i < kRounds; ++i)
    for (const Plugin& plugin : plugins) {
      const std::string container = fmt::format("bench-{}", i);
      ANTREA_TRY(const double added, timed(plugin, "ADD", container, sandbox.path()));
      ANTREA_TRY(const double deleted, timed(plugin, "DEL", container, sandbox.path()));
      costs[plugin.name].add.add(added);
      costs[plugin.name].del.add(deleted);
    }
  return {};
}

Result<double> adds_per_second(const Plugin& plugin) {
  double spent = 0;
  std::vector<Sandbox> sandboxes;
  for (int i = 0; i < kAtOnce; ++i) {
    ANTREA_TRY(auto sandbox, make_sandbox());
    sandboxes.push_back(std::move(sandbox));
  }
  for (int round = 0; round < kRounds / kAtOnce; ++round) {
    for (const char* const command : {"ADD", "DEL"}) {
      std::vector<PluginRun> runs;
      const auto begin = Clock::now();
      for (int i = 0; i < kAtOnce; ++i) {
        ANTREA_TRY(auto run, PluginRun::start(plugin, command, fmt::format("at-once-{}", i),
                                              sandboxes[static_cast<std::size_t>(i)].path()));
        runs.push_back(run);
      }
      for (PluginRun& run : runs) ANTREA_CHECK(run.finish());
      if (command == std::string_view("ADD")) spent += ms_since(begin);
    }
  }
  return 1000.0 * (kRounds / kAtOnce * kAtOnce) / spent;
}

}  // namespace

Result<> measure_cni() {
  char data[] = "/tmp/antrea-bench-XXXXXX";
  if (::mkdtemp(data) == nullptr) return errno_error("make folder", data);
  const json::object bridge{
      {"cniVersion", "1.0.0"},
      {"name", "bench"},
      {"type", "bridge"},
      {"bridge", "bench0"},
      {"isGateway", true},
      {"ipam", {{"type", "host-local"}, {"dataDir", data}, {"subnet", "10.99.0.0/16"}}}};
  json::object masquerading = bridge;
  masquerading["ipMasq"] = true;
  ANTREA_TRY(const auto own, lab::find_program("antrea-cni"));
  const std::string theirs = "/usr/lib/cni/bridge";
  const std::vector<Plugin> plugins{{"antrea-cni", own,
                                     R"({"cniVersion":"1.0.0","name":"antrea","type":"antrea",)"
                                     R"("ipam":{"type":"host-local"}})"},
                                    {"bridge", theirs, json::serialize(bridge)},
                                    {"bridge, ipMasq", theirs, json::serialize(masquerading)}};

  ANTREA_TRY(auto floor, measure_floor());
  std::map<std::string, Costs> costs;
  ANTREA_CHECK(one_at_a_time(plugins, costs));
  for (const Plugin& plugin : plugins) {
    ANTREA_TRY(costs[plugin.name].adds_per_second, adds_per_second(plugin));
  }
  std::filesystem::remove_all(data);

  fmt::print("CNI, {} of each; whole processes, as a runtime sees them\n", kRounds);
  fmt::print(
      "  floor of an ADD     p50 {:6.2f} ms: process {:.2f}, veth pair {:.2f}, port {:.2f}\n",
      floor.sum(), floor.process.at(.5), floor.link.at(.5), floor.port.at(.5));
  for (const Plugin& plugin : plugins) {
    Costs& cost = costs[plugin.name];
    fmt::print("  {:15} ADD p50 {:6.2f} ms  p99 {:6.2f} ms ({:.2f} x floor, {:.2f} x bridge)\n",
               plugin.name, cost.add.at(.5), cost.add.at(.99), cost.add.at(.5) / floor.sum(),
               cost.add.at(.5) / costs["bridge"].add.at(.5));
    fmt::print("  {:15} DEL p50 {:6.2f} ms  p99 {:6.2f} ms; {} at once: {:.0f} ADDs/s\n", "",
               cost.del.at(.5), cost.del.at(.99), kAtOnce, cost.adds_per_second);
  }
  return {};
}

}  // namespace antrea::bench
