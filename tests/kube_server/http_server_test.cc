#include "antrea/kube/http_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "antrea/kube/certificate.h"
#include "libantrea-kube/server/http_text.h"
#include "test_server.h"

namespace antrea::kube {
namespace {
using test::Client;
using test::Loop;

/// A server whose handler does what the path says.
class HttpServing : public testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    if (options.listen.address.empty()) options.listen = {Remote::Kind::kTcp, "127.0.0.1", 0};
    loop.run([&] {
      auto started = HttpServer::start(loop.io().get_executor(), options,
                                       [this](HttpRequest request, HttpExchange exchange) {
                                         handle(std::move(request), std::move(exchange));
                                       });
      ASSERT_TRUE(started) << started.error().to_string();
      server = *std::move(started);
      address = server->address();
    });
  }
  void TearDown() override {
    loop.run([&] { streams.clear(), held.clear(), server.reset(); });
  }

  void handle(HttpRequest request, HttpExchange exchange) {
    if (request.path == "/drop") return;
    if (request.path == "/hold") {
      held.emplace("hold", std::move(exchange));
      return;
    }
    if (request.path == "/stream") {
      auto stream = exchange.open_stream(200, {{"Content-Type", "text/plain"}});
      stream.on_closed([this] { ++closed; });
      streams.push_back(stream);
      stream.write("hello\n");
      return;
    }
    std::string text = request.method + " " + request.path;
    for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
    exchange.respond(HttpResponse::text(200, text + "\n" + request.body));
  }

  /// Until it holds on the server's thread.
  template <typename Condition>
  void expect_soon(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!loop.run(condition)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  Loop loop;
  std::unique_ptr<HttpServer> server;
  Remote address;
  std::vector<HttpStream> streams;
  std::map<std::string, HttpExchange> held;
  int closed = 0;
};

TEST_F(HttpServing, AnswersSeveralRequestsOnAConnection) {
  start();
  Client client(address);
  client.send("GET", "/a%20b?x=1&y=a+b%2Bc&z");
  const auto first = client.receive();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a b x=1 y=a b+c z=\n");
  client.send("POST", "/p", "body");
  EXPECT_EQ(client.receive().body, "POST /p\nbody");
  client.send("HEAD", "/p");
  const auto head = client.receive_head();
  EXPECT_EQ(head.header("content-length"), "8");
  client.send("GET", "/q", {}, {{"Connection", "close"}});
  EXPECT_EQ(client.receive().body, "GET /q\n");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServing, AnswersPipelinedRequestsInOrder) {
  start();
  Client client(address);
  client.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
  for (const auto* path : {"/1", "/2", "/3"})
    EXPECT_EQ(client.receive().body, std::string("GET ") + path + "\n");
}

TEST_F(HttpServing, AnswersLater) {
  start();
  Client client(address);
  client.send("GET", "/hold");
  expect_soon([&] { return !held.empty(); });
  loop.run([&] { held.at("hold").respond(HttpResponse::text(202, "later")); });
  EXPECT_EQ(client.receive().status, 202);
}

TEST_F(HttpServing, AnswersForAHandlerThatForgets) {
  start();
  Client client(address);
  client.send("GET", "/drop");
  EXPECT_EQ(client.receive().status, 500);
  client.send("GET", "/next");
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(HttpServing, StreamsUntilItCloses) {
  start();
  Client client(address);
  client.send("GET", "/stream");
  EXPECT_EQ(client.receive_head().status, 200);
  EXPECT_EQ(client.receive_line(), "hello");
  loop.run([&] { streams.at(0).write("again\n"); });
  EXPECT_EQ(client.receive_line(), "again");
  loop.run([&] {
    streams.at(0).write("bye\n");
    streams.at(0).close();
    streams.at(0).write("unheard\n");
  });
  EXPECT_EQ(client.receive_line(), "bye");
  EXPECT_EQ(client.receive_line(), std::nullopt);
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(loop.run([&] { return closed; }), 0);
}

TEST_F(HttpServing, NoticesThatTheClientOfAStreamIsGone) {
  start();
  {
    Client client(address);
    client.send("GET", "/stream");
    EXPECT_EQ(client.receive_head().status, 200);
  }
  expect_soon([&] { return closed == 1; });
  expect_soon([&] { return server->connection_count() == 0; });
  EXPECT_FALSE(loop.run([&] { return streams.at(0).open(); }));
}

TEST_F(HttpServing, TellsAWriterHowMuchASlowClientLeaves) {
  start();
  Client client(address);
  client.send("GET", "/stream");
  client.receive_head();
  client.receive_line();
  constexpr std::size_t kLine = 1 << 20, kLines = 32;
  int drained = 0;
  loop.run([&] {
    streams.at(0).on_drained([&] { ++drained; });
    for (std::size_t i = 0; i < kLines; ++i)
      streams.at(0).write(std::string(kLine - 1, 'x') + "\n");
    EXPECT_GE(streams.at(0).pending_size(), kLine * kLines);
  });
  for (std::size_t i = 0; i < kLines; ++i) ASSERT_EQ(client.receive_line()->size(), kLine - 1);
  expect_soon([&] { return drained > 0 && streams.at(0).pending_size() == 0; });
}

TEST_F(HttpServing, EndsStreamsWhenItStops) {
  start();
  Client client(address);
  client.send("GET", "/stream");
  client.receive_head();
  client.receive_line();
  loop.run([&] { server.reset(); });
  EXPECT_EQ(loop.run([&] { return closed; }), 1);
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServing, RefusesBodiesThatAreTooLong) {
  HttpServerOptions options;
  options.max_body_size = 10;
  start(options);
  Client client(address);
  client.send("POST", "/", std::string(10, 'x'));
  EXPECT_EQ(client.receive().status, 200);
  client.send("POST", "/", std::string(11, 'x'));
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServing, RefusesWhatIsNoHttp) {
  start();
  for (const std::string_view nonsense :
       {std::string_view("nonsense\r\n\r\n"),
        std::string_view("GET / HTTP/1.1\r\nbad header\r\n\r\n"),
        std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)}) {
    Client client(address);
    client.send(nonsense);
    EXPECT_EQ(client.receive().status, 400);
    EXPECT_TRUE(client.at_end());
  }
  Client client(address);
  client.send("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.receive().status, 431);
}

TEST_F(HttpServing, AsksTheAuthenticatorFirst) {
  HttpServerOptions options;
  options.authenticate = [](HttpRequest& head) -> std::optional<HttpResponse> {
    EXPECT_TRUE(head.body.empty());
    if (head.bearer_token() == "secret") return std::nullopt;
    return HttpResponse::text(401, "no");
  };
  start(options);
  Client client(address);
  client.send("POST", "/", "x");
  EXPECT_EQ(client.receive().status, 401);
  client.send("POST", "/", "x", {{"authorization", "bearer secret"}});
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(HttpServing, DropsIdleConnections) {
  HttpServerOptions options;
  options.idle_timeout = std::chrono::seconds(1);
  start(options);
  Client client(address);
  client.send("GET", "/");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServing, KeepsValuesFromBecomingHeaders) {
  std::string head;
  append_field(head, "Warning", "a\r\nSet-Cookie: b");
  EXPECT_EQ(head, "Warning: a  Set-Cookie: b\r\n");
}

TEST_F(HttpServing, ListensOnAUnixSocket) {
  char folder[] = "/tmp/antrea-http-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/socket";
  HttpServerOptions options;
  options.listen = {Remote::Kind::kUnix, path, 0};
  start(options);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  Client client(address);
  client.send("GET", "/u");
  EXPECT_EQ(client.receive().body, "GET /u\n");
  const auto second = loop.run(
      [&] { return HttpServer::start(loop.io().get_executor(), options, {}).error().code; });
  EXPECT_EQ(second, Errc::kAlreadyExists);
  loop.run([&] { server.reset(); });
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

TEST_F(HttpServing, SaysThatAPortIsTaken) {
  start();
  HttpServerOptions options;
  options.listen = address;
  const auto error =
      loop.run([&] { return HttpServer::start(loop.io().get_executor(), options, {}).error(); });
  EXPECT_EQ(error.code, Errc::kAlreadyExists) << error.to_string();
  EXPECT_NE(error.to_string().find(std::to_string(address.port)), std::string::npos);
}

TEST(Certificates, AreIssuedForNamesAndAddresses) {
  const auto authority = make_certificate_authority("test authority");
  ASSERT_TRUE(authority) << authority.error().to_string();
  const std::vector<std::string> names{"localhost", "127.0.0.1", "fd00::1"};
  const auto server = issue_certificate(*authority, "server", names);
  ASSERT_TRUE(server) << server.error().to_string();
  EXPECT_TRUE(server->certificate.starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_TRUE(server->private_key.starts_with("-----BEGIN PRIVATE KEY-----"));
  const std::vector<std::string> injected{"a,DNS:evil"};
  EXPECT_EQ(issue_certificate(*authority, "x", injected).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(issue_certificate({"x", "y"}, "x", names).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace antrea::kube
