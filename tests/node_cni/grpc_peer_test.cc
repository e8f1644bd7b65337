// The server and the plugin, each with Debian's gRPC on the other side.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "libantrea-node/grpc_server.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

class GrpcPeerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/antrea-grpc-XXXXXX";
    dir_ = ::mkdtemp(name);
    acceptor_ = std::make_shared<asio::local::stream_protocol::acceptor>(
        io_, asio::local::stream_protocol::endpoint(socket()));
    auto methods = std::make_shared<GrpcMethods>();
    methods->emplace("/s/Echo", [](std::string request) -> asio::awaitable<Result<std::string>> {
      co_return request;
    });
    methods->emplace("/s/Refuse", [](std::string) -> asio::awaitable<Result<std::string>> {
      co_return make_error(Errc::kRejected, "refuse: 100% no", "it");
    });
    methods->emplace("/s/Slow", [](std::string request) -> asio::awaitable<Result<std::string>> {
      asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(100));
      co_await timer.async_wait(asio::use_awaitable);
      co_return request;
    });
    asio::co_spawn(io_, serve_grpc(acceptor_, std::move(methods)), asio::detached);
    daemon_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    asio::post(io_, asio::use_future([this] { acceptor_->close(); })).get();
    daemon_.join();
    fs::remove_all(dir_);
  }
  fs::path socket() const { return dir_ / "grpc.sock"; }

  std::string call(const std::string& lines) {
    std::ofstream(dir_ / "calls") << lines;
    const std::string command =
        "/usr/bin/python3 " ANTREA_SOURCE_DIR "/tests/node_cni/grpc_peer.py call " +
        socket().native() + " < " + (dir_ / "calls").native() + " > " + (dir_ / "replies").native();
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(dir_ / "replies");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  asio::io_context io_;
  fs::path dir_;
  std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor_;
  std::thread daemon_;
};

TEST_F(GrpcPeerTest, AnswersEveryCallWithItsOwnReplyOrStatus) {
  const std::string large(2 * 200'000, 'a');  // beyond a frame, and beyond the first windows
  std::string calls =
      "/s/Slow 01\n/s/Echo\n/s/Echo 0203\n/s/Refuse 04\n/s/None 05\n/s/Echo " + large + "\n";
  std::string replies =
      "OK 01\nOK \nOK 0203\nINTERNAL it: refuse: 100% no\n"
      "UNIMPLEMENTED no method /s/None\nOK " +
      large + "\n";
  for (int i = 0; i < 200; ++i) {  // more than the streams that one connection may have at a time
    calls += "/s/Slow 07\n";
    replies += "OK 07\n";
  }
  EXPECT_EQ(call(calls), replies);
}

TEST_F(GrpcPeerTest, RefusesWhatIsTooLarge) {
  EXPECT_EQ(call("/s/Echo " + std::string(2 * ((4 << 20) + 1), '0') + "\n/s/Echo 01\n"),
            "RESOURCE_EXHAUSTED the request is over 4 MiB\nOK 01\n");
}

/// Sends bytes on a connection of their own and waits until the server hangs up, or has nothing to
/// say to the end of input.
void disturb(const fs::path& socket, std::string_view bytes) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  char buffer[512];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) continue;
  ::close(fd);
}

TEST_F(GrpcPeerTest, SurvivesAnyBytes) {
  std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  preface += std::string("\0\0\0\4\0\0\0\0\0", 9);  // empty settings
  for (std::size_t cut = 0; cut <= preface.size(); ++cut)
    disturb(socket(), std::string_view(preface).substr(0, cut));
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = preface;
    for (int i = 0; i < 100; ++i) bytes += static_cast<char>(random());
    disturb(socket(), bytes);
  }
  EXPECT_EQ(call("/s/Echo 01\n"), "OK 01\n");
}

TEST_F(GrpcPeerTest, ThePluginSpeaksToARealServer) {
  const fs::path peer = dir_ / "peer.sock";
  // CniCmdResponse with cni_result "{}".
  std::thread server([&] {
    const std::string command = "/usr/bin/python3 " ANTREA_SOURCE_DIR
                                "/tests/node_cni/grpc_peer.py serve " +
                                peer.native() + " 0a027b7d > " + (dir_ / "seen").native();
    EXPECT_EQ(std::system(command.c_str()), 0);
  });
  const std::string plugin = "echo '{}' | ANTREA_CNI_SOCKET=" + peer.native() +
                             " CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=n CNI_IFNAME=i "
                             "CNI_PATH=p " ANTREA_BIN_DIR "/antrea-cni > " +
                             (dir_ / "printed").native();
  // Until the server listens, the plugin says "try again later".
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int status = 1;
  while (status != 0 && std::chrono::steady_clock::now() < deadline)
    status = std::system(plugin.c_str());
  server.join();
  std::ifstream printed(dir_ / "printed"), seen(dir_ / "seen");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(printed), {}), "{}\n");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(seen), {}),
            "/antrea_io.antrea.pkg.apis.cni.v1beta1.Cni/CmdAdd "
            "0a110a016312016e1a01692a017032037b7d0a\n");
}

}  // namespace
}  // namespace antrea::node
