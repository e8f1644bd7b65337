// Connections that Services leave behind, in a real Open vSwitch.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "antrea/api/pipeline.h"
#include "antrea/node/stale_connections.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"
#include "tests/openflow_switch/switch_fixture.h"

namespace antrea::node {
namespace {

using namespace openflow;
using testing::in;
using testing::run;

class StaleConnectionsInSwitch : public SwitchTest {
 protected:
  // Packets of known connections go to where these were translated, and are counted there.
  static Changes tracking() {
    Changes changes;
    Flow& track = changes.flows.emplace_back();
    track.match.ip(Family::kIPv4).ip_proto(ip_proto::kUdp);
    track.apply_actions = {
        Ct{.zone = api::pipeline::kCtZone, .table = TableId{1}, .actions = {Nat{}}}};
    for (const char* destination : {"10.10.0.2", "10.96.0.10", "10.96.0.11"}) {
      Flow& count = changes.flows.emplace_back();
      count.table = TableId{1};
      count.match.ip_dst(ip(destination)).ip_proto(ip_proto::kUdp);
    }
    return changes;
  }

  // From 10.10.0.77 to port 53, with the checksum that conntrack wants.
  static std::vector<std::byte> datagram(const IpAddress& to) {
    auto bytes = frames::frame({.src = ip("10.10.0.77"), .dst = to, .payload = 8, .dst_port = 53});
    std::uint32_t sum = 0;
    for (std::size_t i = 14; i < 34; i += 2)
      sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 |
             std::to_integer<std::uint32_t>(bytes[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    bytes[24] = static_cast<std::byte>(~sum >> 8 & 0xff);
    bytes[25] = static_cast<std::byte>(~sum & 0xff);
    return bytes;
  }

  void send(const char* to, Action action) {
    PacketOut packet;
    packet.match.in_port(kPortController);
    packet.packet = datagram(ip(to));
    packet.actions.push_back(std::move(action));
    ASSERT_TRUE(agent_->packet_out(packet));
  }
  void connect(const char* to) {
    send(to, Ct{.commit = true,
                .zone = api::pipeline::kCtZone,
                .actions = {nat_dst(ip("10.10.0.2"), 53)}});
  }
  // How many packets have come out of table 1 with this destination.
  std::uint64_t arrived(const char* destination) {
    const auto flows = run(io_, agent_->dump_flows());
    EXPECT_TRUE(flows);
    for (const auto& each : *flows)
      if (each.flow.table == TableId{1} &&
          each.flow.match == Match().ip_dst(ip(destination)).ip_proto(ip_proto::kUdp))
        return each.statistics.packets.value_or(0);
    return 0;
  }
  static proxy::StaleConnections stale(const char* service, const char* endpoint) {
    return {{ip(service), 53, api::Protocol::kUdp}, ip(endpoint)};
  }
};

TEST_F(StaleConnectionsInSwitch, AreForgottenAndNoOthers) {
  start_agent(tracking());
  wait_synced();
  StaleConnectionCleaner cleaner(io_.get_executor(), *agent_);
  bool ended = false;
  asio::cancellation_signal stop;
  asio::co_spawn(io_, cleaner.run(),
                 asio::bind_cancellation_slot(stop.slot(), [&](auto) { ended = true; }));
  connect("10.96.0.10");
  connect("10.96.0.11");
  const Resubmit look{kPortInPort, TableId{0}};
  send("10.96.0.10", look);
  send("10.96.0.11", look);
  EXPECT_EQ(arrived("10.10.0.2"), 2U) << "both are translated";

  cleaner.add({stale("10.96.0.10", "10.10.0.9"), stale("10.96.0.11", "10.10.0.2")});
  const auto deadline = in(10s);
  while (arrived("10.96.0.11") == 0 && std::chrono::steady_clock::now() < deadline)
    send("10.96.0.11", look);
  EXPECT_GT(arrived("10.96.0.11"), 0U) << "forgotten: not translated any more";
  send("10.96.0.10", look);
  EXPECT_EQ(arrived("10.96.0.10"), 0U) << "another endpoint's";

  cleaner.add({{{ip("10.96.0.10"), 53, api::Protocol::kUdp}, {}}});
  while (arrived("10.96.0.10") == 0 && std::chrono::steady_clock::now() < deadline)
    send("10.96.0.10", look);
  EXPECT_GT(arrived("10.96.0.10"), 0U) << "whatever its endpoint";
  stop.emit(asio::cancellation_type::all);
  io_.restart();
  while (!ended && io_.run_one() > 0) {
  }
}

TEST(StaleConnections, AreNamedByFamilyZoneAndTuple) {
  const auto flush = to_ct_flush({{ip("fd00:96::10"), 53, api::Protocol::kUdp}, {}});
  EXPECT_EQ(flush.ip_proto, 17);
  EXPECT_EQ(flush.zone, api::pipeline::kCtZoneV6);
  EXPECT_EQ(flush.original->dst, ip("fd00:96::10"));
  EXPECT_EQ(flush.original->dst_port, 53);
  EXPECT_FALSE(flush.reply);
}

}  // namespace
}  // namespace antrea::node
