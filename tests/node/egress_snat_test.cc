// With which ports connections leave that leave with an Egress IP: rules in a real kernel.
#include <gmock/gmock.h>

#include "tests/node/egress_host_packets.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;

class EgressSnat : public EgressHostPackets {
 protected:
  void SetUp() override {
    EgressHostPackets::SetUp();
    if (!node) return;
    outside->run({"nft",
                  "table ip seen { counter kept { packets 0 bytes 0 ; } ; "
                  "counter others { packets 0 bytes 0 ; } ; chain input { "
                  "type filter hook input priority 0 ; ip saddr 172.18.0.100 tcp dport 80 "
                  "tcp flags syn jump ports ; } ; chain ports { tcp sport 40000-40007 "
                  "counter name kept accept ; counter name others ; } ; }"});
  }
  std::size_t translate(SnatPorts ports) {
    return apply({.local = {{*IpAddress::parse("172.18.0.100"), 7}}, .ports = ports}).size();
  }
  /// Begins eight connections, which are refused.
  void connect() {
    for (int port = 40000; port < 40008; ++port)
      pod->run(
          {"sh", "-c",
           "! curl -s --max-time 2 --local-port " + std::to_string(port) + " http://172.18.0.9/"});
  }
  std::string seen(const char* counter) {
    return outside->run({"nft", "list", "counter", "ip", "seen", counter});
  }
};

TEST_F(EgressSnat, PortsAreKept) {
  EXPECT_GT(translate(SnatPorts::kKept), 0U);
  connect();
  EXPECT_THAT(seen("kept"), testing::Not(HasSubstr("packets 0 ")));
  EXPECT_THAT(seen("others"), HasSubstr("packets 0 "));
}

TEST_F(EgressSnat, PortsAreAnyWhereThatIsWanted) {
  EXPECT_GT(translate(SnatPorts::kFullyRandom), 0U);
  EXPECT_EQ(translate(SnatPorts::kFullyRandom), 0U) << "the kernel tells it as it was written";
  connect();
  EXPECT_THAT(seen("others"), testing::Not(HasSubstr("packets 0 ")));
  EXPECT_GT(translate(SnatPorts::kKept), 0U);
}

TEST_F(EgressSnat, MarksOfTheHostsOwnPacketsMeanNothing) {  // antrea#3430
  translate(SnatPorts::kKept);
  node->run({"nft",
             "table ip marks { chain output { type route hook output priority mangle ; "
             "oifname uplink meta mark set 7 ; } ; }"});
  outside->run({"nft",
                "table ip from { counter node { packets 0 bytes 0 ; } ; chain input { type filter "
                "hook input priority 0 ; ip saddr 172.18.0.2 icmp type echo-request counter name "
                "node ; } ; }"});
  node->run({"ping", "-c", "1", "-W", "5", "172.18.0.9"});
  EXPECT_THAT(outside->run({"nft", "list", "counter", "ip", "from", "node"}),
              HasSubstr("packets 1 "));
}

TEST_F(EgressSnat, OwnAddressesAreThoseThatUsersGaveToTheNode) {  // antrea#2930
  translate(SnatPorts::kKept);  // puts 172.18.0.100 on the Egress device
  node->run({"ip", "link", "add", "kube-ipvs0", "type", "bridge"});
  node->run({"ip", "addr", "add", "10.96.0.1/32", "dev", "kube-ipvs0"});
  node->run({"ip", "addr", "add", "172.18.0.200/32", "dev", "uplink"});
  node->enter([] {
    auto host = EgressHost::open();
    ASSERT_TRUE(host) << host.error().to_string();
    const auto own = host->own_addresses();
    ASSERT_TRUE(own) << own.error().to_string();
    const auto has = [&](const char* text) { return own->contains(*IpAddress::parse(text)); };
    EXPECT_TRUE(has("172.18.0.200") && has("172.18.0.2") && has("10.10.0.1"));
    EXPECT_FALSE(has("10.96.0.1") || has("172.18.0.100") || has("127.0.0.1"));
  });
}

}  // namespace
}  // namespace antrea::node
