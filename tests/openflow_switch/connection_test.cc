// The connection over every kind of socket against a real ovs-vswitchd, and against peers that
// misbehave.
#include "antrea/openflow/connection.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "antrea/base/asio.h"
#include "antrea/base/bytes.h"
#include "tests/ovs/fixture.h"

namespace antrea::openflow {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using testing::in;
using testing::run;

ConnectionOptions options_for(std::string remote) {
  ConnectionOptions options;
  options.remote = std::move(remote);
  options.first_backoff = 5ms;
  options.most_backoff = 50ms;
  return options;
}

/// A connection that runs as long as this.
class Running {
 public:
  Running(asio::io_context& io, ConnectionOptions options)
      : connection(io.get_executor(), std::move(options)), io_(io) {
    asio::co_spawn(io_, connection.run(), [this](std::exception_ptr) { ended_ = true; });
  }
  ~Running() {
    connection.stop();
    io_.restart();
    while (!ended_ && io_.run_one() > 0) {
    }
  }
  /// Runs until it holds; false after 20 seconds.
  template <typename Condition>
  bool until(Condition holds) {
    const auto deadline = in(20s);
    io_.restart();
    while (!holds() && std::chrono::steady_clock::now() < deadline) io_.run_one_for(50ms);
    return holds();
  }
  Connection connection;

 private:
  asio::io_context& io_;
  bool ended_ = false;
};

class ConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::enter_private_network())
      GTEST_SKIP() << "needs the right to make a network namespace";
    ovs_.start_switch();
    ASSERT_TRUE(ovs_.add_bridge());
  }
  std::string file(const std::string& name) const { return ovs_.dir() / name; }
  TlsFiles tls(const std::string& who) const {
    return {file(who + ".key"), file(who + ".crt"), file("ca.crt")};
  }
  /// A CA, and for each name a key with a certificate of it.
  void make_certificates(const std::string& ca, const std::vector<std::string>& names) {
    const auto openssl = [](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), "openssl");
      ASSERT_EQ(testing::run_command(arguments), 0) << arguments[1] << " " << arguments.back();
    };
    const std::vector<std::string> curve{"-newkey", "ec", "-pkeyopt",
                                         "ec_paramgen_curve:prime256v1", "-nodes"};
    const auto request = [&](std::vector<std::string> more) {
      more.insert(more.begin(), "req");
      more.insert(more.end(), curve.begin(), curve.end());
      openssl(more);
    };
    request({"-x509", "-subj", "/CN=" + ca, "-days", "2", "-keyout", file(ca + ".key"), "-out",
             file(ca + ".crt")});
    for (const auto& name : names) {
      request(
          {"-subj", "/CN=" + name, "-keyout", file(name + ".key"), "-out", file(name + ".csr")});
      openssl({"x509", "-req", "-in", file(name + ".csr"), "-CA", file(ca + ".crt"), "-CAkey",
               file(ca + ".key"), "-CAcreateserial", "-days", "2", "-out", file(name + ".crt")});
    }
  }
  void give_switch_tls() {
    make_certificates("ca", {"switch", "agent"});
    ASSERT_EQ(ovs_.vsctl({"set-ssl", file("switch.key"), file("switch.crt"), file("ca.crt")}), 0);
  }
  void set_controller(const std::string& target) {
    ASSERT_EQ(ovs_.vsctl({"--", "--id=@c", "create", "Controller", "target=\"" + target + "\"",
                          "max_backoff=1000", "--", "set", "bridge", "br0", "controller=@c"}),
              0);
  }
  static void expect_answers(Running& running, asio::io_context& io) {
    const auto ready = run(io, running.connection.wait_ready(in(20s)));
    ASSERT_TRUE(ready) << ready.error().to_string();
    EXPECT_NE(running.connection.datapath_id(), 0U);
    Message ask = BarrierRequest{};
    EXPECT_TRUE(run(io, running.connection.request(std::move(ask), in(10s))));
  }

  testing::OpenVSwitch ovs_;
  asio::io_context io_;
};

TEST_F(ConnectionTest, ConnectsOverTcpAndTls) {
  give_switch_tls();
  struct Case {
    const char* controller;
    const char* remote;
  };
  for (const auto& [controller, remote] :
       {Case{"ptcp:6653:127.0.0.1", "tcp:127.0.0.1"}, Case{"ptcp:7001:[::1]", "tcp:[::1]:7001"},
        Case{"pssl:6653:127.0.0.1", "ssl:127.0.0.1"}}) {
    SCOPED_TRACE(remote);
    set_controller(controller);
    auto options = options_for(remote);
    options.tls = tls("agent");
    Running running(io_, options);
    expect_answers(running, io_);
  }
}

TEST_F(ConnectionTest, ListensForTheSwitch) {
  give_switch_tls();
  for (const std::string method : {"tcp", "ssl", "unix"}) {
    SCOPED_TRACE(method);
    auto options = options_for(method == "unix" ? "punix:" + file("listen.sock")
                                                : "p" + method + ":0:127.0.0.1");
    options.tls = tls("agent");
    Running running(io_, options);
    ASSERT_TRUE(running.until([&] {
      return running.connection.address() != options.remote ||
             std::filesystem::exists(file("listen.sock"));
    }));
    const auto listening = *parse_remote(running.connection.address());
    set_controller(method == "unix" ? "unix:" + listening.address
                                    : method + ":127.0.0.1:" + std::to_string(listening.port));
    expect_answers(running, io_);
    // The switch that comes again is taken again.
    const auto sessions = running.connection.sessions();
    running.connection.drop("to see it come again");
    ASSERT_TRUE(running.until([&] { return running.connection.sessions() > sessions; }));
    expect_answers(running, io_);
  }
  EXPECT_FALSE(std::filesystem::exists(file("listen.sock")));
}

TEST_F(ConnectionTest, SpeaksToNobodyOfAnotherAuthority) {
  give_switch_tls();
  make_certificates("other", {"stranger"});
  set_controller("pssl:6653:127.0.0.1");
  auto options = options_for("ssl:127.0.0.1");
  options.retry = false;
  options.tls = {file("stranger.key"), file("stranger.crt"), file("other.crt")};
  Running running(io_, options);
  const auto ready = run(io_, running.connection.wait_ready(in(20s)));
  ASSERT_TRUE(ready.has_error());
  EXPECT_EQ(ready.error().code, Errc::kUnauthenticated);
  EXPECT_NE(ready.error().to_string().find("certificate verify failed"), std::string::npos)
      << ready.error().to_string();
  EXPECT_EQ(ready.error().object, "ssl:127.0.0.1:6653");
}

TEST_F(ConnectionTest, EndsARequestWhoseAnswerIsTooLong) {
  auto options = options_for("unix:" + ovs_.bridge_socket());
  options.multipart_limit = 100'000;
  Running running(io_, options);
  expect_answers(running, io_);
  Connection::PartHandler ignore = [](std::span<const std::byte>) { return Result<>{}; };
  MultipartRequestBody everything = TableFeaturesRequest{};  // 1.3 MB
  auto read = run(io_, running.connection.multipart(everything, ignore, in(10s)));
  ASSERT_TRUE(read.has_error());
  EXPECT_EQ(read.error().code, Errc::kExhausted);
  expect_answers(running, io_);  // the rest of it is let pass
  EXPECT_EQ(running.connection.sessions(), 1U);
}

TEST(ConnectionErrors, AreOneLineThatNamesTheTarget) {
  const testing::TempDir dir;
  std::ofstream(dir / "garbage.pem") << "garbage";
  const auto garbage = dir / "garbage.pem";
  const std::string missing = "unix:" + (dir / "no.sock");
  struct Case {
    std::string remote;
    TlsFiles tls;
    std::string said;
  };
  const std::vector<Case> cases{
      {"br0", {}, "br0: parse remote: it starts with no known method"},
      {"tcp:1.2.3.4:x", {}, "tcp:1.2.3.4:x: parse remote: the port is no number up to 65535"},
      {"tcp:[::1", {}, "tcp:[::1: parse remote: a [ without ]"},
      {"ptcp:6653:host", {}, "ptcp:6653:host: listen: the host is no address"},
      {missing, {}, missing + ": connect: No such file or directory"},
      {"tcp:127.0.0.1:1", {}, "tcp:127.0.0.1:1: connect: Connection refused"},
      {"ssl:127.0.0.1:1", {}, "ssl:127.0.0.1:1: TLS needs a CA certificate file"},
      {"ssl:127.0.0.1:1", {"k", "c", "/no/ca"}, "/no/ca: open the CA certificate: No such file"},
      {"pssl:", {"k", "c", garbage}, garbage + ": read the CA certificate: "},
  };
  for (const auto& [remote, tls, said] : cases) {
    asio::io_context io;
    auto options = options_for(remote);
    options.retry = false;
    options.tls = tls;
    Running running(io, options);
    const auto ready = run(io, running.connection.wait_ready(in(10s)));
    ASSERT_TRUE(ready.has_error()) << remote;
    const auto text = ready.error().to_string();
    EXPECT_TRUE(text.starts_with(said)) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

/// A peer that answers a connection with a greeting. With something to chatter it says that again
/// and again, so as not to seem dead, and reads nothing; without it reads and is silent.
class Peer {
 public:
  using Socket = asio::local::stream_protocol::socket;
  Peer(asio::io_context& io, const std::string& path, std::vector<std::byte> greeting,
       std::vector<std::byte> chatter = {})
      : io_(io), acceptor_(io, path), greeting_(std::move(greeting)), chatter_(std::move(chatter)) {
    asio::co_spawn(io_, accept(), asio::detached);
  }

 private:
  awaitable<void> accept() {
    for (;;) {
      auto [code, socket] = co_await acceptor_.async_accept(kTuple);
      if (code) co_return;
      asio::co_spawn(io_, talk(std::move(socket)), asio::detached);
    }
  }
  awaitable<void> talk(Socket socket) {
    const auto [code, size] = co_await asio::async_write(socket, asio::buffer(greeting_), kTuple);
    std::vector<std::byte> buffer(65536);
    while (!code) {
      if (chatter_.empty()) {
        const auto [ended, got] = co_await socket.async_read_some(asio::buffer(buffer), kTuple);
        if (ended) co_return;
      } else {
        asio::steady_timer timer(io_, 5ms);
        co_await timer.async_wait(kTuple);
        const auto [ended, put] =
            co_await asio::async_write(socket, asio::buffer(chatter_), kTuple);
        if (ended) co_return;
      }
    }
  }

  asio::io_context& io_;
  asio::local::stream_protocol::acceptor acceptor_;
  std::vector<std::byte> greeting_;
  std::vector<std::byte> chatter_;
};

std::vector<std::byte> bytes_of(const std::vector<Message>& messages) {
  std::vector<std::byte> bytes;
  std::uint32_t xid = 1;
  for (const auto& message : messages) encode(xid++, message, bytes);
  return bytes;
}

TEST(ConnectionErrors, SayHowAPeerMisbehaved) {
  const testing::TempDir dir;
  Hello old;
  old.version_bitmap = 1U << 4;
  auto short_length = bytes_of({Hello{}});
  for (const int byte : {6, 2, 0, 4, 0, 0, 0, 9}) short_length.push_back(std::byte(byte));
  auto other_version = bytes_of({Hello{}, BarrierReply{}});
  other_version[other_version.size() - 8] = std::byte{4};
  struct Case {
    const char* name;
    std::vector<std::byte> greeting;
    const char* said;
  };
  const std::vector<Case> cases{
      {"no hello first", bytes_of({EchoRequest{}}), "the first message was no HELLO"},
      {"other versions only", bytes_of({old}), "the switch does not speak OpenFlow 1.5"},
      {"refusal", bytes_of({ErrorMessage{errors::kHelloIncompatible, {}}}),
       "the switch refused OpenFlow 1.5"},
      {"length below 8", short_length, "a message of less than 8 bytes"},
      {"version in mid-stream", other_version, "a message of version 4"},
      {"silence", {}, "no answer to a probe"},
      {"silence after hello", bytes_of({Hello{}}), "no answer to a probe"},
  };
  int number = 0;
  for (const auto& [name, greeting, said] : cases) {
    SCOPED_TRACE(name);
    asio::io_context io;
    const auto path = dir / ("peer" + std::to_string(++number));
    const Peer peer(io, path, greeting);
    auto options = options_for("unix:" + path);
    options.retry = false;
    options.probe_interval = 50ms;
    Running running(io, options);
    const auto ready = run(io, running.connection.wait_ready(in(10s)));
    ASSERT_TRUE(ready.has_error());
    EXPECT_NE(ready.error().cause.find(said), std::string::npos) << ready.error().to_string();
  }
}

TEST(ConnectionErrors, GiveAPeerUpThatDoesNotRead) {
  const testing::TempDir dir;
  asio::io_context io;
  FeaturesReply features;
  features.datapath_id = 7;
  // Hello, SET_CONFIG and SET_PACKET_IN_FORMAT take the xids 1 to 3: the fourth asks for features.
  std::vector<std::byte> chatter;
  encode(4, features, chatter);
  const Peer peer(io, dir / "peer", bytes_of({Hello{}}), chatter);
  auto options = options_for("unix:" + (dir / "peer"));
  options.retry = false;
  options.probe_interval = 100ms;
  options.write_limit = 1 << 16;
  Running running(io, options);
  ASSERT_TRUE(run(io, running.connection.wait_ready(in(10s))));
  // A sender that does not wait is told so; what is queued stays bounded.
  PacketOut packet;
  packet.packet.resize(60'000);
  std::size_t refused = 0;
  ASSERT_TRUE(running.until([&] {
    const auto sent = running.connection.send(packet);
    if (!sent && sent.error().code == Errc::kExhausted) ++refused;
    return !running.connection.ready();
  }));
  EXPECT_GT(refused, 0U);
  EXPECT_NE(running.connection.last_error().cause.find("does not read"), std::string::npos)
      << running.connection.last_error().to_string();
}

TEST(ConnectionErrors, RepeatTheirPausesForTheSameSeed) {
  const auto pauses = [](std::uint32_t seed) {
    Backoff backoff(100ms, 8s, seed);
    std::vector<Duration> all;
    for (int i = 0; i < 12; ++i) all.push_back(backoff.next());
    return all;
  };
  EXPECT_EQ(pauses(7), pauses(7));
  EXPECT_NE(pauses(7), pauses(8));
  Duration ceiling = 100ms;
  for (const auto pause : pauses(7)) {
    EXPECT_GE(pause, ceiling / 2);
    EXPECT_LE(pause, ceiling);
    ceiling = std::min<Duration>(2 * ceiling, 8s);
  }
}

}  // namespace
}  // namespace antrea::openflow
