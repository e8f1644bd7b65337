#include "antrea/egress/gossip.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>

#include "tests/egress/gossip_peers.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Kind = GossipEvent::Kind;

Keyring ring(std::initializer_list<std::uint8_t> keys) {
  std::vector<Bytes> all;
  for (const auto key : keys) all.emplace_back(32, std::byte{key});
  return *Keyring::create(std::move(all));
}

class GossipSockets : public testing::Test {
 protected:
  GossipPeers peers_;
};

TEST_F(GossipSockets, JoinAndLeave) {
  auto& a = peers_.add(GossipPeers::options("a"));
  auto& b = peers_.add(GossipPeers::options("b"));
  auto& c = peers_.add(GossipPeers::options("c"));
  ASSERT_TRUE(peers_.started().has_value()) << peers_.started().error().to_string();
  ASSERT_EQ(peers_.join(b, a.gossip->endpoint()).value(), 1U);
  ASSERT_EQ(peers_.join(c, b.gossip->endpoint()).value(), 1U);
  ASSERT_TRUE(peers_.eventually([&] {
    return a.counts("c") && b.counts("a") && c.counts("a") && a.gossip->sessions().size() == 2 &&
           std::ranges::all_of(a.gossip->sessions(), &LivenessProbe::Session::up);
  }));
  EXPECT_TRUE(a.saw(Kind::kJoined, "c"));

  peers_.leave(c);
  ASSERT_TRUE(
      peers_.eventually([&] { return a.saw(Kind::kLeft, "c") && b.saw(Kind::kLeft, "c"); }, 2s));
}

TEST_F(GossipSockets, AStoppedMemberIsMissedAndKnowsIt) {
  std::vector<GossipPeers::Peer*> all;
  for (const auto* name : {"a", "b", "c", "d"})
    all.push_back(&peers_.add(GossipPeers::options(name)));
  for (auto* peer : all) peer->gossip->keep_joining({all[0]->gossip->endpoint()});
  ASSERT_TRUE(peers_.eventually([&] {
    return std::ranges::all_of(all, [](const auto* peer) {
      const auto sessions = peer->gossip->sessions();
      return sessions.size() == 3 && std::ranges::all_of(sessions, &LivenessProbe::Session::up);
    });
  }));
  // A second in which they learn how regular their links are.
  const auto until = std::chrono::steady_clock::now() + 1s;
  peers_.eventually([&] { return std::chrono::steady_clock::now() > until; });
  const auto start = std::chrono::steady_clock::now();
  all[3]->gossip->stop();
  ASSERT_TRUE(peers_.eventually([&] {
    return std::ranges::all_of(std::span(all).first(3),
                               [](const auto* peer) { return peer->saw(Kind::kFailed, "d"); });
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s) << "gossip alone takes at least 4 s";
  for (auto* peer : std::span(all).first(3)) EXPECT_FALSE(peer->gossip->cut_off());
}

TEST_F(GossipSockets, KeysRotateWithoutLosingAnybody) {
  auto options = [&](const char* name) {
    auto o = GossipPeers::options(name);
    o.keys = ring({1});
    o.label = "blue";
    return o;
  };
  auto& a = peers_.add(options("a"));
  auto& b = peers_.add(options("b"));
  ASSERT_TRUE(peers_.join(b, a.gossip->endpoint()).has_value());
  ASSERT_TRUE(peers_.eventually([&] { return a.counts("b"); }));
  for (const auto& keys : {ring({1, 2}), ring({2, 1}), ring({2})}) {
    for (auto* peer : {&a, &b}) {
      peer->gossip->set_keys(keys);
      const auto heard = a.gossip->counters().packets_in;
      ASSERT_TRUE(peers_.eventually([&] { return a.gossip->counters().packets_in > heard + 5; }));
    }
  }
  EXPECT_EQ(a.gossip->counters().refused, 0U);
  EXPECT_EQ(b.gossip->counters().refused, 0U);
  EXPECT_EQ(a.state("b"), MemberState::kAlive);
}

TEST_F(GossipSockets, StrangersStayOut) {
  auto with_key = [&](const char* name, std::uint8_t key) {
    auto o = GossipPeers::options(name);
    o.keys = ring({key});
    return o;
  };
  auto& a = peers_.add(with_key("a", 1));
  auto& wrong_key = peers_.add(with_key("wrong", 2));
  auto& plain = peers_.add(GossipPeers::options("plain"));
  auto labelled = with_key("labelled", 1);
  labelled.label = "red";
  auto& other_label = peers_.add(labelled);
  for (auto* stranger : {&wrong_key, &plain, &other_label})
    EXPECT_TRUE(peers_.join(*stranger, a.gossip->endpoint()).has_error());
  EXPECT_EQ(a.gossip->members().size(), 1U);
  EXPECT_EQ(a.gossip->counters().refused, 3U);
}

TEST_F(GossipSockets, EncryptionComesWithoutAGap) {
  // As when upgrading a cluster: first nobody insists, then all encrypt, then all insist.
  auto lenient = [&](const char* name, bool outgoing) {
    auto o = GossipPeers::options(name);
    o.keys = ring({1});
    o.verify_incoming = false;
    o.verify_outgoing = outgoing;
    return o;
  };
  auto& a = peers_.add(lenient("a", false));
  auto& b = peers_.add(lenient("b", true));
  auto& plain = peers_.add(GossipPeers::options("plain"));
  ASSERT_TRUE(peers_.join(b, a.gossip->endpoint()).has_value());
  ASSERT_TRUE(peers_.join(plain, a.gossip->endpoint()).has_value());
  EXPECT_TRUE(
      peers_.eventually([&] { return a.counts("b") && b.counts("a") && a.counts("plain"); }));
}

TEST_F(GossipSockets, SaysWhyItCannotStart) {
  auto& a = peers_.add(GossipPeers::options("a"));
  auto taken = GossipPeers::options("b");
  taken.bind = a.gossip->endpoint();
  peers_.add(taken);
  ASSERT_TRUE(peers_.started().has_error());
  EXPECT_EQ(peers_.started().error().code, Errc::kAlreadyExists);
  peers_.add({.name = "c", .bind = {.port = 0}});
  ASSERT_TRUE(peers_.started().has_error());
  EXPECT_EQ(peers_.started().error().code, Errc::kInvalidArgument);
  const auto nobody = peers_.join(a, {IpAddress::v4(0x7f000001), 1});
  ASSERT_TRUE(nobody.has_error());
  EXPECT_EQ(nobody.error().object, "127.0.0.1:1");
}

// antrea#4469: thousands of members at once, and a handler that asks and tells while it is told.
TEST_F(GossipSockets, AHandlerMayUseTheGossipHoweverMuchHappens) {
  constexpr std::uint32_t kMany = 3000;
  auto& a = peers_.add(GossipPeers::options("a"));
  std::size_t joined = 0, largest = 0;
  a.gossip->on_event([&](const GossipEvent& event) {
    if (event.kind == Kind::kJoined) ++joined;
    if (joined % 100 == 0) {
      largest = std::max(largest, a.gossip->alive().size());
      a.gossip->set_returning(joined % 200 == 0);
      a.gossip->keep_joining({});
    }
  });
  gossip::PushPull all;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    gossip::NodeState record;
    record.name = "stranger" + std::to_string(i);
    record.endpoint = {IpAddress::v4(0x7f010001 + i), 1};
    record.versions = {1, 5, 2, 0, 0, 0};
    record.incarnation = 1;
    all.nodes.push_back(record);
  }
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket tcp(io);
  tcp.connect({boost::asio::ip::make_address("127.0.0.1"), a.gossip->endpoint().port});
  boost::asio::write(tcp, boost::asio::buffer(gossip::encode(all)));
  EXPECT_TRUE(peers_.eventually([&] { return joined >= kMany; })) << joined;
  EXPECT_GT(largest, 1000U);
  auto& b = peers_.add(GossipPeers::options("b"));
  EXPECT_TRUE(peers_.join(b, a.gossip->endpoint()).has_value()) << "it is there for others";
}

TEST_F(GossipSockets, SurvivesAnything) {
  auto& a = peers_.add(GossipPeers::options("a"));
  boost::asio::io_context io;
  boost::asio::ip::udp::socket udp(io, boost::asio::ip::udp::v4());
  const boost::asio::ip::udp::endpoint to(boost::asio::ip::make_address("127.0.0.1"),
                                          a.gossip->endpoint().port);
  for (int type = 0; type < 256; ++type) {
    Bytes packet(64, std::byte(type));
    udp.send_to(boost::asio::buffer(packet), to);
    boost::asio::ip::tcp::socket tcp(io);
    tcp.connect({to.address(), to.port()});
    boost::asio::write(tcp, boost::asio::buffer(packet));
  }
  ASSERT_TRUE(peers_.eventually([&] { return a.gossip->counters().streams_in == 256; }));
  auto& b = peers_.add(GossipPeers::options("b"));
  EXPECT_TRUE(peers_.join(b, a.gossip->endpoint()).has_value());
}

}  // namespace
}  // namespace antrea::egress
