#include "fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

extern char** environ;

namespace antrea::testing {
namespace {

pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

/// What is not there at the start of a test is no finding of it.
[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

bool accepts(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

void wait_for_socket(const std::string& path) {
  const auto deadline = in(std::chrono::seconds(20));
  while (!accepts(path)) {
    if (std::chrono::steady_clock::now() > deadline) give_up("nothing listens at " + path);
    std::this_thread::yield();
    ::poll(nullptr, 0, 5);
  }
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const std::string& log)
    : pid_(spawn(command, log)) {}

void Process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "antrea-ovs-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

OpenVSwitch::OpenVSwitch() {
  if (run_command({"ovsdb-tool", "create", dir_ / "conf.db",
                   "/usr/share/openvswitch/vswitch.ovsschema"}) != 0)
    give_up("cannot create an OVSDB database: is Open vSwitch installed?");
  start_server();
  if (vsctl({"--no-wait", "init"}) != 0) give_up("cannot initialise the database of Open vSwitch");
}

void OpenVSwitch::start_server() {
  server_ = Process({"ovsdb-server", "--no-chdir", "--remote=punix:" + socket(),
                     "--unixctl=" + (dir_ / "server.ctl"), "-vconsole:warn", dir_ / "conf.db"},
                    dir_ / "server.log");
  wait_for_socket(socket());
}

void OpenVSwitch::start_switch() {
  ::setenv("OVS_RUNDIR", (dir_ / "").c_str(), 1);
  switch_ = Process({"ovs-vswitchd", "--no-chdir", "--disable-system", "--enable-dummy",
                     "-vconsole:warn", "--unixctl=" + (dir_ / "switch.ctl"), remote()},
                    dir_ / "switch.log");
}

int OpenVSwitch::vsctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"ovs-vsctl", "--timeout=20", "--db=" + remote()});
  return run_command(arguments);
}

bool OpenVSwitch::add_bridge(const std::string& name) const {
  return vsctl({"add-br", name, "--", "set", "bridge", name, "datapath_type=" + datapath_type(),
                "protocols=OpenFlow15", "fail_mode=secure"}) == 0;
}

std::string datapath_type() {
  static const bool tun = [] {
    const int fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
  }();
  return tun ? "netdev" : "dummy";
}

bool enter_private_network() {
  static const bool entered = [] {
    if (::unshare(CLONE_NEWNET) != 0) {
      const auto uid = ::geteuid();
      const auto gid = ::getegid();
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
      std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    }
    return run_command({"ip", "link", "set", "lo", "up"}) == 0;
  }();
  return entered;
}

int run_command(const std::vector<std::string>& command) {
  const pid_t pid = spawn(command, "/dev/null");
  if (pid < 0) return -1;
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace antrea::testing
