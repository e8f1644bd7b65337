#include <algorithm>

#include "antrea/base/bytes.h"
#include "ovs_fixture.h"
#include "sample_flows.h"

namespace antrea::openflow::testing {
namespace {

class OvsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!antrea::testing::enter_private_network())
      GTEST_SKIP() << "needs the right to make a network namespace";
    ovs_.start_switch();
    ASSERT_TRUE(ovs_.add_bridge());
    ASSERT_TRUE(client_.connect(ovs_.bridge_socket()));
    MeterMod meter;
    meter.meter = {
        MeterId{1}, meter_flags::kPktps | meter_flags::kBurst, {{Band::Type::kDrop, 100, 200}}};
    client_.send(meter);
    GroupMod group;
    group.group = sample_group();
    client_.send(group);
    ASSERT_EQ(client_.barrier(), std::vector<std::string>{});
  }
  std::vector<FlowStats> dump() {
    std::vector<FlowStats> flows;
    for (const auto& part : client_.ask(FlowStatsRequest{})) {
      FlowStatsReader reader(part);
      while (auto view = reader.next()) {
        auto stats = view->decode();
        EXPECT_TRUE(stats.has_value()) << stats.error().to_error().to_string();
        if (stats) flows.push_back(std::move(*stats));
      }
      EXPECT_FALSE(reader.error());
    }
    return flows;
  }
  static std::string hex_of(const Flow& flow) {
    std::vector<std::byte> bytes;
    encode_flow_mod(flow, FlowCommand::kAdd, 0, bytes);
    return to_hex(bytes);
  }
  void expect_dumped(const std::vector<Flow>& wanted) {
    const auto dumped = dump();
    EXPECT_EQ(dumped.size(), wanted.size());
    for (const Flow& flow : wanted) {
      const auto found = std::find_if(dumped.begin(), dumped.end(), [&](const FlowStats& stats) {
        return stats.flow.key() == flow.key();
      });
      if (found == dumped.end()) {
        ADD_FAILURE() << "not dumped: " << hex_of(flow);
        continue;
      }
      EXPECT_EQ(found->flow, flow)
          << "sent   " << hex_of(flow) << "\ndumped " << hex_of(found->flow);
      EXPECT_EQ(hex_of(found->flow), hex_of(flow));
    }
  }

  antrea::testing::OpenVSwitch ovs_;
  Client client_;
};

TEST_F(OvsTest, DumpsTheFlowsThatWereSent) {
  const auto flows = sample_flows();
  for (const Flow& flow : flows) {
    FlowMod mod;
    mod.flow = flow;
    client_.send(mod);
    ASSERT_EQ(client_.barrier(), std::vector<std::string>{}) << hex_of(flow);
  }
  expect_dumped(flows);
}

TEST_F(OvsTest, TakesABundleWholly) {
  const auto flows = sample_flows();
  client_.send(BundleControl{7, BundleCommand::kOpenRequest});
  std::uint32_t xid = 1000;
  for (const Flow& flow : flows) {
    std::vector<std::byte> bytes;
    ASSERT_TRUE(encode_bundle_add_flow_mod(7, 3, flow, FlowCommand::kAdd, ++xid, bytes));
    client_.send_bytes(bytes);
  }
  client_.send(BundleControl{7, BundleCommand::kCommitRequest});
  EXPECT_EQ(client_.barrier(), std::vector<std::string>{});
  expect_dumped(flows);
}

TEST_F(OvsTest, DumpsTheGroupAndMeterThatWereSent) {
  const auto groups = client_.ask(GroupDescRequest{});
  ASSERT_EQ(groups.size(), 1U);
  auto decoded = decode_message(groups[0]);
  ASSERT_TRUE(decoded.has_value());
  const auto* reply = std::get_if<MultipartReply>(&decoded->message);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(std::get<GroupDescReply>(reply->body).groups, std::vector<Group>{sample_group()});
  const auto meters = client_.ask(MeterConfigRequest{});
  ASSERT_EQ(meters.size(), 1U);
  decoded = decode_message(meters[0]);
  ASSERT_TRUE(decoded.has_value());
  const auto& config = std::get<MeterConfigReply>(std::get<MultipartReply>(decoded->message).body);
  const Meter wanted{
      MeterId{1}, meter_flags::kPktps | meter_flags::kBurst, {{Band::Type::kDrop, 100, 200}}};
  EXPECT_EQ(config.meters, std::vector<Meter>{wanted});
}

TEST_F(OvsTest, EveryReplyDecodesAndEncodesBack) {
  for (const Flow& flow : sample_flows()) {
    FlowMod mod;
    mod.flow = flow;
    client_.send(mod);
  }
  ASSERT_EQ(client_.barrier(), std::vector<std::string>{});
  const std::vector<MultipartRequestBody> requests{
      DescRequest{},          FlowStatsRequest{},  AggregateRequest{},   TableStatsRequest{},
      PortStatsRequest{},     QueueStatsRequest{}, GroupStatsRequest{},  GroupDescRequest{},
      GroupFeaturesRequest{}, MeterStatsRequest{}, MeterConfigRequest{}, MeterFeaturesRequest{},
      TableFeaturesRequest{}, PortDescRequest{},   TableDescRequest{},
  };
  for (const auto& request : requests) {
    const auto parts = client_.ask(request);
    EXPECT_FALSE(parts.empty()) << request.index();
    for (const auto& part : parts) {
      auto decoded = decode_message(part);
      ASSERT_TRUE(decoded.has_value())
          << request.index() << ": " << decoded.error().to_error().to_string();
      std::vector<std::byte> again;
      ASSERT_TRUE(encode(decoded->xid, decoded->message, again));
      EXPECT_EQ(to_hex(again), to_hex(part)) << request.index();
    }
  }
}

TEST_F(OvsTest, NamesTables) {
  // All tables must be sent back, in one request of several parts.
  const auto parts = client_.ask(TableFeaturesRequest{});
  ASSERT_GT(parts.size(), 1U);
  std::vector<std::byte> request;
  for (const auto& part : parts) {
    auto decoded = decode_message(part);
    ASSERT_TRUE(decoded.has_value());
    auto& reply = std::get<MultipartReply>(decoded->message);
    auto tables = std::get<TableFeaturesReply>(reply.body).tables;
    for (TableFeatures& table : tables)
      if (table.table == TableId{4}) table.name = "SpoofGuard";
    ASSERT_TRUE(
        encode(77, MultipartRequest{reply.more, TableFeaturesRequest{std::move(tables)}}, request));
  }
  client_.send_bytes(request);
  bool more = true;
  std::string name;
  while (more) {
    const auto got = client_.receive();
    ASSERT_TRUE(got);
    const auto* reply = std::get_if<MultipartReply>(&got->message);
    ASSERT_NE(reply, nullptr);
    more = reply->more;
    for (const auto& table : std::get<TableFeaturesReply>(reply->body).tables)
      if (table.table == TableId{4}) name = table.name;
  }
  EXPECT_EQ(name, "SpoofGuard");
}

TEST_F(OvsTest, SaysWhichErrorItMet) {
  FlowMod mod;
  mod.flow.apply_actions = {GroupAction{GroupId{4444}}};
  client_.send(mod);
  mod.flow.apply_actions = {MeterAction{MeterId{4444}}};
  client_.send(mod);
  EXPECT_EQ(client_.barrier(),
            (std::vector<std::string>{"OFPBAC_BAD_OUT_GROUP", "OFPMMFC_INVALID_METER"}));
}

}  // namespace
}  // namespace antrea::openflow::testing
