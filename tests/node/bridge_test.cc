#include "antrea/node/bridge.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/node/lab.h"

namespace antrea::node {
namespace {

TEST(GatewayMac, IsLocalUnicastAndStable) {
  const auto mac = gateway_mac_of("node-1");
  EXPECT_EQ(mac.bytes[0] & 3, 2);
  EXPECT_EQ(mac, gateway_mac_of("node-1"));
  EXPECT_NE(mac, gateway_mac_of("node-2"));
}

TEST(EncapsulationOverhead, IsThatOfTheHeaders) {
  EXPECT_EQ(encapsulation_overhead("geneve", false), 50U);
  EXPECT_EQ(encapsulation_overhead("geneve", true), 70U);
  EXPECT_EQ(encapsulation_overhead("gre", false), 42U);
  EXPECT_EQ(encapsulation_overhead("stt", false), 0U);
}

// Runs `ensure` as a new process of the agent would.
Result<BridgeState> ensure(const lab::Namespace& where, const lab::OpenVSwitch& ovs,
                           const BridgeOptions& options) {
  std::optional<Result<BridgeState>> result;
  where.enter([&] {
    boost::asio::io_context io;
    ovsdb::ClientOptions client_options;
    client_options.remote = "unix:" + ovs.directory() + "/db.sock";
    client_options.monitor = ovsdb::VSwitch::monitored();
    ovsdb::Client client(io.get_executor(), client_options);
    ovsdb::VSwitch vswitch(client);
    Bridge bridge(vswitch, options);
    boost::asio::co_spawn(io, client.run(), boost::asio::detached);
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          const auto synced = co_await client.wait_synced(std::chrono::steady_clock::now() +
                                                          std::chrono::seconds(10));
          EXPECT_TRUE(synced) << synced.error().to_string();
          result = co_await bridge.ensure();
          client.stop();
        },
        boost::asio::detached);
    io.run_for(std::chrono::seconds(40));
  });
  return result ? *result : Result<BridgeState>(make_error(Errc::kTimeout, "ensure: no outcome"));
}

TEST(Bridge, IsMadeOnceAndReadBack) {
  if (!lab::can_switch()) GTEST_SKIP() << "network namespaces or /dev/net/tun are not allowed here";
  const lab::Namespace where;
  const lab::OpenVSwitch ovs(where);
  BridgeOptions options;
  options.datapath_type = "netdev";
  options.node_name = "node-1";
  options.mtu = 1400;
  const auto first = ensure(where, ovs, options);
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(first->gateway_ofport, 32769U);
  EXPECT_EQ(first->tunnel_ofport, 32768U);
  EXPECT_EQ(first->gateway_mac, gateway_mac_of("node-1"));
  EXPECT_TRUE(first->userspace_datapath);
  EXPECT_EQ(first->interfaces.all(InterfaceType::kGateway).size(), 1U);
  EXPECT_EQ(first->interfaces.all(InterfaceType::kTunnel).size(), 1U);
  EXPECT_EQ(ovs.vsctl({"get", "bridge", "br-int", "fail_mode"}), "secure\n");
  EXPECT_EQ(ovs.vsctl({"get", "bridge", "br-int", "protocols"}), "[OpenFlow15]\n");
  EXPECT_EQ(ovs.vsctl({"get", "port", "antrea-gw0", "external_ids"}), "{antrea-type=gateway}\n");
  EXPECT_EQ(ovs.vsctl({"get", "interface", "antrea-tun0", "options"}),
            "{key=flow, remote_ip=flow}\n");

  // A Pod's port of the last agent, and one of somebody else.
  where.run({"ip", "link", "add", "web-1", "type", "veth", "peer", "name", "p"});
  where.run({"ip", "link", "add", "alien", "type", "veth", "peer", "name", "q"});
  Interface pod;
  pod.name = "web-1";
  pod.mac = *MacAddress::parse("0a:00:00:00:00:05");
  pod.ips = {*IpAddress::parse("10.10.1.5")};
  pod.container_id = "c1";
  pod.pod = {"default", "web"};
  std::vector<std::string> set{"add-port", "br-int", "web-1", "--",   "add-port", "br-int",
                               "alien",    "--",     "set",   "port", "web-1"};
  for (const auto& [key, value] : external_ids_of(pod))
    set.push_back("external_ids:" + key + "=\"" + value + "\"");
  ovs.vsctl(set);

  const auto before = ovs.vsctl({"list", "interface"});
  const auto second = ensure(where, ovs, options);
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(second->gateway_mac, first->gateway_mac);
  const auto* read_back = second->interfaces.find_container("c1");
  ASSERT_NE(read_back, nullptr);
  EXPECT_NE(read_back->ofport, 0U);
  pod.ofport = read_back->ofport;
  EXPECT_EQ(*read_back, pod);
  EXPECT_EQ(second->interfaces.find("alien"), nullptr);
  EXPECT_EQ(second->interfaces.find("br-int"), nullptr);

  // Another encapsulation: the port is made anew, with its number.
  options.tunnel_type = "vxlan";
  options.tunnel_port = 4790;
  const auto third = ensure(where, ovs, options);
  ASSERT_TRUE(third) << third.error().to_string();
  EXPECT_EQ(third->tunnel_ofport, 32768U);
  EXPECT_EQ(ovs.vsctl({"get", "interface", "antrea-tun0", "type"}), "vxlan\n");
}

}  // namespace
}  // namespace antrea::node
