#include "antrea/ovsdb/client.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "antrea/base/asio.h"
#include "tests/ovs/fixture.h"

namespace antrea::ovsdb {
namespace {
namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using asio::awaitable;
using testing::in;
using testing::run;

ClientOptions options_for(std::string remote) {
  ClientOptions options;
  options.remote = std::move(remote);
  options.monitor = {{"Open_vSwitch", {"bridges", "external_ids", "next_cfg"}},
                     {"Bridge", {"name", "ports", "external_ids"}},
                     {"Port", {"name", "interfaces"}}};
  options.first_backoff = 5ms;
  options.most_backoff = 50ms;
  return options;
}

/// A client that runs until the end of the test, and what it told.
struct Running {
  explicit Running(asio::io_context& io_context, ClientOptions options)
      : io(io_context), client(io.get_executor(), std::move(options)) {
    client.on_change([this](const RowChanges& some) {
      ++notifications;
      changes.insert(changes.end(), some.begin(), some.end());
    });
    asio::co_spawn(io, client.run(), [this](std::exception_ptr) { ended = true; });
  }
  ~Running() {
    client.stop();
    io.restart();
    while (!ended && io.run_one() > 0) {
    }
  }
  bool wait(std::function<bool()> condition, Duration timeout = 10s) {
    return run(io, client.wait_until(std::move(condition), in(timeout)));
  }
  Result<TransactionResult> transact(Transaction tx, Duration timeout = 10s) {
    return run(io, client.transact(std::move(tx), timeout));
  }

  asio::io_context& io;
  Client client;
  RowChanges changes;
  int notifications = 0;
  bool ended = false;
};

Transaction set_id(const std::string& key, const std::string& value) {
  Transaction tx;
  tx.merge_map("Open_vSwitch", {}, "external_ids", {{key, value}});
  return tx;
}

StringMap ids(const Client& client) {
  const auto& rows = client.replica().table("Open_vSwitch");
  return rows.empty() ? StringMap() : (*rows.begin()->second)["external_ids"].string_map();
}

class ClientTest : public ::testing::Test {
 protected:
  asio::io_context io_;
  testing::OpenVSwitch ovs_;
};

TEST_F(ClientTest, HasATransactionsEffectsWhenItReturns) {
  Running running(io_, options_for(ovs_.remote()));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(running.transact(set_id("k", std::to_string(i))));
    EXPECT_EQ(ids(running.client)["k"], std::to_string(i));
  }
  EXPECT_EQ(running.notifications, 21);  // the first contents, and each transaction
}

TEST_F(ClientTest, ReportsErrorsOfOperationsAndOfCommits) {
  Running running(io_, options_for(ovs_.remote()));
  Transaction bad_column;
  bad_column.insert("Bridge", {{"nonsense", 1}});
  auto done = running.transact(std::move(bad_column));
  ASSERT_TRUE(done.has_error());
  EXPECT_NE(done.error().cause.find("operation 0 (insert Bridge): unknown column"),
            std::string::npos)
      << done.error().cause;

  for (int i = 0; i < 2; ++i) {
    Transaction duplicate;
    auto interface = duplicate.insert("Interface", {{"name", "x"}});
    auto port = duplicate.insert("Port", {{"name", "x"}, {"interfaces", std::move(interface)}});
    auto bridge = duplicate.insert("Bridge", {{"name", "x"}, {"ports", std::move(port)}});
    duplicate.mutate("Open_vSwitch", {}, {{"bridges", "insert", std::move(bridge)}});
    done = running.transact(std::move(duplicate));
    EXPECT_EQ(done.has_value(), i == 0);
  }
  EXPECT_NE(done.error().cause.find("commit: constraint violation"), std::string::npos)
      << done.error().cause;
  EXPECT_EQ(done.error().code, Errc::kRejected);

  Transaction guard;
  guard.wait("Bridge", {"name", "x"}, {"name"}, "==", {});
  EXPECT_EQ(running.transact(std::move(guard)).error().code, Errc::kConflict);
}

TEST_F(ClientTest, GivesUpAWaitThatLastsTooLongAndGoesOn) {
  Running running(io_, options_for(ovs_.remote()));
  Transaction forever;
  forever.wait("Open_vSwitch", {}, {"next_cfg"}, "==", {json::object{{"next_cfg", 999}}}, 60s);
  const auto done = running.transact(std::move(forever), 100ms);
  ASSERT_TRUE(done.has_error());
  EXPECT_EQ(done.error().code, Errc::kTimeout);
  EXPECT_TRUE(running.transact(set_id("after", "it")));
}

TEST_F(ClientTest, TellsOnlyRealChangesAfterAServerRestart) {
  Running running(io_, options_for(ovs_.remote()));
  ASSERT_TRUE(running.transact(set_id("before", "1")));
  running.changes.clear();
  ovs_.stop_server();
  ASSERT_TRUE(running.wait([&] { return !running.client.synced(); }));
  EXPECT_EQ(ids(running.client)["before"], "1");  // what is known stays readable
  ovs_.start_server();
  ASSERT_TRUE(run(io_, running.client.wait_synced(in(10s))));
  EXPECT_TRUE(running.changes.empty());
  EXPECT_EQ(running.client.sessions(), 2U);

  ovs_.stop_server();
  ovs_.start_server();
  ASSERT_EQ(testing::run_command({"ovs-vsctl", "--no-wait", "--db=" + ovs_.remote(), "set",
                                  "Open_vSwitch", ".", "external_ids:meanwhile=2"}),
            0);
  ASSERT_TRUE(running.wait([&] { return running.client.sessions() == 3; }));
  ASSERT_TRUE(running.wait([&] { return ids(running.client).contains("meanwhile"); }));
  ASSERT_EQ(running.changes.size(), 1U);
  EXPECT_EQ((*running.changes[0].before)["external_ids"].size(), 1U);
}

TEST_F(ClientTest, EndsARequestWhenTheServerGoes) {
  Running running(io_, options_for(ovs_.remote()));
  ASSERT_TRUE(run(io_, running.client.wait_synced(in(10s))));
  std::optional<Result<TransactionResult>> done;
  Transaction forever;
  forever.wait("Open_vSwitch", {}, {"next_cfg"}, "==", {json::object{{"next_cfg", 999}}}, 60s);
  asio::co_spawn(
      io_, running.client.transact(std::move(forever), 30s),
      [&](std::exception_ptr, Result<TransactionResult> result) { done = std::move(result); });
  // A second transaction on the connection proves that the first one is with the server.
  ASSERT_TRUE(running.transact(set_id("k", "v")));
  ovs_.stop_server();
  ASSERT_TRUE(running.wait([&] { return done.has_value(); }));
  EXPECT_EQ(done->error().code, Errc::kUnavailable);
}

TEST(ClientWithoutServer, SaysWhyItIsAway) {
  asio::io_context io;
  Running running(io, options_for("unix:/nonexistent/db.sock"));
  const auto synced = run(io, running.client.wait_synced(in(50ms)));
  ASSERT_TRUE(synced.has_error());
  EXPECT_EQ(synced.error().to_string(),
            "unix:/nonexistent/db.sock: wait for the database: connect: No such file or directory");
}

/// Stands between client and server: hands on at most `chunk` bytes at once, and cuts the next
/// connection after `budget` bytes, of both directions together.
class Proxy {
 public:
  Proxy(asio::io_context& io, std::string path, std::string server)
      : io_(io),
        server_(std::move(server)),
        acceptor_(io, asio::local::stream_protocol::endpoint(path)),
        cut_(io.get_executor()) {
    asio::co_spawn(io_, accept(), asio::detached);
  }
  /// Ends the connection there is.
  void cut() { cut_.notify(); }
  std::size_t budget = SIZE_MAX;
  std::size_t chunk = 65536;
  int connections = 0;

 private:
  using Socket = asio::local::stream_protocol::socket;
  awaitable<void> accept() {
    using namespace asio::experimental::awaitable_operators;
    for (;;) {
      auto [code, client] = co_await acceptor_.async_accept(kTuple);
      if (code) co_return;
      ++connections;
      Socket server(io_);
      server.connect(server_, code);
      if (code) continue;
      std::size_t left = std::exchange(budget, SIZE_MAX);
      co_await (pump(client, server, left) || pump(server, client, left) || cut_.wait());
    }
  }
  awaitable<void> pump(Socket& from, Socket& to, std::size_t& left) {
    std::vector<char> buffer(chunk);
    while (left > 0) {
      auto [code, size] = co_await from.async_read_some(
          asio::buffer(buffer.data(), std::min(left, buffer.size())), kTuple);
      if (code) co_return;
      size = std::min(size, left);
      left -= size;
      auto [failed, written] =
          co_await asio::async_write(to, asio::buffer(buffer.data(), size), kTuple);
      if (failed) co_return;
    }
  }

  asio::io_context& io_;
  asio::local::stream_protocol::endpoint server_;
  asio::local::stream_protocol::acceptor acceptor_;
  Signal cut_;
};

TEST_F(ClientTest, ReadsAStreamOfSingleBytes) {
  Proxy proxy(io_, ovs_.dir() / "proxy.sock", ovs_.socket());
  proxy.chunk = 1;
  Running running(io_, options_for("unix:" + (ovs_.dir() / "proxy.sock")));
  ASSERT_TRUE(running.transact(set_id("k", "v"), 60s));
  EXPECT_EQ(ids(running.client)["k"], "v");
}

TEST_F(ClientTest, RecoversFromAStreamCutAnywhere) {
  Proxy proxy(io_, ovs_.dir() / "proxy.sock", ovs_.socket());
  auto options = options_for("unix:" + (ovs_.dir() / "proxy.sock"));
  options.first_backoff = options.most_backoff = 1ms;
  Running running(io_, options);
  ASSERT_TRUE(running.transact(set_id("round", "0")));
  const auto first_changes = running.changes.size();
  // Coarse steps through the schema, fine ones through the contents and the transaction.
  int round = 0, connections = 0;
  for (std::size_t cut = 1;; cut += cut < 25'000 ? 499 : 61) {
    proxy.budget = cut;
    proxy.cut();
    connections = proxy.connections;
    const auto value = std::to_string(++round);
    for (;;) {
      const auto done = running.transact(set_id("round", value));
      if (done) break;
      ASSERT_EQ(done.error().code, Errc::kUnavailable) << done.error().to_string();
    }
    ASSERT_EQ(ids(running.client)["round"], value) << cut;
    if (proxy.connections == connections + 1 && proxy.budget == SIZE_MAX && cut > 25'000) break;
  }
  EXPECT_GT(round, 30);
  // Nothing but the rounds themselves was reported: no row came or went with the sessions.
  for (auto i = first_changes; i < running.changes.size(); ++i) {
    ASSERT_NE(running.changes[i].before, nullptr);
    ASSERT_NE(running.changes[i].after, nullptr);
  }
}

/// A server that says what the test tells it to.
class ScriptedServer {
 public:
  ScriptedServer(asio::io_context& io, const std::string& path)
      : acceptor_(io, asio::local::stream_protocol::endpoint(path)), socket_(io) {}
  awaitable<Result<>> serve(std::string_view bytes_to_send) {
    std::tie(std::ignore, socket_) = co_await acceptor_.async_accept(kTuple);
    co_await asio::async_write(socket_, asio::buffer(bytes_to_send), kTuple);
    std::vector<char> buffer(4096);
    for (;;) {
      const auto [code, size] = co_await socket_.async_read_some(asio::buffer(buffer), kTuple);
      if (code) co_return Result<>{};
      received.append(buffer.data(), size);
    }
  }
  std::string received;

 private:
  asio::local::stream_protocol::acceptor acceptor_;
  asio::local::stream_protocol::socket socket_;
};

TEST(ClientWithScriptedServer, AnswersEchoWhileItWaits) {
  asio::io_context io;
  testing::TempDir dir;
  ScriptedServer server(io, dir / "s");
  Running running(io, options_for("unix:" + (dir / "s")));
  asio::co_spawn(io, server.serve(R"({"id":"echo","method":"echo","params":["x",1]})"),
                 asio::detached);
  const std::string answer = R"({"id":"echo","result":["x",1],"error":null})";
  const auto deadline = in(10s);
  while (server.received.find(answer) == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << server.received;
    io.run_one_for(100ms);
  }
}

TEST(ClientWithScriptedServer, LeavesAServerThatFallsSilent) {
  asio::io_context io;
  testing::TempDir dir;
  ScriptedServer server(io, dir / "s");
  auto options = options_for("unix:" + (dir / "s"));
  options.probe_interval = 30ms;
  Running running(io, options);
  const auto served = run(io, server.serve(""));
  EXPECT_TRUE(served);  // the client closed the connection
  EXPECT_NE(server.received.find(R"({"id":"echo","method":"echo","params":[]})"),
            std::string::npos);
}

TEST(ClientWithScriptedServer, LeavesAServerThatTalksNonsense) {
  for (const auto* nonsense :
       {"[]", "{]", R"({"id":1,"error":null})", R"({"method":"update","id":null})"}) {
    asio::io_context io;
    testing::TempDir dir;
    ScriptedServer server(io, dir / "s");
    Running running(io, options_for("unix:" + (dir / "s")));
    EXPECT_TRUE(run(io, server.serve(nonsense))) << nonsense;
    ASSERT_TRUE(running.wait([&] { return running.client.last_error().code == Errc::kMalformed; }))
        << nonsense;
  }
}

}  // namespace
}  // namespace antrea::ovsdb
