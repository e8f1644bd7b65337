#include "test_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <cstring>
#include <stdexcept>

#include "libantrea-kube/server/http_text.h"

namespace antrea::kube::test {
namespace {
constexpr int kPatienceMs = 10'000;

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return *std::move(result);
}
}  // namespace

std::string Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

boost::json::value Answer::json() const { return boost::json::parse(body); }

Client::Client(const Remote& server) {
  int done = -1;
  if (server.kind == Remote::Kind::kUnix) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    server.address.copy(address.sun_path, sizeof address.sun_path - 1);
    done = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    ::inet_pton(AF_INET, server.address.c_str(), &address.sin_addr);
    done = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  if (done != 0) throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
}

Client::~Client() { ::close(socket_); }

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) throw std::runtime_error("send: " + std::string(std::strerror(errno)));
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

void Client::send(std::string_view method, std::string_view target, std::string_view body,
                  const HttpFields& headers) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n", method, target);
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!body.empty() || method == "POST" || method == "PUT")
    text += fmt::format("Content-Length: {}\r\n", body.size());
  send(text + "\r\n" + std::string(body));
}

/// False at the end of the stream.
bool Client::fill() {
  pollfd wait{socket_, POLLIN, 0};
  if (::poll(&wait, 1, kPatienceMs) <= 0) throw std::runtime_error("nothing received in time");
  char bytes[16384];
  const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

std::string Client::take_until(std::string_view mark) {
  for (;;) {
    if (const auto at = buffer_.find(mark); at != buffer_.npos) {
      std::string taken = buffer_.substr(0, at);
      buffer_.erase(0, at + mark.size());
      return taken;
    }
    if (!fill()) throw std::runtime_error("the connection ended early");
  }
}

std::string Client::take(std::size_t size) {
  while (buffer_.size() < size)
    if (!fill()) throw std::runtime_error("the connection ended early");
  std::string taken = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return taken;
}

Answer Client::receive_head() {
  Answer answer;
  const std::string head = take_until("\r\n\r\n") + "\r\n";
  answer.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto end = head.find("\r\n", at);
    const auto colon = head.find(": ", at);
    answer.headers.emplace_back(head.substr(at, colon - at),
                                head.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  chunk_.clear();
  last_chunk_ = false;
  return answer;
}

Answer Client::receive() {
  Answer answer = receive_head();
  if (equals_ignoring_case(answer.header("Transfer-Encoding"), "chunked")) {
    while (const auto line = receive_line()) answer.body += *line + "\n";
  } else if (const auto size = answer.header("Content-Length"); !size.empty()) {
    answer.body = take(std::stoul(size));
  }
  return answer;
}

std::optional<std::string> Client::receive_line() {
  for (;;) {
    if (const auto end = chunk_.find('\n'); end != chunk_.npos) {
      std::string line = chunk_.substr(0, end);
      chunk_.erase(0, end + 1);
      return line;
    }
    if (last_chunk_) return std::nullopt;
    const std::size_t size = std::stoul(take_until("\r\n"), nullptr, 16);
    chunk_ += take(size);
    take_until("\r\n");
    last_chunk_ = size == 0;
  }
}

bool Client::at_end() { return buffer_.empty() && !fill(); }

Loop::Loop()
    : thread_([this] {
        const auto guard = boost::asio::make_work_guard(io_);
        io_.run();
      }) {}

Loop::~Loop() {
  io_.stop();
  thread_.join();
}

void Loop::post(std::function<void()> task) { boost::asio::post(io_, std::move(task)); }

TestServer::TestServer(StoreOptions store_options, ApiServerOptions options) {
  if (store_options.path.empty()) store_options.path = ":memory:";
  loop.run([&] {
    store = value_of(Store::open(store_options));
    api = value_of(ApiServer::create(loop.io().get_executor(), types, *store, options));
    HttpServerOptions http_options;
    http_options.listen = {Remote::Kind::kTcp, "127.0.0.1", 0};
    http_options.authenticate = [this](HttpRequest& head) { return api->authenticate(head); };
    http = value_of(HttpServer::start(loop.io().get_executor(), http_options,
                                      [this](HttpRequest request, HttpExchange exchange) {
                                        api->handle(std::move(request), std::move(exchange));
                                      }));
  });
}

TestServer::~TestServer() {
  loop.run([&] {
    http.reset();
    api.reset();
    store.reset();
  });
}

Answer TestServer::request(std::string_view method, std::string_view target, std::string_view body,
                           HttpFields headers) const {
  Client client(address());
  client.send(method, target, body, headers);
  return method == "HEAD" ? client.receive_head() : client.receive();
}

}  // namespace antrea::kube::test
