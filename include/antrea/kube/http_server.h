#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "antrea/base/export.h"
#include "antrea/base/log.h"
#include "antrea/base/remote.h"
#include "antrea/base/result.h"

/// An HTTP/1.1 server for APIs: answers at once, later, or as a stream that lasts (watch). Over TCP
/// or a unix socket, with or without TLS. Knows nothing of Kubernetes.
namespace antrea::kube {

/// Name and value, in the order of the wire.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  ///< "GET", as sent
  std::string path;    ///< percent-decoded, without the query
  HttpFields query;    ///< percent-decoded parameters; "?verbose" has an empty value
  HttpFields headers;
  std::string body;
  std::string user;  ///< whom `HttpServerOptions::authenticate` made of it

  /// The first header of that name, in any case; empty when absent.
  ANTREA_API std::string_view header(std::string_view name) const;
  /// The first parameter of that name, or null.
  ANTREA_API const std::string* parameter(std::string_view name) const;
  /// The token of "Authorization: Bearer TOKEN"; empty when absent.
  ANTREA_API std::string_view bearer_token() const;
};

/// Content-Length, Date and Connection are added by the server.
struct HttpResponse {
  int status = 200;
  HttpFields headers;
  std::string body;

  ANTREA_API static HttpResponse text(int status, std::string body);
  ANTREA_API static HttpResponse json(int status, std::string body);
};

/// A chunked answer that is open until one side ends it. A handle: copies are the same stream.
/// Every call is made on the executor of the server, and so are the callbacks. After the end, calls
/// do nothing.
class ANTREA_API HttpStream {
 public:
  /// One chunk. Never blocks: what the peer does not take yet is kept, so look at `pending_size`
  /// before writing more.
  void write(std::string chunk);
  /// The same without a copy, for a chunk that many streams share.
  void write(std::shared_ptr<const std::string> chunk);
  /// Bytes handed in and not yet taken by the socket.
  std::size_t pending_size() const;
  /// Ends the answer properly, once everything pending is out.
  void close();
  /// False once the peer is gone, the server stopped, or `close` was called.
  bool open() const;

  /// Called each time everything pending went out: write more now. Replaces the callback before.
  void on_drained(std::function<void()> callback);
  /// Called once, when the peer went away or the server stopped; not after `close`. Both callbacks
  /// are dropped then.
  void on_closed(std::function<void()> callback);

  struct State;
  explicit HttpStream(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// The right to answer one request, once, now or later, on the executor of the server. Dropped
/// unanswered, it answers 500.
class ANTREA_API HttpExchange {
 public:
  void respond(HttpResponse response);
  /// Sends the head at once. The connection is closed after the stream's end.
  HttpStream open_stream(int status, HttpFields headers);

  struct State;
  explicit HttpExchange(std::unique_ptr<State> state);
  HttpExchange(HttpExchange&&) noexcept;
  HttpExchange& operator=(HttpExchange&&) noexcept;
  ~HttpExchange();

 private:
  std::unique_ptr<State> state_;
};

using HttpHandler = std::function<void(HttpRequest request, HttpExchange exchange)>;

/// PEM texts. With `client_ca`, certificates of clients are asked for and, if given, must be signed
/// by it.
struct TlsIdentity {
  std::string certificate_chain;
  std::string private_key;
  std::string client_ca;
};

struct HttpServerOptions {
  Remote listen;  ///< TCP port 0: any free one; a unix socket's file is replaced and gets mode 0600
  std::optional<TlsIdentity> tls;
  std::size_t max_body_size = 3u << 20;  ///< a longer one is answered 413
  std::size_t max_connections = 4096;
  std::chrono::seconds idle_timeout{300};  ///< for the next request, and for one to arrive whole
  /// Called with the head, before the body is read: sets `user` and returns nothing, or returns the
  /// refusal.
  std::function<std::optional<HttpResponse>(HttpRequest& head)> authenticate;
  Logger logger;
};

class ANTREA_API HttpServer {
 public:
  /// Listens when it returns; the handler is called on `executor`, which must not run two handlers
  /// at once (an io_context of one thread, or a strand). Errors: kAlreadyExists (address taken),
  /// kPermissionDenied, kInvalidArgument (bad PEM).
  static Result<std::unique_ptr<HttpServer>> start(boost::asio::any_io_executor executor,
                                                   HttpServerOptions options, HttpHandler handler);
  /// Stops listening and ends every connection and stream. The handler is not called again.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// With the port that was really taken.
  const Remote& address() const;
  std::size_t connection_count() const;

  struct State;

 private:
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace antrea::kube
