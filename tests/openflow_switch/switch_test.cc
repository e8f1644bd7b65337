// The switch against a real ovs-vswitchd with the userspace datapath.
#include <algorithm>
#include <cstdio>
#include <set>

#include "switch_fixture.h"

namespace antrea::openflow {
namespace {

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

TEST_F(SwitchTest, AddsAndDeletesGroupsThatNameOthersInOrder) {
  start_agent({});
  wait_synced();
  // The ids are against the order of use, and the clone hides the last one.
  const auto chain = [](unsigned id, Actions actions) {
    Group group{GroupId{id}, GroupType::kIndirect, {}, {}};
    group.buckets.push_back(Bucket{.id = 0, .actions = std::move(actions)});
    return group;
  };
  Clone clone;
  clone.actions = {GroupAction{GroupId{9}}};
  Changes add;
  add.groups = {chain(1, {GroupAction{GroupId{5}}}), chain(3, {GroupAction{GroupId{1}}}),
                chain(5, {clone}), chain(9, {Output{PortNo{1}}})};
  Flow flow;
  flow.apply_actions = {GroupAction{GroupId{3}}};
  add.flows = {flow};
  auto done = commit(add);
  ASSERT_TRUE(done) << done.error().to_string();
  expect_desired();
  Changes remove;
  remove.remove_flows = {flow.key()};
  for (const auto& group : add.groups) remove.remove_groups.push_back(group.id);
  done = commit(remove);
  ASSERT_TRUE(done) << done.error().to_string();
  expect_desired();
  EXPECT_EQ(dump().size(), 0U);
}

TEST_F(SwitchTest, KeepsTlvMaps) {
  auto mapped = options();
  mapped.tlv_maps = {{0xffff, 0, 4, 0}, {0xffff, 1, 8, 1}};
  Changes desired;
  Flow flow;
  flow.match.set_tun_metadata(0, 4, 7, FieldValue::ones(32));
  flow.apply_actions = {Output{PortNo{1}}};
  desired.flows = {flow};
  start_agent(desired, mapped);
  wait_synced();
  EXPECT_TRUE(refused_.empty()) << refused_[0].to_string();
  EXPECT_EQ(agent_->statistics().messages, 3U);
  expect_desired();
  stop_agent();
  start_agent(desired, mapped);
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 0U);
  stop_agent();
  mapped.tlv_maps[1] = {0xffee, 1, 12, 1};  // nobody uses it: it can be another one
  start_agent(desired, mapped);
  wait_synced();
  EXPECT_EQ(agent_->statistics().messages, 2U);
  expect_desired();
  stop_agent();
  mapped.tlv_maps[0] = {0xffee, 0, 4, 0};  // the flow uses it: the switch refuses
  start_agent(desired, mapped);
  wait_synced();
  ASSERT_FALSE(refused_.empty());
  EXPECT_NE(refused_[0].to_string().find("unmap tun_metadata0"), std::string::npos)
      << refused_[0].to_string();
}

TEST_F(SwitchTest, BearsMetersThatOthersTookAway) {
  auto desired = sample(5);
  desired.meters.push_back(meter_of(300, 100));
  start_agent(desired);
  wait_synced();
  const Message remove_all = MeterMod{MeterCommand::kDelete, Meter{kAllMeters, 0, {}}};
  ASSERT_TRUE(send({remove_all}).empty());
  Changes remove;
  remove.remove_meters = {MeterId{300}};
  auto done = commit(remove);
  EXPECT_TRUE(done) << done.error().to_string();
  Changes change;
  change.meters = {meter_of(256, 77)};  // there no longer, unknown to the engine
  done = commit(change);
  EXPECT_TRUE(done) << done.error().to_string();
  EXPECT_TRUE(refused_.empty());
  EXPECT_GT(agent_->statistics().repaired, 0U);
  expect_desired();
  EXPECT_EQ(dump().size(), 6U);  // the flow that went with its meter is there again
}

TEST_F(SwitchTest, SurvivesAGroupThatTheSwitchCannotTell) {
  // Few buckets, but more than 64 KiB of them: the length in the reply wraps.
  GroupMod mod;
  mod.group = {GroupId{40}, GroupType::kAll, {}, {}};
  for (unsigned part = 0; part < 2; ++part) {
    mod.command = part == 0 ? GroupCommand::kAdd : GroupCommand::kInsertBucket;
    mod.command_bucket = part == 0 ? kBucketAll : kBucketLast;
    mod.group.buckets.clear();
    for (unsigned i = 0; i < 100; ++i) {
      Bucket bucket;
      bucket.id = 100 * part + i;
      for (unsigned n = 0; n < 25; ++n) bucket.actions.push_back(Output{PortNo{n + 1}});
      mod.group.buckets.push_back(bucket);
    }
    ASSERT_TRUE(send({mod}).empty());
  }
  auto desired = sample(20);
  auto patient = options();
  patient.request_timeout = 1s;
  start_agent(desired, patient);
  wait_synced();
  EXPECT_TRUE(refused_.empty());
  EXPECT_EQ(dump().size(), 21U);
  expect_desired();  // group 40 is gone
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

TEST_F(SwitchTest, RunsTheProgramOfTheReadme) {
  ASSERT_EQ(ofctl("add-flow", "cookie=0x7,table=5,priority=1,actions=drop"), 0);
  const auto command = std::string(README_EXAMPLE) + " unix:" + socket();
  const std::unique_ptr<FILE, int (*)(FILE*)> program(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(program, nullptr);
  std::string output;
  char line[256];
  while (fgets(line, sizeof line, program.get()) != nullptr) output += line;
  EXPECT_NE(output.find("ip,in_port=1 actions=output:2\n"), std::string::npos) << output;
  EXPECT_NE(output.find("table=5"), std::string::npos) << output;  // somebody else's stays
  EXPECT_EQ(std::ranges::count(output, '\n'), 2);
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
