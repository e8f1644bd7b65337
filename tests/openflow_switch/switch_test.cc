// The switch and its connection against a real ovs-vswitchd with the userspace datapath.
#include "antrea/openflow/switch.h"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <set>

#include "antrea/base/asio.h"
#include "tests/ovs/fixture.h"

namespace antrea::openflow {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using testing::in;
using testing::run;

Flow flow_of(unsigned n) {
  Flow flow;
  flow.table = TableId{static_cast<std::uint8_t>(10 + n % 5)};
  flow.priority = static_cast<std::uint16_t>(100 + n % 7);
  flow.cookie = 0x1030000000000 + n % 3;
  flow.match.in_port(PortNo{n % 200 + 1})
      .ip_dst(*IpAddress::parse("10." + std::to_string(n / 65536) + "." +
                                std::to_string(n / 256 % 256) + "." + std::to_string(n % 256)))
      .tcp_dst(80)
      .ct_state("+new+trk")
      .set_reg(0, 0, 4, n % 16);
  flow.apply_actions = {load(reg_bits(0, 0, 3), 2), load(reg_bits(4, 16, 18), n % 8),
                        resubmit(TableId{20})};
  return flow;
}

Group group_of(unsigned id, unsigned buckets) {
  Group group{GroupId{id}, GroupType::kSelect, {}, {}};
  for (unsigned i = 0; i < buckets; ++i) {
    Bucket bucket;
    bucket.id = i;
    bucket.weight = 100;
    bucket.actions = {set_field(reg_field(3), 0x0a000000 + i), load(reg_bits(4, 0, 15), i),
                      resubmit(TableId{12})};
    group.buckets.push_back(bucket);
  }
  return group;
}

Meter meter_of(unsigned id, unsigned rate) {
  return Meter{MeterId{id},
               meter_flags::kPktps | meter_flags::kBurst,
               {Band{Band::Type::kDrop, rate, 2 * rate, 0}}};
}

/// `count` flows, with two groups and a meter that some of them use.
Changes sample(unsigned count) {
  Changes changes;
  for (unsigned n = 0; n < count; ++n) changes.flows.push_back(flow_of(n));
  changes.groups = {group_of(1, 3), group_of(2, 1)};
  changes.meters = {meter_of(256, 500)};
  Flow service;
  service.table = TableId{11};
  service.match.ip(Family::kIPv4).udp_dst(53);
  service.apply_actions = {MeterAction{MeterId{256}}, GroupAction{GroupId{1}}};
  changes.flows.push_back(service);
  return changes;
}

class SwitchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::enter_private_network())
      GTEST_SKIP() << "needs the right to make a network namespace";
    ovs_.start_switch();
    ASSERT_TRUE(ovs_.add_bridge());
  }
  void TearDown() override { stop_agent(); }

  int ofctl(const std::string& command, const std::string& argument = {}) {
    std::vector<std::string> line{"ovs-ofctl", "-OOpenFlow15", command, "unix:" + socket()};
    if (!argument.empty()) line.push_back(argument);
    return testing::run_command(line);
  }
  std::string socket() const { return ovs_.bridge_socket(); }

  SwitchOptions options() {
    SwitchOptions options;
    options.connection.remote = "unix:" + socket();
    options.connection.first_backoff = 5ms;
    options.connection.most_backoff = 50ms;
    return options;
  }
  void start_agent(Changes desired) { start_agent(std::move(desired), options()); }
  void start_agent(Changes desired, SwitchOptions options) {
    agent_ = std::make_unique<Switch>(io_.get_executor(), std::move(options));
    agent_->on_refused([this](const Error& error) { refused_.push_back(error); });
    ASSERT_TRUE(agent_->prepare(std::move(desired)));
    ended_ = false;
    asio::co_spawn(io_, agent_->run(), [this](std::exception_ptr) { ended_ = true; });
    agent_->sync();
  }
  void stop_agent() {
    if (!agent_) return;
    agent_->stop();
    io_.restart();
    while (!ended_ && io_.run_one() > 0) {
    }
    agent_.reset();
  }
  void wait_synced() {
    const auto synced = run(io_, agent_->wait_synced(in(30s)));
    ASSERT_TRUE(synced) << synced.error().to_string();
  }
  Result<> commit(Changes changes) { return run(io_, agent_->commit(std::move(changes))); }
  /// Table, priority and match of each flow with its age in seconds and nanoseconds.
  std::map<FlowKey, FlowStats> dump() {
    std::map<FlowKey, FlowStats> flows;
    auto all = run(io_, agent_->dump_flows());
    EXPECT_TRUE(all);
    if (all)
      for (auto& stats : *all) flows.emplace(stats.flow.key(), std::move(stats));
    return flows;
  }
  /// The switch holds what is desired, nothing else, and knows it.
  void expect_desired() {
    const auto plan = run(io_, agent_->plan());
    ASSERT_TRUE(plan) << plan.error().to_string();
    EXPECT_EQ(plan->size(), 0U);
    for (const auto& message : plan->bundle) ADD_FAILURE() << message.describe();
    EXPECT_EQ(dump().size(), agent_->state().flow_count());
    EXPECT_EQ(agent_->state().reencoded(), 0U);
  }

  asio::io_context io_;
  testing::OpenVSwitch ovs_;
  std::unique_ptr<Switch> agent_;
  std::vector<Error> refused_;
  bool ended_ = true;
};

TEST_F(SwitchTest, WritesNothingWhenAllIsThere) {
  start_agent(sample(500));
  wait_synced();
  EXPECT_EQ(agent_->statistics().bundles, 1U);
  expect_desired();
  const auto before = dump();
  ASSERT_EQ(before.size(), 501U);
  stop_agent();

  start_agent(sample(500));  // restarted: it computes the same again
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 0U);
  EXPECT_EQ(agent_->statistics().bundles, 0U);
  for (const auto& [key, stats] : dump()) {
    const auto& old = before.at(key);
    const auto age = [](const FlowStats& s) {
      return std::pair(s.statistics.duration->seconds, s.statistics.duration->nanoseconds);
    };
    EXPECT_GE(age(stats), age(old));  // a flow written again would be young
    EXPECT_EQ(stats.flow, old.flow);
  }
}

TEST_F(SwitchTest, WritesOnlyWhatDiffers) {
  start_agent(sample(500));
  wait_synced();
  stop_agent();
  auto desired = sample(500);
  desired.flows.erase(desired.flows.begin() + 3);
  desired.flows[7].apply_actions.pop_back();
  desired.groups[1] = group_of(2, 2);
  desired.meters.push_back(meter_of(257, 100));
  start_agent(desired);
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 4U);
  expect_desired();
}

TEST_F(SwitchTest, CommitsChangesInOrder) {
  start_agent(sample(10));
  wait_synced();
  Changes add;
  add.groups = {group_of(7, 4)};
  add.meters = {meter_of(9, 10)};
  Flow flow;
  flow.table = TableId{11};
  flow.match.in_port(PortNo{77});
  flow.apply_actions = {MeterAction{MeterId{9}}, GroupAction{GroupId{7}}};
  add.flows = {flow};
  auto done = commit(add);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(dump().size(), 12U);
  const auto sent = agent_->statistics().messages;
  ASSERT_TRUE(commit(add));
  EXPECT_EQ(agent_->statistics().messages, sent);  // it was all there
  Changes remove;
  remove.remove_flows = {flow.key()};
  remove.remove_groups = {GroupId{7}};
  remove.remove_meters = {MeterId{9}};
  ASSERT_TRUE(commit(remove));
  EXPECT_EQ(dump().size(), 11U);
  expect_desired();
}

TEST_F(SwitchTest, MergesCommitsWhileOneIsOnItsWay) {
  start_agent({});
  wait_synced();
  int done = 0;
  for (unsigned n = 0; n < 200; ++n) {
    Changes one;
    one.flows = {flow_of(n)};
    asio::co_spawn(io_, agent_->commit(std::move(one)), [&](std::exception_ptr, Result<> result) {
      EXPECT_TRUE(result);
      ++done;
    });
  }
  const auto deadline = in(20s);
  while (done < 200 && std::chrono::steady_clock::now() < deadline) io_.run_one_for(100ms);
  EXPECT_EQ(done, 200);
  EXPECT_LE(agent_->statistics().bundles, 3U);
  expect_desired();
}

TEST_F(SwitchTest, NamesTheFlowThatWasRefusedAndKeepsTheRest) {
  start_agent(sample(20));
  wait_synced();
  Changes bad;
  bad.flows = {flow_of(100), flow_of(101)};
  bad.flows[1].apply_actions = {GroupAction{GroupId{999}}};  // no such group: refused at commit
  auto done = commit(bad);
  ASSERT_TRUE(done.has_error());
  EXPECT_EQ(done.error().code, Errc::kRejected);
  EXPECT_NE(done.error().object.find("table 11, priority 103"), std::string::npos)
      << done.error().to_string();
  EXPECT_NE(done.error().cause.find("BAD_OUT_GROUP"), std::string::npos)
      << done.error().to_string();
  EXPECT_EQ(dump().size(), 21U);  // nothing of it is in

  bad.flows[1] = flow_of(101);
  bad.flows[1].goto_table = TableId{1};  // backwards: refused at ADD
  done = commit(bad);
  ASSERT_TRUE(done.has_error());
  EXPECT_NE(done.error().cause.find("BAD_TABLE_ID"), std::string::npos) << done.error().to_string();
  EXPECT_EQ(dump().size(), 21U);

  // In company of a good one: only the bad one fails.
  std::optional<Result<>> good, other;
  Changes fine;
  fine.flows = {flow_of(102)};
  asio::co_spawn(io_, agent_->commit(bad),
                 [&](std::exception_ptr, Result<> result) { other = result; });
  asio::co_spawn(io_, agent_->commit(fine),
                 [&](std::exception_ptr, Result<> result) { good = result; });
  const auto deadline = in(20s);
  while (!(good && other) && std::chrono::steady_clock::now() < deadline) io_.run_one_for(100ms);
  ASSERT_TRUE(good && other);
  EXPECT_TRUE(*good);
  EXPECT_FALSE(*other);
  EXPECT_EQ(dump().size(), 22U);
  expect_desired();
}

TEST_F(SwitchTest, LeavesOutWhatIsRefusedInASync) {
  auto desired = sample(20);
  desired.flows[3].apply_actions = {GroupAction{GroupId{999}}};
  desired.flows[5].goto_table = TableId{1};
  start_agent(desired);
  wait_synced();
  EXPECT_EQ(refused_.size(), 2U);
  EXPECT_EQ(dump().size(), 19U);
  expect_desired();
}

TEST_F(SwitchTest, RepairsWhatOthersDid) {
  start_agent(sample(50));
  wait_synced();
  ASSERT_EQ(ofctl("add-flow", "table=3,priority=7,ip,actions=drop"), 0);
  ASSERT_EQ(ofctl("del-flows", "table=12"), 0);
  ASSERT_EQ(ofctl("mod-flows", "table=13,actions=drop"), 0);
  ASSERT_EQ(ofctl("del-groups", "group_id=1"), 0);  // takes its flow along
  ASSERT_EQ(ofctl("add-group", "group_id=50,type=all,bucket=output:1"), 0);
  ASSERT_EQ(ofctl("del-meters"), 0);
  ASSERT_TRUE(run(io_, agent_->resync()));
  EXPECT_GT(agent_->statistics().repaired, 20U);
  expect_desired();
  EXPECT_EQ(dump().size(), 51U);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(SwitchTest, LeavesLearnedFlowsAlone) {
  ASSERT_EQ(ofctl("add-flow", "table=30,cookie=0x5,hard_timeout=300,ip,actions=drop"), 0);
  start_agent(sample(5));
  wait_synced();
  EXPECT_EQ(dump().size(), 7U);
}

TEST_F(SwitchTest, RestoresAllAfterTheSwitchWasKilled) {
  start_agent(sample(300));
  wait_synced();
  for (int round = 0; round < 3; ++round) {
    const auto sessions = agent_->connection().sessions();
    ovs_.stop_switch();
    Changes meanwhile;
    meanwhile.flows = {flow_of(1000 + static_cast<unsigned>(round))};
    std::optional<Result<>> committed;
    asio::co_spawn(io_, agent_->commit(std::move(meanwhile)),
                   [&](std::exception_ptr, Result<> result) { committed = result; });
    ovs_.start_switch();
    const auto deadline = in(30s);
    while (!(committed && agent_->connection().sessions() > sessions && agent_->synced()) &&
           std::chrono::steady_clock::now() < deadline)
      io_.run_one_for(50ms);
    ASSERT_TRUE(committed && *committed);
    expect_desired();
    EXPECT_EQ(dump().size(), 302U + static_cast<unsigned>(round));
  }
}

TEST_F(SwitchTest, SendsAGroupLargerThanAMessage) {
  Changes desired;
  desired.groups = {group_of(1, 3000), group_of(2, 5), group_of(3, 400)};
  start_agent(desired);
  wait_synced();
  EXPECT_GE(agent_->statistics().messages, 6U);
  EXPECT_TRUE(refused_.empty());
  expect_desired();
  stop_agent();
  start_agent(desired);  // the switch cannot tell group 1: it is written again, the others are not
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 5U);
  ASSERT_TRUE(run(io_, agent_->resync()));
  EXPECT_EQ(agent_->statistics().messages, 5U);
  desired.groups = {group_of(1, 1500)};
  ASSERT_TRUE(commit(desired));
  expect_desired();
  Changes remove;
  remove.remove_groups = {GroupId{1}};
  ASSERT_TRUE(commit(remove));
  expect_desired();
  remove.groups = {group_of(4, 4001)};
  EXPECT_EQ(commit(remove).error().code, Errc::kInvalidArgument);
  expect_desired();
}

TEST_F(SwitchTest, NamesTables) {
  auto named = options();
  named.table_names = {{TableId{0}, "PipelineRootClassifier"}, {TableId{10}, "Classifier"}};
  start_agent(sample(5), named);
  wait_synced();
  EXPECT_EQ(ofctl("dump-flows", "table=Classifier"), 0);
  EXPECT_NE(ofctl("dump-flows", "table=NoSuchTable"), 0);
  const auto sent = agent_->connection().statistics().sent;
  stop_agent();
  start_agent(sample(5), named);
  wait_synced();
  EXPECT_LT(agent_->connection().statistics().sent, sent - 10);  // the names were there
}

TEST_F(SwitchTest, TellsPortsAndPackets) {
  Changes desired;
  Flow to_agent;
  to_agent.match.in_port(kPortController);
  Controller controller;
  controller.userdata = {2, 9};
  to_agent.apply_actions = {controller};
  desired.flows = {to_agent};
  start_agent(desired);
  auto queue = agent_->connection().subscribe(2, 2);
  std::set<std::string> ports;
  agent_->connection().on_port_status(
      [&](const PortStatus& status) { ports.insert(status.port.name); });
  wait_synced();
  ASSERT_EQ(ovs_.vsctl({"add-port", "br0", "p1", "--", "set", "interface", "p1", "type=internal"}),
            0);
  PacketOut packet;
  packet.match.in_port(kPortController);
  packet.actions = {Output{kPortTable}};
  packet.packet.assign(64, std::byte{0x55});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(agent_->packet_out(packet));
  const auto first = run(io_, queue->next());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->packet, packet.packet);
  EXPECT_EQ(first->userdata, (Bytes{std::byte{2}, std::byte{9}}));
  const auto deadline = in(10s);
  while (!(ports.contains("p1") && queue->dropped() >= 2) &&
         std::chrono::steady_clock::now() < deadline)
    io_.run_one_for(50ms);
  EXPECT_TRUE(ports.contains("p1"));
  // Of five, two waited; one was taken, maybe only after the others had come.
  EXPECT_GE(queue->dropped(), 2U);
  EXPECT_LE(queue->dropped(), 3U);
}

TEST_F(SwitchTest, SyncsTenThousandFlows) {
  start_agent(sample(10'000));
  wait_synced();
  EXPECT_EQ(agent_->statistics().bundles, 1U);
  expect_desired();
  stop_agent();
  start_agent(sample(10'000));
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 0U);
}

/// Stands between agent and switch; cuts the next connection after `budget` bytes, of both
/// directions together.
class Proxy {
 public:
  Proxy(asio::io_context& io, const std::string& path, const std::string& target)
      : io_(io), target_(target), acceptor_(io, path) {
    asio::co_spawn(io_, accept(), asio::detached);
  }
  std::size_t budget = SIZE_MAX;
  std::size_t passed = 0;  ///< bytes on the last connection
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
      server.connect(target_, code);
      if (code) continue;
      std::size_t left = std::exchange(budget, SIZE_MAX);
      const auto whole = left;
      co_await (pump(client, server, left) || pump(server, client, left));
      passed = whole - left;
    }
  }
  awaitable<void> pump(Socket& from, Socket& to, std::size_t& left) {
    std::vector<char> buffer(16384);
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
  asio::local::stream_protocol::endpoint target_;
  asio::local::stream_protocol::acceptor acceptor_;
};

TEST_F(SwitchTest, EndsAsDesiredWhereverTheStreamIsCut) {
  auto through = options();
  through.connection.remote = "unix:" + (ovs_.dir() / "proxy.sock");
  through.connection.first_backoff = through.connection.most_backoff = 1ms;
  Proxy proxy(io_, ovs_.dir() / "proxy.sock", socket());
  int cuts = 0;
  // Steps that meet every part of the exchange: hello, readback, adds, barrier, commit.
  for (std::size_t cut = 1; cut < 100'000; cut += 101) {
    ASSERT_EQ(ofctl("del-flows"), 0);
    ASSERT_EQ(ofctl("del-groups"), 0);
    ASSERT_EQ(ofctl("add-flow", "table=12,priority=9,ip,actions=drop"), 0);
    proxy.budget = cut;
    const auto connections = proxy.connections;
    start_agent(sample(20), through);
    wait_synced();
    Changes more;
    more.flows = {flow_of(50)};
    more.remove_flows = {flow_of(0).key()};
    const auto done = commit(more);
    ASSERT_TRUE(done) << cut << ": " << done.error().to_string();
    if (HasFailure() || proxy.connections == connections + 1) break;  // it all went through
    ++cuts;
    expect_desired();
    ASSERT_EQ(dump().size(), 21U) << cut;
    ASSERT_TRUE(refused_.empty()) << cut << refused_[0].to_string();
    stop_agent();
  }
  EXPECT_GT(cuts, 20);
}

TEST_F(SwitchTest, SaysWhyThereIsNoSession) {
  ASSERT_EQ(ovs_.vsctl({"set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow13"}), 0);
  start_agent(sample(1));
  const auto synced = run(io_, agent_->wait_synced(in(500ms)));
  ASSERT_TRUE(synced.has_error());
  EXPECT_NE(synced.error().cause.find("OpenFlow 1.5"), std::string::npos)
      << synced.error().to_string();
}

}  // namespace
}  // namespace antrea::openflow
