#pragma once

// Connections that stay: servers that repeat their port to whoever writes a byte.

#include <memory>
#include <utility>
#include <vector>

#include "tests/node/lab.h"

namespace antrea::node::lab {

/// Listens at many ports of a namespace; answers each byte of a connection with the port's two
/// bytes, for as long as the connection lasts.
class EchoServers {
 public:
  EchoServers(const Namespace& where, const std::vector<std::uint16_t>& ports);
  ~EchoServers();
  EchoServers(const EchoServers&) = delete;
  EchoServers& operator=(const EchoServers&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A connection to one of them.
class EchoClient {
 public:
  /// From this thread's namespace, or another one. Where nobody accepts, `ask` says so.
  EchoClient(const IpAddress& to, std::uint16_t port);
  EchoClient(const Namespace& from, const IpAddress& to, std::uint16_t port);
  EchoClient(EchoClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  EchoClient& operator=(EchoClient&&) = delete;
  ~EchoClient();

  /// Asks who is there; 0: the connection is broken, or nobody answers within 3 s.
  std::uint16_t ask() const;

 private:
  int fd_ = -1;
};

}  // namespace antrea::node::lab
