#include "fixture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

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
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << path;
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
  EXPECT_EQ(run_command({"ovsdb-tool", "create", dir_ / "conf.db",
                         "/usr/share/openvswitch/vswitch.ovsschema"}),
            0);
  start_server();
  EXPECT_EQ(run_command({"ovs-vsctl", "--no-wait", "--db=" + remote(), "init"}), 0);
}

void OpenVSwitch::start_server() {
  server_ = Process({"ovsdb-server", "--no-chdir", "--remote=punix:" + socket(),
                     "--unixctl=" + (dir_ / "server.ctl"), "-vconsole:warn", dir_ / "conf.db"},
                    dir_ / "server.log");
  wait_for_socket(socket());
}

void OpenVSwitch::start_switch() {
  ::setenv("OVS_RUNDIR", (dir_ / "").c_str(), 1);
  switch_ = Process({"ovs-vswitchd", "--no-chdir", "--disable-system", "-vconsole:warn",
                     "--unixctl=" + (dir_ / "switch.ctl"), remote()},
                    dir_ / "switch.log");
}

bool enter_private_network() {
  static const bool entered = [] {
    if (::unshare(CLONE_NEWNET) != 0) return false;
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
