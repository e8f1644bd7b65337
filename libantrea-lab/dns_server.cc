#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <random>

#include "antrea/lab/dns.h"
#include "sockets.h"

namespace antrea::lab {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using net::ip::udp;
using namespace net::experimental::awaitable_operators;
using namespace std::chrono_literals;
constexpr auto kTuple = net::as_tuple(net::use_awaitable);
constexpr std::uint16_t kPort = 53;
constexpr std::size_t kMaxUdp = 512;
constexpr std::size_t kMaxTcp = 65535;

using Lookup = std::shared_ptr<const DnsLookup>;

net::awaitable<void> serve_udp(std::shared_ptr<udp::socket> sock, Lookup lookup) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    udp::endpoint peer;
    auto [ec, size] = co_await sock->async_receive_from(net::buffer(buffer), peer, kTuple);
    if (!sock->is_open()) co_return;
    if (ec) continue;
    auto answer = answer_dns_query(std::span(buffer).first(size), *lookup, kMaxUdp);
    if (answer) co_await sock->async_send_to(net::buffer(*answer), peer, kTuple);
  }
}

net::awaitable<void> answer_stream(tcp::socket& sock, Lookup lookup) {
  for (;;) {
    std::array<std::uint8_t, 2> length{};
    auto [ec, ignored] = co_await net::async_read(sock, net::buffer(length), kTuple);
    if (ec) co_return;
    std::vector<std::byte> query(static_cast<std::size_t>(length[0] << 8 | length[1]));
    auto [ec2, ignored2] = co_await net::async_read(sock, net::buffer(query), kTuple);
    if (ec2) co_return;
    auto answer = answer_dns_query(query, *lookup, kMaxTcp);
    if (!answer) co_return;
    const auto size = answer->size();
    answer->insert(answer->begin(), {std::byte(size >> 8), std::byte(size & 0xff)});
    auto [ec3, ignored3] = co_await net::async_write(sock, net::buffer(*answer), kTuple);
    if (ec3) co_return;
  }
}

net::awaitable<void> answer_connection(tcp::socket sock, Lookup lookup) {
  net::steady_timer timer(sock.get_executor(), 10s);
  co_await (answer_stream(sock, std::move(lookup)) || timer.async_wait(kTuple));
}

net::awaitable<void> serve_tcp(std::shared_ptr<tcp::acceptor> acceptor, Lookup lookup) {
  for (;;) {
    auto [ec, client] = co_await acceptor->async_accept(kTuple);
    if (!acceptor->is_open()) co_return;
    if (ec) continue;
    net::co_spawn(acceptor->get_executor(), answer_connection(std::move(client), lookup),
                  net::detached);
  }
}

Result<Fd> bound(int type, const IpAddress& address) {
  Fd sock(socket(address.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!sock) return errno_error("make a socket");
  const int on = 1;
  setsockopt(sock.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const SockAddr local = to_sockaddr(address, kPort);
  if (bind(sock.get(), local.get(), local.size) != 0 ||
      (type == SOCK_STREAM && listen(sock.get(), 64) != 0))
    return errno_error("listen", fmt::format("{}:{}", address.to_string(), kPort));
  return sock;
}

/// One query over UDP, one wait for its answer. Error: kTimeout, or what the answer says.
Result<std::vector<IpAddress>> ask_once(int sock, const std::string& name, Family family,
                                        std::uint16_t id) {
  const auto query = make_dns_query(name, family, id);
  if (!query) return make_error(Errc::kInvalidArgument, "not a DNS name", name);
  if (send(sock, query->data(), query->size(), MSG_NOSIGNAL) < 0)
    return errno_error("ask the name server", name);
  const auto deadline = std::chrono::steady_clock::now() + 1s;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{sock, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0)
      return make_error(Errc::kTimeout, "the name server does not answer", name);
    std::array<std::byte, 4096> buffer;
    const ssize_t size = recv(sock, buffer.data(), buffer.size(), 0);
    if (size < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return errno_error("ask the name server", name);
    }
    auto answer = read_dns_answer(std::span(buffer).first(static_cast<std::size_t>(size)), id);
    if (answer.has_error() && answer.error().code == Errc::kMalformed) continue;
    return answer;
  }
}

}  // namespace

Result<std::unique_ptr<DnsServer>> DnsServer::start(net::io_context& io, const NetNamespace& ns,
                                                    const IpAddress& address, DnsLookup lookup) {
  ANTREA_TRY(Fd datagrams, ns.run([&] { return bound(SOCK_DGRAM, address); }));
  ANTREA_TRY(Fd connections, ns.run([&] { return bound(SOCK_STREAM, address); }));
  auto sock = std::make_shared<udp::socket>(io, address.is_v4() ? udp::v4() : udp::v6(),
                                            datagrams.release());
  auto acceptor = std::make_shared<tcp::acceptor>(io, address.is_v4() ? tcp::v4() : tcp::v6(),
                                                  connections.release());
  auto shared = std::make_shared<const DnsLookup>(std::move(lookup));
  net::co_spawn(io, serve_udp(sock, shared), net::detached);
  net::co_spawn(io, serve_tcp(acceptor, shared), net::detached);
  std::unique_ptr<DnsServer> out(new DnsServer);
  out->close_ = [sock, acceptor] {
    boost::system::error_code ignored;
    sock->close(ignored);
    acceptor->close(ignored);
  };
  return out;
}

DnsServer::~DnsServer() {
  if (close_) close_();
}

Result<std::vector<IpAddress>> resolve(const NetNamespace& from, const IpAddress& server,
                                       const std::string& name,
                                       const std::vector<std::string>& search, Family family) {
  std::vector<std::string> names;
  for (const auto& domain : search) names.push_back(name + "." + domain);
  names.insert(std::count(name.begin(), name.end(), '.') >= 5 ? names.begin() : names.end(), name);
  ANTREA_TRY(Fd sock, from.run([&]() -> Result<Fd> {
    Fd made(socket(server.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!made) return errno_error("make a socket");
    const SockAddr to = to_sockaddr(server, kPort);
    if (connect(made.get(), to.get(), to.size) != 0) return errno_error("reach the name server");
    return made;
  }));
  std::random_device random;
  Error last = make_error(Errc::kNotFound, "no such name", name);
  for (const auto& candidate : names) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      auto answer = ask_once(sock.get(), candidate, family, static_cast<std::uint16_t>(random()));
      if (answer && !answer->empty()) return answer;
      if (answer) break;
      last = std::move(answer).error();
      if (last.code != Errc::kTimeout) break;
    }
    if (last.code == Errc::kTimeout) break;  // the server is away; other names will not help
  }
  return last;
}

}  // namespace antrea::lab
