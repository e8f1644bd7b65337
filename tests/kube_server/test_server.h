#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "antrea/kube/api_server.h"
#include "antrea/kube/builtin_types.h"
#include "antrea/kube/http_server.h"

// A server on a thread of its own, and a client that a test can read like a story.
namespace antrea::kube::test {

struct Answer {
  int status = 0;
  HttpFields headers;
  std::string body;

  std::string header(std::string_view name) const;
  boost::json::value json() const;
};

/// One blocking connection. Every call fails the test, and throws, when nothing comes for ten
/// seconds.
class Client {
 public:
  explicit Client(const Remote& server);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes);
  void send(std::string_view method, std::string_view target, std::string_view body = {},
            const HttpFields& headers = {});
  Answer receive();
  /// Of a chunked answer: its head, then line by line; nothing at its end.
  Answer receive_head();
  std::optional<std::string> receive_line();
  bool at_end();  ///< the peer closed the connection

 private:
  bool fill();
  std::string take_until(std::string_view mark);
  std::string take(std::size_t size);

  int socket_;
  std::string buffer_, chunk_;
  bool last_chunk_ = false;
};

/// Runs an io_context on a thread.
class Loop {
 public:
  Loop();
  ~Loop();
  boost::asio::io_context& io() { return io_; }
  /// Runs `function` on the thread and returns what it returns.
  template <typename Function>
  auto run(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    post([&task] { task(); });
    return result.get();
  }

 private:
  void post(std::function<void()> task);
  boost::asio::io_context io_{1};
  std::thread thread_;
};

/// The builtin resources over plain HTTP on the loopback.
class TestServer {
 public:
  explicit TestServer(StoreOptions store = {}, ApiServerOptions options = {});
  ~TestServer();

  Loop loop;
  const ResourceTypes types = make_builtin_types();
  std::unique_ptr<Store> store;
  std::unique_ptr<ApiServer> api;
  std::unique_ptr<HttpServer> http;

  Remote address() const { return http->address(); }
  /// One request on a connection of its own.
  Answer request(std::string_view method, std::string_view target, std::string_view body = {},
                 HttpFields headers = {}) const;
};

}  // namespace antrea::kube::test
