#include "channel.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace antrea::openflow::detail {
namespace asio = boost::asio;
using asio::awaitable;
using namespace asio::experimental::awaitable_operators;

awaitable<Result<>> Channel::start_tls(asio::ssl::context& context, bool server, Duration timeout) {
  tls_ = std::make_unique<asio::ssl::stream<Stream>>(std::move(socket_), context);
  asio::steady_timer timer(co_await asio::this_coro::executor, timeout);
  const auto role = server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  auto ended = co_await (tls_->async_handshake(role, kTuple) || timer.async_wait(kTuple));
  if (ended.index() == 1) co_return make_error(Errc::kTimeout, "TLS handshake: no answer in time");
  const auto [code] = std::get<0>(ended);
  if (code) co_return make_error(Errc::kUnauthenticated, "TLS handshake: " + code.message());
  co_return Result<>{};
}

awaitable<Channel::Moved> Channel::read_some(asio::mutable_buffer into) {
  return tls_ ? tls_->async_read_some(into, kTuple) : socket_.async_read_some(into, kTuple);
}

awaitable<Channel::Moved> Channel::write_some(asio::const_buffer from) {
  return tls_ ? tls_->async_write_some(from, kTuple) : socket_.async_write_some(from, kTuple);
}

void Channel::close() {
  boost::system::error_code ignored;
  socket().close(ignored);
}

Result<> Port::load(const TlsFiles& files) {
  tls_.emplace(asio::ssl::context::tls);
  const auto take = [&](const std::string& file, const char* what, auto load) -> Result<> {
    if (file.empty())
      return make_error(Errc::kInvalidArgument, std::string("TLS needs a ") + what + " file",
                        remote_.to_string());
    if (::access(file.c_str(), R_OK) != 0)
      return errno_error(std::string("open the ") + what, file);
    boost::system::error_code code;
    load(file, code);
    if (!code) return {};
    return make_error(Errc::kMalformed, std::string("read the ") + what + ": " + code.message(),
                      file);
  };
  boost::system::error_code ignored;
  tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                        asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1,
                    ignored);
  tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, ignored);
  ANTREA_CHECK(take(files.ca_certificate, "CA certificate",
                    [&](const auto& file, auto& code) { tls_->load_verify_file(file, code); }));
  ANTREA_CHECK(take(files.certificate, "certificate", [&](const auto& file, auto& code) {
    tls_->use_certificate_chain_file(file, code);
  }));
  return take(files.private_key, "private key", [&](const auto& file, auto& code) {
    tls_->use_private_key_file(file, asio::ssl::context::pem, code);
  });
}

Result<> Port::listen(const asio::any_io_executor& executor) {
  asio::generic::stream_protocol::endpoint endpoint;
  boost::system::error_code code;
  if (remote_.kind == Remote::Kind::kUnix) {
    endpoint = asio::local::stream_protocol::endpoint(remote_.address);
    // What a listener before left behind; nothing but a socket is removed.
    struct stat found {};
    if (::lstat(remote_.address.c_str(), &found) == 0 && S_ISSOCK(found.st_mode))
      ::unlink(remote_.address.c_str());
  } else {
    const auto host = remote_.address.empty() ? std::string("::") : remote_.address;
    const auto address = asio::ip::make_address(host, code);
    if (code)
      return make_error(Errc::kInvalidArgument, "listen: the host is no address",
                        remote_.to_string());
    endpoint = asio::ip::tcp::endpoint(address, remote_.port);
  }
  acceptor_.emplace(executor);
  acceptor_->open(endpoint.protocol(), code);
  if (!code && remote_.kind != Remote::Kind::kUnix) {
    acceptor_->set_option(asio::socket_base::reuse_address(true), code);
    boost::system::error_code ignored;  // all addresses: of both families
    if (remote_.address.empty()) acceptor_->set_option(asio::ip::v6_only(false), ignored);
  }
  if (!code) acceptor_->bind(endpoint, code);
  if (!code) acceptor_->listen(asio::socket_base::max_listen_connections, code);
  if (code) return errno_error(code.value(), "listen", remote_.to_string());
  if (remote_.kind != Remote::Kind::kUnix) {
    asio::ip::tcp::endpoint bound;
    const auto local = acceptor_->local_endpoint(code);
    std::memcpy(bound.data(), local.data(), std::min(local.size(), bound.capacity()));
    remote_.port = bound.port();
  }
  return {};
}

awaitable<Result<std::unique_ptr<Port>>> Port::open(const ConnectionOptions& options) {
  std::unique_ptr<Port> port(new Port);
  ANTREA_CO_TRY(port->remote_, parse_remote(options.remote, 6653));
  if (port->remote_.kind == Remote::Kind::kSsl) ANTREA_CO_CHECK(port->load(options.tls));
  const auto executor = co_await asio::this_coro::executor;
  if (port->remote_.passive) ANTREA_CO_CHECK(port->listen(executor));
  co_return port;
}

Port::~Port() {
  if (acceptor_ && remote_.kind == Remote::Kind::kUnix) ::unlink(remote_.address.c_str());
}

awaitable<Result<std::unique_ptr<Channel>>> Port::next(Duration timeout) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::unique_ptr<Channel> channel;
  if (acceptor_) {
    Stream socket(co_await asio::this_coro::executor);
    const auto [code] = co_await acceptor_->async_accept(socket, kTuple);
    if (code) co_return errno_error(code.value(), "accept", remote_.to_string());
    boost::system::error_code ignored;
    if (remote_.kind != Remote::Kind::kUnix)
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    channel = std::make_unique<Channel>(std::move(socket));
  } else {
    auto connected = co_await connect_stream(remote_, timeout);
    if (!connected) co_return std::move(connected).error();
    channel = std::make_unique<Channel>(*std::move(connected));
  }
  if (tls_) {
    auto started = co_await channel->start_tls(*tls_, remote_.passive, timeout);
    if (!started) {
      auto error = std::move(started).error();
      error.object = remote_.to_string();
      co_return error;
    }
  }
  co_return channel;
}

}  // namespace antrea::openflow::detail
