#pragma once

// A switch kept as desired, beside a real ovs-vswitchd.

#include <gtest/gtest.h>

#include <map>

#include "antrea/base/asio.h"
#include "antrea/openflow/switch.h"
#include "tests/ovs/fixture.h"

namespace antrea::openflow {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using testing::in;
using testing::run;

inline Flow flow_of(unsigned n) {
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

inline Group group_of(unsigned id, unsigned buckets) {
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

inline Meter meter_of(unsigned id, unsigned rate) {
  return Meter{MeterId{id},
               meter_flags::kPktps | meter_flags::kBurst,
               {Band{Band::Type::kDrop, rate, 2 * rate, 0}}};
}

/// `count` flows, with two groups and a meter that some of them use.
inline Changes sample(unsigned count) {
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
  void TearDown() override {
    stop_agent();
    if (!other_) return;
    other_->stop();
    io_.restart();
    while (!other_ended_ && io_.run_one() > 0) {
    }
  }

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
    ASSERT_TRUE(agent_->prepare(desired));
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

  /// Somebody else's connection to the switch.
  Connection& other() {
    if (!other_) {
      ConnectionOptions options;
      options.remote = "unix:" + socket();
      options.asynchronous = false;
      other_ = std::make_unique<Connection>(io_.get_executor(), options);
      other_ended_ = false;
      asio::co_spawn(io_, other_->run(), [this](std::exception_ptr) { other_ended_ = true; });
      EXPECT_TRUE(run(io_, other_->wait_ready(in(20s))));
    }
    return *other_;
  }
  /// Somebody else sends messages; the errors they earn.
  std::vector<OfError> send(const std::vector<Message>& messages) {
    Exchange exchange(other());
    std::size_t index = 0;
    Connection::MessageSource source = [&](std::uint32_t xid, std::vector<std::byte>& out) {
      EXPECT_TRUE(encode(xid, messages[index++], out));
    };
    EXPECT_TRUE(run(io_, other().transmit(exchange, messages.size(), source, in(20s))));
    std::vector<OfError> errors;
    for (const auto& refusal : exchange.refusals()) errors.push_back(refusal.error);
    return errors;
  }

  asio::io_context io_;
  testing::OpenVSwitch ovs_;
  std::unique_ptr<Switch> agent_;
  std::vector<Error> refused_;
  bool ended_ = true;
  std::unique_ptr<Connection> other_;
  bool other_ended_ = true;
};

}  // namespace antrea::openflow
