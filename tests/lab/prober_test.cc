#include "antrea/lab/prober.h"

#include <gmock/gmock.h>

#include <thread>

#include "antrea/lab/netlink.h"
#include "antrea/lab/process.h"
#include "antrea/lab/responder.h"
#include "libantrea-lab/sctp.h"
#include "tests/lab/isolated.h"

namespace antrea::lab {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

/// client 10.0.0.1 -- router -- server 10.0.1.1, where a responder answers on 80 (TCP, UDP), 8080
/// (TCP) and 90 (SCTP).
class Path {
 public:
  Result<> build() {
    ANTREA_TRY(client_, make());
    ANTREA_TRY(router_, make());
    ANTREA_TRY(server_, make());
    ANTREA_TRY(Netlink router, Netlink::open(*router_));
    unsigned net = 0;
    for (auto* end : {&client_, &server_}) {
      ANTREA_TRY(Netlink links, Netlink::open(**end));
      const std::string port = net == 0 ? "left" : "right";
      ANTREA_CHECK(router.add_veth(port, "eth0", **end));
      ANTREA_CHECK(router.set_up(port));
      ANTREA_CHECK(router.add_address(port, IpAddress::v4(0x0a0000fe + (net << 8)), 24));
      ANTREA_CHECK(links.set_up("eth0"));
      ANTREA_CHECK(links.add_address("eth0", IpAddress::v4(0x0a000001 + (net << 8)), 24));
      ANTREA_CHECK(
          links.add_route(IpPrefix(IpAddress::v4(0), 0), IpAddress::v4(0x0a0000fe + (net << 8))));
      ++net;
    }
    ANTREA_CHECK(set_sysctl(*router_, "net/ipv4/ip_forward", "1"));
    ANTREA_TRY(responder_, Responder::start(io_, *server_, "default/server", "worker-01",
                                            {{80, Protocol::kTcp},
                                             {80, Protocol::kUdp},
                                             {8080, Protocol::kTcp},
                                             {90, Protocol::kSctp}}));
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }
  ~Path() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<> filter(const std::string& rule) {
    ANTREA_TRY(std::string nft, find_program("nft"));
    ANTREA_CHECK(run_program(
        {.argv = {nft,
                  "flush ruleset; table ip t { chain c { type filter hook forward priority 0; " +
                      rule + "; }; }\n"},
         .view = HostView{.net = router_->fd()}},
        milliseconds(5000)));
    return {};
  }

  ProbeResult probe_one(Protocol protocol, std::uint16_t port,
                        IpAddress to = IpAddress::v4(0x0a000101)) {
    const ProbeRequest request{&*client_, to, port, protocol};
    return probe({&request, 1}, {.timeout = milliseconds(300), .attempts = 2})[0];
  }

  const NetNamespace& server() const { return *server_; }
  boost::asio::io_context& io() { return io_; }

 private:
  static Result<std::optional<NetNamespace>> make() {
    ANTREA_TRY(NetNamespace made, NetNamespace::create());
    return std::optional(std::move(made));
  }
  std::optional<NetNamespace> client_;
  std::optional<NetNamespace> router_;
  std::optional<NetNamespace> server_;
  boost::asio::io_context io_;
  std::unique_ptr<Responder> responder_;
  std::thread thread_;
};

struct Case {
  const char* name;
  Protocol protocol;
  std::uint16_t port;
  const char* rule;  ///< in the router's forward chain
  Outcome outcome;
  const char* reason;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

constexpr const char* kNone = "accept";
constexpr Case kCases[] = {
    {"TcpAnswered", Protocol::kTcp, 80, kNone, Outcome::kAllowed, "answered"},
    {"TcpNobodyListens", Protocol::kTcp, 81, kNone, Outcome::kRejected, "RST"},
    {"TcpDropped", Protocol::kTcp, 80, "tcp dport 80 drop", Outcome::kDropped, "no answer"},
    {"TcpAnswerDropped", Protocol::kTcp, 80, "tcp sport 80 drop", Outcome::kDropped, "no answer"},
    {"TcpReset", Protocol::kTcp, 80, "tcp dport 80 reject with tcp reset", Outcome::kRejected,
     "RST"},
    {"TcpUnreachable", Protocol::kTcp, 80, "tcp dport 80 reject with icmp type admin-prohibited",
     Outcome::kRejected, "ICMP communication prohibited from 10.0.0.254"},
    {"TcpOtherPortDropped", Protocol::kTcp, 8080, "tcp dport 80 drop", Outcome::kAllowed,
     "answered"},
    {"TcpDataDropped", Protocol::kTcp, 80, "tcp dport 80 tcp flags & psh == psh drop",
     Outcome::kError, "connected, but no answer came"},
    {"UdpAnswered", Protocol::kUdp, 80, kNone, Outcome::kAllowed, "answered"},
    {"UdpNobodyListens", Protocol::kUdp, 81, kNone, Outcome::kRejected,
     "ICMP port unreachable from 10.0.1.1"},
    {"UdpDropped", Protocol::kUdp, 80, "udp dport 80 drop", Outcome::kDropped, "no answer"},
    {"UdpUnreachable", Protocol::kUdp, 80, "udp dport 80 reject with icmp type host-prohibited",
     Outcome::kRejected, "ICMP host prohibited from 10.0.0.254"},
    {"SctpAnswered", Protocol::kSctp, 90, kNone, Outcome::kAllowed, "INIT-ACK"},
    {"SctpNobodyListens", Protocol::kSctp, 91, kNone, Outcome::kRejected, "ABORT"},
    {"SctpDropped", Protocol::kSctp, 90, "sctp dport 90 drop", Outcome::kDropped, "no answer"},
    {"SctpUnreachable", Protocol::kSctp, 90, "sctp dport 90 reject with icmp type host-prohibited",
     Outcome::kRejected, "ICMP host prohibited from 10.0.0.254"},
};

class ProberTells : public testing::TestWithParam<Case> {};

TEST_P(ProberTells, WhatBecameOfTheProbe) {
  const Case& c = GetParam();
  isolated([&] {
    Path path;
    ASSERT_OK(path.build());
    ASSERT_OK(path.filter(c.rule));
    const ProbeResult got = path.probe_one(c.protocol, c.port);
    EXPECT_EQ(to_string(got.outcome), to_string(c.outcome)) << got.reason;
    EXPECT_EQ(got.reason, c.reason);
    if (c.outcome == Outcome::kAllowed && c.protocol != Protocol::kSctp) {
      EXPECT_EQ(got.answer, "default/server worker-01 10.0.0.1");
    }
    if (c.outcome == Outcome::kDropped) {
      EXPECT_EQ(got.attempts, 2U);
    }
  });
}
INSTANTIATE_TEST_SUITE_P(Path, ProberTells, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Prober, SaysWhatItCouldNotTell) {
  isolated([] {
    auto alone = NetNamespace::create();
    ASSERT_OK(alone);
    const ProbeRequest request{&*alone, IpAddress::v4(0x0a000001), 80, Protocol::kTcp};
    const auto got = probe({&request, 1}, {})[0];
    EXPECT_EQ(to_string(got.outcome), "error");
    EXPECT_EQ(got.reason, "no route to 10.0.0.1");
  });
}

// A router that has no such neighbour says so; the answer of our own kernel about its own neighbour
// would not be one.
TEST(Prober, TellsAnUnreachableHostFromAnUnreachableRouter) {
  isolated([] {
    Path path;
    ASSERT_OK(path.build());
    const ProbeRequest request{&path.server(), IpAddress::v4(0x0a000163), 80, Protocol::kTcp};
    const auto got = probe({&request, 1}, {.timeout = milliseconds(5000), .attempts = 1})[0];
    EXPECT_EQ(to_string(got.outcome), "error");
    EXPECT_EQ(got.reason, "the next hop does not answer address resolution");
  });
}

TEST(Prober, RepeatsOnlySilence) {
  isolated([] {
    Path path;
    ASSERT_OK(path.build());
    // The first packet of a flow is lost, later ones pass.
    ASSERT_OK(
        path.filter("tcp flags & (syn | ack) == syn limit rate over 1/hour burst 1 packets accept; "
                    "tcp flags & (syn | ack) == syn drop"));
    const auto got = path.probe_one(Protocol::kTcp, 80);
    EXPECT_EQ(to_string(got.outcome), "allowed") << got.reason;
    EXPECT_EQ(got.attempts, 2U);
  });
}

TEST(Prober, KeepsTheOrderOfManyProbes) {
  isolated([] {
    Path path;
    ASSERT_OK(path.build());
    std::vector<ProbeRequest> requests;
    for (int i = 0; i < 60; ++i) {
      const auto protocol = i % 3 == 0 ? Protocol::kUdp : Protocol::kTcp;
      requests.push_back({&path.server(), IpAddress::v4(0x0a000101),
                          static_cast<std::uint16_t>(i % 2 == 0 ? 80 : 81), protocol});
    }
    const auto got = probe(requests, {.concurrency = 7});
    ASSERT_EQ(got.size(), requests.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_EQ(to_string(got[i].outcome), i % 2 == 0 ? "allowed" : "rejected") << i;
  });
}

TEST(Responder, SpeaksHttpToThoseWhoAskSo) {
  isolated([] {
    Path path;
    ASSERT_OK(path.build());
    auto curl = find_program("curl");
    if (curl.has_error()) GTEST_SKIP() << "no curl";
    auto got = run_program({.argv = {*curl, "-sS", "--max-time", "5", "http://10.0.1.1:8080/"},
                            .env = {"http_proxy="},
                            .view = HostView{.net = path.server().fd()}},
                           milliseconds(10'000));
    ASSERT_OK(got);
    EXPECT_EQ(*got, "default/server worker-01 10.0.1.1\n");
  });
}

TEST(Responder, NamesATakenPort) {
  isolated([] {
    Path path;
    ASSERT_OK(path.build());
    auto second = Responder::start(path.io(), path.server(), "x", "y", {{80, Protocol::kTcp}});
    ASSERT_TRUE(second.has_error());
    EXPECT_THAT(second.error().to_string(), HasSubstr("port 80"));
  });
}

TEST(Sctp, DecodesWhatItEncodes) {
  const auto bytes = sctp::encode({.source = 1,
                                   .destination = 2,
                                   .tag = 3,
                                   .type = sctp::ChunkType::kInitAck,
                                   .initiate_tag = 4});
  const auto packet = sctp::decode(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->source, 1);
  EXPECT_EQ(packet->destination, 2);
  EXPECT_EQ(packet->tag, 3U);
  EXPECT_EQ(packet->initiate_tag, 4U);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto broken = bytes;
    broken[i] ^= std::byte{0x10};
    EXPECT_FALSE(sctp::decode(broken)) << i;
    EXPECT_FALSE(sctp::decode(std::span(bytes).first(i))) << i;
  }
}

}  // namespace
}  // namespace antrea::lab
