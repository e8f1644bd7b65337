// What Services leave behind in a real Open vSwitch: connections, and what is remembered of
// clients.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "antrea/api/pipeline.h"
#include "antrea/node/stale_connections.h"
#include "antrea/proxy/balancer.h"
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

class RememberedClients : public SwitchTest {
 protected:
  using Table = api::pipeline::Table;

  static api::Service service(const char* name, const char* address, bool sticky) {
    api::Service out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    out.cluster_ips = {ip(address)};
    out.ports.push_back({.protocol = api::Protocol::kTcp, .port = 80});
    out.session_affinity_client_ip = sticky;
    return out;
  }
  static api::EndpointSlice slice(const char* service, const std::vector<std::string>& endpoints) {
    api::EndpointSlice out;
    out.metadata.namespace_ = "default";
    out.metadata.name = out.service_name = service;
    out.ports.push_back({.name = "", .protocol = api::Protocol::kTcp, .port = 8080});
    for (const auto& endpoint : endpoints) out.endpoints.push_back({.addresses = {ip(endpoint)}});
    return out;
  }
  // "sticky" of these endpoints and "other" of both, and what the pipeline has in their tables.
  static Changes desired(const std::vector<std::string>& endpoints) {
    proxy::Balancer balancer({.node_name = "here"});
    Changes out = balancer.start();
    proxy::ServiceChanges all;
    all.services = {service("sticky", "10.96.0.10", true), service("other", "10.96.0.11", false)};
    all.slices = {slice("sticky", endpoints), slice("other", {"10.10.0.2", "10.10.0.3"})};
    out.append(balancer.apply(all).pipeline);
    Flow& select = out.flows.emplace_back();
    select.table = id(Table::kSessionAffinity);
    select.priority = 0;
    select.apply_actions = {load(reg_bits(4, 16, 18), 1)};
    Flow& chosen = out.flows.emplace_back();
    chosen.table = id(Table::kServiceLb);
    chosen.priority = 0;
    chosen.goto_table = id(Table::kEndpointDnat);
    return out;
  }
  static TableId id(Table table) { return TableId{static_cast<std::uint8_t>(table)}; }

  // So many clients, one connection each.
  void come(unsigned clients) {
    for (unsigned n = 0; n < clients; ++n) {
      PacketOut packet;
      packet.match.in_port(kPortController);
      packet.packet = frames::frame({.src = IpAddress::v4(0x0a0a0100 + n),
                                     .dst = ip("10.96.0.10"),
                                     .protocol = 6,
                                     .tcp_flags = 2});
      packet.actions = {Resubmit{kPortInPort, id(Table::kSessionAffinity)},
                        Resubmit{kPortInPort, id(Table::kServiceLb)}};
      ASSERT_TRUE(agent_->packet_out(packet));
    }
  }
  std::uint64_t led_to(const char* endpoint) {
    const FieldValue want(ip(endpoint));
    for (const auto& [key, stats] : dump())
      if (const auto field = key.match.get(reg_field(3));
          key.table == id(Table::kEndpointDnat) && field && field->value == want)
        return stats.statistics.packets.value_or(0);
    return 0;
  }
  // The endpoint that is remembered for each client: where his connection was led.
  std::map<FieldValue, FieldValue> learned() {
    std::map<FieldValue, FieldValue> out;
    for (const auto& [key, stats] : dump()) {
      const auto client = key.match.get(FieldId::kIpSrc);
      if (key.table != id(Table::kSessionAffinity) || !client) continue;
      for (const auto& action : stats.flow.apply_actions)
        if (const auto* set = std::get_if<SetField>(&action); set && set->field == reg_field(3))
          out.emplace(client->value, set->value);
    }
    return out;
  }
};

TEST_F(RememberedClients, AreLedElsewhereByARestartedAgentWhoseServiceLostTheEndpoint) {
  constexpr unsigned kClients = 40;
  start_agent(desired({"10.10.0.2", "10.10.0.3"}));
  wait_synced();
  come(kClients);
  const auto at_first = led_to("10.10.0.2"), at_second = led_to("10.10.0.3");
  EXPECT_EQ(at_first + at_second, kClients);
  EXPECT_GT(at_second, 0U);
  EXPECT_EQ(learned().size(), kClients);

  stop_agent();
  start_agent(desired({"10.10.0.2", "10.10.0.3"}));
  wait_synced();
  come(kClients);
  EXPECT_EQ(led_to("10.10.0.2"), 2 * at_first) << "each again where it was";

  stop_agent();
  start_agent(desired({"10.10.0.2"}));
  wait_synced();
  come(kClients);
  EXPECT_EQ(led_to("10.10.0.2"), 2 * at_first + kClients);
  EXPECT_EQ(learned().size(), kClients) << "anew";
}

// Whoever is not at the endpoint that goes is led where he was; one that comes takes its share and
// moves nobody between others.
TEST_F(RememberedClients, WouldBeLedAlikeWereTheyForgotten) {
  constexpr unsigned kClients = 400;
  std::vector<std::string> endpoints;
  for (int n = 2; n <= 10; ++n) endpoints.push_back("10.10.0." + std::to_string(n));
  const auto led = [&] {
    start_agent(desired(endpoints));
    wait_synced();
    come(kClients);
    auto out = learned();
    EXPECT_EQ(out.size(), kClients);
    const auto table = static_cast<int>(Table::kSessionAffinity);
    EXPECT_EQ(ofctl("del-flows", "table=" + std::to_string(table) + ",ip"), 0);
    stop_agent();
    return out;
  };
  const auto nine = led();
  EXPECT_EQ(led(), nine);
  const std::string last = std::exchange(endpoints.back(), "10.10.0.77");
  const auto replaced = led();
  endpoints.pop_back();
  const auto eight = led();
  unsigned moved = 0, taken = 0;
  for (const auto& [client, endpoint] : nine) {
    moved += endpoint == FieldValue(ip(last)) ? 1 : 0;
    taken += replaced.at(client) == FieldValue(ip("10.10.0.77")) ? 1 : 0;
    if (endpoint != FieldValue(ip(last))) {
      EXPECT_EQ(eight.at(client), endpoint);
    }
    if (replaced.at(client) != FieldValue(ip("10.10.0.77"))) {
      EXPECT_EQ(replaced.at(client), eight.at(client));
    }
  }
  // A ninth each: about 44 of 400.
  for (const unsigned share : {moved, taken}) {
    EXPECT_GT(share, 20U);
    EXPECT_LT(share, 75U);
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
