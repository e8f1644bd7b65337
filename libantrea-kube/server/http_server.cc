#include "antrea/kube/http_server.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <set>

#include "antrea/base/asio.h"
#include "http_text.h"

namespace antrea::kube {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::generic::stream_protocol;

namespace {
constexpr std::size_t kMaxHeadSize = 64 << 10;
constexpr std::size_t kWriteSize = 64 << 10;  // about how much of a stream goes out in one write
constexpr auto kLinger = std::chrono::seconds(2);
}  // namespace

// ---- what handlers hold -------------------------------------------------------------------------

struct HttpStream::State {
  explicit State(const asio::any_io_executor& executor) : wake(executor) {}

  /// The end that the writer did not ask for.
  void lose() {
    if (ended) return;
    ended = true;
    queue.clear();
    pending = 0;
    drained = nullptr;
    const auto callback = std::exchange(closed, nullptr);
    wake.notify();
    if (callback && !closing) callback();
  }

  Signal wake;
  std::deque<std::shared_ptr<const std::string>> queue;
  std::size_t pending = 0;
  bool closing = false;  // no more comes; what is queued still goes out
  bool ended = false;
  std::function<void()> drained, closed;
};

void HttpStream::write(std::string chunk) {
  write(std::make_shared<const std::string>(std::move(chunk)));
}

void HttpStream::write(std::shared_ptr<const std::string> chunk) {
  if (!open() || chunk->empty()) return;  // an empty chunk would end the answer
  state_->pending += chunk->size();
  state_->queue.push_back(std::move(chunk));
  state_->wake.notify();
}

std::size_t HttpStream::pending_size() const { return state_->pending; }
bool HttpStream::open() const { return !state_->ended && !state_->closing; }

void HttpStream::close() {
  if (!open()) return;
  const auto state = state_;  // a callback may own this very handle
  state->closing = true;
  state->drained = nullptr;
  state->closed = nullptr;
  state->wake.notify();
}

void HttpStream::on_drained(std::function<void()> callback) {
  if (open()) state_->drained = std::move(callback);
}
void HttpStream::on_closed(std::function<void()> callback) {
  if (open()) state_->closed = std::move(callback);
}

/// What the handler decided; shared by its HttpExchange and the connection.
struct HttpExchange::State {
  struct Answer {
    explicit Answer(const asio::any_io_executor& executor) : wake(executor) {}
    Signal wake;
    bool given = false;
    HttpResponse response;
    std::shared_ptr<HttpStream::State> stream;
    asio::any_io_executor executor;
  };
  std::shared_ptr<Answer> answer;

  void give(HttpResponse response) {
    if (!answer) return;
    answer->response = std::move(response);
    answer->given = true;
    answer->wake.notify();
    answer.reset();
  }
};

HttpExchange::HttpExchange(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpExchange::HttpExchange(HttpExchange&&) noexcept = default;
HttpExchange& HttpExchange::operator=(HttpExchange&&) noexcept = default;
HttpExchange::~HttpExchange() {
  if (state_) state_->give(HttpResponse::text(500, "Internal Server Error\n"));
}

void HttpExchange::respond(HttpResponse response) { state_->give(std::move(response)); }

HttpStream HttpExchange::open_stream(int status, HttpFields headers) {
  auto answer = state_->answer;
  auto stream = std::make_shared<HttpStream::State>(answer->executor);
  answer->stream = stream;
  state_->give(HttpResponse{status, std::move(headers), {}});
  return HttpStream(std::move(stream));
}

// ---- the server ---------------------------------------------------------------------------------

namespace {
using Answer = HttpExchange::State::Answer;

/// One accepted socket. Lives as long as the coroutine that serves it.
struct Connection {
  explicit Connection(Stream accepted)
      : socket(std::move(accepted)), watchdog(socket.get_executor()) {}

  void abort() {
    boost::system::error_code ignored;
    watchdog.cancel();
    socket.close(ignored);
    if (answer) answer->wake.notify();
    if (answer && answer->stream) answer->stream->lose();
  }

  Stream socket;
  asio::steady_timer watchdog;
  std::shared_ptr<Answer> answer;
};
}  // namespace

struct HttpServer::State {
  State(asio::any_io_executor on, HttpServerOptions with, HttpHandler calls)
      : executor(std::move(on)),
        options(std::move(with)),
        handler(std::move(calls)),
        acceptor(executor),
        room(executor) {}

  asio::any_io_executor executor;
  HttpServerOptions options;
  HttpHandler handler;
  std::optional<asio::ssl::context> tls;
  asio::basic_socket_acceptor<stream_protocol> acceptor;
  Remote address;
  std::set<Connection*> connections;
  Signal room;  // a connection ended
  bool stopped = false;
};

namespace {
using ServerState = std::shared_ptr<HttpServer::State>;

/// Closes the socket unless it is disarmed or armed anew in time.
void arm(const std::shared_ptr<Connection>& connection, std::chrono::milliseconds timeout) {
  connection->watchdog.expires_after(timeout);
  connection->watchdog.async_wait([connection](boost::system::error_code code) {
    boost::system::error_code ignored;
    if (!code) connection->socket.close(ignored);
  });
}

std::string head_of(const HttpResponse& response, std::string_view framing) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\n", response.status,
      std::string_view(http::obsolete_reason(static_cast<http::status>(response.status))));
  for (const auto& [name, value] : response.headers) append_field(head, name, value);
  append_field(head, "Date", http_date());
  head += framing;
  head += "\r\n";
  return head;
}

template <typename Transport>
awaitable<bool> write_response(Transport& transport, HttpResponse response, bool head_only,
                               bool keep_alive) {
  std::string framing;
  if (response.status != 304 && response.status != 204)
    framing = fmt::format("Content-Length: {}\r\n", response.body.size());
  if (!keep_alive) framing += "Connection: close\r\n";
  std::string head = head_of(response, framing);
  if (head_only) response.body.clear();
  if (response.body.size() < kWriteSize) head += std::exchange(response.body, {});
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(response.body)};
  const auto [code, size] = co_await asio::async_write(transport, buffers, kTuple);
  co_return !code;
}

/// Sends the chunks of a stream until it is closed or the peer is gone.
template <typename Transport>
awaitable<void> write_stream(Transport& transport, std::shared_ptr<HttpStream::State> stream,
                             HttpResponse head) {
  std::string batch = head_of(head, "Transfer-Encoding: chunked\r\nConnection: close\r\n");
  for (;;) {
    while (!stream->queue.empty() && batch.size() < kWriteSize) {
      const auto chunk = std::move(stream->queue.front());
      stream->queue.pop_front();
      stream->pending -= chunk->size();
      fmt::format_to(std::back_inserter(batch), "{:x}\r\n", chunk->size());
      batch.append(*chunk).append("\r\n");
    }
    const bool last = stream->closing && stream->queue.empty();
    if (last) batch += "0\r\n\r\n";
    if (!batch.empty()) {
      // What is on its way still counts as pending, so that a writer cannot run ahead of a slow
      // peer.
      const std::size_t on_its_way = batch.size();
      stream->pending += on_its_way;
      const auto [code, size] = co_await asio::async_write(transport, asio::buffer(batch), kTuple);
      if (stream->ended) co_return;
      stream->pending -= on_its_way;
      if (code) break;
      batch.clear();
      if (last) {
        stream->ended = true;
        co_return;
      }
      if (stream->queue.empty() && stream->drained) {
        const auto callback = stream->drained;  // it may replace itself
        callback();
      }
      continue;
    }
    co_await stream->wake.wait();
    if (stream->ended) co_return;
  }
  stream->lose();
}

/// Returns when the peer closed its side; what it says meanwhile is not for us.
template <typename Transport>
awaitable<void> await_peer_gone(Transport& transport) {
  std::array<char, 512> scratch;
  for (;;) {
    const auto [code, size] = co_await transport.async_read_some(asio::buffer(scratch), kTuple);
    if (code) co_return;
  }
}

/// Ends a connection so that the peer still reads our last answer, even if it is not done sending.
awaitable<void> linger(const std::shared_ptr<Connection>& connection) {
  boost::system::error_code ignored;
  connection->socket.shutdown(Stream::shutdown_send, ignored);
  arm(connection, kLinger);
  co_await await_peer_gone(connection->socket);
}

HttpRequest take_head(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = message.method_string();
  parse_target(message.target(), request.path, request.query);
  for (const auto& field : message)
    request.headers.emplace_back(field.name_string(), field.value());
  return request;
}

template <typename Transport>
awaitable<void> serve(ServerState server, std::shared_ptr<Connection> connection,
                      Transport& transport) {
  using namespace asio::experimental::awaitable_operators;
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMaxHeadSize);
    parser.body_limit(server->options.max_body_size);
    arm(connection, server->options.idle_timeout);
    const auto [head_code, head_size] =
        co_await http::async_read_header(transport, buffer, parser, kTuple);
    if (server->stopped) co_return;
    if (head_code) {
      if (head_code.category() == http::make_error_code(http::error::bad_method).category() &&
          head_code != http::error::end_of_stream && head_code != http::error::partial_message) {
        const int status = head_code == http::error::header_limit ? 431
                           : head_code == http::error::body_limit ? 413
                                                                  : 400;
        const bool sent = co_await write_response(
            transport, HttpResponse::text(status, head_code.message() + "\n"), false, false);
        if (sent) co_await linger(connection);
      }
      co_return;
    }
    HttpRequest request = take_head(parser.get());
    const bool keep_alive = parser.get().keep_alive();
    const bool head_only = request.method == "HEAD";
    std::optional<HttpResponse> refusal;
    if (server->options.authenticate) refusal = server->options.authenticate(request);

    const std::string_view expect = request.header("Expect");
    if (!refusal && !expect.empty() && equals_ignoring_case(expect, "100-continue")) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto [code, size] =
          co_await asio::async_write(transport, asio::buffer(kContinue), kTuple);
      if (code) co_return;
    }
    const auto [body_code, body_size] =
        co_await http::async_read(transport, buffer, parser, kTuple);
    if (server->stopped) co_return;
    if (body_code) {
      if (body_code == http::error::body_limit) {
        const bool sent = co_await write_response(
            transport,
            HttpResponse::text(413, fmt::format("the request's body is longer than {} bytes\n",
                                                server->options.max_body_size)),
            false, false);
        if (sent) co_await linger(connection);
      }
      co_return;
    }
    if (refusal) {
      if (!co_await write_response(transport, *std::move(refusal), head_only, keep_alive))
        co_return;
      if (!keep_alive) co_return co_await linger(connection);
      continue;
    }

    request.body = std::move(parser.get().body());
    connection->watchdog.cancel();  // the handler takes the time it needs
    const auto answer = std::make_shared<Answer>(server->executor);
    answer->executor = server->executor;
    connection->answer = answer;
    server->handler(
        std::move(request),
        HttpExchange(std::make_unique<HttpExchange::State>(HttpExchange::State{answer})));
    while (!answer->given) {
      if (server->stopped) co_return;
      co_await answer->wake.wait();
    }
    if (server->stopped) co_return;
    if (answer->stream) {
      co_await (write_stream(transport, answer->stream, std::move(answer->response)) ||
                await_peer_gone(transport));
      answer->stream->lose();
      if (!server->stopped) co_await linger(connection);
      co_return;
    }
    arm(connection, server->options.idle_timeout);
    if (!co_await write_response(transport, std::move(answer->response), head_only, keep_alive))
      co_return;
    connection->answer.reset();
    if (!keep_alive) co_return co_await linger(connection);
  }
}

awaitable<void> run_connection(ServerState server, Stream socket) {
  const auto connection = std::make_shared<Connection>(std::move(socket));
  struct Registration {
    Registration(ServerState to, std::shared_ptr<Connection> of)
        : server(std::move(to)), connection(std::move(of)) {
      server->connections.insert(connection.get());
    }
    ~Registration() {
      server->connections.erase(connection.get());
      connection->abort();
      server->room.notify();
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ServerState server;
    std::shared_ptr<Connection> connection;
  };
  const Registration registration(server, connection);
  try {
    if (!server->tls) co_return co_await serve(server, connection, connection->socket);
    asio::ssl::stream<Stream&> tls(connection->socket, *server->tls);
    arm(connection, std::chrono::seconds(20));
    const auto [code] = co_await tls.async_handshake(asio::ssl::stream_base::server, kTuple);
    if (code) {
      if (server->options.logger)
        server->options.logger->debug("TLS handshake: {}", code.message());
      co_return;
    }
    co_await serve(server, connection, tls);
  } catch (const std::exception& e) {  // a handler's broken invariant ends its connection only
    if (server->options.logger) server->options.logger->error("serve a request: {}", e.what());
  }
}

void set_tcp_options(Stream& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  // A peer that vanished without a word holds its streams for two minutes at most.
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Timeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket.set_option(Idle(30), ignored);
  socket.set_option(Interval(10), ignored);
  socket.set_option(Timeout(120'000), ignored);
}

awaitable<void> accept_connections(ServerState server) {
  const bool tcp = server->address.kind == Remote::Kind::kTcp;
  while (!server->stopped) {
    if (server->connections.size() >= server->options.max_connections) {
      co_await server->room.wait();
      continue;
    }
    Stream socket(server->executor);
    const auto [code] = co_await server->acceptor.async_accept(socket, kTuple);
    if (server->stopped) co_return;
    if (code) {  // out of file descriptors, or the peer is gone already
      co_await server->room.wait_until(std::chrono::steady_clock::now() +
                                       std::chrono::milliseconds(100));
      continue;
    }
    if (tcp) set_tcp_options(socket);
    asio::co_spawn(server->executor, run_connection(server, std::move(socket)), asio::detached);
  }
}

Result<> listen(HttpServer::State& server) {
  const Remote& wanted = server.options.listen;
  boost::system::error_code code;
  stream_protocol::endpoint endpoint;
  if (wanted.kind == Remote::Kind::kUnix) {
    Stream probe(server.executor);
    try {
      endpoint = asio::local::stream_protocol::endpoint(wanted.address);
    } catch (const std::exception&) {
      return make_error(Errc::kInvalidArgument, "listen: the path is too long", wanted.to_string());
    }
    probe.connect(endpoint, code);
    if (!code)
      return make_error(Errc::kAlreadyExists, "listen: another process listens there",
                        wanted.to_string());
    ::unlink(wanted.address.c_str());
  } else {
    const auto address = asio::ip::make_address(wanted.address, code);
    if (code)
      return make_error(Errc::kInvalidArgument, "listen: expected an IP address",
                        wanted.to_string());
    endpoint = asio::ip::tcp::endpoint(address, wanted.port);
  }
  auto& acceptor = server.acceptor;
  acceptor.open(endpoint.protocol(), code);
  if (!code && wanted.kind == Remote::Kind::kTcp)
    acceptor.set_option(asio::socket_base::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (code) return errno_error(code.value(), "listen", wanted.to_string());
  server.address = wanted;
  if (wanted.kind == Remote::Kind::kUnix) {
    if (::chmod(wanted.address.c_str(), 0600) != 0)
      return errno_error("set the mode of the socket", wanted.to_string());
  } else {
    asio::ip::tcp::endpoint bound;
    const auto local = acceptor.local_endpoint();
    std::memcpy(bound.data(), local.data(), local.size());
    server.address.port = bound.port();
  }
  return {};
}

Result<> load_identity(HttpServer::State& server, const TlsIdentity& identity) {
  auto& context = server.tls.emplace(asio::ssl::context::tls_server);
  boost::system::error_code code;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                          asio::ssl::context::no_tlsv1_1,
                      code);
  context.use_certificate_chain(asio::buffer(identity.certificate_chain), code);
  if (code)
    return make_error(Errc::kInvalidArgument, "read the server's certificate: " + code.message());
  context.use_private_key(asio::buffer(identity.private_key), asio::ssl::context::pem, code);
  if (code)
    return make_error(Errc::kInvalidArgument, "read the server's private key: " + code.message());
  if (identity.client_ca.empty()) return {};
  context.add_certificate_authority(asio::buffer(identity.client_ca), code);
  if (code) return make_error(Errc::kInvalidArgument, "read the clients' CA: " + code.message());
  context.set_verify_mode(asio::ssl::verify_peer, code);
  return {};
}
}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::any_io_executor executor,
                                                      HttpServerOptions options,
                                                      HttpHandler handler) {
  auto state = std::make_shared<State>(std::move(executor), std::move(options), std::move(handler));
  if (state->options.tls) ANTREA_CHECK(load_identity(*state, *state->options.tls));
  ANTREA_CHECK(listen(*state));
  asio::co_spawn(state->executor, accept_connections(state), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->stopped = true;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  if (state_->address.kind == Remote::Kind::kUnix) ::unlink(state_->address.address.c_str());
  state_->room.notify();
  for (auto* connection : std::set<Connection*>(state_->connections)) connection->abort();
}

const Remote& HttpServer::address() const { return state_->address; }
std::size_t HttpServer::connection_count() const { return state_->connections.size(); }

}  // namespace antrea::kube
