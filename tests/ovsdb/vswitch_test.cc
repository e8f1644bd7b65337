#include "antrea/ovsdb/vswitch.h"

#include <gtest/gtest.h>

#include "antrea/base/asio.h"
#include "tests/ovs/fixture.h"

namespace antrea::ovsdb {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::in;
using testing::run;

class VSwitchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::enter_private_network())
      GTEST_SKIP() << "needs the right to make a network namespace";
    ovs_.start_switch();
    start_client();
    BridgeSpec spec;
    spec.name = "br-int";
    spec.datapath_type = testing::datapath_type();
    spec.external_ids = {{"owner", "antrea"}};
    spec.other_config = {{"datapath-id", "0000000000000abc"}};
    spec_ = spec;
    const auto bridge = run(io_, vswitch_->ensure_bridge(spec_));
    ASSERT_TRUE(bridge) << bridge.error().to_string();
    EXPECT_EQ(bridge->datapath_id, "0000000000000abc");
  }
  void TearDown() override { stop_client(); }

  void start_client() {
    ClientOptions options;
    options.remote = ovs_.remote();
    options.monitor = VSwitch::monitored();
    options.first_backoff = 5ms;
    options.most_backoff = 50ms;
    client_ = std::make_unique<Client>(io_.get_executor(), std::move(options));
    client_->on_change([this](const RowChanges& some) {
      changes_.insert(changes_.end(), some.begin(), some.end());
    });
    vswitch_ = std::make_unique<VSwitch>(*client_);
    ended_ = false;
    asio::co_spawn(io_, client_->run(), [this](std::exception_ptr) { ended_ = true; });
  }
  void stop_client() {
    if (!client_) return;
    client_->stop();
    io_.restart();
    while (!ended_ && io_.run_one() > 0) {
    }
    vswitch_.reset();
    client_.reset();
  }
  static PortSpec internal(std::string name) {
    PortSpec spec;
    spec.name = std::move(name);
    spec.type = "internal";
    spec.external_ids = {{"antrea-type", "container"}, {"pod-name", "p"}};
    return spec;
  }

  asio::io_context io_;
  testing::OpenVSwitch ovs_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<VSwitch> vswitch_;
  BridgeSpec spec_;
  RowChanges changes_;
  bool ended_ = true;
};

TEST_F(VSwitchTest, WritesNothingThatIsThereAlready) {
  auto spec = internal("a");
  spec.ofport_request = 17;
  const auto first = run(io_, vswitch_->add_port("br-int", spec));
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(first->ofport, 17);
  stop_client();
  start_client();  // as an agent that was restarted
  ASSERT_TRUE(run(io_, client_->wait_synced(in(10s))));
  changes_.clear();
  ASSERT_TRUE(run(io_, vswitch_->ensure_bridge(spec_)));
  const auto again = run(io_, vswitch_->add_port("br-int", spec));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->uuid, first->uuid);
  EXPECT_EQ(again->ofport, 17);
  ASSERT_TRUE(
      run(io_, vswitch_->set_bridge_external_ids("br-int", {{"owner", "antrea"}}, {"absent"})));
  ASSERT_TRUE(run(io_, vswitch_->set_port_external_ids("a", {{"pod-name", "p"}})));
  EXPECT_TRUE(changes_.empty());
}

TEST_F(VSwitchTest, PutsRightWhatDiffersAndLeavesTheRest) {
  ASSERT_TRUE(run(io_, vswitch_->add_port("br-int", internal("a"))));
  ASSERT_TRUE(
      run(io_, vswitch_->set_port_external_ids("a", {{"theirs", "1"}, {"pod-name", "wrong"}})));
  const auto port = run(io_, vswitch_->add_port("br-int", internal("a")));
  ASSERT_TRUE(port);
  EXPECT_EQ(vswitch_->port("a")->external_ids,
            (StringMap{{"antrea-type", "container"}, {"pod-name", "p"}, {"theirs", "1"}}));
  ASSERT_TRUE(run(io_, vswitch_->set_other_config({{"flow-restore-wait", "true"}})));
  EXPECT_EQ(vswitch_->other_config()["flow-restore-wait"], "true");
  ASSERT_TRUE(run(io_, vswitch_->set_other_config({}, {"flow-restore-wait"})));
  EXPECT_FALSE(vswitch_->other_config().contains("flow-restore-wait"));
}

TEST_F(VSwitchTest, TakesOutAPortThatDoesNotComeUp) {
  PortSpec absent;
  absent.name = "no-such-dev";
  const auto port = run(io_, vswitch_->add_port("br-int", absent));
  ASSERT_TRUE(port.has_error());
  EXPECT_EQ(port.error().code, Errc::kRejected);
  EXPECT_EQ(port.error().object, "no-such-dev");
  EXPECT_NE(port.error().cause.find("No such device"), std::string::npos) << port.error().cause;
  EXPECT_FALSE(vswitch_->port("no-such-dev"));
  const auto elsewhere = run(io_, vswitch_->add_port("br-none", absent));
  EXPECT_EQ(elsewhere.error().code, Errc::kNotFound);
}

TEST_F(VSwitchTest, AddsManyInOneTransaction) {
  std::vector<PortSpec> specs;
  for (int i = 0; i < 50; ++i) specs.push_back(internal("p" + std::to_string(i)));
  specs.push_back(PortSpec{"no-such-dev", {}, {}, {}, {}, {}, {}, {}});
  specs.push_back(internal("p0"));
  changes_.clear();
  auto outcomes = run(io_, vswitch_->add_ports("br-int", specs));
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 52U);
  std::set<std::int64_t> numbers;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE((*outcomes)[i]) << (*outcomes)[i].error().to_string();
    numbers.insert(*(*outcomes)[i]->ofport);
  }
  EXPECT_EQ(numbers.size(), 50U);
  EXPECT_EQ((*outcomes)[50].error().code, Errc::kRejected);
  EXPECT_EQ((*outcomes)[51].error().code, Errc::kInvalidArgument);
  EXPECT_EQ(vswitch_->ports("br-int").size(), 51U);  // with the local one
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back("p" + std::to_string(i));
  ASSERT_TRUE(run(io_, vswitch_->del_ports("br-int", names)));
  EXPECT_EQ(vswitch_->ports("br-int").size(), 1U);
  ASSERT_TRUE(run(io_, vswitch_->del_port("br-int", "p1")));
}

TEST_F(VSwitchTest, AddsTunnelsAndVeths) {
  PortSpec tunnel;
  tunnel.name = "antrea-tun0";
  tunnel.type = "geneve";
  tunnel.options = {{"remote_ip", "flow"}, {"key", "flow"}};
  ASSERT_EQ(testing::run_command(
                {"ip", "link", "add", "veth-a", "type", "veth", "peer", "name", "veth-b"}),
            0);
  PortSpec veth;
  veth.name = "veth-a";
  auto outcomes = run(io_, vswitch_->add_ports("br-int", {tunnel, veth}));
  ASSERT_TRUE(outcomes);
  ASSERT_TRUE((*outcomes)[0]) << (*outcomes)[0].error().to_string();
  ASSERT_TRUE((*outcomes)[1]) << (*outcomes)[1].error().to_string();
  EXPECT_EQ((*outcomes)[0]->options["key"], "flow");
  testing::run_command({"ip", "link", "del", "veth-a"});
}

TEST_F(VSwitchTest, RidesOutAServerRestart) {
  std::optional<Result<Port>> outcome;
  ovs_.stop_server();
  ASSERT_TRUE(run(io_, client_->wait_until([&] { return !client_->synced(); }, in(10s))));
  asio::co_spawn(io_, vswitch_->add_port("br-int", internal("late")),
                 [&](std::exception_ptr, Result<Port> port) { outcome = std::move(port); });
  ovs_.start_server();
  ASSERT_TRUE(run(io_, client_->wait_until([&] { return outcome.has_value(); }, in(20s))));
  ASSERT_TRUE(*outcome) << outcome->error().to_string();
}

TEST_F(VSwitchTest, SaysThatTheSwitchIsAway) {
  ovs_.stop_switch();
  const auto port = run(io_, vswitch_->add_port("br-int", internal("x"), 200ms));
  ASSERT_TRUE(port.has_error());
  EXPECT_EQ(port.error().code, Errc::kTimeout);
  EXPECT_EQ(port.error().remedy, "is ovs-vswitchd running?");
  EXPECT_FALSE(vswitch_->port("x"));
  EXPECT_EQ(run(io_, vswitch_->wait_configured(100ms)).error().code, Errc::kTimeout);
  ovs_.start_switch();
  EXPECT_TRUE(run(io_, vswitch_->wait_configured()));
  ASSERT_TRUE(run(io_, vswitch_->del_bridge("br-int")));
  EXPECT_FALSE(vswitch_->bridge("br-int"));
}

}  // namespace
}  // namespace antrea::ovsdb
