#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antrea/node/local_ports.h"

namespace antrea::node {
namespace {

std::string name_of(const proxy::LocalPort& port) {
  return fmt::format("{}/{}", port.port, api::to_string(port.protocol));
}

int bind_everywhere(int socket, const proxy::LocalPort& port) {
  if (port.family == Family::kIPv4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port.port);
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const int only = 1;
  if (::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0) return -1;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port.port);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Result<ReservedPort> ReservedPort::bind(const proxy::LocalPort& port) {
  const bool udp = port.protocol == api::Protocol::kUdp;
  const int fd = ::socket(port.family == Family::kIPv4 ? AF_INET : AF_INET6,
                          (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error("reserve a port of the Node: open a socket", name_of(port));
  ReservedPort reserved(fd);
  const int least = 0;  // nobody reads what a UDP socket gets
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  if (bind_everywhere(fd, port) == 0) return reserved;
  if (errno == EADDRINUSE)
    return make_error(Errc::kAlreadyExists, "reserve a port of the Node: it is in use",
                      name_of(port));
  return errno_error("reserve a port of the Node", name_of(port));
}

ReservedPort::~ReservedPort() {
  if (socket_ >= 0) ::close(socket_);
}

Result<> LocalPortKeeper::reserve_all(proxy::NodePortLocalOutcome& outcome) {
  std::optional<Error> first;
  for (bool refused = true; refused;) {
    refused = false;
    const LocalPorts wanted = engine_.ports();
    for (const auto& [port, backend] : wanted) {
      if (reserved_.contains(port)) continue;
      auto reserved = actions_.reserve(port);
      if (reserved) {
        reserved_.emplace(port, *std::move(reserved));
      } else if (reserved.error().code == Errc::kAlreadyExists) {
        auto more = engine_.refuse(port);
        outcome.annotate.merge(more.annotate);
        outcome.exhausted.insert(outcome.exhausted.end(), more.exhausted.begin(),
                                 more.exhausted.end());
        refused = true;
      } else if (!first) {
        first = std::move(reserved).error();
      }
    }
  }
  if (first) return *std::move(first);
  return {};
}

Result<> LocalPortKeeper::settle(proxy::NodePortLocalOutcome& outcome) {
  auto done = reserve_all(outcome);
  LocalPorts translated;
  for (const auto& [port, backend] : engine_.ports())
    if (reserved_.contains(port)) translated.emplace(port, backend);
  ANTREA_CHECK(actions_.translate(translated));
  std::erase_if(reserved_, [&](const auto& each) { return !translated.contains(each.first); });
  return done;
}

}  // namespace antrea::node
