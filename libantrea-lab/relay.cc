#include "antrea/lab/relay.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "sockets.h"

namespace antrea::lab {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using namespace net::experimental::awaitable_operators;
constexpr auto kTuple = net::as_tuple(net::use_awaitable);

/// Copies one direction until its end, then passes the end on.
net::awaitable<void> copy(tcp::socket& from, tcp::socket& to) {
  std::array<char, 16384> buffer;
  for (;;) {
    auto [read_error, size] = co_await from.async_read_some(net::buffer(buffer), kTuple);
    if (read_error) break;
    auto [write_error, written] = co_await net::async_write(to, net::buffer(buffer, size), kTuple);
    if (write_error) {
      boost::system::error_code ignored;
      from.close(ignored);
      break;
    }
  }
  boost::system::error_code ignored;
  to.shutdown(tcp::socket::shutdown_send, ignored);
}

net::awaitable<void> pass_on(tcp::socket client, std::uint16_t port,
                             std::shared_ptr<unsigned> connections) {
  tcp::socket server(client.get_executor());
  auto [ec] = co_await server.async_connect({net::ip::address_v4::loopback(), port}, kTuple);
  if (!ec) co_await (copy(client, server) && copy(server, client));
  --*connections;
}

net::awaitable<void> accept_all(std::shared_ptr<tcp::acceptor> acceptor, std::uint16_t port) {
  auto connections = std::make_shared<unsigned>(0);
  for (;;) {
    auto [ec, client] = co_await acceptor->async_accept(kTuple);
    if (!acceptor->is_open()) co_return;
    if (ec || *connections >= Relay::kMaxConnections) continue;  // closes it
    ++*connections;
    net::co_spawn(acceptor->get_executor(), pass_on(std::move(client), port, connections),
                  net::detached);
  }
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::start(net::io_context& io, const NetNamespace& ns,
                                            const IpAddress& listen_address, std::uint16_t port) {
  ANTREA_TRY(Fd sock, ns.run([&]() -> Result<Fd> {
    Fd made(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const SockAddr address = to_sockaddr(listen_address, port);
    if (bind(made.get(), address.get(), address.size) != 0 || listen(made.get(), 128) != 0)
      return errno_error("listen", fmt::format("{}:{}", listen_address.to_string(), port));
    return made;
  }));
  auto acceptor = std::make_shared<tcp::acceptor>(io, tcp::v4(), sock.release());
  net::co_spawn(io, accept_all(acceptor, port), net::detached);
  std::unique_ptr<Relay> out(new Relay);
  out->close_ = [acceptor] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
  };
  return out;
}

Relay::~Relay() {
  if (close_) close_();
}

}  // namespace antrea::lab
