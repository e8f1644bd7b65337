// Who answers for addresses that move: the kernel and `egress::Announcer`, on a real link.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "antrea/egress/announcer.h"
#include "tests/addresses.h"
#include "tests/node/lab.h"
#include "tests/node/neighbour.h"

namespace antrea::node {
namespace {

using testing::HasSubstr;

/// Speaks for addresses in a namespace for as long as this lives.
class Speaker {
 public:
  Speaker(const lab::Namespace& where, std::string interface, std::set<IpAddress> addresses)
      : thread_([this, &where, interface, addresses] {
          where.enter([&] { speak(interface, addresses); });
        }) {
    EXPECT_TRUE(lab::eventually([this] { return ready_.load(); }));
  }
  ~Speaker() {
    io_.stop();
    thread_.join();
  }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;
  std::uint64_t contradicted() const { return contradicted_; }

 private:
  void speak(const std::string& interface, const std::set<IpAddress>& addresses) {
    auto announcer = egress::Announcer::open(io_.get_executor(), interface);
    ASSERT_TRUE(announcer) << announcer.error().to_string();
    (*announcer)->set(addresses);
    boost::asio::co_spawn(io_, (*announcer)->run(), boost::asio::detached);
    ready_ = true;
    while (!io_.stopped()) {
      io_.run_one();
      contradicted_ = (*announcer)->counters().contradicted;
    }
  }

  boost::asio::io_context io_;
  std::atomic<bool> ready_ = false;
  std::atomic<std::uint64_t> contradicted_ = 0;
  std::thread thread_;
};

class AnnouncerPackets : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab::isolate()) GTEST_SKIP() << "network namespaces are not allowed here";
    node.emplace();
    client.emplace();
    node->run({"ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(client->pid())});
    node->run({"ip", "link", "add", "antrea-egress0", "type", "bridge"});
    for (const char* const link : {"lo", "uplink", "antrea-egress0"})
      node->run({"ip", "link", "set", link, "up"});
    client->run({"ip", "link", "set", "eth0", "up"});
    node->run({"ip", "addr", "add", "172.18.0.2/24", "dev", "uplink"});
    node->run({"ip", "addr", "add", "fd18::2/64", "dev", "uplink", "nodad"});
    client->run({"ip", "addr", "add", "172.18.0.9/24", "dev", "eth0"});
    client->run({"ip", "addr", "add", "fd18::9/64", "dev", "eth0", "nodad"});
    node->run({"ip", "addr", "add", "172.18.0.100/32", "dev", "antrea-egress0"});
    node->run({"ip", "addr", "add", "fd18::100/128", "dev", "antrea-egress0", "nodad"});
    ASSERT_TRUE(lab::eventually([&] { return answered("fd18::2"); })) << "the link itself";
  }

  /// Whether somebody tells the client a MAC for the address when it asks.
  bool answered(const std::string& address) { return neighbour_answers(*client, address); }

  const std::set<IpAddress> egress_ips{ip("172.18.0.100"), ip("fd18::100")};
  std::optional<lab::Namespace> node, client;
};

TEST_F(AnnouncerPackets, OfIpv6ItAnswersWhatTheKernelDoesNot) {  // antrea#3318
  EXPECT_TRUE(answered("172.18.0.100"));
  EXPECT_FALSE(answered("fd18::100")) << "it is on another interface";
  const Speaker speaker(*node, "uplink", egress_ips);
  EXPECT_TRUE(answered("fd18::100"));
  EXPECT_TRUE(answered("172.18.0.100"));
  EXPECT_FALSE(answered("fd18::101"));
  EXPECT_THAT(client->run({"ping", "-6", "-c", "1", "-W", "5", "fd18::100"}),
              HasSubstr("1 received"));
}

TEST_F(AnnouncerPackets, OfIpv4ItAnswersWhereTheKernelMayNot) {  // antrea#3837
  node->run({"sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"});
  EXPECT_FALSE(answered("172.18.0.100")) << "as IPVS wants it";
  const Speaker speaker(*node, "uplink", egress_ips);
  EXPECT_TRUE(answered("172.18.0.100"));
  EXPECT_TRUE(answered("172.18.0.2"));
  EXPECT_FALSE(answered("172.18.0.101"));
}

TEST_F(AnnouncerPackets, WhoeverClaimsAnAddressIsContradicted) {  // antrea#5127
  const Speaker speaker(*node, "uplink", egress_ips);
  const auto mac_of = [](lab::Namespace& where, const char* link) {
    const std::string text = where.run({"ip", "-o", "link", "show", link});
    return text.substr(text.find("link/ether ") + 11, 17);
  };
  // A third host, which another one's claim would lead astray.
  lab::Namespace third;
  client->run({"ip", "link", "add", "other", "type", "veth", "peer", "name", "eth0", "netns",
               std::to_string(third.pid())});
  client->run({"ip", "link", "add", "segment", "type", "bridge"});
  for (const char* const link : {"eth0", "other"})
    client->run({"ip", "link", "set", link, "master", "segment", "up"});
  client->run({"ip", "link", "set", "segment", "up"});
  third.run({"ip", "addr", "add", "172.18.0.10/24", "dev", "eth0"});
  third.run({"ip", "link", "set", "eth0", "up"});
  const auto known = [&] { return third.run({"ip", "neighbour", "show", "172.18.0.100"}); };
  ASSERT_TRUE(lab::eventually([&] {
    third.run({"sh", "-c", "ping -c 1 -W 1 172.18.0.100 >/dev/null; true"});
    return known().find(mac_of(*node, "uplink")) != std::string::npos;
  })) << known();
  const auto before = speaker.contradicted();
  const Speaker claimant(*client, "segment", {ip("172.18.0.100")});
  EXPECT_TRUE(lab::eventually([&] { return speaker.contradicted() > before; }));
  // The one who owns it says so again, behind each claim.
  EXPECT_TRUE(lab::eventually([&] {
    return known().find(mac_of(*node, "uplink")) != std::string::npos;
  })) << known();
}

}  // namespace
}  // namespace antrea::node
