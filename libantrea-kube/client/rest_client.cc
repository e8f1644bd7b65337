#include "antrea/kube/rest_client.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <deque>
#include <fstream>
#include <iterator>

#include "antrea/base/asio.h"

namespace antrea::kube {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;
using Request = http::request<http::string_body>;

constexpr std::uint64_t kMaxBody = 1U << 30;
constexpr std::size_t kMaxErrorBody = 64 * 1024, kStreamBuffer = 64 * 1024, kMaxIdle = 4;
constexpr Duration kIdleLife =
    std::chrono::seconds(30);  // servers and middleboxes close older ones

/// One connection, TLS or plain. An operation that fails, runs out of time or is cancelled leaves
/// it of no more use.
class Connection {
 public:
  explicit Connection(Stream socket) : plain_(std::move(socket)) {}
  Connection(Stream socket, ssl::context& context)
      : tls_(std::in_place, std::move(socket), context) {}

  ssl::stream<Stream>* tls() { return tls_ ? &*tls_ : nullptr; }

  /// Runs `operation(stream, token)` with the time left until `deadline`; the error code, or
  /// timed_out.
  template <typename Operation>
  asio::awaitable<error_code> run(TimePoint deadline, Operation operation) {
    asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
    if (tls_) co_return outcome(co_await (operation(*tls_, kTuple) || timer.async_wait(kTuple)));
    co_return outcome(co_await (operation(*plain_, kTuple) || timer.async_wait(kTuple)));
  }

  boost::beast::flat_buffer buffer;
  TimePoint idle_since{};

 private:
  template <typename Either>
  static error_code outcome(const Either& either) {
    if (either.index() == 1) return asio::error::timed_out;
    return std::get<0>(std::get<0>(either));
  }

  std::optional<Stream> plain_;
  std::optional<ssl::stream<Stream>> tls_;
};
using ConnectionPtr = std::unique_ptr<Connection>;

Error exchange_error(const error_code& code, std::string_view doing, const std::string& server) {
  if (code == asio::error::timed_out)
    return make_error(Errc::kTimeout, fmt::format("{}: no answer in time", doing), server);
  if (code == asio::error::operation_aborted)
    return make_error(Errc::kCancelled, fmt::format("{}: stopped", doing), server);
  if (code.category() == http::make_error_code(http::error::bad_method).category() &&
      code != http::error::end_of_stream && code != http::error::partial_message)
    return make_error(Errc::kMalformed, fmt::format("{}: {}", doing, code.message()), server);
  return make_error(Errc::kUnavailable, fmt::format("{}: {}", doing, code.message()), server);
}

Result<> configure(ssl::context& context, const ClientConfig& config) {
  error_code error;
  const auto check = [&](const char* what) -> Result<> {
    if (!error) return {};
    return make_error(Errc::kMalformed, fmt::format("read the {}: {}", what, error.message()),
                      config.url());
  };
  if (config.ca.empty()) {
    context.set_default_verify_paths(error);
    ANTREA_CHECK(check("system's certificate authorities"));
  } else {
    context.add_certificate_authority(asio::buffer(config.ca), error);
    ANTREA_CHECK(check("certificate authority"));
  }
  if (!config.certificate.empty()) {
    context.use_certificate_chain(asio::buffer(config.certificate), error);
    ANTREA_CHECK(check("client certificate"));
    context.use_private_key(asio::buffer(config.key), ssl::context::pem, error);
    ANTREA_CHECK(check("client key"));
  }
  context.set_verify_mode(config.skip_verification ? ssl::verify_none : ssl::verify_peer, error);
  return check("verification mode");
}

}  // namespace

struct RestClient::State {
  State(asio::any_io_executor executor, ClientConfig client, std::string agent)
      : executor(std::move(executor)),
        config(std::move(client)),
        user_agent(std::move(agent)),
        context(ssl::context::tls_client) {}

  /// A kept connection, or none. Those that idled too long are dropped.
  ConnectionPtr reuse() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle.empty()) {
      auto connection = std::move(idle.back());
      idle.pop_back();
      if (now - connection->idle_since < kIdleLife) return connection;
    }
    return nullptr;
  }

  void keep(ConnectionPtr connection) {
    if (idle.size() >= kMaxIdle) return;
    connection->idle_since = std::chrono::steady_clock::now();
    idle.push_back(std::move(connection));
  }

  asio::awaitable<Result<ConnectionPtr>> open(TimePoint deadline) {
    const Remote remote{Remote::Kind::kTcp, config.host, config.port};
    ANTREA_CO_TRY(auto socket,
                  co_await connect_stream(remote, deadline - std::chrono::steady_clock::now()));
    if (!config.tls) co_return std::make_unique<Connection>(std::move(socket));
    auto connection = std::make_unique<Connection>(std::move(socket), context);
    const auto& name = config.server_name.empty() ? config.host : config.server_name;
    auto& tls = *connection->tls();
    error_code ignored;
    asio::ip::make_address(name, ignored);
    if (ignored) SSL_set_tlsext_host_name(tls.native_handle(), name.c_str());  // no address in SNI
    if (!config.skip_verification)
      tls.set_verify_callback(ssl::host_name_verification(name), ignored);
    asio::steady_timer timer(executor, deadline);
    const auto done = co_await (tls.async_handshake(ssl::stream_base::client, kTuple) ||
                                timer.async_wait(kTuple));
    if (done.index() == 1)
      co_return exchange_error(asio::error::timed_out, "TLS handshake", config.url());
    const auto code = std::get<0>(std::get<0>(done));
    if (!code) co_return connection;
    if (const auto verdict = SSL_get_verify_result(tls.native_handle()); verdict != X509_V_OK)
      co_return make_error(Errc::kUnauthenticated,
                           fmt::format("TLS handshake: the server's certificate: {}",
                                       X509_verify_cert_error_string(verdict)),
                           config.url(), "check the certificate authority of the kubeconfig");
    co_return exchange_error(code, "TLS handshake", config.url());
  }

  Request build(const ApiRequest& request) const {
    const auto verb = http::string_to_verb(request.method);
    Request out(verb, config.base_path + request.target, 11);
    const bool v6 = config.host.find(':') != std::string::npos;
    out.set(http::field::host,
            fmt::format("{}{}{}:{}", v6 ? "[" : "", config.host, v6 ? "]" : "", config.port));
    out.set(http::field::user_agent, user_agent);
    out.set(http::field::accept, request.accept);
    auto token = config.token;
    if (!config.token_file.empty()) {
      if (std::ifstream file(config.token_file); file) {
        token.assign(std::istreambuf_iterator<char>(file), {});
        while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())) != 0)
          token.pop_back();
      }
    }
    if (!token.empty()) out.set(http::field::authorization, "Bearer " + token);
    if (!request.body.empty()) out.set(http::field::content_type, request.content_type);
    out.body() = request.body;
    out.prepare_payload();
    return out;
  }

  /// Writes the request and reads the head of the answer. A kept connection that the server closed
  /// meanwhile is replaced by a fresh one, once, for requests that may be repeated.
  template <typename Parser>
  asio::awaitable<Result<ConnectionPtr>> begin(const ApiRequest& request,
                                               std::optional<Parser>& parser, TimePoint deadline) {
    const auto message = build(request);
    const bool repeatable = request.method != "POST" && request.method != "PATCH";
    for (auto connection = repeatable ? reuse() : nullptr;;) {
      const bool fresh = connection == nullptr;
      if (fresh) {
        ANTREA_CO_TRY(connection, co_await open(deadline));
      }
      parser.emplace();
      parser->body_limit(kMaxBody);
      auto code = co_await connection->run(deadline, [&](auto& stream, auto token) {
        return http::async_write(stream, message, token);
      });
      if (!code) {
        code = co_await connection->run(deadline, [&](auto& stream, auto token) {
          return http::async_read_header(stream, connection->buffer, *parser, token);
        });
      }
      if (!code) co_return connection;
      if (fresh || code == asio::error::timed_out || code == asio::error::operation_aborted)
        co_return exchange_error(code, request.method + " " + request.target, config.url());
      connection = nullptr;
    }
  }

  asio::any_io_executor executor;
  ClientConfig config;
  std::string user_agent;
  ssl::context context;
  std::deque<ConnectionPtr> idle;
};

Result<std::unique_ptr<RestClient>> RestClient::create(asio::any_io_executor executor,
                                                       ClientConfig config,
                                                       std::string user_agent) {
  auto state =
      std::make_unique<State>(std::move(executor), std::move(config), std::move(user_agent));
  if (state->config.tls) ANTREA_CHECK(configure(state->context, state->config));
  return std::unique_ptr<RestClient>(new RestClient(std::move(state)));
}

RestClient::RestClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
RestClient::~RestClient() = default;

asio::awaitable<Result<ApiResponse>> RestClient::send(ApiRequest request) {
  const auto deadline = std::chrono::steady_clock::now() + request.timeout;
  std::optional<http::response_parser<http::string_body>> parser;
  ANTREA_CO_TRY(auto connection, co_await state_->begin(request, parser, deadline));
  const auto code = co_await connection->run(deadline, [&](auto& stream, auto token) {
    return http::async_read(stream, connection->buffer, *parser, token);
  });
  if (code)
    co_return exchange_error(code, request.method + " " + request.target, state_->config.url());
  if (parser->keep_alive()) state_->keep(std::move(connection));
  auto message = parser->release();
  co_return ApiResponse{static_cast<int>(message.result_int()),
                        std::string(message[http::field::content_type]), std::move(message.body())};
}

asio::awaitable<Result<>> RestClient::stream(ApiRequest request, StreamSink sink, Duration idle) {
  std::optional<http::response_parser<http::buffer_body>> parser;
  ANTREA_CO_TRY(
      auto connection,
      co_await state_->begin(request, parser, std::chrono::steady_clock::now() + request.timeout));
  parser->body_limit(std::numeric_limits<std::uint64_t>::max());
  ApiResponse refusal;
  refusal.status = static_cast<int>(parser->get().result_int());
  std::vector<char> buffer(kStreamBuffer);
  while (!parser->is_done()) {
    auto& body = parser->get().body();
    body.data = buffer.data();
    body.size = buffer.size();
    auto code = co_await connection->run(
        std::chrono::steady_clock::now() + idle, [&](auto& stream, auto token) {
          return http::async_read_some(stream, connection->buffer, *parser, token);
        });
    if (code == http::error::need_buffer) code = {};
    const std::string_view bytes(buffer.data(), buffer.size() - parser->get().body().size);
    if (refusal.status != 200) {
      if (refusal.body.size() < kMaxErrorBody) refusal.body += bytes;
    } else if (!bytes.empty()) {
      ANTREA_CO_CHECK(sink(bytes));
    }
    if (code)
      co_return exchange_error(code, request.method + " " + request.target, state_->config.url());
  }
  if (refusal.status != 200) co_return status_error(refusal);
  co_return Result<>{};
}

asio::awaitable<Result<boost::json::object>> call(ApiTransport& transport, ApiRequest request) {
  ANTREA_CO_TRY(const auto response, co_await transport.send(std::move(request)));
  if (response.status < 200 || response.status > 299) co_return status_error(response);
  boost::json::parse_options options;
  options.max_depth = 128;
  error_code error;
  auto body = boost::json::parse(response.body, error, {}, options);
  if (error)
    co_return make_error(Errc::kMalformed,
                         fmt::format("read the API server's answer: {}", error.message()));
  if (!body.is_object())
    co_return make_error(Errc::kMalformed, "read the API server's answer: no JSON object");
  co_return std::move(body.get_object());
}

}  // namespace antrea::kube
