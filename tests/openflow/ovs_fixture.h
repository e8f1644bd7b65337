#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "antrea/openflow/codec.h"

namespace antrea::openflow::testing {

/// A real ovs-vswitchd with a userspace datapath and one bridge, br0, in its own run directory and
/// network namespace.
class OpenVSwitch {
 public:
  OpenVSwitch() {
    char pattern[] = "/tmp/antrea-of-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~OpenVSwitch() {
    for (const pid_t pid : daemons_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  OpenVSwitch(const OpenVSwitch&) = delete;
  OpenVSwitch& operator=(const OpenVSwitch&) = delete;

  static bool installed() { return std::filesystem::exists("/usr/sbin/ovs-vswitchd"); }

  /// False if something did not come up.
  bool start() {
    const std::string database = directory_ + "/conf.db";
    const std::string socket = directory_ + "/db.sock";
    if (!run({"ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema"}))
      return false;
    spawn({"ovsdb-server", database, "--remote=punix:" + socket,
           "--log-file=" + directory_ + "/ovsdb.log"});
    if (!wait_for([&] { return std::filesystem::exists(socket); })) return false;
    if (!run({"ovs-vsctl", "--db=unix:" + socket, "--no-wait", "init"})) return false;
    spawn({"ovs-vswitchd", "unix:" + socket, "--disable-system",
           "--log-file=" + directory_ + "/vswitchd.log"});
    if (!run({"ovs-vsctl", "--timeout=20", "--db=unix:" + socket, "add-br", "br0", "--", "set",
              "bridge", "br0", "datapath_type=netdev", "protocols=OpenFlow15", "fail_mode=secure"}))
      return false;
    return wait_for([&] { return std::filesystem::exists(directory_ + "/br0.mgmt"); });
  }
  std::string target() const { return directory_ + "/br0.mgmt"; }

 private:
  static bool wait_for(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  pid_t launch(std::vector<std::string> args) {
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(126);
    for (const char* name : {"OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"})
      setenv(name, directory_.c_str(), 1);
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (freopen("/dev/null", "w", stderr) == nullptr ||
        freopen("/dev/null", "w", stdout) == nullptr)
      _exit(125);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  void spawn(std::vector<std::string> args) { daemons_.push_back(launch(std::move(args))); }
  bool run(std::vector<std::string> args) {
    const pid_t pid = launch(std::move(args));
    int status = 0;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  std::string directory_;
  std::vector<pid_t> daemons_;
};

/// The simplest client: blocking, with a deadline on every read.
class Client {
 public:
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connect(const std::string& path) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const timeval timeout{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return false;
    send(Hello{});
    const auto hello = receive();
    return hello && std::holds_alternative<Hello>(hello->message);
  }
  std::uint32_t send(const Message& message) {
    std::vector<std::byte> bytes;
    EXPECT_TRUE(encode(++xid_, message, bytes));
    return send_bytes(bytes);
  }
  std::uint32_t send_bytes(const std::vector<std::byte>& bytes) {
    EXPECT_EQ(write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return xid_;
  }
  /// The next message's bytes; empty on end or timeout.
  std::vector<std::byte> receive_bytes() {
    std::vector<std::byte> bytes(kHeaderSize);
    if (!read_exactly(bytes.data(), bytes.size())) return {};
    bytes.resize(peek_header(bytes)->length);
    if (!read_exactly(bytes.data() + kHeaderSize, bytes.size() - kHeaderSize)) return {};
    return bytes;
  }
  std::optional<Decoded> receive() {
    const auto bytes = receive_bytes();
    if (bytes.empty()) return {};
    auto decoded = decode_message(bytes);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().to_error().to_string();
    if (decoded.has_error()) return {};
    return std::move(*decoded);
  }
  /// Sends a barrier and returns the errors that came before its reply.
  std::vector<std::string> barrier() {
    std::vector<std::string> errors;
    const std::uint32_t xid = send(BarrierRequest{});
    while (auto got = receive()) {
      if (const auto* error = std::get_if<ErrorMessage>(&got->message))
        errors.push_back(to_string(error->error));
      if (std::holds_alternative<BarrierReply>(got->message) && got->xid == xid) return errors;
    }
    errors.emplace_back("no barrier reply");
    return errors;
  }
  /// The parts of an answer to a multipart request.
  std::vector<std::vector<std::byte>> ask(const MultipartRequestBody& body) {
    send(MultipartRequest{false, body});
    std::vector<std::vector<std::byte>> parts;
    for (;;) {
      auto bytes = receive_bytes();
      if (bytes.size() < 16) return parts;
      const bool more = (std::to_integer<int>(bytes[11]) & 1) != 0;
      parts.push_back(std::move(bytes));
      if (!more) return parts;
    }
  }

 private:
  bool read_exactly(std::byte* to, std::size_t size) {
    while (size > 0) {
      const ssize_t count = read(fd_, to, size);
      if (count <= 0) return false;
      to += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }
  int fd_ = -1;
  std::uint32_t xid_ = 0;
};

}  // namespace antrea::openflow::testing
