#include "tests/node/echo_servers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace antrea::node::lab {

namespace {

sockaddr_in to_v4(const IpAddress& ip, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(ip.v4_bits());
  return out;
}

}  // namespace

struct EchoServers::Impl {
  struct Socket {
    std::uint16_t port;
    bool listens;
  };
  std::vector<pollfd> polled;  // and what each is, in the same order
  std::vector<Socket> sockets;
  std::atomic<bool> stop = false;
  std::thread thread;

  void add(int fd, Socket socket) {
    polled.push_back({fd, POLLIN, 0});
    sockets.push_back(socket);
  }

  void forget_closed() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0) continue;
      polled[kept] = polled[i];
      sockets[kept++] = sockets[i];
    }
    polled.resize(kept);
    sockets.resize(kept);
  }

  void run() {
    while (!stop) {
      if (poll(polled.data(), polled.size(), 50) <= 0) continue;
      for (std::size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents == 0) continue;
        const auto [port, listens] = sockets[i];
        if (listens) {
          const int fd = accept4(polled[i].fd, nullptr, nullptr, SOCK_CLOEXEC);
          if (fd >= 0) add(fd, {port, false});
          continue;
        }
        char byte = 0;
        if (recv(polled[i].fd, &byte, 1, 0) == 1) {
          (void)!send(polled[i].fd, &port, sizeof port, MSG_NOSIGNAL);
        } else {
          close(polled[i].fd);
          polled[i].fd = -1;
        }
      }
      forget_closed();
    }
  }
};

EchoServers::EchoServers(const Namespace& where, const std::vector<std::uint16_t>& ports)
    : impl_(std::make_unique<Impl>()) {
  where.enter([&] {
    for (const std::uint16_t port : ports) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in any = to_v4(IpAddress(), port);
      EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0)
          << std::strerror(errno);
      EXPECT_EQ(listen(fd, 128), 0);
      impl_->add(fd, {port, true});
    }
  });
  impl_->thread = std::thread([this] { impl_->run(); });
}

EchoServers::~EchoServers() {
  impl_->stop = true;
  impl_->thread.join();
  for (const pollfd& each : impl_->polled)
    if (each.fd >= 0) close(each.fd);
}

namespace {

int connect_to(const IpAddress& to, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // of connect, too
  const sockaddr_in address = to_v4(to, port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

EchoClient::EchoClient(const IpAddress& to, std::uint16_t port) : fd_(connect_to(to, port)) {}

EchoClient::EchoClient(const Namespace& from, const IpAddress& to, std::uint16_t port) {
  from.enter([&] { fd_ = connect_to(to, port); });
}

EchoClient::~EchoClient() {
  if (fd_ >= 0) close(fd_);
}

std::uint16_t EchoClient::ask() const {
  std::uint16_t port = 0;
  if (fd_ < 0 || send(fd_, "?", 1, MSG_NOSIGNAL) != 1 ||
      recv(fd_, &port, sizeof port, MSG_WAITALL) != sizeof port)
    return 0;
  return port;
}

}  // namespace antrea::node::lab
