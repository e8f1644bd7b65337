#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "antrea/base/clock.h"
#include "antrea/base/export.h"
#include "antrea/base/result.h"
#include "antrea/kube/kubeconfig.h"

namespace antrea::kube {

struct ApiRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, percent-encoded: "/api/v1/pods?limit=500"
  std::string body;
  std::string content_type = "application/json";
  std::string accept = "application/json";
  Duration timeout =
      std::chrono::seconds(30);  ///< for the whole exchange; of a stream: for its head
};

struct ApiResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

/// Takes the next bytes of a stream; an error ends it.
using StreamSink = std::function<Result<>(std::string_view bytes)>;

/// A way to an API server: the real one, or a script in a test. Results of `send` may have any HTTP
/// status; its errors are those of the way: kUnavailable, kTimeout, kUnauthenticated (a certificate
/// nobody trusts), kMalformed, kCancelled.
class ANTREA_API ApiTransport {
 public:
  virtual ~ApiTransport() = default;
  virtual boost::asio::awaitable<Result<ApiResponse>> send(ApiRequest request) = 0;
  /// Hands the body of a 200 to `sink` as it comes. Done when the server ends it; another status is
  /// an error as by status_error(). kTimeout: no byte for `idle`.
  virtual boost::asio::awaitable<Result<>> stream(ApiRequest request, StreamSink sink,
                                                  Duration idle) = 0;
};

/// HTTP/1.1 over TLS or TCP, with connections kept for the next request. Cancellation of the
/// awaiting coroutine ends a request. Use it from one strand; it must outlive what it returned.
class ANTREA_API RestClient final : public ApiTransport {
 public:
  /// Error: kMalformed for certificates or keys that do not parse.
  static Result<std::unique_ptr<RestClient>> create(boost::asio::any_io_executor executor,
                                                    ClientConfig config,
                                                    std::string user_agent = "antrea");
  ~RestClient() override;

  boost::asio::awaitable<Result<ApiResponse>> send(ApiRequest request) override;
  boost::asio::awaitable<Result<>> stream(ApiRequest request, StreamSink sink,
                                          Duration idle) override;

 private:
  struct State;
  explicit RestClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What a status beyond 2xx means: kInvalidArgument (400, 422), kUnauthenticated,
/// kPermissionDenied, kNotFound, kAlreadyExists and kConflict (409), kExhausted (410: a version too
/// old, list again), kUnavailable (429, 5xx), kTimeout (504), kRejected (else). The text is the
/// Status' message.
ANTREA_API Error status_error(const ApiResponse& response);
/// The same of a Status object, e.g. in the ERROR event of a watch.
ANTREA_API Error status_error(const boost::json::object& status);

/// A request with a JSON object in and out. Error: also as by status_error().
ANTREA_API boost::asio::awaitable<Result<boost::json::object>> call(ApiTransport& transport,
                                                                    ApiRequest request);

/// "a=b&c=d" with the values percent-encoded; empty values are left out.
ANTREA_API std::string encode_query(
    std::initializer_list<std::pair<std::string_view, std::string_view>> parameters);

}  // namespace antrea::kube
