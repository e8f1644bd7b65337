#pragma once

#include <sys/types.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "antrea/base/clock.h"

namespace antrea::testing {

/// A program that ends with this object.
class Process {
 public:
  Process() = default;
  explicit Process(const std::vector<std::string>& command, const std::string& log);
  ~Process() { kill(); }
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  void kill();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

/// A directory that goes with this object.
class TempDir {
 public:
  TempDir();
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The datapath_type that bridges of a test use: "netdev", whose internal ports are tap devices, or
/// "dummy", the same code without devices, where /dev/net/tun cannot be opened.
std::string datapath_type();

/// A real ovsdb-server on a database of its own, and on demand a real ovs-vswitchd, both in the
/// test's network namespace.
class OpenVSwitch {
 public:
  OpenVSwitch();
  void start_server();
  void stop_server() { server_.kill(); }
  void start_switch();
  void stop_switch() { switch_.kill(); }
  pid_t switch_pid() const { return switch_.pid(); }
  /// Adds a secure OpenFlow 1.5 bridge; false if that failed.
  bool add_bridge(const std::string& name = "br0") const;
  /// Runs ovs-vsctl; its exit status.
  int vsctl(std::vector<std::string> arguments) const;
  /// The socket where a bridge takes OpenFlow.
  std::string bridge_socket(const std::string& name = "br0") const {
    return dir_ / (name + ".mgmt");
  }
  std::string socket() const { return dir_ / "db.sock"; }
  std::string remote() const { return "unix:" + socket(); }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  Process server_, switch_;
};

/// Puts this process into a network namespace of its own, once; as an ordinary user also into a
/// user namespace. False where that is not allowed.
bool enter_private_network();

/// Runs a command and waits for it; its exit status.
int run_command(const std::vector<std::string>& command);

/// Runs the coroutine on `io` until it ends, and returns its value.
template <typename T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> coroutine) {
  std::optional<T> value;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(coroutine), [&](std::exception_ptr e, T result) {
    failure = e;
    value = std::move(result);
  });
  io.restart();
  while (!value && io.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(value).value();
}

inline TimePoint in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

}  // namespace antrea::testing
