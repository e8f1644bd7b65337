#include "antrea/lab/vswitch.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "session.h"

namespace antrea::lab {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kStart{10'000};

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::string last;
  while (std::getline(in, line)) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "its log is empty" : last;
}

/// Waits until `ready` holds, the process has ended, or time is up.
template <typename F>
Result<> await(Process& process, const std::string& name, const std::string& log, F ready) {
  const auto deadline = std::chrono::steady_clock::now() + kStart;
  while (!ready()) {
    if (!process.alive())
      return make_error(Errc::kUnavailable, "it ended at its start: " + last_line(log), name);
    if (std::chrono::steady_clock::now() > deadline)
      return make_error(Errc::kTimeout, "not ready after 10 s: " + last_line(log), name);
    std::this_thread::sleep_for(milliseconds(5));
  }
  return {};
}

}  // namespace

std::string_view to_string(Datapath datapath) {
  return datapath == Datapath::kNetdev ? "netdev" : "dummy";
}

Result<VSwitch> VSwitch::start(const HostView& view, const std::string& run_dir,
                               const std::string& system_id, Datapath datapath) {
  VSwitch out;
  out.view_ = view;
  out.run_dir_ = run_dir;
  out.datapath_ = datapath;
  std::error_code ec;
  std::filesystem::create_directories(run_dir, ec);
  if (ec) return errno_error(ec.value(), "create", run_dir);
  ANTREA_CHECK(out.tool({"ovsdb-tool", "create", run_dir + "/conf.db"}));
  ANTREA_CHECK(out.start_database());
  ANTREA_CHECK(
      out.tool({"ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                "external_ids:system-id=" + system_id, "external_ids:hostname=" + system_id}));
  ANTREA_CHECK(out.start_daemon());
  return out;
}

Result<> VSwitch::start_database() {
  ANTREA_TRY(std::string path, find_program("ovsdb-server"));
  const std::string log = run_dir_ + "/ovsdb-server.log";
  std::error_code ignored;
  std::filesystem::remove(run_dir_ + "/db.sock", ignored);
  std::filesystem::remove(run_dir_ + "/ovsdb-server.pid", ignored);
  ProcessOptions options{
      .argv = {path, run_dir_ + "/conf.db", "--remote=punix:" + run_dir_ + "/db.sock",
               "--pidfile=" + run_dir_ + "/ovsdb-server.pid",
               "--unixctl=" + run_dir_ + "/ovsdb-server.ctl", "-vconsole:off", "--log-file=" + log},
      .env = environment(),
      .view = view_,
      .log_path = log};
  ANTREA_TRY(database_, Process::spawn(options));
  // The socket's file is there a moment before anybody listens.
  return await(database_, "ovsdb-server", log,
               [&] { return connect_to(run_dir_ + "/db.sock").has_value(); });
}

Result<> VSwitch::start_daemon() {
  ANTREA_TRY(std::string path, find_program("ovs-vswitchd"));
  const std::string log = run_dir_ + "/ovs-vswitchd.log";
  std::error_code ignored;
  std::filesystem::remove(run_dir_ + "/ovs-vswitchd.pid", ignored);
  std::filesystem::remove(run_dir_ + "/ovs-vswitchd.ctl", ignored);
  ProcessOptions options{
      .argv = {path, "unix:" + run_dir_ + "/db.sock", "--disable-system",
               "--pidfile=" + run_dir_ + "/ovs-vswitchd.pid",
               "--unixctl=" + run_dir_ + "/ovs-vswitchd.ctl", "-vconsole:off", "--log-file=" + log},
      .env = environment(),
      .view = view_,
      .log_path = log};
  if (datapath_ == Datapath::kDummy) options.argv.emplace_back("--enable-dummy");
  ANTREA_TRY(daemon_, Process::spawn(options));
  // Its control socket answers only once its main loop turns.
  ANTREA_CHECK(await(daemon_, "ovs-vswitchd", log, [&] {
    return access((run_dir_ + "/ovs-vswitchd.ctl").c_str(), F_OK) == 0 &&
           tool({"ovs-appctl", "-t", run_dir_ + "/ovs-vswitchd.ctl", "version"}).has_value();
  }));
  return {};
}

Result<> VSwitch::restart_dead() {
  if (!database_.alive()) ANTREA_CHECK(start_database());
  if (!daemon_.alive()) ANTREA_CHECK(start_daemon());
  return {};
}

std::vector<std::string> VSwitch::environment() const {
  return {"OVS_RUNDIR=" + run_dir_, "OVS_DBDIR=" + run_dir_, "OVS_LOGDIR=" + run_dir_,
          "DB_SOCK=" + run_dir_ + "/db.sock"};
}

Result<std::string> VSwitch::tool(std::vector<std::string> argv) const {
  const std::string name = argv[0];
  ANTREA_TRY(argv[0], find_program(name));
  if (name == "ovs-vsctl") {
    argv.insert(argv.begin() + 1, {"--db=unix:" + run_dir_ + "/db.sock", "--timeout=10"});
  }
  auto out = run_program({.argv = std::move(argv), .env = environment(), .view = view_}, kStart);
  if (out.has_error()) return std::move(out).error().within(name, view_.hostname);
  return out;
}

}  // namespace antrea::lab
