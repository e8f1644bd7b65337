#pragma once

// Network namespaces, Open vSwitch and sockets for tests with real packets. Everything started here
// ends with the test program, however that ends.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/ip.h"
#include "antrea/openflow/changes.h"

namespace antrea::node::lab {

/// Enters namespaces of the program's own, once; as an ordinary user also a user namespace. False
/// when that is not allowed here.
bool isolate();
/// The same, and Open vSwitch can have devices: /dev/net/tun is open to this user, as Debian has
/// it.
bool can_switch();

/// A network namespace that lives as long as this.
class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  int fd() const { return fd_; }
  int pid() const { return pid_; }
  /// Runs a program in it; its output. The test fails when the program does.
  std::string run(std::vector<std::string> argv) const;
  /// Runs a function in it, on another thread, to its end.
  void enter(const std::function<void()>& function) const;

 private:
  int pid_ = -1;
  int fd_ = -1;
};

/// A program in the background, in a namespace.
class Daemon {
 public:
  Daemon(const Namespace& where, std::vector<std::string> argv,
         std::vector<std::string> environment);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

 private:
  int pid_ = -1;
};

/// Answers every TCP connection with "NAME CLIENT-ADDRESS" until it goes.
class Server {
 public:
  Server(const Namespace& where, std::string name, std::uint16_t port,
         Family family = Family::kIPv4);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a server answers, or "" when there is no connection in time. A SYN is sent again after 1, 3
/// and 7 seconds; who expects no answer waits for less.
std::string ask(const Namespace& from, const IpAddress& to, std::uint16_t port,
                int timeout_ms = 10'000, const IpAddress* source = nullptr);
/// Whether a UDP datagram with this source address, forged where it is not one's own, arrives.
bool datagram_arrives(const Namespace& from, const IpAddress& source, const Namespace& at,
                      const IpAddress& to);

/// Waits until it holds; false after 10 seconds.
bool eventually(const std::function<bool()>& condition);

/// One Node's Open vSwitch in userspace.
class OpenVSwitch {
 public:
  explicit OpenVSwitch(const Namespace& where);
  ~OpenVSwitch();
  std::string vsctl(std::vector<std::string> arguments) const;
  std::string ofctl(std::vector<std::string> arguments) const;
  std::string appctl(std::vector<std::string> arguments) const;
  /// Sends changes to a bridge by OpenFlow, until they are acknowledged; every refusal fails the
  /// test.
  void send(const std::string& bridge, const openflow::Changes& changes) const;
  /// The same, until packets of cached flows follow them as well.
  void commit(const std::string& bridge, const openflow::Changes& changes) const;
  const std::string& directory() const { return directory_; }

 private:
  std::string tool(std::string name, std::vector<std::string> arguments) const;

  const Namespace& where_;
  std::string directory_;
  std::unique_ptr<Daemon> database_, switch_;
};

}  // namespace antrea::node::lab
