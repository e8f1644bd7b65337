#include "antrea/lab/responder.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "sctp.h"
#include "sockets.h"

namespace antrea::lab {
namespace {

namespace net = boost::asio;
using net::awaitable;
using net::use_awaitable;
using namespace std::chrono_literals;
using namespace net::experimental::awaitable_operators;

constexpr auto kTuple = net::as_tuple(use_awaitable);
constexpr std::size_t kMaxQuestion = 8192;

/// Whose answers these are. Shared by the coroutines, each of which may outlive the Responder by a
/// turn of the loop.
struct Identity {
  std::string name;
  std::string host;
  std::string line(const std::string& client) const {
    return fmt::format("{} {} {}\n", name, host, client);
  }
};
using Who = std::shared_ptr<const Identity>;
using Socket = std::shared_ptr<net::posix::stream_descriptor>;

/// A socket for both families where the namespace has IPv6, else for IPv4.
Result<Fd> bound_socket(int type, std::uint16_t port) {
  for (const bool v6 : {true, false}) {
    Fd sock(socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!sock) {
      if (v6) continue;
      return errno_error("make a socket");
    }
    const int on = 1;
    const int off = 0;
    setsockopt(sock.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (v6) {
      setsockopt(sock.get(), SOL_IPV6, IPV6_V6ONLY, &off, sizeof off);
      setsockopt(sock.get(), SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    } else {
      setsockopt(sock.get(), SOL_IP, IP_PKTINFO, &on, sizeof on);
    }
    const SockAddr any =
        v6 ? to_sockaddr(IpAddress::v6({}), port) : to_sockaddr(IpAddress::v4(0), port);
    if (bind(sock.get(), any.get(), any.size) != 0) {
      if (errno != EADDRINUSE && v6) continue;
      return errno_error("listen", fmt::format("port {}", port));
    }
    if (type == SOCK_STREAM && listen(sock.get(), 128) != 0)
      return errno_error("listen", fmt::format("port {}", port));
    return sock;
  }
  return make_error(Errc::kIo, "no socket could be made");
}

awaitable<bool> within(net::posix::stream_descriptor& sock, std::chrono::milliseconds limit,
                       awaitable<std::size_t> work) {
  net::steady_timer timer(sock.get_executor(), limit);
  auto done = co_await (std::move(work) || timer.async_wait(kTuple));
  co_return done.index() == 0;
}

awaitable<std::size_t> read_question(net::posix::stream_descriptor& sock, std::string& question) {
  auto [ec, size] = co_await net::async_read_until(
      sock, net::dynamic_buffer(question, kMaxQuestion), '\n', kTuple);
  co_return ec ? 0 : size;
}

awaitable<std::size_t> write_all(net::posix::stream_descriptor& sock, const std::string& text) {
  auto [ec, size] = co_await net::async_write(sock, net::buffer(text), kTuple);
  co_return ec ? 0 : size;
}

awaitable<std::size_t> read_to_end(net::posix::stream_descriptor& sock) {
  std::array<char, 1024> rest;
  for (std::size_t total = 0; total < (1U << 20);) {
    auto [ec, size] = co_await sock.async_read_some(net::buffer(rest), kTuple);
    if (ec) break;
    total += size;
  }
  co_return 0;
}

awaitable<void> answer_connection(net::posix::stream_descriptor sock, Who who, std::string client) {
  std::string question;
  co_await within(sock, 1000ms, read_question(sock, question));
  std::string answer = who->line(client);
  if (question.starts_with("GET ") || question.starts_with("HEAD "))
    answer =
        fmt::format("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
                    answer.size(), answer);
  co_await within(sock, 2000ms, write_all(sock, answer));
  // Closing with unread data would send a RST and could take the answer with it.
  shutdown(sock.native_handle(), SHUT_WR);
  co_await within(sock, 2000ms, read_to_end(sock));
}

awaitable<void> serve_tcp(Socket listener, Who who) {
  for (;;) {
    auto [ec] = co_await listener->async_wait(net::posix::stream_descriptor::wait_read, kTuple);
    if (ec) co_return;
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = accept4(listener->native_handle(), reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) continue;
    const auto client = from_sockaddr(reinterpret_cast<const sockaddr&>(peer));
    net::co_spawn(listener->get_executor(),
                  answer_connection(net::posix::stream_descriptor(listener->get_executor(), fd),
                                    who, client ? client->to_string() : "?"),
                  net::detached);
  }
}

/// Answers one datagram with the control data it came with, so from the address that was asked.
void answer_datagram(int sock, const Identity& who) {
  std::array<char, 2048> buffer;
  alignas(cmsghdr) std::array<char, 256> control;
  sockaddr_storage peer{};
  iovec data{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof peer;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(sock, &message, MSG_DONTWAIT) < 0) return;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    // The address is ours to keep; the interface is the routes' to choose.
    if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO)
      reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_ifindex = 0;
    if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO)
      reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c))->ipi6_ifindex = 0;
  }
  const auto client = from_sockaddr(reinterpret_cast<const sockaddr&>(peer));
  std::string answer = who.line(client ? client->to_string() : "?");
  data = {answer.data(), answer.size()};
  sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

awaitable<void> serve_udp(Socket sock, Who who) {
  for (;;) {
    auto [ec] = co_await sock->async_wait(net::posix::stream_descriptor::wait_read, kTuple);
    if (ec) co_return;
    answer_datagram(sock->native_handle(), *who);
  }
}

/// A raw IPv4 socket: whatever arrives for protocol 132, with its IP header.
void answer_sctp(int sock, const std::set<std::uint16_t>& ports) {
  std::array<std::byte, 2048> buffer;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  const ssize_t size = recvfrom(sock, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                reinterpret_cast<sockaddr*>(&peer), &peer_size);
  if (size < 20) return;
  const auto packet = std::span(buffer).first(static_cast<std::size_t>(size));
  const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 0x0f) * 4;
  if (header > packet.size()) return;
  const auto in = sctp::decode(packet.subspan(header));
  if (!in || in->type != sctp::ChunkType::kInit) return;
  const bool open = ports.contains(in->destination);
  const auto out = sctp::encode({.source = in->destination,
                                 .destination = in->source,
                                 .tag = in->initiate_tag,
                                 .type = open ? sctp::ChunkType::kInitAck : sctp::ChunkType::kAbort,
                                 .initiate_tag = 1});
  sendto(sock, out.data(), out.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&peer), peer_size);
}

awaitable<void> serve_sctp(Socket sock, std::set<std::uint16_t> ports) {
  for (;;) {
    auto [ec] = co_await sock->async_wait(net::posix::stream_descriptor::wait_read, kTuple);
    if (ec) co_return;
    answer_sctp(sock->native_handle(), ports);
  }
}

}  // namespace

Result<std::unique_ptr<Responder>> Responder::start(net::io_context& io, const NetNamespace& ns,
                                                    std::string name, std::string host,
                                                    const std::vector<ResponderPort>& ports) {
  auto who = std::make_shared<const Identity>(Identity{std::move(name), std::move(host)});
  std::unique_ptr<Responder> out(new Responder);
  auto own = [&](Fd fd) {
    auto sock = std::make_shared<net::posix::stream_descriptor>(io, fd.release());
    out->close_.push_back([sock] {
      boost::system::error_code ignored;
      sock->close(ignored);
    });
    return sock;
  };
  std::set<std::uint16_t> sctp_ports;
  for (const ResponderPort& each : std::set<ResponderPort>(ports.begin(), ports.end())) {
    const std::uint16_t port = each.port;
    const Protocol protocol = each.protocol;
    if (protocol == Protocol::kSctp) {
      sctp_ports.insert(port);
      continue;
    }
    const int type = protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM;
    ANTREA_TRY(Fd sock, ns.run([&]() -> Result<Fd> { return bound_socket(type, port); }));
    Socket owned = own(std::move(sock));
    net::co_spawn(io, protocol == Protocol::kTcp ? serve_tcp(owned, who) : serve_udp(owned, who),
                  net::detached);
  }
  if (!sctp_ports.empty()) {
    ANTREA_TRY(Fd sock, ns.run([]() -> Result<Fd> {
      Fd raw(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP));
      if (!raw) return errno_error("make a raw socket");
      return raw;
    }));
    net::co_spawn(io, serve_sctp(own(std::move(sock)), std::move(sctp_ports)), net::detached);
  }
  return out;
}

Responder::~Responder() {
  for (auto& close : close_) close();
}

}  // namespace antrea::lab
