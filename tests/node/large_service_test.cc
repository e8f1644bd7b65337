// Services in a real Open vSwitch: whom their packets are led to, among ten thousand endpoints, and
// while endpoints come and go.
#include <cmath>
#include <random>

#include "antrea/api/pipeline.h"
#include "antrea/proxy/balancer.h"
#include "tests/node/packets.h"
#include "tests/openflow_switch/switch_fixture.h"

namespace antrea::node {
namespace {

using namespace openflow;
using api::pipeline::Table;
using testing::in;
using testing::run;

constexpr unsigned kEndpoints = 10'000, kPackets = 100'000;

class LargeServiceInSwitch : public SwitchTest {
 protected:
  static api::Service service() {
    api::Service out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "big";
    out.cluster_ips = {*IpAddress::parse("10.96.0.10")};
    out.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
    return out;
  }
  static api::EndpointSlice slice(unsigned place, unsigned count = 100) {
    api::EndpointSlice out;
    out.metadata.namespace_ = "default";
    out.metadata.name = "big-" + std::to_string(place);
    out.service_name = "big";
    out.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 8080});
    for (unsigned e = 0; e < count; ++e)
      out.endpoints.push_back({.addresses = {IpAddress::v4(0x0a0a0000 + place * 256 + e)}});
    return out;
  }
  static proxy::ServiceChanges everything() {
    proxy::ServiceChanges out;
    out.services = {service()};
    for (unsigned place = 0; place < kEndpoints / 100; ++place) out.slices.push_back(slice(place));
    return out;
  }

  static TableId id(Table table) { return TableId{static_cast<std::uint8_t>(table)}; }

  // First packets of so many connections, of clients and ports at random.
  void connect(unsigned count) {
    std::mt19937 random(5);
    Connection::MessageSource source = [&](std::uint32_t xid, std::vector<std::byte>& out) {
      PacketOut packet;
      packet.match.in_port(kPortController);
      packet.packet =
          frames::frame({.src = IpAddress::v4(0x0a800000 + random() % 4096),
                         .dst = *IpAddress::parse("10.96.0.10"),
                         .protocol = 6,
                         .tcp_flags = 2,
                         .src_port = static_cast<std::uint16_t>(1024 + random() % 60'000)});
      packet.actions = {load(reg_bits(4, 16, 18), 1), Resubmit{kPortInPort, id(Table::kServiceLb)}};
      EXPECT_TRUE(encode(xid, packet, out));
    };
    Exchange exchange(other());
    ASSERT_TRUE(run(io_, other().transmit(exchange, count, source, in(60s))));
    EXPECT_TRUE(exchange.refusals().empty());
  }

  // How many connections each endpoint, by its flow, has been given.
  std::map<FlowKey, std::uint64_t> given() {
    std::map<FlowKey, std::uint64_t> out;
    for (const auto& [key, stats] : dump())
      if (key.table == id(Table::kEndpointDnat) && key.priority == 200 &&
          key.match != refusal_.match)
        out[key] = stats.statistics.packets.value_or(0);
    return out;
  }
  // The same of these connections alone, which are the same each time.
  std::map<FlowKey, std::uint64_t> given_now(unsigned count) {
    const auto before = given();
    connect(count);
    auto after = given();
    for (auto& [key, packets] : after)
      if (const auto had = before.find(key); had != before.end()) packets -= had->second;
    return after;
  }

  proxy::Balancer balancer_{{.node_name = "node-1"}};
  const FlowKey refusal_ = balancer_.start().flows.front().key();
};

TEST_F(LargeServiceInSwitch, SharesEvenlyAndChangesByLittle) {
  Changes desired = balancer_.start();
  desired.append(balancer_.apply(everything()).pipeline);
  start_agent(std::move(desired));
  wait_synced();
  expect_desired();  // and it can be read back
  EXPECT_EQ(ofctl("dump-groups"), 0);
  EXPECT_EQ(ofctl("dump-group-stats"), 0);

  connect(kPackets);
  const auto counts = given();
  ASSERT_EQ(counts.size(), kEndpoints);
  double chi_square = 0, sum = 0;
  for (const auto& [endpoint, count] : counts) {
    const double expected = double{kPackets} / kEndpoints;
    chi_square += (static_cast<double>(count) - expected) *
                  (static_cast<double>(count) - expected) / expected;
    sum += static_cast<double>(count);
  }
  EXPECT_EQ(sum, kPackets);
  const double freedom = kEndpoints - 1;  // one in 10,000 fair draws is above
  EXPECT_LT(chi_square, freedom + 3.8 * std::sqrt(2 * freedom));
  RecordProperty("chi_square", std::to_string(chi_square));

  // One endpoint less, and one more: its leaf, the choice among leaves, and its flow.
  for (const unsigned count : {99U, 100U}) {
    auto change = balancer_.apply(slice(37, count)).pipeline;
    EXPECT_LE(change.groups.size() + change.flows.size() + change.remove_flows.size(), 3U);
    ASSERT_TRUE(commit(std::move(change)));
    expect_desired();
  }
}

// Connections are led by their addresses and ports alone: each stays where it was while its
// endpoint is there, and a Node that knows the same has the same groups.
TEST_F(LargeServiceInSwitch, ConnectionsStayWhileOthersComeAndGo) {
  constexpr unsigned kFew = 20, kConnections = 5000;
  Changes desired = balancer_.start();
  (void)balancer_.apply(slice(0, kFew));
  desired.append(balancer_.apply(service()).pipeline);
  proxy::Balancer elsewhere({.node_name = "node-2"});
  (void)elsewhere.apply(service());
  EXPECT_EQ(elsewhere.apply(slice(0, kFew)).pipeline.groups, desired.groups);
  start_agent(std::move(desired));
  wait_synced();

  const auto all = given_now(kConnections);
  EXPECT_EQ(all.size(), kFew);
  ASSERT_TRUE(commit(balancer_.apply(slice(0, kFew - 1)).pipeline));
  const auto fewer = given_now(kConnections);
  EXPECT_EQ(fewer.size(), kFew - 1);
  std::uint64_t sum = 0;
  for (const auto& [endpoint, count] : fewer) {
    EXPECT_GE(count, all.at(endpoint)) << "somebody left, though he could have stayed";
    sum += count;
  }
  EXPECT_EQ(sum, kConnections);
  ASSERT_TRUE(commit(balancer_.apply(slice(0, kFew)).pipeline));
  EXPECT_EQ(given_now(kConnections), all) << "who had to leave is back";
}

}  // namespace
}  // namespace antrea::node
